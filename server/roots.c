/* SPDX-License-Identifier: GPL-3.0-or-later
 * roots.c - folders that a section's configuration names, as descriptors for its process.
 *
 * A service's own user may not be let through the folders above (a home, a checkout below /root).
 * So the supervisor opens what the section's path options name, and nothing else, and sends it
 * (M_OPENED) before the section is prepared. What is no folder, or not there, is left to the
 * service to say. Promise: nothing that a service says leads to an open.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervisor.h"

void opened_tell(struct supervisor *s, struct process *p, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) return;
    message_begin(&s->out, M_OPENED);
    message_put_text(&s->out, gyre_str(path));
    process_tell(s, p, fd);
    (void)close(fd);
}

void roots_tell(struct supervisor *s, struct process *p, const struct instance *in)
{
    const struct plugin_info *info = in->module->info;
    char why[PROBLEM_TEXT];
    for (size_t i = 0; i < info->options_n; i++) {
        const struct option_info *o = &info->options[i];
        struct option_value value = {0};
        bool some = false;
        if ((o->kind & ~(uint32_t)GYRE_LIST) != GYRE_PATH) continue;
        for (size_t j = 0; j < in->conf->entries_n; j++) {
            const struct entry *e = &in->conf->entries[j];
            if (strcmp(e->key, o->name) != 0) continue;
            some = true;
            if (option_entry(o, e, &value, why, sizeof why))
                opened_tell(s, p, value.text, O_PATH | O_DIRECTORY);
            free(value.text);
            value.text = NULL;
        }
        if (some || !o->preset || o->kind & GYRE_LIST) continue;
        if (option_given(o, in->conf->entries, in->conf->entries_n, o->preset, &value, why,
                         sizeof why))
            opened_tell(s, p, value.text, O_PATH | O_DIRECTORY);
        free(value.text);
    }
}

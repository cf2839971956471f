/* SPDX-License-Identifier: GPL-3.0-or-later
 * jailed.c - what closes each service in, as its process told it, for gyrectl sandbox.
 *
 * The message is untrusted like any other: keys are of [a-z_], words are escaped, numbers bounded
 * by what the message holds; it is told once. Promise: a wrong one ends that process.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

static bool good_key(gyre_view key)
{
    if (!key.n || key.n > LIMIT_NAME) return false;
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] != '_' && (key.p[i] < 'a' || key.p[i] > 'z')) return false;
    return true;
}

/* The row as a member of an object. */
static bool take_row(struct message *m, FILE *f, bool first)
{
    gyre_view key = message_get_text(m);
    uint64_t n = message_get_number(m);
    if (m->in.bad || !good_key(key)) return false;
    (void)fprintf(f, "%s\"%.*s\": [", first ? "" : ", ", (int)key.n, (const char *)key.p);
    for (uint64_t i = 0; i < n; i++) {
        gyre_view word = message_get_text(m);
        if (m->in.bad) return false; /* also ends a number that the message does not hold */
        char *text = text_of("%.*s", (int)word.n, word.n ? (const char *)word.p : "");
        (void)fputs(i ? ", " : "", f);
        json_text(f, text);
        free(text);
    }
    (void)fputs("]", f);
    return true;
}

bool jailed_take(struct process *p, struct message *m)
{
    size_t n = 0;
    char *text = NULL;
    bool good = !p->jailed;
    FILE *f = need_memory(open_memstream(&text, &n));
    (void)fputs("{", f);
    for (bool first = true; good && !gyre_end(&m->in); first = false)
        good = take_row(m, f, first);
    (void)fputs("}", f);
    (void)fclose(f);
    if (good) p->jailed = text;
    else free(text);
    return good;
}

bool jailed_json(const struct supervisor *s, const char *service, FILE *f)
{
    const struct process *found = NULL;
    for (const struct process *p = s->processes; p; p = p->next)
        if (strcmp(p->name, service) == 0 && p->state == READY) found = p;
    if (!found) return false;
    (void)fputs("{\"service\": ", f);
    json_text(f, found->name);
    (void)fprintf(f, ", \"generation\": %u, \"pid\": %d, \"sandbox\": %s}\n", found->generation,
                  (int)found->pid, found->jailed ? found->jailed : "null");
    return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * proposal_write.c - the last step of a proposal before it is in force: it becomes the file.
 *
 * First the new text beside the file, then the history, then the file itself, each on the disk
 * before the next. Promise: what fails takes back what was done before it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proposal.h"
#include "safe.h"
#include "supervisor.h"

/* A new file is for those who may read all others. */
static mode_t mode_of_new(const struct supervisor *s, const char *folder)
{
    const struct config *config = s->plan ? s->plan->config : NULL;
    mode_t mode = 0644;
    for (size_t i = 0; config && i < config->files_n; i++) {
        struct stat st;
        char *path = text_of("%s/%s", folder, config->files[i].name);
        if (stat(path, &st) == 0) mode &= st.st_mode;
        free(path);
    }
    return mode | 0600;
}

/* Is it still what the draft was made of? */
static bool is_as_read(const char *path, const struct version_of_file *old)
{
    char why[PROBLEM_TEXT];
    gyre_view now;
    if (access(path, F_OK) != 0) return errno == ENOENT && !old->there;
    if (!old->there || !safe_read(path, LIMIT_CONF_FILE, NULL, &now, why, sizeof why)) return false;
    bool same = gyre_eq(now, old->text);
    safe_free(now);
    return same;
}

static uint64_t note(const char *folder, const struct history_entry *e, char *why, size_t why_n)
{
    struct history_entry now = *e;
    now.when_s = (int64_t)time(NULL);
    return history_add(folder, &now, why, why_n);
}

/* Draft and history are there: the file itself. */
static bool put_in_place(struct supervisor *s, struct proposal *p, const char *folder,
                         struct replacement *r, char *why, size_t why_n)
{
    const struct history_entry entry = {.undoes = p->undone, .uid = p->uid, .what = p->what,
                                        .file = p->file, .before = p->old, .after = p->new};
    char in_history[PROBLEM_TEXT];
    p->number = note(folder, &entry, in_history, sizeof in_history);
    if (!p->number) {
        (void)snprintf(why, why_n, "no history can be kept, so nothing could be undone: %s",
                       in_history);
        replace_drop(r);
        return false;
    }
    if (replace_end(r, why, why_n)) {
        watch_skip(&s->watch, p->file);
        return true;
    }
    history_take_back(folder, p->number);
    p->number = 0;
    return false;
}

bool proposal_write(struct supervisor *s, struct proposal *p, struct problems *problems)
{
    char why[2 * PROBLEM_TEXT] = "no memory";
    char *folder = proposal_folder(s);
    char *path = folder ? text_of("%s/%s", folder, p->file) : NULL;
    struct replacement r;
    bool good = false;
    if (!folder) {
        (void)snprintf(why, sizeof why, "%s", strerror(errno));
    } else if (!is_as_read(path, &p->old)) {
        p->overtaken = true;
        (void)snprintf(why, sizeof why, "was changed by somebody else meanwhile: ask again");
    } else {
        good = p->new.there ? replace_begin(&r, path, p->new.text, mode_of_new(s, folder), why,
                                            sizeof why)
                            : replace_begin_gone(&r, path, why, sizeof why);
        good = good && put_in_place(s, p, folder, &r, why, sizeof why);
    }
    if (!good) problem_add(problems, false, p->file, "%s", why);
    free(path);
    free(folder);
    return good;
}

/* ---- what was edited by hand ---- */

static void note_file(const char *folder, const char *name, struct version_of_file before,
                      struct version_of_file after)
{
    char why[2 * PROBLEM_TEXT], file[LIMIT_NAME], what[] = "edited by hand";
    if (before.there == after.there && gyre_eq(before.text, after.text)) return;
    (void)snprintf(file, sizeof file, "%s", name);
    const struct history_entry entry = {.uid = -1, .what = what, .file = file, .before = before,
                                        .after = after};
    if (!note(folder, &entry, why, sizeof why)) log_debug("no history of %s: %s", name, why);
}

static struct version_of_file version_in(const struct config *config, const char *name)
{
    const struct conf_file *file = config_file(config, name);
    return (struct version_of_file){file, file ? file->text : GYRE_NOTHING};
}

void history_note(struct supervisor *s, const struct config *now, const struct proposal *or_null)
{
    const struct config *before = s->plan->config;
    char *folder = before->files_n ? proposal_folder(s) : NULL; /* not after a takeover */
    if (!folder) return;
    for (size_t i = 0; i < before->files_n + now->files_n; i++) {
        bool old = i < before->files_n;
        const char *name = old ? before->files[i].name : now->files[i - before->files_n].name;
        if (!old && config_file(before, name)) continue;
        bool own = or_null && strcmp(or_null->file, name) == 0;
        note_file(folder, name, version_in(before, name),
                  own ? or_null->old : version_in(now, name));
    }
    free(folder);
}

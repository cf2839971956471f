/* SPDX-License-Identifier: GPL-3.0-or-later
 * proposal.c - changes that gyrectl asks for, from the line they wait in to their answer.
 *
 * A proposal becomes a draft of one file: its edit made on the text as it is on disk now, or what
 * undoes a change of the history. One that is wrong, or changes nothing, is answered here.
 * Limit: LIMIT_CONTROL_CLIENTS of them; the draft is made anew TRIES_MOST times.
 */
#include "proposal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "safe.h"
#include "supervisor.h"

enum { TRIES_MOST = 3 };

/* ---- their lives ---- */

static void wipe(char *text)
{
    if (text) explicit_bzero(text, strlen(text));
    free(text);
}

/* Forgets what it has come to. */
static void forget_draft(struct proposal *p)
{
    safe_free(p->old.text);
    safe_free(p->new.text);
    free(p->file);
    p->old = p->new = (struct version_of_file){0};
    p->file = NULL;
    p->line = 0;
    p->fresh = p->overtaken = false;
    problems_free(&p->problems);
}

void proposal_free(struct proposal *p)
{
    forget_draft(p);
    for (size_t i = 0; i < p->edit.n; i++) {
        wipe((char *)(uintptr_t)p->pairs[i].key);
        wipe((char *)(uintptr_t)p->pairs[i].value);
    }
    free(p->pairs);
    wipe(p->before);
    free(p->section);
    free(p->what);
    free(p);
}

static void answer(struct supervisor *s, struct proposal *p, bool ok, const struct problems *all)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = need_memory(open_memstream(&text, &n));
    (void)fprintf(f, "{\"ok\": %s, \"number\": ", ok ? "true" : "false");
    if (p->number) (void)fprintf(f, "%" PRIu64, p->number);
    else (void)fputs("null", f);
    (void)fputs(", \"what\": ", f);
    json_text(f, p->what);
    (void)fputs(", \"file\": ", f);
    json_text(f, p->file);
    (void)fprintf(f, ", \"line\": %u, \"problems\": ", p->line);
    problems_json(all, f);
    (void)fputs("}\n", f);
    (void)fclose(f);
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd >= 0 && c->state == CLIENT_WAITS_PROPOSAL && c->proposal == p)
            client_answer(c, text);
    }
    free(text);
    if (!ok)
        log_info("refused to user %" PRId64 ": %s: %s", p->uid, p->what,
                 all->n ? all->at[0].text : "");
    else if (p->number)
        log_info("change %" PRIu64 ", asked for by user %" PRId64 ": %s", p->number, p->uid,
                 p->what);
}

/* The first one has its answer. */
static void end_first(struct supervisor *s, bool ok, const struct problems *all)
{
    struct proposal *p = s->proposals.first;
    answer(s, p, ok, all);
    s->proposals.first = p->next;
    proposal_free(p);
}

void proposal_ask(struct supervisor *s, struct client *c, struct proposal *p)
{
    struct proposal **last = &s->proposals.first;
    while (*last) last = &(*last)->next;
    *last = p;
    p->uid = c->uid;
    c->proposal = p;
    c->state = CLIENT_WAITS_PROPOSAL;
    c->deadline_ms = INT64_MAX;
}

void proposals_end(struct supervisor *s)
{
    while (s->proposals.first) {
        struct proposal *p = s->proposals.first;
        if (!p->number) problem_add(&p->problems, false, NULL, "it is stopping");
        end_first(s, p->number != 0, &p->problems);
    }
}

/* ---- the draft ---- */

char *proposal_folder(const struct supervisor *s)
{
    struct stat st;
    const char *slash = strrchr(s->conf, '/');
    if (stat(s->conf, &st) != 0) return NULL;
    if (S_ISDIR(st.st_mode)) return realpath(s->conf, NULL);
    char *folder = slash ? text_of("%.*s/.", (int)(slash - s->conf), s->conf) : text_of(".");
    char *real = realpath(folder, NULL);
    free(folder);
    return real;
}

struct conf_draft proposal_draft(const struct proposal *p)
{
    return (struct conf_draft){p->file, p->new.text, !p->new.there};
}

static gyre_view copy_of(gyre_view text)
{
    uint8_t *copy = need_memory(malloc(text.n + 1));
    if (text.n) memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return GYRE_MAKE(gyre_view, copy, text.n);
}

static bool refuse(struct proposal *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct proposal *p, const char *fmt, ...)
{
    char text[PROBLEM_TEXT];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    problem_add(&p->problems, false, NULL, "%s", text);
    return false;
}

/* Where a section that is not there yet goes: to others of its plugin, to a file that is named for
 * it, or to a new one. */
static char *file_for(const struct supervisor *s, const struct config *config, const char *plugin)
{
    struct stat st;
    const char *found = NULL, *slash = strrchr(s->conf, '/');
    if (stat(s->conf, &st) == 0 && !S_ISDIR(st.st_mode))
        return text_of("%s", slash ? slash + 1 : s->conf);
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->sections[i].plugin, plugin) == 0) found = config->sections[i].where;
    if (found) return text_of("%.*s", (int)(strrchr(found, ':') - found), found);
    for (size_t i = 0; i < config->files_n; i++) {
        const char *name = config->files[i].name, *rest = name + strspn(name, "0123456789-_");
        size_t n = strlen(plugin);
        if (strncmp(rest, plugin, n) == 0 && strcmp(rest + n, ".ini") == 0)
            return text_of("%s", name);
    }
    return text_of("%d-%.*s.ini", strcmp(plugin, "server") == 0 ? 10 : 20, LIMIT_NAME - 9, plugin);
}

static bool no_section(struct proposal *p, const struct config *config)
{
    struct nearest near = {.word = p->section};
    for (size_t i = 0; i < config->n; i++) nearest_try(&near, config->sections[i].name);
    if (near.name)
        return refuse(p, "no section [%s], did you mean [%s]?", p->section, near.name);
    return refuse(p, "no section [%s]%s", p->section,
                  p->edit.kind == EDIT_SET ? ": 'gyrectl add' makes one" : "");
}

/* false: problems say why. */
static bool draft_edit(struct supervisor *s, struct proposal *p, const struct config *config)
{
    const struct conf_section *section = config_section(config, p->section);
    const struct conf_file *file;
    struct edit edit = p->edit;
    struct edited made;
    if (!section && (edit.kind == EDIT_ADD || edit.kind == EDIT_SECTION)) {
        struct conf_section name = {0};
        const char *why = conf_section_split(p->section, &name);
        if (!why) p->file = file_for(s, config, name.plugin);
        conf_section_free(&name);
        if (why) return refuse(p, "[%s]: %s", p->section, why);
        edit.kind = EDIT_SECTION;
        p->fresh = true;
    } else if (!section) {
        return no_section(p, config);
    } else {
        p->file = text_of("%.*s", (int)(strrchr(section->where, ':') - section->where),
                          section->where);
    }
    file = config_file(config, p->file);
    p->old.there = file;
    if (file) p->old.text = copy_of(file->text);
    edit.section = p->section;
    if (!edit_text(p->file, p->old.text, &edit, &made, &p->problems)) return false;
    p->new = (struct version_of_file){true, made.text};
    p->line = made.line;
    return true;
}

/* The first line in which two texts differ; 0: they do not. */
static uint32_t first_difference(gyre_view a, gyre_view b)
{
    uint32_t line = 1;
    size_t i = 0;
    for (; i < a.n && i < b.n && a.p[i] == b.p[i]; i++) line += a.p[i] == '\n';
    return i == a.n && i == b.n ? 0 : line;
}

/* What the file was before the change, as far as it is as the change left it. */
static bool take_back(struct proposal *p, const struct history_entry *e)
{
    if (!p->old.there && e->after.there)
        return refuse(p, "%s is not there any more", p->file);
    if (p->old.there && !e->after.there)
        return refuse(p, "%s is there again", p->file);
    bool as_before = p->old.there && e->before.there && gyre_eq(p->old.text, e->before.text);
    if (as_before || !p->old.there) { /* by hand, or the power failed before it came about */
        p->new = (struct version_of_file){true, copy_of(e->before.text)};
    } else if (!e->before.there && gyre_eq(p->old.text, e->after.text)) {
        p->new.there = false; /* the change had made the file */
    } else {
        p->new.there = merge_text(e->after.text, e->before.text, p->old.text, &p->new.text);
        if (!p->new.there)
            return refuse(p, "%s: lines that change %" PRIu64 " touched are not as it left them: "
                             "mend the file by hand, or undo later changes first",
                          p->file, e->number);
    }
    p->line = p->old.there && p->new.there ? first_difference(p->old.text, p->new.text) : 1;
    return true;
}

static bool draft_undo(struct supervisor *s, struct proposal *p, const struct config *config)
{
    char why[PROBLEM_TEXT];
    char *folder = proposal_folder(s);
    struct history_entry e;
    if (!folder) return refuse(p, "%s: %s", s->conf, strerror(errno));
    uint64_t number = p->undoes ? p->undoes : history_last(folder);
    bool good = false;
    if (!number) {
        (void)refuse(p, "nothing is left to be undone: 'gyrectl history' shows all changes");
    } else if (!history_read(folder, number, &e, why, sizeof why)) {
        (void)refuse(p, "%s", why);
    } else {
        const struct conf_file *file = config_file(config, e.file);
        free(p->what);
        p->what = text_of("undo %" PRIu64, number);
        p->undone = number;
        p->file = text_of("%s", e.file);
        p->old.there = file;
        if (file) p->old.text = copy_of(file->text);
        good = take_back(p, &e);
        history_entry_free(&e);
    }
    free(folder);
    return good;
}

static bool make_draft(struct supervisor *s, struct proposal *p)
{
    struct config *config = config_read(s->conf, &p->problems);
    bool good = config && (p->is_undo ? draft_undo : draft_edit)(s, p, config);
    config_free(config);
    return good;
}

/* ---- one after another ---- */

void proposals_turn(struct supervisor *s)
{
    struct proposal *p;
    while (s->reload.stage == STAGE_IDLE && !s->stopping && (p = s->proposals.first)) {
        bool good = make_draft(s, p);
        if (good && p->line) reload_propose(s, p);
        else end_first(s, good, &p->problems);
    }
}

void proposal_done(struct supervisor *s, bool done, const struct problems *all)
{
    struct proposal *p = s->proposals.first;
    if (!done && p->overtaken && ++p->tries < TRIES_MOST) {
        forget_draft(p);
        return;
    }
    end_first(s, done, all);
}

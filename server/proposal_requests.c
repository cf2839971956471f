/* SPDX-License-Identifier: GPL-3.0-or-later
 * proposal_requests.c - what gyrectl asks for about the configuration: from words to a proposal,
 * and what is to be read.
 *
 *   set SECTION KEY=VALUE…      the key has these values, and no others
 *   add SECTION [KEY=VALUE…] [--first | --before VALUE]
 *                               one more value of each key; a section that is not there is made
 *   remove SECTION [KEY[=VALUE]…]   values, keys, or the section
 *   undo [NUMBER]               the last change, or that one
 *     answers when it is done:  {"ok": bool, "number": of the change or null: nothing differs,
 *                               "what": …, "file": …, "line": …, "problems": as for reload}
 *   history [N]                 {"changes": [{"number", "when", "uid", "what", "file", "undoes"}]}
 *                               the newest first, at most N; uid null: edited by hand
 *   get SECTION [KEY]           {"key": KEY or null, "section": as in config}
 * Values are as they stand in a file: ${NAME} and @file mean what they mean there.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proposal.h"
#include "supervisor.h"

enum { WHAT_MOST = 1024 };

/* "http  two" with one space; as it is, if it is no name. */
static char *section_name(const char *word)
{
    struct conf_section s = {0};
    char *name = text_of("%s", conf_section_split(word, &s) ? word : s.name);
    conf_section_free(&s);
    return name;
}

/* For people and for the history: without secrets, and not for ever. */
static char *describe(const struct supervisor *s, const char *section, char **word)
{
    uint8_t space[WHAT_MOST];
    gyre_out out = GYRE_OUT(space);
    char *plugin = text_of("%.*s", (int)strcspn(section, " \t"), section);
    bool masked = false; /* what follows --before may be a secret, too */
    for (size_t i = 0; word[i] && !out.full; i++) {
        const char *equals = i > 1 ? strchr(word[i], '=') : NULL;
        char *key = equals ? text_of("%.*s", (int)(equals - word[i]), word[i]) : NULL;
        bool secret = key && strncmp(key, "--", 2) != 0 && key_is_secret(s, plugin, key);
        char *shown = secret ? text_of("%s=***", key) : text_of("%s", masked ? "***" : word[i]);
        size_t n = out.n;
        words_put(&out, shown);
        if (out.full) out.n = n;
        masked = strcmp(word[i], "--before") == 0;
        free(shown);
        free(key);
    }
    char *text = text_of("%.*s%s", (int)out.n, (const char *)space, out.full ? " …" : "");
    free(plugin);
    return text;
}

static struct proposal *make(const struct supervisor *s, enum edit_kind kind, char **word)
{
    struct proposal *p = need_memory(calloc(1, sizeof *p));
    p->edit.kind = kind;
    p->section = section_name(word[1]);
    p->what = describe(s, p->section, word);
    p->pairs = need_memory(calloc(LIMIT_CONTROL_WORDS, sizeof *p->pairs));
    p->edit.pairs = p->pairs;
    return p;
}

/* "key=value"; bare: the key may stand alone. false: it is none. */
static bool add_pair(struct proposal *p, const char *word, bool bare)
{
    const char *equals = strchr(word, '=');
    if (!equals && !bare) return false;
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    while (n && (word[n - 1] == ' ' || word[n - 1] == '\t')) n--;
    if (equals) equals += 1 + strspn(equals + 1, " \t"); /* people write "root = /srv", too */
    p->pairs[p->edit.n++] = (struct edit_pair){
        text_of("%.*s", (int)n, word), equals ? text_of("%s", equals) : NULL};
    return true;
}

static void give_up(struct proposal *p, const char *why, FILE *f)
{
    error_json(f, why);
    proposal_free(p);
}

/* Why none can be made now, or NULL. */
static const char *why_not(const struct supervisor *s)
{
    if (s->stopping) return "it is stopping";
    if (s->upgrade.stage != UPGRADE_NONE)
        return "an upgrade is under way: ask again when it is done";
    return NULL;
}

static void ask(struct supervisor *s, struct client *c, struct proposal *p, FILE *f)
{
    const char *why = why_not(s);
    if (why) give_up(p, why, f);
    else proposal_ask(s, c, p);
}

void request_set(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    struct proposal *p = make(s, EDIT_SET, word);
    for (size_t i = 2; word[i]; i++)
        if (!add_pair(p, word[i], false)) {
            give_up(p, "set SECTION KEY=VALUE…: a word without '='", f);
            return;
        }
    ask(s, c, p, f);
}

void request_add(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    struct proposal *p = make(s, word[2] ? EDIT_ADD : EDIT_SECTION, word);
    bool right = true;
    for (size_t i = 2; right && word[i]; i++) {
        if (strcmp(word[i], "--first") == 0) {
            right = p->edit.place == EDIT_LAST;
            p->edit.place = EDIT_FIRST;
        } else if (strcmp(word[i], "--before") == 0) {
            right = p->edit.place == EDIT_LAST && word[i + 1];
            p->edit.place = EDIT_BEFORE;
            if (right) p->edit.before = p->before = text_of("%s", word[++i]);
        } else {
            right = add_pair(p, word[i], false);
        }
    }
    if (!right || (p->edit.place != EDIT_LAST && !p->edit.n))
        give_up(p, "add SECTION [KEY=VALUE…] [--first | --before VALUE]", f);
    else ask(s, c, p, f);
}

void request_remove(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    struct proposal *p = make(s, word[2] ? EDIT_REMOVE : EDIT_DROP, word);
    for (size_t i = 2; word[i]; i++) (void)add_pair(p, word[i], true);
    ask(s, c, p, f);
}

void request_undo(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    struct proposal *p = need_memory(calloc(1, sizeof *p));
    p->is_undo = true;
    p->what = text_of("undo");
    if (word[1] && (!gyre_dec(gyre_str(word[1]), INT64_MAX, &p->undoes) || !p->undoes))
        give_up(p, "undo [NUMBER]: 'gyrectl history' shows the numbers", f);
    else ask(s, c, p, f);
}

/* ---- what is to be read ---- */

static void entry_json(const struct history_entry *e, FILE *f)
{
    (void)fprintf(f, "{\"number\": %" PRIu64 ", \"when\": %" PRId64 ", \"uid\": ", e->number,
                  e->when_s);
    if (e->uid < 0) (void)fputs("null", f);
    else (void)fprintf(f, "%" PRId64, e->uid);
    (void)fputs(", \"what\": ", f);
    json_text(f, e->what);
    (void)fputs(", \"file\": ", f);
    json_text(f, e->file);
    (void)fprintf(f, ", \"undoes\": %" PRIu64 "}", e->undoes);
}

void request_history(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    uint64_t most = LIMIT_HISTORY;
    (void)c;
    if (word[1] && !gyre_dec(gyre_str(word[1]), INT64_MAX, &most)) {
        error_json(f, "history [N]: how many changes");
        return;
    }
    char *folder = proposal_folder(s), why[PROBLEM_TEXT];
    size_t n = 0, shown = 0;
    uint64_t *numbers = folder ? history_numbers(folder, &n) : NULL;
    (void)fputs("{\"changes\": [", f);
    for (size_t i = 0; i < n && shown < most; i++) {
        struct history_entry e;
        if (!history_read(folder, numbers[i], &e, why, sizeof why)) {
            log_warn("%s", why);
            continue;
        }
        (void)fputs(shown++ ? ", " : "", f);
        entry_json(&e, f);
        history_entry_free(&e);
    }
    (void)fputs("]}\n", f);
    free(numbers);
    free(folder);
}

void request_get(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    char *name = section_name(word[1]);
    const struct config *config = s->plan ? s->plan->config : NULL;
    struct nearest near = {.word = name};
    (void)c;
    if (config && config_section(config, name)) {
        get_json(s, config_section(config, name), word[2], f);
    } else {
        for (size_t i = 0; config && i < config->n; i++)
            nearest_try(&near, config->sections[i].name);
        char *why = near.name
                        ? text_of("no section [%s], did you mean [%s]?", name, near.name)
                        : text_of("no section [%s]", name);
        error_json(f, why);
        free(why);
    }
    free(name);
}

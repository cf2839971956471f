/* SPDX-License-Identifier: GPL-3.0-or-later
 * control_requests.c - what gyrectl may ask for: one line in, one JSON document out.
 *
 *   status                     server, services, sections with totals and limits
 *   plugins                    every file of the plugin folder, and what is wrong with it
 *   describe PLUGIN            {"text": its options as commented INI}
 *   config                     the configuration in force, secrets masked
 *   reload                     read everything again; answers when it is done:
 *                              {"ok": bool, "problems": [{"warning": bool, "text": …}]}
 *   sandbox SERVICE            what its process is closed in: {"service", "generation", "pid",
 *                              "sandbox": {key: [word …] …} or null}
 *   crashes                    the latest reports of crashes, the oldest first (crash_show.c)
 *   upgrade [PATH]             the program at PATH (an absolute one; the server's own) takes the
 *                              place of this one; answers when its services serve:
 *                              {"ok": true, "from": version, "to": version}
 *   log-level LEVEL [SERVICE]  debug info warn error; {"ok": true}
 *   connections [--all] [SECTION]    the open streams, at most LIMIT_CONNECTIONS without --all:
 *                              {"connections": [{"id", "section", "peer", "endpoint", "age_ms",
 *                              "idle_ms", "queued", "state"}], "more": bool, "silent": [services
 *                              that did not answer]}
 *   kill ID                    ends that connection; {"ok": true, "section": …, "peer": …}
 *   log-reopen                 opens the log's file again, after it was moved away; {"ok": true}
 *   log [-f] [SERVICE]         the latest lines of the log; with -f those that come, too: one JSON
 *                              object a line (follow.c), until the client or the server ends
 *   stop                       drains and ends; answers at the end, {"ok": true}
 *   set add remove undo history get    see proposal_requests.c
 * What is wrong with a request: {"error": text}.
 * Promise: a request never waits; one that takes time leaves its client in a state that control.c
 * answers from later.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

enum { ANY = LIMIT_CONTROL_WORDS };

static void describe(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    const char *name = word[1];
    (void)c;
    const struct module *m = folder_module(&s->folder, name);
    char *text = NULL;
    size_t n = 0;
    if (!m) {
        const char *near = folder_nearest(&s->folder, name);
        char *why = near ? text_of("no plugin '%s', did you mean '%s'?", name, near)
                         : text_of("no plugin '%s'", name);
        error_json(f, why);
        free(why);
        return;
    }
    FILE *manual = need_memory(open_memstream(&text, &n));
    describe_ini(manual, m->info);
    (void)fclose(manual);
    (void)fputs("{\"text\": ", f);
    json_text(f, text);
    (void)fputs("}\n", f);
    free(text);
}

static void set_level(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    const char *service = word[2];
    (void)c;
    enum gyre_level level;
    bool some = false;
    if (!log_level_of(word[1], &level)) {
        error_json(f, "a log level is debug, info, warn or error");
        return;
    }
    for (struct process *p = s->processes; p; p = p->next) {
        if (service && strcmp(p->name, service) != 0) continue;
        process_level(s, p, level);
        some = true;
    }
    if (!service) {
        s->level = level;
        log_level(level);
    }
    if (service && !some) error_json(f, "no such service runs; `gyrectl status` lists them");
    else (void)fputs("{\"ok\": true}\n", f);
}

static void status(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)c, (void)word;
    status_json(s, f);
}

static void plugins(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)c, (void)word;
    plugins_json(s, f);
}

static void config(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)c, (void)word;
    config_json(s, f);
}

static void crashes(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)c, (void)word;
    crashes_json(s, f);
}

static void reload(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)word;
    if (s->stopping) {
        error_json(f, "it is stopping");
        return;
    }
    c->state = CLIENT_WAITS_RELOAD;
    c->fresh = s->reload.stage != STAGE_IDLE; /* the one under way may not see what is new */
    c->deadline_ms = INT64_MAX;
    reload_ask(s);
}

static void sandbox(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)c;
    if (!jailed_json(s, word[1], f))
        error_json(f, "no such service runs; `gyrectl status` lists them");
}

static void log_reopen(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    const char *why = logging_reopen(s);
    (void)c, (void)word;
    if (why) error_json(f, why);
    else (void)fputs("{\"ok\": true}\n", f);
}

static void upgrade(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    const char *why = upgrade_ask(s, word[1]);
    if (why) {
        error_json(f, why);
        return;
    }
    c->state = CLIENT_WAITS_UPGRADE;
    c->deadline_ms = INT64_MAX;
}

static void stop(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    (void)word, (void)f;
    c->state = CLIENT_WAITS_STOP;
    c->deadline_ms = INT64_MAX;
    supervisor_stop(s, false);
}

static const struct request {
    const char *word;
    size_t least, most; /* arguments */
    void (*answer)(struct supervisor *, struct client *, char **word, FILE *);
} requests[] = {
    {"status", 0, 0, status}, {"plugins", 0, 0, plugins},     {"describe", 1, 1, describe},
    {"config", 0, 0, config}, {"log-level", 1, 2, set_level}, {"reload", 0, 0, reload},
    {"stop", 0, 0, stop},     {"crashes", 0, 0, crashes},     {"upgrade", 0, 1, upgrade},
    {"log-reopen", 0, 0, log_reopen},
    {"set", 2, ANY, request_set}, {"add", 1, ANY, request_add},
    {"remove", 1, ANY, request_remove}, {"undo", 0, 1, request_undo},
    {"sandbox", 1, 1, sandbox}, {"history", 0, 1, request_history}, {"get", 1, 2, request_get},
    {"connections", 0, 2, request_connections}, {"kill", 1, 1, request_kill},
    {"log", 0, 2, request_log},
};

void control_answer(struct supervisor *s, struct client *c)
{
    const struct request *r = requests, *end = requests + sizeof requests / sizeof *requests;
    struct words *w = &c->asked;
    c->state = CLIENT_ANSWERED;
    c->deadline_ms = clock_ms() + LIMIT_CONTROL_MS;
    FILE *f = need_memory(open_memstream(&c->answer, &c->answer_n));
    while (w->state == WORDS_WHOLE && r < end && strcmp(w->word[0], r->word) != 0) r++;
    if (w->state == WORDS_WRONG) error_json(f, w->why);
    else if (r == end) error_json(f, "unknown request");
    else if (w->n - 1 < r->least || w->n - 1 > r->most) error_json(f, "wrong number of arguments");
    else r->answer(s, c, w->word, f);
    (void)fclose(f);
}

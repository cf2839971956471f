/* SPDX-License-Identifier: GPL-3.0-or-later
 * inquiry.c - questions of gyrectl that only services can answer: connections, and kill.
 *
 * A client has one inquiry; it goes from service to service and asks for one piece at a time, so
 * that no channel ever holds more than one answer of it. Answers come between other messages.
 * Promise: nothing waits: a service that is silent for LIMIT_ANSWER_MS is passed over and named.
 * What a service says is not believed: rows are bounded, and a list must go on or end.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

struct target {
    char name[LIMIT_NAME];
    uint32_t generation;
};
struct inquiry {
    uint64_t question; /* its number; another one each time */
    struct target *targets;
    size_t targets_n, at;
    char *section; /* of this name alone; or NULL */
    uint64_t from; /* the place where the next piece begins; of kill: the stream's */
    uint64_t id;   /* of kill */
    bool kill, more;
    FILE *rows, *silent; /* JSON, as far as it has come */
    char *rows_text, *silent_text;
    size_t rows_size, silent_size, rows_n, most;
    int64_t due_ms;
};

void inquiry_free(struct inquiry *q)
{
    if (!q) return;
    (void)fclose(q->rows);
    (void)fclose(q->silent);
    free(q->rows_text);
    free(q->silent_text);
    free(q->targets);
    free(q->section);
    free(q);
}

static struct inquiry *begin(struct client *c)
{
    struct inquiry *q = need_memory(calloc(1, sizeof *q));
    q->rows = need_memory(open_memstream(&q->rows_text, &q->rows_size));
    q->silent = need_memory(open_memstream(&q->silent_text, &q->silent_size));
    c->inquiry = q;
    c->state = CLIENT_WAITS_SERVICES;
    c->deadline_ms = q->due_ms = INT64_MAX;
    return q;
}

static void add_target(struct inquiry *q, const char *name, uint32_t generation)
{
    q->targets = grow(q->targets, q->targets_n, sizeof *q->targets);
    struct target *t = &q->targets[q->targets_n++];
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->generation = generation;
}

/* The process, or NULL when it has gone. */
static struct process *process_at(const struct supervisor *s, const struct target *t)
{
    struct process *p = s->processes;
    while (p && (p->generation != t->generation || strcmp(p->name, t->name) != 0)) p = p->next;
    return p && p->channel >= 0 ? p : NULL;
}

static const struct instance *instance_named(const struct process *p, const char *name)
{
    for (size_t i = 0; p->has && i < p->has->instances_n; i++)
        if (strcmp(p->has->instances[i]->conf->name, name) == 0) return p->has->instances[i];
    return NULL;
}

static const char *section_name(const struct process *p, uint64_t id)
{
    const struct instance *in = id <= UINT32_MAX ? crew_instance(p->has, (uint32_t)id) : NULL;
    return in ? in->conf->name : "?"; /* it was removed, and drains */
}

/* ---- asking ---- */

static void answer(struct client *c, char *text)
{
    client_answer(c, text);
    inquiry_free(c->inquiry);
    c->inquiry = NULL;
    free(text);
}

static void answer_error(struct client *c, const char *why)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = need_memory(open_memstream(&text, &n));
    error_json(f, why);
    (void)fclose(f);
    answer(c, text);
}

static void end(struct client *c)
{
    struct inquiry *q = c->inquiry;
    if (q->kill) {
        answer_error(c, "there is no such connection; it may have ended");
        return;
    }
    (void)fflush(q->rows);
    (void)fflush(q->silent);
    answer(c, text_of("{\"connections\": [%s], \"more\": %s, \"silent\": [%s]}\n", q->rows_text,
                      q->more ? "true" : "false", q->silent_text));
}

/* Asks the next service that can answer, or answers the client. */
static void ask(struct supervisor *s, struct client *c)
{
    struct inquiry *q = c->inquiry;
    for (; q->at < q->targets_n && q->rows_n < q->most; q->at++, q->from = 0) {
        struct process *p = process_at(s, &q->targets[q->at]);
        const struct instance *in = p && q->section ? instance_named(p, q->section) : NULL;
        if (!p || (q->section && !in)) continue;
        q->question = ++s->questions;
        q->due_ms = clock_ms() + LIMIT_ANSWER_MS;
        message_begin(&s->out, q->kill ? M_KILL : M_LIST);
        message_put_number(&s->out, q->question);
        message_put_number(&s->out, q->from);
        message_put_number(&s->out, q->kill ? q->id : in ? in->tally->id : 0);
        process_tell(s, p, -1);
        return;
    }
    q->more = q->at < q->targets_n;
    end(c);
}

/* Who waits for the answer to that question, of that process; or NULL. */
static struct client *who_asked(struct supervisor *s, const struct process *p, uint64_t question,
                                bool kill)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        const struct inquiry *q = c->fd >= 0 ? c->inquiry : NULL;
        if (q && q->question == question && q->kill == kill && q->at < q->targets_n &&
            process_at(s, &q->targets[q->at]) == p)
            return c;
    }
    return NULL;
}

/* ---- what they say ---- */

static void text_json(FILE *f, const char *name, gyre_view v)
{
    char *text = text_of("%.*s", (int)(v.n < PROBLEM_TEXT ? v.n : PROBLEM_TEXT), v.p);
    (void)fprintf(f, ", \"%s\": ", name);
    json_text(f, text);
    free(text);
}

/* One stream. false: the row makes no sense. */
static bool take_row(struct inquiry *q, const struct process *p, struct message *m)
{
    static const char *const states[] = {"opening", "reading", "resting", "closing"};
    uint64_t n[7];
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) n[i] = message_get_number(m);
    gyre_view peer = message_get_text(m), endpoint = message_get_text(m);
    if (m->in.bad || n[6] >= sizeof states / sizeof *states) return false;
    if (q->rows_n == q->most) {
        q->more = true;
        return true;
    }
    (void)fprintf(q->rows, "%s\n{\"id\": \"%s/%u-%u-%u-%x\", \"section\": ",
                  q->rows_n++ ? "," : "", p->name, p->generation, (uint32_t)(n[0] >> 32),
                  (uint32_t)n[0], (uint32_t)n[1]);
    json_text(q->rows, section_name(p, n[2]));
    text_json(q->rows, "peer", peer);
    text_json(q->rows, "endpoint", endpoint);
    (void)fprintf(q->rows,
                  ", \"age_ms\": %llu, \"idle_ms\": %llu, \"queued\": %llu, \"state\": \"%s\"}",
                  (unsigned long long)n[3], (unsigned long long)n[4], (unsigned long long)n[5],
                  states[n[6]]);
    return true;
}

bool inquiry_rows(struct supervisor *s, struct process *p)
{
    struct message *m = &s->message;
    uint64_t question = message_get_number(m), next = message_get_number(m);
    struct client *c = who_asked(s, p, question, false);
    if (m->in.bad) return false;
    if (!c) return true; /* of a client that has gone, or an answer that came too late */
    struct inquiry *q = c->inquiry;
    if (next <= q->from) return false; /* it would never end */
    for (int i = 0; m->in.left.n; i++)
        if (i == LIMIT_ROWS || !take_row(q, p, m)) return false;
    q->from = next;
    if (next == UINT64_MAX && q->rows_n < q->most) {
        q->at++;
        q->from = 0;
    }
    if (q->more) end(c);
    else ask(s, c);
    return true;
}

bool inquiry_killed(struct supervisor *s, struct process *p)
{
    struct message *m = &s->message;
    uint64_t question = message_get_number(m), found = message_get_number(m);
    uint64_t section = message_get_number(m);
    gyre_view peer = message_get_text(m);
    if (!gyre_end(&m->in) || found > 1) return false;
    struct client *c = who_asked(s, p, question, true);
    if (!c) return true;
    if (!found) {
        end(c);
        return true;
    }
    FILE *f = c->inquiry->rows;
    (void)fputs("{\"ok\": true, \"section\": ", f);
    json_text(f, section_name(p, section));
    text_json(f, "peer", peer);
    (void)fputs("}\n", f);
    (void)fflush(f);
    answer(c, text_of("%s", c->inquiry->rows_text));
    return true;
}

/* ---- time ---- */

void inquiry_turn(struct supervisor *s)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        struct inquiry *q = c->fd >= 0 ? c->inquiry : NULL;
        if (!q) continue;
        if (!q->question) { /* not from within the request, which may have no answer yet */
            ask(s, c);
            continue;
        }
        const struct target *t = &q->targets[q->at];
        bool gone = !process_at(s, t);
        if (!gone && now < q->due_ms) continue;
        if (!gone) {
            (void)fprintf(q->silent, "%s", ftell(q->silent) > 0 ? ", " : "");
            json_text(q->silent, t->name);
        }
        if (!gone && q->kill) {
            answer_error(c, "its service does not answer");
            continue;
        }
        q->at++;
        q->from = 0;
        ask(s, c);
    }
}

int64_t inquiry_deadline(const struct supervisor *s)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        const struct client *c = &s->control.clients[i];
        if (c->fd >= 0 && c->inquiry && c->inquiry->due_ms < due) due = c->inquiry->due_ms;
    }
    return due;
}

void inquiry_end_all(struct supervisor *s)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd >= 0 && c->inquiry) answer_error(c, "the server is being upgraded: ask again");
    }
}

/* ---- the requests ---- */

void request_connections(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    const char *section = NULL;
    bool all = false, twice = false;
    while (*++word) {
        if (strcmp(*word, "--all") == 0) all = true;
        else if (section) twice = true;
        else section = *word;
    }
    if (twice) {
        error_json(f, "one section, or none; a name of two words is written in quotes");
        return;
    }
    bool known = !section;
    for (const struct process *p = s->processes; p && !known; p = p->next)
        known = instance_named(p, section);
    if (!known) {
        error_json(f, "no such section is served; `gyrectl status` lists them");
        return;
    }
    struct inquiry *q = begin(c);
    q->most = all ? SIZE_MAX : LIMIT_CONNECTIONS;
    q->section = section ? text_of("%s", section) : NULL;
    for (const struct process *p = s->processes; p; p = p->next)
        if (p->has) add_target(q, p->name, p->generation);
}

/* "http/1-0-17-2f3a": service, generation, worker, slot, id. */
static bool read_id(const char *word, gyre_view *name, uint64_t n[3], uint64_t *id)
{
    gyre_view left = gyre_str(word), part;
    if (!gyre_until(&left, '/', name) || name->n >= LIMIT_NAME) return false;
    for (int i = 0; i < 3; i++)
        if (!gyre_until(&left, '-', &part) || !gyre_dec(part, UINT32_MAX, &n[i])) return false;
    *id = 0;
    if (!left.n || left.n > 8) return false;
    for (; left.n; (void)gyre_head(&left, 1)) {
        int digit = gyre_hex_digit(left.p[0]);
        if (digit < 0) return false;
        *id = *id << 4 | (uint64_t)digit;
    }
    return true;
}

void request_kill(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    gyre_view name;
    char service[LIMIT_NAME];
    uint64_t n[3], id;
    (void)s;
    if (!read_id(word[1], &name, n, &id)) {
        error_json(f, "that is no id of a connection; `gyrectl connections` has them");
        return;
    }
    (void)snprintf(service, sizeof service, "%.*s", (int)name.n, name.p);
    struct inquiry *q = begin(c);
    q->kill = true;
    q->most = 1;
    q->from = n[1] << 32 | n[2];
    q->id = id;
    add_target(q, service, (uint32_t)n[0]);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * process.c - the supervisor's end of one service process: what it is told, and what it answers.
 *
 * A process HAS a crew and may be asked to become what another WANTS: prepare, then commit or
 * abandon. Starting is the same with nothing to begin from. Promise: a wrong message, a channel
 * that is not read or an answer that does not come ends that process, and no other; a process that
 * serves is not killed because a new configuration takes too long to load.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <unistd.h>

#include "supervisor.h"

/* Until when a service must answer. A debugger may hold --single as long as it likes. */
static int64_t answer_due(const struct supervisor *s)
{
    return s->single ? INT64_MAX : clock_after(LIMIT_READY_MS);
}

static void kill_for(struct process *p, const char *why)
{
    (void)snprintf(p->said, sizeof p->said, "it %s", why);
    if (p->channel >= 0) (void)close(p->channel);
    p->channel = -1;
    p->deadline_ms = INT64_MAX;
    process_kill(p, SIGKILL);
}

void process_tell(struct supervisor *s, struct process *p, int fd)
{
    struct pollfd room = {.fd = p->channel, .events = POLLOUT};
    if (p->channel < 0) return;
    if (poll(&room, 1, LIMIT_SEND_MS) != 1) kill_for(p, "does not read its channel");
    else if (!message_send(&s->out, p->channel, fd))
        p->deadline_ms = clock_after(LIMIT_KILL_MS); /* it is ending: its exit is told soon */
}

static void tell_number(struct supervisor *s, struct process *p, enum message_type type, uint64_t n)
{
    message_begin(&s->out, type);
    message_put_number(&s->out, n);
    process_tell(s, p, -1);
}

static void tell_word(struct supervisor *s, struct process *p, enum message_type type)
{
    message_begin(&s->out, type);
    process_tell(s, p, -1);
}

static void tell_version(struct supervisor *s, struct process *p, const struct instance *in)
{
    message_begin(&s->out, M_SECTION);
    message_put_number(&s->out, in->tally->id);
    message_put_text(&s->out, gyre_str(in->conf->name));
    message_put_text(&s->out, gyre_str(in->conf->plugin));
    process_tell(s, p, -1);
    for (size_t i = 0; i < in->conf->entries_n; i++) {
        const struct entry *e = &in->conf->entries[i];
        message_begin(&s->out, M_ENTRY);
        message_put_number(&s->out, in->tally->id);
        message_put_text(&s->out, gyre_str(e->key));
        message_put_text(&s->out, gyre_str(e->value));
        message_put_text(&s->out, gyre_str(e->where));
        message_put_text(&s->out, gyre_str(e->folder));
        process_tell(s, p, -1);
    }
    if (p->pid) roots_tell(s, p, in);
    message_begin(&s->out, M_PREPARE);
    message_put_number(&s->out, in->tally->id);
    message_put_number(&s->out, in->version);
    process_tell(s, p, -1);
    p->unprepared++;
}

/* Asks for everything that differs between base and the crew. */
static void prepare(struct supervisor *s, struct process *p, struct plan *plan,
                    const struct crew *crew, const struct crew *base)
{
    p->next_plan = plan_hold(plan);
    p->wants = crew;
    p->base = base;
    p->unprepared = 0;
    p->refused = false;
    for (size_t i = 0; i < crew->instances_n; i++)
        if (instance_changed(base, crew->instances[i])) tell_version(s, p, crew->instances[i]);
    p->deadline_ms = answer_due(s);
}

const struct instance *process_unanswered(const struct process *p)
{
    const struct crew *crew = p->wants;
    uint32_t left = p->unprepared;
    for (size_t i = crew ? crew->instances_n : 0; left && i--;)
        if (instance_changed(p->base, crew->instances[i]) && !--left) return crew->instances[i];
    return NULL;
}

/* A process of that generation, not yet told what to load. NULL: that is in the log. */
static struct process *launch(struct supervisor *s, struct service *v, const struct crew *crew,
                              uint32_t generation)
{
    char why[256];
    struct process *p = need_memory(calloc(1, sizeof *p));
    (void)snprintf(p->name, sizeof p->name, "%s", v->name);
    p->generation = generation;
    if (!process_spawn(s, p, crew, why, sizeof why)) {
        log_error("service %s cannot be started: %s", v->name, why);
        free(p);
        return NULL;
    }
    p->service = v;
    p->state = STARTING;
    p->since_ms = clock_ms();
    p->nudge_ms = p->kill_ms = INT64_MAX;
    s->sample_ms = 0;
    struct process **last = &s->processes;
    while (*last) last = &(*last)->next;
    *last = p;
    process_log(s, p);
    tell_number(s, p, M_LEVEL, (uint64_t)s->level);
    refuse_tell(s, v, p);
    follow_credit(s, p, LIMIT_LOG_CREDIT);
    for (size_t i = 0; i < crew->modules_n; i++) {
        if (p->pid) opened_tell(s, p, crew->modules[i]->copy, O_RDONLY);
        message_begin(&s->out, M_PLUGIN);
        message_put_text(&s->out, gyre_str(crew->modules[i]->info->name));
        message_put_text(&s->out, gyre_str(crew->modules[i]->copy));
        process_tell(s, p, -1);
    }
    return p;
}

bool process_start(struct supervisor *s, struct service *v, struct plan *plan,
                   const struct crew *crew, bool in_reload)
{
    struct process *p = launch(s, v, crew, ++v->generation);
    if (!p) return false;
    p->in_reload = in_reload;
    v->coming = p;
    prepare(s, p, plan, crew, NULL);
    return true;
}

bool process_try(struct supervisor *s, struct service *v, struct plan *plan,
                 const struct crew *crew)
{
    struct process *p = launch(s, v, crew, v->generation + 1);
    if (!p) return false;
    p->in_reload = p->trial = true;
    process_level(s, p, GYRE_ERROR); /* what it warns of, the live one will say */
    prepare(s, p, plan, crew, v->live->has);
    return true;
}

void process_change(struct supervisor *s, struct process *p, struct plan *plan,
                    const struct crew *crew)
{
    p->in_reload = true;
    prepare(s, p, plan, crew, p->has);
}

static void tell_listen(struct supervisor *s, struct process *p, const struct instance *in,
                        const struct door *door)
{
    uint32_t workers = instance_workers(in);
    bool one = door->endpoint.kind == ENDPOINT_UNIX; /* one socket, for each worker */
    uint32_t n = one ? workers : door->sockets->n;
    for (uint32_t i = 0; i < n; i++) {
        message_begin(&s->out, M_LISTEN);
        message_put_number(&s->out, in->tally->id);
        message_put_number(&s->out, i % workers);
        message_put_number(&s->out, door->endpoint.kind == ENDPOINT_UDP);
        message_put_text(&s->out, gyre_str(door->endpoint.text));
        process_tell(s, p, door->sockets->fds[one ? 0 : i]);
    }
}

/* Doors to be closed, and sections to leave, of what it has. */
static void tell_ends(struct supervisor *s, struct process *p)
{
    for (size_t i = 0; p->has && i < p->has->instances_n; i++) {
        const struct instance *was = p->has->instances[i];
        const struct instance *now = crew_instance(p->wants, was->tally->id);
        if (!now) tell_number(s, p, M_REMOVE, was->tally->id);
        for (size_t j = 0; now && j < was->doors_n; j++) {
            const char *endpoint = was->doors[j].endpoint.text;
            if (!was->doors[j].sockets || door_open(now, endpoint)) continue;
            message_begin(&s->out, M_UNLISTEN);
            message_put_number(&s->out, was->tally->id);
            message_put_text(&s->out, gyre_str(endpoint));
            process_tell(s, p, -1);
        }
    }
}

static void commit(struct supervisor *s, struct process *p)
{
    tell_word(s, p, M_COMMIT);
    p->committing++;
    p->deadline_ms = answer_due(s);
}

/* Doors of `now` that are not open yet. */
static void tell_doors(struct supervisor *s, struct process *p, const struct crew *was,
                       const struct crew *now)
{
    for (size_t i = 0; i < now->instances_n; i++) {
        const struct instance *in = now->instances[i];
        const struct instance *before = crew_instance(was, in->tally->id);
        for (size_t j = 0; !in->refused && j < in->doors_n; j++)
            if (in->doors[j].sockets && !door_open(before, in->doors[j].endpoint.text))
                tell_listen(s, p, in, &in->doors[j]);
    }
}

void process_commit(struct supervisor *s, struct process *p)
{
    tell_ends(s, p);
    p->moves = !p->has && p->service && p->service->live;
    if (!p->moves) tell_doors(s, p, p->has, p->wants);
    commit(s, p);
    plan_drop(p->plan);
    p->plan = p->next_plan;
    p->has = p->wants;
    p->next_plan = NULL;
    p->wants = NULL;
}

/* Files that sections loaded (zones) may have changed, though their configuration has not. */
void process_refresh(struct supervisor *s, struct process *p)
{
    tell_word(s, p, M_REFRESH);
}

void process_refuse(struct supervisor *s, struct process *p, const gyre_addr *peer, int64_t for_ms)
{
    message_begin(&s->out, M_REFUSE);
    message_put_text(&s->out, GYRE_MAKE(gyre_view, peer->ip, sizeof peer->ip));
    message_put_number(&s->out, (uint64_t)for_ms);
    process_tell(s, p, -1);
}

void process_listen(struct supervisor *s, struct process *p, const struct instance *in,
                    const struct door *door)
{
    tell_listen(s, p, in, door);
    commit(s, p);
}

void process_nudge(struct supervisor *s, struct process *p)
{
    p->nudge_ms = p->next_plan ? clock_after(LIMIT_NUDGE_MS) : INT64_MAX;
    if (!p->next_plan) commit(s, p); /* else it would begin to serve what is only prepared */
}

void process_abandon(struct supervisor *s, struct process *p)
{
    p->in_reload = false;
    p->unprepared = 0;
    if (!p->has) {
        process_drain(s, p, 0);
        return;
    }
    tell_word(s, p, M_ABANDON);
    plan_drop(p->next_plan);
    p->next_plan = NULL;
    p->wants = NULL;
    p->deadline_ms = INT64_MAX;
}

void process_adopt(struct process *p, struct plan *plan)
{
    const struct crew *crew = plan_crew(plan, p->name);
    struct plan **held = p->has ? &p->plan : &p->next_plan;
    if (p->has) p->has = crew;
    else p->wants = crew;
    plan_drop(*held);
    *held = plan_hold(plan);
}

void process_level(struct supervisor *s, struct process *p, enum gyre_level level)
{
    tell_number(s, p, M_LEVEL, (uint64_t)level);
}

/* A service that was closed in before the log was a file may let none grow: we may. */
void process_log(struct supervisor *s, struct process *p)
{
    const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
    if (p->inherited || !p->pid) return; /* it knows no such message; it has our descriptor */
    if (s->logging.now.kind == LOG_TO_FILE) (void)prlimit(p->pid, RLIMIT_FSIZE, &any, NULL);
    message_begin(&s->out, M_LOG);
    message_put_number(&s->out, s->logging.now.style);
    process_tell(s, p, STDERR_FILENO);
}

/* ---- what it says ---- */

static bool took_prepared(struct supervisor *s, struct process *p)
{
    struct message *m = &s->message;
    uint64_t id = message_get_number(m), version = message_get_number(m);
    uint64_t ok = message_get_number(m);
    gyre_view why = message_get_text(m);
    if (!gyre_end(&m->in) || ok > PREPARED_ELSEWHERE) return false;
    struct instance *in = id <= UINT32_MAX ? crew_instance(p->wants, (uint32_t)id) : NULL;
    if (!in || in->version != version || !p->unprepared || p->state == DRAINING)
        return true; /* of a change that was abandoned */
    if (ok == PREPARED_ELSEWHERE && p->has && p->in_reload) {
        reload_outgrown(s, p, in, why);
        return true;
    }
    p->unprepared--;
    if (ok != PREPARED_OK) {
        char *said = text_of("%.*s", (int)(why.n < PROBLEM_TEXT ? why.n : PROBLEM_TEXT), why.p);
        p->refused = true;
        if (p->in_reload) reload_refused(s, p, in, said);
        else log_error("%s: [%s] %s", in->conf->where, in->conf->name, said);
        free(in->refused);
        in->refused = said;
    }
    if (!p->unprepared && !p->in_reload) process_commit(s, p);
    return true;
}

/* Streams go over before anything is accepted here: who comes meanwhile waits, and meets them. */
static bool begin_move(struct supervisor *s, struct process *p)
{
    struct process *old = p->service->live;
    int pair[2];
    p->moves = false;
    if (!old || old->channel < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    message_begin(&s->out, M_SAVE);
    process_tell(s, old, pair[0]);
    message_begin(&s->out, M_RESTORE);
    process_tell(s, p, pair[1]);
    (void)close(pair[0]);
    (void)close(pair[1]);
    p->moving = true;
    p->deadline_ms = answer_due(s);
    return true;
}

static void begin_listening(struct supervisor *s, struct process *p)
{
    tell_doors(s, p, NULL, p->has);
    commit(s, p);
}

static bool took_committed(struct supervisor *s, struct process *p)
{
    if (!gyre_end(&s->message.in) || !p->committing) return false;
    if (--p->committing == 0 && p->state != DRAINING) p->deadline_ms = INT64_MAX;
    if (p->state != STARTING) return true; /* of one that drains it means nothing any more */
    if (!p->moves) service_ready(s, p);
    else if (!begin_move(s, p)) begin_listening(s, p);
    return true;
}

static bool took_restored(struct supervisor *s, struct process *p)
{
    uint64_t n = message_get_number(&s->message);
    if (!gyre_end(&s->message.in) || !p->moving) return false;
    p->moving = false;
    if (p->state != STARTING) return true;
    if (n) log_info("service %s/%u: %llu streams have moved to it", p->name, p->generation,
                    (unsigned long long)n);
    begin_listening(s, p);
    return true;
}

static bool took(struct supervisor *s, struct process *p)
{
    struct message *m = &s->message;
    gyre_view why;
    switch (m->type) {
    case M_PREPARED: return took_prepared(s, p);
    case M_COMMITTED: return took_committed(s, p);
    case M_RESTORED: return took_restored(s, p);
    case M_DRAINED: return gyre_end(&m->in) && p->state == DRAINING;
    case M_JAILED: return jailed_take(p, m);
    case M_FATAL:
        why = message_get_text(m);
        if (!gyre_end(&m->in)) return false;
        (void)snprintf(p->said, sizeof p->said, "%.*s", (int)(why.n & 0xffff), why.p);
        log_error("service %s/%u: %s", p->name, p->generation, p->said);
        return true;
    case M_LINE: return follow_log(s, p);
    case M_ROWS: return inquiry_rows(s, p);
    case M_KILLED: return inquiry_killed(s, p);
    default: return false;
    }
}

void process_readable(struct supervisor *s, struct process *p)
{
    char why[128] = "";
    for (int i = 0; i < LIMIT_MESSAGES_A_TURN && p->channel >= 0; i++) {
        int got = message_receive(p->channel, &s->message, why, sizeof why);
        if (got == 0) return;
        if (got > 0) {
            bool right = s->message.fd < 0 && took(s, p);
            if (s->message.fd >= 0) (void)close(s->message.fd);
            if (!right) kill_for(p, "sent a wrong message");
        } else if (strncmp(why, "a malformed", 11) == 0) {
            char text[sizeof why + 8];
            (void)snprintf(text, sizeof text, "sent %s", why);
            kill_for(p, text);
        } else { /* the end: it leaves by itself, or is made to */
            (void)close(p->channel);
            p->channel = -1;
            p->deadline_ms = clock_after(LIMIT_KILL_MS);
        }
    }
}

void process_late(struct supervisor *s, struct process *p)
{
    p->deadline_ms = INT64_MAX;
    if (p->stays) {
        process_leave(s, p);
    } else if (!p->pid) { /* nobody can end a thread */
        log_error("service %s/%u does not answer", p->name, p->generation);
        (void)reload_lost(s, p, "does not answer");
        p->in_reload = false;
    } else if (p->state == DRAINING && p->channel >= 0 && !p->terminated) {
        log_warn("service %s/%u has not drained in time; it is told to end", p->name,
                 p->generation);
        p->terminated = true;
        p->deadline_ms = clock_after(LIMIT_KILL_MS);
        process_kill(p, SIGTERM);
    } else if (p->state == READY && p->unprepared) {
        (void)reload_lost(s, p, "does not answer: on_load takes too long");
    } else {
        kill_for(p, p->state == STARTING ? "was not ready in time" : "does not answer");
    }
}

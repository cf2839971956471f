/* SPDX-License-Identifier: GPL-3.0-or-later
 * process.c - the target for the supervisor's side of a channel (server/process.c): lines (lines.h)
 * are what a service says, be it hostile.
 *
 * The first line says how that service stands: r ready, d draining, else starting; i in a reload;
 * p and c: one more prepared version, one more commit to be answered; l, L and k: a client asks for
 * its connections, for all of them, and to end one. The first question has number 1.
 * Oracles: it never waits for more answers than it asked for; what is killed is not listened to any
 * more; what is told to the service can be read.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "lines.h"
#include "supervisor.h"

const char fuzz_past[] = "were understood";

void core_free(void *); /* what the core allocated is freed as the core does (alloc.c) */

static struct tally tally = {.id = 7, .uses = 1};
static struct conf_section section = {.name = (char *)"test", .plugin = (char *)"test",
                                      .instance = (char *)"", .where = "fuzz:1"};

void fuzz_begin(const char *plugin)
{
    (void)plugin;
}

void fuzz_end(void)
{
}

struct stand { /* one service of one section, and nobody else */
    struct instance instance;
    struct instance *instances[1];
    struct crew crew;
    struct crew *crews[1];
    struct plan plan;
    struct service service;
    struct process process;
    struct supervisor supervisor;
};

static void stand_up(struct stand *t, gyre_view how, int channel)
{
    struct process *p = &t->process;
    memset(t, 0, sizeof *t);
    t->instance = (struct instance){.version = 3, .conf = &section, .tally = &tally};
    t->instances[0] = &t->instance;
    t->crew = (struct crew){.name = "test", .workers = 1, .instances = t->instances,
                            .instances_n = 1};
    t->instance.crew = t->crews[0] = &t->crew;
    t->plan = (struct plan){.uses = 100, .workers = 1, .crews = t->crews, .crews_n = 1};
    t->service = (struct service){.name = "test", .restart_ms = INT64_MAX};
    *p = (struct process){.service = &t->service, .name = "test", .generation = 1, .exit_fd = -1,
                          .channel = channel, .deadline_ms = INT64_MAX, .nudge_ms = INT64_MAX,
                          .plan = &t->plan, .next_plan = &t->plan, .has = &t->crew,
                          .wants = &t->crew};
    t->supervisor = (struct supervisor){.plan = &t->plan, .processes = p, .services = &t->service,
                                        .reload = {.stage = STAGE_PREPARE}};
    t->service.coming = p;
    for (; how.n; (void)gyre_head(&how, 1)) {
        uint8_t c = how.p[0];
        if (c == 'r') p->state = READY;
        if (c == 'd') p->state = DRAINING;
        if (c == 'i') p->in_reload = true;
        if (c == 'p' && p->unprepared < 4) p->unprepared++;
        if (c == 'c' && p->committing < 4) p->committing++;
    }
    if (p->state == DRAINING) p->service = NULL;
    if (p->state == STARTING && p->committing) p->unprepared = 0;
    if (p->state == STARTING && !p->committing) { /* it has nothing yet */
        p->has = NULL;
        p->plan = NULL;
    }
    if (!p->unprepared) { /* nothing is asked of it */
        p->next_plan = NULL;
        p->wants = NULL;
    }
}

/* Clients of gyrectl who ask for what only the service knows. */
static void ask(struct stand *t, gyre_view how)
{
    static char *list[] = {(char *)"connections", NULL}, *kill[] = {(char *)"kill",
                                                                  (char *)"test/1-0-3-7", NULL};
    static char *all[] = {(char *)"connections", (char *)"--all", NULL};
    struct control *control = &t->supervisor.control;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) control->clients[i].fd = -1;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS && how.n; i++) {
        uint8_t c = gyre_head(&how, 1).p[0];
        if (c != 'l' && c != 'L' && c != 'k') continue;
        control->clients[i].fd = 0;
        if (c == 'k') request_kill(&t->supervisor, &control->clients[i], kill, stdout);
        else request_connections(&t->supervisor, &control->clients[i], c == 'L' ? all : list,
                                 stdout);
    }
    inquiry_turn(&t->supervisor);
}

static void leave(struct stand *t)
{
    inquiry_turn(&t->supervisor);
    inquiry_end_all(&t->supervisor);
    follow_forget();
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        core_free(t->supervisor.control.clients[i].answer);
}

static void hear(int channel)
{
    static struct message m;
    char why[128] = "";
    int res;
    while ((res = message_receive(channel, &m, why, sizeof why)) > 0) {
        if (m.fd >= 0) close(m.fd);
        if (m.type >= M_PREPARED) fuzz_wrong("orders", "of type %d", m.type);
    }
    if (res < 0 && strstr(why, "malformed")) fuzz_wrong("orders", "%s", why);
}

void fuzz_one(gyre_view input)
{
    static struct stand t;
    static struct line l;
    uint64_t alive = alloc_live(), understood = 0;
    uint32_t open = fuzz_descriptors();
    int ends[2];
    gyre_view how = GYRE_NOTHING;
    if (!gyre_until(&input, '\n', &how)) return;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fuzz_wrong("start", "no pair");
    stand_up(&t, how, ends[1]);
    ask(&t, how);
    hear(ends[0]);
    const uint32_t most = t.process.unprepared + t.process.committing;
    for (int n = 0; n < 40 && t.process.channel >= 0 && line_next(&input, &l); n++) {
        if (!message_send(&l.out, ends[0], l.descriptors ? ends[0] : -1)) continue;
        process_readable(&t.supervisor, &t.process);
        if (fuzz_plants && understood == 3) t.process.unprepared = most + 1;
        if (t.process.unprepared > most || t.process.committing > most + 1)
            fuzz_wrong("answers", "it waits for %u and %u of %u", t.process.unprepared,
                       t.process.committing, most);
        if (t.process.channel < 0 && !t.process.said[0]) fuzz_wrong("killed", "it is not said why");
        understood += t.process.channel >= 0;
        hear(ends[0]);
    }
    leave(&t);
    if (t.process.channel >= 0) close(ends[1]);
    close(ends[0]);
    core_free(t.instance.refused);
    problems_free(&t.supervisor.reload.problems);
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
    if (fuzz_descriptors() != open) fuzz_wrong("descriptors", "one is left open, or closed twice");
    fuzz_count.past += understood > 0;
    fuzz_count.further += understood > 1;
}

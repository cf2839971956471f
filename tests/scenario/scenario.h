/* SPDX-License-Identifier: GPL-3.0-or-later
 * scenario.h - whole services in the simulated world: what the rooms of the simulator share.
 *
 * plan.c makes a plan from a seed. cluster.c does the supervisor's part: generations of a service
 * with real plugins, replaced, reloaded, drained and killed. clients.c and client_*.c talk to them.
 * callbacks.c looks at what plugins are called with. check.c looks at the core between turns,
 * times.c at what must have happened by now. play.c runs one seed; main.c many.
 */
#ifndef GYRE_SCENARIO_H
#define GYRE_SCENARIO_H

#include "../sim/account.h"
#include "../sim/alloc.h"
#include "../sim/shadow.h"
#include "../sim/sim.h"

enum { WORKERS_MOST = 3, GENERATIONS = 4, CLIENTS_MOST = 96, FILES = 8, DAMAGE_TEXT = 512 };
enum site_id { SITE_ECHO, SITE_CHAT, SITE_DESK, SITE_HTTP, SITE_DNS, SITE_LINK, SITES };

struct run;
struct client;

/* ---- the plan of a seed (plan.c) ---- */

/* CLOCK: time jumps, and the clock on the wall is set. WALL: it alone, which nobody may notice. */
enum order { ORDER_RELOAD, ORDER_REFRESH, ORDER_FILE, ORDER_REPLACE, ORDER_CRASH, ORDER_CLOCK,
             ORDER_WALL, ORDER_AGAIN };
struct event {
    int64_t at_ns;
    enum order what;
};
struct plan {
    uint32_t workers, clients;
    uint32_t per_million[FAULT_KINDS], memory_per_million;
    uint32_t buffers, queue;
    uint32_t drain_ms; /* then a draining generation has to end at once */
    bool harsh; /* faults that no client can be spared from: only the core's own account counts */
    bool plain; /* nothing is difficult */
    bool tight; /* small limits, so that they are hit */
    struct event events[12];
    uint32_t events_n;
};
/* CALM: no faults of the kernel. PLAIN: also no orders and no difficult clients. */
enum weather { WEATHER_ALL, WEATHER_CALM, WEATHER_PLAIN };
void plan_make(struct plan *, uint64_t seed, enum weather);

/* ---- services (cluster.c) ---- */

struct generation {
    struct service *service; /* NULL: none */
    uint32_t process;
    bool draining, stopped_accepting;
    int64_t drain_until_ns;
    bool aborted;
};
void cluster_load(const char *build); /* the folder with plugins and tests/plugins; once */
void cluster_begin(struct run *);
/* Every worker that has something to do turns once. false: none has to turn again, for all that is
 * known without asking its ring (sim_quiet). */
bool cluster_turn(struct run *);
int64_t cluster_next(const struct run *); /* when it has to be looked at */
void cluster_order(struct run *, enum order);
void cluster_drain(struct run *);      /* all of it */
bool cluster_over(const struct run *); /* nothing is left of it */
/* The generation that holds that descriptor; NULL: it is gone. */
struct generation *cluster_of(struct run *, int fd);

/* ---- what http and dns serve (files.c) ---- */

void site_files_change(struct run *, uint32_t file); /* it appears, or has another text */
void site_files_free(struct run *);
/* Whether that ever was its text. */
bool site_files_was(const struct run *, uint32_t file, gyre_view text);
const char *site_files_name(uint32_t file);

/* ---- clients ---- */

struct client_kind {
    enum site_id site;
    const char *name;
    bool datagrams;
    size_t state_size;
    void (*begin)(struct run *, struct client *);
    /* Puts the next request; false: there is none. */
    bool (*ask)(struct run *, struct client *, gyre_out *);
    /* Cuts one answer off v: true; false: it is not whole yet. Calls damage when it is wrong. */
    bool (*answer)(struct run *, struct client *, gyre_view *v);
    bool (*through)(const struct client *); /* has all it asked for */
};
extern const struct client_kind client_echo, client_chat, client_desk, client_http, client_dns_tcp,
    client_dns_udp, client_link;

struct client {
    const struct client_kind *kind;
    uint32_t number;
    struct sim_end *end;
    void *state;
    int64_t wakes_ns, asked_ns;
    uint64_t random;
    uint8_t *out;       /* asked, not sent yet */
    size_t out_n, out_at;
    uint32_t asked, answered, most, depth;
    uint64_t digest;
    size_t seen_n;      /* of all that ever came */
    int fd;             /* the server's descriptor, once it is known */
    uint32_t tries;     /* of a datagram */
    bool slow, stalls, vanishes, resets, quits, half; /* its character */
    bool said_eof, over, excused, began_answer;
};
void clients_begin(struct run *);
bool clients_act(struct run *); /* those whose time has come; false: none */
int64_t clients_next(const struct run *); /* when the next one acts */
uint64_t clients_digest(const struct run *);
/* That is a part of what it got; order counts only for what is put in at once. */
void client_got(struct client *, uint64_t number, gyre_view);
bool clients_over(const struct run *);
void clients_patience(struct run *); /* damage, if one that should not has waited too long */
void clients_excuse(struct run *);   /* from now on anything may happen to those there are */
void clients_free(struct run *);

/* ---- what link dials: a peer that sends back what it gets (peer.c) ---- */

void peer_begin(struct run *);
bool peer_act(struct run *); /* false: it has nothing to do */

/* ---- what plugins are called with (callbacks.c) ---- */

struct plugin;
void callbacks_wrap(struct plugin *); /* once, when it was loaded */
void callbacks_begin(struct run *);
/* The generation has ended: each of its actors must have had its on_close, unless it was killed. */
void callbacks_forget(struct run *, const struct generation *, bool killed);

/* ---- the run (play.c) ---- */

struct run {
    uint64_t seed, random;
    struct plan plan;
    struct sim *sim;
    struct generation gens[GENERATIONS];
    uint32_t processes, version; /* so far */
    int sockets[SITES][WORKERS_MOST], ports[WORKERS_MOST]; /* the supervisor's */
    struct client *clients[CLIENTS_MOST];
    uint32_t clients_n, next_event;
    struct sim_end *peers[4 * CLIENTS_MOST];
    uint32_t peers_n;
    int64_t began_ns;
    uint64_t answers, hits[STAT_MAX]; /* hits: of limits, of all generations that ended */
    uint8_t *files[FILES];
    size_t files_n[FILES];
    uint32_t files_version[FILES];
};
struct outcome {
    uint64_t events, hash, answers, faults[FAULT_KINDS], hits[STAT_MAX];
    uint64_t digest; /* of what all clients got: the same on every kernel, in a plain run */
    char damage[DAMAGE_TEXT]; /* empty: all is well */
};
/* elsewhere: what the core allocates lies in another order, which must change nothing. */
void play(uint64_t seed, enum weather, bool elsewhere, FILE *trace, struct outcome *);
/* Something is wrong: it is the outcome, and the process ends. */
_Noreturn void damage(struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint64_t run_random(struct run *, uint64_t n); /* 0 … n - 1 */

/* ---- check.c ---- */

void check_generation(struct run *, const struct generation *);
/* Of each event before the core has it: is what it belongs to still there? */
bool check_alive(void *run, const struct ring *, const struct ring_event *);
size_t check_held_of(struct actor *); /* bytes that wait for its on_data */
size_t check_in_max(struct actor *);  /* from so many on it is not read */

/* ---- times.c ---- */

void times_event(struct run *, size_t generation, const struct worker *, struct actor *,
                 const struct ring_event *);
void times_check(struct run *); /* before the clock moves */
void times_end(void);
#endif

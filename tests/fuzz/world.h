/* SPDX-License-Identifier: GPL-3.0-or-later
 * world.h - one service over the simulated kernel, kept over many inputs, and what plugins promise.
 */
#ifndef GYRE_FUZZ_WORLD_H
#define GYRE_FUZZ_WORLD_H

#include "fuzz.h"
#include "service.h"
#include "sim.h"
#include "steps.h"

/* ---- promises.c: the section of each plugin, and how much it may say ---- */

struct promise {
    const char *plugin;
    const char *options[8]; /* key, value, … NULL; a value that begins with ./ is a path */
    const char *low[12];    /* in place of them with low limits; NULL: only the host's are low */
    /* Output is at most this, for each connection, message taken or datagram, and byte received. */
    uint64_t a_connection, a_message, a_byte;
    bool datagrams_too;     /* at most udp_most for each datagram */
};
const struct promise *promise_of(const char *plugin); /* NULL: none is known */

/* ---- world.c ---- */

struct world {
    struct sim *sim;
    struct service *service;
    struct section *section;
    struct stats_row *stats;
    int tcp, udp; /* listening sockets; -1: none */
    int64_t memory, actors; /* of the section at rest */
    uint32_t live;
    uint64_t turns;         /* since world_rest */
};
enum { CONNECTIONS = 16 }; /* of one run, that closed is told of */

/* What hooks before the plugin's callbacks saw; who plays sets it to zero. */
struct closed {
    uint8_t why;  /* enum gyre_why; 0: it did not close */
    bool dropped; /* what it had to send was dropped, as the close, or a broken wire, wants */
};
struct seen {
    uint64_t calls;  /* of on_data */
    uint64_t others; /* of what the plugin asked for: on_room, on_timer */
    struct closed closed[CONNECTIONS]; /* by descriptor */
};
extern struct seen seen;

/* Loads the plugin: from that file, or NULL: the one that this program is linked with. */
struct plugin *world_load(const char *path);
void world_make(struct world *, struct plugin *, const struct promise *, bool low);
/* Everything leaves and is counted. */
void world_free(struct world *);
/* Turns until there is nothing to do now. */
void world_settle(struct world *);
void world_wait(struct world *, int64_t ns);
/* Between two runs: nothing may be left of what the last one opened. */
void world_rest(struct world *);
int64_t world_stat(const struct world *, enum stat_id);
/* What closing told of the connection with that descriptor. NULL: it is none. */
static inline struct closed *world_closed(int fd)
{
    return fd >= SIM_FD_FIRST && fd < SIM_FD_FIRST + CONNECTIONS ? &seen.closed[fd - SIM_FD_FIRST]
                                                                 : NULL;
}
#endif

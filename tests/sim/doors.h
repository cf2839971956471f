/* SPDX-License-Identifier: GPL-3.0-or-later
 * doors.h - the calls that a plugin makes into the host, counted, and failing when a test says so.
 *
 * These tables stand before host_api and the services. A call that may be refused by the world is a
 * point for each of the errors that its documentation allows; a failing one does to the actor what
 * the host would have done (a write that is refused closes the stream), and to nothing else.
 * Not failed: what only a wrong call can cause (a range outside of a buffer), and calls on an actor
 * that is closing. Threads: one.
 */
#ifndef GYRE_SIM_DOORS_H
#define GYRE_SIM_DOORS_H

#include <stdbool.h>
#include <stdint.h>

struct plugin;

void doors_set(struct plugin *); /* after plugin_bind, before its first on_load: it calls these */
void doors_reset(void);          /* counts begin anew; nothing fails */
void doors_fail_at(uint64_t n);  /* the n-th point from now on fails (1: the next); 0: none */
uint64_t doors_points(void);     /* passed since the last reset */
const char *doors_failed(void);  /* the call that failed, and how; NULL: none did */
#endif

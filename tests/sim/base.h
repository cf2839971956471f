/* SPDX-License-Identifier: GPL-3.0-or-later
 * base.h - what the simulated world (tests/sim) and the one of real sockets (tests/real) share.
 */
#ifndef GYRE_SIM_BASE_H
#define GYRE_SIM_BASE_H

#include "sim.h"

/* The core, or the test, did what it must not: says so and aborts. */
_Noreturn void sim_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *sim_need(void *p); /* p, or stops: no memory */
unsigned sim_patience(void); /* on a slow machine: how many times as long a limit of time is */
#endif

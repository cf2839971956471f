/* SPDX-License-Identifier: GPL-3.0-or-later
 * alloc.h - the core's allocations, counted, and failing when a test says so.
 *
 * Programs over the simulated kernel are linked with core-sim.a, in which malloc and its like are
 * the functions of alloc.c (alloc.syms names them). What tests and libraries allocate is not
 * counted and does not fail. Threads: counts are exact for one thread; more may use it.
 */
#ifndef GYRE_SIM_ALLOC_H
#define GYRE_SIM_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls that may fail, since the last alloc_reset. */
uint64_t alloc_calls(void);
uint64_t alloc_failed(void); /* how many of them did */
void alloc_reset(void);      /* counts begin anew; nothing fails */
/* The n-th call from now on fails (1: the next); for_good: and all that follow. 0: none. */
void alloc_fail_at(uint64_t n, bool for_good);
/* Called inside each call that fails, for a trace of where it is. NULL: nobody. */
void alloc_tell(void (*)(void));
/* Each call fails with this chance, by a random row of its own. 0: none. */
void alloc_fail_often(uint64_t seed, uint32_t per_million);
/* Blocks lie in another order than they were taken, by a random row of its own. 0: as they come. */
void alloc_elsewhere(uint64_t seed);
/* Between these two nothing fails, and nothing is counted as a call. They nest. */
void alloc_hold(void);
void alloc_go_on(void);

/* Blocks made from now on belong to this process (preset 0). The one before. */
uint32_t alloc_owner(uint32_t process);
uint64_t alloc_live(void);       /* blocks that were not freed */
uint64_t alloc_live_bytes(void);
uint64_t alloc_live_of(uint32_t process); /* blocks; walks all */
/* A process "crashes": frees every block that it has, as its end would. */
void alloc_crash(uint32_t process);
#endif

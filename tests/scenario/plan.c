/* SPDX-License-Identifier: GPL-3.0-or-later
 * plan.c - from a seed to what a run is like.
 *
 * Each seed has some kinds of faults, at rates of its own, and not the others: so the rare ones are
 * not drowned by the common ones. A third of all seeds is harsh: there, what a client asks for may
 * be lost, and only the core's own account is checked; in the others every answer must come.
 */
#include "scenario.h"

static uint64_t pick(uint64_t *random, uint64_t n)
{
    return sim_random(random) % n;
}

static int64_t some_time(uint64_t *random, int64_t most_ms)
{
    return (int64_t)pick(random, (uint64_t)most_ms * 1000) * 1000;
}

static void choose_faults(struct plan *p, uint64_t *random)
{
    static const enum sim_fault mild[] = {
        FAULT_SHORT_READ, FAULT_SHORT_WRITE, FAULT_NO_BUFFERS, FAULT_ACCEPT_ENDS, FAULT_RECV_ENDS,
        FAULT_CANCEL_RACE, FAULT_NO_FDS, FAULT_REORDERED, FAULT_LATE, FAULT_AGAIN,
        FAULT_FILE_SHORT, FAULT_WATCH_LOST};
    static const enum sim_fault harsh[] = {FAULT_ABORTED, FAULT_SEND_ERROR, FAULT_CONNECT,
                                           FAULT_EMIT, FAULT_LOST, FAULT_DATAGRAM_CUT,
                                           FAULT_FILE_ERROR};
    static const uint32_t rates[] = {1000, 10000, 50000, 200000};
    for (size_t i = 0; i < sizeof mild / sizeof *mild; i++)
        if (pick(random, 3) == 0) p->per_million[mild[i]] = rates[pick(random, 4)];
    for (size_t i = 0; p->harsh && i < sizeof harsh / sizeof *harsh; i++)
        if (pick(random, 3) == 0) p->per_million[harsh[i]] = rates[pick(random, 3)];
    if (p->harsh && pick(random, 3) == 0) p->memory_per_million = rates[pick(random, 2)];
    /* The chance of a race is that of a cancel; there are few. */
    if (p->per_million[FAULT_CANCEL_RACE]) p->per_million[FAULT_CANCEL_RACE] = 500000;
    if (p->per_million[FAULT_NO_FDS] > 50000) p->per_million[FAULT_NO_FDS] = 50000;
    p->buffers = pick(random, 3) ? RING_BUFFERS : 1 + (uint32_t)pick(random, 8);
    p->queue = pick(random, 4) ? 0 : 1 + (uint32_t)pick(random, 16);
}

static void add(struct plan *p, int64_t at_ns, enum order what)
{
    uint32_t i = p->events_n++;
    while (i && p->events[i - 1].at_ns > at_ns) {
        p->events[i] = p->events[i - 1];
        i--;
    }
    p->events[i] = (struct event){at_ns, what};
}

void plan_make(struct plan *p, uint64_t seed, enum weather weather)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 7;
    *p = (struct plan){.workers = 1 + (uint32_t)pick(&random, WORKERS_MOST),
                       .clients = 4 + (uint32_t)pick(&random, 44)};
    static const uint32_t drains_ms[] = {100, 1000, 6000, 30000};
    p->plain = weather == WEATHER_PLAIN;
    p->drain_ms = drains_ms[3];
    p->buffers = RING_BUFFERS;
    if (p->plain) return;
    p->harsh = pick(&random, 3) == 0;
    p->tight = pick(&random, 4) == 0;
    if (weather == WEATHER_ALL) choose_faults(p, &random);
    uint64_t n = pick(&random, 4) ? pick(&random, 6) : 0;
    for (uint64_t i = 0; i < n; i++) {
        static const enum order orders[] = {ORDER_RELOAD, ORDER_REFRESH, ORDER_FILE, ORDER_FILE,
                                            ORDER_REPLACE, ORDER_REPLACE, ORDER_CRASH,
                                            ORDER_AGAIN, ORDER_AGAIN};
        add(p, some_time(&random, 1500), orders[pick(&random, sizeof orders / sizeof *orders)]);
    }
    if (pick(&random, 8) == 0) add(p, some_time(&random, 1500), ORDER_CLOCK);
    if (pick(&random, 8) == 0) add(p, some_time(&random, 1500), ORDER_WALL);
    p->drain_ms = drains_ms[pick(&random, sizeof drains_ms / sizeof *drains_ms)];
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * quiet_ring.h - for tests with threads: a ring on which nothing ever happens but waking, and the
 * time that passes. For workers without sockets and files.
 */
#ifndef QUIET_RING_H
#define QUIET_RING_H

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "service.h"

struct quiet_ring {
    struct ring pub;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool wake;
    uint64_t random;
};

static inline void quiet_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct quiet_ring *q = (struct quiet_ring *)r;
    struct timespec at = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    int res = 0;
    pthread_mutex_lock(&q->lock);
    while (!busy && !q->wake && res != ETIMEDOUT)
        res = deadline_ns == GYRE_NEVER ? pthread_cond_wait(&q->woken, &q->lock)
                                        : pthread_cond_timedwait(&q->woken, &q->lock, &at);
    q->wake = false;
    pthread_mutex_unlock(&q->lock);
}

static inline void quiet_wake(struct ring *r)
{
    struct quiet_ring *q = (struct quiet_ring *)r;
    pthread_mutex_lock(&q->lock);
    q->wake = true;
    pthread_cond_signal(&q->woken);
    pthread_mutex_unlock(&q->lock);
}

static inline size_t quiet_reap(struct ring *r, struct ring_event *e, size_t most)
{
    (void)r;
    (void)e;
    (void)most;
    return 0;
}

static inline int64_t quiet_now(struct ring *r, enum gyre_clock clock)
{
    struct timespec t;
    (void)r;
    clock_gettime(clock == GYRE_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void quiet_random(struct ring *r, void *p, size_t n)
{
    struct quiet_ring *q = (struct quiet_ring *)r;
    for (uint8_t *at = p; n--; at++) {
        q->random = q->random * 6364136223846793005u + 1442695040888963407u;
        *at = (uint8_t)(q->random >> 56);
    }
}

static inline void quiet_free(struct ring *r)
{
    struct quiet_ring *q = (struct quiet_ring *)r;
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->woken);
    free(q);
}

static inline struct ring *quiet_ring(void)
{
    static const struct ring_ops ops = {.wait = quiet_wait, .wake = quiet_wake,
                                        .reap = quiet_reap, .now = quiet_now,
                                        .random = quiet_random, .free = quiet_free};
    struct quiet_ring *q = calloc(1, sizeof *q);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->woken, &attr);
    pthread_condattr_destroy(&attr);
    q->pub.ops = &ops;
    return &q->pub;
}
#endif

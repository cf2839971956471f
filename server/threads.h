/* SPDX-License-Identifier: GPL-3.0-or-later
 * threads.h - the worker threads of a service: all of them, or none.
 *
 * All calls belong to the control thread.
 */
#ifndef GYRE_THREADS_H
#define GYRE_THREADS_H

#include "service.h"

struct service_start;

struct threads {
    const struct service_start *start;
    struct service *service;
    pthread_mutex_t lock; /* of what follows, down to why */
    pthread_cond_t changed;
    uint32_t started, synced; /* workers that have their ring; that passed a sync */
    bool failed, released;   /* released: they may turn */
    uint32_t kernels;        /* JAIL_URING, JAIL_EPOLL: what they turn on */
    bool rings_open;         /* a ring that the kernel does not restrict */
    bool on_epoll; /* io_uring was refused here, and that was said */
    char why[320];
    struct jail *jail; /* NULL: none */
    bool unfit;        /* sandbox = require, and something is missing: why */
    uint32_t n;        /* that have a thread */
    pthread_t at[LIMIT_WORKERS];
    struct errand sync[LIMIT_WORKERS];
};
void threads_prepare(struct threads *, const struct service_start *, struct service *);
/* Every worker has its thread and its ring, the service is closed in (jail.h), and they turn.
 * false: why; and no thread is left. */
bool threads_start(struct threads *);
/* Waits until every worker has done what was posted before, and has told its ring. */
void threads_sync(struct threads *);
/* … and until one worker has run this, between two callbacks. */
void threads_call(struct threads *, uint32_t worker, void (*run)(struct worker *, void *), void *);
void threads_join(struct threads *); /* once they leave */
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * threads.c - the worker threads of a service: each makes its ring and its worker, and turns.
 *
 * A worker's ring is made on its own thread, so what is scarce shows there. When all are there the
 * jail is closed around them, and only then they turn: nothing of a peer has come so far.
 * Promise: all of them serve, or none is left, and it is told why: with --single the process goes
 * on, and no thread may wait for what is gone. Limits: LIMIT_WORKERS.
 */
#include "threads.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

struct thread_arg {
    struct threads *threads;
    uint32_t index;
};

void threads_prepare(struct threads *t, const struct service_start *start, struct service *service)
{
    *t = (struct threads){.start = start, .service = service,
                          .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

/* What the supervisor found out may be otherwise here: a profile or a limit of this process. */
static struct ring *make_ring(struct threads *t, char *why, size_t why_n)
{
    const enum ring_kind wanted = t->start->ring;
    uint32_t may = t->jail ? jail_rings(t->jail) : RING_ANYTHING;
    struct ring *ring = wanted == RING_EPOLL ? NULL : ring_make(may, why, why_n);
    bool uring = ring;
    if (!uring && wanted == RING_URING) return NULL;
    pthread_mutex_lock(&t->lock);
    if (!uring && wanted == RING_AUTO && !t->on_epoll)
        log_warn("epoll serves in place of io_uring, in this service: %s", why);
    t->on_epoll = t->on_epoll || !uring;
    t->kernels |= uring ? JAIL_URING : JAIL_EPOLL;
    t->rings_open = t->rings_open || (uring && !ring->shut);
    atomic_store(&t->service->stats->ring, t->on_epoll ? RING_EPOLL : RING_URING);
    pthread_mutex_unlock(&t->lock);
    return uring ? ring : ring_make_epoll(why, why_n);
}

static void *run_worker(void *user)
{
    struct thread_arg *arg = user;
    struct threads *t = arg->threads;
    char why[256], who[2 * LIMIT_NAME];
    uint32_t index = arg->index;
    free(arg);
    snprintf(who, sizeof who, "%s/%u", t->start->name, t->start->generation);
    log_open(who, log_level_now());
    box_thread(&t->service->stats->box, index);
    struct ring *ring = make_ring(t, why, sizeof why);
    bool ok = ring && service_worker(t->service, index, ring);
    if (ring && !ok) snprintf(why, sizeof why, "no memory for a worker");
    pthread_mutex_lock(&t->lock);
    if (!ok) {
        t->failed = true;
        snprintf(t->why, sizeof t->why, "%s", why);
    }
    t->started++;
    pthread_cond_broadcast(&t->changed);
    while (!t->released && !t->failed) pthread_cond_wait(&t->changed, &t->lock);
    ok = !t->failed;
    pthread_mutex_unlock(&t->lock);
    if (ok) worker_run(t->service->workers[index]);
    return NULL;
}

/* The first half of the jail: what threads inherit. false: no memory. */
static bool enter_jail(struct threads *t)
{
    if (t->start->threads_only || t->start->sandbox == JAIL_OFF) return true;
    t->jail = jail_make(t->service, t->start->sandbox);
    if (!t->jail) return false;
    if (t->start->lacks) jail_miss(t->jail, t->start->lacks);
    jail_enter(t->jail);
    helpers_settle(t->service->helpers, t->jail->helpers);
    return true;
}

/* The second, while all threads wait. What is missing is told, or is the end. */
static bool close_jail(struct threads *t)
{
    if (!t->jail) return true;
    jail_close(t->jail, t->kernels, !t->rings_open);
    t->service->jail = t->jail;
    t->unfit = t->jail->mode == JAIL_REQUIRE && t->jail->missing[0];
    if (t->unfit)
        (void)snprintf(t->why, sizeof t->why, "sandbox = require, but it lacks %s",
                       t->jail->missing);
    else if (t->jail->missing[0] && !t->jail->watched)
        log_warn("the sandbox lacks %s", t->jail->missing);
    return !t->unfit;
}

bool threads_start(struct threads *t)
{
    sigset_t all, old;
    const uint32_t n = t->service->workers_n;
    bool ok = enter_jail(t);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (ok && t->n < n) {
        struct thread_arg *arg = malloc(sizeof *arg);
        if (arg) *arg = (struct thread_arg){t, t->n};
        ok = arg && !pthread_create(&t->at[t->n], NULL, run_worker, arg);
        if (ok) t->n++;
        else free(arg);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_mutex_lock(&t->lock);
    if (!ok) {
        t->failed = true;
        snprintf(t->why, sizeof t->why, "cannot start worker threads");
        pthread_cond_broadcast(&t->changed);
    }
    while (t->started < n && !t->failed) pthread_cond_wait(&t->changed, &t->lock);
    t->failed = t->failed || !close_jail(t);
    t->released = true;
    pthread_cond_broadcast(&t->changed);
    ok = !t->failed;
    pthread_mutex_unlock(&t->lock);
    if (!ok) threads_join(t);
    return ok;
}

static void passed(struct worker *w, void *user)
{
    struct threads *t = user;
    (void)w;
    pthread_mutex_lock(&t->lock);
    t->synced++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void threads_sync(struct threads *t)
{
    for (int round = 0; round < 2; round++) { /* the second: the turn after has submitted it */
        t->synced = 0;
        for (uint32_t i = 0; i < t->service->workers_n; i++) {
            t->sync[i].run = passed;
            t->sync[i].arg = t;
            errand_post(t->service->workers[i], &t->sync[i]);
        }
        pthread_mutex_lock(&t->lock);
        while (t->synced < t->service->workers_n) pthread_cond_wait(&t->changed, &t->lock);
        pthread_mutex_unlock(&t->lock);
    }
}

struct worker_call {
    struct threads *threads;
    void (*run)(struct worker *, void *);
    void *arg;
};

static void run_call(struct worker *w, void *user)
{
    struct worker_call *call = user;
    call->run(w, call->arg);
    passed(w, call->threads);
}

void threads_call(struct threads *t, uint32_t worker, void (*run)(struct worker *, void *),
                  void *arg)
{
    struct worker_call call = {t, run, arg};
    t->synced = 0;
    t->sync[worker].run = run_call;
    t->sync[worker].arg = &call;
    errand_post(t->service->workers[worker], &t->sync[worker]);
    pthread_mutex_lock(&t->lock);
    while (!t->synced) pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void threads_join(struct threads *t)
{
    while (t->n) pthread_join(t->at[--t->n], NULL);
}

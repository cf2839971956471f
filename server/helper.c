/* SPDX-License-Identifier: GPL-3.0-or-later
 * helper.c - a few threads for what blocks: opening files, looking up names, hashing passwords.
 *
 * A job is done by one helper, then its item runs on the worker that posted it. Threads start with
 * the first job, or all at once where none can start later (helpers_settle). Without helpers, as in
 * tests, a job is done at once, and its item comes next turn.
 * Promise: what was accepted is carried out, also while the service ends.
 * Limits: LIMIT_HELPERS threads, LIMIT_JOBS waiting.
 */
#include <signal.h>
#include <stdlib.h>

#include "service.h"

struct helpers {
    pthread_mutex_t lock;
    pthread_cond_t more, began;
    struct job *first, **end;
    uint32_t waiting, idle, running, most;
    bool stop;
    uint32_t begun; /* threads that have their box */
    struct black_box *boxes;
    pthread_t threads[LIMIT_HELPERS];
};

struct helpers *helpers_make(uint32_t threads, struct black_box *boxes)
{
    struct helpers *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->most = threads < LIMIT_HELPERS ? threads : LIMIT_HELPERS;
    h->end = &h->first;
    h->boxes = boxes;
    if (!pthread_mutex_init(&h->lock, NULL) && !pthread_cond_init(&h->more, NULL) &&
        !pthread_cond_init(&h->began, NULL))
        return h;
    free(h);
    return NULL;
}

static void *help(void *arg)
{
    struct helpers *h = arg;
    pthread_mutex_lock(&h->lock);
    box_thread(h->boxes, BOX_HELPERS + h->begun++);
    pthread_cond_signal(&h->began); /* for helpers_settle, the only one who waits for it */
    for (;;) {
        h->idle++;
        while (!h->first && !h->stop) pthread_cond_wait(&h->more, &h->lock);
        h->idle--;
        struct job *job = h->first;
        if (!job) break;
        h->first = job->next;
        if (!h->first) h->end = &h->first;
        h->waiting--;
        pthread_mutex_unlock(&h->lock);
        job->work(job);
        inbox_post(job->worker, &job->item);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* Signals belong to the control thread. */
static bool start_thread(struct helpers *h)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool ok = !pthread_create(&h->threads[h->running], NULL, help, h);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (ok) h->running++;
    return ok;
}

void helpers_settle(struct helpers *h, bool some)
{
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    while (some && h->running < h->most && start_thread(h)) continue;
    h->most = h->running;
    while (h->begun < h->running) pthread_cond_wait(&h->began, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

bool helpers_post(struct service *s, struct job *job)
{
    struct helpers *h = s->helpers;
    bool ok = false;
    if (!h) {
        job->work(job);
        inbox_post(job->worker, &job->item);
        return true;
    }
    pthread_mutex_lock(&h->lock);
    if (h->waiting >= LIMIT_JOBS || !h->most) goto out;
    if (h->waiting >= h->idle && h->running < h->most && !start_thread(h) && !h->running) goto out;
    job->next = NULL;
    *h->end = job;
    h->end = &job->next;
    h->waiting++;
    pthread_cond_signal(&h->more);
    ok = true;
out:
    pthread_mutex_unlock(&h->lock);
    return ok;
}

void helpers_free(struct helpers *h)
{
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
    for (uint32_t i = 0; i < h->running; i++) pthread_join(h->threads[i], NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->more);
    pthread_cond_destroy(&h->began);
    free(h);
}

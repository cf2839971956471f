/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_inbox.c - inbox.c: posts of several threads, in order, counted, and none slept through.
 *
 * A worker turns on a thread of its own, over a ring that can only wait and be woken.
 */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "quiet_ring.h"

enum { POSTERS = 3, ITEMS = 100000 };

static struct stats_page stats;
static struct service service;
static struct worker *w;
static pthread_t thread;

static void *turn(void *arg)
{
    worker_run(arg);
    return NULL;
}

static void begin(void)
{
    service = (struct service){.magic = SERVICE_MAGIC, .workers_n = 1, .wake_fd = -1,
                               .stats = &stats};
    w = service.workers[0] = worker_make(&service, 0, quiet_ring());
    cr_assert_not_null(w);
    cr_assert_eq(pthread_create(&thread, NULL, turn, w), 0);
}

static void end(void)
{
    service_stop(&service);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(atomic_load(&w->inbox.bytes), 0);
    cr_expect_null(w->inbox.local);
    worker_free(w);
}

TestSuite(inbox, .init = begin, .fini = end, .timeout = 60);

struct numbered {
    struct item item;
    uint32_t poster, number;
};
static uint32_t next_of[POSTERS], out_of_order; /* of the worker's thread */
static sem_t all_came;

static void run_numbered(struct worker *on, struct item *item)
{
    struct numbered *n = (struct numbered *)item;
    if (on != w || worker_here != w || n->number != next_of[n->poster]) out_of_order++;
    if (++next_of[n->poster] == ITEMS) sem_post(&all_came);
    free(n);
}

static void post(uint32_t poster, uint32_t number, uint32_t bytes)
{
    struct numbered *n = calloc(1, sizeof *n);
    *n = (struct numbered){{.run = run_numbered, .bytes = bytes}, poster, number};
    inbox_post(w, &n->item);
}

static void *post_many(void *arg)
{
    uint32_t poster = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < ITEMS; i++) post(poster, i, i % 100);
    return NULL;
}

/* No deadline but that of the suite: what does not come is a failure, not a matter of time. */
static void await(sem_t *s)
{
    while (sem_wait(s) != 0) continue;
}

Test(inbox, in_order_from_each_of_several_threads)
{
    pthread_t posters[POSTERS];
    sem_init(&all_came, 0, 0);
    for (uintptr_t i = 0; i < POSTERS; i++)
        cr_assert_eq(pthread_create(&posters[i], NULL, post_many, (void *)i), 0);
    for (int i = 0; i < POSTERS; i++) await(&all_came);
    for (int i = 0; i < POSTERS; i++) cr_assert_eq(pthread_join(posters[i], NULL), 0);
    cr_expect_eq(out_of_order, 0);
}

/* One at a time, each when the one before has come: the worker sleeps, or is about to. */
static void run_signal(struct worker *on, struct item *item)
{
    (void)on;
    (void)item;
    sem_post(&all_came);
}

Test(inbox, no_post_is_slept_through)
{
    struct item item = {.run = run_signal, .bytes = 10};
    sem_init(&all_came, 0, 0);
    for (int i = 0; i < 20000; i++) {
        inbox_post(w, &item);
        await(&all_came);
    }
}

/* Posts of the worker to itself stand behind what it posted before, and need no waking. */
static uint32_t steps;

static void run_again(struct worker *on, struct item *item)
{
    if (++steps < 10000) inbox_post(on, item);
    else sem_post(&all_came);
}

Test(inbox, a_worker_posts_to_itself)
{
    struct item item = {.run = run_again};
    sem_init(&all_came, 0, 0);
    inbox_post(w, &item);
    await(&all_came);
    cr_expect_eq(steps, 10000);
}

/* ---- without a thread: what is counted when ---- */

static struct worker *still(void)
{
    static struct service alone;
    alone = (struct service){.magic = SERVICE_MAGIC, .workers_n = 1, .wake_fd = -1,
                             .stats = &stats};
    return alone.workers[0] = worker_make(&alone, 0, quiet_ring());
}

static uint64_t seen_bytes;

static void run_looking(struct worker *on, struct item *item)
{
    (void)item;
    seen_bytes = atomic_load(&on->inbox.bytes);
}

Test(inbox, bytes_are_counted_until_they_were_handled)
{
    struct worker *to = still();
    struct item a = {.run = run_looking, .bytes = LIMIT_BOX - 1};
    struct item b = {.run = run_looking, .bytes = 1}, none = {.run = run_looking};
    inbox_post(to, &a);
    cr_expect_not(inbox_over(to));
    inbox_post(to, &none);
    cr_expect_not(inbox_over(to));
    inbox_post(to, &b);
    cr_expect(inbox_over(to));
    worker_here = to;
    cr_expect(inbox_run(to));
    cr_expect_eq(seen_bytes, 1, "the last one counts while it runs");
    cr_expect_eq(atomic_load(&to->inbox.bytes), 0);
    cr_expect_not(inbox_over(to));
    cr_expect_not(inbox_run(to));
    worker_here = NULL;
    worker_free(to);
}

static uint32_t ran;

static void run_counting(struct worker *on, struct item *item)
{
    (void)on;
    ran++;
    free(item);
}

Test(inbox, so_many_a_turn)
{
    struct worker *to = still();
    for (int i = 0; i < LIMIT_MAILS_A_TURN + 10; i++) {
        struct item *item = calloc(1, sizeof *item);
        item->run = run_counting;
        inbox_post(to, item);
    }
    worker_here = to;
    cr_expect(inbox_run(to));
    cr_expect_eq(ran, LIMIT_MAILS_A_TURN);
    cr_expect(inbox_run(to));
    cr_expect_eq(ran, LIMIT_MAILS_A_TURN + 10);
    worker_here = NULL;
    worker_free(to);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_timer.c - timer.c: a heap of deadlines against a plain list of them.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "core.h"

/* Timers of listeners: firing arms the listener, which asks the ring to accept. */
enum { MOST = 500 };
static struct listener all[MOST];
static int fired[4 * MOST];
static size_t fired_n;
static bool again; /* sets itself, as it fires */
static struct worker w;

static void note_accept(struct ring *r, int fd, uint64_t user)
{
    (void)r;
    (void)user;
    cr_assert_lt(fired_n, sizeof fired / sizeof *fired);
    fired[fired_n++] = fd;
    all[fd].armed = false;
    if (again) timer_set(&w, &all[fd].retry, w.now_ns);
}

static const struct ring_ops ops = {.accept = note_accept};
static struct ring ring = {.ops = &ops};

static void begin(void)
{
    w.ring = &ring;
    w.now_ns = 1000;
    cr_assert(timer_reserve(&w, MOST));
    for (int i = 0; i < MOST; i++) {
        all[i] = (struct listener){.fd = i};
        all[i].retry.what = TIMER_LISTEN;
        all[i].retry.back = offsetof(struct listener, retry);
    }
}

static void end(void)
{
    free(w.timers.heap);
}

TestSuite(timer, .init = begin, .fini = end);

Test(timer, fires_once_in_order_of_time)
{
    cr_expect_eq(timer_next(&w), GYRE_NEVER);
    for (int i = 0; i < MOST; i++) timer_set(&w, &all[i].retry, 2000 + (i * 7919) % MOST);
    cr_expect_eq(timer_next(&w), 2000);
    cr_expect_not(timer_fire_due(&w));
    w.now_ns = 1999;
    cr_expect_not(timer_fire_due(&w));
    w.now_ns = 2000 + MOST;
    cr_expect(timer_fire_due(&w));
    cr_assert_eq(fired_n, MOST);
    for (size_t i = 1; i < fired_n; i++)
        cr_assert_leq(all[fired[i - 1]].retry.due_ns, all[fired[i]].retry.due_ns);
    cr_expect_not(timer_fire_due(&w));
    cr_expect_eq(timer_next(&w), GYRE_NEVER);
}

Test(timer, cleared_and_moved)
{
    timer_set(&w, &all[0].retry, 2000);
    timer_set(&w, &all[1].retry, 2000);
    timer_set(&w, &all[2].retry, 2000);
    timer_set(&w, &all[3].retry, 9000);
    timer_clear(&w, &all[0].retry);
    timer_clear(&w, &all[0].retry);
    timer_clear(&w, &all[4].retry);
    timer_set(&w, &all[1].retry, 5000);
    timer_set(&w, &all[3].retry, 1500);
    cr_expect_eq(timer_next(&w), 1500);
    w.now_ns = 2000;
    cr_expect(timer_fire_due(&w));
    cr_assert_eq(fired_n, 2);
    cr_expect_eq(fired[0], 3);
    cr_expect_eq(fired[1], 2);
    w.now_ns = 4999;
    cr_expect_not(timer_fire_due(&w));
    cr_expect_eq(timer_next(&w), 5000);
    w.now_ns = 5000;
    cr_expect(timer_fire_due(&w));
    cr_assert_eq(fired_n, 3);
    cr_expect_eq(fired[2], 1);
}

/* Random sets, moves and clears; at each step exactly what is due has fired. */
Test(timer, as_a_plain_list_would)
{
    int64_t due[MOST] = {0}; /* 0: not set */
    uint64_t random = 42;
    for (int step = 0; step < 20000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int i = (int)(random >> 33) % MOST, what = (int)(random >> 20) % 10;
        if (what < 6) {
            due[i] = w.now_ns + 1 + (int64_t)(random >> 40) % 1000;
            timer_set(&w, &all[i].retry, due[i]);
        } else if (what < 8) {
            due[i] = 0;
            timer_clear(&w, &all[i].retry);
        } else {
            int64_t least = GYRE_NEVER;
            for (int k = 0; k < MOST; k++)
                if (due[k] && due[k] < least) least = due[k];
            cr_assert_leq(timer_next(&w), least);
            w.now_ns += (int64_t)(random >> 50) % 50;
            fired_n = 0;
            (void)timer_fire_due(&w);
            for (size_t k = 0; k < fired_n; k++) {
                cr_assert(due[fired[k]] && due[fired[k]] <= w.now_ns, "%d fired", fired[k]);
                due[fired[k]] = 0;
            }
            for (int k = 0; k < MOST; k++)
                cr_assert(!due[k] || due[k] > w.now_ns, "%d did not fire", k);
        }
    }
}

Test(timer, what_sets_itself_to_now_ends_the_turn)
{
    again = true;
    timer_set(&w, &all[0].retry, 1);
    timer_set(&w, &all[1].retry, 1);
    cr_expect(timer_fire_due(&w));
    cr_expect_eq(fired_n, 2);
}

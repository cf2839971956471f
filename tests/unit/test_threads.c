/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_threads.c - what workers on threads of their own do to each other: mail, watches, topics,
 * shared data, jobs. To be run under ThreadSanitizer, too.
 *
 * Each worker turns on its thread over a ring that only wakes. What an actor does, it does in
 * callbacks; a test waits for a count, never for a time.
 */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdio.h>

#include "quiet_ring.h"
#include "services/bus.h"
#include "services/shared.h"
#include "services/work.h"

enum { WORKERS = 3, TURNS = 5000 };

static struct service *service;
static struct section *section;
static pthread_t threads[WORKERS];
static sem_t done;
static _Atomic uint64_t wrong;

/* ---- the service ---- */

static void *turn(void *arg)
{
    worker_run(arg);
    return NULL;
}

static void kind(struct kind *k, struct plugin *p, const struct gyre_proto *declared)
{
    *k = (struct kind){.declared = declared, .plugin = p};
    if (declared) k->p = *declared;
    k->p.message_max = LIMIT_MESSAGE;
    k->p.high_mark = LIMIT_HIGH_MARK;
}

static void begin_with(const struct gyre_proto *more, uint32_t helpers)
{
    static const struct gyre_proto home = {GYRE_PROTO};
    char why[256];
    log_open("unit", GYRE_ERROR);
    sem_init(&done, 0, 0);
    service = service_make("unit", 1, WORKERS, NULL, helpers, why, sizeof why);
    cr_assert_not_null(service);
    struct plugin *p = service->plugins = calloc(1, sizeof *p);
    snprintf(p->name, sizeof p->name, "unit");
    p->p.name = p->name;
    p->p.flags = GYRE_WRITABLE_STATICS;
    p->declared = &p->p;
    p->kinds_n = KIND_MORE + 1;
    p->kinds = calloc(p->kinds_n, sizeof *p->kinds);
    for (int i = 0; i < KIND_MORE; i++) kind(&p->kinds[i], p, i == KIND_HOME ? &home : NULL);
    kind(&p->kinds[KIND_MORE], p, more);
    for (uint32_t i = 0; i < WORKERS; i++)
        cr_assert(service_worker(service, i, quiet_ring()));
    section = service_section(service, 1, "unit", "unit", NULL, 0, why, sizeof why);
    cr_assert_not_null(section, "%s", why);
    service_publish(section, section->newest);
    for (uint32_t i = 0; i < WORKERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, turn, service->workers[i]), 0);
}

static void await(uint32_t times)
{
    while (times--)
        while (sem_wait(&done) != 0) continue;
}

/* Leaves, and counts what is left. */
static void end(void)
{
    int64_t left = 0;
    service_drain(service);
    while (!service_drained(service)) (void)sched_yield();
    service_stop(service);
    for (uint32_t i = 0; i < WORKERS; i++) cr_assert_eq(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct stats_row *row = &service->stats->row[i];
        left += row->v[STAT_ACTORS] + row->v[STAT_MEMORY];
        left += service->workers[i]->live;
    }
    cr_expect_eq(left, 0);
    cr_expect_eq(atomic_load(&wrong), 0);
    service_free(service);
}

TestSuite(threads, .fini = end, .timeout = 100);

static struct gyre_actor *make_actor(struct worker *w, const struct gyre_proto *proto)
{
    return host_api.dial(&section->home[w->index]->pub, &(struct gyre_dial){GYRE_DIAL}, proto);
}

struct task {
    struct item item;
    void (*run)(struct worker *, void *);
};

static void run_task(struct worker *w, struct item *item)
{
    ((struct task *)item)->run(w, NULL);
    free(item);
}

static bool post(struct worker *w, void (*run)(struct worker *, void *))
{
    struct task *t = malloc(sizeof *t);
    if (!t) return false;
    *t = (struct task){{.run = run_task}, run};
    inbox_post(w, &t->item);
    return true;
}

static void post_all(void (*run)(struct worker *, void *))
{
    for (uint32_t i = 0; i < WORKERS; i++) cr_assert(post(service->workers[i], run));
}

/* ---- mail: each actor sends to the next one, and counts what comes from the one before ---- */

static gyre_ref refs[WORKERS];
static const struct gyre_proto sender;
struct count {
    uint64_t sent, got, bounced;
};

static void send_next(struct gyre_actor *a)
{
    struct count *c = a->state;
    gyre_ref to = refs[(a->worker + 1) % WORKERS];
    struct gyre_buf *body = c->sent % 16 ? NULL : host_api.buf(a, GYRE_LIT("body"));
    if (host_api.send(a, &to, 1, 0, c->sent++, GYRE_LIT("text"), body) < 0)
        atomic_fetch_add(&wrong, 1);
    if (body) host_api.buf_drop(a, body);
}

static void sender_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    struct count *c = a->state;
    if (m->tag != c->got++ || m->from.at >> 32 != (a->worker + WORKERS - 1) % WORKERS ||
        !gyre_eq(m->bytes, GYRE_LIT("text")) ||
        (m->body && !gyre_eq(m->body->bytes, GYRE_LIT("body"))))
        atomic_fetch_add(&wrong, 1);
    if (c->sent < TURNS) send_next(a);
    if (c->got == TURNS) sem_post(&done);
}

static const struct gyre_proto sender = {GYRE_PROTO, .state_size = sizeof(struct count),
                                         .on_mail = sender_mail};

static void make_sender(struct worker *w, void *arg)
{
    (void)arg;
    refs[w->index] = host_api.ref(make_actor(w, &sender));
    sem_post(&done);
}

static void start_sender(struct worker *w, void *arg)
{
    struct gyre_actor *a = host_api.deref(refs[w->index], &sender);
    (void)arg;
    for (int i = 0; i < 50; i++) send_next(a);
}

Test(threads, mail_in_a_ring)
{
    begin_with(&sender, 0);
    post_all(make_sender);
    await(WORKERS);
    post_all(start_sender);
    await(WORKERS);
}

/* ---- a box that is full: each mail arrives or bounces, and none is lost ---- */

enum { FLOOD = 2000, PIECE = 30000 };
static const struct gyre_proto flooder;
static _Atomic uint64_t arrived, came_back;

static void flood_count(_Atomic uint64_t *which)
{
    atomic_fetch_add(which, 1);
    if (atomic_load(&arrived) + atomic_load(&came_back) == 2 * FLOOD) sem_post(&done);
}

static void flood_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    (void)a;
    if (m->bytes.n != PIECE) atomic_fetch_add(&wrong, 1);
    flood_count(&arrived);
}

static void flood_bounce(struct gyre_actor *a, const struct gyre_mail *m, int32_t err)
{
    (void)a;
    if (err != GYRE_FULL || m->from.at != refs[0].at) atomic_fetch_add(&wrong, 1);
    flood_count(&came_back);
}

static const struct gyre_proto flooder = {GYRE_PROTO, .on_mail = flood_mail,
                                          .on_bounce = flood_bounce};

static void make_flooder(struct worker *w, void *arg)
{
    (void)arg;
    refs[w->index] = host_api.ref(make_actor(w, &flooder));
    sem_post(&done);
}

static void start_flooder(struct worker *w, void *arg)
{
    static const uint8_t bytes[PIECE];
    struct gyre_actor *a = host_api.deref(refs[w->index], &flooder);
    (void)arg;
    if (w->index == 0) return;
    for (int i = 0; i < FLOOD; i++)
        if (host_api.send(a, &refs[0], 1, 0, 0, (gyre_view){bytes, PIECE}, NULL) != GYRE_OK)
            atomic_fetch_add(&wrong, 1);
}

Test(threads, a_full_box_bounces_and_loses_nothing)
{
    begin_with(&flooder, 0);
    post_all(make_flooder);
    await(WORKERS);
    post_all(start_flooder);
    await(1);
    cr_expect_gt(atomic_load(&arrived), 0);
}

/* ---- watches: actors come and go, on_down comes once for each ---- */

enum { LIVES = 2000 };
static const struct gyre_proto mortal;
static _Atomic uint64_t downs;

static void watcher_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    if (m->type == 1) { /* watch it, then let it die */
        if (host_api.watch(a, m->from, true) < 0) atomic_fetch_add(&wrong, 1);
        if (m->tag % 3 == 0) (void)host_api.watch(a, m->from, false);
        if (m->tag % 3 == 0) (void)host_api.watch(a, m->from, true);
        (void)host_api.send(a, &m->from, 1, 2, 0, GYRE_NOTHING, NULL);
    } else {
        host_api.close(a, GYRE_NOW);
    }
}

static void born(struct worker *w)
{
    struct gyre_actor *a = make_actor(w, &mortal);
    (void)host_api.send(a, &refs[1], 1, 1, atomic_load(&downs), GYRE_NOTHING, NULL);
}

static void run_born(struct worker *w, void *arg)
{
    (void)arg;
    born(w);
}

static void watcher_down(struct gyre_actor *a, gyre_ref who, enum gyre_why why)
{
    (void)who;
    (void)a;
    if (why != GYRE_CLOSED) atomic_fetch_add(&wrong, 1);
    if (atomic_fetch_add(&downs, 1) + 1 == LIVES) sem_post(&done);
    else if (!post(service->workers[0], run_born)) atomic_fetch_add(&wrong, 1);
}

static const struct gyre_proto mortal = {GYRE_PROTO, .on_mail = watcher_mail,
                                         .on_down = watcher_down};

static void make_watcher(struct worker *w, void *arg)
{
    (void)arg;
    if (w->index == 1) refs[1] = host_api.ref(make_actor(w, &mortal));
    sem_post(&done);
}

Test(threads, watches_over_workers)
{
    begin_with(&mortal, 0);
    post_all(make_watcher);
    await(WORKERS);
    cr_assert(post(service->workers[0], run_born));
    await(1);
    cr_expect_eq(atomic_load(&downs), LIVES);
}

/* ---- topics: members on all workers, one of which comes and goes, and may miss some ---- */

static const struct gyre_proto member;
static _Atomic uint64_t heard[WORKERS];

static void member_mail(struct gyre_actor *a, const struct gyre_mail *m)
{
    if (!gyre_eq(m->topic, GYRE_LIT("topic"))) atomic_fetch_add(&wrong, 1);
    if (m->type == 1 && a->worker == 2) { /* comes and goes */
        (void)bus_table.join(a, m->topic, false);
        (void)bus_table.join(a, m->topic, true);
    }
    if (atomic_fetch_add(&heard[a->worker], 1) + 1 == TURNS && a->worker == 1) sem_post(&done);
}

static const struct gyre_proto member = {GYRE_PROTO, .on_mail = member_mail};

static void make_member(struct worker *w, void *arg)
{
    struct gyre_actor *a = make_actor(w, &member);
    (void)arg;
    refs[w->index] = host_api.ref(a);
    if (bus_table.join(a, GYRE_LIT("topic"), true) != GYRE_OK) atomic_fetch_add(&wrong, 1);
    sem_post(&done);
}

static void start_member(struct worker *w, void *arg)
{
    struct gyre_actor *a = host_api.deref(refs[w->index], &member);
    (void)arg;
    for (int i = 0; w->index == 0 && i < TURNS; i++)
        if (bus_table.send(a, GYRE_LIT("topic"), 1, GYRE_LIT("text"), NULL) != GYRE_OK)
            atomic_fetch_add(&wrong, 1);
}

Test(threads, topics_over_workers)
{
    begin_with(&member, 0);
    post_all(make_member);
    await(WORKERS);
    post_all(start_member);
    await(1);
    cr_expect_eq(atomic_load(&heard[0]), 0, "the sender gets none");
    cr_expect_leq(atomic_load(&heard[2]), TURNS);
}

/* ---- shared data: all publish, all read; nobody sees a part or what was freed ---- */

static struct gyre_cell *cell;
static _Atomic uint64_t published;

static void publish(struct worker *w, void *arg)
{
    uint64_t words[64];
    const gyre_view *was = gyre_read(cell);
    (void)arg;
    if (was) {
        memcpy(words, was->p, sizeof words);
        for (int i = 1; i < 64; i++)
            if (words[i] != words[0] + (uint64_t)i) atomic_fetch_add(&wrong, 1);
    }
    uint64_t first = was ? *(const uint64_t *)(const void *)was->p : 0;
    for (int i = 0; i < 64; i++) words[i] = first + 1 + (uint64_t)i;
    int res = shared_table.publish(cell, was, (gyre_view){(uint8_t *)words, sizeof words});
    if (res == GYRE_OK) atomic_fetch_add(&published, 1);
    else if (res != GYRE_EXISTS) atomic_fetch_add(&wrong, 1);
    if (was) { /* still there, though it was replaced */
        uint64_t base;
        memcpy(&base, was->p, sizeof base);
        memcpy(words, was->p + sizeof words - 8, 8);
        if (words[0] != base + 63) atomic_fetch_add(&wrong, 1);
    }
    if (atomic_load(&published) >= TURNS) sem_post(&done);
    else if (!post(w, publish)) atomic_fetch_add(&wrong, 1);
}

Test(threads, shared_data_is_replaced_whole)
{
    begin_with(&member, 0);
    cell = shared_table.cell(&section->pub, GYRE_LIT("cell"));
    cr_assert_not_null(cell);
    post_all(publish);
    await(WORKERS);
    uint64_t first;
    memcpy(&first, cell->now->p, sizeof first);
    cr_expect_eq(first, atomic_load(&published), "each publish added one");
}

/* ---- jobs ---- */

enum { JOBS = 4000 };
static const struct gyre_proto boss;
static _Atomic uint64_t answers;

static void add(gyre_view in, gyre_out *out)
{
    gyre_in i = gyre_in_of(in);
    gyre_put_be(out, gyre_be(&i, 8) + 1, 8);
}

static void added(struct gyre_actor *a, const struct gyre_answer *answer)
{
    gyre_in in = gyre_in_of(answer->value);
    if (answer->err || gyre_be(&in, 8) != answer->tag + 1 || worker_here->index != a->worker)
        atomic_fetch_add(&wrong, 1);
    if (atomic_fetch_add(&answers, 1) + 1 == JOBS) sem_post(&done);
}

static const struct gyre_proto boss = {GYRE_PROTO};

static void start_boss(struct worker *w, void *arg)
{
    struct gyre_actor *a = make_actor(w, &boss);
    (void)arg;
    for (uint64_t i = w->index; i < JOBS; i += WORKERS) {
        uint8_t space[8];
        gyre_out o = GYRE_OUT(space);
        int res;
        gyre_put_be(&o, i, 8);
        do res = work_table.run(a, add, gyre_built(&o), 8, i, added);
        while (res == GYRE_FULL);
        if (res != GYRE_OK) atomic_fetch_add(&wrong, 1);
    }
}

Test(threads, jobs_come_back_to_their_worker)
{
    begin_with(&boss, 4);
    post_all(start_boss);
    await(1);
}

/* So many wait, and no more; those accepted are done, also after the actor ended. */
static sem_t gate;
static _Atomic uint64_t jobs_done;

static void wait_at_gate(gyre_view in, gyre_out *out)
{
    (void)in;
    (void)out;
    while (sem_wait(&gate) != 0) continue;
    sem_post(&gate);
    atomic_fetch_add(&jobs_done, 1);
}

static void never(struct gyre_actor *a, const struct gyre_answer *answer)
{
    (void)a;
    (void)answer;
    atomic_fetch_add(&wrong, 1);
}

static uint64_t accepted;

static void fill_jobs(struct worker *w, void *arg)
{
    struct gyre_actor *a = make_actor(w, &boss);
    (void)arg;
    while (work_table.run(a, wait_at_gate, GYRE_NOTHING, 0, 0, never) == GYRE_OK) accepted++;
    host_api.close(a, GYRE_NOW);
    sem_post(&done);
}

Test(threads, jobs_have_a_limit_and_outlive_their_actor)
{
    sem_init(&gate, 0, 0);
    begin_with(&boss, 2);
    cr_assert(post(service->workers[0], fill_jobs));
    await(1);
    cr_expect_geq(accepted, LIMIT_JOBS);
    cr_expect_leq(accepted, LIMIT_JOBS + 2);
    sem_post(&gate);
    helpers_free(service->helpers);
    service->helpers = NULL;
    cr_expect_eq(atomic_load(&jobs_done), accepted);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * stuck.c - finds callbacks that do not come back.
 *
 * The pages of all services are sampled (box.h): a worker that is in the same call as at the last
 * sample has been in it since then. What counts is time that the call had: not while the process is
 * stopped or held by a debugger, not while its thread waits for a processor, and no more than a
 * quarter of the limit of a gap in our own clock, so that a machine that slept or is overloaded
 * kills nobody. Past LIMIT_STALL_MS the call is counted as a stall; past callback_max of [server]
 * its thread gets SIGABRT, which makes it report (box.c), and the process SIGKILL, LIMIT_ABORT_MS
 * later. Promise: idle is never taken for stuck. Limits: on_load has LIMIT_READY_MS instead; work/1
 * none.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

enum { SAMPLES_A_LIMIT = 20, SAMPLE_MOST_MS = LIMIT_STALL_MS / 2, SAMPLE_LEAST_MS = 5 };
enum { GAPS_A_LIMIT = 4, GAP_MOST_MS = 250 }; /* of a gap in our own clock no more counts */

struct watched { /* one worker */
    uint64_t call;        /* of its box at the last sample */
    int64_t ran_ns;       /* that this call had, as far as seen */
    int64_t waited_ns;    /* of its thread, for a processor; -1: not known yet */
    bool stalled, told;
};

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t limit_ms(const struct supervisor *s)
{
    return s->plan ? s->plan->settings.callback_ms : LIMIT_CALLBACK_MS;
}

static int64_t sample_ms(const struct supervisor *s)
{
    int64_t wait = limit_ms(s) / SAMPLES_A_LIMIT;
    if (wait > SAMPLE_MOST_MS) return SAMPLE_MOST_MS;
    return wait < SAMPLE_LEAST_MS ? SAMPLE_LEAST_MS : wait;
}

/* ---- what the kernel says of a thread ---- */

/* A file of /proc/PID/task/THREAD. "": there is none, as the service lied, or it has ended. */
static void read_proc(const struct process *p, uint32_t thread, const char *name, char *out,
                      size_t n)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%u/%s", (int)p->pid, thread, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, out, n - 1);
    out[got > 0 ? got : 0] = '\0';
    if (fd >= 0) (void)close(fd);
}

/* By a signal, or by who traces it. */
static bool is_stopped(const struct process *p, uint32_t thread)
{
    char stat[256];
    read_proc(p, thread, "stat", stat, sizeof stat);
    const char *state = strrchr(stat, ')'); /* the name before it may hold anything */
    return state && state[1] && (state[2] == 'T' || state[2] == 't');
}

/* For a processor, since it began. -1: the kernel does not say. */
static int64_t waited_ns(const struct process *p, uint32_t thread)
{
    char times[96], *end;
    read_proc(p, thread, "schedstat", times, sizeof times); /* "RAN WAITED TIMES" */
    (void)strtol(times, &end, 10);
    long waited = *end == ' ' ? strtol(end, NULL, 10) : -1;
    return waited >= 0 ? waited : -1;
}

/* ---- judging ---- */

static const struct instance *whose(const struct process *p, const struct box *b)
{
    uint32_t id = (uint32_t)atomic_load(&b->whose);
    const struct instance *in = crew_instance(p->has, id);
    return in ? in : crew_instance(p->wants, id);
}

static void act(struct process *p, uint32_t worker, const struct watched *w)
{
    const struct box *b = &p->stats->box.of[worker];
    const struct instance *in = whose(p, b);
    union sigval which = {.sival_int = (int)worker + 1};
    siginfo_t order = {.si_signo = SIGABRT, .si_code = SI_QUEUE};
    char text[sizeof p->said];
    (void)snprintf(text, sizeof text, "it %s stuck in %s of [%s] for %lld.%02lld s",
                   p->pid ? "was" : "is", call_name(w->call & 0xff), in ? in->conf->name : "?",
                   (long long)(w->ran_ns / 1000000000), (long long)(w->ran_ns / 10000000 % 100));
    if (!p->pid) { /* nobody can end a thread */
        log_error("service %s/%u: %s", p->name, p->generation, text);
        return;
    }
    (void)snprintf(p->said, sizeof p->said, "%s", text);
    order.si_pid = getpid();
    order.si_uid = geteuid();
    order.si_value = which;
    (void)pidfd_send_signal(p->exit_fd, SIGABRT, &order, 0);
    p->kill_ms = clock_ms() + LIMIT_ABORT_MS;
}

/* The same call as before: how much of the time since then was its own. */
static void add_time(const struct process *p, uint32_t thread, struct watched *w, int64_t step_ns)
{
    int64_t waited;
    if (!p->pid) { /* --single: a debugger that holds it holds us */
        w->ran_ns += step_ns;
        return;
    }
    if (is_stopped(p, thread)) return;
    waited = waited_ns(p, thread);
    if (waited >= 0 && w->waited_ns >= 0 && waited > w->waited_ns)
        step_ns -= waited - w->waited_ns < step_ns ? waited - w->waited_ns : step_ns;
    w->waited_ns = waited;
    w->ran_ns += step_ns;
}

/* When this worker should be looked at again; INT64_MAX: with all others. */
static int64_t look_at(struct supervisor *s, struct process *p, uint32_t i, int64_t step_ns)
{
    struct watched *w = &p->watched[i];
    const struct box *b = &p->stats->box.of[i];
    uint64_t call = atomic_load(&b->call);
    const struct instance *in;
    int64_t limit = limit_ms(s);
    if (call != w->call || !(call & 0xff)) {
        *w = (struct watched){.call = call, .waited_ns = -1};
        return INT64_MAX;
    }
    add_time(p, atomic_load(&b->thread), w, step_ns);
    if (w->ran_ns >= (int64_t)LIMIT_STALL_MS * 1000000 && !w->stalled) {
        w->stalled = true;
        in = whose(p, b);
        if (in) in->tally->past[STAT_STALLS]++;
    }
    if (limit == GYRE_NEVER || w->told || p->kill_ms != INT64_MAX) return INT64_MAX;
    if (w->ran_ns < limit * 1000000) return clock_ms() + limit - w->ran_ns / 1000000;
    w->told = true;
    act(p, i, w);
    return INT64_MAX;
}

void stuck_turn(struct supervisor *s)
{
    int64_t now = now_ns(), every = sample_ms(s), step = now - s->sampled_ns;
    int64_t most = limit_ms(s) / GAPS_A_LIMIT;
    if (most > GAP_MOST_MS) most = GAP_MOST_MS;
    if (step > most * 1000000) step = most * 1000000;
    s->sampled_ns = now;
    s->sample_ms = INT64_MAX;
    for (struct process *p = s->processes; p; p = p->next) {
        const struct crew *crew = p->has ? p->has : p->wants;
        s->sample_ms = s->sample_ms < now / 1000000 + every ? s->sample_ms : now / 1000000 + every;
        if (p->pid && p->kill_ms == INT64_MAX && atomic_load(&p->stats->box.first))
            p->kill_ms = clock_ms() + LIMIT_ABORT_MS; /* its handler runs, and may never end */
        if (!p->watched) p->watched = need_memory(calloc(LIMIT_WORKERS, sizeof *p->watched));
        for (uint32_t i = 0; crew && i < crew->workers && i < LIMIT_WORKERS; i++) {
            int64_t again = look_at(s, p, i, step);
            if (again < s->sample_ms) s->sample_ms = again;
        }
        if (clock_ms() < p->kill_ms) continue;
        p->kill_ms = INT64_MAX - 1; /* told once */
        process_kill(p, SIGKILL);
    }
}

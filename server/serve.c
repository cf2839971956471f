/* SPDX-License-Identifier: GPL-3.0-or-later
 * serve.c - the life of a service process: orders from the supervisor, and the end.
 *
 * The control thread reads messages (message.h), prepares what they say (draft.c), and on M_COMMIT
 * makes it serve: first the versions on every worker, then the sockets, then the answer. Worker
 * threads start with the first M_COMMIT, so all that on_load does happens before there are threads.
 * Promise: READY (the first M_COMMITTED) means that every worker accepts on every socket.
 * Limits: those of message.h. The end of the channel is an order to drain.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

enum { ABORT_MS = 1000, DRAIN_STEP_MS = 20 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void serve_say(struct serve *s, enum message_type type, const char *text_or_null)
{
    static _Thread_local struct message_out out;
    message_begin(&out, type);
    if (text_or_null) message_put_text(&out, gyre_str(text_or_null));
    /* a supervisor that is gone shows at receive */
    (void)message_send(&out, s->start->channel, -1);
}

char *serve_text(struct message *m)
{
    gyre_view v = message_get_text(m);
    return strndup(v.p ? (const char *)v.p : "", v.n);
}

static void fatal(struct serve *s, int status, const char *why)
{
    log_error("%s", why);
    serve_say(s, M_FATAL, why);
    s->status = status;
    s->failed = true;
}

static bool on_commit(struct serve *s)
{
    bool again = s->running && !s->drafts && !s->sockets;
    if (!s->running) s->running = threads_start(&s->threads);
    if (!s->running) {
        fatal(s, s->threads.unfit ? EXIT_CONFIG : EXIT_FATAL, s->threads.why);
        return true;
    }
    if (s->threads.jail && !s->told) s->told = jail_tell(s->threads.jail, s->start->channel);
    drafts_publish(s);
    threads_sync(&s->threads); /* homes are open everywhere before anything is accepted anywhere */
    drafts_listen(s);
    if (again) service_again(s->service);
    threads_sync(&s->threads);
    serve_say(s, M_COMMITTED, NULL);
    return true;
}

/* ---- messages ---- */

static bool on_plugin(struct serve *s, struct message *m)
{
    char why[512], text[600];
    char *name = serve_text(m), *path = serve_text(m);
    bool ok = name && path && gyre_end(&m->in);
    if (ok && !service_load(s->service, path, given_take(s->service, path), why, sizeof why)) {
        snprintf(text, sizeof text, "plugin %s: %s", name, why);
        fatal(s, EXIT_CONFIG, text);
    }
    box_modules(&s->service->stats->box);
    free(name);
    free(path);
    return ok;
}

static bool on_refuse(struct serve *s, struct message *m)
{
    gyre_addr peer = {.ip = {0}};
    gyre_view ip = message_get_text(m);
    uint64_t for_ms = message_get_number(m);
    if (!gyre_end(&m->in) || ip.n != sizeof peer.ip) return false;
    memcpy(peer.ip, ip.p, sizeof peer.ip);
    if (for_ms > INT32_MAX) for_ms = INT32_MAX; /* 24 days: the process is not so old by then */
    service_refuse(s->service, &peer, (now_ms() + (int64_t)for_ms) * 1000000);
    return true;
}

/* Those who stay are told later; else once. */
static bool on_root(struct serve *s, struct message *m)
{
    gyre_view path = message_get_text(m);
    if (!gyre_end(&m->in) || m->fd < 0) return false;
    if (!given_add(s->service, path, m->fd)) return true; /* it is opened by its path, then */
    m->fd = -1;
    return true;
}

static void leave(struct serve *s)
{
    s->hold_ms = 0;
    if (s->drain == DRAIN_STOP) service_drain(s->service);
    else if (s->drain == DRAIN_REPLACED) service_replaced(s->service);
}

/* Who is replaced goes on until those who ask it by wide/1 have turned to the newer process. */
static void begin_drain(struct serve *s, int64_t within_ms, enum drain how)
{
    if (s->drain_until_ms && s->drain != DRAIN_REPLACED) return;
    s->drain = how;
    s->drain_from_ms = now_ms();
    s->drain_until_ms = s->drain_from_ms + (within_ms > 0 ? within_ms : 1);
    if (!s->running) s->drained = true;
    else if (how != DRAIN_REPLACED || !wide_answering(s->service)) leave(s);
    else s->hold_ms = s->drain_from_ms + LIMIT_WIDE_LEAVE_MS;
}

/* How long the next step of leaving, or the end, is away; -1: for ever. */
static int drain_step(struct serve *s)
{
    if (!s->drain_until_ms) return -1;
    int64_t now = now_ms(), left = s->drain_until_ms - now;
    if (s->hold_ms && wide_answering(s->service) && now < s->hold_ms && left > 0)
        return (int)(s->hold_ms - now < left ? s->hold_ms - now : left);
    if (s->hold_ms) leave(s);
    if (left > 0 && s->drain == DRAIN_SPREAD && s->running) {
        int64_t window = (s->drain_until_ms - s->drain_from_ms) / 2;
        int64_t share = window ? LEAVE_ALL * (now - s->drain_from_ms) / window : LEAVE_ALL;
        service_drain_some(s->service, share < LEAVE_ALL ? 1 + (uint32_t)share : LEAVE_ALL);
        if (share < LEAVE_ALL && left > DRAIN_STEP_MS) left = DRAIN_STEP_MS;
    }
    return left > INT32_MAX ? INT32_MAX : left > 0 ? (int)left : 0;
}

static bool on_link(struct serve *s, struct message *m)
{
    gyre_view id = message_get_text(m);
    uint64_t answers = message_get_number(m);
    int fd = m->fd;
    if (!gyre_end(&m->in) || answers > 1 || id.n >= LIMIT_NAME || !s->running) return false;
    m->fd = -1;
    if (!wide_link(s->service, id, answers, fd))
        log_warn("%.*s: no memory for its link", GYRE_ARG(id));
    return true;
}

static bool on_transfer(struct serve *s, struct message *m)
{
    static _Thread_local struct message_out out;
    int fd = m->fd;
    if (!s->running) return false;
    m->fd = -1;
    if (m->type == M_SAVE) {
        transfer_save(s, fd);
        return true;
    }
    message_begin(&out, M_RESTORED);
    message_put_number(&out, transfer_restore(s, fd));
    (void)message_send(&out, s->start->channel, -1);
    return true;
}

/* Threads of one process have the supervisor's. */
static bool on_log(const struct serve *s, struct message *m)
{
    uint64_t style = message_get_number(m);
    if (!gyre_end(&m->in) || style > LOG_JOURNAL) return false;
    if (s->start->threads_only) return true;
    log_style((enum log_style)style);
    return dup3(m->fd, STDERR_FILENO, 0) >= 0;
}

static bool handle(struct serve *s, struct message *m)
{
    struct section *section;
    uint64_t number, how;
    switch (m->type) {
    case M_PLUGIN: return on_plugin(s, m);
    case M_OPENED: return on_root(s, m);
    case M_SECTION: return draft_section(s, m);
    case M_ENTRY: return draft_entry(s, m);
    case M_PREPARE: return draft_prepare(s, m);
    case M_LISTEN: return draft_socket(s, m, true);
    case M_UNLISTEN: return draft_socket(s, m, false);
    case M_COMMIT: return gyre_end(&m->in) && on_commit(s);
    case M_ABANDON:
        drafts_abandon(s);
        return gyre_end(&m->in);
    case M_REFRESH:
        if (s->running && !s->drain_until_ms) service_refresh(s->service);
        return gyre_end(&m->in);
    case M_REFUSE: return on_refuse(s, m);
    case M_REMOVE:
        section = service_section_at(s->service, (uint32_t)message_get_number(m));
        if (section && s->running) service_remove(section);
        return gyre_end(&m->in);
    case M_DRAIN:
        number = message_get_number(m);
        how = message_get_number(m);
        if (!gyre_end(&m->in) || how > DRAIN_SPREAD) return false;
        begin_drain(s, number < INT32_MAX ? (int64_t)number : INT32_MAX, (enum drain)how);
        return true;
    case M_SAVE:
    case M_RESTORE: return gyre_end(&m->in) && on_transfer(s, m);
    case M_CREDIT:
        number = message_get_number(m);
        copy_credit(s, number);
        return gyre_end(&m->in);
    case M_LIST: return observe_list(s, m);
    case M_KILL: return observe_kill(s, m);
    case M_LINK: return on_link(s, m);
    case M_LOG: return on_log(s, m);
    case M_LEVEL:
        number = message_get_number(m);
        if (number <= GYRE_ERROR) log_level((enum gyre_level)number);
        return gyre_end(&m->in);
    default: return false;
    }
}

static void read_channel(struct serve *s)
{
    static _Thread_local struct message m;
    char why[128];
    int got = 0;
    while (!s->failed && (got = message_receive(s->start->channel, &m, why, sizeof why)) > 0) {
        bool ok = handle(s, &m);
        if (m.fd >= 0) close(m.fd);
        if (!ok) fatal(s, EXIT_FATAL, "the supervisor sent a message that makes no sense");
    }
    if (got < 0) {
        if (why[0]) log_error("from the supervisor: %s", why);
        begin_drain(s, LIMIT_DRAIN_MS, DRAIN_STOP);
        s->channel_over = true;
    }
}

static void serve_until_over(struct serve *s)
{
    while (!s->failed && !s->drained) {
        struct pollfd fds[] = {{s->channel_over ? -1 : s->start->channel, POLLIN, 0},
                               {s->service->wake_fd, POLLIN, 0}};
        int timeout = drain_step(s);
        uint64_t n;
        if (s->drain_until_ms && s->running && service_drained(s->service)) s->drained = true;
        if (s->drained || timeout == 0) break;
        if (poll(fds, 2, timeout) < 0 && errno != EINTR) bug(__func__, "poll: %s", strerror(errno));
        if (fds[1].revents && read(s->service->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN)
            bug(__func__, "eventfd: %s", strerror(errno));
        if (fds[0].revents) read_channel(s);
        service_reap(s->service);
    }
}

/* ---- beginning and end ---- */

static struct stats_page *map_stats(int fd)
{
    void *page = fd < 0 ? MAP_FAILED
                        : mmap(NULL, sizeof(struct stats_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                               fd, 0);
    if (fd >= 0) close(fd);
    return page == MAP_FAILED ? NULL : page;
}

static void own_signals(void)
{
    /* Ctrl-C reaches the whole group; the supervisor decides what it means. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* In one process with others (--single): nothing may be left behind. */
static void tidy_up(struct serve *s)
{
    drafts_abandon(s);
    if (s->running) {
        service_drain(s->service);
        service_abort(s->service);
        s->drain_until_ms = now_ms() + ABORT_MS;
        s->drained = s->failed = false;
        s->channel_over = true;
        serve_until_over(s);
        service_stop(s->service);
        threads_join(&s->threads);
    }
    if (s->service->wake_fd >= 0) close(s->service->wake_fd);
    s->service->wake_fd = -1;
    service_free(s->service);
}

int service_main(const struct service_start *start)
{
    char who[2 * LIMIT_NAME], why[128];
    struct serve s = {.start = start};
    struct stats_page *stats = map_stats(start->stats_fd);
    s.sockets_end = &s.sockets;
    snprintf(who, sizeof who, "%s/%u", start->name, start->generation);
    log_open(who, log_level_now());
    if (!start->threads_only) own_signals();
    s.service = service_make(start->name, start->generation, start->workers, stats, LIMIT_HELPERS,
                             why, sizeof why);
    if (s.service) {
        if (!start->threads_only) box_begin(&s.service->stats->box);
        threads_prepare(&s.threads, start, s.service);
        s.service->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s.service->wake_fd < 0) fatal(&s, EXIT_FATAL, "no descriptor for a service");
    } else {
        fatal(&s, EXIT_FATAL, why);
    }
    serve_until_over(&s);
    if (!s.failed) serve_say(&s, M_DRAINED, NULL);
    if (!start->threads_only) _exit(s.status);
    if (s.service) tidy_up(&s);
    if (stats) munmap(stats, sizeof *stats);
    close(start->channel);
    return s.status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * serve_world.h - for tests: a service on a thread, as with --single, and its supervisor's end.
 */
#ifndef SERVE_WORLD_H
#define SERVE_WORLD_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "service.h"

enum { PATIENCE_MS = 20000 };

static int channel = -1;
static pthread_t thread;
static struct service_start start;
static struct message got;
static struct message_out out;
static char why[256];

static inline void *run(void *user)
{
    return (void *)(intptr_t)service_main(user);
}

static inline void begin_with(uint32_t workers)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    channel = ends[0];
    start = (struct service_start){.name = "unit", .generation = 1, .workers = workers,
                                   .channel = ends[1], .stats_fd = -1, .threads_only = true};
    cr_assert_eq(pthread_create(&thread, NULL, run, &start), 0);
}

/* Its exit status. */
static inline int ended(void)
{
    void *status;
    if (channel >= 0) close(channel);
    channel = -1;
    cr_assert_eq(pthread_join(thread, &status), 0);
    return (int)(intptr_t)status;
}

static inline void hear(enum message_type type)
{
    struct pollfd fd = {.fd = channel, .events = POLLIN};
    int n;
    do {
        cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "it says nothing");
        n = message_receive(channel, &got, why, sizeof why);
    } while (n == 0);
    cr_assert_eq(n, 1, "%s", why);
    if (got.type == M_FATAL && type != M_FATAL) {
        gyre_view text = message_get_text(&got);
        cr_assert(false, "fatal: %.*s", (int)text.n, (const char *)text.p);
    }
    cr_assert_eq(got.type, type);
}

/* ---- what a supervisor says ---- */

static inline void tell(int fd)
{
    cr_assert(message_send(&out, channel, fd));
}

static inline void word(enum message_type type)
{
    message_begin(&out, type);
    tell(-1);
}

static inline void number(enum message_type type, uint64_t n)
{
    message_begin(&out, type);
    message_put_number(&out, n);
    tell(-1);
}

static inline void drain(uint64_t within_ms, enum drain how)
{
    message_begin(&out, M_DRAIN);
    message_put_number(&out, within_ms);
    message_put_number(&out, how);
    tell(-1);
}

static inline void plugin(const char *name)
{
    char path[4200], self[4096] = "";
    cr_assert_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    snprintf(path, sizeof path, "%s/%s.so", dirname(self), name);
    message_begin(&out, M_PLUGIN);
    message_put_text(&out, gyre_str("the plugin"));
    message_put_text(&out, gyre_str(path));
    tell(-1);
}

static inline void section(uint64_t id, const char *name)
{
    message_begin(&out, M_SECTION);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(name));
    message_put_text(&out, GYRE_LIT("odd"));
    tell(-1);
}

static inline void entry(uint64_t id, const char *key, const char *value)
{
    message_begin(&out, M_ENTRY);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(key));
    message_put_text(&out, gyre_str(value));
    message_put_text(&out, GYRE_LIT("a.ini:7"));
    message_put_text(&out, GYRE_LIT("/etc"));
    tell(-1);
}

/* Asks for it; what it says is in why. */
static inline bool prepare(uint64_t id, uint64_t version)
{
    message_begin(&out, M_PREPARE);
    message_put_number(&out, id);
    message_put_number(&out, version);
    tell(-1);
    hear(M_PREPARED);
    cr_expect_eq(message_get_number(&got), id);
    cr_expect_eq(message_get_number(&got), version);
    bool ok = message_get_number(&got) == 1;
    gyre_view text = message_get_text(&got);
    snprintf(why, sizeof why, "%.*s", (int)text.n, (const char *)text.p);
    cr_expect(gyre_end(&got.in));
    return ok;
}

static inline void listen_on(uint64_t id, uint64_t worker, int fd, const char *text)
{
    message_begin(&out, M_LISTEN);
    message_put_number(&out, id);
    message_put_number(&out, worker);
    message_put_number(&out, 0);
    message_put_text(&out, gyre_str(text));
    tell(fd);
}

static inline void unlisten(uint64_t id, const char *text)
{
    message_begin(&out, M_UNLISTEN);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(text));
    tell(-1);
}

static inline int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void drained(void)
{
    drain(10000, DRAIN_STOP);
    hear(M_DRAINED);
    int64_t since = mono_ms();
    cr_expect_eq(ended(), 0);
    cr_expect_lt(mono_ms() - since, 900, "it waited for what had left already");
}
#endif

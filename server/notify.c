/* SPDX-License-Identifier: GPL-3.0-or-later
 * notify.c - speaks the datagrams of sd_notify(3), without libsystemd.
 *
 * Promise: never waits. A state that the manager's socket has no room for is said again until it is
 * taken or there is a newer one; a sign of life is not, the next one is soon. What fails is logged
 * once, and hurts nothing else. Limits: sockets with a path or an abstract name, no vsock.
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"
#include "supervisor.h"

static const int64_t stop_most_ms = (int64_t)7 * 24 * 3600 * 1000; /* more than anyone waits */

static void complain(struct notify *n, const char *what)
{
    if (!n->failed) log_warn("the service manager is not told how we are: %s", what);
    n->failed = true;
}

/* How long between two signs of life: half of what the manager allows. 0: it wants none. */
static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t n = 0, whose = 0;
    if (!usec || !gyre_dec(gyre_str(usec), INT64_MAX, &n)) return 0;
    if (pid && (!gyre_dec(gyre_str(pid), INT32_MAX, &whose) || whose != (uint64_t)getpid()))
        return 0;
    return n < 2000 ? (n ? 1 : 0) : (int64_t)(n / 2000);
}

void notify_open(struct notify *n, bool wanted)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t path_n = path ? strlen(path) : 0;
    *n = (struct notify){.fd = -1, .watchdog_due_ms = INT64_MAX, .again_ms = INT64_MAX};
    if (!wanted || !path_n) return;
    if ((path[0] != '/' && path[0] != '@') || path_n < 2 || path_n >= sizeof n->to.sun_path) {
        complain(n, "NOTIFY_SOCKET is neither the path of a socket nor @ and a name");
        return;
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, path_n);
    if (path[0] == '@') n->to.sun_path[0] = '\0';
    n->to_n = (unsigned)(offsetof(struct sockaddr_un, sun_path) + path_n);
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd < 0) complain(n, strerror(errno));
    n->watchdog_ms = n->fd < 0 ? 0 : watchdog_ms();
    if (n->watchdog_ms) n->watchdog_due_ms = clock_ms();
}

/* false: there is no room now. */
static bool say(struct notify *n, const char *text)
{
    ssize_t sent;
    do sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&n->to, n->to_n);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        n->failed = false;
        return true;
    }
    int err = errno;
    complain(n, err == EAGAIN ? "its socket is full" : strerror(err));
    return err != EAGAIN && err != ENOBUFS;
}

static void say_state(struct notify *n)
{
    n->again_ms = INT64_MAX;
    if (say(n, n->state)) n->state[0] = '\0';
    else n->again_ms = clock_ms() + LIMIT_NOTIFY_MS;
}

void notify_ready(struct notify *n, const char *status)
{
    if (n->fd < 0) return;
    (void)snprintf(n->state, sizeof n->state, "READY=1\nSTATUS=%s", status);
    say_state(n);
}

void notify_reloading(struct notify *n)
{
    struct timespec now;
    if (n->fd < 0) return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(n->state, sizeof n->state,
                   "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=takes a change",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    say_state(n);
}

/* A drain may take longer than the manager would wait by itself. */
void notify_stopping(struct notify *n, int64_t within_ms)
{
    if (n->fd < 0) return;
    int64_t most_ms = within_ms < stop_most_ms ? within_ms : stop_most_ms;
    (void)snprintf(n->state, sizeof n->state,
                   "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\nSTATUS=draining",
                   (long long)(most_ms + LIMIT_GRACE_MS + 2LL * LIMIT_KILL_MS) * 1000);
    say_state(n);
}

void notify_turn(struct notify *n)
{
    int64_t now = clock_ms();
    if (now >= n->again_ms) say_state(n);
    if (now < n->watchdog_due_ms) return;
    (void)say(n, "WATCHDOG=1");
    n->watchdog_due_ms = now + n->watchdog_ms;
}

int64_t notify_deadline(const struct notify *n)
{
    return n->again_ms < n->watchdog_due_ms ? n->again_ms : n->watchdog_due_ms;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * backlog.c - what waits at the door of a service that is down for long gets an answer: no.
 *
 * Sockets stay open over a crash, so clients wait for the next process. Where the breaker is open,
 * or the service is held, for breaker_refuse of [server], what waits there is accepted and reset,
 * and datagrams are dropped, until a start succeeds. While one is under way clients wait.
 * Promise: a service that comes or serves loses nothing here. Limits: REFUSED_A_TURN of each
 * socket; without descriptors it rests for REST_MS.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor.h"

enum { REFUSED_A_TURN = 64, REST_MS = 200 };

/* When it begins to refuse; INT64_MAX: not. */
static int64_t begins_ms(const struct supervisor *s, struct service *v)
{
    int64_t wait = s->plan ? s->plan->settings.breaker_refuse_ms : GYRE_NEVER;
    if (!v->breaker && !v->held) v->broken_ms = 0;
    else if (!v->broken_ms) v->broken_ms = clock_ms();
    if (!v->broken_ms || v->live || v->coming || s->stopping || wait == GYRE_NEVER)
        return INT64_MAX;
    return v->broken_ms + wait;
}

bool backlog_refuses(const struct supervisor *s, struct service *v)
{
    return clock_ms() >= begins_ms(s, v);
}

int64_t backlog_deadline(const struct supervisor *s)
{
    int64_t due = INT64_MAX, now = clock_ms();
    for (struct service *v = s->services; v; v = v->next) {
        int64_t at = begins_ms(s, v);
        if (at < now) at = s->backlog_rest_ms > now ? s->backlog_rest_ms : INT64_MAX;
        if (at < due) due = at;
    }
    return due;
}

static size_t socket_fds(const struct instance *in, struct pollfd *fds, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < in->doors_n; i++) {
        const struct socket_set *set = in->doors[i].sockets;
        for (uint32_t j = 0; set && j < set->n; j++, n++)
            if (fds && n < most) fds[n] = (struct pollfd){.fd = set->fds[j], .events = POLLIN};
    }
    return n;
}

size_t backlog_fds(const struct supervisor *s, struct pollfd *fds, size_t most)
{
    size_t n = 0;
    if (clock_ms() < s->backlog_rest_ms) return 0;
    for (struct service *v = s->services; v; v = v->next) {
        const struct crew *crew = plan_crew(s->plan, v->name);
        for (size_t i = 0; crew && i < crew->instances_n && backlog_refuses(s, v); i++)
            n += socket_fds(crew->instances[i], fds ? fds + n : NULL, n < most ? most - n : 0);
    }
    return fds && n > most ? most : n; /* some may have begun to be refused between two calls */
}

/* One thing that waits. false: nothing does, or it cannot be taken (errno). */
static bool refuse_one(int fd, bool datagrams)
{
    const struct linger reset = {1, 0};
    char byte;
    if (datagrams) return recv(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) >= 0;
    int waits = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (waits < 0) return errno == ECONNABORTED;
    (void)setsockopt(waits, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(waits);
    return true;
}

void backlog_turn(struct supervisor *s, const struct pollfd *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int type = 0, flags;
        socklen_t type_n = sizeof type;
        if (!fds[i].revents || getsockopt(fds[i].fd, SOL_SOCKET, SO_TYPE, &type, &type_n) != 0)
            continue;
        /* What waits may go away: then accept would block. The flag is shared with services. */
        flags = fcntl(fds[i].fd, F_GETFL);
        (void)fcntl(fds[i].fd, F_SETFL, flags | O_NONBLOCK);
        errno = 0;
        for (int k = 0; k < REFUSED_A_TURN && refuse_one(fds[i].fd, type == SOCK_DGRAM);) k++;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            s->backlog_rest_ms = clock_ms() + REST_MS;
        (void)fcntl(fds[i].fd, F_SETFL, flags);
    }
}

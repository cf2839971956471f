/* SPDX-License-Identifier: GPL-3.0-or-later
 * sockets.c - the listening sockets of all services, owned by the supervisor for ever.
 *
 * A set is one endpoint: one SO_REUSEPORT socket for each worker, so that the kernel spreads
 * connections and a crash of a service closes none. What accepted sockets inherit (TCP_NODELAY) is
 * set here. Sockets block: a ring waits for them, a non-blocking one would end its accept at once.
 * Promise: a port is probed without SO_REUSEPORT first, because with it two servers of one user
 * share a port silently. A set never shrinks while it is in use: a waiting connection is not lost.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

enum { BACKLOG = 4096, DATAGRAM_BUFFER = 1 << 20, CLOSED_KEPT = 16 };

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool is_wildcard(const struct endpoint *e)
{
    if (e->address.any.sa_family == AF_INET)
        return e->address.in4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&e->address.in6.sin6_addr);
}

static bool set_options(int fd, const struct endpoint *e, bool shared)
{
    bool six = e->address.any.sa_family == AF_INET6;
    if (e->kind == ENDPOINT_UNIX) return true;
    if (six && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return false;
    if (shared && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return false;
    if (e->kind == ENDPOINT_TCP)
        return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
               set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, DATAGRAM_BUFFER); /* the kernel may give less */
    if (!is_wildcard(e)) return true;
    return six ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
               : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static void say_why_not(const struct endpoint *e, int err, char *why, size_t why_n)
{
    if (err == EADDRINUSE)
        owner_of_port(e, why, why_n);
    else if (err == EADDRNOTAVAIL)
        (void)snprintf(why, why_n, "this machine does not have that address");
    else if (err == EACCES && e->kind != ENDPOINT_UNIX)
        (void)snprintf(why, why_n, "a port below 1024 needs root, or CAP_NET_BIND_SERVICE");
    else
        (void)snprintf(why, why_n, "%s", strerror(err));
}

/* One bound (and listening) socket, or -1 and errno. */
static int open_one(const struct endpoint *e, bool shared, bool listening)
{
    int type = e->kind == ENDPOINT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(e->address.any.sa_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (set_options(fd, e, shared) && bind(fd, &e->address.any, e->address_n) == 0 &&
        (e->kind == ENDPOINT_UDP || !listening || listen(fd, BACKLOG) == 0))
        return fd;
    int err = errno;
    (void)close(fd);
    errno = err;
    return -1;
}

/* Removes the socket file of a server that is gone. false: somebody serves it, or it is no socket.
 */
static bool clear_path(const struct endpoint *e, char *why, size_t why_n)
{
    const char *path = e->address.un.sun_path;
    struct stat st;
    if (lstat(path, &st) != 0) return true; /* bind says what else is wrong */
    if (!S_ISSOCK(st.st_mode)) {
        (void)snprintf(why, why_n, "%s is there, and is no socket", path);
        return false;
    }
    int fd = places_connect(path);
    if (fd < 0 && errno == ECONNREFUSED) return unlink(path) == 0;
    if (fd >= 0) (void)close(fd);
    (void)snprintf(why, why_n, "taken: another server listens there");
    return false;
}

/* What we closed a moment ago a service may still hold: it was told to let go, and the kernel takes
 * its time with an accept under way. Whoever takes a section out and puts it back finds the port
 * free. */
static struct {
    char text[128];
    int64_t at_ms;
} closed[CLOSED_KEPT];
static size_t closed_at;

static void note_closed(const struct endpoint *e)
{
    (void)snprintf(closed[closed_at].text, sizeof closed->text, "%s", e->text);
    closed[closed_at].at_ms = clock_ms();
    closed_at = (closed_at + 1) % CLOSED_KEPT;
}

static void wait_until_let_go(const struct endpoint *e)
{
    int64_t until = 0;
    for (size_t i = 0; i < CLOSED_KEPT; i++)
        if (closed[i].at_ms && strcmp(closed[i].text, e->text) == 0 &&
            clock_ms() - closed[i].at_ms < LIMIT_LET_GO_MS)
            until = clock_ms() + LIMIT_LET_GO_MS;
    while (clock_ms() < until) {
        int fd = open_one(e, false, false);
        if (fd >= 0) (void)close(fd);
        if (fd >= 0 || errno != EADDRINUSE) return;
        (void)poll(NULL, 0, 1);
    }
}

static bool probe(const struct endpoint *e, char *why, size_t why_n)
{
    if (e->kind == ENDPOINT_UNIX) return clear_path(e, why, why_n);
    wait_until_let_go(e);
    int fd = open_one(e, false, false);
    if (fd < 0) {
        say_why_not(e, errno, why, why_n);
        return false;
    }
    (void)close(fd);
    return true;
}

/* Brings a set up to n sockets. false: errno; it keeps those it has. */
static bool set_grow(struct socket_set *set, uint32_t n)
{
    if (set->endpoint.kind == ENDPOINT_UNIX) n = 1; /* the kernel shares no path */
    while (set->n < n && set->n < LIMIT_WORKERS) {
        int fd = open_one(&set->endpoint, true, true);
        if (fd < 0) return false;
        set->fds[set->n++] = fd;
    }
    return true;
}

static void set_close(struct socket_set *set)
{
    for (uint32_t i = 0; i < set->n; i++) (void)close(set->fds[i]);
    if (set->endpoint.kind == ENDPOINT_UNIX && set->n)
        (void)unlink(set->endpoint.address.un.sun_path);
    free(set);
}

struct socket_set *sockets_find(struct socket_set *all, const char *endpoint)
{
    while (all && strcmp(all->endpoint.text, endpoint) != 0) all = all->next;
    return all;
}

struct socket_set *sockets_open(struct socket_set **all, const struct endpoint *e, uint32_t n,
                                char *why, size_t why_n)
{
    if (!probe(e, why, why_n)) return NULL;
    struct socket_set *set = need_memory(calloc(1, sizeof *set));
    set->endpoint = *e;
    if (!set_grow(set, n)) {
        say_why_not(e, errno, why, why_n);
        set_close(set);
        return NULL;
    }
    set->next = *all;
    *all = set;
    return set;
}

void sockets_restore(struct socket_set **all, const struct endpoint *e, const int *fds, uint32_t n)
{
    struct socket_set *set = need_memory(calloc(1, sizeof *set));
    set->endpoint = *e;
    set->n = n;
    for (uint32_t i = 0; i < n; i++) set->fds[i] = fds[i];
    set->next = *all;
    *all = set;
}

void sockets_grow(struct socket_set *set, uint32_t n)
{
    if (!set_grow(set, n))
        log_warn("%s: only %u sockets for %u workers: %s", set->endpoint.text, set->n, n,
                 strerror(errno));
}

void sockets_close_unkept(struct socket_set **all)
{
    for (struct socket_set **at = all; *at;) {
        struct socket_set *set = *at;
        if (set->keep) {
            set->keep = false;
            at = &set->next;
            continue;
        }
        *at = set->next;
        note_closed(&set->endpoint);
        set_close(set);
    }
}

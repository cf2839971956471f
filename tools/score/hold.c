/* SPDX-License-Identifier: GPL-3.0-or-later
 * hold.c - a crowd that only takes room: readers who hardly read, requests that are never whole.
 *
 *     hold PORT PATH READERS HALVES PROGRESS
 *
 * A reader asks for PATH with a receive buffer as small as there is, and takes READ_BYTES each
 * READ_EVERY_NS. A half sends the beginning of a request and waits. Who is closed comes again, so
 * that there are as many all the time. They come from addresses of 127.0.1.0/24. The progress file
 * has: readers that have begun to get an answer, halves that are connected, how many were closed,
 * how many could not connect. At SIGTERM it ends, and prints the same.
 */
#include "score.h"

enum { HOLD_MOST = 40000, EVENTS = 256, READ_BYTES = 512, EACH_ADDRESS = 500, OPENING_MOST = 256 };
static const int64_t READ_EVERY_NS = 4000000000;

struct guest {
    int fd;
    bool reads, there, asked;
    int64_t read_at;
};

static struct {
    long port;
    struct guest *guests;
    size_t guests_n, readers, halves, opening;
    int epoll, progress;
    uint64_t closed, refused;
    char request[512];
    size_t request_bytes;
} load;

static void came(struct guest *g)
{
    if (g->there)
        return;
    g->there = true;
    load.opening--;
    if (g->reads)
        load.readers++;
    else
        load.halves++;
}

static void gone(struct guest *g, uint64_t *count)
{
    if (!g->there)
        load.opening--;
    else if (g->reads)
        load.readers--;
    else
        load.halves--;
    close(g->fd);
    g->fd = -1;
    (*count)++;
}

static void come(struct guest *g, size_t i)
{
    g->fd = dial_begin(load.port, 0x7f000101u + (uint32_t)(i / EACH_ADDRESS), 2048);
    g->there = g->asked = false;
    load.opening++;
    if (g->fd < 0)
        return gone(g, &load.refused);
    struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = g };
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, g->fd, &wanted) != 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void happened(struct guest *g, uint32_t events)
{
    if (g->fd < 0)
        return;
    if (!g->asked) {
        if (dial_result(g->fd) != 0)
            return gone(g, &load.refused);
        size_t n = g->reads ? load.request_bytes : load.request_bytes / 2;
        g->asked = true;
        if (send(g->fd, load.request, n, MSG_NOSIGNAL) != (ssize_t)n)
            return gone(g, &load.closed);
        if (!g->reads)
            came(g);
    }
    if (g->reads && (events & EPOLLIN) != 0) {
        came(g);
        if (g->read_at == 0) /* spread over the time */
            g->read_at = now_ns() + READ_EVERY_NS * (int64_t)(load.readers % 64) / 64;
    }
    if ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0)
        return gone(g, &load.closed);
    if (!g->reads && (events & EPOLLIN) != 0) /* an error that it is told, or the end */
        gone(g, &load.closed);
}

static void read_a_little(struct guest *g, int64_t now)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(g->fd, bytes, sizeof bytes, 0);
    g->read_at = now + READ_EVERY_NS;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        gone(g, &load.closed);
}

static void sweep(void)
{
    int64_t now = now_ns();
    for (size_t i = 0; i < load.guests_n; i++) {
        struct guest *g = &load.guests[i];
        if (g->fd < 0 && load.opening < OPENING_MOST)
            come(g, i);
        else if (g->fd >= 0 && g->reads && g->there && now >= g->read_at)
            read_a_little(g, now);
    }
}

static void tell_all(bool now)
{
    tell_progress(load.progress, now, "%zu %zu %llu %llu", load.readers, load.halves,
                  (unsigned long long)load.closed, (unsigned long long)load.refused);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    bench_name = "hold";
    if (argc != 6)
        fail("usage: hold PORT PATH READERS HALVES PROGRESS");
    load.port = number(argv[1], 1, 65535, "port");
    size_t readers = (size_t)number(argv[3], 0, HOLD_MOST, "readers");
    load.guests_n = readers + (size_t)number(argv[4], 0, HOLD_MOST, "halves");
    load.progress = begin_load(argv[5]);
    int n = snprintf(load.request, sizeof load.request, "GET %s HTTP/1.1\r\nHost: hold\r\n\r\n",
                     argv[2]);
    if (n < 0 || n >= (int)sizeof load.request)
        fail("the path is too long");
    load.request_bytes = (size_t)n;
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.guests = must(calloc(load.guests_n + 1, sizeof *load.guests));
    for (size_t i = 0; i < load.guests_n; i++) {
        load.guests[i].fd = -1;
        load.guests[i].reads = i < readers;
    }
    for (int64_t next = 0; !told_to_end;) {
        bool more = load.readers + load.halves + load.opening < load.guests_n;
        if (now_ns() >= next || (more && load.opening < OPENING_MOST / 2)) {
            sweep();
            next = now_ns() + 20000000;
        }
        int got = epoll_wait(load.epoll, events, EVENTS, 10);
        for (int i = 0; i < got; i++)
            happened(events[i].data.ptr, events[i].events);
        tell_all(false);
    }
    tell_all(true);
    printf("readers %zu halves %zu closed %llu refused %llu\n", load.readers, load.halves,
           (unsigned long long)load.closed, (unsigned long long)load.refused);
    return 0;
}

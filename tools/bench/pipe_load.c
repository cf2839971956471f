/* SPDX-License-Identifier: GPL-3.0-or-later
 * pipe_load.c - pipelined HTTP load on kept connections, from one thread.
 *
 *     pipe_load PORT PATH CONNECTIONS DEPTH SECONDS      prints: requests N lost 0 seconds S
 *     pipe_load --size PORT PATH                         prints: the bytes of one answer
 *
 * Each connection sends DEPTH requests in one write, reads until it has as many complete answers,
 * and goes on. Every answer is verified: it must be, byte for byte, like the last one that was
 * parsed; when it differs (a new Date) it is parsed, and must be a 200 with the same body.
 * At the end nothing new is sent and all that was asked is awaited, so the count is exact.
 * The first wrong, missing or surplus byte ends the program with code 1.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "answer.h"

enum { DEPTH_MOST = 256, CONNECTIONS_MOST = 10000, EVENTS = 256, STALLED_MS = 5000 };

struct connection {
    int fd;
    unsigned waiting; /* answers that are due */
    size_t have;
    char *bytes;
};

struct load {
    int epoll;
    struct connection *connections;
    size_t connections_n, cap;
    unsigned depth, busy; /* busy: connections that wait for answers */
    char *requests;       /* DEPTH of them */
    size_t requests_bytes;
    char *known; /* the last answer that was parsed */
    size_t known_bytes, known_head;
    uint64_t answers;
    bool ending;
};

static void ask(struct load *l, struct connection *c)
{
    ssize_t n = send(c->fd, l->requests, l->requests_bytes, MSG_NOSIGNAL);
    if (n != (ssize_t)l->requests_bytes)
        fail("send: %s", n < 0 ? strerror(errno) : "taken in part");
    c->waiting = l->depth;
    l->busy++;
}

/* Keeps what is at p as the answer to compare with; its body must be the one known so far. */
static void learn(struct load *l, const char *p, size_t length)
{
    size_t head = answer_head(p, length), body = length - head;
    if (l->known != NULL && (body != l->known_bytes - l->known_head ||
                             memcmp(p + head, l->known + l->known_head, body) != 0))
        fail("an answer with another body");
    free(l->known);
    l->known = must(malloc(length));
    memcpy(l->known, p, length);
    l->known_bytes = length;
    l->known_head = head;
}

/* Takes the complete answers off what the connection has. */
static void take_answers(struct load *l, struct connection *c)
{
    size_t at = 0;
    while (at < c->have) {
        size_t left = c->have - at, length = l->known_bytes;
        if (left < length || memcmp(c->bytes + at, l->known, length) != 0) {
            length = answer_length(c->bytes + at, left);
            if (length == 0)
                break;
            learn(l, c->bytes + at, length);
        }
        if (c->waiting == 0)
            fail("an answer that nobody asked for");
        c->waiting--;
        l->answers++;
        at += length;
    }
    if (at > 0 && at < c->have)
        memmove(c->bytes, c->bytes + at, c->have - at);
    c->have -= at;
    if (c->have == l->cap)
        fail("answers grew past %zu bytes", l->cap);
}

static void readable(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->bytes + c->have, l->cap - c->have, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        fail("a connection ended early: %s", n == 0 ? "closed" : strerror(errno));
    if (c->waiting == 0)
        fail("bytes that nobody asked for");
    c->have += (size_t)n;
    take_answers(l, c);
    if (c->waiting > 0)
        return;
    l->busy--;
    if (!l->ending)
        ask(l, c);
}

static void open_connections(struct load *l, long port)
{
    l->connections = must(calloc(l->connections_n, sizeof *l->connections));
    for (size_t i = 0; i < l->connections_n; i++) {
        struct connection *c = &l->connections[i];
        int on = 1;
        c->fd = connect_patiently(port);
        c->bytes = must(malloc(l->cap));
        struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = c };
        if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &wanted) != 0)
            fail("connection %zu: %s", i, strerror(errno));
    }
}

static double run(struct load *l, double wanted)
{
    struct epoll_event events[EVENTS];
    int64_t began = now_ns(), until = began + (int64_t)(wanted * 1e9);
    for (size_t i = 0; i < l->connections_n; i++)
        ask(l, &l->connections[i]);
    while (l->busy > 0) {
        int n = epoll_wait(l->epoll, events, EVENTS, STALLED_MS);
        if (n == 0)
            fail("no answer for %d s", STALLED_MS / 1000);
        if (n < 0)
            fail("epoll_wait: %s", strerror(errno));
        l->ending = now_ns() >= until;
        for (int i = 0; i < n; i++)
            readable(l, events[i].data.ptr);
    }
    return (double)(now_ns() - began) / 1e9;
}

static size_t ask_size(long port, const char *path, char **answer)
{
    char request[REQUEST_MOST];
    size_t cap = ANSWER_HEAD_MOST + ANSWER_BODY_MOST, n = make_request(request, port, path);
    int fd = connect_patiently(port);
    *answer = must(malloc(cap));
    size_t length = ask_once(fd, request, n, *answer, cap);
    close(fd);
    return length;
}

int main(int argc, char **argv)
{
    static struct load l;
    char one[REQUEST_MOST], *answer = NULL;
    bench_name = "pipe_load";
    if (argc == 4 && strcmp(argv[1], "--size") == 0) {
        printf("%zu\n", ask_size(number(argv[2], 1, 65535, "port"), argv[3], &answer));
        return 0;
    }
    if (argc != 6)
        fail("usage: pipe_load PORT PATH CONNECTIONS DEPTH SECONDS | --size PORT PATH");
    raise_descriptors();
    long port = number(argv[1], 1, 65535, "port");
    size_t one_bytes = make_request(one, port, argv[2]);
    l.connections_n = (size_t)number(argv[3], 1, CONNECTIONS_MOST, "connections");
    l.depth = (unsigned)number(argv[4], 1, DEPTH_MOST, "depth");
    double wanted = seconds(argv[5]);
    l.requests_bytes = l.depth * one_bytes;
    l.requests = must(malloc(l.requests_bytes));
    for (size_t i = 0; i < l.depth; i++)
        memcpy(l.requests + i * one_bytes, one, one_bytes);
    size_t length = ask_size(port, argv[2], &answer);
    learn(&l, answer, length);
    l.cap = (l.depth + 1) * (length + 64) + ANSWER_HEAD_MOST;
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l.epoll < 0)
        fail("epoll_create1: %s", strerror(errno));
    open_connections(&l, port);
    double took = run(&l, wanted);
    printf("requests %llu lost 0 seconds %.6f\n", (unsigned long long)l.answers, took);
    return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * answer.h - the client's side of HTTP/1.1, as far as the load needs it: one request as bytes, and
 * where one answer ends. Anything but a complete 200 with a Content-Length ends the program.
 */
#ifndef GYRE_BENCH_ANSWER_H
#define GYRE_BENCH_ANSWER_H

#include <strings.h>

#include "bench.h"

enum { REQUEST_MOST = 512, ANSWER_HEAD_MOST = 4096, ANSWER_BODY_MOST = 1 << 20 };

static inline size_t make_request(char out[REQUEST_MOST], long port, const char *path)
{
    int n = snprintf(out, REQUEST_MOST, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\n\r\n", path,
                     port);
    if (n < 0 || n >= REQUEST_MOST)
        fail("the path is too long");
    return (size_t)n;
}

/* The length of the head with its empty line; 0: not all here yet. */
static inline size_t answer_head(const char *p, size_t n)
{
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    if (end == NULL && n >= ANSWER_HEAD_MOST)
        fail("a head of more than %d bytes", ANSWER_HEAD_MOST);
    return end == NULL ? 0 : (size_t)(end - p) + 4;
}

static inline long content_length(const char *head, size_t n)
{
    static const char name[] = "\r\nContent-Length:";
    for (size_t i = 0; i + sizeof name < n; i++) {
        if (strncasecmp(head + i, name, sizeof name - 1) != 0)
            continue;
        char text[16] = { 0 };
        size_t at = i + sizeof name - 1, used = 0;
        while (at < n && head[at] == ' ')
            at++;
        while (at < n && head[at] != '\r' && used + 1 < sizeof text)
            text[used++] = head[at++];
        return number(text, 0, ANSWER_BODY_MOST, "Content-Length");
    }
    fail("an answer without Content-Length");
}

/* The length of the first answer in n bytes, head and body; 0: not all here yet. */
static inline size_t answer_length(const char *p, size_t n)
{
    static const char ok[] = "HTTP/1.1 200 ";
    size_t head = answer_head(p, n);
    if (head == 0)
        return 0;
    if (head < sizeof ok || memcmp(p, ok, sizeof ok - 1) != 0)
        fail("not a 200: %.*s", (int)(head > 40 ? 40 : head), p);
    size_t all = head + (size_t)content_length(p, head);
    return all <= n ? all : 0;
}

/* Connects to a server that may still be starting: tries for five seconds. */
static inline int connect_patiently(long port)
{
    struct sockaddr_in to = loopback(port);
    int64_t until = now_ns() + 5000000000;
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, plain(&to), sizeof to) == 0)
            return fd;
        if (now_ns() > until)
            fail("port %ld: %s", port, strerror(errno));
        close(fd);
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
}

/* Sends one request and reads its one answer into p. Returns the answer's length. */
static inline size_t ask_once(int fd, const char *request, size_t request_bytes, char *p,
                              size_t cap)
{
    struct timeval within = { .tv_sec = 5 };
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof within) != 0)
        fail("SO_RCVTIMEO: %s", strerror(errno));
    if (send(fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes)
        fail("send: %s", strerror(errno));
    size_t have = 0, length = 0;
    while (length == 0) {
        ssize_t n = have == cap ? 0 : recv(fd, p + have, cap - have, 0);
        if (n <= 0)
            fail("no answer: %s", n == 0 ? "the connection ended" : strerror(errno));
        have += (size_t)n;
        length = answer_length(p, have);
    }
    if (have != length)
        fail("%zu bytes more than one answer", have - length);
    return length;
}
#endif

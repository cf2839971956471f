/* SPDX-License-Identifier: GPL-3.0-or-later
 * http_load.c - asks for one file over HTTP/1.1 all the time, and counts what went wrong, by kind.
 *
 *     http_load PORT PATH FILE keep|once CONNECTIONS THINK_US PROGRESS
 *
 * Every answer must be a 200 whose body is that of FILE, byte for byte. `keep` asks again on one
 * connection, THINK_US after each answer; `once` makes a connection for each request. Runs until
 * SIGTERM, awaits what was asked, and prints one line: asked ok refused reset eof short wrong late
 * goodbye idle p50_us p99_us worst_us seconds, each with its number.
 *
 * Each request ends in one of: ok; refused (no connection); reset, eof (not one byte of an answer);
 * short (a part of one); wrong (another status, length or body, or more than was asked for); late
 * (LATE_NS). All but ok are failures, and none is tried again: a browser would ask again after eof
 * on a kept connection, and would hide it. No failures are a connection that ends after an answer
 * with `Connection: close` (goodbye), and one that ends while nothing is asked on it (idle).
 */
#include <strings.h>

#include "score.h"

enum { ANSWER_MOST = 1 << 20, SAMPLES_MOST = 4000000, EVENTS = 256, TOLD_MOST = 8 };
static const int64_t LATE_NS = 10000000000;

enum kind { OK, REFUSED, RESET, ENDED, SHORT, WRONG, LATE, GOODBYE, IDLE, KINDS };
static const char *const kind_names[KINDS] = { "ok",    "refused", "reset",   "eof", "short",
                                               "wrong", "late",    "goodbye", "idle" };
enum state { RESTING, DIALLING, WAITING, ENDING };

struct connection {
    int fd; /* -1: none */
    enum state state;
    int64_t at; /* RESTING: when to ask; else: since when */
    size_t have;
    char *bytes;
};

static struct {
    long port;
    bool keep, ending;
    int64_t think_ns;
    int epoll, progress;
    struct connection *connections;
    size_t connections_n, busy;
    char request[512], *body;
    size_t request_bytes, body_bytes, cap, samples_n;
    uint64_t asked, counts[KINDS];
    uint32_t *samples;
} load;

static void hang_up(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->have = 0;
}

/* The request of this connection has ended so. */
static void ended(struct connection *c, enum kind kind, const char *why)
{
    static int told;
    load.counts[kind]++;
    load.busy--;
    if (kind == OK && load.samples_n < SAMPLES_MOST)
        load.samples[load.samples_n++] = (uint32_t)((now_ns() - c->at) / 1000);
    if (kind != OK) {
        if (told++ < TOLD_MOST)
            fprintf(stderr, "http_load: %s %s: %s\n", clock_text(), kind_names[kind], why);
        hang_up(c);
    }
    c->state = RESTING;
    c->at = now_ns() + load.think_ns;
}

static void send_request(struct connection *c)
{
    ssize_t n = send(c->fd, load.request, load.request_bytes, MSG_NOSIGNAL);
    c->state = WAITING;
    if (n != (ssize_t)load.request_bytes)
        ended(c, RESET, n < 0 ? strerror(errno) : "send took a part");
}

static void ask(struct connection *c)
{
    load.asked++;
    load.busy++;
    c->at = now_ns();
    if (c->fd >= 0)
        return send_request(c);
    c->fd = dial_begin(load.port, INADDR_LOOPBACK, 0);
    c->state = DIALLING;
    if (c->fd < 0)
        return ended(c, REFUSED, strerror(errno));
    int on = 1;
    struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &wanted) != 0)
        fail("epoll_ctl: %s", strerror(errno));
}

/* The value of a field of the head, up to the end of its line; NULL: it has none. */
static const char *field_of(const char *head, size_t n, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = head; (at = memmem(at, n - (size_t)(at - head), "\r\n", 2)) != NULL;) {
        at += 2;
        if ((size_t)(at - head) + length < n && strncasecmp(at, name, length) == 0)
            return at + length;
    }
    return NULL;
}

/* What is wrong with the answer that is here; "": it is whole and right; NULL: not all is here. */
static const char *judge(const struct connection *c, bool *last)
{
    static const char good[] = "HTTP/1.1 200 ";
    const char *end = memmem(c->bytes, c->have, "\r\n\r\n", 4);
    if (end == NULL)
        return c->have < load.cap / 2 ? NULL : "a head without an end";
    size_t head = (size_t)(end - c->bytes) + 4;
    const char *length = field_of(c->bytes, head, "Content-Length:");
    const char *connection = field_of(c->bytes, head, "Connection:");
    *last = connection != NULL && strncasecmp(connection, " close", 6) == 0;
    if (head < sizeof good || memcmp(c->bytes, good, sizeof good - 1) != 0)
        return "not a 200";
    if (length == NULL || strtoull(length, NULL, 10) != load.body_bytes)
        return "another length";
    if (c->have < head + load.body_bytes)
        return NULL;
    if (memcmp(c->bytes + head, load.body, load.body_bytes) != 0)
        return "another body";
    return c->have == head + load.body_bytes ? "" : "more than one answer";
}

static void take_bytes(struct connection *c)
{
    bool last = false;
    const char *said = judge(c, &last);
    if (said == NULL)
        return;
    if (*said != '\0')
        return ended(c, WRONG, said);
    ended(c, OK, said);
    c->have = 0;
    if (load.keep && last) {
        load.counts[GOODBYE]++;
        hang_up(c);
    }
    if (!load.keep)
        c->state = ENDING; /* the server closes first: the port of this end is free at once */
}

/* The stream has ended, in order or not. */
static void stream_ended(struct connection *c, ssize_t n)
{
    const char *why = n < 0 ? strerror(errno) : "the connection ended";
    if (c->state == WAITING)
        return ended(c, c->have > 0 ? SHORT : n < 0 ? RESET : ENDED, why);
    if (c->state == RESTING)
        load.counts[IDLE]++;
    if (c->state == ENDING)
        c->state = RESTING;
    hang_up(c);
}

static void happened(struct connection *c)
{
    if (c->fd < 0)
        return;
    if (c->state == DIALLING) {
        int error = dial_result(c->fd);
        if (error != 0)
            return ended(c, REFUSED, strerror(error));
        send_request(c);
    }
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, c->bytes + c->have, load.cap - c->have, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            return stream_ended(c, n);
        c->have += (size_t)n;
        if (c->state == WAITING)
            take_bytes(c);
        else if (c->state == RESTING) { /* it belongs to no request: one is charged for it */
            load.asked++;
            load.busy++;
            ended(c, WRONG, "bytes that nobody asked for");
        } else
            hang_up(c), c->state = RESTING, load.counts[WRONG]++, load.asked++;
    }
}

static void tick(void)
{
    int64_t now = now_ns();
    for (size_t i = 0; i < load.connections_n; i++) {
        struct connection *c = &load.connections[i];
        if (c->state == RESTING && !load.ending && now >= c->at)
            ask(c);
        else if ((c->state == WAITING || c->state == DIALLING) && now - c->at > LATE_NS)
            ended(c, LATE, "no answer");
        else if (c->state == ENDING && now - c->at > LATE_NS)
            hang_up(c), c->state = RESTING;
    }
    uint64_t failed = load.asked - load.busy - load.counts[OK];
    tell_progress(load.progress, load.ending, "%llu %llu %llu", (unsigned long long)load.counts[OK],
                  (unsigned long long)failed, (unsigned long long)load.counts[REFUSED]);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_counts(int64_t took_ns)
{
    size_t n = load.samples_n;
    qsort(load.samples, n, sizeof *load.samples, by_value);
    printf("asked %llu", (unsigned long long)load.asked);
    for (int kind = 0; kind < KINDS; kind++)
        printf(" %s %llu", kind_names[kind], (unsigned long long)load.counts[kind]);
    printf(" p50_us %u p99_us %u worst_us %u seconds %.3f\n", n ? load.samples[n / 2] : 0,
           n ? load.samples[n - 1 - n / 100] : 0, n ? load.samples[n - 1] : 0,
           (double)took_ns / 1e9);
}

static void read_body(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    load.body = must(malloc(ANSWER_MOST));
    ssize_t n = fd < 0 ? -1 : read(fd, load.body, ANSWER_MOST);
    if (n < 0 || n == ANSWER_MOST)
        fail("%s: it cannot be read, or is too long", path);
    load.body_bytes = (size_t)n;
    load.cap = load.body_bytes + 16384;
    close(fd);
}

static void run(void)
{
    struct epoll_event events[EVENTS];
    int64_t ending_at = 0;
    while (!load.ending || (load.busy > 0 && now_ns() - ending_at < LATE_NS + 1000000000)) {
        tick();
        int n = epoll_wait(load.epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++)
            happened(events[i].data.ptr);
        if (told_to_end && !load.ending) {
            load.ending = true;
            ending_at = now_ns();
        }
    }
    tick();
}

int main(int argc, char **argv)
{
    bench_name = "http_load";
    if (argc != 8)
        fail("usage: http_load PORT PATH FILE keep|once CONNECTIONS THINK_US PROGRESS");
    load.port = number(argv[1], 1, 65535, "port");
    read_body(argv[3]);
    load.keep = strcmp(argv[4], "keep") == 0;
    load.connections_n = (size_t)number(argv[5], 1, 10000, "connections");
    load.think_ns = number(argv[6], 0, 10000000, "think") * 1000;
    load.progress = begin_load(argv[7]);
    load.samples = must(calloc(SAMPLES_MOST, sizeof *load.samples));
    load.connections = must(calloc(load.connections_n, sizeof *load.connections));
    int n = snprintf(load.request, sizeof load.request,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", argv[2],
                     load.keep ? "" : "Connection: close\r\n");
    if (n < 0 || n >= (int)sizeof load.request)
        fail("the path is too long");
    load.request_bytes = (size_t)n;
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < load.connections_n; i++) {
        load.connections[i].fd = -1;
        load.connections[i].bytes = must(malloc(load.cap));
    }
    int64_t began = now_ns();
    run();
    print_counts(now_ns() - began);
    return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * load.c - clients of a server that changes meanwhile: each holds one connection and talks.
 *
 *   load KIND:PORT:CLIENTS[:TEXT] …
 *
 * Reads a number a line from standard input; every client then has that many conversations, and the
 * total of all so far is printed. Exits 0 at the end of the input, 1 with a line "FAIL …".
 *
 * Kinds: echo, udp: bytes come back. http: a file of which all bytes are the same. dns: an
 * address. line: TEXT is BEGIN|SAY|WANT: BEGIN is said once a connection, SAY each time, then
 * lines are read until one begins with WANT; @ is the client's number, % that of the next one,
 * # the conversation's.
 *
 * A server that changes may close or reset a connection, and what was said then is said again by a
 * new one. It may not refuse a connection, answer wrongly, or fail TRIES times in a row.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KINDS = 16, CLIENTS = 32, TRIES = 50, SECONDS = 20, BYTES = 8000, RENEWED_AFTER = 12 };
enum outcome { GOOD, BROKEN, WRONG }; /* BROKEN: the connection is of no use any more */

struct kind;
struct client {
    const struct kind *kind;
    uint32_t number, random;
    int fd; /* -1: none */
    uint32_t said;   /* on this connection */
    uint64_t talks;  /* in all */
    uint8_t in[BYTES];
    size_t have;     /* bytes of `in` */
    pthread_t thread;
};
struct kind {
    char *name, *begin, *say, *want;
    uint16_t port;
    uint32_t clients;
    bool datagrams;
    enum outcome (*talk)(struct client *);
};

static pthread_barrier_t begins, ends; /* of a round: all clients, and main */
static long round_talks;               /* 0: it is over */
static uint8_t bytes[2 * BYTES];       /* what echo is sent parts of */

static _Noreturn void fail(const struct client *c, const char *what)
{
    printf("FAIL %s client %u, conversation %llu: %s (%s)\n", c->kind->name, c->number,
           (unsigned long long)c->talks, what, strerror(errno));
    fflush(stdout);
    _exit(1);
}

static uint32_t next_random(struct client *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 17;
    return c->random ^= c->random << 5;
}

/* ---- the wire ---- */

static bool say(struct client *c, const void *p, size_t n)
{
    while (n) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        p = (const char *)p + sent;
        n -= (size_t)sent;
    }
    return true;
}

/* More input. false: there is no more, or no room. */
static bool hear(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
    if (n < 0 && errno == EAGAIN && !c->kind->datagrams) fail(c, "no answer came");
    if (n <= 0) return false;
    c->have += (size_t)n;
    return true;
}

static void forget(struct client *c, size_t n)
{
    c->have -= n;
    memmove(c->in, c->in + n, c->have);
}

/* The texts of a `line` kind. */
static size_t fill(const struct client *c, const char *text, char *out, size_t n)
{
    size_t used = 0;
    for (; *text && used + 24 < n; text++) {
        uint64_t x = *text == '@' ? c->number : *text == '#' ? c->talks
                     : (c->number + 1) % c->kind->clients;
        if (strchr("@%#", *text))
            used += (size_t)snprintf(out + used, n - used, "%llu", (unsigned long long)x);
        else out[used++] = *text;
    }
    out[used] = 0;
    return used;
}

static bool say_line(struct client *c, const char *text)
{
    char line[256];
    size_t n = fill(c, text, line, sizeof line - 1);
    line[n++] = '\n';
    return say(c, line, n);
}

static bool open_wire(struct client *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(c->kind->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval most = {.tv_sec = c->kind->datagrams ? 1 : SECONDS};
    c->fd = socket(AF_INET, (c->kind->datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    c->have = c->said = 0;
    if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) != 0 ||
        connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0)
        fail(c, "it cannot connect");
    return !c->kind->begin[0] || say_line(c, c->kind->begin);
}

/* In one of the ways in which peers go. */
static void close_wire(struct client *c, bool broken)
{
    struct linger at_once = {.l_onoff = 1};
    uint32_t how = broken || c->kind->datagrams ? 0 : next_random(c) % 3;
    if (how == 1) (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (how == 2 && shutdown(c->fd, SHUT_WR) == 0) {
        do c->have = 0;
        while (hear(c));
    }
    close(c->fd);
    c->fd = -1;
}

/* ---- conversations ---- */

static enum outcome talk_echo(struct client *c)
{
    size_t n = 1 + next_random(c) % (c->kind->datagrams ? 1000 : BYTES);
    const uint8_t *from = bytes + next_random(c) % BYTES;
    c->have = 0;
    if (!say(c, from, n)) return BROKEN;
    while (c->have < n)
        if (!hear(c)) return BROKEN;
    return c->have == n && !memcmp(c->in, from, n) ? GOOD : WRONG;
}

static enum outcome talk_line(struct client *c)
{
    char want[256];
    size_t n = fill(c, c->kind->want, want, sizeof want);
    if (!say_line(c, c->kind->say)) return BROKEN;
    for (;;) {
        const uint8_t *end = memchr(c->in, '\n', c->have);
        if (!end && c->have == sizeof c->in) return WRONG;
        if (!end && !hear(c)) return BROKEN;
        if (!end) continue;
        size_t line = (size_t)(end - c->in) + 1;
        bool found = line >= n && !memcmp(c->in, want, n);
        forget(c, line);
        if (found) return GOOD;
    }
}

static enum outcome talk_http(struct client *c)
{
    static const char ask[] = "GET /same.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char length[] = "\r\nContent-Length: ", ok[] = "HTTP/1.1 200 ";
    uint8_t *body = NULL, *found;
    if (!say(c, ask, sizeof ask - 1)) return BROKEN;
    while (!body) {
        if (!hear(c)) return BROKEN;
        body = memmem(c->in, c->have, "\r\n\r\n", 4);
    }
    body += 4;
    if (memcmp(c->in, ok, sizeof ok - 1) != 0) return WRONG;
    found = memmem(c->in, (size_t)(body - c->in), length, sizeof length - 1);
    if (!found) return WRONG;
    unsigned long n = strtoul((char *)found + sizeof length - 1, NULL, 10);
    size_t head = (size_t)(body - c->in);
    if (!n || n > sizeof c->in - head) return WRONG;
    while (c->have < head + n)
        if (!hear(c)) return BROKEN;
    bool good = !memcmp(body, body + 1, n - 1);
    forget(c, head + n);
    return good ? GOOD : WRONG;
}

static enum outcome talk_dns(struct client *c)
{
    static const uint8_t ask[] = "\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\4test\0\0\1\0\1";
    uint8_t query[sizeof ask - 1];
    memcpy(query, ask, sizeof query);
    query[0] = (uint8_t)(c->talks >> 8);
    query[1] = (uint8_t)c->talks;
    c->have = 0;
    if (!say(c, query, sizeof query) || !hear(c)) return BROKEN;
    if (c->have < sizeof query || memcmp(c->in, query, 2) != 0) return BROKEN; /* a late one */
    return (c->in[3] & 15) == 0 && c->in[7] == 1 ? GOOD : WRONG;
}

static void talk(struct client *c)
{
    for (uint32_t tries = 0; tries < TRIES; tries++) {
        enum outcome how = BROKEN;
        if (c->fd >= 0 || open_wire(c)) how = c->kind->talk(c);
        if (how == WRONG) fail(c, "the answer is wrong");
        if (how == GOOD) {
            c->talks++;
            if (++c->said >= RENEWED_AFTER) close_wire(c, false);
            return;
        }
        close_wire(c, true);
    }
    fail(c, "it was given up");
}

static void *live(void *user)
{
    struct client *c = user;
    for (;;) {
        pthread_barrier_wait(&begins);
        if (!round_talks) break;
        for (long i = 0; i < round_talks; i++) talk(c);
        pthread_barrier_wait(&ends);
    }
    if (c->fd >= 0) close(c->fd);
    return NULL;
}

/* ---- what was asked for ---- */

static bool read_kind(char *text, struct kind *k)
{
    static const struct {
        const char *name;
        enum outcome (*talk)(struct client *);
        bool datagrams;
    } known[] = {{"echo", talk_echo, false}, {"udp", talk_echo, true}, {"line", talk_line, false},
                 {"http", talk_http, false}, {"dns", talk_dns, true}};
    static char none[] = "";
    char *port, *clients;
    *k = (struct kind){.name = strsep(&text, ":"), .begin = none, .say = none, .want = none};
    port = strsep(&text, ":");
    clients = strsep(&text, ":");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(k->name, known[i].name) != 0) continue;
        k->talk = known[i].talk;
        k->datagrams = known[i].datagrams;
    }
    if (!k->talk || !port || !clients) return false;
    k->port = (uint16_t)strtoul(port, NULL, 10);
    k->clients = (uint32_t)strtoul(clients, NULL, 10);
    if (text) {
        k->begin = strsep(&text, "|");
        k->say = strsep(&text, "|");
        k->want = text ? text : none;
    }
    return k->port && k->clients && k->clients <= CLIENTS && k->say;
}

int main(int argc, char **argv)
{
    static struct kind kinds[KINDS];
    static struct client all[KINDS * CLIENTS];
    uint32_t n = 0;
    char line[32];
    if (argc < 2 || argc > KINDS) return fputs("load KIND:PORT:CLIENTS[:TEXT] …\n", stderr), 2;
    for (int i = 1; i < argc; i++) {
        if (!read_kind(argv[i], &kinds[i])) return fprintf(stderr, "what is %s?\n", argv[i]), 2;
        for (uint32_t j = 0; j < kinds[i].clients; j++, n++)
            all[n] = (struct client){.kind = &kinds[i], .number = j, .random = n + 1, .fd = -1};
    }
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random(&all[0]);
    pthread_barrier_init(&begins, NULL, n + 1);
    pthread_barrier_init(&ends, NULL, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (pthread_create(&all[i].thread, NULL, live, &all[i]) != 0) return 1;
    while (fgets(line, sizeof line, stdin) && (round_talks = strtol(line, NULL, 10)) > 0) {
        uint64_t talks = 0;
        pthread_barrier_wait(&begins);
        pthread_barrier_wait(&ends);
        for (uint32_t i = 0; i < n; i++) talks += all[i].talks;
        printf("%llu\n", (unsigned long long)talks);
        fflush(stdout);
    }
    round_talks = 0;
    pthread_barrier_wait(&begins);
    for (uint32_t i = 0; i < n; i++) pthread_join(all[i].thread, NULL);
    return 0;
}

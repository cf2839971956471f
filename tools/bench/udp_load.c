/* SPDX-License-Identifier: GPL-3.0-or-later
 * udp_load.c - UDP echo load: SOCKETS clients that each keep WINDOW datagrams under way.
 *
 *     udp_load PORT SOCKETS WINDOW SECONDS [BYTES]       prints: requests N lost L seconds S
 *
 * A reply is counted once, when socket, slot, sequence number, length and every byte are those of
 * the datagram that the slot waits for. A socket that has had no reply for LOST_MS counts what it
 * waits for as lost and sends new ones; a reply that comes after that is late and not counted.
 * A wrong byte, or no reply to anybody for STALLED_MS, ends the program with code 1.
 */
#include <netinet/in.h>
#include <sys/epoll.h>

#include "bench.h"

enum {
    WINDOW_MOST = 64,
    SOCKETS_MOST = 1024,
    BYTES_MOST = 1400,
    LOST_MS = 100,
    STALLED_MS = 3000,
    SHIFTS = 256, /* patterns that differ from one sequence number to the next */
};

struct label { /* the beginning of each datagram */
    uint32_t socket, slot;
    uint64_t sequence;
};

struct client {
    int fd;
    uint32_t index, waiting;
    int64_t heard_ns;
    uint64_t sequence[WINDOW_MOST]; /* that the slot waits for; 0: none */
};

struct load {
    int epoll;
    struct client *clients;
    uint32_t clients_n, window, bytes;
    uint64_t next, replies, lost, late;
    int64_t heard_ns;
    bool ending;
    uint8_t pattern[SHIFTS + BYTES_MOST];
    uint8_t data[WINDOW_MOST][BYTES_MOST + 1]; /* one more: a reply that is too long shows */
    struct iovec parts[WINDOW_MOST];
    struct mmsghdr messages[WINDOW_MOST];
};

static void pack(struct load *l, struct client *c, uint32_t slot, uint32_t at)
{
    struct label label = { .socket = c->index, .slot = slot, .sequence = ++l->next };
    c->sequence[slot] = label.sequence;
    memcpy(l->data[at], &label, sizeof label);
    memcpy(l->data[at] + sizeof label, l->pattern + label.sequence % SHIFTS,
           l->bytes - sizeof label);
    l->parts[at].iov_len = l->bytes;
}

/* Sends the first n packed datagrams. What the socket does not take is lost, and found by time. */
static void send_packed(struct load *l, struct client *c, uint32_t n)
{
    uint32_t sent = 0;
    while (sent < n) {
        int now = sendmmsg(c->fd, l->messages + sent, n - sent, MSG_DONTWAIT);
        if (now < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break;
        if (now <= 0)
            fail("sendmmsg: %s", strerror(errno));
        sent += (uint32_t)now;
    }
    c->waiting += n;
}

/* True: the n-th datagram received is the reply that its slot waits for. */
static bool check(struct load *l, struct client *c, uint32_t n, uint32_t *slot)
{
    struct label label;
    memcpy(&label, l->data[n], sizeof label);
    if (l->messages[n].msg_len != l->bytes || label.socket != c->index || label.slot >= l->window)
        fail("a reply of %u bytes that nobody asked for", l->messages[n].msg_len);
    if (memcmp(l->data[n] + sizeof label, l->pattern + label.sequence % SHIFTS,
               l->bytes - sizeof label) != 0)
        fail("a reply with wrong bytes");
    *slot = label.slot;
    if (c->sequence[label.slot] == label.sequence)
        return true;
    if (label.sequence > l->next)
        fail("a reply to a datagram that was never sent");
    l->late++;
    return false;
}

static void readable(struct load *l, struct client *c)
{
    uint32_t slots[WINDOW_MOST], good = 0;
    for (uint32_t i = 0; i < l->window; i++)
        l->parts[i].iov_len = BYTES_MOST + 1;
    int n = recvmmsg(c->fd, l->messages, l->window, MSG_DONTWAIT, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        fail("recvmmsg: %s", strerror(errno));
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        if (!check(l, c, i, &slots[good]))
            continue;
        c->sequence[slots[good++]] = 0; /* a second copy of the reply is late */
    }
    c->waiting -= good;
    l->replies += good;
    if (good == 0)
        return;
    c->heard_ns = l->heard_ns = now_ns();
    if (l->ending)
        return;
    for (uint32_t i = 0; i < good; i++)
        pack(l, c, slots[i], i);
    send_packed(l, c, good);
}

static void give_up_lost(struct load *l, int64_t now)
{
    if (now - l->heard_ns > STALLED_MS * INT64_C(1000000))
        fail("no reply for %d s", STALLED_MS / 1000);
    for (uint32_t i = 0; i < l->clients_n; i++) {
        struct client *c = &l->clients[i];
        if (c->waiting == 0 || now - c->heard_ns < LOST_MS * INT64_C(1000000))
            continue;
        l->lost += c->waiting;
        c->waiting = 0;
        c->heard_ns = now;
        uint32_t n = 0;
        for (uint32_t slot = 0; slot < l->window; slot++) {
            if (c->sequence[slot] == 0)
                continue;
            if (l->ending)
                c->sequence[slot] = 0;
            else
                pack(l, c, slot, n++);
        }
        send_packed(l, c, n);
    }
}

static bool all_heard(const struct load *l)
{
    for (uint32_t i = 0; i < l->clients_n; i++)
        if (l->clients[i].waiting > 0)
            return false;
    return true;
}

static double run(struct load *l, double wanted)
{
    struct epoll_event events[64];
    int64_t began = now_ns(), until = began + (int64_t)(wanted * 1e9);
    int64_t look_ns = began + LOST_MS * INT64_C(1000000);
    l->heard_ns = began;
    for (uint32_t i = 0; i < l->clients_n; i++) {
        struct client *c = &l->clients[i];
        c->heard_ns = began;
        for (uint32_t slot = 0; slot < l->window; slot++)
            pack(l, c, slot, slot);
        send_packed(l, c, l->window);
    }
    while (!l->ending || !all_heard(l)) {
        int n = epoll_wait(l->epoll, events, 64, LOST_MS);
        if (n < 0)
            fail("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < n; i++)
            readable(l, events[i].data.ptr);
        int64_t now = now_ns();
        l->ending = now >= until;
        if (now >= look_ns) {
            give_up_lost(l, now);
            look_ns = now + LOST_MS * INT64_C(1000000);
        }
    }
    return (double)(now_ns() - began) / 1e9;
}

static void open_clients(struct load *l, long port)
{
    struct sockaddr_in to = loopback(port);
    l->clients = must(calloc(l->clients_n, sizeof *l->clients));
    for (uint32_t i = 0; i < l->clients_n; i++) {
        struct client *c = &l->clients[i];
        struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = c };
        c->index = i;
        c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, plain(&to), sizeof to) != 0 ||
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &wanted) != 0)
            fail("socket %u: %s", i, strerror(errno));
    }
}

int main(int argc, char **argv)
{
    static struct load l;
    bench_name = "udp_load";
    if (argc != 5 && argc != 6)
        fail("usage: udp_load PORT SOCKETS WINDOW SECONDS [BYTES]");
    long port = number(argv[1], 1, 65535, "port");
    l.clients_n = (uint32_t)number(argv[2], 1, SOCKETS_MOST, "sockets");
    l.window = (uint32_t)number(argv[3], 1, WINDOW_MOST, "window");
    double wanted = seconds(argv[4]);
    l.bytes = argc == 6 ? (uint32_t)number(argv[5], 32, BYTES_MOST, "bytes") : 120;
    raise_descriptors();
    uint32_t random = 2463534242;
    for (size_t i = 0; i < sizeof l.pattern; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        l.pattern[i] = (uint8_t)random;
    }
    for (size_t i = 0; i < WINDOW_MOST; i++) {
        l.parts[i].iov_base = l.data[i];
        l.messages[i].msg_hdr.msg_iov = &l.parts[i];
        l.messages[i].msg_hdr.msg_iovlen = 1;
    }
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l.epoll < 0)
        fail("epoll_create1: %s", strerror(errno));
    open_clients(&l, port);
    double took = run(&l, wanted);
    if (l.replies == 0)
        fail("no reply");
    printf("requests %llu lost %llu late %llu seconds %.6f\n", (unsigned long long)l.replies,
           (unsigned long long)l.lost, (unsigned long long)l.late, took);
    return 0;
}

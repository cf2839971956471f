/* SPDX-License-Identifier: GPL-3.0-or-later
 * floor.c - the limit that Gyre's HTTP is measured against: a raw ring loop with a fixed answer.
 *
 *     floor PORT BYTES
 *
 * Does what every io_uring server must do for a kept connection and nothing else: multishot accept
 * and recv into one buffer ring, requests counted by the empty line that ends them, everything a
 * connection is owed in a turn sent with one SEND. It reads no method, path or header, has no
 * limits, deadlines, log or configuration, and must not serve anybody but a benchmark.
 * Answers are BYTES long, head and body. Connections: as many as the process may have descriptors.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "floor_ring.h"

enum { ANSWERS_A_SEND = 64, ANSWER_MOST = 65536 };
enum { OP_ACCEPT = 1, OP_RECV, OP_SEND };

struct connection {
    uint32_t owed;    /* answers not yet handed to the kernel */
    uint32_t sending; /* bytes in the SEND under way; 0: none */
    uint32_t at;      /* where in `answers` that SEND began */
    uint8_t matched;  /* bytes of "\r\n\r\n" seen at the end of the last read */
    bool touched, starved, ended;
};

struct floor {
    struct floor_ring r;
    int listener;
    bool listener_armed;
    struct connection *connections; /* by descriptor */
    int *touched, *starved;
    size_t touched_n, starved_n;
    long descriptors;
    uint8_t *answers; /* ANSWERS_A_SEND of them, one after the other */
    uint32_t answer_bytes;
};

static void arm_accept(struct floor *f)
{
    struct io_uring_sqe *sqe = floor_sqe(&f->r);
    io_uring_prep_multishot_accept(sqe, f->listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, (uint64_t)OP_ACCEPT << 32);
    f->listener_armed = true;
}

static void arm_recv(struct floor *f, int fd)
{
    struct io_uring_sqe *sqe = floor_sqe(&f->r);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = FLOOR_GROUP;
    io_uring_sqe_set_data64(sqe, (uint64_t)OP_RECV << 32 | (uint32_t)fd);
}

static void send_answers(struct floor *f, int fd)
{
    struct connection *c = &f->connections[fd];
    if (c->sending == 0) {
        uint32_t n = c->owed > ANSWERS_A_SEND ? ANSWERS_A_SEND : c->owed;
        c->owed -= n;
        c->sending = n * f->answer_bytes;
        c->at = 0;
    }
    struct io_uring_sqe *sqe = floor_sqe(&f->r);
    io_uring_prep_send(sqe, fd, f->answers + c->at, c->sending, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data64(sqe, (uint64_t)OP_SEND << 32 | (uint32_t)fd);
}

/* Requests that end in these bytes. */
static uint32_t count_requests(struct connection *c, const uint8_t *p, size_t n)
{
    static const uint8_t wanted[4] = { '\r', '\n', '\r', '\n' };
    uint32_t found = 0;
    uint8_t matched = c->matched;
    const uint8_t *end = p + n;
    while (p < end) {
        if (matched == 0) {
            p = memchr(p, '\r', (size_t)(end - p));
            if (p == NULL)
                break;
        }
        if (*p == wanted[matched])
            matched++;
        else
            matched = *p == '\r';
        p++;
        if (matched == 4) {
            found++;
            matched = 0;
        }
    }
    c->matched = matched;
    return found;
}

static void touch(struct floor *f, int fd)
{
    struct connection *c = &f->connections[fd];
    if (c->touched || c->sending > 0 || c->owed == 0)
        return;
    c->touched = true;
    f->touched[f->touched_n++] = fd;
}

static void end_connection(struct floor *f, int fd)
{
    struct connection *c = &f->connections[fd];
    c->ended = true;
    c->owed = 0;
    if (c->sending == 0 && !c->touched)
        close(fd);
}

static void accepted(struct floor *f, const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_MORE))
        f->listener_armed = false;
    if (cqe->res < 0)
        return;
    if (cqe->res >= f->descriptors) {
        close(cqe->res);
        return;
    }
    memset(&f->connections[cqe->res], 0, sizeof(struct connection));
    arm_recv(f, cqe->res);
}

static void received(struct floor *f, int fd, const struct io_uring_cqe *cqe)
{
    struct connection *c = &f->connections[fd];
    if (cqe->res > 0) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        c->owed += count_requests(c, floor_buffer(&f->r, id), (size_t)cqe->res);
        floor_give(&f->r, id);
        touch(f, fd);
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS) { /* armed again when this turn's buffers are back */
        c->starved = true;
        f->starved[f->starved_n++] = fd;
    } else {
        end_connection(f, fd);
    }
}

static void sent(struct floor *f, int fd, int res)
{
    struct connection *c = &f->connections[fd];
    if (res <= 0) {
        c->sending = 0;
        if (c->ended)
            close(fd);
        else
            shutdown(fd, SHUT_RDWR); /* the recv ends and closes it */
        return;
    }
    c->at += (uint32_t)res;
    c->sending -= (uint32_t)res;
    if (c->sending > 0)
        send_answers(f, fd);
    else if (c->ended)
        close(fd);
    else
        touch(f, fd);
}

static void complete(struct floor *f, const struct io_uring_cqe *cqe)
{
    int fd = (int)(uint32_t)cqe->user_data;
    switch (cqe->user_data >> 32) {
    case OP_ACCEPT:
        accepted(f, cqe);
        break;
    case OP_RECV:
        received(f, fd, cqe);
        break;
    default:
        sent(f, fd, cqe->res);
        break;
    }
}

static void turn(struct floor *f)
{
    floor_enter(&f->r);
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&f->r.ring, head, cqe)
    {
        complete(f, cqe);
        n++;
    }
    io_uring_cq_advance(&f->r.ring, n);
    floor_publish(&f->r);
    if (!f->listener_armed)
        arm_accept(f);
    for (size_t i = 0; i < f->starved_n; i++) {
        f->connections[f->starved[i]].starved = false;
        arm_recv(f, f->starved[i]);
    }
    f->starved_n = 0;
    for (size_t i = 0; i < f->touched_n; i++) {
        int fd = f->touched[i];
        f->connections[fd].touched = false;
        if (!f->connections[fd].ended)
            send_answers(f, fd);
        else
            close(fd);
    }
    f->touched_n = 0;
}

static int listen_on(long port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, plain(&address), sizeof address) != 0 || listen(fd, 4096) != 0)
        fail("port %ld: %s", port, strerror(errno));
    return fd;
}

/* A head that says how long the body is, in five digits so that it is always as long itself. */
static void make_answers(struct floor *f, long bytes)
{
    char head[128];
    int n = 0;
    for (int pass = 0; pass < 2; pass++)
        n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain\r\n"
                     "Content-Length: %05ld\r\n\r\n",
                     bytes - n);
    f->answer_bytes = (uint32_t)bytes;
    f->answers = floor_map((size_t)bytes * ANSWERS_A_SEND);
    memset(f->answers, 'x', (size_t)bytes * ANSWERS_A_SEND);
    for (int i = 0; i < ANSWERS_A_SEND; i++)
        memcpy(f->answers + (size_t)i * (size_t)bytes, head, (size_t)n);
}

int main(int argc, char **argv)
{
    static struct floor f;
    bench_name = "floor";
    if (argc != 3)
        fail("usage: floor PORT BYTES");
    f.descriptors = raise_descriptors();
    size_t n = (size_t)f.descriptors;
    f.connections = must(calloc(n, sizeof *f.connections));
    f.touched = must(calloc(n, sizeof *f.touched));
    f.starved = must(calloc(n, sizeof *f.starved));
    make_answers(&f, number(argv[2], 100, ANSWER_MOST, "bytes of an answer"));
    f.listener = listen_on(number(argv[1], 1, 65535, "port"));
    floor_open(&f.r);
    arm_accept(&f);
    for (;;)
        turn(&f);
}

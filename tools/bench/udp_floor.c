/* SPDX-License-Identifier: GPL-3.0-or-later
 * udp_floor.c - the limit that Gyre's UDP is measured against: a raw ring loop that echoes.
 *
 *     udp_floor PORT
 *
 * Multishot recvmsg into one buffer ring; each datagram goes back to its sender with one SEND that
 * carries the address, out of the very buffer that it came in. The buffer is given back when the
 * SEND has completed. No limits, no ports but one, no control data: it must not serve anybody but
 * a benchmark. Datagrams: up to FLOOR_BUFFER_SIZE less the address and the kernel's header.
 */
#include <netinet/in.h>

#include "floor_ring.h"

enum { OP_RECV_FROM = 1, OP_SEND };

struct udp_floor {
    struct floor_ring r;
    int fd;
    bool armed;
    struct msghdr shape; /* room for an address, none for control data */
};

static void arm(struct udp_floor *f)
{
    struct io_uring_sqe *sqe = floor_sqe(&f->r);
    io_uring_prep_recvmsg_multishot(sqe, f->fd, &f->shape, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = FLOOR_GROUP;
    io_uring_sqe_set_data64(sqe, (uint64_t)OP_RECV_FROM << 32);
    f->armed = true;
}

static void echo(struct udp_floor *f, unsigned id, int res)
{
    struct io_uring_recvmsg_out *out =
        io_uring_recvmsg_validate(floor_buffer(&f->r, id), res, &f->shape);
    if (out == NULL || (out->flags & MSG_TRUNC) != 0) {
        floor_give(&f->r, id);
        return;
    }
    struct io_uring_sqe *sqe = floor_sqe(&f->r);
    io_uring_prep_send(sqe, f->fd, io_uring_recvmsg_payload(out, &f->shape),
                       io_uring_recvmsg_payload_length(out, res, &f->shape), 0);
    io_uring_prep_send_set_addr(sqe, io_uring_recvmsg_name(out), (uint16_t)out->namelen);
    io_uring_sqe_set_data64(sqe, (uint64_t)OP_SEND << 32 | id);
}

static void turn(struct udp_floor *f)
{
    floor_enter(&f->r);
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&f->r.ring, head, cqe)
    {
        n++;
        if (cqe->user_data >> 32 == OP_SEND) { /* sent or lost: the client asks again */
            floor_give(&f->r, (unsigned)(uint32_t)cqe->user_data);
            continue;
        }
        if (!(cqe->flags & IORING_CQE_F_MORE))
            f->armed = false;
        if (cqe->res < 0 && cqe->res != -ENOBUFS)
            fail("recvmsg: %s", strerror(-cqe->res));
        if (cqe->flags & IORING_CQE_F_BUFFER)
            echo(f, cqe->flags >> IORING_CQE_BUFFER_SHIFT, cqe->res);
    }
    io_uring_cq_advance(&f->r.ring, n);
    bool refilled = f->r.given > 0;
    floor_publish(&f->r);
    if (!f->armed && refilled) /* with an empty buffer ring it would end at once, again and again */
        arm(f);
}

int main(int argc, char **argv)
{
    static struct udp_floor f;
    bench_name = "udp_floor";
    if (argc != 2)
        fail("usage: udp_floor PORT");
    long port = number(argv[1], 1, 65535, "port");
    struct sockaddr_in address = loopback(port);
    f.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int room = 1 << 20; /* for a burst of every load here: nothing is lost by the floor */
    if (f.fd < 0 || setsockopt(f.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
        bind(f.fd, plain(&address), sizeof address) != 0)
        fail("port %ld: %s", port, strerror(errno));
    f.shape.msg_namelen = sizeof address;
    floor_open(&f.r);
    arm(&f);
    for (;;)
        turn(&f);
}

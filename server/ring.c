/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring.c - the io_uring kernel behind ring.h. Nothing else in Gyre knows io_uring.
 *
 * One ring a worker: SINGLE_ISSUER | DEFER_TASKRUN, so completions are made only inside our own
 * enter, and one enter a turn both submits and waits. Owns two rings of receive buffers: small ones
 * for streams, long ones (touched only as far as datagrams reach) for UDP.
 * Not used, on measurement: SQPOLL, zero-copy send, direct descriptors, bundles, NO_SQARRAY
 * (liburing 2.3 misreads the ring with it).
 * Limits: RING_*. A full submission queue submits early and goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core.h"
#include "poison.h"
#include "ring_kernel.h"

enum { GROUP_STREAMS, GROUP_DATAGRAMS };
_Static_assert(NAME_BYTES >= sizeof(struct sockaddr_in6) &&
                   (sizeof(struct io_uring_recvmsg_out) + NAME_BYTES) % sizeof(size_t) == 0,
               "control data behind the name is aligned");

struct buffers {
    struct io_uring_buf_ring *ring;
    uint8_t *bytes;
    uint32_t n, size, given; /* given: back in the ring, not yet published */
};
struct uring {
    struct ring pub;
    struct io_uring io;
    struct buffers streams, datagrams;
    struct msghdr from; /* what a datagram's buffer reserves for address and control data */
    int wake_fd;
    bool wake_armed;
    bool valgrind;
};

static struct uring *uring_of(struct ring *r)
{
    return (struct uring *)r;
}

static struct io_uring_sqe *take_sqe(struct uring *u, uint64_t user)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->io);
    while (!sqe) {
        int res = io_uring_submit(&u->io);
        if (res < 0 && res != -EINTR && res != -EAGAIN && res != -EBUSY)
            bug(__func__, "io_uring_enter: %s", strerror(-res));
        sqe = io_uring_get_sqe(&u->io);
    }
    sqe->user_data = user;
    return sqe;
}

/* 0, or -errno */
static int buffers_make(struct uring *u, struct buffers *b, uint32_t n, uint32_t size, int group)
{
    int res = -ENOMEM;
    size_t ring_n = n * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg reg = {.ring_entries = n, .bgid = (uint16_t)group};
    void *ring = mmap(NULL, ring_n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *bytes = mmap(NULL, (size_t)n * size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ring == MAP_FAILED || bytes == MAP_FAILED) goto fail;
    reg.ring_addr = (uint64_t)(uintptr_t)ring;
    res = io_uring_register_buf_ring(&u->io, &reg, 0);
    if (res < 0) goto fail;
    *b = (struct buffers){ring, bytes, n, size, 0};
    poison(bytes, (size_t)n * size);
    io_uring_buf_ring_init(b->ring);
    for (uint32_t i = 0; i < n; i++)
        io_uring_buf_ring_add(b->ring, b->bytes + (size_t)i * size, size, (uint16_t)i,
                              io_uring_buf_ring_mask(n), (int)i);
    io_uring_buf_ring_advance(b->ring, (int)n);
    return 0;
fail:
    if (ring != MAP_FAILED) munmap(ring, ring_n);
    if (bytes != MAP_FAILED) munmap(bytes, (size_t)n * size);
    return res;
}

static void buffers_publish(struct buffers *b)
{
    if (!b->given) return;
    io_uring_buf_ring_advance(b->ring, (int)b->given);
    b->given = 0;
}

static void uring_give(struct ring *r, uint16_t bid)
{
    struct uring *u = uring_of(r);
    struct buffers *b = bid & BID_DATAGRAM ? &u->datagrams : &u->streams;
    uint32_t i = bid & (BID_DATAGRAM - 1u);
    if (i >= b->n) bug(__func__, "no such buffer");
    poison(b->bytes + (size_t)i * b->size, b->size);
    io_uring_buf_ring_add(b->ring, b->bytes + (size_t)i * b->size, b->size, (uint16_t)i,
                          io_uring_buf_ring_mask(b->n), (int)b->given);
    b->given++;
}

static const uint8_t *uring_buffer(struct ring *r, uint16_t bid)
{
    struct uring *u = uring_of(r);
    const struct buffers *b = bid & BID_DATAGRAM ? &u->datagrams : &u->streams;
    return b->bytes + (size_t)(bid & (BID_DATAGRAM - 1u)) * b->size;
}

/* ---- operations ---- */

static void uring_accept(struct ring *r, int fd, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = user;
}

static void uring_recv(struct ring *r, int fd, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP_STREAMS;
    sqe->user_data = user;
}

static void uring_recv_from(struct ring *r, int fd, uint64_t user)
{
    struct uring *u = uring_of(r);
    if (!u->datagrams.ring && buffers_make(u, &u->datagrams, RING_DATAGRAMS, RING_DATAGRAM_SIZE,
                                           GROUP_DATAGRAMS) < 0)
        bug(__func__, "no memory for datagram buffers");
    struct io_uring_sqe *sqe = take_sqe(u, user);
    io_uring_prep_recvmsg_multishot(sqe, fd, &u->from, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP_DATAGRAMS;
    sqe->user_data = user;
}

static void uring_send(struct ring *r, int fd, const void *p, size_t n, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_send(sqe, fd, p, n, MSG_NOSIGNAL);
    sqe->user_data = user;
}

static void uring_send_msg(struct ring *r, int fd, const struct msghdr *m, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_sendmsg(sqe, fd, m, MSG_NOSIGNAL);
    sqe->user_data = user;
}

static void uring_send_to(struct ring *r, int fd, const void *p, size_t n,
                          const union ring_address *to, socklen_t to_n, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_send(sqe, fd, p, n, MSG_NOSIGNAL);
    sqe->addr2 = (uint64_t)(uintptr_t)to;
    sqe->addr_len = (uint16_t)to_n;
    sqe->user_data = user;
}

static void uring_read(struct ring *r, int fd, void *p, size_t n, uint64_t at, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_read(sqe, fd, p, (unsigned)n, at);
    sqe->user_data = user;
}

static void uring_connect(struct ring *r, int fd, const union ring_address *to, socklen_t n,
                          uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_connect(sqe, fd, &to->any, n);
    sqe->user_data = user;
}

static void uring_poll(struct ring *r, int fd, uint64_t user)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), user);
    io_uring_prep_poll_multishot(sqe, fd, POLLIN);
    sqe->user_data = user;
}

static void uring_cancel(struct ring *r, uint64_t target)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), 0);
    io_uring_prep_cancel64(sqe, target, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = 0;
}

static void uring_cancel_send(struct ring *r, int fd, uint64_t target)
{
    (void)fd;
    uring_cancel(r, target);
}

static void uring_close(struct ring *r, int fd)
{
    struct io_uring_sqe *sqe = take_sqe(uring_of(r), 0);
    io_uring_prep_close(sqe, fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = 0;
}

static int uring_socket(struct ring *r, int family, int type)
{
    (void)r;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* ---- waiting and reaping ---- */

/* Valgrind does not know that io_uring_enter blocks, and stops all other threads while it does.
 * There the ring is asked again and again, with a sleep in between that valgrind knows. */
static int wait_under_valgrind(struct uring *u, int64_t deadline_ns)
{
    const struct timespec nap = {0, 2000000};
    int res = io_uring_submit_and_get_events(&u->io);
    while (res >= 0 && !io_uring_cq_ready(&u->io) &&
           kernel_now(&u->pub, GYRE_MONO) < deadline_ns) {
        nanosleep(&nap, NULL);
        res = io_uring_get_events(&u->io);
    }
    return res;
}

static void uring_wait(struct ring *r, int64_t deadline_ns, bool busy)
{
    struct uring *u = uring_of(r);
    struct io_uring_cqe *cqe;
    int res;
    buffers_publish(&u->streams);
    if (u->datagrams.ring) buffers_publish(&u->datagrams);
    if (!u->wake_armed) {
        u->wake_armed = true;
        struct io_uring_sqe *sqe = take_sqe(u, UINT64_MAX);
        io_uring_prep_poll_multishot(sqe, u->wake_fd, POLLIN);
        sqe->user_data = UINT64_MAX;
    }
    if (busy) {
        res = io_uring_submit_and_get_events(&u->io);
    } else if (u->valgrind) {
        res = wait_under_valgrind(u, deadline_ns);
    } else if (deadline_ns == GYRE_NEVER) {
        res = io_uring_submit_and_wait(&u->io, 1);
    } else {
        int64_t left = deadline_ns - kernel_now(r, GYRE_MONO);
        struct __kernel_timespec t = {0, 0};
        if (left > 0) {
            t.tv_sec = left / 1000000000;
            t.tv_nsec = left % 1000000000;
        }
        res = io_uring_submit_and_wait_timeout(&u->io, &cqe, 1, &t, NULL);
    }
    if (res < 0 && res != -ETIME && res != -EINTR && res != -EAGAIN && res != -EBUSY)
        bug(__func__, "io_uring_enter: %s", strerror(-res));
}

static size_t uring_reap(struct ring *r, struct ring_event *out, size_t most)
{
    struct uring *u = uring_of(r);
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;
    size_t n = 0;
    if (*u->io.sq.kflags & IORING_SQ_CQ_OVERFLOW) (void)io_uring_peek_cqe(&u->io, &cqe);
    io_uring_for_each_cqe(&u->io, head, cqe) {
        if (n == most) break;
        seen++;
        if (cqe->user_data == UINT64_MAX && !(cqe->flags & IORING_CQE_F_MORE))
            u->wake_armed = false;
        if (cqe->user_data == UINT64_MAX || !cqe->user_data) continue;
        struct ring_event *e = &out[n++];
        e->user = cqe->user_data;
        e->res = cqe->res;
        e->flags = cqe->flags & IORING_CQE_F_MORE ? RING_MORE : 0;
        e->bid = 0;
        if (cqe->flags & IORING_CQE_F_BUFFER) {
            e->flags |= RING_BUFFER;
            e->bid = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
            if (e->user >> 56 == OP_RECV_FROM) e->bid |= BID_DATAGRAM;
            if (e->res > 0) unpoison(uring_buffer(r, e->bid), (size_t)e->res);
        }
    }
    io_uring_cq_advance(&u->io, seen);
    return n;
}

static bool uring_datagram(struct ring *r, const struct ring_event *e, struct ring_datagram *out)
{
    struct uring *u = uring_of(r);
    void *raw = (void *)(uintptr_t)uring_buffer(r, e->bid);
    if (e->res < 0) return false;
    struct io_uring_recvmsg_out *head = io_uring_recvmsg_validate(raw, e->res, &u->from);
    if (!head) return false;
    memset(out, 0, sizeof *out);
    out->data = (gyre_view){io_uring_recvmsg_payload(head, &u->from),
                            io_uring_recvmsg_payload_length(head, e->res, &u->from)};
    out->cut = (head->flags & MSG_TRUNC) != 0;
    return kernel_datagram(io_uring_recvmsg_name(head),
                           (uint8_t *)(head + 1) + u->from.msg_namelen, head->controllen, out);
}

static void uring_wake(struct ring *r)
{
    kernel_wake(uring_of(r)->wake_fd);
}

static void buffers_free(struct buffers *b)
{
    if (!b->ring) return;
    munmap(b->ring, b->n * sizeof(struct io_uring_buf));
    unpoison(b->bytes, (size_t)b->n * b->size); /* the addresses may be somebody's soon */
    munmap(b->bytes, (size_t)b->n * b->size);
}

static void uring_free(struct ring *r)
{
    struct uring *u = uring_of(r);
    io_uring_queue_exit(&u->io);
    buffers_free(&u->streams);
    buffers_free(&u->datagrams);
    close(u->wake_fd);
    free(u);
}

static const struct ring_ops uring_ops = {
    .accept = uring_accept, .recv = uring_recv, .recv_from = uring_recv_from, .send = uring_send,
    .send_msg = uring_send_msg, .send_to = uring_send_to, .read = uring_read,
    .connect = uring_connect, .poll = uring_poll, .cancel = uring_cancel,
    .cancel_send = uring_cancel_send,
    .shutdown = kernel_shutdown, .close = uring_close, .socket = uring_socket, .peer = kernel_peer,
    .local = kernel_local, .wait = uring_wait, .reap = uring_reap, .give = uring_give,
    .buffer = uring_buffer, .datagram = uring_datagram, .now = kernel_now, .random = kernel_random,
    .wake = uring_wake, .free = uring_free,
};

/* What an administrator can do about it. */
static void refusal(int err, char *why, size_t why_n)
{
    char disabled[2] = "";
    int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, disabled, 1) < 1) disabled[0] = '\0';
        (void)close(fd);
    }
    if (err == EPERM && (disabled[0] == '1' || disabled[0] == '2'))
        (void)snprintf(why, why_n,
                       "io_uring is switched off (sysctl kernel.io_uring_disabled=0 allows it)");
    else if (err == EPERM || err == ENOSYS || err == EACCES)
        (void)snprintf(why, why_n,
                       "io_uring is refused: %s (allow io_uring_setup, io_uring_enter and "
                       "io_uring_register in the seccomp profile of the container)", strerror(err));
    else
        (void)snprintf(why, why_n, "io_uring is not available: %s%s", strerror(err),
                       err == EINVAL ? " (Linux 6.1 or newer is needed)" : "");
}

/* ---- what a ring may do ---- */

static const struct {
    uint8_t code;
    uint8_t may; /* needed for it; 0: always there */
    const char *name;
} operations[] = {
    {IORING_OP_ACCEPT, 0, "accept"},
    {IORING_OP_RECV, 0, "recv"},
    {IORING_OP_RECVMSG, 0, "recvmsg"},
    {IORING_OP_SEND, 0, "send"},
    {IORING_OP_SENDMSG, 0, "sendmsg"},
    {IORING_OP_POLL_ADD, 0, "poll"},
    {IORING_OP_ASYNC_CANCEL, 0, "cancel"},
    {IORING_OP_CLOSE, 0, "close"},
    {IORING_OP_READ, RING_FILES, "read"},
    {IORING_OP_CONNECT, RING_DIALS, "connect"},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

const char *ring_operation(uint32_t may, size_t at)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (operations[i].may && !(operations[i].may & may)) continue;
        if (!at--) return operations[i].name;
    }
    return NULL;
}

/* Operations by number, and no register call at all: what they act on is not restricted here. */
static bool restrict_ring(struct uring *u, uint32_t may)
{
    struct io_uring_restriction rows[OPERATIONS + 1] = {0};
    unsigned n = 0;
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (operations[i].may && !(operations[i].may & may)) continue;
        rows[n].opcode = IORING_RESTRICTION_SQE_OP;
        rows[n++].sqe_op = operations[i].code;
    }
    rows[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    rows[n++].sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;
    return io_uring_register_restrictions(&u->io, rows, n) == 0;
}

/* Buffers, restrictions, and then it may be used. 0, or -errno. */
static int furnish(struct uring *u, uint32_t may)
{
    const char *preload = getenv("LD_PRELOAD");
    u->valgrind = preload && strstr(preload, "vgpreload_");
    if (!u->valgrind) (void)io_uring_register_ring_fd(&u->io);
    int res = buffers_make(u, &u->streams, RING_BUFFERS, RING_BUFFER_SIZE, GROUP_STREAMS);
    if (res < 0 || may & RING_ANYTHING) return res;
    /* Those of datagrams now: later nothing can be registered. */
    res = buffers_make(u, &u->datagrams, RING_DATAGRAMS, RING_DATAGRAM_SIZE, GROUP_DATAGRAMS);
    if (res < 0) return res;
    u->pub.shut = restrict_ring(u, may);
    return io_uring_enable_rings(&u->io);
}

struct ring *ring_make(uint32_t may, char *why, size_t why_n)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE |
                 (may & RING_ANYTHING ? 0 : IORING_SETUP_R_DISABLED),
        .cq_entries = RING_COMPLETIONS,
    };
    struct uring *u = calloc(1, sizeof *u);
    if (!u) {
        snprintf(why, why_n, "no memory for a ring");
        return NULL;
    }
    u->pub.ops = &uring_ops;
    u->from = (struct msghdr){.msg_namelen = NAME_BYTES, .msg_controllen = CONTROL_BYTES};
    u->wake_fd = eventfd(0, EFD_CLOEXEC);
    int res = u->wake_fd < 0 ? -errno : io_uring_queue_init_params(RING_ENTRIES, &u->io, &p);
    if (res < 0) {
        refusal(-res, why, why_n);
        if (u->wake_fd >= 0) close(u->wake_fd);
        free(u);
        return NULL;
    }
    res = furnish(u, may);
    if (res < 0) {
        refusal(-res, why, why_n);
        uring_free(&u->pub);
        return NULL;
    }
    return &u->pub;
}

int32_t ring_raw(struct ring *r, const void *raw)
{
    struct uring *u = uring_of(r);
    struct io_uring_sqe *sqe = take_sqe(u, 0);
    struct io_uring_cqe *cqe;
    int32_t res = -EIO;
    memcpy(sqe, raw, sizeof *sqe);
    sqe->user_data = (uint64_t)(uintptr_t)raw;
    for (bool ended = false; !ended;) {
        if (io_uring_submit_and_wait(&u->io, 1) < 0 || io_uring_peek_cqe(&u->io, &cqe)) continue;
        ended = cqe->user_data == (uint64_t)(uintptr_t)raw;
        if (ended) res = cqe->res;
        io_uring_cqe_seen(&u->io, cqe);
    }
    return res;
}

bool ring_works(char *why, size_t why_n)
{
    struct ring *r = ring_make(RING_ANYTHING, why, why_n);
    if (!r) return false;
    int res = io_uring_submit_and_get_events(&uring_of(r)->io); /* a profile may stop only this */
    if (res < 0) refusal(-res, why, why_n);
    uring_free(r);
    return res >= 0;
}

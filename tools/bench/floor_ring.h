/* SPDX-License-Identifier: GPL-3.0-or-later
 * floor_ring.h - the ring of floor.c and udp_floor.c: the flags and sizes that Gyre's worker uses,
 * and nothing above them.
 *
 * Promise: one io_uring_enter a turn; buffers given back in a turn are published once, at its end.
 */
#ifndef GYRE_BENCH_FLOOR_RING_H
#define GYRE_BENCH_FLOOR_RING_H

#include <liburing.h>
#include <sys/mman.h>

#include "bench.h"

enum {
    FLOOR_ENTRIES = 2048,
    FLOOR_COMPLETIONS = 16384,
    FLOOR_BUFFERS = 256, /* x FLOOR_BUFFER_SIZE = 1 MiB */
    FLOOR_BUFFER_SIZE = 4096,
    FLOOR_GROUP = 0,
};

struct floor_ring {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    uint8_t *memory;
    int given; /* in this turn */
};

static inline uint8_t *floor_buffer(struct floor_ring *r, unsigned id)
{
    return r->memory + (size_t)id * FLOOR_BUFFER_SIZE;
}

static inline void floor_give(struct floor_ring *r, unsigned id)
{
    io_uring_buf_ring_add(r->buffers, floor_buffer(r, id), FLOOR_BUFFER_SIZE,
                          (unsigned short)id, FLOOR_BUFFERS - 1, r->given++);
}

static inline void floor_publish(struct floor_ring *r)
{
    if (r->given > 0)
        io_uring_buf_ring_advance(r->buffers, r->given);
    r->given = 0;
}

static inline struct io_uring_sqe *floor_sqe(struct floor_ring *r)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
    while (sqe == NULL) { /* a fuller turn submits twice */
        io_uring_submit(&r->ring);
        sqe = io_uring_get_sqe(&r->ring);
    }
    return sqe;
}

static inline void *floor_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    return p;
}

static inline void floor_open(struct floor_ring *r)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    params.cq_entries = FLOOR_COMPLETIONS;
    int err = io_uring_queue_init_params(FLOOR_ENTRIES, &r->ring, &params);
    if (err < 0)
        fail("io_uring: %s", strerror(-err));
    io_uring_register_ring_fd(&r->ring);
    r->memory = floor_map((size_t)FLOOR_BUFFERS * FLOOR_BUFFER_SIZE);
    r->buffers = floor_map(FLOOR_BUFFERS * sizeof(struct io_uring_buf));
    r->given = 0;
    struct io_uring_buf_reg reg;
    memset(&reg, 0, sizeof reg);
    reg.ring_addr = (uint64_t)(uintptr_t)r->buffers;
    reg.ring_entries = FLOOR_BUFFERS;
    reg.bgid = FLOOR_GROUP;
    err = io_uring_register_buf_ring(&r->ring, &reg, 0);
    if (err < 0)
        fail("buffer ring: %s", strerror(-err));
    io_uring_buf_ring_init(r->buffers);
    for (unsigned id = 0; id < FLOOR_BUFFERS; id++)
        floor_give(r, id);
    floor_publish(r);
}

/* Submits what the turn prepared and waits for the first completion: the one enter. */
static inline void floor_enter(struct floor_ring *r)
{
    int err = io_uring_submit_and_wait(&r->ring, 1);
    if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
        fail("io_uring_enter: %s", strerror(-err));
}
#endif

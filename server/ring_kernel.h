/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_kernel.h - what the kernels behind ring.h do alike, be it io_uring (ring.c) or epoll
 * (ring_epoll.c): plain calls, and what the buffer of a datagram holds.
 */
#ifndef GYRE_RING_KERNEL_H
#define GYRE_RING_KERNEL_H

#include "ring.h"

/* Of a datagram's buffer: room for its address and its control data; its bid has this bit. */
enum { NAME_BYTES = 32, CONTROL_BYTES = 64, BID_DATAGRAM = 0x8000 };

int64_t kernel_now(struct ring *, enum gyre_clock);
void kernel_random(struct ring *, void *, size_t);
bool kernel_peer(struct ring *, int fd, gyre_addr *);
bool kernel_local(struct ring *, int fd, gyre_addr *);
void kernel_shutdown(struct ring *, int fd, int how);
void kernel_wake(int eventfd);
/* Fills in what is not the data itself. control: of control_n bytes, aligned. false: no address. */
bool kernel_datagram(const struct sockaddr *, void *control, size_t control_n,
                     struct ring_datagram *);
#endif

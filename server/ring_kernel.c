/* SPDX-License-Identifier: GPL-3.0-or-later
 * ring_kernel.c - what io_uring and epoll do alike: clocks, randomness, addresses, and the address
 * that a datagram came to. And their names.
 *
 * Owns nothing. Promise: none of these calls waits.
 */
#include "ring_kernel.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core.h"

static const char *const kinds[] = {"auto", "io_uring", "epoll"};

const char *ring_kind_name(enum ring_kind kind)
{
    return kinds[kind];
}

bool ring_kind_of(const char *name, enum ring_kind *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], name) != 0) continue;
        *kind = (enum ring_kind)i;
        return true;
    }
    return false;
}

int64_t kernel_now(struct ring *r, enum gyre_clock clock)
{
    struct timespec t;
    (void)r;
    clock_gettime(clock == GYRE_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void kernel_random(struct ring *r, void *p, size_t n)
{
    uint8_t *at = p;
    (void)r;
    while (n) {
        ssize_t got = getrandom(at, n < 256 ? n : 256, 0);
        if (got < 0 && errno != EINTR) bug(__func__, "getrandom: %s", strerror(errno));
        if (got > 0) at += got, n -= (size_t)got;
    }
}

bool kernel_peer(struct ring *r, int fd, gyre_addr *out)
{
    union ring_address a;
    socklen_t n = sizeof a;
    (void)r;
    return getpeername(fd, &a.any, &n) == 0 && address_from(&a.any, out);
}

bool kernel_local(struct ring *r, int fd, gyre_addr *out)
{
    union ring_address a;
    socklen_t n = sizeof a;
    (void)r;
    return getsockname(fd, &a.any, &n) == 0 && address_from(&a.any, out);
}

/* A plain call with io_uring too: the ring would hand it to a kernel thread, which looks the number
 * up late, when it may be another connection's. It never blocks. */
void kernel_shutdown(struct ring *r, int fd, int how)
{
    (void)r;
    (void)shutdown(fd, how);
}

void kernel_wake(int eventfd)
{
    uint64_t one = 1;
    ssize_t done;
    do done = write(eventfd, &one, sizeof one);
    while (done < 0 && errno == EINTR);
}

static void control_read(struct msghdr *m, struct ring_datagram *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memset(out->path.local.ip, 0, 10);
            memset(out->path.local.ip + 10, 0xff, 2);
            memcpy(out->path.local.ip + 12, &info.ipi_spec_dst, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(out->path.local.ip, &info.ipi6_addr, 16);
        }
    }
}

bool kernel_datagram(const struct sockaddr *from, void *control, size_t control_n,
                     struct ring_datagram *out)
{
    if (!address_from(from, &out->path.peer)) return false;
    if (control_n) {
        struct msghdr m = {.msg_control = control, .msg_controllen = control_n};
        control_read(&m, out);
    }
    return true;
}

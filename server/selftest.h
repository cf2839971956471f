/* SPDX-License-Identifier: GPL-3.0-or-later
 * selftest.h - gyre --selftest: what a service that is closed in tries to do none the less.
 *
 * selftest.c makes the service and the table; selftest_tries.c has the attempts.
 */
#ifndef GYRE_SELFTEST_H
#define GYRE_SELFTEST_H

#include <stdint.h>
#include <sys/types.h>

#include "ring.h"

struct tries { /* what there is to be reached */
    char folder[64];      /* temporary; "inside" in it is granted, all else is not */
    uint16_t port, other; /* of the loopback, with somebody who listens; the first is granted */
    pid_t sibling;        /* another process, of the same user */
    int written;          /* a file that was open for writing before */
    uint32_t round;       /* 0: without the sandbox, 1: in it */
    struct ring *ring;    /* NULL: no attempt by ring */
};
struct try {
    const char *what;
    bool by_ring, granted; /* granted: must succeed in the sandbox, too */
    bool of_rings;         /* by a call, but where io_uring is refused there is nothing to try */
    int (*run)(const struct tries *); /* 0, or -errno */
};
extern const struct try selftest_tries[]; /* ended by what NULL */

/* The exit status: 0 when every attempt succeeded outside and was refused inside. */
int selftest_main(void);
#endif

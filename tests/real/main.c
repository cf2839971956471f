/* SPDX-License-Identifier: GPL-3.0-or-later
 * main.c - a program of the simulated world over real sockets: talk-real is gyre-test,
 * simulate-real the simulator. --ring io_uring|epoll comes first, then what the program itself
 * takes. Where the kernel does not give that ring it says "skip …", and why.
 */
#include <stdio.h>
#include <string.h>

#include "real.h"

int real_main(int argc, char **argv); /* of the program that is linked with it */

int main(int argc, char **argv)
{
    char why[256];
    static char self[4096]; /* how to call it again: messages show it */
    if (argc < 3 || strcmp(argv[1], "--ring") != 0 ||
        (strcmp(argv[2], "io_uring") != 0 && strcmp(argv[2], "epoll") != 0)) {
        fputs("usage: --ring io_uring|epoll, then as without\n", stderr);
        return 2;
    }
    real_epoll = !strcmp(argv[2], "epoll");
    struct ring *ring = real_ring(why, sizeof why);
    if (!ring) return printf("skip %s: %s\n", argv[2], why), 0;
    ring->ops->free(ring);
    snprintf(self, sizeof self, "%s --ring %s", argv[0], argv[2]);
    argv[2] = self;
    return real_main(argc - 2, argv + 2);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * ports.c - prints N loopback ports that were free a moment ago, for TCP and for UDP.
 *
 *     ports N
 *
 * All are held until the last is found, so they differ. Another program may take one before the
 * server does; the server then says so and the benchmark ends.
 */
#include "bench.h"

enum { PORTS_MOST = 64, TRIES = 1000 };

static int hold(int kind, long port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, plain(&address), sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

int main(int argc, char **argv)
{
    bench_name = "ports";
    if (argc != 2)
        fail("usage: ports N");
    long wanted = number(argv[1], 1, PORTS_MOST, "ports");
    for (long found = 0, tries = 0; found < wanted; tries++) {
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        int stream = hold(SOCK_STREAM, 0);
        if (tries == TRIES || stream < 0 ||
            getsockname(stream, (struct sockaddr *)(void *)&address, &size) != 0)
            fail("no free port: %s", strerror(errno));
        long port = ntohs(address.sin_port);
        if (hold(SOCK_DGRAM, port) < 0)
            continue;
        printf("%ld\n", port);
        found++;
    }
    return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * freeport.c - prints ports that nobody uses: freeport [HOW-MANY].
 *
 * Promise: each is free for TCP and UDP on 127.0.0.1 and, where it exists, on ::1, at the moment
 * of asking. They are chosen at random from below those that the kernel gives to clients, so that
 * no client takes one meanwhile. With LANE in the environment its last bit is that of the ports:
 * two tests of one run never have the same. All are held until the last is found, so they differ.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TRIES = 1000,
    PORTS_MAX = 64,
    FIRST = 10000, /* below are well-known ones, and those of conf.d */
    END = 32768,   /* here the kernel's begin: net.ipv4.ip_local_port_range */
};

static int bind_port(int family, int type, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } address;
    socklen_t n = family == AF_INET ? sizeof address.in4 : sizeof address.in6;
    memset(&address, 0, sizeof address);
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        address.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.in4.sin_port = htons(port);
    } else {
        address.in6.sin6_addr = in6addr_loopback;
        address.in6.sin6_port = htons(port);
    }
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (bind(fd, &address.any, n)) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* Of the family that a machine may lack, absence is as good as a free port. */
static bool is_free(int family, int type, uint16_t port)
{
    if (bind_port(family, type, port) >= 0) return true; /* held until the program ends */
    return family == AF_INET6 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
}

static uint16_t any_port(void)
{
    const char *lane = getenv("LANE");
    uint16_t port = 0;
    if (getrandom(&port, sizeof port, 0) != sizeof port) exit(1);
    port = (uint16_t)(FIRST + port % (END - FIRST));
    return lane ? (uint16_t)((port & ~1u) | (strtoul(lane, NULL, 10) & 1)) : port;
}

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    if (wanted < 1 || wanted > PORTS_MAX) return 2;
    for (int tries = 0; wanted && tries < TRIES; tries++) {
        uint16_t port = any_port();
        if (!is_free(AF_INET, SOCK_STREAM, port) || !is_free(AF_INET, SOCK_DGRAM, port) ||
            !is_free(AF_INET6, SOCK_STREAM, port) || !is_free(AF_INET6, SOCK_DGRAM, port))
            continue;
        printf("%u\n", port);
        wanted--;
    }
    return wanted ? 1 : 0;
}

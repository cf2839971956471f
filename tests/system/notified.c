/* SPDX-License-Identifier: GPL-3.0-or-later
 * notified.c - a service manager's end of NOTIFY_SOCKET, for tests.
 *
 *   notified SOCKET [COUNT]   binds SOCKET (a path, or @ and a name) and prints each datagram as
 *                             one line, its lines joined by blanks. "bound" comes first. With COUNT
 *                             it takes so many, and then waits for the end of standard input
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[4096];
    long most = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (argc < 2 || fd < 0 || strlen(argv[1]) >= sizeof a.sun_path) return 2;
    memcpy(a.sun_path, argv[1], strlen(argv[1]));
    if (a.sun_path[0] == '@') a.sun_path[0] = '\0';
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(argv[1]));
    if (bind(fd, (struct sockaddr *)&a, n) != 0) return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("bound");
    while (most-- != 0) {
        ssize_t got = recv(fd, text, sizeof text - 1, 0);
        if (got < 0) return 1;
        text[got] = '\0';
        for (char *p = text; *p; p++)
            if (*p == '\n') *p = ' ';
        puts(text);
    }
    while (read(STDIN_FILENO, text, sizeof text) > 0) continue;
    return 0;
}

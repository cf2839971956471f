/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_ask.c - one line to a server, one document back (gyrectl_ask.h).
 *
 * Limits: JSON_BYTES of an answer. Waits as long as the server does.
 */
#include "gyrectl_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "json.h"
#include "places.h"

char *ask(const char *socket, const char *line, size_t *n)
{
    char *answer = NULL;
    size_t room = 0;
    ssize_t got = 0;
    int fd = places_connect(socket);
    if (fd < 0) {
        (void)fprintf(stderr,
                      "gyrectl: no server answers at %s: %s\n"
                      "Is gyre running, and as this user? --run FOLDER names its run folder.\n",
                      socket, strerror(errno));
        return NULL;
    }
    *n = 0;
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) got = -1;
    while (got >= 0 && *n < JSON_BYTES) {
        if (room - *n < 4096) {
            char *more = realloc(answer, room = room ? 2 * room : 65536);
            if (!more) break;
            answer = more;
        }
        got = read(fd, answer + *n, room - *n);
        if (got <= 0) break;
        *n += (size_t)got;
    }
    (void)close(fd);
    if (got == 0 && *n) return answer;
    (void)fprintf(stderr, "gyrectl: the server ended the connection without an answer%s\n",
                  got < 0 ? "" : "; it may have refused this user");
    free(answer);
    return NULL;
}

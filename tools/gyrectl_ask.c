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
#include "words.h"

int ask_begin(const char *socket, const char *line)
{
    int fd = places_connect(socket);
    if (fd < 0)
        (void)fprintf(stderr,
                      "gyrectl: no server answers at %s: %s\n"
                      "Is gyre running, and as this user? --run FOLDER names its run folder.\n",
                      socket, strerror(errno));
    if (fd >= 0 && send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
        (void)fprintf(stderr, "gyrectl: %s: %s\n", socket, strerror(errno));
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

char *ask(const char *socket, const char *line, size_t *n)
{
    char *answer = NULL;
    size_t room = 0;
    ssize_t got = 0;
    int fd = ask_begin(socket, line);
    if (fd < 0) return NULL;
    *n = 0;
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

char *make_line(char **words, int words_n)
{
    gyre_out line = {.p = malloc(LIMIT_CONTROL_LINE + 2), .cap = LIMIT_CONTROL_LINE};
    if (!line.p) return NULL;
    for (int i = 0; i < words_n; i++) words_put(&line, words[i]);
    if (line.full || words_n > LIMIT_CONTROL_WORDS) {
        free(line.p);
        return NULL;
    }
    line.p[line.n++] = '\n';
    line.p[line.n] = '\0';
    return (char *)line.p;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * score.h - what the scoreboard's loads share: to begin, tell how far they are, end when told.
 *
 * A load runs until SIGTERM or its deadline. It never ends because of what the server does: that is
 * counted by kind. What it counted so far stands in its progress file at all times, as one line.
 */
#ifndef GYRE_SCORE_H
#define GYRE_SCORE_H

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>

#include "../bench/bench.h"

enum { PROGRESS_MOST = 160, PROGRESS_EVERY_NS = 2000000, TICK_MS = 1 };

static volatile sig_atomic_t told_to_end;

static void end_soon(int signal_number)
{
    (void)signal_number;
    told_to_end = 1;
}

/* Opens the progress file; from then on SIGTERM ends the load. */
static inline int begin_load(const char *progress)
{
    struct sigaction action = { .sa_handler = end_soon };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    int fd = open(progress, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        fail("%s: %s", progress, strerror(errno));
    return fd;
}

/* Writes the line in place, always as long, so that a reader never sees half of one. */
__attribute__((format(printf, 3, 4))) static inline void tell_progress(int fd, bool now,
                                                                       const char *format, ...)
{
    static int64_t last;
    char line[PROGRESS_MOST + 1];
    va_list list;
    if (!now && now_ns() - last < PROGRESS_EVERY_NS)
        return;
    last = now_ns();
    memset(line, ' ', sizeof line);
    va_start(list, format);
    int n = vsnprintf(line, PROGRESS_MOST, format, list);
    va_end(list);
    if (n < 0 || n >= PROGRESS_MOST)
        fail("a line of progress is too long");
    line[n] = ' ';
    line[PROGRESS_MOST - 1] = '\n';
    if (pwrite(fd, line, PROGRESS_MOST, 0) != PROGRESS_MOST)
        fail("progress: %s", strerror(errno));
}

/* The clock of the log, to find what the server did then. */
static inline const char *clock_text(void)
{
    static char text[32];
    struct timespec t;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &parts);
    size_t n = strftime(text, sizeof text, "%T", &parts);
    snprintf(text + n, sizeof text - n, ".%03ld", t.tv_nsec / 1000000);
    return text;
}

/* A stream that is on its way to the port, from that loopback address; -1: errno says why. */
static inline int dial_begin(long port, uint32_t from, int receive_bytes)
{
    struct sockaddr_in to = loopback(port), own = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;
    own.sin_addr.s_addr = htonl(from);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    if (receive_bytes > 0) {
        /* Segments as of a network: of the loopback's, the kernel queues megabytes for each. */
        int segment = 1460;
        setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    }
    if (from != INADDR_LOOPBACK && bind(fd, plain(&own), sizeof own) != 0)
        fail("bind: %s", strerror(errno));
    if (connect(fd, plain(&to), sizeof to) == 0 || errno == EINPROGRESS)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* How a connect that was under way ended: 0 or an errno. */
static inline int dial_result(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * bench.h - the few lines that every program of the benchmark needs: clock, numbers, loopback.
 *
 * Each program of this folder is one file and one process. They end with a sentence on stderr and
 * code 1 when anything is wrong: a benchmark that goes on after an error measures the error.
 */
#ifndef GYRE_BENCH_H
#define GYRE_BENCH_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *bench_name = "bench";

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
    va_list list;
    fprintf(stderr, "%s: ", bench_name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A whole number from least to most, or the end of the program. */
static inline long number(const char *text, long least, long most, const char *what)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        fail("%s: '%s' is not a number from %ld to %ld", what, text, least, most);
    return value;
}

static inline double seconds(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0.0 && value <= 600.0))
        fail("'%s' is no time in seconds up to 600", text);
    return value;
}

static inline void *must(void *memory)
{
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

/* All traffic of the benchmark stays on this address. */
static inline struct sockaddr_in loopback(long port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline const struct sockaddr *plain(const struct sockaddr_in *address)
{
    return (const struct sockaddr *)(const void *)address;
}

/* As many descriptors as the machine allows. */
static inline long raise_descriptors(void)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) != 0)
        fail("getrlimit: %s", strerror(errno));
    most.rlim_cur = most.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &most) != 0)
        fail("setrlimit: %s", strerror(errno));
    return most.rlim_cur > 1000000 ? 1000000 : (long)most.rlim_cur;
}
#endif

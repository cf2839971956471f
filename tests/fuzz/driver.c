/* SPDX-License-Identifier: GPL-3.0-or-later
 * driver.c - between libFuzzer or replay.c and a target: start, counts, the report of an oracle.
 *
 * Owns the counts. Promise: an oracle's report is the last that the program says.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"

struct fuzz_count fuzz_count;
bool fuzz_shows, fuzz_plants;

static FILE *report; /* libFuzzer may close what is 2 (fuzz.sh: where the core says much) */

/* Read by the sanitizers' runtimes. What is not given back is counted by the targets: LeakSanitizer
 * would look at all memory after each input. A short trace of allocations is most of their cost. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:malloc_context_size=1:max_malloc_fill_size=64:quarantine_size_mb=16:"
           "allocator_may_return_null=1:handle_abort=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:halt_on_error=1";
}

void fuzz_wrong(const char *oracle, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fprintf(report, "oracle %s: ", oracle);
    vfprintf(report, fmt, args);
    fputc('\n', report);
    va_end(args);
    abort();
}

uint64_t fuzz_hash(gyre_view v)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < v.n; i++) hash = (hash ^ v.p[i]) * 0x100000001b3;
    return hash ^ hash >> 29;
}

/* splitmix64 */
uint64_t fuzz_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

bool fuzz_now_and_then(gyre_view input, uint32_t n)
{
    return fuzz_hash(input) % n == 0;
}

/* One call looks at all of them; the lowest free number would not show one left above a gap. */
uint32_t fuzz_descriptors(void)
{
    enum { MOST = 256 };
    struct pollfd all[MOST];
    uint32_t n = 0;
    for (int i = 0; i < MOST; i++) all[i] = (struct pollfd){.fd = i};
    if (poll(all, MOST, 0) < 0) fuzz_wrong("start", "poll fails");
    for (int i = 0; i < MOST; i++) n += !(all[i].revents & POLLNVAL);
    return n;
}

void fuzz_start(const char *plugin)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    report = fd < 0 ? stderr : fdopen(fd, "w");
    if (!report) report = stderr;
    setvbuf(report, NULL, _IOLBF, 0);
    fuzz_shows = getenv("FUZZ_SHOW") != NULL;
    fuzz_plants = getenv("FUZZ_PLANT") != NULL;
    log_open("fuzz", fuzz_shows ? GYRE_DEBUG : GYRE_ERROR);
    fuzz_begin(plugin);
}

void fuzz_give(const uint8_t *p, size_t n)
{
    fuzz_count.inputs++;
    fuzz_one(GYRE_MAKE(gyre_view, p, n));
}

static double share(uint64_t part)
{
    return fuzz_count.inputs ? 100.0 * (double)part / (double)fuzz_count.inputs : 0;
}

void fuzz_finish(void)
{
    fuzz_end();
    fprintf(report, "fuzz: %llu inputs, %.1f %% %s, %.1f %% more than once\n",
            (unsigned long long)fuzz_count.inputs, share(fuzz_count.past), fuzz_past,
            share(fuzz_count.further));
    if (fuzz_count.turns)
        fprintf(report, "fuzz: on average %.0f bytes and %.0f turns a play; %.1f %% both ways\n",
                share(fuzz_count.bytes) / 100, share(fuzz_count.turns) / 100,
                share(fuzz_count.compared));
}

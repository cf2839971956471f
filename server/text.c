/* SPDX-License-Identifier: GPL-3.0-or-later
 * text.c - what every room of the supervisor needs: allocated text, arrays that grow, the clock.
 *
 * Promise: no NULL comes back. The supervisor holds little; without memory for that it cannot
 * keep its promises, and ends; the services see the end of their channels and drain.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

void *need_memory(void *p)
{
    if (p) return p;
    log_error("out of memory");
    _exit(1);
}

char *text_of(const char *fmt, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, fmt);
    int n = vasprintf(&text, fmt, arguments);
    va_end(arguments);
    return need_memory(n < 0 ? NULL : text);
}

void *grow(void *array, size_t n, size_t size)
{
    if (n && (n & (n - 1))) return array; /* it doubles when n is a power of two */
    return need_memory(reallocarray(array, n ? 2 * n : 1, size));
}

int64_t clock_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_after(int64_t ms)
{
    int64_t now = clock_ms();
    return ms > INT64_MAX - now ? INT64_MAX : now + ms;
}

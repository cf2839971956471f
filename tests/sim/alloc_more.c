/* SPDX-License-Identifier: GPL-3.0-or-later
 * alloc_more.c - what the C library makes of malloc, made of core_malloc: alloc.c, or arena.c.
 *
 * Promise: each takes one block, and fails when that does.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void *core_malloc(size_t n);
void *core_realloc(void *old, size_t n);
void *core_reallocarray(void *old, size_t count, size_t n);
char *core_strdup(const char *s);
char *core_strndup(const char *s, size_t most);
int core_vasprintf(char **out, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
int core_asprintf(char **out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the C library's headers make of them, fortified. */
int core_vasprintf_chk(char **out, int flag, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
int core_asprintf_chk(char **out, int flag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void *core_reallocarray(void *old, size_t count, size_t n)
{
    size_t all_of_it;
    if (__builtin_mul_overflow(count, n, &all_of_it)) return NULL;
    return core_realloc(old, all_of_it);
}

char *core_strndup(const char *s, size_t most)
{
    size_t n = strnlen(s, most);
    char *p = core_malloc(n + 1);
    if (!p) return NULL;
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *core_strdup(const char *s)
{
    return core_strndup(s, SIZE_MAX);
}

int core_vasprintf(char **out, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    *out = n < 0 ? NULL : core_malloc((size_t)n + 1);
    return *out ? vsnprintf(*out, (size_t)n + 1, fmt, args) : -1;
}

int core_asprintf(char **out, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = core_vasprintf(out, fmt, args);
    va_end(args);
    return n;
}

int core_vasprintf_chk(char **out, int flag, const char *fmt, va_list args)
{
    (void)flag;
    return core_vasprintf(out, fmt, args);
}

int core_asprintf_chk(char **out, int flag, const char *fmt, ...)
{
    va_list args;
    (void)flag;
    va_start(args, fmt);
    int n = core_vasprintf(out, fmt, args);
    va_end(args);
    return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * say.h - what the test plugins have in common: they take one command a line, and say what
 * happened. Promise: what is said is the same however the bytes were cut.
 */
#ifndef SAY_H
#define SAY_H

#include <stdarg.h>
#include <stdio.h>

#include "gyre.h"

/* One formatted piece of at most 1 KiB to the peer. */
__attribute__((format(printf, 2, 3))) static inline int say(struct gyre_actor *a, const char *fmt,
                                                            ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) n = sizeof text - 1;
    return gyre->write(a, (gyre_view){(const uint8_t *)text, (size_t)n});
}

/* Cuts the next word off a line. */
static inline gyre_view word(gyre_view *line)
{
    gyre_view w;
    if (gyre_until(line, ' ', &w)) return w;
    return gyre_all(line);
}

static inline bool is(gyre_view w, const char *text)
{
    return gyre_eq(w, gyre_str(text));
}

/* The next word as a number; none or a wrong one: 0. */
static inline uint64_t number(gyre_view *line)
{
    uint64_t x = 0;
    return gyre_dec(word(line), UINT64_MAX, &x) ? x : 0;
}

static inline const char *err_word(int err)
{
    static const char *const words[] = {"OK",      "GONE",   "FULL",    "DENIED",
                                        "?",       "IO",     "ABSENT",  "EXISTS",
                                        "LATE",    "INVALID", "UNSUPPORTED", "FOLDER"};
    if (err == GYRE_AGAIN) return "AGAIN";
    return err <= 0 && err >= GYRE_FOLDER ? words[-err] : "?";
}

static inline const char *why_word(enum gyre_why why)
{
    static const char *const words[] = {
        "?",        "EOF",         "CLOSED",      "TIMEOUT",  "RESET",  "TOO_BIG", "BAD_INPUT",
        "SLOW",     "REFUSED",     "NO_NAME",     "UNREACHABLE", "NOT_GRANTED", "SHUTDOWN",
        "RELOAD",   "OWNER",       "CRASHED",     "NO_MEMORY"};
    return why >= GYRE_EOF && why <= GYRE_NO_MEMORY ? words[why] : "?";
}

/* x bytes of a pattern that begins anew every 64, so that what is lost or doubled is seen. */
static inline void pattern(uint8_t *to, uint64_t at, size_t n)
{
    static const char row[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)row[(at + i) % 64];
}
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * log.h - one line a message: "2026-11-22T10:00:00.123Z warn  http/2: text", written whole.
 *
 * Promise: control bytes of the text are escaped (\x1b); a line is one write, at most 1 KiB.
 * Colour only on a terminal. Any thread.
 */
#ifndef GYRE_LOG_H
#define GYRE_LOG_H

#include <stdarg.h>

#include "gyre.h"

/* who: "http/2", of the calling thread; the first call's is also that of every thread without its
 * own. The level is the process's. To standard error. */
void log_open(const char *who, enum gyre_level least);
/* How a line looks to who reads it. */
enum log_style {
    LOG_PLAIN,   /* 2026-11-22T10:00:00.123Z warn  http/2: text */
    LOG_LEVELS,  /* <4>http/2: text: the journal, by standard error */
    LOG_SYSLOG,  /* <28>Nov 22 10:00:00 gyre[812]: http/2: text */
    LOG_JOURNAL, /* PRIORITY=4, MESSAGE=http/2: text …: the journal's own socket */
};
void log_style(enum log_style); /* standard error is read so */
void log_level(enum gyre_level least);
enum gyre_level log_level_now(void);
bool log_level_of(const char *word, enum gyre_level *); /* "debug" "info" "warn" "error" */
void log_line(enum gyre_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The prefix stands before the text as it is: "[http] ". NULL: none. */
void log_line_v(enum gyre_level, const char *prefix, const char *fmt, va_list)
    __attribute__((format(printf, 3, 0)));
/* Text of others as a line or a terminal may have it: what a log line is made with. */
void log_escape(gyre_out *, gyre_view);
/* Each line that is written is handed to this, too, without colour and its end; by any thread. */
void log_copy_to(void (*take)(gyre_view line, void *user), void *user);
#define log_debug(...) log_line(GYRE_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(GYRE_INFO, __VA_ARGS__)
#define log_warn(...) log_line(GYRE_WARN, __VA_ARGS__)
#define log_error(...) log_line(GYRE_ERROR, __VA_ARGS__)
#endif

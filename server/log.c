/* SPDX-License-Identifier: GPL-3.0-or-later
 * log.c - builds one line in memory and hands it to standard error in one write. What that is,
 * a file or a daemon's socket, is logging.c's.
 *
 * Promise: text of peers cannot forge a line nor drive a terminal: control characters, among them
 * those that UTF-8 can spell, and bytes that are no UTF-8 come out as \x1b. errno is left alone. A
 * line that standard error does not take (a full disk) is dropped, and how many were is told when
 * there is room again: logging never fails. Limits: LINE_MAX_BYTES; a longer line ends in "...".
 */
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"

enum { LINE_MAX_BYTES = LIMIT_LOG_LINE, WHO_BYTES = 64 };

static const char *const words[] = {"debug", "info", "warn", "error"};
static const char *const colours[] = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
#define PLAIN "\x1b[0m"

static const int severity[] = {7, 6, 4, 3}; /* syslog's */
enum { FACILITY_DAEMON = 3 << 3 };

static _Atomic int level_now = GYRE_INFO, style_now = LOG_PLAIN;
static _Atomic uint32_t lost; /* lines */
static atomic_bool torn;      /* the last one is there in part */
static atomic_bool coloured, opened;
static char who_of_process[WHO_BYTES] = "gyre"; /* written before opened is set, then constant */
static void *copy_user; /* written before copy_to is set, then constant */
static void (*_Atomic copy_to)(gyre_view line, void *user);
static _Thread_local char who_of_thread[WHO_BYTES];

void log_open(const char *who, enum gyre_level least)
{
    static atomic_bool first_came;
    (void)snprintf(who_of_thread, sizeof who_of_thread, "%s", who);
    log_level(least);
    if (atomic_exchange(&first_came, true)) return;
    (void)snprintf(who_of_process, sizeof who_of_process, "%s", who);
    log_style((enum log_style)atomic_load(&style_now));
    atomic_store(&opened, true);
}

void log_style(enum log_style style)
{
    const char *no_colour = getenv("NO_COLOR");
    atomic_store(&style_now, (int)style);
    atomic_store(&coloured, isatty(STDERR_FILENO) && !(no_colour && no_colour[0]));
}

void log_copy_to(void (*take)(gyre_view line, void *user), void *user)
{
    if (atomic_load(&copy_to)) return;
    copy_user = user;
    atomic_store(&copy_to, take);
}

void log_level(enum gyre_level least)
{
    atomic_store(&level_now, (int)least);
}

enum gyre_level log_level_now(void)
{
    return (enum gyre_level)atomic_load(&level_now);
}

bool log_level_of(const char *word, enum gyre_level *level)
{
    for (int i = GYRE_DEBUG; i <= GYRE_ERROR; i++) {
        if (strcasecmp(word, words[i])) continue;
        *level = (enum gyre_level)i;
        return true;
    }
    return false;
}

/* How many bytes at the front of v are one character that a terminal may be shown; 0: escape the
 * first byte. Not shown: control characters, and what is no UTF-8. */
static size_t shown(gyre_view v)
{
    uint8_t c = v.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 1) return c >= 0x20 && c != 0x7f;
    if (!n || n > v.n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((v.p[i] & 0xc0) != 0x80) return 0;
    if (c == 0xc2 && v.p[1] < 0xa0) return 0;
    if ((c == 0xe0 && v.p[1] < 0xa0) || (c == 0xf0 && v.p[1] < 0x90)) return 0; /* overlong */
    if ((c == 0xed && v.p[1] > 0x9f) || (c == 0xf4 && v.p[1] > 0x8f)) return 0; /* no character */
    return n;
}

void log_escape(gyre_out *line, gyre_view text)
{
    while (text.n && !line->full) {
        size_t n = shown(text);
        uint8_t bytes[4];
        gyre_out escape = GYRE_OUT(bytes);
        if (!n) {
            gyre_put(&escape, GYRE_LIT("\\x"));
            gyre_put_hex(&escape, gyre_head(&text, 1).p[0], 2);
        }
        gyre_put(line, n ? gyre_head(&text, n) : gyre_built(&escape));
    }
}

static void put_plain(gyre_out *line, enum gyre_level level, bool colour, struct timespec now)
{
    struct tm day;
    char stamp[80];
    (void)gmtime_r(&now.tv_sec, &day);
    (void)snprintf(stamp, sizeof stamp, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ",
                   day.tm_year + 1900, day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
                   day.tm_sec, (int)(now.tv_nsec / 1000000));
    gyre_put(line, gyre_str(stamp));
    if (colour) gyre_put(line, gyre_str(colours[level]));
    gyre_put(line, gyre_str(words[level]));
    if (colour) gyre_put(line, GYRE_LIT(PLAIN));
    for (size_t n = strlen(words[level]); n < 6; n++) gyre_put_byte(line, ' ');
}

/* Where a daemon reads the lines it has a clock of its own, and levels that it can filter by. */
static void put_daemons(gyre_out *line, enum gyre_level level, enum log_style style, time_t now)
{
    struct tm day;
    char head[96], stamp[32];
    if (style == LOG_LEVELS) {
        (void)snprintf(head, sizeof head, "<%d>", severity[level]);
    } else if (style == LOG_JOURNAL) {
        (void)snprintf(head, sizeof head, "PRIORITY=%d\nSYSLOG_IDENTIFIER=gyre\nMESSAGE=",
                       severity[level]);
    } else {
        (void)localtime_r(&now, &day);
        (void)strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &day);
        (void)snprintf(head, sizeof head, "<%d>%s gyre[%d]: ", FACILITY_DAEMON | severity[level],
                       stamp, (int)getpid());
    }
    gyre_put(line, gyre_str(head));
}

static void put_head(gyre_out *line, enum gyre_level level, const char *prefix,
                     enum log_style style, bool colour)
{
    struct timespec now;
    const char *who = who_of_thread[0] ? who_of_thread
                    : atomic_load(&opened) ? who_of_process : "gyre";
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (style == LOG_PLAIN) put_plain(line, level, colour, now);
    else put_daemons(line, level, style, now.tv_sec);
    log_escape(line, gyre_str(who));
    gyre_put(line, GYRE_LIT(": "));
    log_escape(line, gyre_str(prefix));
}

/* 0, or an errno. After a line that is there in part another one begins anew. */
static int hand_over(gyre_view line)
{
    ssize_t wrote;
    if (atomic_load(&torn)) {
        if (write(STDERR_FILENO, "\n", 1) != 1) return errno ? errno : ENOSPC;
        atomic_store(&torn, false);
    }
    errno = 0;
    do wrote = write(STDERR_FILENO, line.p, line.n);
    while (wrote < 0 && errno == EINTR);
    if (wrote == (ssize_t)line.n) return 0;
    if (wrote > 0) atomic_store(&torn, true);
    return errno ? errno : ENOSPC;
}

static int tell_lost(uint32_t n)
{
    uint8_t bytes[160];
    char text[64];
    gyre_out line = GYRE_OUT(bytes);
    put_head(&line, GYRE_WARN, NULL, (enum log_style)atomic_load(&style_now),
             atomic_load(&coloured));
    (void)snprintf(text, sizeof text, "%u lines of the log were lost here\n", (unsigned)n);
    gyre_put(&line, gyre_str(text));
    return hand_over(gyre_built(&line));
}

static void build(gyre_out *line, enum gyre_level level, const char *prefix, const char *text,
                  enum log_style style, bool colour)
{
    line->cap -= 4; /* for "..." and the end of the line */
    put_head(line, level, prefix, style, colour);
    log_escape(line, gyre_str(text));
    line->cap += 4;
    if (!line->full) return;
    line->full = false;
    gyre_put(line, GYRE_LIT("..."));
}

static void copy(enum gyre_level level, const char *prefix, const char *text)
{
    uint8_t bytes[LINE_MAX_BYTES];
    gyre_out line = GYRE_OUT(bytes);
    void (*take)(gyre_view, void *) = atomic_load(&copy_to);
    if (!take) return;
    build(&line, level, prefix, text, LOG_PLAIN, false);
    take(gyre_built(&line), copy_user);
}

void log_line_v(enum gyre_level level, const char *prefix, const char *fmt, va_list args)
{
    uint8_t bytes[LINE_MAX_BYTES];
    char text[LINE_MAX_BYTES];
    gyre_out line = GYRE_OUT(bytes);
    int saved = errno;
    if (level < GYRE_DEBUG || level > GYRE_ERROR) level = GYRE_ERROR;
    if (level < log_level_now()) return;
    if (vsnprintf(text, sizeof text, fmt, args) < 0) text[0] = 0;
    build(&line, level, prefix, text, (enum log_style)atomic_load(&style_now),
          atomic_load(&coloured));
    gyre_put_byte(&line, '\n');
    uint32_t before = atomic_exchange(&lost, 0);
    if (before && tell_lost(before) != 0) atomic_fetch_add(&lost, before + 1);
    else if (hand_over(gyre_built(&line)) != 0) atomic_fetch_add(&lost, 1);
    copy(level, prefix, text);
    errno = saved;
}

void log_line(enum gyre_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line_v(level, NULL, fmt, args);
    va_end(args);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_text.c - the bytes of talk scripts: read from strings, matched, shown.
 *
 * Owns nothing but what talk_bytes_read returns.
 * Promise: what talk_show writes, talk_bytes_read reads back, unless it was cut off.
 * Limits: TEXT_MOST bytes a string, so a slip in a count does not eat the machine.
 */
#include <stdlib.h>

#include "talk.h"

enum { TEXT_MOST = 64 * 1024 * 1024, SHOW_AROUND = 30, SHOW_MOST = 100 };

void talk_bytes_free(struct talk_bytes *b)
{
    free(b->p);
    free(b->wild);
    *b = (struct talk_bytes){0};
}

static bool wrong(char *why, size_t why_n, const char *text)
{
    snprintf(why, why_n, "%s", text);
    return false;
}

static bool append(struct talk_bytes *b, uint8_t byte, bool wild)
{
    if ((b->n & (b->n - 1)) == 0) { /* full at every power of two */
        size_t cap = b->n ? 2 * b->n : 1;
        uint8_t *p = realloc(b->p, cap), *w = p ? realloc(b->wild, cap) : NULL;
        if (p) b->p = p;
        if (w) b->wild = w;
        if (!p || !w || b->n >= TEXT_MOST) return false;
    }
    b->p[b->n] = byte;
    b->wild[b->n++] = wild;
    return true;
}

bool talk_begins_bytes(const char *at)
{
    return *at == '"' || !strncmp(at, "hex:", 4);
}

/* One escape, behind the backslash. -1: no such. */
static int escape(const char **at)
{
    static const char names[] = "rnt0\\\"*?$", values[] = "\r\n\t\0\\\"*?$";
    const char *found = **at ? strchr(names, **at) : NULL;
    if (found) {
        (*at)++;
        return (uint8_t)values[found - names];
    }
    if (**at != 'x') return -1;
    int high = gyre_hex_digit((uint8_t)(*at)[1]);
    int low = high < 0 ? -1 : gyre_hex_digit((uint8_t)(*at)[2]);
    if (low < 0) return -1;
    *at += 3;
    return high << 4 | low;
}

static bool read_string(const char **at, const char *tmp, bool pattern, struct talk_bytes *b,
                        char *why, size_t why_n)
{
    const char *p = *at + 1;
    bool room = true;
    while (*p && *p != '"' && room) {
        if (!strncmp(p, "${TMP}", 6)) {
            for (const char *t = tmp; *t && room; t++) room = append(b, (uint8_t)*t, false);
            p += 6;
        } else if (!pattern && !strncmp(p, TALK_KEPT, sizeof TALK_KEPT - 1)) {
            room = append(b, (uint8_t)*p++, true); /* the rest of it is read as it stands */
        } else if (*p == '\\') {
            p++;
            int byte = escape(&p);
            if (byte < 0)
                return wrong(why, why_n, "no such escape; write \\r \\n \\t \\0 \\\\ \\\" \\xHH");
            room = append(b, (uint8_t)byte, false);
        } else {
            room = append(b, (uint8_t)*p, pattern && (*p == '*' || *p == '?'));
            p++;
        }
    }
    if (!room) return wrong(why, why_n, "the string is too long");
    if (*p != '"') return wrong(why, why_n, "the string has no closing \"");
    *at = p + 1;
    return true;
}

static bool read_hex(const char **at, struct talk_bytes *b, char *why, size_t why_n)
{
    const char *p = *at + 4;
    int high = -1;
    for (int digit; (digit = gyre_hex_digit((uint8_t)*p)) >= 0; p++) {
        if (high < 0) {
            high = digit;
            continue;
        }
        if (!append(b, (uint8_t)(high << 4 | digit), false))
            return wrong(why, why_n, "the string is too long");
        high = -1;
    }
    if (high >= 0) return wrong(why, why_n, "hex: needs two digits for each byte");
    *at = p;
    return true;
}

/* "x"*1000: what was read since `from`, that many times. */
static bool repeat(const char **at, struct talk_bytes *b, size_t from, char *why, size_t why_n)
{
    uint64_t times = 0;
    size_t unit = b->n - from, digits = 0;
    if (**at != '*') return true;
    (*at)++;
    while ((*at)[digits] >= '0' && (*at)[digits] <= '9') digits++;
    gyre_view number = {(const uint8_t *)*at, digits};
    if (!gyre_dec(number, TEXT_MOST, &times) || !times)
        return wrong(why, why_n, "a string times what? Write \"x\"*1000");
    *at += digits;
    if (unit && times > TEXT_MOST / unit) return wrong(why, why_n, "the string is too long");
    for (uint64_t t = 1; t < times; t++)
        for (size_t i = 0; i < unit; i++)
            if (!append(b, b->p[from + i], b->wild[from + i]))
                return wrong(why, why_n, "the string is too long");
    return true;
}

bool talk_bytes_read(const char **at, const char *tmp, bool pattern, struct talk_bytes *b,
                     char *why, size_t why_n)
{
    while (talk_begins_bytes(*at)) {
        size_t from = b->n;
        bool good = **at == '"' ? read_string(at, tmp, pattern, b, why, why_n)
                                : read_hex(at, b, why, why_n);
        if (!good || !repeat(at, b, from, why, why_n)) return false;
        if (**at && **at != ' ' && **at != '\t' && **at != '"')
            return wrong(why, why_n, "a space is missing behind a string");
        while (**at == ' ' || **at == '\t') (*at)++;
    }
    return true;
}

/* All places of the pattern where the bytes so far may have led, as a set: no backtracking. */
static void step_over_stars(const struct talk_bytes *pattern, uint8_t *places)
{
    for (size_t i = 0; i < pattern->n; i++)
        if (places[i] && pattern->wild[i] && pattern->p[i] == '*') places[i + 1] = 1;
}

size_t talk_match(const struct talk_bytes *pattern, gyre_view v, bool all, size_t *reached)
{
    size_t m = pattern->n, found = SIZE_MAX;
    uint8_t *now = calloc(2, m + 1), *next = now + m + 1;
    bool greedy = m && pattern->wild[m - 1] && pattern->p[m - 1] == '*';
    *reached = 0;
    if (!now) return SIZE_MAX;
    now[0] = 1;
    step_over_stars(pattern, now);
    for (size_t at = 0;; at++) {
        for (size_t i = *reached; i <= m; i++)
            if (now[i]) *reached = i;
        if (now[m] && (at == v.n || !(all || greedy))) found = at;
        if (found != SIZE_MAX || at == v.n) break;
        memset(next, 0, m + 1);
        for (size_t i = 0; i < m; i++) {
            if (!now[i]) continue;
            bool star = pattern->wild[i] && pattern->p[i] == '*';
            if (star) next[i] = 1;
            else if (pattern->wild[i] || pattern->p[i] == v.p[at]) next[i + 1] = 1;
        }
        memcpy(now, next, m + 1);
        step_over_stars(pattern, now);
    }
    free(now);
    return found;
}

static size_t show_byte(FILE *f, uint8_t c)
{
    static const char values[] = "\r\n\t\\\"", names[] = "rnt\\\"";
    const char *found = c ? strchr(values, c) : NULL;
    if (found) return (size_t)fprintf(f, "\\%c", names[found - values]);
    if (c >= ' ' && c < 0x7f) return (size_t)fprintf(f, "%c", c);
    return (size_t)fprintf(f, "\\x%02x", c);
}

void talk_show(FILE *f, gyre_view v, size_t most)
{
    size_t n = v.n < most ? v.n : most;
    fputc('"', f);
    for (size_t i = 0; i < n; i++) show_byte(f, v.p[i]);
    fputc('"', f);
    if (n < v.n) fprintf(f, " … %zu bytes", v.n);
}

/* v from `from` on; *column: how wide the part before `mark` came out. */
static void show_part(FILE *f, gyre_view v, size_t from, size_t mark, size_t *column)
{
    size_t to = v.n - from < SHOW_MOST ? v.n : from + SHOW_MOST;
    *column = (size_t)fprintf(f, from ? "..\"" : "\"");
    for (size_t i = from; i < to; i++) {
        size_t wide = show_byte(f, v.p[i]);
        if (i < mark) *column += wide;
    }
    fprintf(f, "\"%s", to < v.n ? ".." : "");
}

void talk_show_difference(FILE *f, gyre_view expected, gyre_view got)
{
    size_t both = expected.n < got.n ? expected.n : got.n, same = 0, column;
    while (same < both && expected.p[same] == got.p[same]) same++;
    size_t from = same > SHOW_AROUND ? same - SHOW_AROUND : 0;
    fputs("    expected  ", f);
    show_part(f, expected, from, same, &column);
    fprintf(f, "\n    got       ");
    show_part(f, got, from, same, &column);
    fprintf(f, "\n    differs   %*s^ byte %zu; expected %zu bytes, %zu came\n", (int)column, "",
            same, expected.n, got.n);
}

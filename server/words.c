/* SPDX-License-Identifier: GPL-3.0-or-later
 * words.c - reads and writes lines of words (words.h). The bytes may be hostile.
 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_FIRST = 512 };

static enum words_state wrong(struct words *w, const char *why)
{
    w->why = why;
    w->state = WORDS_WRONG;
    return w->state;
}

/* Room for n bytes more and a NUL. */
static bool make_room(struct words *w, size_t n)
{
    size_t cap = w->cap ? w->cap : LINE_FIRST;
    if (n + w->line_n > LIMIT_CONTROL_LINE) return false;
    while (cap < w->line_n + n + 1) cap *= 2;
    if (cap == w->cap) return true;
    char *line = malloc(cap);
    if (!line) return false;
    if (w->line_n) {
        memcpy(line, w->line, w->line_n);
        explicit_bzero(w->line, w->line_n);
    }
    free(w->line);
    w->line = line;
    w->cap = cap;
    return true;
}

/* The byte that \… stands for, or -1; *at moves behind it. */
static int escaped(const char *text, size_t n, size_t *at)
{
    char c = *at < n ? text[(*at)++] : 0;
    if (c == '"' || c == '\\') return c;
    if (c == 'n') return '\n';
    if (c != 'x' || n - *at < 2) return -1;
    int high = gyre_hex_digit((uint8_t)text[*at]), low = gyre_hex_digit((uint8_t)text[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 || high + low == 0 ? -1 : 16 * high + low;
}

/* A word in quotes that begins at `at`, in place. Where it ends; 0: it is wrong. */
static size_t unquote(char *text, size_t n, size_t at)
{
    size_t from = at + 1, to = at;
    while (from < n && text[from] != '"') {
        int c = (uint8_t)text[from++];
        if (c == '\\') c = escaped(text, n, &from);
        if (c == -1) return 0;
        text[to++] = (char)c;
    }
    if (from == n || (from + 1 < n && text[from + 1] != ' ')) return 0;
    text[to] = '\0';
    return from + 1;
}

static enum words_state cut(struct words *w)
{
    char *text = w->line;
    size_t n = w->line_n, at = 0;
    if (memchr(text, '\0', n)) return wrong(w, "a NUL byte in the request");
    text[n] = '\0';
    for (;;) {
        if (w->n == LIMIT_CONTROL_WORDS) return wrong(w, "too many words in the request");
        w->word[w->n++] = text + at;
        if (text[at] == '"') {
            at = unquote(text, n, at);
            if (!at) return wrong(w, "a word in quotes that does not end, or an escape in it that "
                                     "is none");
        } else {
            while (at < n && text[at] != ' ') at++;
        }
        if (at >= n) break;
        text[at++] = '\0';
    }
    w->word[w->n] = NULL;
    w->state = WORDS_WHOLE;
    return w->state;
}

enum words_state words_take(struct words *w, gyre_view bytes)
{
    gyre_view line;
    if (w->state != WORDS_MORE) return w->state;
    bool ends = gyre_until(&bytes, '\n', &line);
    if (!ends) line = bytes;
    if (!make_room(w, line.n)) return wrong(w, "the request is too long");
    if (line.n) memcpy(w->line + w->line_n, line.p, line.n);
    w->line_n += line.n;
    return ends ? cut(w) : WORDS_MORE;
}

void words_free(struct words *w)
{
    if (w->line) explicit_bzero(w->line, w->cap);
    free(w->line);
    *w = (struct words){.state = WORDS_MORE};
}

void words_put(gyre_out *out, const char *word)
{
    static const char digits[] = "0123456789abcdef";
    bool plain = word[0] && word[0] != '"';
    for (const char *p = word; *p; p++) plain = plain && (uint8_t)*p > ' ' && *p != 0x7f;
    if (out->n) gyre_put_byte(out, ' ');
    if (plain) {
        gyre_put(out, gyre_str(word));
        return;
    }
    gyre_put_byte(out, '"');
    for (; *word; word++) {
        uint8_t c = (uint8_t)*word;
        if (c == '"' || c == '\\') gyre_put_byte(out, '\\');
        if (c >= ' ' && c != 0x7f) {
            gyre_put_byte(out, c);
            continue;
        }
        gyre_put(out, GYRE_LIT("\\x"));
        gyre_put_byte(out, (uint8_t)digits[c >> 4]);
        gyre_put_byte(out, (uint8_t)digits[c & 15]);
    }
    gyre_put_byte(out, '"');
}

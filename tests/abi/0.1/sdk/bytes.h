/* SPDX-License-Identifier: MIT
 * bytes.h - bytes that cannot be overrun. Part of gyre.h; calls nothing of the host.
 *
 * Three kinds. A gyre_view borrows bytes and never owns them. A gyre_in reads one complete message.
 * A gyre_out builds one. The errors of the last two are sticky (in.bad, out.full): write straight
 * code and look once, at the end. Every function here may be called on any thread, allocates
 * nothing, and is defined for every input, including empty and missing (p NULL, n 0) views.
 */
#ifndef GYRE_BYTES_H
#define GYRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define GYRE_MAKE(type, ...) (type{__VA_ARGS__})
#else
#define GYRE_MAKE(type, ...) ((type){__VA_ARGS__})
#endif
#define GYRE_USE __attribute__((warn_unused_result))

/* n bytes at p, borrowed. A view that a callback receives is valid until the callback returns. */
typedef struct gyre_view {
    const uint8_t *p;
    size_t n;
} gyre_view;

/* A reader over one complete message. bad: something was read past the end. */
typedef struct gyre_in {
    gyre_view left;
    bool bad;
} gyre_in;

/* A builder. full: something did not fit; then gyre_built gives nothing, never a part.
 * grow is NULL for fixed space; the host sets it in the builders of gyre->out. */
typedef struct gyre_out {
    uint8_t *p;
    size_t n, cap;
    bool full;
    bool (*grow)(struct gyre_out *, size_t more);
    void *owner;
} gyre_out;

#define GYRE_NOTHING GYRE_MAKE(gyre_view, NULL, 0)
/* The bytes of a string literal, without its NUL. Only a literal compiles. */
#define GYRE_LIT(s) GYRE_MAKE(gyre_view, (const uint8_t *)("" s ""), sizeof(s) - 1)

/* A builder over an array. A pointer does not compile: its sizeof would be that of the pointer. */
#ifdef __cplusplus
template <size_t N> static inline gyre_out gyre_out_over(uint8_t (&array)[N])
{
    return gyre_out{array, 0, N, false, nullptr, nullptr};
}
#define GYRE_OUT(array) gyre_out_over(array)
#else
#define GYRE_ARRAY_SIZE_(array) \
    (sizeof(array) + 0 * sizeof(char[1 - 2 * __builtin_types_compatible_p( \
                                                 __typeof__(array), __typeof__(&(array)[0]))]))
#define GYRE_OUT(array) \
    GYRE_MAKE(gyre_out, (array), 0, GYRE_ARRAY_SIZE_(array), false, NULL, NULL)
#endif

/* ---- views ---- */

/* The bytes of a C string, without its NUL. NULL is the empty view. */
static inline gyre_view gyre_str(const char *s)
{
    return GYRE_MAKE(gyre_view, (const uint8_t *)s, s ? strlen(s) : 0);
}

/* Cuts at most `most` bytes off the front of *v and returns them. */
static inline gyre_view gyre_head(gyre_view *v, size_t most)
{
    gyre_view head = {v->p, most < v->n ? most : v->n};
    if (head.n) {
        v->p += head.n;
        v->n -= head.n;
    }
    return head;
}

/* Cuts everything off *v and returns it. */
static inline gyre_view gyre_all(gyre_view *v)
{
    return gyre_head(v, v->n);
}

/* Cuts exactly n bytes into *head; false: fewer are there, and *v is untouched. */
GYRE_USE static inline bool gyre_exact(gyre_view *v, size_t n, gyre_view *head)
{
    if (v->n < n) return false;
    *head = gyre_head(v, n);
    return true;
}

/* Cuts up to the first sep. The separator is cut off too, and is not in *head.
 * false: there is none, and *v is untouched. */
GYRE_USE static inline bool gyre_until(gyre_view *v, uint8_t sep, gyre_view *head)
{
    const uint8_t *at = v->n ? (const uint8_t *)memchr(v->p, sep, v->n) : NULL;
    if (!at) return false;
    *head = gyre_head(v, (size_t)(at - v->p));
    (void)gyre_head(v, 1);
    return true;
}

/* Cuts one line that ends in LF or CRLF; *line is without. Strict protocols use gyre_crlf. */
GYRE_USE static inline bool gyre_line(gyre_view *v, gyre_view *line)
{
    if (!gyre_until(v, '\n', line)) return false;
    if (line->n && line->p[line->n - 1] == '\r') line->n--;
    return true;
}

/* Cuts one line that ends in CRLF, both on their own an ordinary byte. false: no CRLF in *v. */
GYRE_USE static inline bool gyre_crlf(gyre_view *v, gyre_view *line)
{
    for (size_t i = 0; i + 1 < v->n; i++) {
        const uint8_t *at = (const uint8_t *)memchr(v->p + i, '\r', v->n - i - 1);
        if (!at) return false;
        i = (size_t)(at - v->p);
        if (v->p[i + 1] != '\n') continue;
        *line = gyre_head(v, i);
        (void)gyre_head(v, 2);
        return true;
    }
    return false;
}

/* Byte for byte equal. */
GYRE_USE static inline bool gyre_eq(gyre_view a, gyre_view b)
{
    return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* One byte in ASCII lower case; other bytes unchanged. Knows no locale. */
static inline uint8_t gyre_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Equal but for ASCII case. */
GYRE_USE static inline bool gyre_eqi(gyre_view a, gyre_view b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (gyre_lower(a.p[i]) != gyre_lower(b.p[i])) return false;
    return true;
}

/* Drops prefix from the front of *v if it stands there. */
GYRE_USE static inline bool gyre_skip(gyre_view *v, gyre_view prefix)
{
    if (v->n < prefix.n || !gyre_eq(GYRE_MAKE(gyre_view, v->p, prefix.n), prefix)) return false;
    (void)gyre_head(v, prefix.n);
    return true;
}

/* Without spaces and tabs at both ends. */
static inline gyre_view gyre_trim(gyre_view v)
{
    while (v.n && (v.p[0] == ' ' || v.p[0] == '\t')) (void)gyre_head(&v, 1);
    while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t')) v.n--;
    return v;
}

/* The whole of v as a decimal number of at most `most`: digits only, at least one; no sign, no
 * space. false: anything else, and *x is untouched. */
GYRE_USE static inline bool gyre_dec(gyre_view v, uint64_t most, uint64_t *x)
{
    uint64_t sum = 0;
    if (!v.n) return false;
    for (size_t i = 0; i < v.n; i++) {
        uint64_t digit = (uint64_t)v.p[i] - '0';
        if (v.p[i] < '0' || digit > 9 || sum > most / 10 || digit > most - sum * 10) return false;
        sum = sum * 10 + digit;
    }
    *x = sum;
    return true;
}

/* The value of one hexadecimal digit, or -1. */
static inline int gyre_hex_digit(uint8_t c)
{
    uint8_t low = gyre_lower(c);
    if (c >= '0' && c <= '9') return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The whole of v as a hexadecimal number of at most `most`: digits only, at least one. */
GYRE_USE static inline bool gyre_hex(gyre_view v, uint64_t most, uint64_t *x)
{
    uint64_t sum = 0;
    if (!v.n) return false;
    for (size_t i = 0; i < v.n; i++) {
        int digit = gyre_hex_digit(v.p[i]);
        if (digit < 0 || sum > UINT64_MAX >> 4) return false;
        sum = sum << 4 | (uint64_t)digit;
        if (sum > most) return false;
    }
    *x = sum;
    return true;
}

/* For "%.*s" in gyre->log: at most 1 KiB of it. */
#define GYRE_ARG(v) ((int)((v).n < 1024 ? (v).n : 1024)), ((const char *)(v).p)

/* ---- reading a complete message ---- */

/* A reader over v. */
static inline gyre_in gyre_in_of(gyre_view v)
{
    gyre_in in = {v, false};
    return in;
}

/* A big-endian number of 1 to 8 bytes. Past the end: 0, and in->bad. */
static inline uint64_t gyre_be(gyre_in *in, size_t bytes)
{
    gyre_view b = GYRE_NOTHING;
    uint64_t x = 0;
    if (in->bad || bytes > 8 || !gyre_exact(&in->left, bytes, &b)) {
        in->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) x = x << 8 | b.p[i];
    return x;
}

/* The next n bytes. Past the end: the empty view, and in->bad. */
static inline gyre_view gyre_bytes(gyre_in *in, size_t n)
{
    gyre_view b = GYRE_NOTHING;
    if (in->bad || !gyre_exact(&in->left, n, &b)) in->bad = true;
    return b;
}

/* True when all of the message was read and nothing was missing. Ask this at the end. */
GYRE_USE static inline bool gyre_end(const gyre_in *in)
{
    return !in->bad && !in->left.n;
}

/* ---- building ---- */

/* Appends v, all or nothing. v may be a part of what the builder holds. */
static inline void gyre_put(gyre_out *o, gyre_view v)
{
    if (!o->full && v.n > o->cap - o->n) {
        uintptr_t at = (uintptr_t)v.p - (uintptr_t)o->p;
        bool own = v.n && o->p && (uintptr_t)v.p >= (uintptr_t)o->p && at < o->n;
        if (!o->grow || !o->grow(o, v.n)) o->full = true;
        else if (own) v.p = o->p + at; /* growing moved it */
    }
    if (o->full || !v.n) return;
    memcpy(o->p + o->n, v.p, v.n);
    o->n += v.n;
}

/* Appends one byte. */
static inline void gyre_put_byte(gyre_out *o, uint8_t byte)
{
    gyre_put(o, GYRE_MAKE(gyre_view, &byte, 1));
}

/* Appends the low `bytes` bytes of x, big-endian. More than 8: full. */
static inline void gyre_put_be(gyre_out *o, uint64_t x, size_t bytes)
{
    uint8_t b[8];
    if (bytes > 8) {
        o->full = true;
        return;
    }
    for (size_t i = bytes; i-- > 0; x >>= 8) b[i] = (uint8_t)x;
    gyre_put(o, GYRE_MAKE(gyre_view, b, bytes));
}

/* Overwrites `bytes` bytes at offset `at`, which must have been put before; else full.
 * For length fields that are known late. */
static inline void gyre_patch_be(gyre_out *o, size_t at, uint64_t x, size_t bytes)
{
    if (o->full || bytes > 8 || at > o->n || bytes > o->n - at) {
        o->full = true;
        return;
    }
    for (size_t i = bytes; i-- > 0; x >>= 8) o->p[at + i] = (uint8_t)x;
}

/* Appends x in decimal. */
static inline void gyre_put_dec(gyre_out *o, uint64_t x)
{
    uint8_t b[20];
    size_t at = sizeof b;
    do b[--at] = (uint8_t)('0' + x % 10);
    while (x /= 10);
    gyre_put(o, GYRE_MAKE(gyre_view, b + at, sizeof b - at));
}

/* Appends x in lower-case hexadecimal, with leading zeroes up to `digits` (1 to 16). */
static inline void gyre_put_hex(gyre_out *o, uint64_t x, size_t digits)
{
    uint8_t b[16];
    size_t at = sizeof b;
    do b[--at] = (uint8_t)"0123456789abcdef"[x & 15];
    while ((x >>= 4) || (sizeof b - at < digits && at));
    gyre_put(o, GYRE_MAKE(gyre_view, b + at, sizeof b - at));
}

/* What was built; nothing at all if it did not fit. Borrowed from the builder's space. */
GYRE_USE static inline gyre_view gyre_built(const gyre_out *o)
{
    return GYRE_MAKE(gyre_view, o->p, o->full ? 0 : o->n);
}
#endif

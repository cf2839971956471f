/* SPDX-License-Identifier: GPL-3.0-or-later
 * scan.h - finds the next control byte of a head, or the end of a name, 16 bytes at a step.
 *
 * A head is text lines that end in CRLF, so one search answers two questions: where does the line
 * end, and is there a byte that may not stand in a head at all.
 * Promise: reads p[at] … p[n - 1] and nothing else of what lies behind it. Without SSE2 the same
 * answer comes from 8 bytes at a step.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SCAN_STEP = 16 };

static inline int scan_is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

#ifdef __SSE2__
/* Bit i: p[i] is a control byte. */
static inline unsigned scan_block(const uint8_t *p)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}
#else
/* Not zero: one of the 8 bytes may be a control byte (a byte from 0x80 on may say so wrongly). */
static inline uint64_t scan_word(const uint8_t *p)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t x, del;
    memcpy(&x, p, sizeof x);
    del = x ^ ones * 0x7f;
    return ((x - ones * 0x20) | (del - ones)) & tops;
}
#endif

#ifdef __SSE2__
/* Bit i: p[i] is neither a letter nor a digit, nor a dash or a dot. */
static inline unsigned scan_block_name(const uint8_t *p)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i letter = _mm_sub_epi8(_mm_or_si128(x, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i digit = _mm_sub_epi8(x, _mm_set1_epi8('0'));
    __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    good = _mm_or_si128(good, _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit));
    /* '-' and '.' are 0x2d and 0x2e */
    __m128i mark = _mm_sub_epi8(x, _mm_set1_epi8('-'));
    good = _mm_or_si128(good, _mm_cmpeq_epi8(_mm_min_epu8(mark, _mm_set1_epi8(1)), mark));
    return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}
#endif

/* The first byte from `at` on that is no letter, digit, dash or dot; or any place before that,
 * from where a slower search can go on. at <= n. */
static inline size_t scan_name(const uint8_t *p, size_t at, size_t n)
{
#ifdef __SSE2__
    for (; n - at >= SCAN_STEP; at += SCAN_STEP) {
        unsigned found = scan_block_name(p + at);
        if (found) return at + (size_t)__builtin_ctz(found);
    }
#else
    (void)p;
    (void)n;
#endif
    return at;
}

/* The first control byte (0 … 31, 127) from `at` on; n: there is none. at <= n. */
static inline size_t scan_control(const uint8_t *p, size_t at, size_t n)
{
#ifdef __SSE2__
    unsigned found;
    for (; n - at >= SCAN_STEP; at += SCAN_STEP) {
        found = scan_block(p + at);
        if (found) return at + (size_t)__builtin_ctz(found);
    }
    if (n >= SCAN_STEP && at < n) { /* the rest: one block that ends with the last byte */
        size_t back = n - SCAN_STEP;
        found = scan_block(p + back) >> (at - back);
        return found ? at + (size_t)__builtin_ctz(found) : n;
    }
#else
    while (n - at >= sizeof(uint64_t) && !scan_word(p + at)) at += sizeof(uint64_t);
#endif
    while (at < n && !scan_is_control(p[at])) at++;
    return at;
}
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * target.c - paths; see target.h.
 *
 * Decoding comes first and happens once; the checks see what the file system would see. An encoded
 * slash can be part of no name of a file, so nothing is found there.
 */
#include "target.h"
#include "letters.h"

/* Cuts one escape off *left, which begins with its percent sign. 0 or a status. */
static int decode_escape(gyre_view *left, uint8_t *byte)
{
    int high = left->n > 2 ? gyre_hex_digit(left->p[1]) : -1;
    int low = left->n > 2 ? gyre_hex_digit(left->p[2]) : -1;
    if (high < 0 || low < 0) return 400;
    *byte = (uint8_t)(high << 4 | low);
    if (!*byte) return 400;
    (void)gyre_head(left, 3);
    return *byte == '/' ? 404 : 0;
}

/* One segment, decoded. Stops at a slash. 0 or a status. */
static int decode_segment(gyre_view *left, gyre_out *out)
{
    for (;;) {
        size_t n = 0;
        uint8_t byte;
        int status;
        while (n < left->n && left->p[n] != '/' && left->p[n] != '%') n++;
        gyre_put(out, gyre_head(left, n));
        if (!left->n || left->p[0] == '/') return out->full ? 414 : 0;
        status = decode_escape(left, &byte);
        if (status) return status;
        gyre_put_byte(out, byte);
    }
}

/* Takes back the last segment and the slash before it. false: there is none. */
static bool drop_segment(gyre_out *out, size_t base)
{
    if (out->n == base) return false;
    do out->n--;
    while (out->n > base && out->p[out->n - 1] != '/');
    return true;
}

/* A segment that begins with a dot, other than a first one called .well-known (RFC 8615). */
static bool is_hidden(gyre_view path)
{
    gyre_view segment;
    if (gyre_skip(&path, GYRE_LIT(".well-known")) && path.n && path.p[0] != '/') return true;
    while (path.n) {
        if (!gyre_until(&path, '/', &segment)) segment = gyre_all(&path);
        if (segment.n && segment.p[0] == '.') return true;
    }
    return false;
}

int target_path(gyre_view encoded, gyre_out *out, bool *folder)
{
    size_t base = out->n;
    bool dotted = false;
    *folder = true;
    while (encoded.n) {
        size_t start = out->n, n;
        int status;
        (void)gyre_head(&encoded, 1); /* the slash */
        status = decode_segment(&encoded, out);
        if (status) return status;
        n = out->n - start;
        *folder = true;
        if (n && out->p[start] == '.') {
            dotted = true;
            if (n == 1) out->n = start;
            if (n == 2 && out->p[start + 1] == '.') {
                out->n = start;
                if (!drop_segment(out, base)) return 400;
            }
            if (out->n <= start) continue;
        }
        if (!n) continue;
        *folder = false;
        if (encoded.n) gyre_put_byte(out, '/');
    }
    if (out->full) return 414;
    if (dotted && is_hidden(GYRE_MAKE(gyre_view, out->p + base, out->n - base))) return 404;
    return 0;
}

void target_encode(gyre_view path, gyre_out *out)
{
    static const char digits[] = "0123456789ABCDEF";
    gyre_put_byte(out, '/');
    for (size_t i = 0; i < path.n; i++) {
        if (letters[path.p[i]] & IN_PATH) {
            gyre_put_byte(out, path.p[i]);
        } else {
            gyre_put_byte(out, '%');
            gyre_put_byte(out, (uint8_t)digits[path.p[i] >> 4]);
            gyre_put_byte(out, (uint8_t)digits[path.p[i] & 15]);
        }
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * body.c - counts through a body: by its length, or chunk by chunk (RFC 9112, 7.1).
 *
 * Chunk extensions, behind a semicolon, and trailers are passed over, but must be text lines that
 * end in CRLF. The size of a chunk is at most 7 digits: more is past BODY_MAX however it is read.
 */
#include "body.h"
#include "letters.h"
#include "scan.h"

enum {
    SIZE_FIRST, /* the first digit of a chunk's size */
    SIZE,
    SIZE_SPACE, /* behind a size; only an extension may follow */
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* the first byte of a line after the last chunk */
    TRAILER_NAME,
    TRAILER,
    TRAILER_LF,
    END_LF,
    PLAIN, /* a body of known length */
    DONE,
};

enum { SIZE_MOST = 0xfffffff };

int body_start(struct body_mark *mark, const struct request *r)
{
    *mark = (struct body_mark){(uint32_t)r->head_n, 0, BODY_MAX, SIZE_FIRST};
    if (r->body != BODY_LENGTH) return 0;
    if (r->length > BODY_MAX) return 413;
    mark->left = (uint32_t)r->length;
    mark->step = PLAIN;
    return 0;
}

/* One byte of the line that holds a chunk's size. The next step, or 400. */
static int read_size(struct body_mark *mark, uint8_t byte)
{
    int digit = gyre_hex_digit(byte);
    if (mark->step == EXTENSION) {
        if (byte == '\r') return SIZE_LF;
        return scan_is_control(byte) && byte != '\t' ? 400 : EXTENSION;
    }
    if (digit >= 0 && mark->step != SIZE_SPACE) {
        if (mark->left > SIZE_MOST >> 4) return 413;
        mark->left = mark->left << 4 | (uint32_t)digit;
        return SIZE;
    }
    if (mark->step == SIZE_FIRST) return 400;
    if (byte == ';') return EXTENSION;
    if (byte == ' ' || byte == '\t') return SIZE_SPACE;
    return byte == '\r' && mark->step == SIZE ? SIZE_LF : 400;
}

/* One byte of the trailers: fields without a meaning here. */
static int read_trailer(uint8_t step, uint8_t byte)
{
    bool token = letters[byte] & IN_TOKEN;
    if (step == TRAILER_FIRST && byte == '\r') return END_LF;
    if (step == TRAILER_FIRST) return token ? TRAILER_NAME : 400;
    if (step == TRAILER_NAME && byte == ':') return TRAILER;
    if (step == TRAILER_NAME) return token ? TRAILER_NAME : 400;
    if (byte == '\r') return TRAILER_LF;
    return scan_is_control(byte) && byte != '\t' ? 400 : TRAILER;
}

static int read_byte(struct body_mark *mark, uint8_t byte)
{
    switch (mark->step) {
    case SIZE_FIRST:
    case SIZE:
    case SIZE_SPACE:
    case EXTENSION: return read_size(mark, byte);
    case SIZE_LF:
        if (byte != '\n') return 400;
        return mark->left ? DATA : TRAILER_FIRST;
    case DATA_CR: return byte == '\r' ? DATA_LF : 400;
    case DATA_LF: return byte == '\n' ? SIZE_FIRST : 400;
    case TRAILER_LF: return byte == '\n' ? TRAILER_FIRST : 400;
    case END_LF: return byte == '\n' ? DONE : 400;
    default: return read_trailer(mark->step, byte);
    }
}

/* Passes over what is there of the data. */
static void skip_data(struct body_mark *mark, size_t there)
{
    uint32_t n = mark->left < there ? mark->left : (uint32_t)there;
    if (n > mark->most) n = mark->most;
    mark->at += n;
    mark->left -= n;
    mark->most = (uint16_t)(mark->most - n);
    if (!mark->left) mark->step = mark->step == PLAIN ? DONE : DATA_CR;
}

int body_read(struct body_mark *mark, gyre_view in)
{
    while (mark->step != DONE && mark->at < in.n) {
        if (!mark->most) break;
        if (mark->step == DATA || mark->step == PLAIN) {
            skip_data(mark, in.n - mark->at);
        } else {
            int step = read_byte(mark, in.p[mark->at]);
            if (step >= 400) return step;
            mark->step = (uint8_t)step;
            mark->at++;
            mark->most--;
        }
    }
    if (mark->step == DONE) return BODY_END;
    return mark->most ? BODY_MORE : 413;
}

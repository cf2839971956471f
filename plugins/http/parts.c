/* SPDX-License-Identifier: GPL-3.0-or-later
 * parts.c - parts of a file: one as it is, several as multipart/byteranges (RFC 9110, 15.3.7).
 *
 * The boundary is random: no file can hold it on purpose.
 */
#include "parts.h"
#include "range.h"
#include "response.h"

enum {
    BOUNDARY_LENGTH = 16,
    PARTS_SPACE = 8192, /* RANGES_MAX heads of parts, each at most about 480 */
};

static void put_content_range(gyre_out *out, const struct range *part, uint64_t size)
{
    gyre_put(out, GYRE_LIT("Content-Range: bytes "));
    gyre_put_dec(out, part->at);
    gyre_put(out, GYRE_LIT("-"));
    gyre_put_dec(out, part->at + part->n - 1);
    gyre_put(out, GYRE_LIT("/"));
    gyre_put_dec(out, size);
    gyre_put(out, GYRE_LIT("\r\n"));
}

static void send_one(struct gyre_actor *a, const struct request *r, struct gyre_buf *file,
                     gyre_view path, const struct range *part)
{
    HTTP_SPACE uint8_t space[HEAD_SPACE];
    gyre_out out = GYRE_OUT(space);
    response_begin(a, &out, 206);
    response_type(a, &out, path);
    response_length(&out, part->n);
    put_content_range(&out, part, file->bytes.n);
    response_file(a, &out, file);
    response_end(&out, r);
    (void)gyre->write(a, gyre_built(&out));
    (void)gyre->write_buf(a, file, part->at, part->n);
}

static void send_several(struct gyre_actor *a, const struct request *r, struct gyre_buf *file,
                         gyre_view path, const struct range *parts, size_t n)
{
    HTTP_SPACE uint8_t space[HEAD_SPACE], heads_space[PARTS_SPACE];
    uint8_t boundary_space[BOUNDARY_LENGTH];
    uint64_t random;
    gyre_out out = GYRE_OUT(space), heads = GYRE_OUT(heads_space);
    gyre_out boundary = GYRE_OUT(boundary_space);
    size_t ends[RANGES_MAX], at = 0;
    uint64_t length = 0;
    gyre_view left, tail;
    gyre->random(&random, sizeof random);
    gyre_put_hex(&boundary, random, BOUNDARY_LENGTH);
    for (size_t i = 0; i < n; i++) {
        gyre_put(&heads, GYRE_LIT("\r\n--"));
        gyre_put(&heads, gyre_built(&boundary));
        gyre_put(&heads, GYRE_LIT("\r\n"));
        response_type(a, &heads, path);
        put_content_range(&heads, &parts[i], file->bytes.n);
        gyre_put(&heads, GYRE_LIT("\r\n"));
        ends[i] = heads.n;
        length += parts[i].n;
    }
    gyre_put(&heads, GYRE_LIT("\r\n--"));
    gyre_put(&heads, gyre_built(&boundary));
    gyre_put(&heads, GYRE_LIT("--\r\n"));
    left = gyre_built(&heads);
    response_begin(a, &out, 206);
    gyre_put(&out, GYRE_LIT("Content-Type: multipart/byteranges; boundary="));
    gyre_put(&out, gyre_built(&boundary));
    gyre_put(&out, GYRE_LIT("\r\n"));
    response_length(&out, length + left.n);
    response_file(a, &out, file);
    response_end(&out, r);
    (void)gyre->write(a, gyre_built(&out));
    for (size_t i = 0; i < n; at = ends[i++]) {
        (void)gyre->write(a, gyre_head(&left, ends[i] - at));
        (void)gyre->write_buf(a, file, parts[i].at, parts[i].n);
    }
    tail = gyre_all(&left);
    (void)gyre->write(a, tail);
}

static void send_none(struct gyre_actor *a, const struct request *r, uint64_t size)
{
    uint8_t space[64];
    gyre_out out = GYRE_OUT(space);
    gyre_put(&out, GYRE_LIT("Content-Range: bytes */"));
    gyre_put_dec(&out, size);
    gyre_put(&out, GYRE_LIT("\r\n"));
    response_page(a, r, 416, gyre_built(&out));
}

bool parts_answer(struct gyre_actor *a, const struct request *r, struct gyre_buf *file,
                  gyre_view path)
{
    struct range parts[RANGES_MAX];
    gyre_view value;
    size_t n;
    if (!field_find(r, FIELD_RANGE, 0, &value)) return false;
    switch (range_read(value, file->bytes.n, parts, &n)) {
    case RANGE_PARTS:
        if (n == 1) send_one(a, r, file, path, parts);
        else send_several(a, r, file, path, parts, n);
        return true;
    case RANGE_NONE: send_none(a, r, file->bytes.n); return true;
    case RANGE_IGNORE:
    default: return false;
    }
}

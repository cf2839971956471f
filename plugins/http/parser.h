/* SPDX-License-Identifier: GPL-3.0-or-later
 * parser.h - the head of a request: from bytes to a struct request. Knows no files and no host.
 *
 * One grammar, RFC 9112 read strictly: what it leaves to a lenient reader (bare LF or CR, folded
 * lines, a space before the colon, two lengths) is refused, because two readers that disagree on
 * where a request ends are how requests are smuggled.
 * Promise: the outcome depends on the bytes alone, never on the pieces in which they came. Each
 * byte is searched once as it arrives, and the whole once more when the last piece is there.
 * Limits: HEAD_MAX, LINE_MAX, FIELDS_MAX.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include "bytes.h"

enum {
    LINE_MAX = 8192,  /* the request line with its CRLF; longer: 414 */
    HEAD_MAX = 16384, /* the head; longer: 431. Fits struct field's 16 bits */
    FIELDS_MAX = 100, /* lines of fields; more: 431 */
};

enum method {
    METHOD_NONE,  /* not read yet */
    METHOD_OTHER, /* no method that we know: 501 */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_KNOWN, /* POST, PUT, DELETE, PATCH, TRACE: 405 */
    METHOD_CONNECT,
};

/* The fields that mean something here. */
enum field_name {
    FIELD_OTHER,
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_RANGE,
    FIELD_IF_RANGE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_UNMODIFIED_SINCE,
};
#define FIELD_BIT(name) (1u << (name))

/* One line of a field: offsets into the head. */
struct field {
    uint16_t name_at, name_n, value_at, value_n, id;
};

enum body { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

struct request {
    const uint8_t *p; /* the head; every view here borrows from it */
    size_t head_n;    /* its length, with an empty line before and after */
    enum method method;
    unsigned minor; /* of the version: 0 or 1 */
    bool keep;      /* the connection goes on after the answer */
    bool star;      /* the target is * */
    enum body body;
    uint64_t length; /* of a BODY_LENGTH */
    gyre_view path;  /* of the target, still encoded, begins with a slash; or empty */
    gyre_view query; /* with its question mark, or empty */
    gyre_view host;  /* of an absolute target, else of Host */
    uint32_t seen;   /* FIELD_BIT of each field that came */
    uint32_t again;  /* FIELD_BIT of each that came twice or more */
    uint32_t fields_n;
    struct field fields[FIELDS_MAX];
};

/* How far a head has been looked at. Zero at the start of each. */
struct head_mark {
    uint16_t at;
    uint8_t method; /* enum method; not METHOD_NONE once the request line is there, and right */
};

enum { HEAD_MORE = 0, HEAD_WHOLE = 1 };

/* Looks for one whole head at the front of `in`, from where the last call left off. HEAD_MORE:
 * call again with the same bytes and more. HEAD_WHOLE: *r is filled. Else the status to refuse
 * with, after which nothing more can be read from this peer. */
int head_read(struct head_mark *mark, gyre_view in, struct request *r);

/* The value of field number i; the n-th field called id (0 is the first), false: there is none. */
gyre_view field_value(const struct request *r, uint32_t i);
bool field_find(const struct request *r, enum field_name id, uint32_t nth, gyre_view *value);

/* Cuts the next element off a comma-separated list; false at its end. */
bool list_next(gyre_view *list, gyre_view *element);

/* How many bytes at the front of v may stand in a token (RFC 9110, 5.6.2). */
size_t token_length(gyre_view v);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * body.h - where the body of a request ends. A GET needs none, so its bytes are only counted.
 *
 * Promise: resumable; each byte is looked at once, however it was split.
 * Limits: BODY_MAX bytes as they stand on the wire.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "parser.h"

enum { BODY_MAX = 32 * 1024 };

/* How far a body has been read. Made by body_start. */
struct body_mark {
    uint32_t at;   /* bytes of the message read so far, its head included */
    uint32_t left; /* of the body, or of the chunk */
    uint16_t most; /* bytes on the wire that may still come */
    uint8_t step;
};

enum { BODY_MORE = 0, BODY_END = 1 };

/* Begins after the head of r. 0, or the status to refuse with. */
int body_start(struct body_mark *mark, const struct request *r);

/* `in` begins with the head. BODY_END: mark->at is the length of the message. BODY_MORE: call
 * again with more. Else the status to refuse with. */
int body_read(struct body_mark *mark, gyre_view in);
#endif

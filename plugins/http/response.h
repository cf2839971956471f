/* SPDX-License-Identifier: GPL-3.0-or-later
 * response.h - the heads of responses, built here and nowhere else.
 *
 * A head is begun, given its fields, and ended: response_begin … response_end. A file that is
 * asked for often has its head, and a small body too, kept ready on a plate.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http.h"

/* Long enough for any head of ours but a redirect. */
enum { HEAD_SPACE = 2048 };

/* The wall clock, and with it the date that heads show. */
int64_t response_now(struct gyre_actor *);

/* Status line, Server, Date. Counts errors. */
void response_begin(struct gyre_actor *, gyre_out *, int status);
void response_field(gyre_out *, gyre_view name, gyre_view value);
void response_length(gyre_out *, uint64_t length);
/* Content-Type, with the charset where it fits. */
void response_type(struct gyre_actor *, gyre_out *, gyre_view path);
/* Last-Modified, ETag, Accept-Ranges, Cache-Control, as far as they are configured. */
void response_file(struct gyre_actor *, gyre_out *, const struct gyre_buf *file);
/* Connection where it has something to say, and the empty line. */
void response_end(gyre_out *, const struct request *);

/* The entity tag of a file with its quotes; and the second it shows as Last-Modified. */
enum { TAG_LENGTH = 18 };
void response_tag(const struct gyre_buf *file, uint8_t tag[TAG_LENGTH]);
int64_t response_modified(struct gyre_actor *, const struct gyre_buf *file);

/* A whole answer of our own: a short page that says the status. fields: further lines of the head,
 * each with its CRLF. */
void response_page(struct gyre_actor *, const struct request *, int status, gyre_view fields);
/* The same for what is no whole request, and the last of its connection; the caller ends that.
 * method: as far as it is known. */
void response_last(struct gyre_actor *, enum method method, int status);

/* 200 with the whole file. */
void response_whole(struct gyre_actor *, const struct request *, struct gyre_buf *file,
                    gyre_view path);
#endif

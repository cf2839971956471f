/* SPDX-License-Identifier: GPL-3.0-or-later
 * mime.h - the media type of a file, from the end of its name. The table is built in.
 */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include "bytes.h"

struct mime {
    const char *ending, *type;
    bool text; /* takes a charset */
};

/* What comes behind the last dot of the last segment, as a number that differs between endings.
 * 0: no ending. */
uint64_t mime_key(gyre_view path);

/* The row for a path; application/octet-stream for an ending that we do not know. Never NULL. */
const struct mime *mime_of(gyre_view path);
#endif

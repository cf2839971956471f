/* SPDX-License-Identifier: GPL-3.0-or-later
 * target.h - from the path of a request to the name of a file, and back.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "bytes.h"

enum { PATH_MOST = 4096 }; /* what the kernel takes */

/* Appends to `out` the path as a file's name: decoded once, without dot segments, without doubled
 * slashes, relative (no slash in front); *folder: it ended in a slash.
 * 0, or 400 (a bad escape, a NUL, a step above the root), 404 (a name that begins with a dot, other
 * than /.well-known; an encoded slash), 414 (it does not fit). */
int target_path(gyre_view encoded, gyre_out *out, bool *folder);

/* Appends a file's name encoded for a Location. It begins with exactly one slash, so that it never
 * names another host. */
void target_encode(gyre_view path, gyre_out *out);
#endif

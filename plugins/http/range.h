/* SPDX-License-Identifier: GPL-3.0-or-later
 * range.h - the Range field (RFC 9110, 14.1): which parts of a file are asked for.
 * Limits: RANGES_MAX parts, and together no more bytes than the file has. What asks for more gets
 * the whole file, as the RFC allows: such requests only cost.
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "bytes.h"

enum { RANGES_MAX = 16 };

struct range {
    uint64_t at, n;
};

enum range_answer {
    RANGE_IGNORE, /* not ours, wrong, or too much: send the whole */
    RANGE_NONE,   /* nothing of it lies in the file: 416 */
    RANGE_PARTS,  /* parts[0 … *n - 1], in the order asked for */
};
enum range_answer range_read(gyre_view value, uint64_t size, struct range parts[RANGES_MAX],
                             size_t *n);
#endif

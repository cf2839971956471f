/* SPDX-License-Identifier: GPL-3.0-or-later
 * condition.h - conditional requests (RFC 9110, 13). Knows no files: what there is, is handed in.
 */
#ifndef HTTP_CONDITION_H
#define HTTP_CONDITION_H

#include "parser.h"

/* What tells one version of a file from another. */
struct validators {
    gyre_view tag;    /* its entity tag with the quotes; a strong one. Empty: it has none */
    int64_t modified; /* seconds, as sent in Last-Modified */
    int64_t now;
};

/* In the order of RFC 9110, 13.2.2: 412, 304, or 0: go on. */
int condition_check(const struct request *r, const struct validators *v);

/* Whether Range counts: If-Range is not there, or names this very version. */
bool condition_range(const struct request *r, const struct validators *v);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * range.c - reads "bytes=0-99,-5"; see range.h.
 */
#include "range.h"

/* Digits at the front of *v; a number too large is the largest. false: there are none. */
static bool read_position(gyre_view *v, uint64_t *x)
{
    size_t n = 0;
    gyre_view digits;
    while (n < v->n && v->p[n] >= '0' && v->p[n] <= '9') n++;
    digits = gyre_head(v, n);
    if (!digits.n) return false;
    if (!gyre_dec(digits, UINT64_MAX, x)) *x = UINT64_MAX;
    return true;
}

/* One of "a-b", "a-", "-n". false: it is none. part->n 0: it lies outside of the file. */
static bool read_part(gyre_view spec, uint64_t size, struct range *part)
{
    uint64_t first = 0, last = UINT64_MAX;
    bool from_start = read_position(&spec, &first), to;
    if (!gyre_skip(&spec, GYRE_LIT("-"))) return false;
    to = read_position(&spec, &last);
    if (spec.n || (!from_start && !to) || (from_start && to && last < first)) return false;
    if (!from_start) {
        part->n = last < size ? last : size;
        part->at = size - part->n;
        return true;
    }
    part->at = first;
    part->n = 0;
    if (first < size) part->n = (last < size - 1 ? last : size - 1) - first + 1;
    return true;
}

enum range_answer range_read(gyre_view value, uint64_t size, struct range parts[RANGES_MAX],
                             size_t *n)
{
    gyre_view unit, spec;
    uint64_t total = 0;
    bool any = false;
    *n = 0;
    if (!gyre_until(&value, '=', &unit) || !gyre_eqi(unit, GYRE_LIT("bytes"))) return RANGE_IGNORE;
    while (value.n) {
        struct range part;
        if (!gyre_until(&value, ',', &spec)) spec = gyre_all(&value);
        spec = gyre_trim(spec);
        if (!spec.n) continue; /* lists may have empty elements */
        if (!read_part(spec, size, &part)) return RANGE_IGNORE;
        any = true;
        if (!part.n) continue;
        if (*n == RANGES_MAX || part.n > size - total) return RANGE_IGNORE;
        total += part.n;
        parts[(*n)++] = part;
    }
    if (!any) return RANGE_IGNORE;
    return *n ? RANGE_PARTS : RANGE_NONE;
}

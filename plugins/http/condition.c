/* SPDX-License-Identifier: GPL-3.0-or-later
 * condition.c - conditional requests; see condition.h. A value that cannot be read never matches,
 * and a date that cannot be read, or comes twice, is as if it had not come.
 */
#include "condition.h"
#include "date.h"

/* Cuts one entity tag with its quotes off *list. false: there is none that can be read. */
static bool cut_tag(gyre_view *list, gyre_view *tag, bool *weak)
{
    const uint8_t *end;
    while (list->n && (list->p[0] == ',' || list->p[0] == ' ' || list->p[0] == '\t'))
        (void)gyre_head(list, 1);
    *weak = gyre_skip(list, GYRE_LIT("W/"));
    if (!list->n || list->p[0] != '"') return false;
    end = memchr(list->p + 1, '"', list->n - 1);
    if (!end) return false;
    *tag = gyre_head(list, (size_t)(end - list->p) + 1);
    return !list->n || list->p[0] == ',' || list->p[0] == ' ' || list->p[0] == '\t';
}

/* Is `tag` in any line of the field? */
static bool tag_is_listed(const struct request *r, enum field_name id, gyre_view tag, bool weak_too)
{
    gyre_view list, one;
    bool weak;
    for (uint32_t nth = 0; field_find(r, id, nth, &list); nth++) {
        if (gyre_eq(list, GYRE_LIT("*"))) return true;
        while (cut_tag(&list, &one, &weak))
            if ((weak_too || !weak) && gyre_eq(one, tag)) return true;
    }
    return false;
}

static bool date_of(const struct request *r, enum field_name id, int64_t now, int64_t *second)
{
    gyre_view text;
    if (r->again & FIELD_BIT(id) || !field_find(r, id, 0, &text)) return false;
    return date_read(text, now, second);
}

int condition_check(const struct request *r, const struct validators *v)
{
    int64_t second;
    if (r->seen & FIELD_BIT(FIELD_IF_MATCH)) {
        if (!tag_is_listed(r, FIELD_IF_MATCH, v->tag, false)) return 412;
    } else if (date_of(r, FIELD_IF_UNMODIFIED_SINCE, v->now, &second)) {
        if (v->modified > second) return 412;
    }
    if (r->seen & FIELD_BIT(FIELD_IF_NONE_MATCH)) {
        if (tag_is_listed(r, FIELD_IF_NONE_MATCH, v->tag, true)) return 304;
    } else if (date_of(r, FIELD_IF_MODIFIED_SINCE, v->now, &second)) {
        if (v->modified <= second) return 304;
    }
    return 0;
}

bool condition_range(const struct request *r, const struct validators *v)
{
    gyre_view value, tag;
    int64_t second;
    bool weak;
    if (r->again & (FIELD_BIT(FIELD_RANGE) | FIELD_BIT(FIELD_IF_RANGE))) return false;
    if (!field_find(r, FIELD_IF_RANGE, 0, &value)) return true;
    if (date_of(r, FIELD_IF_RANGE, v->now, &second)) /* strong once a second has gone by */
        return second == v->modified && v->modified < v->now;
    return cut_tag(&value, &tag, &weak) && !weak && !value.n && gyre_eq(tag, v->tag);
}

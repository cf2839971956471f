/* SPDX-License-Identifier: GPL-3.0-or-later
 * fill.c - a plugin's conf struct, from its table of options and the entries of a section.
 *
 * Promise: writes only inside the struct, and only fields as wide as their kind; texts and lists go
 * into memory of the caller and end in a NUL. The entries were checked by another process and are
 * checked again: unknown keys, values, repetitions. Limits: LIMIT_OPTIONS.
 */
#include <stdlib.h>

#include "config.h"

struct filling {
    const struct entry *entries;
    size_t n;
    void *(*alloc)(void *user, size_t n);
    void *user;
    char *why;
    size_t why_n;
};

static bool refuse(struct filling *f, const char *where, const char *text)
{
    (void)snprintf(f->why, f->why_n, "%s: %s", where, text);
    return false;
}

static const char *keep(struct filling *f, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = f->alloc(f->user, n);
    if (copy) memcpy(copy, text, n);
    return copy;
}

static bool fill_list(struct filling *f, const struct option_info *o, void *field)
{
    struct gyre_list list = {NULL, 0};
    struct gyre_item *items;
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) n += !strcmp(f->entries[i].key, o->name);
    if (!n) return true;
    items = f->alloc(f->user, n * sizeof *items);
    if (!items) return refuse(f, o->name, "no memory");
    for (size_t i = 0; i < f->n; i++) {
        const struct entry *e = &f->entries[i];
        struct option_value value;
        char text[PROBLEM_TEXT];
        const char *copy, *where;
        if (strcmp(e->key, o->name) != 0) continue;
        if (!option_entry(o, e, &value, text, sizeof text)) return refuse(f, e->where, text);
        copy = keep(f, value.text);
        where = keep(f, e->where);
        free(value.text);
        if (!copy || !where) return refuse(f, e->where, "no memory");
        items[list.n++] = (struct gyre_item){gyre_str(copy), where};
    }
    list.at = items;
    memcpy(field, &list, sizeof list);
    return true;
}

static bool fill_one(struct filling *f, const struct option_info *o, void *field)
{
    struct option_value value;
    size_t given = 0;
    for (size_t i = 0; i < f->n; i++) {
        given += !strcmp(f->entries[i].key, o->name);
        if (given > 1) return refuse(f, f->entries[i].where, "given twice");
    }
    if (!option_given(o, f->entries, f->n, o->preset, &value, f->why, f->why_n)) return false;
    if (value.text) {
        const char *copy = keep(f, value.text);
        gyre_view view = gyre_str(copy);
        free(value.text);
        if (!copy) return refuse(f, o->name, "no memory");
        memcpy(field, &view, sizeof view);
    } else if (o->kind != GYRE_STRING && o->kind != GYRE_PATH && o->kind != GYRE_SECRET) {
        memcpy(field, &value.number, sizeof value.number);
    }
    return true;
}

static size_t width_of(uint32_t kind)
{
    if (kind & GYRE_LIST) return sizeof(struct gyre_list);
    if (kind == GYRE_STRING || kind == GYRE_PATH || kind == GYRE_SECRET) return sizeof(gyre_view);
    return sizeof(int64_t);
}

static bool is_option(const struct gyre_plugin *p, const char *key)
{
    if (option_named(host_options, option_count(host_options), key)) return true;
    for (size_t i = 0; p->options && i < LIMIT_OPTIONS; i++) {
        struct gyre_option row;
        descriptor_row(p->options, p->option_size, i, &row, sizeof row);
        if (!row.name) return false;
        if (!strcmp(row.name, key)) return true;
    }
    return false;
}

bool option_fill(const struct gyre_plugin *p, const struct entry *entries, size_t n, void *conf,
                 void *(*alloc)(void *user, size_t n), void *user, char *why, size_t why_n)
{
    struct filling f = {entries, n, alloc, user, why, why_n};
    for (size_t i = 0; i < n; i++)
        if (!is_option(p, entries[i].key)) {
            (void)snprintf(why, why_n, "%s: unknown key '%s'", entries[i].where, entries[i].key);
            return false;
        }
    for (size_t i = 0; p->options && i < LIMIT_OPTIONS; i++) {
        struct gyre_option row;
        descriptor_row(p->options, p->option_size, i, &row, sizeof row);
        if (!row.name) return true;
        const struct option_info o = {(char *)(uintptr_t)row.name, (char *)(uintptr_t)row.preset,
                                      (char *)(uintptr_t)row.range, NULL, row.kind};
        if (row.width != width_of(row.kind) || row.at > p->conf_size ||
            row.width > p->conf_size - row.at)
            return refuse(&f, row.name, "the option's field is not in the conf struct");
        uint8_t *field = (uint8_t *)conf + row.at;
        if (!(row.kind & GYRE_LIST ? fill_list(&f, &o, field) : fill_one(&f, &o, field)))
            return false;
    }
    return true;
}

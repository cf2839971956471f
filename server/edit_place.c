/* SPDX-License-Identifier: GPL-3.0-or-later
 * edit_place.c - where a person would put a new key or section, and what goes with an old one.
 *
 * It reads comments, which mean nothing to who serves: one that looks like a key, ";root = /srv",
 * is a key that is commented out. Promise: no place is inside of a value that goes on.
 */
#include "edit.h"

/* What stands behind the ; or # of a comment. */
static gyre_view comment_of(const struct edit_doc *d, size_t line)
{
    const struct ini_line *l = &d->map.lines[line];
    gyre_view text = {d->text.p + l->text, l->text_end - l->text};
    if (l->kind != INI_COMMENT) return GYRE_NOTHING;
    while (text.n && (text.p[0] == ';' || text.p[0] == '#')) (void)gyre_head(&text, 1);
    return gyre_trim(text);
}

/* ";root = /srv": gives the key. Prose with a '=' in it has blanks before. */
static bool is_key(const struct edit_doc *d, size_t line, gyre_view *key)
{
    gyre_view text = comment_of(d, line);
    if (!gyre_until(&text, '=', key)) return false;
    *key = gyre_trim(*key);
    for (size_t i = 0; i < key->n; i++)
        if (key->p[i] == ' ' || key->p[i] == '\t') return false;
    return key->n > 0;
}

/* ";[http]": from here on, what is commented out is of another section. */
static bool is_section(const struct edit_doc *d, size_t line)
{
    gyre_view text = comment_of(d, line);
    return text.n > 2 && text.p[0] == '[' && text.p[1] >= 'a' && text.p[1] <= 'z';
}

/* A comment in the midst of a value, which goes on below. */
static bool is_inside(const struct edit_doc *d, size_t line)
{
    while (line < d->map.n && d->map.lines[line].kind == INI_COMMENT) line++;
    return line < d->map.n && d->map.lines[line].kind == INI_MORE;
}

/* The last entry of a part, or NULL. */
static const struct edit_entry *last_entry(const struct edit_doc *d, const struct edit_part *part)
{
    for (size_t i = d->entries_n; i--;)
        if (d->entries[i].section == (size_t)(part - d->parts)) return &d->entries[i];
    return NULL;
}

size_t edit_place_key(const struct edit_doc *d, const struct edit_part *part, const char *key)
{
    const struct edit_entry *last = last_entry(d, part);
    gyre_view preset;
    size_t place = 0, at;
    for (size_t i = part->line + 1; i < part->end && !is_section(d, i); i++)
        if (is_key(d, i, &preset) && gyre_eq(preset, gyre_str(key)) && !is_inside(d, i))
            place = i + 1;
    if (place) return place;
    if (last) return last->last + 1;
    /* What is said of the section at once stays on top of its keys. */
    for (at = part->line + 1; at < part->end; at++)
        if (d->map.lines[at].kind != INI_COMMENT || is_section(d, at)) break;
    bool ends = at == d->map.n || d->map.lines[at].kind == INI_BLANK;
    return ends ? at : part->line + 1;
}

size_t edit_place_model(const struct edit_doc *d, const struct edit_part *part, size_t line)
{
    size_t model = d->map.n;
    for (size_t i = 0; i < d->entries_n; i++) {
        const struct edit_entry *e = &d->entries[i];
        if (!d->map.lines[e->first].value) continue;
        bool here = part && e->section == (size_t)(part - d->parts);
        if (here && (e->first < line || model == d->map.n)) model = e->first;
    }
    return model;
}

size_t edit_place_end(const struct edit_doc *d, const struct edit_part *part)
{
    const struct edit_entry *last = last_entry(d, part);
    size_t end = last ? last->last + 1 : part->line + 1;
    gyre_view key;
    for (size_t i = end; i < part->end && d->map.lines[i].kind == INI_COMMENT; i++) {
        if (is_section(d, i)) break;
        if (is_key(d, i, &key)) end = i + 1;
    }
    return end;
}

size_t edit_place_part(const struct edit_doc *d, const char *plugin)
{
    size_t place = d->map.n;
    for (size_t i = 0; i < d->parts_n; i++)
        if (!strcmp(d->parts[i].plugin, plugin)) place = edit_place_end(d, &d->parts[i]);
    return place;
}

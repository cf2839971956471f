/* SPDX-License-Identifier: GPL-3.0-or-later
 * edit.h - changes the text of one configuration file: text in, text out, and nothing else.
 *
 * Promise: reading the result gives the old configuration with that one change, and every byte that
 * is not of the change is as it was: comments, order, blank lines, CRLF, a missing last newline.
 * All but EDIT_SECTION want a section that stands in the text.
 */
#ifndef GYRE_EDIT_H
#define GYRE_EDIT_H

#include "config.h"

enum edit_kind {
    EDIT_SET,     /* a key has these values, in this order, and no others */
    EDIT_ADD,     /* one more value of a key, for each pair */
    EDIT_REMOVE,  /* the values of a key; a pair without a value: all of them */
    EDIT_SECTION, /* a new section, with these keys */
    EDIT_DROP,    /* a section, with all that is in it */
};
enum edit_place { EDIT_LAST, EDIT_FIRST, EDIT_BEFORE };
struct edit_pair {
    const char *key, *value; /* as it is written in a file; NULL: none */
};
struct edit {
    enum edit_kind kind;
    const char *section; /* "http blog.example.org", with one space */
    const struct edit_pair *pairs;
    size_t n;
    enum edit_place place; /* among the values of its key, of what is added */
    const char *before;    /* the value that it shall stand before */
};
struct edited {
    gyre_view text; /* safe_free it */
    uint32_t line;  /* where the change begins; 0: nothing had to be changed */
};
/* name: of the file, for problems. false: problems say why, and there is no text. */
bool edit_text(const char *name, gyre_view text, const struct edit *, struct edited *,
               struct problems *);

/* ---- edit_read.c: the text as edit.c sees it ---- */

struct edit_entry { /* a key with its value */
    char *key, *value;
    size_t section;     /* which one */
    size_t first, last; /* of its lines; comments may stand between */
};
struct edit_part { /* a section */
    char *name, *plugin;
    size_t line, end; /* its own line; the line of the next section, or that behind the last */
};
struct edit_doc {
    gyre_view text;
    struct ini_map map;
    struct edit_entry *entries;
    struct edit_part *parts;
    size_t entries_n, parts_n;
    bool crlf; /* how its lines end */
};
/* false: the text is wrong, problems say how; and the doc is to be freed none the less. */
bool edit_read(struct edit_doc *, const char *name, gyre_view text, struct problems *);
void edit_doc_free(struct edit_doc *);
/* The part of that name, or NULL. */
const struct edit_part *edit_part(const struct edit_doc *, const char *name);
/* The n-th value of a key in a part, from 0; or NULL. */
const struct edit_entry *edit_entry(const struct edit_doc *, const struct edit_part *,
                                    const char *key, size_t n);
/* Not NULL: why that value cannot be written in a file so that it is read as it is. */
const char *edit_value_why(const char *key, const char *value);

/* ---- edit_place.c: where a person would put it ---- */

/* Before which line a new key of a part stands best, among the `n` it may have already. */
size_t edit_place_key(const struct edit_doc *, const struct edit_part *, const char *key);
/* A line whose way of writing a new one before `line` follows; map.n: there is none. */
size_t edit_place_model(const struct edit_doc *, const struct edit_part *, size_t line);
/* The line behind the last that belongs to a part, with what is commented out at its end. */
size_t edit_place_end(const struct edit_doc *, const struct edit_part *);
/* Before which line a new section of a plugin stands best. */
size_t edit_place_part(const struct edit_doc *, const char *plugin);

/* ---- merge.c ---- */

/* base became mine: does the same to theirs, which came of base, too. false: the lines it touched
 * are not there any more as they were, or too much differs. merged: safe_free it. */
bool merge_text(gyre_view base, gyre_view mine, gyre_view theirs, gyre_view *merged);
#endif

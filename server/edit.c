/* SPDX-License-Identifier: GPL-3.0-or-later
 * edit.c - changes the text of one configuration file (edit.h), one small step after another.
 *
 * Each step cuts whole lines out, puts a line in, or writes another value into a line; then the
 * text is read again, so that a step never reckons with lines that have moved.
 * Promise: what was read before is read after, but for the step.
 * Limits: LIMIT_CONF_FILE, of the result too.
 */
#include "edit.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core.h"
#include "safe.h"

struct editing {
    const char *name;
    gyre_view given;     /* the caller's */
    struct edit_doc doc; /* of the text as it is now: the caller's, or one that is ours */
    uint32_t line;       /* where the first step changed something; 0: none did */
    struct problems *problems;
};

static bool refuse(struct editing *e, size_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* line: from 0; that behind the last: it is about no line. */
static bool refuse(struct editing *e, size_t line, const char *fmt, ...)
{
    char where[LIMIT_NAME + 16], text[PROBLEM_TEXT];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (line < e->doc.map.n)
        (void)snprintf(where, sizeof where, "%.*s:%u", LIMIT_NAME, e->name,
                       (uint32_t)line + 1);
    else (void)snprintf(where, sizeof where, "%.*s", LIMIT_NAME, e->name);
    problem_add(e->problems, false, where, "%s", text);
    return false;
}

/* ---- a new text ---- */

static gyre_view line_of(const struct editing *e, size_t line)
{
    const struct ini_line *l = &e->doc.map.lines[line];
    return GYRE_MAKE(gyre_view, e->doc.text.p + l->begin, l->end - l->begin);
}

/* Lines from..to, and before them what stands before the first line: a byte order mark. */
static void put_lines(const struct editing *e, gyre_out *out, size_t from, size_t to)
{
    const struct ini_map *map = &e->doc.map;
    if (from == 0) gyre_put(out, gyre_head(&(gyre_view){e->doc.text.p, e->doc.text.n},
                                           map->n ? map->lines[0].begin : e->doc.text.n));
    for (size_t i = from; i < to; i++) gyre_put(out, line_of(e, i));
}

/* Room for the text as it is and `more` bytes. */
static bool begin(struct editing *e, gyre_out *out, size_t more)
{
    size_t cap = e->doc.text.n + more;
    *out = (gyre_out){.p = malloc(cap + 1), .cap = cap};
    return out->p || refuse(e, e->doc.map.n, "no memory to change it");
}

/* The text becomes what was built; line: from 0, where it differs. */
static bool take(struct editing *e, gyre_out *out, size_t line)
{
    gyre_view text = {out->p, out->n}, old = e->doc.text;
    if (out->full) bug(__func__, "the room was reckoned too small");
    out->p[out->n] = 0;
    edit_doc_free(&e->doc);
    if (old.p != e->given.p) safe_free(old);
    if (!e->line || line + 1 < e->line) e->line = (uint32_t)line + 1;
    if (text.n > LIMIT_CONF_FILE) {
        e->doc.text = text;
        return refuse(e, 0, "the file becomes longer than %d bytes", LIMIT_CONF_FILE);
    }
    return edit_read(&e->doc, e->name, text, e->problems);
}

static gyre_view end_of_line(const struct editing *e)
{
    return e->doc.crlf ? GYRE_LIT("\r\n") : GYRE_LIT("\n");
}

/* ---- the steps ---- */

static bool cut_lines(struct editing *e, size_t from, size_t to)
{
    gyre_out out;
    if (!begin(e, &out, 0)) return false;
    put_lines(e, &out, 0, from);
    put_lines(e, &out, to, e->doc.map.n);
    return take(e, &out, from);
}

/* Whole lines, each with its end, before line `at`. Without an end at the end of the file it stays
 * so. */
static bool put_in(struct editing *e, size_t at, gyre_view lines)
{
    gyre_view eol = end_of_line(e);
    gyre_out out;
    size_t n = e->doc.map.n;
    bool open = n && at == n && e->doc.text.p[e->doc.text.n - 1] != '\n';
    if (!begin(e, &out, lines.n + eol.n)) return false;
    put_lines(e, &out, 0, at);
    if (open) {
        gyre_put(&out, eol);
        lines.n -= eol.n;
    }
    gyre_put(&out, lines);
    if (at) put_lines(e, &out, at, n);
    else for (size_t i = 0; i < n; i++) gyre_put(&out, line_of(e, i));
    return take(e, &out, at);
}

/* Another value in place of one: its further lines go, comments between them stay. */
static bool put_value(struct editing *e, const struct edit_entry *entry, const char *value)
{
    const struct ini_line *l = &e->doc.map.lines[entry->first];
    const uint8_t *p = e->doc.text.p;
    size_t first = entry->first, last = entry->last, n = strlen(value);
    gyre_out out;
    if (!strcmp(entry->value, value)) return true;
    if (!begin(e, &out, n + 4)) return false;
    put_lines(e, &out, 0, first);
    size_t keep = l->value ? l->value : l->text_end; /* up to there, the line stays */
    if (!n && l->value)
        while (p[keep - 1] == ' ' || p[keep - 1] == '\t') keep--;
    gyre_put(&out, GYRE_MAKE(gyre_view, p + l->begin, keep - l->begin));
    if (!l->value) gyre_put(&out, GYRE_LIT(" = "));
    else if (n && p[keep - 1] == '=' && keep - l->begin > 1 && p[keep - 2] == ' ')
        gyre_put_byte(&out, ' ');
    gyre_put(&out, gyre_str(value));
    gyre_put(&out, GYRE_MAKE(gyre_view, p + l->text_end, l->end - l->text_end));
    for (size_t i = first + 1; i <= last; i++)
        if (e->doc.map.lines[i].kind != INI_MORE) gyre_put(&out, line_of(e, i));
    put_lines(e, &out, last + 1, e->doc.map.n);
    return take(e, &out, first);
}

static bool cut_entry(struct editing *e, const struct edit_entry *entry)
{
    size_t first = entry->first, last = entry->last;
    gyre_out out;
    if (!begin(e, &out, 0)) return false;
    put_lines(e, &out, 0, first);
    for (size_t i = first + 1; i <= last; i++)
        if (e->doc.map.lines[i].kind != INI_MORE) gyre_put(&out, line_of(e, i));
    put_lines(e, &out, last + 1, e->doc.map.n);
    return take(e, &out, first);
}

/* ---- a line with a key, written as those around it ---- */

static const char *value_of(const struct edit_pair *pair)
{
    return pair->value ? pair->value : "";
}

static void put_key(const struct editing *e, gyre_out *out, size_t model, const char *key,
                    const char *value)
{
    const struct ini_line *l = model < e->doc.map.n ? &e->doc.map.lines[model] : NULL;
    gyre_view before = GYRE_LIT(" "), after = before, left, old;
    size_t pad = 0;
    if (l) {
        left = GYRE_MAKE(gyre_view, e->doc.text.p + l->text, l->text_end - l->text);
        if (!gyre_until(&left, '=', &old)) old = GYRE_NOTHING;
        pad = old.n - gyre_trim(old).n;
        bool tight = pad == 0 && left.n && left.p[0] != ' ' && left.p[0] != '\t';
        if (tight) before = after = GYRE_NOTHING;
        pad = pad > 1 && old.n > strlen(key) ? old.n - strlen(key) - 1 : 0; /* in a column */
    }
    gyre_put(out, gyre_str(key));
    while (pad--) gyre_put_byte(out, ' ');
    gyre_put(out, before);
    gyre_put_byte(out, '=');
    if (*value) gyre_put(out, after);
    gyre_put(out, gyre_str(value));
    gyre_put(out, end_of_line(e));
}

static bool put_in_key(struct editing *e, const struct edit_part *part, size_t at,
                       const struct edit_pair *pair)
{
    size_t cap = strlen(value_of(pair)) + (size_t)4 * LIMIT_NAME, model;
    model = edit_place_model(&e->doc, part, at);
    if (model < e->doc.map.n)
        cap += e->doc.map.lines[model].text_end - e->doc.map.lines[model].text;
    gyre_out line = {.p = malloc(cap), .cap = cap};
    if (!line.p) return refuse(e, at, "no memory to change it");
    put_key(e, &line, model, pair->key, value_of(pair));
    bool good = put_in(e, at, gyre_built(&line));
    explicit_bzero(line.p, cap);
    free(line.p);
    return good;
}

/* ---- what is asked for ---- */

static const struct edit_part *wanted_part(struct editing *e, const struct edit *edit)
{
    const struct edit_part *part = edit_part(&e->doc, edit->section);
    if (!part) (void)refuse(e, e->doc.map.n, "has no section [%s]", edit->section);
    return part;
}

/* How many pairs before this one are of the same key. */
static size_t rank(const struct edit *edit, size_t pair)
{
    size_t n = 0;
    for (size_t i = 0; i < pair; i++) n += !strcmp(edit->pairs[i].key, edit->pairs[pair].key);
    return n;
}

static bool set_pair(struct editing *e, const struct edit *edit, size_t at)
{
    const struct edit_pair *pair = &edit->pairs[at];
    size_t n = rank(edit, at);
    const struct edit_part *part = wanted_part(e, edit);
    if (!part) return false;
    const struct edit_entry *entry = edit_entry(&e->doc, part, pair->key, n);
    const struct edit_entry *before = n ? edit_entry(&e->doc, part, pair->key, n - 1) : NULL;
    if (entry) {
        if (!put_value(e, entry, value_of(pair))) return false;
    } else if (!put_in_key(e, part, before ? before->last + 1
                                           : edit_place_key(&e->doc, part, pair->key), pair)) {
        return false;
    }
    for (size_t i = at + 1; i < edit->n; i++)
        if (!strcmp(edit->pairs[i].key, pair->key)) return true; /* more values follow */
    while ((part = wanted_part(e, edit)) && (entry = edit_entry(&e->doc, part, pair->key, n + 1)))
        if (!cut_entry(e, entry)) return false;
    return part;
}

/* Values are equal though one has more blanks between its words. */
static bool same_words(const char *a, const char *b)
{
    for (;; a++, b++) {
        size_t a_n = strspn(a, " \t"), b_n = strspn(b, " \t");
        if (!a_n != !b_n) return false;
        a += a_n;
        b += b_n;
        if (*a != *b) return false;
        if (!*a) return true;
    }
}

/* The first entry of that key and value; value NULL: of that key. */
static const struct edit_entry *find(const struct editing *e, const struct edit_part *part,
                                     const char *key, const char *value)
{
    const struct edit_entry *entry;
    for (size_t n = 0; (entry = edit_entry(&e->doc, part, key, n)); n++)
        if (!value || same_words(entry->value, value)) return entry;
    return NULL;
}

/* Says what is there instead, but no value: it may be a secret. */
static bool not_there(struct editing *e, const struct edit_part *part, const char *key,
                      const char *value)
{
    struct nearest near = {.word = key};
    size_t n = 0;
    while (edit_entry(&e->doc, part, key, n)) n++;
    if (n && value)
        return refuse(e, edit_entry(&e->doc, part, key, 0)->first,
                      "no value of '%s' in [%s] is that one: 'gyrectl get' shows %s", key,
                      part->name, n > 1 ? "those there are" : "the one there is");
    for (size_t i = 0; i < e->doc.entries_n; i++)
        if (e->doc.entries[i].section == (size_t)(part - e->doc.parts))
            nearest_try(&near, e->doc.entries[i].key);
    if (near.name)
        return refuse(e, part->line, "no key '%s' in [%s], did you mean '%s'?", key, part->name,
                      near.name);
    return refuse(e, part->line, "no key '%s' in [%s]", key, part->name);
}

static bool add_pair(struct editing *e, const struct edit *edit, const struct edit_pair *pair)
{
    const struct edit_part *part = wanted_part(e, edit);
    const struct edit_entry *entry;
    size_t at;
    if (!part) return false;
    if (edit->place == EDIT_BEFORE) {
        entry = find(e, part, pair->key, edit->before);
        if (!entry) return not_there(e, part, pair->key, edit->before);
        at = entry->first;
    } else if ((entry = edit_entry(&e->doc, part, pair->key, 0))) {
        at = entry->first;
        for (size_t n = 1; edit->place == EDIT_LAST && entry; n++) {
            at = entry->last + 1;
            entry = edit_entry(&e->doc, part, pair->key, n);
        }
    } else {
        at = edit_place_key(&e->doc, part, pair->key);
    }
    return put_in_key(e, part, at, pair);
}

static bool remove_pair(struct editing *e, const struct edit *edit, const struct edit_pair *pair)
{
    const struct edit_part *part = wanted_part(e, edit);
    const struct edit_entry *entry = part ? find(e, part, pair->key, pair->value) : NULL;
    if (part && !entry) return not_there(e, part, pair->key, pair->value);
    while (entry) {
        if (!cut_entry(e, entry)) return false;
        part = wanted_part(e, edit);
        entry = part ? find(e, part, pair->key, pair->value) : NULL;
    }
    return part;
}

static bool is_blank_line(const struct editing *e, size_t line)
{
    return line < e->doc.map.n && e->doc.map.lines[line].kind == INI_BLANK;
}

/* One of the blank lines around what goes is enough. */
static bool drop(struct editing *e, const struct edit *edit)
{
    const struct edit_part *part = wanted_part(e, edit);
    if (!part) return false;
    size_t from = part->line, to = edit_place_end(&e->doc, part);
    if (!from || is_blank_line(e, from - 1))
        while (is_blank_line(e, to)) to++;
    if (to == e->doc.map.n)
        while (from && is_blank_line(e, from - 1)) from--;
    return cut_lines(e, from, to);
}

static bool add_section(struct editing *e, const struct edit *edit)
{
    struct conf_section s = {0};
    const char *why = conf_section_split(edit->section, &s);
    gyre_view eol = end_of_line(e);
    bool good = !why, made = false;
    gyre_out out = {.cap = strlen(edit->section) + 16};
    size_t at = good ? edit_place_part(&e->doc, s.plugin) : 0, n = e->doc.map.n;
    conf_section_free(&s);
    for (size_t i = 0; i < edit->n; i++)
        out.cap += strlen(edit->pairs[i].key) + strlen(value_of(&edit->pairs[i])) + 8;
    if (!good) return refuse(e, n, "[%s]: %s", edit->section, why);
    if (edit_part(&e->doc, edit->section))
        return refuse(e, edit_part(&e->doc, edit->section)->line, "[%s] is there already",
                      edit->section);
    out.p = malloc(out.cap);
    if (!out.p) return refuse(e, n, "no memory to change it");
    bool gap = at && !is_blank_line(e, at - 1);
    if (gap) gyre_put(&out, eol);
    gyre_put_byte(&out, '[');
    gyre_put(&out, gyre_str(edit->section));
    gyre_put_byte(&out, ']');
    gyre_put(&out, eol);
    for (size_t i = 0; i < edit->n; i++)
        put_key(e, &out, n, edit->pairs[i].key, value_of(&edit->pairs[i]));
    if (at < n && !is_blank_line(e, at)) gyre_put(&out, eol);
    made = put_in(e, at, gyre_built(&out));
    if (made && gap) e->line++; /* the blank line is no news */
    explicit_bzero(out.p, out.cap);
    free(out.p);
    return made;
}

static bool run(struct editing *e, const struct edit *edit)
{
    bool good = true;
    for (size_t i = 0; i < edit->n; i++) {
        const struct edit_pair *pair = &edit->pairs[i];
        const char *why = edit_value_why(pair->key, value_of(pair));
        if (why) return refuse(e, e->doc.map.n, "%.48s: %s", pair->key, why);
    }
    if (edit->kind == EDIT_SECTION) return add_section(e, edit);
    if (edit->kind == EDIT_DROP) return drop(e, edit);
    for (size_t i = 0; good && i < edit->n; i++) {
        bool back = edit->kind == EDIT_ADD && edit->place == EDIT_FIRST; /* the last one first */
        const struct edit_pair *pair = &edit->pairs[back ? edit->n - 1 - i : i];
        good = edit->kind == EDIT_SET   ? set_pair(e, edit, i)
               : edit->kind == EDIT_ADD ? add_pair(e, edit, pair)
                                        : remove_pair(e, edit, pair);
    }
    return good;
}

bool edit_text(const char *name, gyre_view text, const struct edit *edit, struct edited *out,
               struct problems *problems)
{
    struct editing e = {.name = name, .given = text, .problems = problems};
    bool good = edit_read(&e.doc, name, text, problems) && run(&e, edit);
    gyre_view made = e.doc.text;
    edit_doc_free(&e.doc);
    if (good && made.p == text.p) { /* nothing was to be done */
        uint8_t *copy = malloc(text.n + 1);
        if (!copy) {
            problem_add(problems, false, name, "no memory to change it");
            return false;
        }
        if (text.n) memcpy(copy, text.p, text.n);
        copy[text.n] = 0;
        made = GYRE_MAKE(gyre_view, copy, text.n);
    }
    if (good) *out = (struct edited){made, e.line};
    else if (made.p != text.p) safe_free(made);
    return good;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * ini.c - from the text of a file to keys and values. The only file that knows inih.
 *
 * inih as it is packaged tells no line numbers, splits lines at 200 bytes, cuts section names at
 * 49 and reads an indented line as a key given twice. So this file cuts the text into lines, joins
 * continuations, drops comments, and hands inih one whole line at a time through its reader: the
 * line that is being read is known when inih calls back. A value that is longer than inih's buffer
 * stays here (aside); inih sees a dash in its place, and the callback gives the value kept.
 *
 * Grammar: [section]; key = value; a comment begins with ; or # at the start of a line, or with a
 * blank and ; anywhere; an indented line goes on with the value above it, over comments but not
 * over empty lines. Only the left edge begins a section or a key.
 * Promise: defined for any bytes; every line that is wrong is told, with its number. A map of all
 * lines, where one is asked for, covers every byte but a byte order mark: see edit.c.
 * Limits: LIMIT_CONF_FILE, LIMIT_CONF_VALUE, LIMIT_NAME for sections and keys.
 */
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>

#include "config.h"

struct reading {
    const char *name;
    gyre_view left; /* text not looked at yet */
    uint32_t line;  /* lines cut off it */
    ini_key *on_key;
    void *user;
    struct problems *problems;
    char section[LIMIT_NAME + 1];
    uint32_t section_line; /* 0: no section yet */
    bool skipping;         /* the section line was wrong: its keys mean nothing */
    gyre_out whole;        /* the line with its continuations */
    uint32_t whole_line;   /* where it begins */
    bool wrong;            /* it is not handed on */
    char key[LIMIT_NAME + 1];
    const char *value; /* in whole */
    bool aside;        /* value is too long for inih */
    struct ini_map *map; /* or NULL */
    size_t n;            /* of the text */
    bool waiting;      /* inih has the line and has not called back */
    bool failed, stopped;
};

static void complain(struct reading *r, bool warning, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void complain(struct reading *r, bool warning, uint32_t line, const char *fmt, ...)
{
    char where[LIMIT_NAME + 16], text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)snprintf(where, sizeof where, "%.*s:%u", LIMIT_NAME, r->name, line);
    problem_add(r->problems, warning, where, "%s", text);
    if (!warning) r->failed = true;
}

/* ---- lines ---- */

enum shape { SHAPE_BLANK, SHAPE_COMMENT, SHAPE_INDENTED, SHAPE_EDGE };

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static enum shape shape_of(gyre_view line)
{
    gyre_view text = gyre_trim(line);
    if (!text.n) return SHAPE_BLANK;
    if (text.p[0] == ';' || text.p[0] == '#') return SHAPE_COMMENT;
    return is_blank(line.p[0]) ? SHAPE_INDENTED : SHAPE_EDGE;
}

/* The line that was just cut off, on the map. */
static void put_on_map(struct reading *r, size_t begin, gyre_view line)
{
    struct ini_map *m = r->map;
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 64;
        struct ini_line *lines = reallocarray(m->lines, cap, sizeof *lines);
        if (!lines) {
            complain(r, false, r->line, "no memory to read it");
            r->wrong = r->stopped = true;
            return;
        }
        m->lines = lines;
        m->cap = cap;
    }
    gyre_view text = gyre_trim(line);
    size_t at = begin + (text.n ? (size_t)(text.p - line.p) : 0);
    m->lines[m->n++] = (struct ini_line){
        .kind = shape_of(line) == SHAPE_BLANK ? INI_BLANK : INI_COMMENT,
        .begin = begin, .text = at, .text_end = at + text.n, .end = r->n - r->left.n};
}

/* That line is no comment: text is what counts of it. */
static void mark(struct reading *r, enum ini_kind kind, gyre_view line, gyre_view text)
{
    if (!r->map || r->stopped) return;
    struct ini_line *on = &r->map->lines[r->map->n - 1];
    gyre_view key, left = text;
    on->kind = kind;
    on->text = on->begin + (text.n ? (size_t)(text.p - line.p) : 0);
    on->text_end = on->text + text.n;
    if (kind == INI_KEY && gyre_until(&left, '=', &key))
        on->value = on->text_end - gyre_trim(left).n;
}

static bool next_line(struct reading *r, gyre_view *line)
{
    size_t begin = r->n - r->left.n;
    if (!r->left.n || r->stopped) return false;
    if (!gyre_line(&r->left, line)) {
        *line = gyre_all(&r->left);
        if (line->p[line->n - 1] == '\r') line->n--;
    }
    r->line++;
    if (r->map) put_on_map(r, begin, *line);
    for (size_t i = 0; i < line->n; i++) {
        uint8_t c = line->p[i];
        if ((c >= 0x20 && c != 0x7f) || c == '\t') continue;
        complain(r, false, r->line, c ? "control character 0x%02x: remove it"
                                      : "a NUL byte (0x%02x): this is no text in UTF-8", c);
        r->wrong = true;
        if (!c) r->stopped = true;
        break;
    }
    return true;
}

/* Appends a line to the whole one, without its comment. */
static void append(struct reading *r, enum ini_kind kind, gyre_view line)
{
    gyre_view text = line;
    for (size_t i = 1; i < text.n; i++)
        if (text.p[i] == ';' && is_blank(text.p[i - 1])) text.n = i;
    text = gyre_trim(text);
    gyre_put(&r->whole, text);
    mark(r, kind, line, text);
}

/* Letters, digits, _ and -. */
static bool is_of_key(uint8_t c)
{
    uint8_t low = gyre_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* An indented line that may have been meant as a line of its own. */
static void doubt(struct reading *r, gyre_view line)
{
    gyre_view text = gyre_trim(line), key;
    bool section = text.n > 2 && text.p[0] == '[' && text.p[1] >= 'a' && text.p[1] <= 'z' &&
                   text.p[text.n - 1] == ']';
    bool assignment = gyre_until(&text, '=', &key) && key.n > 1 && is_blank(key.p[key.n - 1]);
    key = assignment ? gyre_trim(key) : GYRE_NOTHING;
    for (size_t i = 0; i < key.n; i++)
        assignment = assignment && is_of_key(key.p[i]);
    if (!section && !assignment) return;
    complain(r, true, r->line, "indented, so it is part of the value above: start it at the left "
                               "edge if it is a %s", section ? "section" : "key");
}

/* What the next line is, if it were to be cut now. */
static enum shape shape_ahead(const struct reading *r)
{
    gyre_view left = r->left, line;
    if (!left.n) return SHAPE_BLANK;
    if (!gyre_line(&left, &line)) line = left;
    return shape_of(line);
}

/* Gathers the next line that is no comment, with its continuations. false: the text has ended. */
static bool gather(struct reading *r)
{
    gyre_view line;
    enum shape shape;
    r->whole.n = 0;
    r->whole.full = r->wrong = false;
    do {
        if (!next_line(r, &line)) return false;
        shape = shape_of(line);
    } while (!r->wrong && (shape == SHAPE_BLANK || shape == SHAPE_COMMENT));
    r->whole_line = r->line;
    if (!r->wrong && shape == SHAPE_INDENTED) {
        complain(r, false, r->line, "an indented line goes on with a value, and there is none "
                                    "above: start keys and sections at the left edge");
        r->wrong = true;
    }
    bool section = line.n && line.p[0] == '[';
    append(r, section ? INI_SECTION : INI_KEY, line);
    if (section) return true;
    while ((shape = shape_ahead(r)) == SHAPE_COMMENT || shape == SHAPE_INDENTED) {
        if (!next_line(r, &line)) break;
        if (shape == SHAPE_COMMENT) continue;
        if (!r->wrong) doubt(r, line);
        gyre_put_byte(&r->whole, ' ');
        append(r, INI_MORE, line);
    }
    if (r->whole.full && !r->wrong) {
        complain(r, false, r->whole_line, "longer than %d bytes", LIMIT_CONF_VALUE);
        r->wrong = true;
    }
    return true;
}

/* ---- what a whole line says ---- */

static bool copy_name(char to[LIMIT_NAME + 1], gyre_view name)
{
    if (!name.n || name.n > LIMIT_NAME) return false;
    memcpy(to, name.p, name.n);
    to[name.n] = 0;
    return true;
}

/* "[http]": tells of it. false: it is wrong. */
static bool begin_section(struct reading *r, gyre_view line)
{
    gyre_view name;
    r->skipping = true;
    (void)gyre_head(&line, 1);
    if (!gyre_until(&line, ']', &name)) {
        complain(r, false, r->whole_line, "no ']' ends the name of the section");
        return false;
    }
    name = gyre_trim(name);
    if (line.n) {
        complain(r, false, r->whole_line, "nothing may follow ']' but a comment");
        return false;
    }
    if (!copy_name(r->section, name)) {
        complain(r, false, r->whole_line, name.n ? "the name of a section has at most %d bytes"
                                                 : "a section needs a name (of at most %d bytes)",
                 LIMIT_NAME);
        return false;
    }
    r->skipping = false;
    r->section_line = r->whole_line;
    if (!r->on_key(r->user, r->section, r->section_line, NULL, NULL, r->whole_line))
        r->failed = r->stopped = true;
    return !r->stopped;
}

/* "key = value": splits it. false: it is wrong. */
static bool begin_key(struct reading *r, gyre_view line)
{
    gyre_view key, shown = {line.p, line.n < 32 ? line.n : 32};
    bool good = gyre_until(&line, '=', &key);
    if (r->skipping) return false;
    if (!good) {
        complain(r, false, r->whole_line, "'%.*s' has no '=': write key = value", (int)shown.n,
                 (const char *)shown.p);
        return false;
    }
    key = gyre_trim(key);
    good = copy_name(r->key, key);
    for (size_t i = 0; i < key.n; i++) good = good && is_of_key(key.p[i]);
    if (!good) {
        complain(r, false, r->whole_line, "'%.*s' begins with no key: letters, digits, _ and -, "
                                          "at most %d, then '='",
                 (int)shown.n, (const char *)shown.p, LIMIT_NAME);
        return false;
    }
    if (!r->section_line) {
        complain(r, false, r->whole_line, "'%s' stands before any [section]", r->key);
        return false;
    }
    line = gyre_trim(line);
    r->value = (const char *)line.p; /* whole ends in a NUL, and so does this part of it */
    r->waiting = true;
    return true;
}

/* ---- inih ---- */

/* inih asks for a line: it is done with the one before. */
static void settle(struct reading *r)
{
    if (r->waiting) complain(r, false, r->whole_line, "not understood: write key = value");
    r->waiting = false;
}

/* ini_reader: the next line that is right, whole, and never longer than `size` allows. */
static char *feed(char *to, int size, void *user)
{
    struct reading *r = user;
    settle(r);
    while (gather(r)) {
        gyre_view line = gyre_built(&r->whole);
        int n;
        if (r->wrong) continue;
        r->whole.p[r->whole.n] = 0;
        if (line.p[0] == '[') {
            if (!begin_section(r, line)) continue;
            n = snprintf(to, (size_t)size, "[%s]\n", r->section);
        } else {
            if (!begin_key(r, line)) continue;
            n = snprintf(to, (size_t)size, "%s=%s\n", r->key, r->value);
            r->aside = n >= size;
            if (r->aside) n = snprintf(to, (size_t)size, "%s=-\n", r->key);
        }
        if (n < size) return to;
        settle(r);
    }
    return NULL;
}

/* ini_handler. Some builds of inih call with name NULL for a section; that was told already. */
static int take(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    if (!key) return 1;
    if (!r->waiting || strcmp(section, r->section) || strcmp(key, r->key)) return 0;
    r->waiting = false;
    if (!r->on_key(r->user, section, r->section_line, key, r->aside ? r->value : value,
                   r->whole_line))
        r->failed = r->stopped = true;
    return 1;
}

bool ini_read(const char *name, gyre_view text, ini_key *on_key, void *user,
              struct problems *problems)
{
    return ini_read_map(name, text, on_key, user, NULL, problems);
}

bool ini_read_map(const char *name, gyre_view text, ini_key *on_key, void *user,
                  struct ini_map *map, struct problems *problems)
{
    struct reading r = {.name = name, .left = text, .on_key = on_key, .user = user,
                        .problems = problems, .map = map, .n = text.n};
    int refused;
    if (text.n > LIMIT_CONF_FILE) {
        complain(&r, false, 1, "longer than %d bytes", LIMIT_CONF_FILE);
        return false;
    }
    r.whole.p = malloc(LIMIT_CONF_VALUE + 1);
    r.whole.cap = LIMIT_CONF_VALUE;
    if (!r.whole.p) {
        complain(&r, false, 1, "no memory to read it");
        return false;
    }
    if (gyre_skip(&text, GYRE_LIT("\xef\xbb\xbf"))) r.left = text;
    refused = ini_parse_stream(feed, &r, take, &r);
    settle(&r);
    if (refused && !r.failed) complain(&r, false, r.line, "inih gave up (%d)", refused);
    free(r.whole.p);
    return !r.failed;
}

void ini_map_free(struct ini_map *map)
{
    free(map->lines);
    *map = (struct ini_map){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * edit.c - the target for changes of a configuration's text (server/edit.h).
 *
 * The input's first line is what is asked for, its words between tabs: a letter for the kind (s a r
 * n d; f: add first; b: add before the value in the second word), the section, then pairs. The rest
 * is the text. Oracles: the result reads as the old configuration with that one change; lines that
 * are not of the change are there as they were, byte for byte; it can be undone; what is refused
 * is told.
 */
#include <stdlib.h>

#include "alloc.h"
#include "edit.h"
#include "fuzz.h"
#include "safe.h"

const char fuzz_past[] = "were done";

enum { PAIRS = 6, WORD = 200 };

static struct order { /* the first line */
    struct edit edit;
    struct edit_pair pairs[PAIRS];
    char words[PAIRS + 2][WORD];
} order;

void fuzz_begin(const char *unused)
{
    (void)unused;
}

void fuzz_end(void)
{
}

static char *word_of(size_t i, gyre_view word)
{
    size_t n = word.n < WORD - 1 ? word.n : WORD - 1;
    if (n) memcpy(order.words[i], word.p, n);
    order.words[i][n] = '\0';
    return order.words[i];
}

static bool read_order(gyre_view *input)
{
    gyre_view line, word;
    struct edit *e = &order.edit;
    *e = (struct edit){.section = "", .pairs = order.pairs};
    if (!gyre_until(input, '\n', &line) || !line.n) return false;
    switch (line.p[0]) {
    case 'a': e->kind = EDIT_ADD; break;
    case 'f': e->kind = EDIT_ADD, e->place = EDIT_FIRST; break;
    case 'b': e->kind = EDIT_ADD, e->place = EDIT_BEFORE; break;
    case 'r': e->kind = EDIT_REMOVE; break;
    case 'n': e->kind = EDIT_SECTION; break;
    case 'd': e->kind = EDIT_DROP; break;
    default: e->kind = EDIT_SET;
    }
    if (!gyre_until(&line, '\t', &word)) return false;
    for (size_t i = 0; line.n && i < PAIRS + 2; i++) {
        if (!gyre_until(&line, '\t', &word)) word = gyre_all(&line);
        char *text = word_of(i, word), *equals = strchr(text, '=');
        if (i == 0) {
            struct conf_section s = {0};
            if (!conf_section_split(text, &s)) snprintf(text, WORD, "%s", s.name);
            conf_section_free(&s);
            e->section = text;
        } else if (i == 1 && e->place == EDIT_BEFORE) {
            e->before = text;
        } else if (e->n < PAIRS) {
            if (equals) *equals = '\0';
            bool bare = !equals && e->kind == EDIT_REMOVE;
            order.pairs[e->n++] = (struct edit_pair){text, equals ? equals + 1 : bare ? NULL : ""};
        }
    }
    return (e->kind == EDIT_SECTION || e->kind == EDIT_DROP || e->n) &&
           (e->place != EDIT_BEFORE || e->before);
}

/* ---- what is read ---- */

static const struct edit_doc *result;

/* The section that is changed: the first of its name. One that was dropped is not in the result. */
static const struct edit_part *part_of(const struct edit_doc *d)
{
    return order.edit.kind == EDIT_DROP && d == result ? NULL : edit_part(d, order.edit.section);
}

static size_t target(const struct edit_doc *d)
{
    const struct edit_part *part = part_of(d);
    return part ? (size_t)(part - d->parts) : d->parts_n;
}

static bool is_asked(const struct edit_doc *d, const struct edit_entry *e)
{
    if (e->section != target(d)) return false;
    if (order.edit.kind == EDIT_DROP || order.edit.kind == EDIT_SECTION) return true;
    for (size_t i = 0; i < order.edit.n; i++)
        if (!strcmp(order.pairs[i].key, e->key)) return true;
    return false;
}

/* The next entry that has nothing to do with the change, from i on. */
static const struct edit_entry *next_other(const struct edit_doc *d, size_t *i)
{
    while (*i < d->entries_n && is_asked(d, &d->entries[*i])) ++*i;
    return *i < d->entries_n ? &d->entries[(*i)++] : NULL;
}

static void check_others(const struct edit_doc *old, const struct edit_doc *new)
{
    for (size_t i = 0, j = 0;;) {
        const struct edit_entry *a = next_other(old, &i), *b = next_other(new, &j);
        if (!a && !b) return;
        if (!a || !b || strcmp(a->key, b->key) != 0 || strcmp(a->value, b->value) != 0 ||
            strcmp(old->parts[a->section].name, new->parts[b->section].name) != 0)
            fuzz_wrong("others", "%s=%s has become %s=%s", a ? a->key : "", a ? a->value : "",
                       b ? b->key : "", b ? b->value : "");
    }
}

static size_t count(const struct edit_doc *d, const char *key)
{
    size_t n = 0;
    const struct edit_part *part = edit_part(d, order.edit.section);
    while (part && edit_entry(d, part, key, n)) n++;
    return n;
}

/* Values of the pairs of that key, in order, are values of the section from `from` on. */
static void check_run(const struct edit_doc *new, const char *key, size_t from)
{
    const struct edit_part *part = edit_part(new, order.edit.section);
    for (size_t i = 0; i < order.edit.n; i++) {
        if (strcmp(order.pairs[i].key, key) != 0) continue;
        const struct edit_entry *e = edit_entry(new, part, key, from++);
        if (!e || strcmp(e->value, order.pairs[i].value) != 0)
            fuzz_wrong("values", "'%s' is '%s', not '%s'", key, e ? e->value : "not there",
                       order.pairs[i].value);
    }
}

static void check_values(const struct edit_doc *old, const struct edit_doc *new, const char *key)
{
    size_t pairs = 0, had = count(old, key), has = count(new, key);
    for (size_t i = 0; i < order.edit.n; i++) pairs += !strcmp(order.pairs[i].key, key);
    if (order.edit.kind == EDIT_SET || order.edit.kind == EDIT_SECTION) {
        if (has != pairs) fuzz_wrong("values", "%zu of '%s', not %zu", has, key, pairs);
        check_run(new, key, 0);
    } else if (order.edit.kind == EDIT_ADD) {
        if (has != had + pairs) fuzz_wrong("values", "%zu more of '%s'", has - had, key);
        if (order.edit.place == EDIT_LAST) check_run(new, key, had);
        if (order.edit.place == EDIT_FIRST) check_run(new, key, 0);
    } else if (has >= had && had) {
        fuzz_wrong("values", "nothing of '%s' has gone", key);
    }
}

/* ---- bytes ---- */

/* A line with nothing of the change in it: what is around an entry's value counts, too. */
static bool is_line_of(const struct edit_doc *d, size_t line)
{
    const struct edit_part *part = part_of(d);
    if (d->map.lines[line].kind == INI_COMMENT || d->map.lines[line].kind == INI_BLANK)
        return order.edit.kind == EDIT_SECTION && d->map.lines[line].kind == INI_BLANK;
    if (part && order.edit.kind >= EDIT_SECTION && line == part->line) return true;
    for (size_t i = 0; i < d->entries_n; i++)
        if (is_asked(d, &d->entries[i]) && line >= d->entries[i].first &&
            line <= d->entries[i].last)
            return true;
    return false;
}

static gyre_view bytes_of(const struct edit_doc *d, size_t line)
{
    const struct ini_line *l = &d->map.lines[line];
    gyre_view bytes = {d->text.p + l->begin, l->end - l->begin};
    if (line + 1 < d->map.n) return bytes;
    while (bytes.n && (bytes.p[bytes.n - 1] == '\n' || bytes.p[bytes.n - 1] == '\r')) bytes.n--;
    return bytes; /* the last may have got an end, or lost it */
}

static bool same_line(const struct edit_doc *a, size_t i, const struct edit_doc *b, size_t j)
{
    gyre_view x = bytes_of(a, i), y = bytes_of(b, j);
    if (i + 1 == a->map.n || j + 1 == b->map.n) {
        while (x.n && (x.p[x.n - 1] == '\n' || x.p[x.n - 1] == '\r')) x.n--;
        while (y.n && (y.p[y.n - 1] == '\n' || y.p[y.n - 1] == '\r')) y.n--;
    }
    return gyre_eq(x, y);
}

static void check_lines(const struct edit_doc *old, const struct edit_doc *new)
{
    size_t i = 0, j = 0;
    for (;; i++, j++) {
        while (i < old->map.n && is_line_of(old, i)) i++;
        while (j < new->map.n && is_line_of(new, j)) j++;
        if (order.edit.kind == EDIT_DROP) /* what is commented out in it goes, too */
            while (i < old->map.n && (j == new->map.n || !same_line(old, i, new, j)) &&
                   (is_line_of(old, i) || old->map.lines[i].kind <= INI_COMMENT))
                i++;
        if (i == old->map.n && j == new->map.n) return;
        if (i == old->map.n || j == new->map.n || !same_line(old, i, new, j))
            fuzz_wrong("bytes", "line %zu is not as it was", i + 1);
    }
}

static void check(gyre_view before, gyre_view after)
{
    struct edit_doc old, new;
    struct problems problems = {0};
    if (!edit_read(&old, "a.ini", before, &problems)) fuzz_wrong("read", "the old text is wrong");
    if (!edit_read(&new, "a.ini", after, &problems))
        fuzz_wrong("read", "the new text is wrong: %s", problems.at[problems.n - 1].text);
    result = &new;
    check_others(&old, &new);
    check_lines(&old, &new);
    if (order.edit.kind == EDIT_DROP) {
        if (new.parts_n + 1 != old.parts_n) fuzz_wrong("sections", "%zu are left", new.parts_n);
    } else {
        size_t more = order.edit.kind == EDIT_SECTION;
        if (new.parts_n != old.parts_n + more) fuzz_wrong("sections", "there are %zu", new.parts_n);
        for (size_t i = 0; i < order.edit.n; i++) check_values(&old, &new, order.pairs[i].key);
    }
    edit_doc_free(&old);
    edit_doc_free(&new);
    problems_free(&problems);
}

/* The change is undone: as it was left, and with a line more at the top. */
static void check_undo(gyre_view before, gyre_view after)
{
    static const char top[] = "; the first line\n";
    gyre_view merged;
    if (!merge_text(after, before, after, &merged) || !gyre_eq(merged, before))
        fuzz_wrong("undo", "it is not as it was");
    safe_free(merged);
    gyre_out more = {.p = malloc(after.n + sizeof top), .cap = after.n + sizeof top};
    gyre_put(&more, GYRE_LIT("; the first line\n"));
    gyre_put(&more, after);
    if (merge_text(after, before, gyre_built(&more), &merged)) {
        gyre_view rest = merged;
        if (!gyre_skip(&rest, gyre_str(top)) || !gyre_eq(rest, before))
            fuzz_wrong("undo", "below another line it is not as it was");
        safe_free(merged);
    } else if (after.n && before.n) {
        fuzz_wrong("undo", "another line is in the way");
    }
    free(more.p);
}

void fuzz_one(gyre_view input)
{
    uint64_t alive = alloc_live();
    struct problems problems = {0};
    struct edited out = {0};
    if (!read_order(&input)) return;
    bool good = edit_text("a.ini", input, &order.edit, &out, &problems);
    if (good && fuzz_plants && out.line > 2) ((uint8_t *)(uintptr_t)out.text.p)[0] ^= 1;
    if (fuzz_shows && good) printf("%s", (const char *)out.text.p);
    for (size_t i = 0; fuzz_shows && i < problems.n; i++) puts(problems.at[i].text);
    if (good && problems.errors) fuzz_wrong("told", "done, in spite of %s", problems.at[0].text);
    if (!good && !problems.errors) fuzz_wrong("told", "refused without a word");
    if (good) {
        bool same = gyre_eq(input, out.text);
        if (same != !out.line)
            fuzz_wrong("told", "line %u, and it is %s", out.line, same ? "the same" : "another");
        check(input, out.text);
        check_undo(input, out.text);
        safe_free(out.text);
    }
    problems_free(&problems);
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
    fuzz_count.past += good;
    fuzz_count.further += good && out.line > 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * edit_read.c - the text of a file as edit.c sees it: parts, their entries, and the lines of each.
 *
 * Made by the one reader of INI text (ini.c), so that what is edited is what is served.
 * Owns the names and values until edit_doc_free, which wipes values: one may be a secret.
 */
#include <stdlib.h>

#include "edit.h"

struct filling {
    struct edit_doc *doc;
    bool no_memory;
};

static bool add_part(struct filling *f, const char *text, uint32_t line)
{
    struct edit_doc *d = f->doc;
    struct edit_part *parts = reallocarray(d->parts, d->parts_n + 1, sizeof *parts), *part;
    struct conf_section s = {0};
    if (!parts) return false;
    d->parts = parts;
    part = &parts[d->parts_n];
    bool right = !conf_section_split(text, &s); /* if not, who reads all files says why */
    *part = (struct edit_part){.name = strdup(right ? s.name : text),
                               .plugin = strdup(right ? s.plugin : ""), .line = line - 1};
    conf_section_free(&s);
    if (part->name && part->plugin) {
        d->parts_n++;
        return true;
    }
    free(part->name);
    free(part->plugin);
    return false;
}

static bool add_entry(struct filling *f, const char *key, const char *value, uint32_t line)
{
    struct edit_doc *d = f->doc;
    struct edit_entry *entries = reallocarray(d->entries, d->entries_n + 1, sizeof *entries), *e;
    if (!entries) return false;
    d->entries = entries;
    e = &entries[d->entries_n];
    *e = (struct edit_entry){.key = strdup(key), .value = strdup(value),
                             .section = d->parts_n - 1, .first = line - 1, .last = line - 1};
    if (e->key && e->value) {
        d->entries_n++;
        return true;
    }
    free(e->key);
    free(e->value);
    return false;
}

static bool take(void *user, const char *section, uint32_t section_line, const char *key,
                 const char *value, uint32_t line)
{
    struct filling *f = user;
    f->no_memory = key ? !add_entry(f, key, value, line) : !add_part(f, section, section_line);
    return !f->no_memory;
}

/* The last line of each entry, the end of each part, and the kind of line ends. */
static void find_ends(struct edit_doc *d)
{
    size_t entry = 0;
    for (size_t i = 0; i < d->map.n; i++) {
        while (entry + 1 < d->entries_n && d->entries[entry + 1].first <= i) entry++;
        if (d->map.lines[i].kind == INI_MORE) d->entries[entry].last = i;
    }
    for (size_t i = 0; i < d->parts_n; i++)
        d->parts[i].end = i + 1 < d->parts_n ? d->parts[i + 1].line : d->map.n;
    const uint8_t *lf = d->text.n ? memchr(d->text.p, '\n', d->text.n) : NULL;
    d->crlf = lf && lf > d->text.p && lf[-1] == '\r';
}

bool edit_read(struct edit_doc *d, const char *name, gyre_view text, struct problems *problems)
{
    struct filling f = {.doc = d};
    *d = (struct edit_doc){.text = text};
    if (!ini_read_map(name, text, take, &f, &d->map, problems)) {
        if (f.no_memory) problem_add(problems, false, name, "no memory to change it");
        return false;
    }
    find_ends(d);
    return true;
}

void edit_doc_free(struct edit_doc *d)
{
    for (size_t i = 0; i < d->entries_n; i++) {
        explicit_bzero(d->entries[i].value, strlen(d->entries[i].value));
        free(d->entries[i].key);
        free(d->entries[i].value);
    }
    for (size_t i = 0; i < d->parts_n; i++) {
        free(d->parts[i].name);
        free(d->parts[i].plugin);
    }
    free(d->entries);
    free(d->parts);
    ini_map_free(&d->map);
    *d = (struct edit_doc){0};
}

const struct edit_part *edit_part(const struct edit_doc *d, const char *name)
{
    for (size_t i = 0; i < d->parts_n; i++)
        if (!strcmp(d->parts[i].name, name)) return &d->parts[i];
    return NULL;
}

const struct edit_entry *edit_entry(const struct edit_doc *d, const struct edit_part *part,
                                    const char *key, size_t n)
{
    for (size_t i = 0; i < d->entries_n; i++) {
        const struct edit_entry *e = &d->entries[i];
        if (e->section == (size_t)(part - d->parts) && !strcmp(e->key, key) && !n--) return e;
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

const char *edit_value_why(const char *key, const char *value)
{
    size_t n = strlen(value), key_n = strlen(key);
    for (size_t i = 0; i < key_n; i++) {
        char c = (char)gyre_lower((uint8_t)key[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-') key_n = 0;
    }
    if (!key_n || key_n > LIMIT_NAME) return "no key: letters, digits, _ and -, then '='";
    if (key_n + n + 8 > LIMIT_CONF_VALUE) return "the value is too long for a file";
    if (n && (is_blank(value[0]) || is_blank(value[n - 1])))
        return "a value in a file has no blanks at its ends";
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a value in a file has no control characters";
        if (c == ';' && (!i || is_blank(value[i - 1])))
            return "in a file a ';' after a blank begins a comment: it cannot stand in a value";
    }
    return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * json.c - see json.h. One pass over the bytes; the open lists and objects stand in an array of
 * JSON_DEPTH. All values are in one block, all texts in another: a decoded text and its NUL are
 * never longer than what stood in the document.
 */
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
    struct json root; /* first: the pointer that users hold */
    struct json *values;
    char *texts;
};
struct reader {
    const char *p, *end;
    struct json *values;
    size_t values_n;
    char *text; /* where the next one goes */
    const char *wrong;
    struct json *open[JSON_DEPTH], *last[JSON_DEPTH]; /* last: the newest member */
    size_t depth;
};

static void space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static bool fails(struct reader *r, const char *wrong)
{
    if (!r->wrong) r->wrong = wrong;
    return false;
}

static bool takes(struct reader *r, char c)
{
    if (r->p >= r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* ---- text ---- */

static bool four_digits(struct reader *r, uint32_t *code)
{
    *code = 0;
    if (r->end - r->p < 4) return fails(r, "a short \\u");
    for (int i = 0; i < 4; i++) {
        char c = *r->p++, low = (char)(c | 0x20);
        uint32_t digit = c >= '0' && c <= '9'       ? (uint32_t)(c - '0')
                         : low >= 'a' && low <= 'f' ? (uint32_t)(low - 'a' + 10)
                                                    : 16;
        if (digit > 15) return fails(r, "a wrong \\u");
        *code = *code << 4 | digit;
    }
    return true;
}

static void put_code(struct reader *r, uint32_t code)
{
    if (code < 0x80) {
        *r->text++ = (char)code;
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    *r->text++ = (char)(marks[more] | code >> (6 * more));
    for (int i = more - 1; i >= 0; i--) *r->text++ = (char)(0x80 | (code >> (6 * i) & 0x3f));
}

static bool unicode(struct reader *r)
{
    uint32_t code, low;
    if (!four_digits(r, &code)) return false;
    if (code == 0) return fails(r, "a NUL in a text");
    if (code >= 0xd800 && code < 0xdc00) {
        if (!takes(r, '\\') || !takes(r, 'u') || !four_digits(r, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return fails(r, "half a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    } else if (code >= 0xdc00 && code < 0xe000) {
        return fails(r, "half a surrogate pair");
    }
    put_code(r, code);
    return true;
}

/* After a backslash. */
static bool escape(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (takes(r, 'u')) return unicode(r);
    const char *at = r->p < r->end && *r->p ? strchr(names, *r->p) : NULL;
    if (!at) return fails(r, "an unknown escape");
    *r->text++ = bytes[at - names];
    r->p++;
    return true;
}

/* After the quote. NULL: it is wrong. */
static const char *text(struct reader *r)
{
    const char *begin = r->text;
    for (;;) {
        if (r->p >= r->end) {
            (void)fails(r, "a text without end");
            return NULL;
        }
        char c = *r->p++;
        if (c == '"') break;
        if ((unsigned char)c < 0x20) {
            (void)fails(r, "a control byte in a text");
            return NULL;
        }
        if (c != '\\') *r->text++ = c;
        else if (!escape(r)) return NULL;
    }
    *r->text++ = '\0';
    return begin;
}

/* ---- values ---- */

static size_t digits(struct reader *r)
{
    size_t n = 0;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
        r->p++;
        n++;
    }
    return n;
}

static bool number(struct reader *r, struct json *v)
{
    const char *begin = r->p;
    (void)takes(r, '-');
    bool right = takes(r, '0') || digits(r);
    if (right && takes(r, '.')) right = digits(r) != 0;
    if (right && (takes(r, 'e') || takes(r, 'E'))) {
        if (!takes(r, '+')) (void)takes(r, '-');
        right = digits(r) != 0;
    }
    if (!right) return fails(r, "a wrong number");
    size_t n = (size_t)(r->p - begin);
    v->kind = JSON_NUMBER;
    v->text = r->text;
    memcpy(r->text, begin, n);
    r->text[n] = '\0';
    r->text += n + 1;
    return true;
}

static bool word(struct reader *r, struct json *v)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(r->end - r->p) < n || memcmp(r->p, words[i].word, n) != 0) continue;
        r->p += n;
        v->kind = words[i].kind;
        return true;
    }
    return fails(r, "no value");
}

/* One value at the reader; a list or object is only opened. */
static bool value(struct reader *r, struct json *v)
{
    v->text = "";
    if (takes(r, '"')) {
        v->kind = JSON_TEXT;
        return (v->text = text(r)) != NULL;
    }
    if (r->p < r->end && (*r->p == '-' || (*r->p >= '0' && *r->p <= '9'))) return number(r, v);
    if (r->p >= r->end || (*r->p != '[' && *r->p != '{')) return word(r, v);
    v->kind = *r->p++ == '[' ? JSON_LIST : JSON_OBJECT;
    if (r->depth == JSON_DEPTH) return fails(r, "too deep");
    r->open[r->depth] = v;
    r->last[r->depth++] = NULL;
    return true;
}

/* The next member of the innermost list or object, with its key. */
static bool member(struct reader *r)
{
    struct json *in = r->open[r->depth - 1], **last = &r->last[r->depth - 1];
    struct json *v = &r->values[r->values_n++];
    *v = (struct json){.text = ""};
    if (in->kind == JSON_OBJECT) {
        if (!takes(r, '"')) return fails(r, "no key");
        v->key = text(r);
        if (!v->key) return false;
        space(r);
        if (!takes(r, ':')) return fails(r, "no colon after a key");
        space(r);
    }
    if (*last) (*last)->next = v;
    else in->first = v;
    *last = v;
    return value(r, v);
}

static bool document(struct reader *r, struct json *root)
{
    space(r);
    if (!value(r, root)) return false;
    while (r->depth) {
        struct json *in = r->open[r->depth - 1];
        space(r);
        if (takes(r, in->kind == JSON_LIST ? ']' : '}')) {
            r->depth--;
            continue;
        }
        if (in->first) {
            if (!takes(r, ',')) return fails(r, "no comma between two values");
            space(r);
        }
        if (!member(r)) return false;
    }
    space(r);
    return r->p == r->end || fails(r, "something after the end");
}

struct json *json_read(const char *bytes, size_t n, char *why, size_t why_n)
{
    struct reader r = {.p = bytes, .end = bytes + n};
    struct document *d = n <= JSON_BYTES ? calloc(1, sizeof *d) : NULL;
    size_t values = 1;
    for (size_t i = 0; i < n; i++) values += bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{';
    if (d) d->values = r.values = malloc(values * sizeof *d->values);
    if (d) d->texts = r.text = malloc(n + 2);
    if (!d || !d->values || !d->texts) r.wrong = n > JSON_BYTES ? "it is too long" : "no memory";
    else (void)document(&r, &d->root);
    if (!r.wrong) return &d->root;
    (void)snprintf(why, why_n, "at byte %zu: %s", (size_t)(r.p - bytes), r.wrong);
    if (d) json_free(&d->root);
    return NULL;
}

void json_free(struct json *document_root)
{
    struct document *d = (struct document *)document_root;
    if (!d) return;
    free(d->values);
    free(d->texts);
    free(d);
}

const struct json *json_at(const struct json *object, const char *key)
{
    static const struct json nothing = {.kind = JSON_NULL, .text = ""};
    for (const struct json *m = object->kind == JSON_OBJECT ? object->first : NULL; m; m = m->next)
        if (strcmp(m->key, key) == 0) return m;
    return &nothing;
}

int64_t json_number(const struct json *v)
{
    char *end;
    errno = 0;
    long long n = v->kind == JSON_NUMBER ? strtoll(v->text, &end, 10) : 0;
    return v->kind == JSON_NUMBER && !errno && !*end ? n : 0;
}

bool json_true(const struct json *v)
{
    return v->kind == JSON_TRUE;
}

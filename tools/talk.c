/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk.c - reads a talk script (talk.h has the language) into steps.
 *
 * Owns the steps until talk_free. Knows no host: what a name means is checked, not done.
 * Promise: a wrong script gives one message, "file:line: what, and what would be right".
 * Limits: TALK_CLIENTS names, SCRIPT_MOST bytes.
 */
#include "talk.h"

#include <stdlib.h>

enum { SCRIPT_MOST = 4 * 1024 * 1024 };

struct reader {
    struct talk *talk;
    const char *tmp, *at; /* at: in the line */
    uint32_t line;
    bool started;         /* a client was opened */
    bool ended[TALK_CLIENTS]; /* it said eof or reset, and sends no more */
    char *why;
    size_t why_n;
};

static bool wrong(struct reader *r, const char *text, const char *what)
{
    snprintf(r->why, r->why_n, "%s:%u: %s%s", r->talk->path, r->line, text, what);
    return false;
}

/* ---- words ---- */

static void skip_spaces(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t') r->at++;
}

/* The end of a statement: of the line, a comment, or two spaces and no string behind them. */
static bool at_end(const struct reader *r)
{
    const char *p = r->at;
    while (*p == ' ' || *p == '\t') p++;
    if (!*p || *p == '#') return true;
    return (p - r->at >= 2 || *r->at == '\t') && !talk_begins_bytes(p);
}

static bool word(struct reader *r, char *out, size_t n)
{
    size_t used = 0;
    out[0] = 0;
    if (at_end(r)) return false;
    skip_spaces(r);
    while (*r->at && *r->at != ' ' && *r->at != '\t' && used + 1 < n) out[used++] = *r->at++;
    out[used] = 0;
    return used && (!*r->at || *r->at == ' ' || *r->at == '\t');
}

static bool bytes(struct reader *r, struct talk_step *s, bool pattern, const char *form)
{
    char why[128];
    const char *p = r->at;
    while (*p == ' ' || *p == '\t') p++;
    if (!talk_begins_bytes(p)) return wrong(r, "bytes are missing: write ", form);
    r->at = p;
    if (!talk_bytes_read(&r->at, r->tmp, pattern, &s->bytes, why, sizeof why))
        return wrong(r, "", why);
    if (r->at[-1] == ' ' || r->at[-1] == '\t') r->at--; /* a gap of the statement's end */
    if (r->at[-1] == ' ' || r->at[-1] == '\t') r->at--;
    return true;
}

/* The rest of the statement as bytes: a string, or words as they stand. */
static bool value(struct reader *r, struct talk_step *s)
{
    char text[512];
    size_t n = 0;
    skip_spaces(r);
    if (talk_begins_bytes(r->at)) return bytes(r, s, false, "\"value\"");
    text[n++] = '"';
    while (!at_end(r) && n + 3 < sizeof text) {
        if (*r->at == '"' || *r->at == '\\') text[n++] = '\\';
        text[n++] = *r->at++;
    }
    text[n++] = '"';
    text[n] = 0;
    const char *p = text;
    char why[128];
    if (!at_end(r)) return wrong(r, "the value is too long: write it as a \"string\"", "");
    return talk_bytes_read(&p, r->tmp, false, &s->bytes, why, sizeof why) || wrong(r, "", why);
}

static bool number(struct reader *r, int64_t least, int64_t most, int64_t *out, const char *form)
{
    char text[32];
    uint64_t x = 0;
    if (!word(r, text, sizeof text) || !gyre_dec(gyre_str(text), (uint64_t)most, &x) ||
        (int64_t)x < least)
        return wrong(r, "a number is missing: write ", form);
    *out = (int64_t)x;
    return true;
}

static bool duration(struct reader *r, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"ms", 1000000},          {"s", 1000000000},        {"m", 60 * 1000000000LL},
                 {"h", 3600 * 1000000000LL}, {"d", 86400 * 1000000000LL}};
    char text[32];
    size_t digits = 0;
    uint64_t x = 0;
    if (!word(r, text, sizeof text)) return wrong(r, "how long? Write wait 5s", "");
    while (text[digits] >= '0' && text[digits] <= '9') digits++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + digits, units[i].unit) != 0) continue;
        if (!gyre_dec((gyre_view){(const uint8_t *)text, digits}, 100000, &x)) break;
        *out = (int64_t)x * units[i].ns;
        return true;
    }
    return wrong(r, "no such time; write 500ms 5s 5m 2h or 1d, not ", text);
}

/* ---- names ---- */

static bool good_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (i && name[i] >= '0' && name[i] <= '9')))
            return false;
    return n && n < TALK_NAME;
}

/* The place of a name; made: it may be new. */
static bool name_at(struct reader *r, const char *name, bool made, uint32_t *out)
{
    struct talk *t = r->talk;
    for (*out = 0; *out < t->names_n; ++*out)
        if (!strcmp(t->names[*out], name)) return true;
    if (!made) return wrong(r, "there is no client or statement of that name: ", name);
    if (!good_name(name)) return wrong(r, "a client is named like a, b2 or carol, not ", name);
    if (t->names_n == TALK_CLIENTS) return wrong(r, "too many clients", "");
    snprintf(t->names[t->names_n++], TALK_NAME, "%s", name);
    return true;
}

/* ---- statements that begin with a name ---- */

static bool read_open(struct reader *r, struct talk_step *s)
{
    char w[TALK_NAME];
    s->verb = TALK_OPEN;
    r->started = true;
    while (word(r, w, sizeof w)) {
        if (!strcmp(w, "udp")) s->datagrams = true;
        else if (strcmp(w, "from") != 0)
            return wrong(r, "after open: udp, from \"IP:PORT\", not ", w);
        else if (!bytes(r, s, false, "a open from \"192.0.2.1:7\"")) return false;
    }
    r->talk->datagrams[s->who] = s->datagrams;
    r->ended[s->who] = false;
    return true;
}

static bool read_closed(struct reader *r, struct talk_step *s)
{
    static const struct {
        const char *word;
        int why;
    } whys[] = {{"reset", TALK_WHY_RESET},   {"timeout", GYRE_TIMEOUT}, {"big", GYRE_TOO_BIG},
                {"bad", GYRE_BAD_INPUT},     {"slow", GYRE_SLOW},       {"refused", GYRE_REFUSED},
                {"shutdown", GYRE_SHUTDOWN}, {"reload", GYRE_RELOAD},   {"owner", GYRE_OWNER},
                {"memory", GYRE_NO_MEMORY}};
    char w[TALK_NAME];
    s->verb = TALK_CLOSED;
    if (!word(r, w, sizeof w)) return true;
    for (size_t i = 0; i < sizeof whys / sizeof *whys; i++)
        if (!strcmp(w, whys[i].word)) s->number = whys[i].why;
    return s->number || wrong(r, "closed by what? reset timeout big bad slow refused shutdown "
                                 "reload owner memory, not ", w);
}

static bool read_send(struct reader *r, struct talk_step *s)
{
    s->verb = TALK_SEND;
    s->datagrams = r->talk->datagrams[s->who];
    if (!s->datagrams) s->message = ++r->talk->messages;
    if (r->ended[s->who]) return wrong(r, "it has ended its side, and sends no more", "");
    return bytes(r, s, false, "a > \"bytes\"");
}

/* eof, reset, slow, fast, silent, accepts. */
static bool read_plain_named(struct reader *r, struct talk_step *s)
{
    if (r->talk->datagrams[s->who] && s->verb != TALK_SILENT)
        return wrong(r, "a UDP client has no stream to end, and none to read slowly", "");
    r->ended[s->who] = s->verb == TALK_EOF || s->verb == TALK_RESET ||
                       (r->ended[s->who] && s->verb != TALK_ACCEPTS);
    return true;
}

static bool read_named(struct reader *r, struct talk_step *s, const char *name)
{
    static const struct {
        const char *word;
        enum talk_verb verb;
    } plain[] = {{"silent", TALK_SILENT}, {"eof", TALK_EOF},   {"reset", TALK_RESET},
                 {"slow", TALK_SLOW},     {"fast", TALK_FAST}, {"accepts", TALK_ACCEPTS}};
    char op[TALK_NAME];
    bool had = word(r, op, sizeof op);
    if (!name_at(r, name, had && !strcmp(op, "open"), &s->who)) return false;
    if (!strcmp(op, "open")) return read_open(r, s);
    if (!strcmp(op, "closed")) return read_closed(r, s);
    if (!strcmp(op, ">")) return read_send(r, s);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        s->verb = plain[i].verb;
        if (!strcmp(op, plain[i].word)) return read_plain_named(r, s);
    }
    s->verb = TALK_READ;
    if (!strcmp(op, "<")) return bytes(r, s, false, "a < \"bytes\"");
    s->verb = TALK_MATCH;
    if (!strcmp(op, "<~")) return bytes(r, s, true, "a <~ \"pattern*\"");
    s->verb = TALK_KEEPS;
    if (!strcmp(op, "keeps")) return bytes(r, s, false, "a keeps \"ETag: \"");
    s->verb = TALK_COUNT;
    if (!strcmp(op, "<=")) return number(r, 1, INT32_MAX, &s->number, "a <= 100");
    return wrong(r, "a client can open > < <~ <= keeps silent eof reset closed slow fast, not ",
                 op);
}

/* ---- the other statements ---- */

static bool read_key(struct reader *r, struct talk_step *s, const char *form)
{
    char key[256];
    if (!word(r, key, sizeof key)) return wrong(r, "write ", form);
    if (!strcmp(key, "listen"))
        return wrong(r, "gyre-test listens by itself; leave listen out", "");
    s->key = strdup(key);
    return s->key || wrong(r, "no memory", "");
}

static bool read_peer(struct reader *r, struct talk_step *s)
{
    static const char form[] = "peer p listens \"tcp:10.0.0.1:80\"";
    char name[TALK_NAME], op[TALK_NAME];
    if (!word(r, name, sizeof name) || !word(r, op, sizeof op) || strcmp(op, "listens") != 0)
        return wrong(r, "write ", form);
    return name_at(r, name, true, &s->who) && bytes(r, s, false, form);
}

static bool read_setup(struct reader *r, struct talk_step *s)
{
    if (r->started) return wrong(r, "this comes before the first open", "");
    if (s->verb == TALK_WORKERS) return number(r, 1, 16, &s->number, "workers 2");
    if (s->verb == TALK_CLOCK) return bytes(r, s, false, "clock \"2026-11-22T10:00:00Z\"");
    return read_key(r, s, "set KEY VALUE") && value(r, s);
}

static bool read_plain(struct reader *r, struct talk_step *s, const char *first, bool *known)
{
    static const struct {
        const char *word;
        enum talk_verb verb;
    } all[] = {{"wait", TALK_WAIT},       {"drain", TALK_DRAIN},     {"peer", TALK_LISTENS},
               {"refused", TALK_REFUSED}, {"expect-log", TALK_LOG},  {"reload", TALK_RELOAD},
               {"file", TALK_FILE},       {"workers", TALK_WORKERS}, {"clock", TALK_CLOCK},
               {"set", TALK_SET}};
    size_t i = 0, n = sizeof all / sizeof *all;
    while (i < n && strcmp(first, all[i].word) != 0) i++;
    *known = i < n;
    if (!*known) return false;
    s->verb = all[i].verb;
    switch (s->verb) {
    case TALK_WAIT: return duration(r, &s->number);
    case TALK_DRAIN: return true;
    case TALK_LISTENS: return read_peer(r, s);
    case TALK_REFUSED: return bytes(r, s, false, "refused \"part\"");
    case TALK_LOG: return bytes(r, s, false, "expect-log \"part\"");
    case TALK_RELOAD:
        return at_end(r) || (read_key(r, s, "reload KEY VALUE") && value(r, s));
    case TALK_FILE:
        return read_key(r, s, "file NAME \"content\"") &&
               bytes(r, s, false, "file NAME \"content\"");
    default: return read_setup(r, s);
    }
}

/* ---- lines ---- */

static struct talk_step *step_add(struct talk *t)
{
    if ((t->n & (t->n - 1)) == 0) {
        struct talk_step *grown = realloc(t->steps, (t->n ? 2 * t->n : 1) * sizeof *grown);
        if (!grown) return NULL;
        t->steps = grown;
    }
    t->steps[t->n] = (struct talk_step){0};
    return &t->steps[t->n++];
}

static bool read_statement(struct reader *r)
{
    char first[TALK_NAME];
    bool known = false;
    skip_spaces(r);
    const char *from = r->at;
    struct talk_step *s = step_add(r->talk);
    if (!s) return wrong(r, "no memory", "");
    s->line = r->line;
    if (!word(r, first, sizeof first)) return wrong(r, "no statement begins like this: ", first);
    if (!read_plain(r, s, first, &known) && (known || !read_named(r, s, first))) return false;
    if (!at_end(r))
        return wrong(r, "two spaces or more end a statement; this is too much: ", r->at);
    s->text = strndup(from, (size_t)(r->at - from));
    return s->text || wrong(r, "no memory", "");
}

static bool read_line(struct reader *r)
{
    bool more = *r->at == ' ' || *r->at == '\t';
    skip_spaces(r);
    struct talk_step *last = r->talk->n ? &r->talk->steps[r->talk->n - 1] : NULL;
    if (talk_begins_bytes(r->at)) {
        char why[128];
        if (!more || !last || !last->bytes.n)
            return wrong(r, "a string goes on only behind another, on an indented line", "");
        bool pattern = last->verb == TALK_MATCH;
        if (!talk_bytes_read(&r->at, r->tmp, pattern, &last->bytes, why, sizeof why))
            return wrong(r, "", why);
    }
    for (skip_spaces(r); *r->at && *r->at != '#'; skip_spaces(r))
        if (!read_statement(r)) return false;
    return true;
}

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(SCRIPT_MOST) : NULL;
    size_t n = text ? fread(text, 1, SCRIPT_MOST - 1, f) : 0;
    if (f) fclose(f);
    if (text) text[n] = 0;
    return text;
}

struct talk *talk_read(const char *path, const char *tmp, char *why, size_t why_n)
{
    char *text = read_whole(path), *line = text, *end;
    struct talk *t = calloc(1, sizeof *t);
    struct reader r = {.talk = t, .tmp = tmp, .why = why, .why_n = why_n};
    bool good = text && t && (t->path = strdup(path));
    snprintf(why, why_n, "%s: cannot be read", path);
    for (; good && *line; line = end) {
        size_t n = strcspn(line, "\n");
        end = line + n + (line[n] != 0);
        line[n] = 0;
        r.line++;
        r.at = line;
        good = read_line(&r);
    }
    if (good && !t->n) good = wrong(&r, "the script is empty", "");
    free(text);
    if (good) return t;
    talk_free(t);
    return NULL;
}

void talk_free(struct talk *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) {
        talk_bytes_free(&t->steps[i].bytes);
        free(t->steps[i].key);
        free(t->steps[i].text);
    }
    free(t->steps);
    free(t->path);
    free(t);
}

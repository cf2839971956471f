/* SPDX-License-Identifier: GPL-3.0-or-later
 * metadata_read.c - reads what a plugin says of itself (metadata.c) and believes none of it.
 *
 * Promise: defined for any bytes. What comes back is sound: names, kinds, ranges, presets, no name
 * twice, no control characters, nothing that takes a name of the host. why goes on after the name
 * of the plugin's file: "has no name".
 * Limits: LIMIT_METADATA, LIMIT_TEXT, LIMIT_NAME, LIMIT_OPTIONS, LIMIT_METRICS, LIMIT_INTERFACES.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "config.h"

struct reading {
    gyre_view left;     /* fields of the line, not yet read */
    bool more;          /* another field comes */
    const char *option; /* that is being read, or NULL */
    struct plugin_info *info;
    char *why;
    size_t why_n;
};

static bool wrong(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct reading *r, const char *fmt, ...)
{
    char text[PROBLEM_TEXT];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (r->option) (void)snprintf(r->why, r->why_n, "has an option '%.48s': %s", r->option, text);
    else (void)snprintf(r->why, r->why_n, "%s", text);
    return false;
}

/* ---- fields ---- */

static bool take_field(struct reading *r, gyre_view *field)
{
    if (!r->more) return wrong(r, "says too little about itself");
    r->more = gyre_until(&r->left, '\t', field);
    if (!r->more) *field = gyre_all(&r->left);
    return true;
}

/* A text, unescaped and allocated; *text stays NULL for \N. */
static bool take_text(struct reading *r, size_t most, char **text)
{
    uint8_t bytes[LIMIT_TEXT];
    gyre_out out = GYRE_OUT(bytes);
    gyre_view field;
    bool odd = false;
    if (!take_field(r, &field)) return false;
    if (gyre_eq(field, GYRE_LIT("\\N"))) return true;
    while (field.n) {
        uint8_t c = gyre_head(&field, 1).p[0];
        odd = odd || c < 0x20 || c == 0x7f;
        if (c == '\\') { /* the other escapes are those of control characters */
            c = field.n ? gyre_head(&field, 1).p[0] : 0;
            odd = odd || c != '\\';
        }
        gyre_put_byte(&out, c);
    }
    if (odd) return wrong(r, "has a text with control characters");
    if (out.full || out.n > most) return wrong(r, "has a text of more than %zu bytes", most);
    *text = strndup((const char *)out.p, out.n);
    return *text ? true : wrong(r, "cannot be described: no memory");
}

static bool take_number(struct reading *r, uint64_t most, uint32_t *number)
{
    gyre_view field;
    uint64_t x;
    if (!take_field(r, &field)) return false;
    if (!gyre_dec(field, most, &x)) return wrong(r, "has a number out of range");
    *number = (uint32_t)x;
    return true;
}

static bool take_bool(struct reading *r, bool *flag)
{
    uint32_t number;
    if (!take_number(r, 1, &number)) return false;
    *flag = number != 0;
    return true;
}

static bool take_end(struct reading *r)
{
    return r->more ? wrong(r, "says too much about itself") : true;
}

/* ---- records ---- */

/* What the stream kind declares takes the place of the host's presets, so must be in its ranges. */
static bool check_stream(struct reading *r)
{
    char space[32], text[PROBLEM_TEXT];
    for (const struct option_info *o = host_options; o->name; o++) {
        struct option_info with = *o;
        if (option_preset(o, r->info, space) != space) continue;
        with.preset = space;
        if (!option_is_sound(&with, text, sizeof text))
            return wrong(r, "has a stream whose %s is out of range: %s", o->name, text);
    }
    return true;
}

static bool read_plugin(struct reading *r)
{
    struct plugin_info *i = r->info;
    uint64_t most = UINT32_MAX;
    if (i->name) return wrong(r, "describes itself twice");
    if (!take_text(r, LIMIT_TEXT, &i->name) || !take_text(r, LIMIT_TEXT, &i->version) ||
        !take_text(r, LIMIT_TEXT, &i->summary) || !take_number(r, most, &i->target) ||
        !take_number(r, most, &i->flags) || !take_bool(r, &i->streams) ||
        !take_bool(r, &i->datagrams) || !take_number(r, most, &i->message_max) ||
        !take_number(r, most, &i->high_mark) || !take_number(r, most, &i->idle_ms) ||
        !take_number(r, most, &i->handshake_ms) || !take_end(r))
        return false;
    if (!i->name || !i->version || !i->summary || !i->name[0]) return wrong(r, "has no name");
    if (!name_is_valid(i->name))
        return wrong(r, "has the name '%.48s': a name has lower case letters, digits, _ and -, at "
                        "most %d", i->name, LIMIT_NAME - 1);
    if (!strcmp(i->name, "server")) return wrong(r, "has the name 'server', which is the host's");
    if (i->target > GYRE_MINOR)
        return wrong(r, "needs host minor %u, this is %d: update Gyre, or build the plugin with a "
                        "lower GYRE_TARGET", i->target, GYRE_MINOR);
    return check_stream(r);
}

static bool read_option(struct reading *r)
{
    struct plugin_info *i = r->info;
    struct option_info *o;
    char text[PROBLEM_TEXT];
    if (!i->options) i->options = calloc(LIMIT_OPTIONS, sizeof *i->options);
    if (!i->options) return wrong(r, "cannot be described: no memory");
    if (i->options_n == LIMIT_OPTIONS) return wrong(r, "has more than %d options", LIMIT_OPTIONS);
    o = &i->options[i->options_n++];
    if (!take_text(r, LIMIT_TEXT, &o->name)) return false;
    if (!o->name) return wrong(r, "has an option without a name");
    r->option = o->name;
    if (!take_number(r, UINT32_MAX, &o->kind) || !take_text(r, LIMIT_TEXT, &o->preset) ||
        !take_text(r, LIMIT_TEXT, &o->range) || !take_text(r, LIMIT_TEXT, &o->help) ||
        !take_end(r))
        return false;
    if (!name_is_valid(o->name))
        return wrong(r, "a name has lower case letters, digits, _ and -, at most %d",
                     LIMIT_NAME - 1);
    if (!o->help) return wrong(r, "it has no help");
    if (option_named(i->options, i->options_n - 1, o->name)) return wrong(r, "it is there twice");
    if (option_named(host_options, option_count(host_options), o->name))
        return wrong(r, "the host has an option of that name for every section: rename it");
    if (!option_is_sound(o, text, sizeof text)) return wrong(r, "%s", text);
    r->option = NULL;
    return true;
}

/* "bus/1" */
static bool is_interface(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-.");
    size_t digits = id[n] == '/' ? strspn(id + n + 1, "0123456789") : 0;
    return n && digits && !id[n + 1 + digits] && n + 1 + digits < LIMIT_NAME;
}

static bool read_interface(struct reading *r, struct need_info **at, size_t *n, const char *what)
{
    struct need_info *list = *at ? *at : calloc(LIMIT_INTERFACES, sizeof *list);
    struct need_info *need;
    *at = list;
    if (!list) return wrong(r, "cannot be described: no memory");
    if (*n == LIMIT_INTERFACES) return wrong(r, "%s more than %zu interfaces", what, *n);
    need = &list[(*n)++];
    if (!take_text(r, LIMIT_TEXT, &need->id)) return false;
    if (!need->id || !is_interface(need->id))
        return wrong(r, "%s '%.48s', which is no name/REVISION like bus/1", what,
                     need->id ? need->id : "");
    for (const struct need_info *other = list; other < need; other++)
        if (!strcmp(other->id, need->id)) return wrong(r, "%s '%s' twice", what, need->id);
    return true;
}

static bool read_need(struct reading *r)
{
    struct plugin_info *i = r->info;
    return read_interface(r, &i->needs, &i->needs_n, "needs") &&
           take_bool(r, &i->needs[i->needs_n - 1].optional) && take_end(r);
}

static bool read_offer(struct reading *r)
{
    return read_interface(r, &r->info->offers, &r->info->offers_n, "offers") && take_end(r);
}

static bool read_ask(struct reading *r)
{
    if (!read_need(r)) return false;
    return r->info->needs[r->info->needs_n - 1].messages = true;
}

static bool read_answer(struct reading *r)
{
    if (!read_offer(r)) return false;
    return r->info->offers[r->info->offers_n - 1].messages = true;
}

static bool read_metric(struct reading *r)
{
    struct plugin_info *i = r->info;
    char *name;
    if (!i->metrics) i->metrics = calloc(LIMIT_METRICS, sizeof *i->metrics);
    if (!i->metrics) return wrong(r, "cannot be described: no memory");
    if (i->metrics_n == LIMIT_METRICS) return wrong(r, "has more than %d metrics", LIMIT_METRICS);
    if (!take_text(r, LIMIT_TEXT, &i->metrics[i->metrics_n])) return false;
    name = i->metrics[i->metrics_n++];
    if (!name || !name_is_valid(name))
        return wrong(r, "has a metric '%.48s': a name has lower case letters, digits, _ and -",
                     name ? name : "");
    for (size_t at = 0; at + 1 < i->metrics_n; at++)
        if (!strcmp(i->metrics[at], name)) return wrong(r, "has two metrics '%s'", name);
    return take_end(r);
}

/* ---- the whole ---- */

static bool read_record(struct reading *r)
{
    static const struct {
        const char *word;
        bool (*read)(struct reading *);
    } records[] = {{"plugin", read_plugin}, {"option", read_option}, {"metric", read_metric},
                   {"need", read_need},     {"offer", read_offer},   {"ask", read_ask},
                   {"answer", read_answer}};
    gyre_view word;
    if (!take_field(r, &word)) return false;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        if (!gyre_eq(word, gyre_str(records[i].word))) continue;
        if (i && !r->info->name) return wrong(r, "does not begin with its name");
        return records[i].read(r);
    }
    return wrong(r, "says something that this host does not know");
}

/* The writer could make nothing of the descriptor. Always false. */
static bool read_refusal(struct reading *r, gyre_view line)
{
    char *text = NULL;
    r->left = line;
    r->more = true;
    if (take_text(r, 200, &text))
        (void)wrong(r, "%s", text && text[0] ? text : "does not describe itself");
    free(text);
    return false;
}

static bool read_text(struct reading *r, gyre_view text)
{
    gyre_view line;
    if (text.n > LIMIT_METADATA) return wrong(r, "says more than %d bytes", LIMIT_METADATA);
    if (!gyre_until(&text, '\n', &line)) line = GYRE_NOTHING;
    if (gyre_skip(&line, GYRE_LIT("refused: "))) return read_refusal(r, line);
    if (!gyre_eq(line, GYRE_LIT("gyre-metadata\t1"))) return wrong(r, "does not describe itself");
    while (gyre_until(&text, '\n', &line)) {
        if (gyre_eq(line, GYRE_LIT("end"))) {
            if (text.n) return wrong(r, "goes on after its end");
            return r->info->name ? true : wrong(r, "has no name");
        }
        r->left = line;
        r->more = true;
        if (!read_record(r)) return false;
    }
    return wrong(r, "stops in the middle of its description");
}

struct plugin_info *metadata_read(gyre_view text, char *why, size_t why_n)
{
    struct reading r = {.info = calloc(1, sizeof *r.info), .why = why, .why_n = why_n};
    if (!r.info) {
        (void)wrong(&r, "cannot be described: no memory");
        return NULL;
    }
    if (read_text(&r, text)) {
        r.info->text = strndup((const char *)text.p, text.n);
        if (r.info->text) return r.info;
        (void)wrong(&r, "cannot be described: no memory");
    }
    metadata_free(r.info);
    return NULL;
}

void metadata_free(struct plugin_info *i)
{
    if (!i) return;
    for (size_t at = 0; at < i->options_n; at++) {
        free(i->options[at].name);
        free(i->options[at].preset);
        free(i->options[at].range);
        free(i->options[at].help);
    }
    for (size_t at = 0; at < i->needs_n; at++) free(i->needs[at].id);
    for (size_t at = 0; at < i->offers_n; at++) free(i->offers[at].id);
    for (size_t at = 0; at < i->metrics_n; at++) free(i->metrics[at]);
    free(i->options);
    free(i->needs);
    free(i->offers);
    free(i->metrics);
    free(i->name);
    free(i->version);
    free(i->summary);
    free(i->text);
    free(i);
}

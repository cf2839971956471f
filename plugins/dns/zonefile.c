/* SPDX-License-Identifier: GPL-3.0-or-later
 * zonefile.c - see zonefile.h.
 *
 * A record is [owner] [ttl] [class] type data, ttl and class in either order. The TTL of one that
 * has none: $TTL; else that of the record before; else, as other servers do, the SOA's last field.
 */
#include "zonefile.h"

#include "lexer.h"
#include "rdata.h"

struct reader {
    struct dns_lexer lexer;
    struct dns_builder *builder;
    struct dns_troubles *troubles;
    gyre_view file;
    uint32_t zone, apex, owner;
    bool owner_known, preset_known, last_known;
    uint32_t preset_ttl, last_ttl, soa_ttl;
    struct dns_spelled origin;
    uint8_t rdata[DNS_MESSAGE_BYTES + DNS_NAME_BYTES];
};

/* One line of trouble, about a word of the file or about none; then the record is left. */
static void wrong(struct reader *reader, const char *why, bool word)
{
    enum { SHOWN = 80 };
    gyre_view w = reader->lexer.word;
    uint32_t line = reader->lexer.inside ? reader->lexer.line : reader->lexer.ended;
    if (word)
        dns_trouble(reader->troubles, reader->file, line, "'%.*s%s': %s",
                    w.n < SHOWN ? (int)w.n : SHOWN, (const char *)w.p, w.n > SHOWN ? "…" : "", why);
    else dns_trouble(reader->troubles, reader->file, line, "%s", why);
    dns_lex_leave(&reader->lexer);
}

/* The end of a line that should say no more. */
static void finish(struct reader *reader)
{
    enum dns_lex what = dns_lex(&reader->lexer);
    if (what == DNS_LEX_WRONG) wrong(reader, reader->lexer.why, false);
    else if (what != DNS_LEX_END) wrong(reader, "one word too many", true);
}

static void directive(struct reader *reader)
{
    struct dns_lexer *lexer = &reader->lexer;
    gyre_view name = lexer->word;
    if (gyre_eqi(name, GYRE_LIT("$INCLUDE")) || gyre_eqi(name, GYRE_LIT("$GENERATE"))) {
        wrong(reader, "is not supported: write its records into this file", true);
    } else if (gyre_eqi(name, GYRE_LIT("$TTL"))) {
        if (dns_lex(lexer) != DNS_LEX_WORD ||
            !dns_time_of_text(lexer->word, &reader->preset_ttl)) {
            wrong(reader, "$TTL needs a time, such as 3600 or 1h", false);
            return;
        }
        reader->preset_known = true;
        finish(reader);
    } else if (gyre_eqi(name, GYRE_LIT("$ORIGIN"))) {
        struct dns_spelled origin;
        const char *why = dns_lex(lexer) == DNS_LEX_WORD
                              ? dns_name_spell(lexer->word, &reader->origin, &origin)
                              : "$ORIGIN needs a name";
        if (why) {
            wrong(reader, why, false);
            return;
        }
        reader->origin = origin;
        finish(reader);
    } else {
        wrong(reader, "unknown directive; known are $ORIGIN and $TTL", true);
    }
}

static const char *read_owner(struct reader *reader)
{
    struct dns_spelled owner;
    reader->owner_known = false;
    const char *why = dns_name_spell(reader->lexer.word, &reader->origin, &owner);
    if (why) return why;
    reader->owner = dns_builder_name(reader->builder, (gyre_view){owner.bytes, owner.n});
    if (!dns_builder_below(reader->builder, reader->owner, reader->apex))
        return "is outside of the zone; is a dot at its end too much or missing?";
    reader->owner_known = true;
    return NULL;
}

/* [ttl] [class] type; the current word is the first of them. *word: the error is about it. */
static const char *read_head(struct reader *reader, struct dns_type *type, bool *has_ttl,
                             uint32_t *ttl, bool *word)
{
    struct dns_lexer *lexer = &reader->lexer;
    bool has_class = false;
    uint16_t class;
    *has_ttl = false;
    for (*word = true;;) {
        if (!*has_ttl && dns_time_of_text(lexer->word, ttl)) {
            *has_ttl = true;
        } else if (!has_class && dns_class_of_text(lexer->word, &class)) {
            has_class = true;
            if (class != DNS_IN) return "only class IN is served";
        } else {
            break;
        }
        enum dns_lex what = dns_lex(lexer);
        *word = what != DNS_LEX_WRONG && what != DNS_LEX_END;
        if (!*word) return what == DNS_LEX_END ? "the type is missing" : lexer->why;
    }
    if (!*has_ttl && lexer->word.n && lexer->word.p[0] >= '0' && lexer->word.p[0] <= '9')
        return "a TTL is a time from 0 to 2147483647, such as 3600 or 1h30m";
    if (!dns_type_of_text(lexer->word, type))
        return "unknown type; other types are written as TYPE999 \\# LENGTH HEX";
    if (type->number == 0 || type->number == DNS_OPT ||
        (type->number >= 128 && type->number <= 255))
        return "is no type of data";
    return NULL;
}

/* What can be judged of a record alone. */
static const char *misplaced(const struct reader *reader, uint16_t type)
{
    const struct dns_draft_name *owner = &reader->builder->names[reader->owner];
    gyre_view name = {&reader->builder->bytes[owner->at], owner->n};
    bool at_apex = reader->owner == reader->apex;
    if (type == DNS_SOA && !at_apex) return "SOA belongs to the name of the zone";
    if (type == DNS_DS && at_apex) return "DS belongs into the zone above";
    if (type == DNS_NS && gyre_skip(&name, GYRE_LIT("\1*")))
        return "a wildcard cannot be delegated (RFC 4592 section 4.2)";
    return NULL;
}

static void read_record(struct reader *reader)
{
    struct dns_type type;
    struct dns_draft_record record = {.zone = reader->zone};
    bool has_ttl, word;
    gyre_out rdata = GYRE_OUT(reader->rdata);
    const char *why = read_head(reader, &type, &has_ttl, &record.ttl, &word);
    record.line = reader->lexer.line;
    if (!why) why = misplaced(reader, type.number);
    if (!why)
        why = dns_rdata_text(reader->builder, &reader->lexer, &type, &reader->origin, &rdata,
                             &word);
    if (why) {
        wrong(reader, why, word);
        return;
    }
    gyre_view data = gyre_built(&rdata);
    if (type.number == DNS_SOA) {
        gyre_in minimum = gyre_in_of(data);
        (void)gyre_bytes(&minimum, data.n - 4);
        reader->soa_ttl = (uint32_t)gyre_be(&minimum, 4) & INT32_MAX;
        if (!has_ttl && !reader->preset_known && !reader->last_known) {
            reader->last_known = true;
            reader->last_ttl = reader->soa_ttl;
        }
    }
    if (!has_ttl && !reader->preset_known && !reader->last_known) {
        dns_trouble(reader->troubles, reader->file, record.line,
                    "the record has no TTL: write $TTL 1h at the top of the file");
        return;
    }
    if (!has_ttl) record.ttl = reader->preset_known ? reader->preset_ttl : reader->last_ttl;
    reader->last_known = true;
    reader->last_ttl = record.ttl;
    record.owner = reader->owner;
    record.type = type.number;
    dns_builder_record(reader->builder, record, data);
}

static void read_line(struct reader *reader, enum dns_lex what)
{
    struct dns_lexer *lexer = &reader->lexer;
    if (what == DNS_LEX_WRONG) {
        wrong(reader, lexer->why, false);
        return;
    }
    if (!lexer->indented) {
        if (what == DNS_LEX_WORD && lexer->word.p[0] == '$') {
            directive(reader);
            return;
        }
        const char *why = read_owner(reader);
        if (why) {
            wrong(reader, why, true);
            return;
        }
        what = dns_lex(lexer);
        if (what == DNS_LEX_END || what == DNS_LEX_WRONG) {
            wrong(reader, what == DNS_LEX_END ? "the type is missing" : lexer->why, false);
            return;
        }
    }
    if (reader->owner_known) read_record(reader);
    else dns_lex_leave(lexer); /* the owner above was wrong, and was told */
}

void dns_zonefile(struct dns_builder *builder, const struct dns_spelled *apex, gyre_view file,
                  gyre_view text, struct dns_troubles *troubles)
{
    uint32_t zone;
    if (!dns_builder_zone(builder, (gyre_view){apex->bytes, apex->n}, file, &zone)) {
        if (!builder->no_memory) dns_trouble(troubles, file, 0, "this zone is configured twice");
        return;
    }
    struct reader *reader = builder->memory(NULL, sizeof *reader);
    if (!reader) {
        builder->no_memory = true;
        return;
    }
    *reader = (struct reader){.lexer = {.left = text, .line = 1}, .builder = builder,
                              .troubles = troubles, .file = file, .zone = zone,
                              .apex = builder->zones[zone].apex, .origin = *apex};
    reader->owner = reader->apex;
    reader->owner_known = true;
    enum dns_lex what;
    while (!builder->no_memory && (what = dns_lex(&reader->lexer)) != DNS_LEX_FILE_END)
        if (what != DNS_LEX_END) read_line(reader, what);
    builder->memory(reader, 0);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * rdata.c - see rdata.h. What fields a type has, its row in types.c says.
 * Limits: 65535 bytes in wire form; the builder that is handed over sets it.
 */
#include "rdata.h"

#include <arpa/inet.h>

struct source {
    struct dns_builder *builder;
    struct dns_lexer *lexer;
    const struct dns_spelled *origin;
    gyre_out *out;
    enum dns_lex what; /* the kind of lexer->word */
    uint32_t target;   /* of SRV */
};

bool dns_time_of_text(gyre_view text, uint32_t *seconds)
{
    static const struct {
        uint8_t letter;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t sum = 0, number;
    if (!text.n) return false;
    while (text.n) {
        size_t n = 0, unit = 0;
        while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9') n++;
        if (!gyre_dec(gyre_head(&text, n), INT32_MAX, &number)) return false;
        if (text.n) {
            uint8_t letter = gyre_lower(gyre_head(&text, 1).p[0]);
            while (unit < 5 && units[unit].letter != letter) unit++;
            if (unit == 5) return false;
        }
        sum += number * units[unit].seconds;
        if (sum > INT32_MAX) return false;
    }
    *seconds = (uint32_t)sum;
    return true;
}

static void put_number(gyre_out *out, uint32_t number)
{
    gyre_put(out, (gyre_view){(const uint8_t *)&number, sizeof number});
}

static const char *put_decimal(struct source *source, size_t bytes)
{
    uint64_t number;
    if (!gyre_dec(source->lexer->word, ((uint64_t)1 << bytes * 8) - 1, &number))
        return bytes == 1 ? "a number from 0 to 255 is needed"
               : bytes == 2 ? "a number from 0 to 65535 is needed"
                            : "a number from 0 to 4294967295 is needed";
    gyre_put_be(source->out, number, bytes);
    return NULL;
}

static const char *put_address(struct source *source, int family, size_t bytes)
{
    uint8_t address[16];
    char text[INET6_ADDRSTRLEN + 1];
    gyre_view word = source->lexer->word;
    const char *why = family == AF_INET ? "an IPv4 address is needed, such as 192.0.2.1"
                                        : "an IPv6 address is needed, such as 2001:db8::1";
    if (word.n >= sizeof text || memchr(word.p, 0, word.n)) return why;
    memcpy(text, word.p, word.n);
    text[word.n] = 0;
    if (inet_pton(family, text, address) != 1) return why;
    gyre_put(source->out, (gyre_view){address, bytes});
    return NULL;
}

static const char *put_name(struct source *source, bool target)
{
    struct dns_spelled name;
    const char *why = dns_name_spell(source->lexer->word, source->origin, &name);
    if (why) return why;
    gyre_view wire = {name.bytes, name.n};
    uint32_t number = dns_builder_name(source->builder, wire);
    if (target) gyre_put(source->out, wire);
    if (target) source->target = number;
    else put_number(source->out, number);
    return NULL;
}

/* A string of at most 255 bytes, with its length before it. */
static const char *put_string(struct source *source)
{
    uint8_t space[255], byte;
    gyre_out string = GYRE_OUT(space);
    bool plain;
    gyre_view word = source->lexer->word;
    while (word.n) {
        if (!dns_unescape(&word, &byte, &plain)) return "bad escape in the text";
        gyre_put_byte(&string, byte);
    }
    if (string.full) return "text longer than 255 bytes: cut it into several strings";
    gyre_put_byte(source->out, (uint8_t)string.n);
    gyre_put(source->out, gyre_built(&string));
    return NULL;
}

static const char *put_property(struct source *source)
{
    gyre_view word = source->lexer->word;
    for (size_t i = 0; i < word.n; i++)
        if (gyre_lower(word.p[i]) < '0' || gyre_lower(word.p[i]) > 'z' ||
            (gyre_lower(word.p[i]) > '9' && gyre_lower(word.p[i]) < 'a'))
            return "letters and digits are needed, such as issue";
    return word.n ? put_string(source) : "letters and digits are needed, such as issue";
}

static const char *put_rest(struct source *source)
{
    uint8_t byte;
    bool plain;
    gyre_view word = source->lexer->word;
    while (word.n) {
        if (!dns_unescape(&word, &byte, &plain)) return "bad escape in the text";
        gyre_put_byte(source->out, byte);
    }
    return NULL;
}

static const char *put_hexadecimal(gyre_view word, gyre_out *out)
{
    gyre_view pair;
    uint64_t byte;
    while (gyre_exact(&word, 2, &pair)) {
        if (!gyre_hex(pair, 255, &byte)) return "hexadecimal digits are needed";
        gyre_put_byte(out, (uint8_t)byte);
    }
    return word.n ? "hexadecimal digits are needed, two for each byte" : NULL;
}

static const char *put_field(struct source *source, char field)
{
    uint32_t seconds;
    if (source->what == DNS_LEX_QUOTED && !strchr("sSgv", field)) return "no quotes here";
    switch (field) {
    case 'b': return put_decimal(source, 1);
    case 'w': return put_decimal(source, 2);
    case 'd': return put_decimal(source, 4);
    case 't':
        if (!dns_time_of_text(source->lexer->word, &seconds))
            return "a time is needed, such as 3600 or 1h";
        gyre_put_be(source->out, seconds, 4);
        return NULL;
    case '4': return put_address(source, AF_INET, 4);
    case '6': return put_address(source, AF_INET6, 16);
    case 'n': return put_name(source, false);
    case 'u': return put_name(source, true);
    case 'g': return put_property(source);
    case 'v': return put_rest(source);
    case 'x': return put_hexadecimal(source->lexer->word, source->out);
    default: return put_string(source);
    }
}

/* The next word, which must be there. */
static const char *next(struct source *source)
{
    source->what = dns_lex(source->lexer);
    if (source->what == DNS_LEX_WRONG) return source->lexer->why;
    return source->what == DNS_LEX_END ? "a field is missing at the end" : NULL;
}

static const char *unknown_text(struct source *source, const struct dns_type *type, bool *word)
{
    uint64_t length;
    const char *why = next(source);
    if (why) return why;
    *word = true;
    if (!gyre_dec(source->lexer->word, UINT16_MAX, &length))
        return "a length from 0 to 65535 is needed after \\#";
    *word = false;
    gyre_out *out = source->out;
    size_t start = out->n;
    while ((source->what = dns_lex(source->lexer)) != DNS_LEX_END) {
        if (source->what == DNS_LEX_WRONG) return source->lexer->why;
        *word = true;
        why = put_hexadecimal(source->lexer->word, out);
        if (why) return why;
        *word = false;
    }
    if (out->full || out->n - start != length)
        return "the length after \\# is another than the data's";
    if (!type->fields) return NULL;
    gyre_view wire = {&out->p[start], out->n - start};
    uint8_t space[DNS_NAME_BYTES * 2 + 64];
    gyre_out typed = GYRE_OUT(space);
    if (dns_shape(type->number).form == DNS_PLAIN) return dns_rdata_wire(NULL, type, wire, NULL);
    why = dns_rdata_wire(source->builder, type, wire, &typed);
    if (why) return why;
    out->n = start;
    gyre_put(out, gyre_built(&typed));
    return NULL;
}

const char *dns_rdata_text(struct dns_builder *builder, struct dns_lexer *lexer,
                           const struct dns_type *type, const struct dns_spelled *origin,
                           gyre_out *out, bool *word)
{
    struct source source = {builder, lexer, origin, out, DNS_LEX_WORD, 0};
    const char *why = next(&source);
    *word = false;
    if (why) return why;
    if (source.what == DNS_LEX_WORD && gyre_eq(lexer->word, GYRE_LIT("\\#")))
        return unknown_text(&source, type, word);
    if (!type->fields) return "data of this type is written as \\# LENGTH HEX (RFC 3597)";
    for (size_t i = 0; type->fields[i]; i++) {
        if (i) why = next(&source);
        if (why) return why;
        *word = true;
        why = put_field(&source, type->fields[i]);
        if (why) return why;
        *word = false;
    }
    char last = type->fields[strlen(type->fields) - 1];
    while ((source.what = dns_lex(lexer)) != DNS_LEX_END) {
        if (source.what == DNS_LEX_WRONG) return lexer->why;
        *word = true;
        why = last == 'S' || last == 'x' ? put_field(&source, last) : "one word too many";
        if (why) return why;
        *word = false;
    }
    if (last == 'u') put_number(out, source.target);
    return out->full ? "the data is longer than 65535 bytes" : NULL;
}

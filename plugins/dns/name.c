/* SPDX-License-Identifier: GPL-3.0-or-later
 * name.c - see name.h.
 *
 * Looking a name up begins here, so lower case and hash go eight bytes at a time.
 * Promise: at most 255 bytes are looked at for one name, whatever the input says.
 */
#include "name.h"

/* The eight bytes of a word in ASCII lower case. Length bytes of labels are below 'A'. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = word & ones * 0x7f;
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t past_z = low + ones * (0x7f - 'Z');
    uint64_t upper = (from_a ^ past_z) & ~word & ones * 0x80;
    return word | upper >> 2;
}

bool dns_name_cut(gyre_view *in, struct dns_name *name)
{
    size_t at = 0, labels = 0, most = in->n < DNS_NAME_BYTES ? in->n : DNS_NAME_BYTES;
    for (;; labels++) {
        if (at >= most) return false;
        uint8_t length = in->p[at];
        if (length > DNS_LABEL_BYTES) return false;
        name->at[labels] = (uint8_t)at;
        at += 1u + length;
        if (!length) break;
    }
    name->n = (uint8_t)at;
    name->labels = (uint8_t)labels;
    gyre_view wire = gyre_head(in, at);
    memcpy(name->bytes, wire.p, wire.n);
    memset(&name->bytes[at], 0, 8);
    for (size_t i = 0; i < at; i += 8) {
        uint64_t word;
        memcpy(&word, &name->bytes[i], 8);
        word = lower_word(word);
        memcpy(&name->bytes[i], &word, 8);
    }
    return true;
}

void dns_name_pass(gyre_in *in)
{
    while (!in->bad) {
        uint64_t length = gyre_be(in, 1);
        if (length >= 0xc0) (void)gyre_be(in, 1);
        if (!length || length >= 0xc0) return;
        if (length > DNS_LABEL_BYTES) in->bad = true;
        (void)gyre_bytes(in, length);
    }
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t dns_name_hash(const struct dns_seed *seed, const struct dns_name *name, size_t label)
{
    size_t from = name->at[label];
    uint64_t h = seed->first ^ (name->n - from);
    for (size_t i = from; i < name->n; i += 8) {
        uint64_t word;
        memcpy(&word, &name->bytes[i], 8);
        h = fold(h ^ word, seed->second);
    }
    return fold(h ^ seed->second, 0x9e3779b97f4a7c15u);
}

bool dns_unescape(gyre_view *text, uint8_t *byte, bool *plain)
{
    gyre_view one, digits;
    uint64_t value;
    if (!gyre_exact(text, 1, &one)) return false;
    *plain = one.p[0] != '\\';
    *byte = one.p[0];
    if (*plain) return true;
    if (!text->n) return false;
    if (text->p[0] < '0' || text->p[0] > '9') {
        *byte = gyre_head(text, 1).p[0];
        return true;
    }
    if (!gyre_exact(text, 3, &digits) || !gyre_dec(digits, 255, &value)) return false;
    *byte = (uint8_t)value;
    return true;
}

/* Labels of text, without the root label. *absolute: it ended in a dot. */
static const char *spell_labels(gyre_view text, struct dns_spelled *out, bool *absolute)
{
    size_t start = 0;
    out->n = 1;
    *absolute = false;
    while (text.n) {
        uint8_t byte;
        bool plain;
        if (!dns_unescape(&text, &byte, &plain)) return "bad escape in the name";
        if (plain && byte == '.') {
            if (out->n == start + 1) return "empty label in the name";
            out->bytes[start] = (uint8_t)(out->n - start - 1);
            start = out->n;
            *absolute = !text.n;
        } else if (out->n - start > DNS_LABEL_BYTES) {
            return "label longer than 63 bytes in the name";
        }
        if (out->n >= DNS_NAME_BYTES) return "name longer than 255 bytes";
        if (plain && byte == '.') out->n++;
        else out->bytes[out->n++] = byte;
    }
    if (*absolute) out->n = (uint8_t)start;
    else out->bytes[start] = (uint8_t)(out->n - start - 1);
    return NULL;
}

const char *dns_name_spell(gyre_view text, const struct dns_spelled *origin,
                           struct dns_spelled *out)
{
    bool absolute;
    if (gyre_eq(text, GYRE_LIT("@"))) {
        *out = *origin;
        return NULL;
    }
    if (gyre_eq(text, GYRE_LIT("."))) {
        out->n = 1;
        out->bytes[0] = 0;
        return NULL;
    }
    if (!text.n) return "empty name";
    const char *why = spell_labels(text, out, &absolute);
    if (why) return why;
    size_t n = out->n + (absolute ? 1u : origin->n);
    if (n > DNS_NAME_BYTES) return "name longer than 255 bytes";
    if (absolute) out->bytes[out->n] = 0;
    else memcpy(&out->bytes[out->n], origin->bytes, origin->n);
    out->n = (uint8_t)n;
    return NULL;
}

void dns_name_show(gyre_out *out, gyre_view wire)
{
    gyre_view length, label;
    if (wire.n <= 1) gyre_put_byte(out, '.');
    while (gyre_exact(&wire, 1, &length) && length.p[0] && gyre_exact(&wire, length.p[0], &label)) {
        for (size_t i = 0; i < label.n; i++) {
            uint8_t byte = label.p[i];
            if (byte == '.' || byte == '\\') gyre_put_byte(out, '\\');
            if (byte > ' ' && byte < 0x7f) {
                gyre_put_byte(out, byte);
            } else {
                gyre_put_byte(out, '\\');
                gyre_put_byte(out, (uint8_t)('0' + byte / 100));
                gyre_put_byte(out, (uint8_t)('0' + byte / 10 % 10));
                gyre_put_byte(out, (uint8_t)('0' + byte % 10));
            }
        }
        gyre_put_byte(out, '.');
    }
}

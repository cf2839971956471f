/* SPDX-License-Identifier: GPL-3.0-or-later
 * name.h - domain names: cut off the wire, spelled from text, hashed.
 *
 * A name has two shapes. dns_name is for looking up: lower case, with the places of its labels.
 * dns_spelled is as somebody wrote it. Both are uncompressed wire form, the root label included.
 * Limits: 255 bytes, 63 a label (RFC 1035 section 2.3.4).
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "gyre.h"

enum { DNS_NAME_BYTES = 255, DNS_LABEL_BYTES = 63, DNS_LABELS = 127 };

struct dns_name {
    uint8_t bytes[DNS_NAME_BYTES + 9]; /* then zeroes, so that it can be read in words */
    uint8_t n;                         /* bytes, the root label included */
    uint8_t labels;                    /* without the root label */
    uint8_t at[DNS_LABELS + 1];        /* where each label begins; at[labels]: the root label */
};

struct dns_spelled {
    uint8_t n;
    uint8_t bytes[DNS_NAME_BYTES];
};

/* Secret numbers, so that nobody can choose names that fall into one place of a table. */
struct dns_seed {
    uint64_t first, second;
};

/* Cuts an uncompressed name off *in. false: compressed, too long or cut short; *in untouched. */
GYRE_USE bool dns_name_cut(gyre_view *in, struct dns_name *);

/* Passes a name that may end in a compression pointer, without following it. */
void dns_name_pass(gyre_in *in);

/* The name from its label number `label` on, in lower case. */
static inline gyre_view dns_name_from(const struct dns_name *name, size_t label)
{
    size_t at = name->at[label];
    return (gyre_view){&name->bytes[at], name->n - at};
}

/* Of the name from that label on. */
uint64_t dns_name_hash(const struct dns_seed *, const struct dns_name *, size_t label);

/* Cuts one character off a text of a master file: \X and \DDD are one. plain: it was not escaped.
 * false: the escape is wrong, or the text is empty. */
GYRE_USE bool dns_unescape(gyre_view *text, uint8_t *byte, bool *plain);

/* A name of a master file: relative ones end in origin, "@" is origin. NULL, or why it is none. */
const char *dns_name_spell(gyre_view text, const struct dns_spelled *origin, struct dns_spelled *);

/* Appends a name in wire form as text, for messages. */
void dns_name_show(gyre_out *, gyre_view wire);

#endif

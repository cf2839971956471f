/* SPDX-License-Identifier: GPL-3.0-or-later
 * types.c - see types.h. A type whose rdata holds a name that may be compressed needs a row in
 * dns_shape, too.
 */
#include "types.h"

static const struct dns_type types[] = {
    {"A", DNS_A, "4"},
    {"NS", DNS_NS, "n"},
    {"CNAME", DNS_CNAME, "n"},
    {"SOA", DNS_SOA, "nndtttt"},
    {"PTR", DNS_PTR, "n"},
    {"MX", DNS_MX, "wn"},
    {"TXT", DNS_TXT, "S"},
    {"AAAA", DNS_AAAA, "6"},
    {"SRV", DNS_SRV, "wwwu"},
    {"DS", DNS_DS, "wbbx"},
    {"SSHFP", 44, "bbx"},
    {"TLSA", 52, "bbbx"},
    {"CAA", 257, "bgv"},
};
enum { TYPES = sizeof types / sizeof types[0] };

static bool numbered(gyre_view text, gyre_view prefix, uint16_t *number)
{
    uint64_t value;
    gyre_view head = gyre_head(&text, prefix.n);
    if (!gyre_eqi(head, prefix) || !gyre_dec(text, UINT16_MAX, &value)) return false;
    *number = (uint16_t)value;
    return true;
}

bool dns_type_of_text(gyre_view text, struct dns_type *type)
{
    uint16_t number;
    for (size_t i = 0; i < TYPES; i++) {
        if (!gyre_eqi(text, gyre_str(types[i].name))) continue;
        *type = types[i];
        return true;
    }
    if (!numbered(text, GYRE_LIT("TYPE"), &number)) return false;
    *type = dns_type_of_number(number);
    return true;
}

struct dns_type dns_type_of_number(uint16_t number)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].number == number) return types[i];
    return (struct dns_type){NULL, number, NULL};
}

bool dns_class_of_text(gyre_view text, uint16_t *number)
{
    static const struct {
        gyre_view name;
        uint16_t number;
    } classes[] = {
        {{(const uint8_t *)"IN", 2}, DNS_IN},
        {{(const uint8_t *)"CH", 2}, 3},
        {{(const uint8_t *)"HS", 2}, 4},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (!gyre_eqi(text, classes[i].name)) continue;
        *number = classes[i].number;
        return true;
    }
    return numbered(text, GYRE_LIT("CLASS"), number);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * rdata_wire.c - the data of a record that is given in wire form (rdata.h).
 */
#include "rdata.h"

static const char wrong[] = "the data does not have the form of this type";

static void put_number(gyre_out *out, uint32_t number)
{
    gyre_put(out, (gyre_view){(const uint8_t *)&number, sizeof number});
}

/* How many bytes a field of fixed length has; 0: another kind. */
static size_t fixed(char field)
{
    switch (field) {
    case 'b': return 1;
    case 'w': return 2;
    case 'd':
    case 't':
    case '4': return 4;
    case '6': return 16;
    default: return 0;
    }
}

const char *dns_rdata_wire(struct dns_builder *builder, const struct dns_type *type,
                           gyre_view wire, gyre_out *out)
{
    gyre_in in = gyre_in_of(wire);
    uint32_t target = 0;
    bool has_target = false;
    for (const char *field = type->fields; *field && !in.bad; field++) {
        gyre_view part = in.left;
        struct dns_name name;
        if (*field == 'n' || *field == 'u') {
            if (!dns_name_cut(&in.left, &name)) return wrong;
            part.n = name.n;
            uint32_t number = dns_builder_name(builder, part);
            has_target = *field == 'u';
            if (has_target) target = number;
            if (has_target) gyre_put(out, part);
            else put_number(out, number);
            continue;
        }
        if (fixed(*field)) part = gyre_bytes(&in, fixed(*field));
        else if (*field == 'v' || *field == 'x') part = gyre_all(&in.left);
        else do (void)gyre_bytes(&in, gyre_be(&in, 1));
            while (*field == 'S' && in.left.n && !in.bad);
        if (out) gyre_put(out, part);
    }
    if (has_target) put_number(out, target);
    return gyre_end(&in) ? NULL : wrong;
}

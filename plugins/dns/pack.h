/* SPDX-License-Identifier: GPL-3.0-or-later
 * pack.h - between the two halves of packing: order.c decides what is served and in which order,
 * pack.c writes it.
 */
#ifndef DNS_PACK_H
#define DNS_PACK_H

#include "builder.h"

struct dns_packer {
    struct dns_builder *from;
    struct dns_troubles *troubles;
    struct dns_zones *to;
    struct dns_node *nodes; /* of each name; they point to each other by numbers of names */
    uint32_t *numbers;      /* of each name: that of its node */
    uint32_t *order;        /* numbers of the records that are served, by owner, type, line */
    size_t order_n, blob_cap;
};

/* Makes nodes: in which zone a name is, whether it exists, what is delegated. false: no memory. */
GYRE_USE bool dns_pack_nodes(struct dns_packer *);

/* Makes order. false: no memory. */
GYRE_USE bool dns_pack_order(struct dns_packer *);

#endif

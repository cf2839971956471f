/* SPDX-License-Identifier: GPL-3.0-or-later
 * load.h - the configuration of a section, and its zones from their files.
 */
#ifndef DNS_LOAD_H
#define DNS_LOAD_H

#include "services/file.h"
#include "zones.h"

struct dns_conf {
    gyre_view zones;       /* the folder */
    struct gyre_list zone; /* "NAME [FILE]" */
    int64_t udp_max;
    struct dns_zones compiled; /* no option: made by dns_load */
};

/* Reads and compiles the zones of a new configuration version. false: why says what is wrong in
 * which file and line. [load] */
GYRE_USE bool dns_load(struct gyre_section *, const struct gyre_file *, struct dns_conf *,
                       gyre_out *why);

#endif

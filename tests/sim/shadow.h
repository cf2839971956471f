/* SPDX-License-Identifier: GPL-3.0-or-later
 * shadow.h - what plugins wrote to each stream of the simulated world, and whether what came to its
 * far end is that.
 *
 * A table stands before another one: write and write_buf note what that one accepted. A file is
 * noted by what it contains at that moment: it is immutable, whoever replaces it makes another.
 * Limits: a stream to which a plugin has linked another is not looked at from then on: there the
 * host writes by itself. What is written before a dialled stream has its descriptor is not known.
 */
#ifndef GYRE_SIM_SHADOW_H
#define GYRE_SIM_SHADOW_H

#include "sim.h"

struct gyre_api;

/* The table that stands before this one; one a process. */
const struct gyre_api *shadow_before(const struct gyre_api *);
/* Between these two what is written is noted; with them a world begins and ends. */
void shadow_begin(struct sim *);
void shadow_end(void);
/* All that came to the far end of this descriptor: a beginning of what was written, nothing else,
 * in order, once? Else why. Bytes that were looked at are not looked at again. */
bool shadow_holds(int fd, gyre_view came, char *why, size_t why_n);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * odd.c - a plugin that is wrong in one way, or special, for tests of loading. Each name after
 * #ifdef ODD_ is one way, and becomes a file of its own, odd/NAME.so; without any it is right.
 */
#include "gyre.h"
static const struct gyre_proto stream = {GYRE_PROTO};
GYRE_PLUGIN(.name = "odd", .version = "1.0", .summary = "Loads", .stream = &stream);

/* SPDX-License-Identifier: GPL-3.0-or-later
 * account.h - what a service still has when it should have nothing.
 */
#ifndef GYRE_SIM_ACCOUNT_H
#define GYRE_SIM_ACCOUNT_H

#include "service.h"

/* Each adds a line to why for each thing that is left; true: something is. */
/* Of a service that has drained: streams, actors, memory, objects. */
bool account_left(const struct service *, char *why, size_t why_n);
/* Gives back what each worker keeps for itself; then every byte of its pool must be back. The
 * workers cannot be used any more, only freed. */
bool account_pools(struct service *, char *why, size_t why_n);
#endif

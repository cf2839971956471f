/* SPDX-License-Identifier: GPL-3.0-or-later
 * introduce.h - links of wide/1 between processes (introduce.c). */
#ifndef GYRE_INTRODUCE_H
#define GYRE_INTRODUCE_H

#include "supervisor.h"

/* To one that has become READY, and before its forerunner is told to leave. */
void introduce(struct supervisor *, struct process *);
#endif

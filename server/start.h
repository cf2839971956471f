/* SPDX-License-Identifier: GPL-3.0-or-later
 * start.h - what main.c needs of the supervisor.
 */
#ifndef GYRE_START_H
#define GYRE_START_H

#include <stdbool.h>

/* Serves until stopped, or checks. The exit status. */
int supervisor_run(const char *conf, bool check, bool single);
#endif

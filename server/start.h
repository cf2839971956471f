/* SPDX-License-Identifier: GPL-3.0-or-later
 * start.h - what main.c needs of the supervisor.
 */
#ifndef GYRE_START_H
#define GYRE_START_H

enum start_mode {
    START_SERVE,
    START_SINGLE,
    START_CHECK,
    START_TAKEOVER_CHECK, /* a check by the program that is to take over from a running one */
};
/* Serves until stopped, or checks. The exit status. */
int supervisor_run(const char *conf, enum start_mode);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_show.h - the answers of a server as text for people. Each returns an exit status.
 */
#ifndef GYRE_GYRECTL_SHOW_H
#define GYRE_GYRECTL_SHOW_H

#include "json.h"

int show_status(const struct json *);
int show_plugins(const struct json *);
int show_sandbox(const struct json *); /* gyrectl_sandbox.c */
int show_crashes(const struct json *);
int show_config(const struct json *);
int show_section(const struct json *);
int show_text(const struct json *);
int show_reload(const struct json *);
int show_upgrade(const struct json *);
int show_proposal(const struct json *);
int show_history(const struct json *);
int show_get(const struct json *);
int show_connections(const struct json *);
int show_killed(const struct json *);
int show_nothing(const struct json *);
#endif

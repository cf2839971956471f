/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_ask.h - one request to a server, and commands that ask by themselves.
 */
#ifndef GYRE_GYRECTL_ASK_H
#define GYRE_GYRECTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* The whole answer to a line, allocated; or NULL, and it has said why. */
char *ask(const char *socket, const char *line, size_t *n);

/* With the arguments of the command. Each returns the exit status. */
int live_top(const char *socket, char **arguments, int n);
#endif

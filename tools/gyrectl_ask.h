/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_ask.h - one request to a server, and commands that ask by themselves.
 */
#ifndef GYRE_GYRECTL_ASK_H
#define GYRE_GYRECTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* "log-level debug http\n", allocated. NULL: it is too long. */
char *make_line(char **words, int words_n);
/* Sends a line; where the answer comes, or -1, and it has said why. */
int ask_begin(const char *socket, const char *line);
/* The whole answer to a line, allocated; or NULL, and it has said why. */
char *ask(const char *socket, const char *line, size_t *n);

/* With the words of the command, itself the first. Each returns the exit status. */
int live_top(const char *socket, char **words, int n, bool as_json);
int live_follow(const char *socket, char **words, int n, bool as_json);
#endif

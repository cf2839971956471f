/* SPDX-License-Identifier: GPL-3.0-or-later
 * closed_in.h - the supervisor's part in closing services in. A part of supervisor.h, which alone
 * includes it.
 */
#ifndef GYRE_CLOSED_IN_H
#define GYRE_CLOSED_IN_H

/* user.c: the user of each crew. */
void users_assign(struct plan *, const struct plan *before, bool single, struct problems *);
/* roots.c: a file or folder by its descriptor, if it can be opened. */
void opened_tell(struct supervisor *, struct process *, const char *path, int flags);
/* The folders that an instance's configuration names, before it is prepared. */
void roots_tell(struct supervisor *, struct process *, const struct instance *);
/* jailed.c: what a process told that it is closed in. false: the message is wrong. */
bool jailed_take(struct process *, struct message *);
bool jailed_json(const struct supervisor *, const char *service, FILE *); /* false: none runs */
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * notify.h - tells the service manager how the server is, as systemd's sd_notify does.
 *
 * NOTIFY_SOCKET names its socket, WATCHDOG_USEC how often it wants to hear of us. Without the first
 * nothing happens. Both stay in the environment, for the program that takes over by an upgrade, and
 * children are not given them (spawn.c).
 */
#ifndef GYRE_NOTIFY_H
#define GYRE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody wants to hear */
    struct sockaddr_un to;
    unsigned to_n;
    int64_t watchdog_ms, watchdog_due_ms; /* between two signs of life; when the next one is due */
    int64_t again_ms;                     /* when what was not taken is said again */
    bool failed;                          /* that was logged */
    char state[512];                      /* the latest, not yet taken; or "" */
};
void notify_open(struct notify *, bool wanted);
void notify_ready(struct notify *, const char *status); /* at the start, and after a reload */
void notify_reloading(struct notify *);
void notify_stopping(struct notify *, int64_t within_ms);
void notify_turn(struct notify *);
int64_t notify_deadline(const struct notify *);
#endif

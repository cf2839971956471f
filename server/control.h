/* SPDX-License-Identifier: GPL-3.0-or-later
 * control.h - the door for gyrectl: its clients, and what is asked of services for them.
 * A part of supervisor.h, which alone includes it.
 */
#ifndef GYRE_CONTROL_H
#define GYRE_CONTROL_H

#include "words.h"

struct supervisor;
struct process;
struct problems;
struct proposal;

/* ---- control.c ---- */

enum client_state {
    CLIENT_ASKS, CLIENT_WAITS_RELOAD, CLIENT_WAITS_PROPOSAL, CLIENT_WAITS_STOP,
    CLIENT_WAITS_UPGRADE, CLIENT_ANSWERED,
    CLIENT_WAITS_SERVICES, CLIENT_FOLLOWS, /* not handed over, as are those before */
};
struct client {
    int fd; /* -1: free */
    uid_t uid;
    struct words asked;
    const struct proposal *proposal; /* what it waits for */
    struct inquiry *inquiry;         /* what services are asked for it; or NULL */
    struct follow *follow;           /* what it is told as it comes; or NULL */
    size_t sent;
    char *answer;
    size_t answer_n;
    int64_t deadline_ms;
    bool fresh; /* wants the reload after the one under way */
    enum client_state state;
};
struct control {
    int fd;
    const char *path;
    struct client clients[LIMIT_CONTROL_CLIENTS];
};
bool control_open(struct control *, const char *path, char *why, size_t why_n);
size_t control_fds(const struct control *, struct pollfd *, size_t most);
int64_t control_deadline(const struct control *);
void control_turn(struct supervisor *);
void control_answer(struct supervisor *, struct client *); /* or the answer is put off */
void control_tell(struct supervisor *, enum client_state, const char *text); /* who waits so */
void client_answer(struct client *, const char *text);
void control_reloaded(struct supervisor *, bool ok, const struct problems *);
/* Another program takes over: whoever cannot go along is told. */
void control_handed_over(struct supervisor *);
void control_close(struct control *); /* answers those who wait for the end */

/* ---- inquiry.c: what only the services know ---- */

void request_connections(struct supervisor *, struct client *, char **word, FILE *);
void request_kill(struct supervisor *, struct client *, char **word, FILE *);
/* An answer of a service. false: it makes no sense. */
bool inquiry_rows(struct supervisor *, struct process *);
bool inquiry_killed(struct supervisor *, struct process *);
void inquiry_turn(struct supervisor *); /* goes on where a service is gone or silent */
int64_t inquiry_deadline(const struct supervisor *);
void inquiry_free(struct inquiry *);          /* may be NULL */
void inquiry_end_all(struct supervisor *);    /* another program takes over: they are to ask it */

/* ---- follow.c: what comes later, too ---- */

void follow_begin(void); /* lines of the log are kept from now on */
void follow_forget(void);
void request_log(struct supervisor *, struct client *, char **word, FILE *);
bool follow_log(struct supervisor *, struct process *); /* a line. false: it makes no sense */
/* So many lines more may a service copy. */
void follow_credit(struct supervisor *, struct process *, uint64_t lines);
bool follow_turn(struct client *); /* false: it has left, or all is shown */
void follow_turn_all(struct supervisor *);
short follow_events(const struct client *);        /* what it waits for */
void follow_end(struct client *, const char *why); /* its last line */
void follow_free(struct follow *);                 /* may be NULL */
#endif

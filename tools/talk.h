/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk.h - talk scripts: a conversation as text, and what gyre-test makes of it.
 *
 * talk.c reads a script into steps. talk_text.c reads and shows bytes. talk_cut.c says in which
 * pieces bytes are sent. talk_host.c is the service under test: the real core over sim.
 * talk_run.c and talk_client.c play the steps. talk_jobs.c runs every script in every cutting.
 *
 * The language: gyre-test --language (talk_language.c).
 */
#ifndef GYRE_TALK_H
#define GYRE_TALK_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gyre.h"

/* ---- talk_text.c ---- */

/* Bytes of a script, owned. wild, when there: 1 where the byte is a wildcard, or begins ${KEPT}. */
struct talk_bytes {
    uint8_t *p, *wild;
    size_t n;
};
void talk_bytes_free(struct talk_bytes *);
/* Reads strings and hex: parts that follow each other from *at on; stops behind the last one. */
bool talk_bytes_read(const char **at, const char *tmp, bool pattern, struct talk_bytes *,
                     char *why, size_t why_n);
#define TALK_KEPT "${KEPT}"
bool talk_begins_bytes(const char *at);
/* The shortest beginning of v that matches; SIZE_MAX: none. all: only the whole of v will do.
 * *reached: how much of the pattern found its bytes. */
size_t talk_match(const struct talk_bytes *pattern, gyre_view v, bool all, size_t *reached);
/* Writes v in quotes, as a script would say it, cut off after `most` bytes. */
void talk_show(FILE *, gyre_view v, size_t most);
/* Writes what was expected and what came, one above the other, around the first difference. */
void talk_show_difference(FILE *, gyre_view expected, gyre_view got);

/* ---- talk_language.c ---- */

extern const char talk_language[]; /* for authors of scripts */

/* ---- talk.c ---- */

enum talk_verb {
    TALK_SET, TALK_WORKERS, TALK_CLOCK, TALK_FILE, TALK_REFUSED, TALK_OPEN, TALK_SEND, TALK_READ,
    TALK_MATCH, TALK_COUNT, TALK_SILENT, TALK_EOF, TALK_RESET, TALK_CLOSED, TALK_SLOW, TALK_FAST,
    TALK_KEEPS, TALK_LISTENS, TALK_ACCEPTS, TALK_WAIT, TALK_RELOAD, TALK_DRAIN, TALK_LOG,
};
enum { TALK_CLIENTS = 64, TALK_NAME = 24, TALK_WHY_RESET = 1000 };

struct talk_step {
    enum talk_verb verb;
    uint32_t line;
    uint32_t who;            /* index into talk.names */
    struct talk_bytes bytes; /* sent, expected, content, part, an address */
    char *key;               /* set, reload: the key; file: its name */
    int64_t number;          /* wait: ns. count, workers. closed: gyre_why, TALK_WHY_RESET or 0 */
    bool datagrams;          /* of open and send */
    uint32_t message;        /* of send on a stream: 1, 2, 3 … in the script */
    char *text;              /* the statement as written, for messages */
};
struct talk {
    char *path;
    struct talk_step *steps;
    size_t n;
    uint32_t messages;
    char names[TALK_CLIENTS][TALK_NAME];
    bool datagrams[TALK_CLIENTS];
    uint32_t names_n;
};
/* tmp replaces ${TMP}. NULL: why says "file:line: …". */
struct talk *talk_read(const char *path, const char *tmp, char *why, size_t why_n);
void talk_free(struct talk *);

/* ---- talk_cut.c: one way to cut all messages of a script ---- */

enum talk_cutting { CUT_WHOLE, CUT_BYTES, CUT_TWO, CUT_SEED };
struct talk_cut {
    enum talk_cutting how;
    uint32_t message, at; /* CUT_TWO */
    uint64_t seed;        /* CUT_SEED */
};
/* The n-th cutting of a script; false: there are no more. */
bool talk_cut_at(const struct talk *, size_t n, struct talk_cut *);
bool talk_cut_read(const char *text, struct talk_cut *); /* "whole" "1" "3@17" "42" */
void talk_cut_text(const struct talk_cut *, char *out, size_t n);
/* How many bytes the next piece has, of n bytes at `at` of a message. apart: in its own turn. */
size_t talk_cut_next(const struct talk_cut *, uint64_t *random, uint32_t message, size_t at,
                     size_t n, bool *apart);

/* ---- talk_host.c: the service under test, over sim ---- */

struct talk_host;
struct sim;
struct talk_host *talk_host_make(const char *plugin, const char *tmp, const struct talk_cut *);
struct sim *talk_host_mem(struct talk_host *);
void talk_host_workers(struct talk_host *, uint32_t n);
void talk_host_set(struct talk_host *, const char *key, const char *value, const char *where);
void talk_host_unset(struct talk_host *, const char *key);
/* Loads, checks, prepares, listens. false: why; nothing serves, and it may be tried again. */
bool talk_host_start(struct talk_host *, char *why, size_t why_n);
bool talk_host_reload(struct talk_host *, char *why, size_t why_n);
bool talk_host_serves(const struct talk_host *);
/* A descriptor to connect to: the workers in turn. v6: a port of IPv6, if of datagrams. -1: the
 * plugin has no such. */
int talk_host_listener(struct talk_host *, bool datagrams, bool v6);
/* Turns until nothing is left to do now. false: it never comes to rest. */
bool talk_host_settle(struct talk_host *);
/* Moves time to the next deadline, at most to `until`. false: it was `until` already. */
bool talk_host_pass(struct talk_host *, int64_t until_ns);
void talk_host_drain(struct talk_host *);
/* Why the stream of that descriptor closed (enum gyre_why); 0: it has not. */
int talk_host_why(const struct talk_host *, int fd);
/* Loads the plugin, once a process; else the first start does. false: why, and it may be tried
 * again. interposed: it calls the tables of tests/sim/doors.h. */
bool talk_host_load(const char *path, bool interposed, char *why, size_t why_n);
/* Drains, counts what is left of everything, and frees. false: why, a line for each thing. */
bool talk_host_end(struct talk_host *, char *why, size_t why_n);

/* ---- talk_torture.c: a script again and again, each time with another call that fails ---- */

/* alloc: one allocation of the core. dry: that one and all after it. call: one call of the plugin
 * into the host. load: one allocation while the plugin is loaded. */
enum talk_fault_kind { FAULT_ALLOC, FAULT_DRY, FAULT_CALL, FAULT_LOAD };
struct talk_fault {
    enum talk_fault_kind kind;
    uint64_t n;  /* the first is 1; 0: nothing fails */
    bool beyond; /* n is past the last: the script must pass */
};
bool talk_fault_read(const char *text, struct talk_fault *); /* "alloc:17" */
void talk_fault_text(const struct talk_fault *, char *out, size_t n);
struct talk_result;
struct talk_torture {
    uint64_t shallow, seed; /* shallow: at most so many faults, by this seed; 0: all */
    const struct talk_fault *only; /* NULL: all */
    const char *path;              /* of the plugin */
    /* Runs the script with a fault (load: notes it, runs nothing). */
    bool (*run)(void *user, const struct talk_fault *, struct talk_result *);
    void *user;
    char *why;                     /* what went wrong beside the runs */
    size_t why_n;
    uint64_t *points;              /* how many there are to fail at, without loading */
};
bool talk_torture(const struct talk_torture *);

/* ---- talk_run.c: plays a script ---- */

struct talk_result {
    bool passed, failed_a_call; /* the second: the fault was reached */
    uint64_t allocs, calls;     /* points of each kind that were passed */
    char *failure;   /* several lines, or NULL */
    uint8_t *output; /* all that every client received, for comparing cuttings */
    size_t output_n;
};
/* Once, in one cutting. plugin: the path of its .so. tmp: an empty folder. The log goes to
 * descriptor 2, a file that can be read again. With a fault what the script expects need not come;
 * but nothing may crash, hang or be left over, and what is refused must say why. */
void talk_run(const struct talk *, const char *plugin, const char *tmp, const struct talk_cut *,
              const struct talk_fault *, struct talk_result *);
void talk_result_free(struct talk_result *);

/* ---- talk_jobs.c: every script in every cutting, each script in a child process ---- */

struct talk_options {
    const char *self, *plugin, *only; /* only: one cutting, or NULL: all, or a few */
    char path[PATH_MAX];              /* of the plugin, absolute */
    bool few, verbose, must_fail, torture;
    uint64_t shallow, seed;           /* of torture */
    struct talk_fault fault;          /* the only one; n 0: all */
};
/* Prints failures and "N passed, N failed". The exit status of the program. */
int talk_run_all(const struct talk_options *, char **scripts, size_t n);
#endif

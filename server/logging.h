/* SPDX-License-Identifier: GPL-3.0-or-later
 * logging.h - where the lines of all processes go: [server] log, log_max, log_keep.
 *
 * Descriptor 2 of every process is the log, whatever it is: standard error as it was, a file, or
 * the socket of a daemon. So a line is one write(2) of whoever has it to say, and services, which
 * can open nothing, are sent another descriptor when there is another log (M_LOG).
 */
#ifndef GYRE_LOGGING_H
#define GYRE_LOGGING_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

struct supervisor;
struct plan;
enum log_kind { LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_SOCKET };
struct log_place {
    enum log_kind kind;
    enum log_style style;
    char *path; /* of the file or socket; NULL: none */
};
struct logging {
    int terminal;          /* standard error as it was at the start */
    struct log_place now;  /* in force */
    struct log_place next; /* of the change under way, */
    int next_fd;           /* open; -1: the log stays what it is */
    uint64_t known;        /* which file now.path was when it was opened */
    int64_t look_ms;       /* when it is looked at next */
    bool failed;           /* that it cannot be opened or rotated was logged */
};
void logging_open(struct logging *);
/* Opens what the plan wants; with --check only looks whether it could. What is wrong is a problem
 * of the change. */
void logging_prepare(struct supervisor *, const struct plan *);
void logging_commit(struct supervisor *); /* from now on */
void logging_abandon(struct logging *);
void logging_turn(struct supervisor *); /* rotates, and follows a file that was moved away */
/* The file is opened again, made if need be. NULL, or why not. */
const char *logging_reopen(struct supervisor *);
/* Nothing is lost on the way to another program: see handover.h. */
void logging_restore(struct logging *, int terminal, uint64_t kind, uint64_t style, char *path);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * handover.h - the state of a supervisor as bytes, for the program that takes its place.
 *
 * A TABLE lies in a memfd: the word "gyre handover", a format number, then records, each a number
 * that says what it is, the length of its body, and the body: a row of fields as in message.h.
 * A record of a kind that the reader does not know is skipped; a wrong field ends the reading.
 * Descriptors are written as numbers; they outlive the exec, and are checked when read.
 */
#ifndef GYRE_HANDOVER_H
#define GYRE_HANDOVER_H

#include "supervisor.h"

/* What is written changes its meaning: then this does. Another one is refused before the exec. The
 * head of the table and H_PROGRAM, which comes first, never change. */
#ifndef HANDOVER_FORMAT
#define HANDOVER_FORMAT 1
#endif
enum handover_record {
    H_PROGRAM = 1, /* fd of the program that runs now, text version */
    H_STATE,       /* run, plugins, control; level, began_ms; control's fd; last ids */
    H_CLIENT,      /* one client of gyrectl */
    H_SOCKETS,     /* one endpoint: text, n, n fds */
    H_FILE,        /* one plugin file, and its modules */
    H_SECTION,     /* one section of the configuration in force, and its entries */
    H_SERVICE,
    H_PROCESS,
    H_LOG,         /* standard error at the start; kind, style and path of the log */
};

/* ---- table.c ---- */

struct table { /* being written */
    FILE *all, *body;
    char *all_bytes, *body_bytes;
    size_t all_n, body_n;
    enum handover_record record;
    int *fds; /* all that were put */
    size_t fds_n;
};
void table_open(struct table *);
void table_begin(struct table *, enum handover_record);
void table_number(struct table *, uint64_t);
void table_text(struct table *, const char *or_null);
void table_bytes(struct table *, gyre_view);
void table_fd(struct table *, int); /* -1: none */
void table_end(struct table *);
int table_seal(struct table *);     /* a memfd, read from its start; -1: errno. Closes the rest */
void table_fds(const struct table *, bool outlive_exec);
void table_free(struct table *);

struct table_in { /* being read */
    char *bytes;
    size_t n;
    gyre_in all, body;
    enum handover_record record;
    uint64_t format;
    bool draft; /* of a test: descriptors are not looked at, nor owned */
    bool wrong;
    int *fds; /* all that were read */
    size_t fds_n;
};
/* The whole table, of any format. false: why. fd stays the caller's. */
bool table_read(struct table_in *, int fd, bool draft, char *why, size_t why_n);
bool table_next(struct table_in *); /* the next record; false: the end, or wrong */
uint64_t table_get(struct table_in *);
char *table_get_text(struct table_in *); /* allocated; NULL as written */
int table_get_fd(struct table_in *);
void table_take_fds(struct table_in *); /* they are ours: an exec closes them from now on */
void table_in_free(struct table_in *);

/* ---- handover.c writes, takeover.c reads ---- */

void handover_write(const struct supervisor *, struct table *, int program);
/* Fills a supervisor that has no state yet. false: why; what was made is of no use. */
bool takeover_read(struct supervisor *, struct table_in *, char *why, size_t why_n);
/* The descriptor of the program that wrote it; -1: none. Needs nothing but the first record. */
int takeover_program(int table_fd);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * proposal.h - changes of the configuration that gyrectl asks for: set, add, remove, undo.
 *
 * They wait in a line, one is made at a time. It is a change like any other (reload.c), on a
 * configuration that reads a draft in place of one file. When all that differs is prepared, the
 * file is replaced, and then it is in force. Promise: refused, or failed at any point before that,
 * it leaves running state and files as they were; none is lost; a file that somebody has edited
 * meanwhile is not written over: the proposal is made anew on the new text, TRIES_MOST times.
 */
#ifndef GYRE_PROPOSAL_H
#define GYRE_PROPOSAL_H

#include <stdio.h>

#include "edit.h"
#include "history.h"
#include "replace.h"

struct supervisor;
struct client;

struct proposal {
    struct proposal *next;
    int64_t uid;
    char *what;               /* "set http root=/srv/b", secrets masked: for people */
    char *section;            /* as it was asked for, with one space */
    struct edit edit;         /* its texts are in pairs and before */
    struct edit_pair *pairs;
    char *before;
    bool is_undo;             /* instead of an edit */
    uint64_t undoes;          /* which change; 0: the last one */
    /* what it comes to */
    char *file;               /* "20-http.ini"; NULL: not known yet */
    struct version_of_file old, new;
    uint32_t line;            /* where it begins; 0: not known */
    uint64_t number;          /* in the history; 0: not made yet */
    uint64_t undone;          /* the change that it undoes; or 0 */
    uint32_t tries;
    bool fresh;               /* the section is new: its plugin must be there */
    bool overtaken;           /* the file is not what it was any more: make it anew */
    struct problems problems; /* what is wrong before it becomes a change */
};
struct proposals {
    struct proposal *first; /* the one that is being made, or is next */
};
void proposal_free(struct proposal *);

/* ---- proposal.c ---- */

/* Takes it; who waits for the answer is client. */
void proposal_ask(struct supervisor *, struct client *, struct proposal *);
/* Between two changes: begins the next one, if there is one. */
void proposals_turn(struct supervisor *);
/* The change that it had become is over. */
void proposal_done(struct supervisor *, bool done, const struct problems *);
void proposals_end(struct supervisor *); /* refuses all */
struct conf_draft proposal_draft(const struct proposal *);
/* The folder of the configuration, without links; free it. NULL: errno. */
char *proposal_folder(const struct supervisor *);

/* ---- proposal_write.c ---- */

/* Puts it on disk: history and file. false: problems say why, and nothing is changed. */
bool proposal_write(struct supervisor *, struct proposal *, struct problems *);
/* Files that are not as they are in the configuration in force: they were edited by hand. */
void history_note(struct supervisor *, const struct config *now, const struct proposal *or_null);

/* ---- proposal_requests.c: requests of gyrectl ---- */

void request_set(struct supervisor *, struct client *, char **word, FILE *);
void request_add(struct supervisor *, struct client *, char **word, FILE *);
void request_remove(struct supervisor *, struct client *, char **word, FILE *);
void request_undo(struct supervisor *, struct client *, char **word, FILE *);
void request_history(struct supervisor *, struct client *, char **word, FILE *);
void request_get(struct supervisor *, struct client *, char **word, FILE *);
#endif

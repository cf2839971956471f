/* SPDX-License-Identifier: GPL-3.0-or-later
 * history.h - the changes that were made to the configuration, kept beside it: who, when, what, and
 * the file before and after.
 *
 * In the folder .gyre-history of the configuration's folder, a file for each change: so it goes
 * where the configuration goes, and outlives server and machine. Folder and files are for their
 * owner alone, since values may be secrets.
 * Limits: LIMIT_HISTORY changes, LIMIT_HISTORY_BYTES; the oldest are forgotten.
 */
#ifndef GYRE_HISTORY_H
#define GYRE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct version_of_file {
    bool there;
    gyre_view text;
};
struct history_entry {
    uint64_t number;
    uint64_t undoes; /* the change that it undid; 0: none */
    int64_t when_s;  /* since 1970 */
    int64_t uid;     /* of who asked; -1: a file was edited by hand */
    char *what;      /* "set http root=/srv/b", secrets masked */
    char *file;      /* "20-http.ini" */
    struct version_of_file before, after;
};
/* Keeps it, under the next number. folder: of the configuration. 0: why. */
uint64_t history_add(const char *folder, const struct history_entry *, char *why, size_t why_n);
void history_take_back(const char *folder, uint64_t number); /* it did not come about */
/* false: why. An entry that was read is freed. */
bool history_read(const char *folder, uint64_t number, struct history_entry *, char *why,
                  size_t why_n);
void history_entry_free(struct history_entry *);
/* All numbers, the newest first; free it. NULL: there are none. */
uint64_t *history_numbers(const char *folder, size_t *n);
/* The newest change that no other has undone, and that undid none. 0: there is none. */
uint64_t history_last(const char *folder);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * replace.h - gives a file another text, wholly or not at all.
 *
 * Promise: whatever happens, even if the power fails, there is the old text or the new one; that is
 * on the disk when replace_end returns. What is not finished has a name that begins with a dot,
 * which nobody reads, and is written over the next time. Owner, mode, ACL and attributes are kept;
 * where they cannot be, the file stays as it is. A symbolic link stays one: what it names changes.
 * Hard links part. Blocks while the disk writes.
 */
#ifndef GYRE_REPLACE_H
#define GYRE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "bytes.h"

struct replacement {
    char *target; /* without links */
    char *draft;  /* beside it; NULL: the file is to go */
};
/* Writes the new text beside the file; mode: of one that is new. false: why, and there is nothing
 * to be ended or dropped. */
bool replace_begin(struct replacement *, const char *path, gyre_view text, mode_t mode, char *why,
                   size_t why_n);
/* The file is to go. */
bool replace_begin_gone(struct replacement *, const char *path, char *why, size_t why_n);
/* Puts it in place. false: why, and all is as it was. */
bool replace_end(struct replacement *, char *why, size_t why_n);
void replace_drop(struct replacement *); /* instead: nothing is changed */
#endif

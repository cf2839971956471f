/* SPDX-License-Identifier: GPL-3.0-or-later
 * safe.h - files that nobody else may have written: is this one, and reading it.
 *
 * Promise: true means that nobody but root and the user of this process can change what the path
 * names: not the file, not a folder on the way to it, not a symbolic link. So what is true stays
 * true until one of those two changes it, and a file opened afterwards is the one that was judged.
 */
#ifndef GYRE_SAFE_H
#define GYRE_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "bytes.h"

/* Every object on the way (file, folders, links) belongs to root or to geteuid(), and only they
 * may write it. A folder with the sticky bit may be writable by all, like /tmp. false: why names
 * the object and the remedy; also when there is nothing at the path. */
bool path_is_safe(const char *path, char *why, size_t why_n);

/* The whole of a safe regular file of at most `most` bytes, with a NUL behind it; safe_free it.
 * st: what fstat said, unless NULL. false: why names the file and the remedy. */
bool safe_read(const char *path, size_t most, struct stat *st_or_null, gyre_view *text, char *why,
               size_t why_n);
void safe_free(gyre_view text); /* wipes it first: it may have been a secret */
#endif

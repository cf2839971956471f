/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache.h - small files of one worker, for file.c alone. */
#ifndef GYRE_CACHE_H
#define GYRE_CACHE_H

#include <sys/inotify.h>

#include "../service.h"
#include "services/file.h"

/* Anything that can make a cached file wrong. */
enum {
    CACHE_EVENTS = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE |
                   IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_ONLYDIR | IN_EXCL_UNLINK,
};
struct file_key {
    uint64_t dev, ino; /* of the root */
    gyre_view path;
};
struct buf *cache_find(struct worker *, const struct file_key *); /* NULL: not there */
void cache_put(struct worker *, const struct file_key *, struct bytes_core *, int64_t modified_ns,
               uint64_t identity); /* borrows the bytes */
int cache_notify(struct worker *);       /* the inotify descriptor; -1: there is none */
uint64_t cache_changes(struct worker *); /* counts what inotify told */
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * blocking.h - the rest of the seam: what the core asks of the world and has to wait for.
 *
 * Opening files beneath granted folders, watching folders, looking up names. Used by helper threads
 * and while on_load runs; a worker itself only closes, and reads what inotify told. Behind it
 * stands the system (blocking.c), or files in memory for tests (tests/sim/files.c).
 * Threads: any, at the same time. Errors are -errno, never errno.
 */
#ifndef GYRE_BLOCKING_H
#define GYRE_BLOCKING_H

#include "ring.h"

struct file_facts {
    uint64_t dev, ino, size;
    int64_t modified_ns;
    uint64_t names;      /* hard links */
    bool file, folder;   /* neither: a device, a socket … */
    bool through_link;   /* a symbolic link was on the way */
};
struct blocking_ops {
    /* A folder, to open what is beneath it. The descriptor, or an error. */
    int (*root)(const char *path, struct file_facts *);
    /* To read. Never leads out of the root. */
    int (*open)(int root, const char *path, struct file_facts *);
    /* A folder beneath the root, reached without a symbolic link; to be watched. */
    int (*folder)(int root, const char *path);
    int (*facts)(int root, const char *path, struct file_facts *);
    /* Up to n bytes; 0: the end. */
    int64_t (*read)(int fd, void *, size_t n, uint64_t at);
    void (*close)(int fd);
    /* What tells of changes in folders: readable (ring's poll) when something changed. */
    int (*notify)(void);
    int (*watch)(int notify, int folder, uint32_t events);
    /* struct inotify_event after another, whole ones; -EAGAIN: no more. */
    int64_t (*changes)(int notify, void *, size_t n);
    /* 0, or an EAI_ code. numeric: an address as text, no look-up. */
    int (*resolve)(const char *host, uint16_t port, bool numeric, union ring_address *,
                   socklen_t *);
};
extern const struct blocking_ops *blocking;
#endif

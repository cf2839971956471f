/* SPDX-License-Identifier: GPL-3.0-or-later
 * queue.h - the output queue's doors, for stream.c alone. The queue itself is in core.h. */
#ifndef GYRE_QUEUE_H
#define GYRE_QUEUE_H

#include <sys/uio.h>

#include "core.h"

struct chunk {
    struct chunk *next;
    struct chunk *last; /* of the queue, in its first chunk alone */
    struct bytes_core *core; /* shared bytes or a file: at, n. NULL: own bytes: from, to, cap */
    uint64_t at, n;
    uint32_t from, to, cap, size; /* size: what was taken from the pool; 0: only this head */
    uint8_t bytes[];
};
struct file_piece { /* one piece of a file that is being read */
    struct chunk *chunk;
    int fd;
    uint8_t *p;
    uint32_t n;
    uint64_t at;
};

/* false: memory_max */
bool queue_put(struct worker *, struct section *, struct queue *, gyre_view);
bool queue_put_shared(struct worker *, struct queue *, struct bytes_core *, uint64_t at,
                      uint64_t n);
/* What can be sent now, up to the first file that is not read yet. */
size_t queue_parts(const struct queue *, struct iovec *, size_t most);
void queue_sent(struct worker *, struct section *, struct queue *, uint64_t n);
bool queue_file_due(const struct queue *); /* little is left before the next piece of a file */
bool queue_file_begin(struct worker *, struct section *, struct queue *, struct file_piece *);
/* false: the file ended early; the stream cannot go on. */
bool queue_file_end(struct worker *, struct section *, struct queue *, struct file_piece *,
                    int32_t res);
/* All of it, if it is in memory: out has room for its bytes. false: there is a file. */
bool queue_copy(const struct queue *, uint8_t *out);
void queue_drop(struct worker *, struct section *, struct queue *);
#endif

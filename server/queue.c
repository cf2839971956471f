/* SPDX-License-Identifier: GPL-3.0-or-later
 * queue.c - bytes on their way to one peer.
 *
 * A list of chunks: own bytes (copied, appended to while there is space), shared bytes (counted),
 * and files, of which one piece at a time is read into own bytes when it is due.
 * Promise: order is kept; what is under way is not touched (appending goes behind it).
 * Limits: the caller's (stream.c); a chunk of own bytes is at most CHUNK_MOST. Worker: the
 * stream's.
 */
#include "queue.h"

enum { CHUNK_LEAST = 2048, CHUNK_MOST = 64 * 1024 };

static void append(struct queue *q, struct chunk *c)
{
    c->next = NULL;
    if (q->first) q->first->last->next = c;
    else q->first = c;
    q->first->last = c;
}

static struct chunk *chunk_make(struct worker *w, struct section *s, uint32_t room)
{
    uint32_t size = (uint32_t)sizeof(struct chunk) + room;
    uint32_t total = CHUNK_LEAST;
    while (total < size) total *= 2;
    if (!memory_take(w, s, total)) return NULL;
    struct chunk *c = pool_take(w, total);
    if (!c) {
        memory_give(w, s, total);
        return NULL;
    }
    *c = (struct chunk){.size = total, .cap = total - (uint32_t)sizeof *c};
    return c;
}

static void chunk_free(struct worker *w, struct section *s, struct chunk *c)
{
    if (c->core) bytes_drop(c->core);
    if (c->size) memory_give(w, s, c->size);
    pool_give(w, c, c->size ? c->size : sizeof *c);
}

bool queue_put(struct worker *w, struct section *s, struct queue *q, gyre_view v)
{
    struct chunk *last = q->first ? q->first->last : NULL;
    if (!v.n) return true;
    if (last && !last->core && last->cap - last->to >= v.n) {
        memcpy(last->bytes + last->to, v.p, v.n);
        last->to += (uint32_t)v.n;
        q->bytes += (uint32_t)v.n;
        return true;
    }
    while (v.n) {
        uint32_t room = v.n < CHUNK_MOST - sizeof *last ? (uint32_t)v.n
                                                        : CHUNK_MOST - (uint32_t)sizeof *last;
        struct chunk *c = chunk_make(w, s, room);
        if (!c) return false;
        gyre_view part = gyre_head(&v, c->cap);
        memcpy(c->bytes, part.p, part.n);
        c->to = (uint32_t)part.n;
        q->bytes += (uint32_t)part.n;
        append(q, c);
    }
    return true;
}

bool queue_put_shared(struct worker *w, struct queue *q, struct bytes_core *core, uint64_t at,
                      uint64_t n)
{
    struct chunk *c = pool_zero(w, sizeof *c);
    if (!c) return false;
    c->core = borrow_bytes(core);
    c->at = at;
    c->n = n;
    if (core->p) q->bytes += (uint32_t)n;
    else q->files++;
    append(q, c);
    return true;
}

size_t queue_parts(const struct queue *q, struct iovec *out, size_t most)
{
    size_t n = 0;
    for (struct chunk *c = q->first; c && n < most; c = c->next) {
        if (c->core && !c->core->p) break;
        if (c->core) out[n++] = (struct iovec){c->core->p + c->at, c->n};
        else out[n++] = (struct iovec){c->bytes + c->from, c->to - c->from};
    }
    return n;
}

bool queue_copy(const struct queue *q, uint8_t *out)
{
    for (const struct chunk *c = q->first; c; c = c->next) {
        if (c->core && !c->core->p) return false;
        size_t n = c->core ? (size_t)c->n : c->to - c->from;
        memcpy(out, c->core ? c->core->p + c->at : c->bytes + c->from, n);
        out += n;
    }
    return true;
}

static void drop_first(struct worker *w, struct section *s, struct queue *q)
{
    struct chunk *c = q->first;
    q->first = c->next;
    if (q->first) q->first->last = c->last;
    chunk_free(w, s, c);
}

void queue_sent(struct worker *w, struct section *s, struct queue *q, uint64_t n)
{
    if (n > q->bytes) bug(__func__, "more sent than queued");
    q->bytes -= (uint32_t)n;
    while (n) {
        struct chunk *c = q->first;
        uint64_t have = c->core ? c->n : c->to - c->from, part = n < have ? n : have;
        n -= part;
        if (part == have) {
            drop_first(w, s, q);
        } else if (c->core) {
            c->at += part;
            c->n -= part;
        } else {
            c->from += (uint32_t)part;
        }
    }
}

/* The first file of the queue and the chunk before it. */
static struct chunk *file_of(const struct queue *q, struct chunk **before)
{
    struct chunk *c = q->first;
    *before = NULL;
    while (c && (!c->core || c->core->p)) *before = c, c = c->next;
    return c;
}

bool queue_file_due(const struct queue *q)
{
    struct chunk *before;
    return q->files && q->bytes < LIMIT_FILE_CHUNK && file_of(q, &before);
}

bool queue_file_begin(struct worker *w, struct section *s, struct queue *q, struct file_piece *out)
{
    struct chunk *before, *file = file_of(q, &before);
    /* with its head it fills a class of the pool */
    uint64_t most = LIMIT_FILE_CHUNK - sizeof *file;
    uint64_t n = file->n < most ? file->n : most;
    struct chunk *c = chunk_make(w, s, (uint32_t)n);
    if (!c) return false;
    *out = (struct file_piece){c, file->core->fd, c->bytes, (uint32_t)n, file->at};
    return true;
}

bool queue_file_end(struct worker *w, struct section *s, struct queue *q, struct file_piece *piece,
                    int32_t res)
{
    struct chunk *before, *file = file_of(q, &before), *c = piece->chunk;
    piece->chunk = NULL;
    if (!file || res <= 0) { /* the queue was dropped meanwhile; or the file shrank, or broke */
        chunk_free(w, s, c);
        return false;
    }
    c->to = (uint32_t)res;
    q->bytes += (uint32_t)res;
    c->next = file;
    if (before) {
        before->next = c;
    } else {
        c->last = file->last;
        q->first = c;
    }
    file->at += (uint32_t)res;
    file->n -= (uint32_t)res;
    if (file->n) return true;
    c->next = file->next;
    if (!file->next) q->first->last = c;
    q->files--;
    chunk_free(w, s, file);
    return true;
}

void queue_drop(struct worker *w, struct section *s, struct queue *q)
{
    while (q->first) drop_first(w, s, q);
    q->bytes = 0;
    q->files = 0;
}

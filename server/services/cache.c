/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache.c - small files of one worker, kept until something on their way changes.
 *
 * A change to a name drops what has that name as its last part; a change to a folder, or lost
 * events, drop everything. The kernel tells of a change before it tells of a request that was sent
 * after it, and both come through the same ring in order: what is served is never older than the
 * request.
 * Limits: LIMIT_FILE_CACHE bytes and LIMIT_FILE_OPEN larger files, then the longest unused goes.
 * Worker: its own.
 */
#include "cache.h"

#include <errno.h>

#include "../blocking.h"

enum { BUCKETS = 1024, ENTRY_COST = 256 };

struct cached {
    struct cached *next;           /* in its bucket */
    struct cached *newer, *older;  /* by use */
    uint64_t dev, ino, hash;
    struct buf buf;
    size_t path_n;
    uint8_t path[];
};
struct files {
    struct poller poller; /* first: OP_POLL finds it */
    uint32_t slot;
    uint64_t id;
    int notify;
    bool armed;
    uint64_t changes, bytes, seed;
    uint32_t open; /* larger files, by descriptor */
    struct cached *bucket[BUCKETS];
    struct cached ends; /* ends.newer: the oldest; ends.older: the newest */
};

static uint64_t hash_of(const struct files *f, const struct file_key *k)
{
    uint64_t h = f->seed ^ k->dev * 0x9e3779b97f4a7c15u ^ k->ino, word;
    gyre_view v = k->path, part;
    while (gyre_exact(&v, 8, &part)) {
        memcpy(&word, part.p, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    word = v.n;
    if (v.n) memcpy(&word, v.p, v.n);
    h = (h ^ word ^ (uint64_t)k->path.n << 56) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

static void unlink_use(struct cached *e)
{
    e->newer->older = e->older;
    e->older->newer = e->newer;
}

static void link_newest(struct files *f, struct cached *e)
{
    e->newer = &f->ends;
    e->older = f->ends.older;
    e->older->newer = e;
    f->ends.older = e;
}

static uint64_t cost_of(const struct cached *e)
{
    return (e->buf.core->p ? e->buf.core->n : 0) + e->path_n + ENTRY_COST;
}

static void drop(struct worker *w, struct cached *e)
{
    struct files *f = w->files;
    struct cached **at = &f->bucket[e->hash % BUCKETS];
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    unlink_use(e);
    f->bytes -= cost_of(e);
    f->open -= e->buf.core->fd >= 0;
    bytes_drop(e->buf.core);
    pool_give(w, e, sizeof *e + e->path_n);
}

static void drop_all(struct worker *w)
{
    struct files *f = w->files;
    while (f->ends.newer != &f->ends) drop(w, f->ends.newer);
}

/* The last part of its path is that name. */
static bool is_named(const struct cached *e, const char *name)
{
    size_t n = strlen(name);
    return e->path_n >= n && !memcmp(e->path + e->path_n - n, name, n) &&
           (e->path_n == n || e->path[e->path_n - n - 1] == '/');
}

static void apply(struct worker *w, const struct inotify_event *event)
{
    struct files *f = w->files;
    f->changes++;
    if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF | IN_ISDIR) ||
        !event->len) {
        drop_all(w);
        return;
    }
    for (struct cached *e = f->ends.newer, *next; e != &f->ends; e = next) {
        next = e->newer;
        if (is_named(e, event->name)) drop(w, e);
    }
}

static void arm(struct worker *w)
{
    struct files *f = w->files;
    if (f->armed) return;
    f->armed = true;
    w->ring->ops->poll(w->ring, f->notify, op_user(OP_POLL, f->slot, f->id));
}

static void changed(struct worker *w, struct poller *p, const struct ring_event *e)
{
    struct files *f = (struct files *)p;
    _Alignas(struct inotify_event) uint8_t room[4096];
    int64_t n;
    if (!(e->flags & RING_MORE)) f->armed = false;
    while ((n = blocking->changes(f->notify, room, sizeof room)) > 0) {
        size_t at = 0;
        while (at + sizeof(struct inotify_event) <= (size_t)n) {
            const struct inotify_event *event = (const void *)(room + at);
            if (event->len > (size_t)n - at - sizeof *event) break;
            at += sizeof *event + event->len;
            apply(w, event);
        }
    }
    arm(w);
}

static struct files *files_of(struct worker *w)
{
    struct files *f = w->files;
    if (f) return f;
    f = pool_zero(w, sizeof *f);
    if (!f) return NULL;
    f->slot = slot_take(w, f, SLOT_POLLER, &f->id);
    if (f->slot == UINT32_MAX) { /* another time, perhaps */
        pool_give(w, f, sizeof *f);
        return NULL;
    }
    f->poller.ready = changed;
    f->ends.newer = f->ends.older = &f->ends;
    w->ring->ops->random(w->ring, &f->seed, sizeof f->seed);
    f->notify = blocking->notify();
    w->files = f;
    if (f->notify >= 0) arm(w);
    else log_warn("files are not cached: no inotify: %s (raise fs.inotify.max_user_instances)",
                  strerror(-f->notify));
    return f;
}

struct buf *cache_find(struct worker *w, const struct file_key *k)
{
    struct files *f = w->files;
    if (!f) return NULL;
    uint64_t hash = hash_of(f, k);
    for (struct cached *e = f->bucket[hash % BUCKETS]; e; e = e->next) {
        if (e->hash != hash || e->dev != k->dev || e->ino != k->ino ||
            !gyre_eq(k->path, (gyre_view){e->path, e->path_n}))
            continue;
        if (f->ends.older != e) {
            unlink_use(e);
            link_newest(f, e);
        }
        return &e->buf;
    }
    return NULL;
}

void cache_put(struct worker *w, const struct file_key *k, struct bytes_core *core,
               int64_t modified_ns, uint64_t identity)
{
    struct files *f = w->files;
    if (!f || cache_find(w, k)) return;
    struct cached *e = pool_zero(w, sizeof *e + k->path.n);
    if (!e) return;
    e->dev = k->dev;
    e->ino = k->ino;
    e->hash = hash_of(f, k);
    e->path_n = k->path.n;
    memcpy(e->path, k->path.p, k->path.n);
    buf_name(&e->buf, borrow_bytes(core));
    e->buf.pub.modified_ns = modified_ns;
    e->buf.pub.identity = identity;
    e->next = f->bucket[e->hash % BUCKETS];
    f->bucket[e->hash % BUCKETS] = e;
    link_newest(f, e);
    f->bytes += cost_of(e);
    f->open += core->fd >= 0;
    while ((f->bytes > LIMIT_FILE_CACHE || f->open > LIMIT_FILE_OPEN) && f->ends.newer != e)
        drop(w, f->ends.newer);
}

int cache_notify(struct worker *w)
{
    struct files *f = files_of(w);
    return f ? f->notify : -1;
}

uint64_t cache_changes(struct worker *w)
{
    return w->files ? w->files->changes : 0;
}

void files_free(struct worker *w)
{
    struct files *f = w->files;
    if (!f) return;
    drop_all(w);
    if (f->notify >= 0) blocking->close(f->notify);
    w->files = NULL;
    pool_give(w, f, sizeof *f);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * file.c - "file/1": files below granted roots.
 *
 * A helper opens a file beneath its root (blocking.h), reads it whole when it is small,
 * and before that asks inotify to watch every folder on the way. The worker keeps small files, and
 * the descriptors of larger ones, in its cache (cache.c) and drops them when a folder says that
 * something changed.
 * Not cached: what is reached through a symbolic link, has several names (hard links), or cannot be
 * watched; then every request opens anew, and is right.
 * Limits: LIMIT_FILE_CACHED a file, LIMIT_FILE_CACHE a worker, DEPTH_MOST folders deep for caching.
 */
#include <errno.h>
#include <stdlib.h>

#include "../blocking.h"
#include "cache.h"

enum { DEPTH_MOST = 16, PATH_MOST = 4095 };

struct opening { /* one file that a helper opens */
    struct job job;
    uint32_t slot;
    uint64_t id;
    struct version *version; /* held, for the root's descriptor */
    int root, notify;        /* descriptors; notify -1: do not watch */
    struct file_key key;     /* path points to our own copy */
    uint64_t changes;        /* the cache's count when we began */
    int32_t err;
    bool may_cache;
    struct bytes_core *core;
    int64_t modified_ns;
    uint64_t identity;
    char path[];
};

/* ---- on the helper ---- */

static int32_t error_of(int err)
{
    switch (err) {
    case -ENOENT:
    case -ENOTDIR: return GYRE_ABSENT;
    case -EACCES:
    case -EPERM:
    case -EXDEV:
    case -ELOOP: return GYRE_DENIED;
    case -ENAMETOOLONG: return GYRE_ABSENT;
    default: return GYRE_IO;
    }
}

/* Watches the root and each folder on the way, before the file is opened. false: cannot. */
static bool watch_way(struct opening *o)
{
    if (o->notify < 0 || blocking->watch(o->notify, o->root, CACHE_EVENTS) < 0) return false;
    int depth = 0;
    for (char *at = o->path; (at = strchr(at, '/')); at++) {
        if (++depth > DEPTH_MOST) return false;
        *at = 0;
        int folder = blocking->folder(o->root, o->path);
        *at = '/';
        if (folder < 0) return false;
        bool ok = blocking->watch(o->notify, folder, CACHE_EVENTS) >= 0;
        blocking->close(folder);
        if (!ok) return false;
    }
    return true;
}

static int32_t read_whole(struct opening *o, int fd, uint64_t n)
{
    uint64_t at = 0;
    o->core = bytes_room(n);
    if (!o->core) return GYRE_FULL;
    while (at < n) {
        int64_t got = blocking->read(fd, o->core->p + at, n - at, at);
        if (got < 0) return GYRE_IO;
        if (got == 0) break; /* it shrank meanwhile: what there is */
        at += (uint64_t)got;
    }
    o->core->n = at;
    return GYRE_OK;
}

static void open_file(struct job *job)
{
    struct opening *o = (struct opening *)job;
    struct file_facts st;
    bool watched = watch_way(o);
    int fd = blocking->open(o->root, o->path, &st);
    if (fd < 0) {
        o->err = error_of(fd);
        return;
    }
    o->modified_ns = st.modified_ns;
    o->identity = st.ino * 0x9e3779b97f4a7c15u ^ (uint64_t)o->modified_ns ^
                  st.size * 0xc2b2ae3d27d4eb4fu;
    if (!st.file) {
        o->err = st.folder ? GYRE_FOLDER : GYRE_DENIED;
        blocking->close(fd);
        return;
    }
    o->may_cache = watched && !st.through_link && st.names == 1;
    if (st.size <= LIMIT_FILE_CACHED) {
        o->err = read_whole(o, fd, st.size);
        blocking->close(fd);
    } else {
        o->core = bytes_of_file(fd, st.size);
        if (!o->core) o->err = GYRE_FULL;
    }
}

/* ---- on the worker ---- */

static void opened(struct worker *w, struct item *item)
{
    struct opening *o = (struct opening *)((uint8_t *)item - offsetof(struct opening, job.item));
    struct request *r = request_at(w, o->slot, o->id);
    struct gyre_answer answer = {.err = o->err};
    if (!o->err && o->may_cache && cache_changes(w) == o->changes)
        cache_put(w, &o->key, o->core, o->modified_ns, o->identity);
    if (r && !o->err) {
        struct actor *a = slot_at(w, (uint32_t)r->actor.at, r->actor.id, SLOT_ACTOR);
        struct buf *b = buf_make(w, a, borrow_bytes(o->core));
        if (b) {
            b->pub.modified_ns = o->modified_ns;
            b->pub.identity = o->identity;
            answer.file = &b->pub;
        } else {
            answer.err = GYRE_FULL;
        }
    }
    if (r) request_answer(w, r, &answer);
    bytes_drop(o->core);
    version_unuse(w, o->version);
    free(o);
}

static bool wrong_path(gyre_view path)
{
    return !path.n || path.n > PATH_MOST || memchr(path.p, 0, path.n);
}

static const struct grant *root_of(struct actor *a, int root, const char *call)
{
    const struct grant *g = grant_root(a->version, root);
    if (!g) bug(call, "%d is no handle of a path that on_load wanted", root);
    return g;
}

static int file_open(struct gyre_actor *pub, int root, gyre_view path, uint32_t flags, uint64_t tag,
                     gyre_done *done)
{
    struct actor *a = enter(pub, "file->open");
    struct worker *w = worker_here;
    if (a->flags & A_CLOSING) return GYRE_GONE;
    if (!done) bug("file->open", "nobody to answer");
    const struct grant *g = root_of(a, root, "file->open");
    if (flags || wrong_path(path)) return GYRE_INVALID;
    struct opening *o = malloc(sizeof *o + path.n + 1);
    struct request *r = o ? request_open(w, a, tag, done, GYRE_NEVER) : NULL;
    if (!r) {
        free(o);
        return GYRE_FULL;
    }
    *o = (struct opening){.job = {.work = open_file, .item = {.run = opened}, .worker = w},
                          .slot = r->slot, .id = r->id, .version = a->version, .root = g->fd,
                          .key = {g->dev, g->ino, {(uint8_t *)o->path, path.n}}};
    memcpy(o->path, path.p, path.n);
    o->path[path.n] = 0;
    o->notify = cache_notify(w);
    o->changes = cache_changes(w);
    a->version->users[w->index]++;
    if (helpers_post(w->service, &o->job)) return GYRE_OK;
    version_unuse(w, o->version);
    free(o);
    request_refuse(w, r);
    return GYRE_FULL;
}

static struct gyre_buf *file_cached(struct gyre_actor *pub, int root, gyre_view path)
{
    struct actor *a = enter(pub, "file->cached");
    const struct grant *g = root_of(a, root, "file->cached");
    struct file_key key = {g->dev, g->ino, path};
    struct buf *b = cache_find(worker_here, &key);
    return b ? &b->pub : NULL;
}

/* ---- in on_load ---- */

struct loaded_file {
    struct loaded_file *next;
    int root;
    struct file_facts was;
    char path[];
};

static bool remember(struct version *v, int root, gyre_view path, const struct file_facts *st)
{
    struct loaded_file *f = version_mem(v, sizeof *f + path.n + 1);
    if (!f) return false;
    *f = (struct loaded_file){.next = v->loaded, .root = root, .was = *st};
    memcpy(f->path, path.p, path.n);
    v->loaded = f;
    return true;
}

bool files_changed(const struct version *v)
{
    struct file_facts now;
    for (const struct loaded_file *f = v->loaded; f; f = f->next)
        if (blocking->facts(f->root, f->path, &now) < 0 || now.ino != f->was.ino ||
            now.dev != f->was.dev || now.size != f->was.size ||
            now.modified_ns != f->was.modified_ns)
            return true;
    return false;
}

static int file_load(struct gyre_section *pub, int root, gyre_view path, uint64_t most,
                     gyre_view *bytes)
{
    struct version *v = version_loading(NULL);
    const struct grant *g = v ? grant_root(v, root) : NULL;
    char name[PATH_MOST + 1];
    struct file_facts st;
    uint8_t *p = NULL;
    size_t at = 0;
    if (!g || &v->section->pub != pub)
        bug("file->load", "outside of on_load, or %d is no handle of a path", root);
    if (wrong_path(path)) return GYRE_INVALID;
    memcpy(name, path.p, path.n);
    name[path.n] = 0;
    int fd = blocking->open(g->fd, name, &st);
    if (fd < 0) return error_of(fd);
    int res = st.folder ? GYRE_FOLDER : st.file ? GYRE_OK : GYRE_DENIED;
    if (!res && st.size > most) res = GYRE_FULL;
    if (!res) p = version_mem(v, (size_t)st.size + 1);
    if (!res && !p) res = GYRE_FULL;
    while (!res && at < (size_t)st.size) {
        int64_t got = blocking->read(fd, p + at, (size_t)st.size - at, at);
        if (got < 0) res = GYRE_IO;
        if (got <= 0) break;
        at += (size_t)got;
    }
    blocking->close(fd);
    if (!res && !remember(v, g->fd, path, &st)) res = GYRE_FULL;
    if (!res) *bytes = (gyre_view){p, at};
    return res;
}

const struct gyre_file file_table = {.size = sizeof file_table, .open = file_open,
                                     .cached = file_cached, .load = file_load};

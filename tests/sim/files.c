/* SPDX-License-Identifier: GPL-3.0-or-later
 * files.c - files in memory behind blocking.h, and what tells that they changed.
 *
 * A file is a path and bytes; folders are the beginnings of paths. A file that is replaced is
 * another file: whoever has the old one open goes on reading it. Watchers get inotify events.
 * Owns all files until sim_free. Promise: reads fail and fall short when faults say so.
 * Limits: no links, no devices; names resolve when they are numeric.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/inotify.h>

#include "../../server/blocking.h"
#include "kernel.h"

struct sim_file {
    struct sim_file *next;
    char *path;
    uint8_t *bytes;
    size_t n;
    uint64_t ino;
    int64_t modified_ns;
    uint32_t opened;
    bool gone; /* another has its name, or nobody */
};
struct sim_notify {
    char **folders;
    size_t folders_n;
    uint8_t *events; /* struct inotify_event after another */
    size_t n, at;
};

static struct sim *world; /* blocking.h has no place for it */

static char *copy_of(const char *text)
{
    return sim_need(strdup(text));
}

static struct sim_file *file_at(const char *path)
{
    for (struct sim_file *f = world->files; f; f = f->next)
        if (!f->gone && !strcmp(f->path, path)) return f;
    return NULL;
}

static bool is_folder(const char *path)
{
    size_t n = strlen(path);
    for (struct sim_file *f = world->files; f; f = f->next)
        if (!f->gone && !strncmp(f->path, path, n) && (f->path[n] == '/' || !n)) return true;
    return false;
}

static void tell(const struct sim_file *f, struct file_facts *out)
{
    *out = (struct file_facts){.dev = 1, .ino = f ? f->ino : 2, .size = f ? f->n : 0,
                               .modified_ns = f ? f->modified_ns : 0, .names = 1,
                               .file = f != NULL, .folder = !f};
}

/* The absolute path of what lies at `path` beneath the root; false: nowhere beneath. */
static bool absolute(int root, const char *path, char *out, size_t n)
{
    const char *base = sim_socket_at(world, root)->path;
    if (path[0] == '/' || strstr(path, "..")) return false;
    int used = snprintf(out, n, "%s/%s", base, path);
    if (used < 0 || (size_t)used >= n) return false;
    while (used && out[used - 1] == '/') out[--used] = 0;
    return true;
}

static int descriptor(enum sim_kind kind, const char *path)
{
    if (sim_happens(world, FAULT_NO_FDS)) return -EMFILE;
    struct sim_socket *s = sim_socket_make(world, kind, 0);
    world->fds[s->fd - SIM_FD_FIRST].given = true;
    if (path) s->path = copy_of(path);
    return s->fd;
}

static int mem_root(const char *path, struct file_facts *out)
{
    if (!is_folder(path)) return file_at(path) ? -ENOTDIR : -ENOENT;
    tell(NULL, out);
    return descriptor(SIM_FOLDER, path);
}

static int mem_open(int root, const char *path, struct file_facts *out)
{
    char full[4096];
    if (!absolute(root, path, full, sizeof full)) return -EXDEV;
    struct sim_file *f = file_at(full);
    if (!f && !is_folder(full)) return -ENOENT;
    tell(f, out);
    int fd = descriptor(f ? SIM_FILE : SIM_FOLDER, full);
    if (fd < 0 || !f) return fd;
    sim_socket_at(world, fd)->file = f;
    f->opened++;
    return fd;
}

static int mem_folder(int root, const char *path)
{
    char full[4096];
    if (!absolute(root, path, full, sizeof full)) return -EXDEV;
    if (!is_folder(full)) return file_at(full) ? -ENOTDIR : -ENOENT;
    return descriptor(SIM_FOLDER, full);
}

static int mem_facts(int root, const char *path, struct file_facts *out)
{
    char full[4096];
    if (!absolute(root, path, full, sizeof full)) return -EXDEV;
    struct sim_file *f = file_at(full);
    if (!f && !is_folder(full)) return -ENOENT;
    tell(f, out);
    return 0;
}

int64_t sim_file_read(struct sim_socket *s, void *p, size_t n, uint64_t at)
{
    const struct sim_file *f = s->file;
    if (!f) return -EISDIR;
    if (sim_happens(s->sim, FAULT_FILE_ERROR)) return -EIO;
    if (at >= f->n) return 0;
    if (n > f->n - at) n = f->n - (size_t)at;
    if (n > 1 && sim_happens(s->sim, FAULT_FILE_SHORT))
        n = 1 + (size_t)sim_pick(s->sim, FAULT_FILE_SHORT, n - 1);
    memcpy(p, f->bytes + at, n);
    return (int64_t)n;
}

static int64_t mem_read(int fd, void *p, size_t n, uint64_t at)
{
    return sim_file_read(sim_socket_at(world, fd), p, n, at);
}

static void mem_close(int fd)
{
    sim_close_fd(world, fd);
}

void sim_file_free(struct sim_socket *s)
{
    if (s->file) s->file->opened--;
    if (!s->notify) return;
    for (size_t i = 0; i < s->notify->folders_n; i++) free(s->notify->folders[i]);
    free((void *)s->notify->folders);
    free(s->notify->events);
    free(s->notify);
    s->notify = NULL;
}

/* ---- changes ---- */

static int mem_notify(void)
{
    int fd = descriptor(SIM_NOTIFY, NULL);
    if (fd >= 0) sim_socket_at(world, fd)->notify = sim_need(calloc(1, sizeof(struct sim_notify)));
    return fd;
}

static int mem_watch(int notify, int folder, uint32_t events)
{
    struct sim_notify *y = sim_socket_at(world, notify)->notify;
    const char *path = sim_socket_at(world, folder)->path;
    (void)events;
    for (size_t i = 0; i < y->folders_n; i++)
        if (!strcmp(y->folders[i], path)) return 0;
    y->folders = sim_need(realloc((void *)y->folders, (y->folders_n + 1) * sizeof(char *)));
    y->folders[y->folders_n++] = copy_of(path);
    return 0;
}

static void note_change(struct sim_notify *y, uint32_t mask, const char *name)
{
    size_t len = name ? (strlen(name) + 16) & ~(size_t)15 : 0;
    struct inotify_event e = {.wd = 1, .mask = mask, .len = (uint32_t)len};
    y->events = sim_need(realloc(y->events, y->n + sizeof e + len));
    memcpy(y->events + y->n, &e, sizeof e);
    memset(y->events + y->n + sizeof e, 0, len);
    if (name) memcpy(y->events + y->n + sizeof e, name, strlen(name));
    y->n += sizeof e + len;
}

bool sim_notify_ready(const struct sim_socket *s)
{
    return s->notify->at < s->notify->n;
}

static int64_t mem_changes(int notify, void *p, size_t n)
{
    struct sim_notify *y = sim_socket_at(world, notify)->notify;
    size_t used = 0;
    while (y->at < y->n) {
        struct inotify_event e;
        memcpy(&e, y->events + y->at, sizeof e);
        if (used + sizeof e + e.len > n) break;
        memcpy((uint8_t *)p + used, y->events + y->at, sizeof e + e.len);
        used += sizeof e + e.len;
        y->at += sizeof e + e.len;
    }
    if (y->at == y->n) y->at = y->n = 0;
    return used ? (int64_t)used : -EAGAIN;
}

static void tell_watchers(struct sim *sim, const char *path, uint32_t mask)
{
    const char *slash = strrchr(path, '/');
    size_t n = (size_t)(slash - path);
    for (size_t i = 0; i < sim->sockets_n; i++) {
        struct sim_socket *s = sim->sockets[i];
        if (s->kind != SIM_NOTIFY || s->closed) continue;
        for (size_t k = 0; k < s->notify->folders_n; k++) {
            const char *folder = s->notify->folders[k];
            if (strlen(folder) != n || memcmp(folder, path, n) != 0) continue;
            if (sim_happens(sim, FAULT_WATCH_LOST)) note_change(s->notify, IN_Q_OVERFLOW, NULL);
            else note_change(s->notify, mask, slash + 1);
            sim_wake(sim->fds[s->fd - SIM_FD_FIRST].in);
        }
    }
}

void sim_file(struct sim *sim, const char *path, const void *bytes, size_t n)
{
    struct sim_file *old = file_at(path);
    if (old) old->gone = true;
    if (n != SIZE_MAX) {
        struct sim_file *f = sim_need(calloc(1, sizeof *f));
        f->path = copy_of(path);
        f->bytes = sim_need(malloc(n ? n : 1));
        if (n) memcpy(f->bytes, bytes, n);
        f->n = n;
        f->ino = ++sim->next_ino + 100;
        f->modified_ns = sim->now_ns + sim->wall_from_zero_ns;
        f->next = sim->files;
        sim->files = f;
    }
    tell_watchers(sim, path, n == SIZE_MAX ? IN_DELETE : IN_MOVED_TO);
}

/* ---- names ---- */

static int mem_resolve(const char *host, uint16_t port, bool numeric, union ring_address *out,
                       socklen_t *out_n)
{
    (void)numeric;
    memset(out, 0, sizeof *out);
    out->in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    *out_n = sizeof out->in4;
    if (inet_pton(AF_INET, host, &out->in4.sin_addr) == 1) return 0;
    out->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    *out_n = sizeof out->in6;
    return inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1 ? 0 : EAI_NONAME;
}

static const struct blocking_ops table = {
    .root = mem_root, .open = mem_open, .folder = mem_folder, .facts = mem_facts,
    .read = mem_read, .close = mem_close, .notify = mem_notify, .watch = mem_watch,
    .changes = mem_changes, .resolve = mem_resolve,
};
static const struct blocking_ops *before;

void sim_files(struct sim *sim)
{
    if (!world) before = blocking;
    world = sim;
    blocking = &table;
}

void sim_files_free(struct sim *sim)
{
    for (struct sim_file *f; (f = sim->files); free(f)) {
        sim->files = f->next;
        free(f->path);
        free(f->bytes);
    }
    if (world != sim) return;
    blocking = before;
    world = NULL;
}

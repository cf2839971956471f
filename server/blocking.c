/* SPDX-License-Identifier: GPL-3.0-or-later
 * blocking.c - the system behind blocking.h.
 *
 * Promise: what is opened lies beneath its root, whatever links and names say: the kernel resolves
 * (openat2), or, where it may not, each folder is opened without following links.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* Where there is no openat2 (valgrind), or it is refused as unknown (old container profiles):
 * folder by folder, and no link. */
static int open_step_by_step(int root, const char *path, int flags)
{
    int at = root, next;
    for (;;) {
        char part[256];
        size_t n = strcspn(path, "/");
        bool last = !path[n + strspn(path + n, "/")];
        if (n >= sizeof part) next = -ENAMETOOLONG;
        else if (path[0] == '/' || (n == 2 && !memcmp(path, "..", 2))) next = -EXDEV;
        else {
            memcpy(part, path, n);
            part[n] = 0;
            next = openat(at, part, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
            if (next < 0) next = -errno;
        }
        if (at != root) close(at);
        if (next < 0 || last) return next;
        at = next;
        path += n + strspn(path + n, "/");
    }
}

static int open_beneath(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve};
    long fd;
    do fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_step_by_step(root, path, (int)flags);
    return fd < 0 ? -errno : (int)fd;
}

static void tell(const struct stat *st, struct file_facts *out)
{
    *out = (struct file_facts){
        .dev = st->st_dev, .ino = st->st_ino, .size = (uint64_t)st->st_size,
        .modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .names = st->st_nlink, .file = S_ISREG(st->st_mode), .folder = S_ISDIR(st->st_mode),
    };
}

/* Takes fd: it is closed when nothing can be told of it. */
static int with_facts(int fd, struct file_facts *out)
{
    struct stat st;
    if (fd < 0) return fd;
    if (fstat(fd, &st) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    tell(&st, out);
    return fd;
}

static int system_root(const char *path, struct file_facts *out)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return with_facts(fd < 0 ? -errno : fd, out);
}

/* Once a minute at most: whoever asks for such files could fill the log. */
static void tell_refused(const char *path)
{
    static _Atomic int64_t next;
    struct timespec now;
    int64_t due = atomic_load(&next);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < due || !atomic_compare_exchange_strong(&next, &due, now.tv_sec + 60)) return;
    log_warn("uid %u may not read %s: give others r on it, or set user = in the section",
             (unsigned)geteuid(), path);
}

static int system_open(int root, const char *path, struct file_facts *out)
{
    int fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
    bool link = fd == -ELOOP;
    if (link) fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd == -EACCES) tell_refused(path);
    fd = with_facts(fd, out);
    if (fd >= 0) out->through_link = link;
    return fd;
}

static int system_folder(int root, const char *path)
{
    return open_beneath(root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
}

static int system_facts(int root, const char *path, struct file_facts *out)
{
    struct stat st;
    if (fstatat(root, path, &st, 0) < 0) return -errno;
    tell(&st, out);
    return 0;
}

static int64_t system_read(int fd, void *p, size_t n, uint64_t at)
{
    ssize_t got;
    do got = pread(fd, p, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static void system_close(int fd)
{
    close(fd);
}

static int system_notify(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int system_watch(int notify, int folder, uint32_t events)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
    return inotify_add_watch(notify, name, events) < 0 ? -errno : 0;
}

static int64_t system_changes(int notify, void *p, size_t n)
{
    ssize_t got;
    do got = read(notify, p, n);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static int system_resolve(const char *host, uint16_t port, bool numeric, union ring_address *out,
                          socklen_t *out_n)
{
    struct addrinfo hints = {.ai_flags = (numeric ? AI_NUMERICHOST : AI_ADDRCONFIG) |
                                         AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int err = getaddrinfo(host, service, &hints, &list);
    if (err) return err;
    if (list->ai_addrlen > sizeof *out) err = EAI_FAMILY;
    if (!err) memcpy(out, list->ai_addr, list->ai_addrlen);
    *out_n = list->ai_addrlen;
    freeaddrinfo(list);
    return err;
}

static const struct blocking_ops system_ops = {
    .root = system_root, .open = system_open, .folder = system_folder, .facts = system_facts,
    .read = system_read, .close = system_close, .notify = system_notify, .watch = system_watch,
    .changes = system_changes, .resolve = system_resolve,
};
const struct blocking_ops *blocking = &system_ops;

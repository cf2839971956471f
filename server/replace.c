/* SPDX-License-Identifier: GPL-3.0-or-later
 * replace.c - a text written beside a file, and put in its place at one stroke (replace.h).
 */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { ATTRIBUTES = 64 * 1024 };

/* What went wrong, and what would help. */
static bool failed(const char *what, const char *path, int error, char *why, size_t why_n)
{
    const char *help = error == ENOSPC || error == EDQUOT ? ": make room on the disk"
                       : error == EROFS ? ": its file system is mounted read-only"
                       : error == EACCES || error == EPERM
                           ? ": the user that runs Gyre must be able to write in its folder"
                           : "";
    (void)snprintf(why, why_n, "cannot %s %s: %s%s", what, path, strerror(error), help);
    return false;
}

/* What a path names, without links; of a file that is not there, in its folder. NULL: errno. */
static char *resolve(const char *path)
{
    char *target = realpath(path, NULL), *copy, *folder = NULL;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct stat st;
    if (target || errno != ENOENT) return target;
    if (lstat(path, &st) == 0) { /* a link that leads nowhere */
        errno = ENOENT;
        return NULL;
    }
    copy = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (copy) folder = realpath(copy, NULL);
    if (folder && asprintf(&target, "%s/%s", strcmp(folder, "/") ? folder : "", name) < 0)
        target = NULL;
    free(copy);
    free(folder);
    return target;
}

/* "/etc/gyre/.20-http.ini.gyre-new" */
static char *draft_of(const char *target)
{
    const char *name = strrchr(target, '/') + 1;
    char *draft;
    return asprintf(&draft, "%.*s.%s.gyre-new", (int)(name - target), target, name) < 0 ? NULL
                                                                                        : draft;
}

/* One that says who may read it is a must; others are kept where the file system can. */
static bool keep_attributes(int from, int to)
{
    char *names = malloc(ATTRIBUTES), *value = malloc(ATTRIBUTES);
    ssize_t n = names && value ? flistxattr(from, names, ATTRIBUTES) : -1;
    bool good = n >= 0 || errno == ENOTSUP;
    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
        ssize_t got = fgetxattr(from, name, value, ATTRIBUTES);
        if (got >= 0 && fsetxattr(to, name, value, (size_t)got, 0) == 0) continue;
        if (strncmp(name, "system.posix_acl", 16) == 0) good = false;
    }
    int error = errno;
    free(names);
    free(value);
    errno = error;
    return good;
}

/* Owner, mode and attributes of the file as it is. A file that is new has none to keep. */
static bool keep_rights(int fd, const char *target, mode_t mode, char *why, size_t why_n)
{
    struct stat st, is;
    int from = open(target, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool good = true;
    if (from < 0) {
        if (errno != ENOENT) return failed("read", target, errno, why, why_n);
        return fchmod(fd, mode) == 0 || failed("write", target, errno, why, why_n);
    }
    good = fstat(from, &st) == 0 && fstat(fd, &is) == 0;
    if (good && (st.st_uid != is.st_uid || st.st_gid != is.st_gid))
        good = fchown(fd, st.st_uid, st.st_gid) == 0;
    (void)fremovexattr(fd, "system.posix_acl_access"); /* one by default, of the folder */
    if (good) good = fchmod(fd, st.st_mode & 07777) == 0 && keep_attributes(from, fd);
    if (!good) (void)failed("keep the owner and the mode of", target, errno, why, why_n);
    (void)close(from);
    return good;
}

static bool write_all(int fd, gyre_view text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) (void)gyre_head(&text, (size_t)n);
    }
    return fsync(fd) == 0;
}

static void forget(struct replacement *r)
{
    free(r->target);
    free(r->draft);
    *r = (struct replacement){0};
}

bool replace_begin_gone(struct replacement *r, const char *path, char *why, size_t why_n)
{
    *r = (struct replacement){.target = resolve(path)};
    return r->target || failed("find", path, errno, why, why_n);
}

bool replace_begin(struct replacement *r, const char *path, gyre_view text, mode_t mode, char *why,
                   size_t why_n)
{
    int fd = -1;
    bool good = replace_begin_gone(r, path, why, why_n);
    if (!good) return false;
    r->draft = draft_of(r->target);
    good = r->draft && (unlink(r->draft) == 0 || errno == ENOENT); /* of one that was killed */
    if (good) fd = open(r->draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    good = fd >= 0;
    if (!good) (void)failed("write", path, errno, why, why_n);
    if (good) good = keep_rights(fd, r->target, mode, why, why_n);
    if (good && !write_all(fd, text)) good = failed("write", path, errno, why, why_n);
    if (fd >= 0) (void)close(fd);
    if (good) return true;
    if (fd >= 0) (void)unlink(r->draft);
    forget(r);
    return false;
}

/* The folder's new entry is on the disk, too. */
static void sync_folder(const char *target)
{
    char *folder = strndup(target, (size_t)(strrchr(target, '/') - target) + 1);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

bool replace_end(struct replacement *r, char *why, size_t why_n)
{
    int res = r->draft ? rename(r->draft, r->target) : unlink(r->target);
    if (res != 0) {
        (void)failed(r->draft ? "replace" : "remove", r->target, errno, why, why_n);
        replace_drop(r);
        return false;
    }
    sync_folder(r->target);
    forget(r);
    return true;
}

void replace_drop(struct replacement *r)
{
    if (r->draft) (void)unlink(r->draft);
    forget(r);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * safe.c - walks a path as the kernel does, link by link, and judges each object on the way. Reads
 * what passed.
 *
 * realpath would hide the links, and a link that somebody else may replace is as bad as a file that
 * somebody else may write. ACLs need no look: their mask shows in the group bits.
 * Limits: PATH_MAX bytes, as many links as the kernel follows.
 */
#include "safe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h> /* <limits.h> would find ours */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

struct walk {
    char done[PATH_MAX]; /* without links, "." and ".."; empty: the root */
    size_t done_n;
    char left[PATH_MAX]; /* still to go */
    unsigned links;
    char *why;
    size_t why_n;
};

static const char *here(const struct walk *w)
{
    return w->done_n ? w->done : "/";
}

static bool refuse(struct walk *w, const char *text)
{
    (void)snprintf(w->why, w->why_n, "%s: %s", here(w), text);
    return false;
}

static bool judge(struct walk *w, const struct stat *st)
{
    uid_t me = geteuid();
    if (st->st_uid != 0 && st->st_uid != me) {
        (void)snprintf(w->why, w->why_n, "%s belongs to user %u, not to root or user %u: chown it",
                       here(w), (unsigned)st->st_uid, (unsigned)me);
        return false;
    }
    if (S_ISLNK(st->st_mode)) return true; /* nobody writes a link; its folder was judged */
    if (!(st->st_mode & (S_IWGRP | S_IWOTH))) return true;
    if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)) return true;
    (void)snprintf(w->why, w->why_n, "%s can be written by other users: chmod go-w it", here(w));
    return false;
}

/* Cuts the next name off left; false: there is none, or (name empty) it is too long. */
static bool next_name(struct walk *w, char name[NAME_MAX + 1])
{
    size_t slashes = strspn(w->left, "/"), n = strcspn(w->left + slashes, "/");
    name[0] = 0;
    if (!n || n > NAME_MAX) return n != 0;
    memcpy(name, w->left + slashes, n);
    name[n] = 0;
    memmove(w->left, w->left + slashes + n, strlen(w->left + slashes + n) + 1);
    return true;
}

static void leave_last(struct walk *w)
{
    while (w->done_n && w->done[w->done_n - 1] != '/') w->done_n--;
    if (w->done_n) w->done_n--;
    w->done[w->done_n] = 0;
}

/* done names a link: goes on with where it leads. */
static bool follow(struct walk *w)
{
    char target[PATH_MAX];
    ssize_t got = readlink(here(w), target, sizeof target - 1);
    size_t n, left_n = strlen(w->left);
    if (got <= 0) return refuse(w, strerror(got ? errno : ENOENT));
    if (++w->links > LINKS_MAX) return refuse(w, strerror(ELOOP));
    n = (size_t)got;
    if (n + 1 + left_n >= sizeof w->left) return refuse(w, strerror(ENAMETOOLONG));
    memmove(w->left + n + 1, w->left, left_n + 1);
    memcpy(w->left, target, n);
    w->left[n] = '/';
    if (target[0] == '/') w->done_n = 0;
    leave_last(w);
    return true;
}

static bool step(struct walk *w, const char *name)
{
    struct stat st;
    size_t n = strlen(name);
    if (!strcmp(name, ".")) return true;
    if (!strcmp(name, "..")) {
        leave_last(w);
        return true;
    }
    if (!n || n + 1 >= sizeof w->done - w->done_n) return refuse(w, strerror(ENAMETOOLONG));
    w->done[w->done_n++] = '/';
    memcpy(w->done + w->done_n, name, n + 1);
    w->done_n += n;
    if (lstat(w->done, &st)) return refuse(w, strerror(errno));
    if (!judge(w, &st)) return false;
    return S_ISLNK(st.st_mode) ? follow(w) : true;
}

/* Puts an absolute form of path into left. */
static bool start(struct walk *w, const char *path)
{
    size_t n = strlen(path), at = 0;
    if (!n) return refuse(w, strerror(ENOENT));
    if (path[0] != '/') {
        if (!getcwd(w->left, sizeof w->left)) return refuse(w, strerror(errno));
        at = strlen(w->left);
        w->left[at++] = '/';
    }
    if (n >= sizeof w->left - at) return refuse(w, strerror(ENAMETOOLONG));
    memcpy(w->left + at, path, n + 1);
    return true;
}

bool path_is_safe(const char *path, char *why, size_t why_n)
{
    struct walk w = {.why = why, .why_n = why_n};
    struct stat root;
    char name[NAME_MAX + 1];
    if (!start(&w, path)) return false;
    if (lstat("/", &root)) return refuse(&w, strerror(errno));
    if (!judge(&w, &root)) return false;
    while (next_name(&w, name))
        if (!step(&w, name)) return false;
    return true;
}

static bool failed(const char *path, int error, char *why, size_t why_n)
{
    (void)snprintf(why, why_n, "%s: %s", path, strerror(error));
    return false;
}

/* Up to `most` bytes and one more, which tells that there are more; room for `likely` of them at
 * first. NULL: errno. */
static uint8_t *read_all(int fd, size_t likely, size_t most, size_t *n)
{
    size_t room = (likely < most ? likely : most) + 1;
    uint8_t *p = malloc(room), *grown;
    ssize_t got = 1;
    *n = 0;
    if (!p) errno = ENOMEM;
    while (p && got && *n <= most) {
        if (*n == room) { /* it is longer than it was, or does not say */
            room = room < (most + 1) / 2 ? 2 * room : most + 1;
            grown = malloc(room);
            if (!grown) break;
            memcpy(grown, p, *n);
            explicit_bzero(p, *n); /* it may be a secret */
            free(p);
            p = grown;
        }
        got = read(fd, p + *n, room - *n);
        if (got > 0) *n += (size_t)got;
        if (got < 0 && errno != EINTR) break;
        if (got < 0) got = 1;
    }
    if (p && got && *n <= most) { /* left in the middle */
        free(p);
        return NULL;
    }
    return p;
}

bool safe_read(const char *path, size_t most, struct stat *st_or_null, gyre_view *text, char *why,
               size_t why_n)
{
    struct stat st;
    uint8_t *p;
    size_t n;
    int fd;
    if (!path_is_safe(path, why, why_n)) return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hang us */
    if (fd < 0) return failed(path, errno, why, why_n);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        (void)snprintf(why, why_n, "%s is no regular file", path);
        return false;
    }
    p = read_all(fd, (size_t)st.st_size, most, &n);
    if (!p) (void)failed(path, errno, why, why_n);
    (void)close(fd);
    if (!p) return false;
    if (n > most) {
        (void)snprintf(why, why_n, "%s is longer than %zu bytes", path, most);
        free(p);
        return false;
    }
    p[n] = 0;
    if (st_or_null) *st_or_null = st;
    *text = GYRE_MAKE(gyre_view, p, n);
    return true;
}

void safe_free(gyre_view text)
{
    uint8_t *p = (uint8_t *)(uintptr_t)text.p;
    if (p) explicit_bzero(p, text.n);
    free(p);
}

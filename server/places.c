/* SPDX-License-Identifier: GPL-3.0-or-later
 * places.c - finds and makes the folders of a running Gyre (places.h).
 *
 * Promise: a run folder that another user could have prepared is refused.
 */
#include "places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The folder of the running program, or "" when it cannot be told. */
static void program_folder(char *out, size_t n)
{
    ssize_t got = readlink("/proc/self/exe", out, n - 1);
    out[got < 0 ? 0 : got] = '\0';
    char *slash = strrchr(out, '/');
    if (slash) *slash = '\0';
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool put(char *out, size_t n, const char *folder, const char *name)
{
    int got = snprintf(out, n, "%s%s%s", folder, *name ? "/" : "", name);
    return got > 0 && (size_t)got < n;
}

static bool run_folder(const char *run, bool build_tree, const char *program, struct places *p)
{
    const char *mine = getenv("XDG_RUNTIME_DIR");
    if (run) return put(p->run, sizeof p->run, run, "");
    if (build_tree && access(program, W_OK) == 0) return put(p->run, sizeof p->run, program, "run");
    if (geteuid() == 0) return put(p->run, sizeof p->run, "/run/gyre", "");
    if (mine && mine[0] == '/') return put(p->run, sizeof p->run, mine, "gyre");
    return snprintf(p->run, sizeof p->run, "/tmp/gyre-%lu", (unsigned long)geteuid()) > 0;
}

bool places_find(const char *run, const char *plugins, struct places *p, char *why, size_t why_n)
{
    char program[480], beside[496];
    program_folder(program, sizeof program);
    bool build_tree = put(beside, sizeof beside, program, "plugins") && is_folder(beside);
    const char *from = plugins ? plugins : build_tree ? beside : GYRE_PLUGIN_DIR;
    struct sockaddr_un limit;
    if (!put(p->plugins, sizeof p->plugins, from, "")) {
        (void)snprintf(why, why_n, "the path of the plugin folder is too long: %s", from);
        return false;
    }
    if (!run_folder(run, build_tree, program, p) ||
        !put(p->copies, sizeof p->copies, p->run, "plugins") ||
        !put(p->control, sizeof p->control, p->run, "control") ||
        strlen(p->control) >= sizeof limit.sun_path) {
        (void)snprintf(why, why_n,
                       "the path of the run folder is too long for a socket in it: %s; set a "
                       "shorter run = in [server]",
                       run ? run : p->run);
        return false;
    }
    return true;
}

static bool make_folder(const char *path, mode_t mode, char *why, size_t why_n)
{
    struct stat st;
    if (mkdir(path, mode) != 0 && errno != EEXIST) {
        (void)snprintf(why, why_n, "cannot make the folder %s: %s", path, strerror(errno));
        return false;
    }
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        (void)snprintf(why, why_n, "%s is no folder", path);
        return false;
    }
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        (void)snprintf(why, why_n,
                       "%s must belong to the user that runs Gyre, and be writable by nobody else",
                       path);
        return false;
    }
    return true;
}

bool places_make(const struct places *p, char *why, size_t why_n)
{
    mode_t mode = geteuid() == 0 ? 0755 : 0700; /* root's children open their copies as nobody */
    return make_folder(p->run, mode, why, why_n) && make_folder(p->copies, mode, why, why_n);
}

int places_connect(const char *control)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(control);
    if (n >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, control, n + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    int err = errno;
    (void)close(fd);
    errno = err;
    return -1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * files.c - sim_files over real files: the paths of a test lie below a temporary folder.
 *
 * The system's own blocking.h does all the rest. What a process opened is noted, so that its death
 * closes it.
 * Owns the folder, from sim_files to sim_free. Limits: one world at a time has files.
 */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../server/blocking.h"
#include "real.h"

struct opened {
    struct opened *next;
    int fd;
    uint32_t process;
};
static struct {
    struct sim *sim;
    char folder[32];
    const struct blocking_ops *system;
    struct blocking_ops table;
    struct opened *opened;
} all;

static int note(int fd)
{
    if (fd < 0) return fd;
    struct opened *o = sim_need(malloc(sizeof *o));
    *o = (struct opened){all.opened, fd, all.sim->process};
    all.opened = o;
    return fd;
}

void real_file_closed(int fd)
{
    for (struct opened **at = &all.opened, *o; (o = *at); at = &o->next) {
        if (o->fd != fd) continue;
        *at = o->next;
        free(o);
        return;
    }
}

void real_files_kill(uint32_t process)
{
    for (struct opened **at = &all.opened, *o; (o = *at);) {
        if (o->process != process) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        close(o->fd);
        free(o);
    }
}

static void place_of(const char *path, char *out, size_t n)
{
    int used = snprintf(out, n, "%s%s", all.folder, path);
    if (used < 0 || (size_t)used >= n) sim_wrong("a path that is too long: %s", path);
}

static int below_root(const char *path, struct file_facts *out)
{
    char full[4096];
    place_of(path, full, sizeof full);
    return note(all.system->root(full, out));
}

static int noted_open(int root, const char *path, struct file_facts *out)
{
    return note(all.system->open(root, path, out));
}

static int noted_folder(int root, const char *path)
{
    return note(all.system->folder(root, path));
}

static int noted_notify(void)
{
    return note(all.system->notify());
}

static void noted_close(int fd)
{
    real_file_closed(fd);
    all.system->close(fd);
}

void sim_files(struct sim *sim)
{
    if (all.sim) sim_wrong("another world has files");
    all.sim = sim;
    all.system = blocking;
    all.table = *blocking;
    all.table.root = below_root;
    all.table.open = noted_open;
    all.table.folder = noted_folder;
    all.table.notify = noted_notify;
    all.table.close = noted_close;
    snprintf(all.folder, sizeof all.folder, "/tmp/gyre-real-XXXXXX");
    if (!mkdtemp(all.folder)) sim_wrong("no temporary folder: %s", strerror(errno));
    blocking = &all.table;
}

void sim_file(struct sim *sim, const char *path, const void *bytes, size_t n)
{
    char full[4096], fresh[4104];
    place_of(path, full, sizeof full);
    sim_touch(sim);
    if (n == SIZE_MAX) {
        (void)unlink(full);
        return;
    }
    for (char *p = full + strlen(all.folder) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        (void)mkdir(full, 0755);
    }
    snprintf(fresh, sizeof fresh, "%s.new", full);
    FILE *f = fopen(fresh, "we");
    bool good = f && (!n || fwrite(bytes, 1, n, f) == n);
    good = f && fclose(f) == 0 && good && rename(fresh, full) == 0;
    if (!good) sim_wrong("%s cannot be written: %s", full, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void real_files_free(struct sim *sim)
{
    if (all.sim != sim) return;
    for (struct opened *o; (o = all.opened); free(o)) all.opened = o->next;
    (void)nftw(all.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    blocking = all.system;
    all.sim = NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * folder.c - the plugin folder: which files are there, which are good, and why others are not.
 *
 * A file is looked at when it is new or has changed: who may write it, a private copy, metadata in
 * a child (describer.c). When all children are done the folder settles, in order of names.
 * Promise: a broken file is one line in the log, and the module before it stays in use; a file
 * that is removed changes nothing that runs.
 * Limits: LIMIT_PLUGINS files, LIMIT_DESCRIBERS children at once.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "safe.h"
#include "supervisor.h"

static bool all_of(const char *text, size_t n, const char *allowed)
{
    return n && strspn(text, allowed) >= n;
}

/* Takes the text. Says it once, not again while it stays the same. */
static void set_problem(struct plugin_file *f, char *problem)
{
    if (problem && (!f->problem || strcmp(f->problem, problem) != 0))
        log_error("plugin file %s %s%s", f->name, problem,
                  f->module ? "; what was loaded before goes on" : "");
    free(f->problem);
    f->problem = problem;
}

struct plugin_file *folder_file(struct folder *folder, const char *name)
{
    size_t at = 0;
    while (at < folder->n && strcmp(folder->files[at].name, name) < 0) at++;
    if (at < folder->n && strcmp(folder->files[at].name, name) == 0) return &folder->files[at];
    if (folder->n == LIMIT_PLUGINS) return NULL;
    folder->files = grow(folder->files, folder->n, sizeof *folder->files);
    memmove(folder->files + at + 1, folder->files + at, (folder->n - at) * sizeof *folder->files);
    folder->n++;
    folder->files[at] = (struct plugin_file){.name = text_of("%s", name)};
    return &folder->files[at];
}

uint64_t file_signature(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return 0;
    const int64_t parts[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size,
                             st.st_mtim.tv_sec,  st.st_mtim.tv_nsec, st.st_ctim.tv_sec,
                             st.st_ctim.tv_nsec};
    return hash_bytes(HASH_START, parts, sizeof parts) | 1;
}

static void look_at(const struct folder *folder, struct plugin_file *f, const char *path)
{
    char why[512];
    size_t stem = strlen(f->name) - 3;
    if (!all_of(f->name, stem,
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")) {
        set_problem(
            f, text_of("has a name with characters other than letters, digits, '.', '_', '-'"));
        return;
    }
    if (!path_is_safe(path, why, sizeof why)) {
        set_problem(f, text_of("is not trusted: %s", why));
        return;
    }
    struct module *copy = module_copy(path, folder->places->copies, why, sizeof why);
    if (!copy) {
        set_problem(f, text_of("%s", why));
    } else if (f->module && f->module->hash == copy->hash) {
        set_problem(f, NULL); /* the same bytes again */
        module_drop(copy);
    } else {
        f->coming = copy;
        f->queued = true;
    }
}

static void look_at_name(struct folder *folder, const char *name)
{
    size_t n = strlen(name);
    if (n < 4 || name[0] == '.' || strcmp(name + n - 3, ".so") != 0) return;
    struct plugin_file *f = folder_file(folder, name);
    if (!f) {
        log_error("plugin file %s: more than %d files in the folder", name, LIMIT_PLUGINS);
        return;
    }
    f->seen = true;
    f->gone = false;
    char *path = text_of("%s/%s", folder->places->plugins, name);
    uint64_t signature = file_signature(path);
    if (!signature) set_problem(f, text_of("cannot be read: %s", strerror(errno)));
    if (signature && signature != f->signature && !f->coming) { /* else when that has settled */
        f->signature = signature;
        look_at(folder, f, path);
    }
    free(path);
}

/* Files that are not there any more. true: some, and what one of them shadowed is to be looked at
 * once more. */
static bool notice_gone(struct folder *folder)
{
    bool some = false;
    for (size_t i = 0; i < folder->n; i++) {
        struct plugin_file *f = &folder->files[i];
        if (f->seen || f->gone) continue;
        if (f->module) log_warn("plugin file %s was removed; what runs goes on", f->name);
        free(f->problem);
        f->problem = text_of("was removed");
        f->gone = some = true;
        f->signature = 0;
    }
    for (size_t i = 0; some && i < folder->n; i++)
        if (folder->files[i].problem && !folder->files[i].gone) folder->files[i].signature = 0;
    return some;
}

static void start_queued(struct folder *folder)
{
    char why[256];
    size_t running = 0;
    for (size_t i = 0; i < folder->n; i++) running += folder->files[i].child.pid != 0;
    for (size_t i = 0; i < folder->n && running < LIMIT_DESCRIBERS; i++) {
        struct plugin_file *f = &folder->files[i];
        if (!f->queued) continue;
        f->queued = false;
        if (describer_start(&f->child, f->coming->copy, why, sizeof why)) {
            running++;
            continue;
        }
        module_drop(f->coming);
        f->coming = NULL;
        set_problem(f, text_of("%s", why));
    }
}

void folder_scan(struct folder *folder)
{
    DIR *d = opendir(folder->places->plugins);
    if (!d) {
        if (!folder->unreadable)
            log_error("the plugin folder %s cannot be read: %s", folder->places->plugins,
                      strerror(errno));
        folder->unreadable = true;
        return;
    }
    folder->unreadable = false;
    for (size_t i = 0; i < folder->n; i++) folder->files[i].seen = false;
    for (struct dirent *e; (e = readdir(d));) look_at_name(folder, e->d_name);
    if (notice_gone(folder)) {
        rewinddir(d);
        for (struct dirent *e; (e = readdir(d));) look_at_name(folder, e->d_name);
    }
    (void)closedir(d);
    start_queued(folder);
}

bool folder_busy(const struct folder *folder)
{
    for (size_t i = 0; i < folder->n; i++)
        if (folder->files[i].child.pid || folder->files[i].queued) return true;
    return false;
}

static const struct plugin_file *same_plugin(const struct folder *folder,
                                             const struct plugin_file *f)
{
    for (size_t i = 0; i < folder->n; i++) {
        const struct plugin_file *other = &folder->files[i];
        if (other != f && !other->gone && other->module &&
            strcmp(other->module->info->name, f->coming->info->name) == 0)
            return other;
    }
    return NULL;
}

/* What was described becomes what is used. */
static void settle(struct folder *folder)
{
    for (size_t i = 0; i < folder->n; i++) {
        struct plugin_file *f = &folder->files[i];
        if (!f->coming) continue;
        const struct plugin_info *info = f->coming->info;
        const struct plugin_file *other = same_plugin(folder, f);
        if (other) {
            set_problem(f, text_of("is plugin %s, and so is %s: remove one of them", info->name,
                                   other->name));
            module_drop(f->coming);
        } else {
            set_problem(f, NULL);
            if (!folder->quiet)
                log_info("plugin %s %s: new file %s", info->name, info->version, f->name);
            bool keep = f->module && f->module->proven;
            module_drop(keep ? f->previous : f->module);
            if (keep) f->previous = f->module;
            f->module = f->coming;
            f->module->since_ms = clock_ms();
        }
        f->coming = NULL;
    }
}

void folder_turn(struct folder *folder)
{
    char why[512];
    for (size_t i = 0; i < folder->n; i++) {
        struct plugin_file *f = &folder->files[i];
        if (!f->child.pid) continue;
        int answer = describer_turn(&f->child, &f->coming->info, why, sizeof why);
        if (answer >= 0) continue;
        module_drop(f->coming);
        f->coming = NULL;
        set_problem(f, text_of("%s", why));
    }
    start_queued(folder);
    if (!folder_busy(folder)) settle(folder);
}

size_t folder_fds(const struct folder *folder, struct pollfd *out, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < folder->n && n < most; i++) {
        const struct describer *d = &folder->files[i].child;
        if (d->pid && !d->ended) out[n++] = (struct pollfd){.fd = d->pipe, .events = POLLIN};
    }
    return n;
}

int64_t folder_deadline(const struct folder *folder)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < folder->n; i++) {
        const struct describer *d = &folder->files[i].child;
        if (d->pid && d->deadline_ms < due) due = d->deadline_ms;
    }
    return due;
}

/* ---- who uses it ---- */

struct module *folder_module(const struct folder *folder, const char *plugin)
{
    for (int gone = 0; gone < 2; gone++)
        for (size_t i = 0; i < folder->n; i++) {
            const struct plugin_file *f = &folder->files[i];
            if (f->gone == (bool)gone && f->module && strcmp(f->module->info->name, plugin) == 0)
                return f->module;
        }
    return NULL;
}

const char *folder_problem(const struct folder *folder, const char *plugin)
{
    size_t n = strlen(plugin);
    for (size_t i = 0; i < folder->n; i++) {
        const struct plugin_file *f = &folder->files[i];
        if (!f->gone && f->problem && strlen(f->name) == n + 3 && strncmp(f->name, plugin, n) == 0)
            return f->problem;
    }
    return NULL;
}

const char *folder_nearest(const struct folder *folder, const char *plugin)
{
    struct nearest near = {.word = plugin};
    for (size_t i = 0; i < folder->n; i++)
        if (folder->files[i].module) nearest_try(&near, folder->files[i].module->info->name);
    return near.name;
}

struct module *folder_offer(const struct folder *folder, const char *interface, bool messages)
{
    for (size_t i = 0; i < folder->n; i++) {
        const struct plugin_file *f = &folder->files[i];
        for (size_t j = 0; f->module && !f->gone && j < f->module->info->offers_n; j++)
            if (f->module->info->offers[j].messages == messages &&
                strcmp(f->module->info->offers[j].id, interface) == 0)
                return f->module;
    }
    return NULL;
}

bool folder_reject(struct folder *folder, struct module *m, const char *why)
{
    for (size_t i = 0; i < folder->n; i++) {
        struct plugin_file *f = &folder->files[i];
        if (f->module != m || !f->previous) continue;
        f->module = f->previous;
        f->previous = NULL;
        set_problem(f, text_of("does not stand up: %s", why));
        module_drop(m);
        return true;
    }
    return false;
}

void folder_free(struct folder *folder)
{
    for (size_t i = 0; i < folder->n; i++) {
        struct plugin_file *f = &folder->files[i];
        describer_stop(&f->child);
        module_drop(f->coming);
        module_drop(f->module);
        module_drop(f->previous);
        free(f->problem);
        free(f->name);
    }
    free(folder->files);
    folder->files = NULL;
    folder->n = 0;
}

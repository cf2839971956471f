/* SPDX-License-Identifier: GPL-3.0-or-later
 * crash.c - what is known of crashes: a few lines in the log, a file for each, the latest for
 * gyrectl.
 *
 * The report comes from the black box of the dead process (crash_read.c), and names from what the
 * supervisor knows itself. Promise: one report for one crash; what cannot be written is no more
 * than a warning. Limits: CRASHES_KEPT reports in memory, and as many files in RUN/crashes (0600).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

/* ---- names ---- */

static const struct instance *section_of(const struct process *p, uint32_t id)
{
    const struct instance *in = crew_instance(p->has, id);
    return in ? in : crew_instance(p->wants, id);
}

/* "http.0123456789abcdef.so", as the copy is called, is http.so to everybody else. */
static void short_name(char *module)
{
    size_t n = strlen(module);
    const size_t tail = 17 + 3; /* .HASH and .so */
    if (n <= tail || module[n - tail] != '.' || strcmp(module + n - 3, ".so") != 0) return;
    memmove(module + n - tail, ".so", sizeof ".so");
}

/* The file behind a module's name: one that the supervisor gave, never one that the page names. */
static const char *file_of(const struct process *p, const char *module)
{
    const struct crew *crew = p->has ? p->has : p->wants;
    if (strcmp(module, "gyre") == 0) return "/proc/self/exe";
    for (size_t i = 0; crew && i < crew->modules_n; i++) {
        char name[BOX_NAME];
        const char *copy = crew->modules[i]->copy, *base = strrchr(copy, '/');
        (void)snprintf(name, sizeof name, "%s", base ? base + 1 : copy);
        short_name(name);
        if (strcmp(name, module) == 0) return copy;
    }
    return NULL;
}

static void name_all(const struct process *p, struct crash *c)
{
    const struct instance *in = section_of(p, c->section);
    (void)snprintf(c->service, sizeof c->service, "%s", p->name);
    c->generation = p->generation;
    if (in) {
        (void)snprintf(c->section_name, sizeof c->section_name, "%s", in->conf->name);
        (void)snprintf(c->plugin, sizeof c->plugin, "%s", in->conf->plugin);
    }
    for (size_t i = 0; i < c->doing_n; i++) {
        struct crash_doing *d = &c->doing[i];
        in = section_of(p, d->section);
        if (in) (void)snprintf(d->section_name, sizeof d->section_name, "%s", in->conf->name);
    }
    for (size_t i = 0; i < c->frames_n; i++) {
        struct crash_frame *f = &c->frames[i];
        short_name(f->module);
        const char *file = file_of(p, f->module);
        if (file && !symbol_at(file, f->at, f->function, sizeof f->function)) f->function[0] = '\0';
    }
}

/* ---- the log ---- */

static void log_one(void *user, const char *line)
{
    const struct process *p = user;
    log_error("service %s/%u: %s", p->name, p->generation, line);
}

/* ---- the file ---- */

static void write_one(void *user, const char *line)
{
    (void)fprintf(user, "%s\n", line);
}

/* The command that names source and line of every frame, a line for each file. */
static void lookup_lines(const struct process *p, const struct crash *c, FILE *f)
{
    const char *done[BOX_FRAMES];
    size_t n = 0;
    for (size_t i = 0; i < c->frames_n; i++) {
        const char *file = file_of(p, c->frames[i].module);
        bool known = !file;
        for (size_t j = 0; j < n; j++) known |= done[j] == file;
        if (known) continue;
        done[n++] = file;
        (void)fprintf(f, "addr2line -Cfipe %s",
                      strcmp(file, "/proc/self/exe") == 0 ? "gyre" : file);
        for (size_t j = i; j < c->frames_n; j++)
            if (file_of(p, c->frames[j].module) == file)
                (void)fprintf(f, " 0x%llx", (unsigned long long)c->frames[j].at);
        (void)fputs("\n", f);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names begin with their time: the first in order are the oldest. */
static void sweep(const char *folder)
{
    char **names = NULL;
    size_t n = 0;
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 4, ".txt") != 0) continue;
        names = grow(names, n, sizeof *names);
        names[n++] = text_of("%s", e->d_name);
    }
    if (n) qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (i + CRASHES_KEPT < n) (void)unlinkat(dirfd(d), names[i], 0);
        free(names[i]);
    }
    free(names);
    (void)closedir(d);
}

static void name_file(struct crash *c)
{
    struct tm day;
    time_t seconds = (time_t)(c->wall_ms / 1000);
    (void)gmtime_r(&seconds, &day);
    (void)snprintf(c->file, sizeof c->file, "%04d%02d%02dT%02d%02d%02d.%03d-%s-%u.txt",
                   day.tm_year + 1900, day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
                   day.tm_sec, (int)(c->wall_ms % 1000), c->service, c->generation);
}

static void write_file(const struct supervisor *s, const struct process *p, struct crash *c)
{
    char *folder = text_of("%s/crashes", s->places.run), *path;
    name_file(c);
    path = text_of("%s/%s", folder, c->file);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) goto fail;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f && fd >= 0) (void)close(fd);
    if (!f) goto fail;
    (void)fprintf(f, "service %s/%u %s\n", c->service, c->generation, c->how);
    crash_lines(c, true, write_one, f);
    lookup_lines(p, c, f);
    bool good = !ferror(f);
    if (fclose(f) == 0 && good) goto out;
fail:
    log_warn("the report of this crash cannot be written to %s: %s", path, strerror(errno));
    c->file[0] = '\0';
out:
    sweep(folder);
    free(path);
    free(folder);
}

/* ---- keeping ---- */

struct crash *crash_report(struct supervisor *s, const struct process *p, const char *how)
{
    struct timespec now;
    struct crash **kept = &s->crashes.kept[s->crashes.at], *c = *kept;
    s->crashes.at = (s->crashes.at + 1) % CRASHES_KEPT;
    if (!c) *kept = c = need_memory(malloc(sizeof *c));
    memset(c, 0, sizeof *c);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    c->wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    (void)snprintf(c->how, sizeof c->how, "%s", how);
    crash_read(&p->stats->box, 0, c);
    name_all(p, c);
    c->refused = refuse_after(s, service_of(s, p->name), c);
    crash_lines(c, false, log_one, (void *)(uintptr_t)p);
    write_file(s, p, c);
    if (c->file[0])
        log_error("service %s/%u: all that is known: %s/crashes/%s", p->name, p->generation,
                  s->places.run, c->file);
    return c;
}

void crashes_json(const struct supervisor *s, FILE *f)
{
    bool some = false;
    (void)fputs("{\"folder\": ", f);
    char *folder = text_of("%s/crashes", s->places.run);
    json_text(f, folder);
    free(folder);
    (void)fputs(", \"crashes\": [", f);
    for (uint32_t i = 0; i < CRASHES_KEPT; i++) { /* the oldest first */
        const struct crash *c = s->crashes.kept[(s->crashes.at + i) % CRASHES_KEPT];
        if (!c) continue;
        (void)fputs(some ? ", " : "", f);
        crash_json(c, f);
        some = true;
    }
    (void)fputs("]}\n", f);
}

void crashes_free(struct crashes *all)
{
    for (uint32_t i = 0; i < CRASHES_KEPT; i++) free(all->kept[i]);
}

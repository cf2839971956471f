/* SPDX-License-Identifier: GPL-3.0-or-later
 * watch.c - notices that a file of the configuration or plugin folder has changed.
 *
 * Looks at names only; what the change means, reload.c finds out. A change is told
 * LIMIT_DEBOUNCE_MS after the last event, so that a file being written is read whole, and at most
 * four times that after the first, so that a busy folder does not starve. Promise: without inotify,
 * or while a folder is missing, nothing is lost but the watching; `gyrectl reload` still works.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

enum {
    EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_ONLYDIR |
             IN_DELETE_SELF | IN_MOVE_SELF,
    PATIENCE = 4,
};

void watch_open(struct watch *w, const char *conf, const char *plugins)
{
    struct stat st;
    const char *slash = strrchr(conf, '/');
    *w = (struct watch){.conf = -1, .plugins = -1, .due_ms = INT64_MAX, .first_ms = INT64_MAX};
    w->plugins_path = plugins;
    if (stat(conf, &st) == 0 && !S_ISDIR(st.st_mode)) /* one file: its folder is watched */
        w->conf_file = slash ? slash + 1 : conf;
    if (!w->conf_file) w->conf_path = text_of("%s", conf);
    else w->conf_path = slash ? text_of("%.*s/.", (int)(slash - conf), conf) : text_of(".");
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0) log_warn("files are not watched: %s", strerror(errno));
}

void watch_again(struct watch *w)
{
    if (w->fd < 0) return;
    w->conf = inotify_add_watch(w->fd, w->conf_path, EVENTS); /* the same again is the same */
    w->plugins = inotify_add_watch(w->fd, w->plugins_path, EVENTS);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), end_n = strlen(end);
    return n > end_n && strcmp(name + n - end_n, end) == 0;
}

static bool matters(const struct watch *w, const struct inotify_event *e)
{
    if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) return true;
    if (e->mask & (IN_IGNORED | IN_ISDIR) || !e->len || e->name[0] == '.') return false;
    if (e->wd == w->plugins && ends_with(e->name, ".so")) return true;
    if (e->wd != w->conf) return false;
    if (w->own && strcmp(e->name, w->own) == 0 && file_signature(w->own_path) == w->own_signature)
        return false;
    return w->conf_file ? strcmp(e->name, w->conf_file) == 0 : ends_with(e->name, ".ini");
}

void watch_readable(struct watch *w)
{
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t n;
    while ((n = read(w->fd, bytes, sizeof bytes)) > 0) {
        for (size_t at = 0; at + sizeof(struct inotify_event) <= (size_t)n;) {
            const struct inotify_event *e = (const void *)(bytes + at);
            int64_t now = clock_ms();
            at += sizeof *e + e->len;
            if (!matters(w, e)) continue;
            if (w->first_ms == INT64_MAX) w->first_ms = now;
            w->due_ms = now + LIMIT_DEBOUNCE_MS;
            int64_t latest_ms = w->first_ms + (int64_t)PATIENCE * LIMIT_DEBOUNCE_MS;
            if (w->due_ms > latest_ms) w->due_ms = latest_ms;
        }
    }
}

bool watch_due(struct watch *w)
{
    if (clock_ms() < w->due_ms) return false;
    w->due_ms = w->first_ms = INT64_MAX;
    return true;
}

/* What was renamed or removed is told at once: so the events of that are read now, and passed over.
 * If somebody has changed the file since, that is a change like any other. */
void watch_skip(struct watch *w, const char *file)
{
    if (w->fd < 0) return;
    char *path = text_of("%s/%s", w->conf_path, file);
    w->own = file;
    w->own_path = path;
    w->own_signature = file_signature(path);
    watch_readable(w);
    w->own = w->own_path = NULL;
    free(path);
}

void watch_close(struct watch *w)
{
    if (w->fd >= 0) (void)close(w->fd);
    free(w->conf_path);
    w->conf_path = NULL;
    w->fd = -1;
}

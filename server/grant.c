/* SPDX-License-Identifier: GPL-3.0-or-later
 * grant.c - what a section's configuration version needs of the world.
 *
 * on_load asks with gyre->want; the answer is a handle. Folders are opened here, once, so that
 * files below them can be opened later by a process that may open nothing else. Also keeps the
 * memory that belongs to the version.
 * Limits: GRANTS_MOST and memory_max bytes a version. Control thread; read by all once published.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "blocking.h"
#include "jail.h"
#include "service.h"

enum { GRANTS_MOST = 256 };

struct version_mem {
    struct version_mem *next, **at;
    uint64_t n, magic;
};
enum { VERSION_MEM_MAGIC = 0x5eed0b10 };

static _Thread_local struct version *loading;

struct version *version_loading(struct version *v)
{
    if (v) loading = v;
    return loading;
}

void version_loaded(void)
{
    loading = NULL;
}

static void unlink_mem(struct version *v, struct version_mem *m)
{
    v->mem_n -= m->n;
    *m->at = m->next;
    if (m->next) m->next->at = m->at;
    m->magic = 0;
    free(m);
}

void *version_mem_block(struct version *v, void *old, size_t n)
{
    struct version_mem *was = old ? (struct version_mem *)old - 1 : NULL, *m = NULL;
    if (was && was->magic != VERSION_MEM_MAGIC) bug("gyre->mem", "the old block is not of on_load");
    if (n) {
        /* there is no limit yet while the options are read */
        uint64_t most = v->limits.memory_max ? (uint64_t)v->limits.memory_max : SIZE_MAX;
        if (n > most || v->mem_n > most - n) return NULL;
        m = n > SIZE_MAX - sizeof *m ? NULL : calloc(1, sizeof *m + n);
        if (!m) return NULL;
        v->mem_n += n;
        *m = (struct version_mem){v->mem, &v->mem, n, VERSION_MEM_MAGIC};
        if (m->next) m->next->at = &m->next;
        v->mem = m;
        if (was) memcpy(m + 1, old, was->n < n ? was->n : n);
    }
    if (was) unlink_mem(v, was);
    return m ? m + 1 : NULL;
}

void *version_mem(struct version *v, size_t n)
{
    return version_mem_block(v, NULL, n);
}

/* ---- folders that were sent ---- */

struct given_root {
    struct given_root *next;
    int fd;
    char path[];
};

bool given_add(struct service *s, gyre_view path, int fd)
{
    struct given_root *g = calloc(1, sizeof *g + path.n + 1);
    if (!g) return false;
    if (path.n) memcpy(g->path, path.p, path.n);
    g->fd = fd;
    g->next = s->given;
    s->given = g;
    return true;
}

int given_take(struct service *s, const char *path)
{
    struct given_root **at = &s->given;
    while (*at && strcmp((*at)->path, path) != 0) at = &(*at)->next;
    struct given_root *g = *at;
    int fd = g ? g->fd : -1;
    if (g) *at = g->next;
    free(g);
    return fd;
}

void given_drop(struct service *s)
{
    while (s->given) {
        struct given_root *g = s->given;
        s->given = g->next;
        blocking->close(g->fd);
        free(g);
    }
}

/* The descriptor of a folder that was sent, or that the version before was granted; or -1. */
static int at_hand(const struct version *v, const char *path)
{
    const struct version *before = v->section->newest;
    for (const struct given_root *g = v->section->service->given; g; g = g->next)
        if (strcmp(g->path, path) == 0) return g->fd;
    for (uint32_t i = 0; before && before != v && i < before->grants_n; i++)
        if (before->grants[i].fd >= 0 &&
            strcmp(before->grants[i].text + strlen("path:"), path) == 0)
            return before->grants[i].fd;
    return -1;
}

/* ---- wanting ---- */

/* The process is closed in, and this is outside: a new one has to be made for it. */
static int outgrown(struct service *s, const char *text)
{
    (void)snprintf(s->outgrown, sizeof s->outgrown, "%s", text);
    return GYRE_DENIED;
}

static int open_folder(const struct version *v, struct grant *g, const char *path)
{
    struct service *s = v->section->service;
    struct file_facts st, inside;
    char by_fd[64];
    int hand = at_hand(v, path);
    if (s->jail && !(s->jail->grants & JAIL_FILES)) return outgrown(s, g->text);
    (void)snprintf(by_fd, sizeof by_fd, "/proc/self/fd/%d", hand);
    g->fd = blocking->root(path, &st); /* first: what is there may be another folder by now */
    if (g->fd < 0 && hand >= 0) g->fd = blocking->root(by_fd, &st);
    if (hand >= 0 && g->fd >= 0 && blocking->facts(g->fd, "./.", &inside) == -EACCES)
        log_error("%s: this service's user may not enter %s: give others r and x on it, or set "
                  "user = in its section", v->section->name, path);
    if (g->fd < 0) return g->fd == -ENOENT || g->fd == -ENOTDIR ? GYRE_ABSENT : GYRE_DENIED;
    g->dev = st.dev;
    g->ino = st.ino;
    if (!s->jail || jail_has_root(s->jail, g->dev, g->ino)) return GYRE_OK;
    blocking->close(g->fd);
    return outgrown(s, g->text);
}

int grant_want(struct version *v, gyre_view text)
{
    struct grant g = {.fd = -1}, *grown;
    struct service *sv = v->section->service;
    gyre_view rest = text;
    bool path = gyre_skip(&rest, GYRE_LIT("path:"));
    int res = GYRE_OK;
    if (!path && !gyre_skip(&rest, GYRE_LIT("dial:"))) return GYRE_UNSUPPORTED;
    if (v->grants_n == GRANTS_MOST) return GYRE_FULL;
    if (!rest.n || memchr(text.p, 0, text.n)) return GYRE_INVALID;
    for (uint32_t i = 0; i < v->grants_n; i++)
        if (gyre_eq(gyre_str(v->grants[i].text), text)) return (int)i;
    g.text = version_mem(v, text.n + 1);
    grown = realloc(v->grants, (v->grants_n + 1) * sizeof *grown);
    if (grown) v->grants = grown;
    if (!g.text || !grown) return GYRE_FULL;
    memcpy(g.text, text.p, text.n);
    if (path) res = open_folder(v, &g, g.text + (text.n - rest.n));
    else if (sv->jail && !jail_may_dial(sv->jail, rest)) res = outgrown(sv, g.text);
    if (res < 0) return res;
    v->grants[v->grants_n] = g;
    return (int)v->grants_n++;
}

const struct grant *grant_root(const struct version *v, int handle)
{
    if (handle < 0 || (uint32_t)handle >= v->grants_n || v->grants[handle].fd < 0) return NULL;
    return &v->grants[handle];
}

bool grant_dial(const struct version *v, gyre_view to)
{
    for (uint32_t i = 0; i < v->grants_n; i++) {
        gyre_view granted = gyre_str(v->grants[i].text);
        if (!gyre_skip(&granted, GYRE_LIT("dial:"))) continue;
        if (gyre_eq(granted, GYRE_LIT("*")) || gyre_eq(granted, to)) return true;
    }
    return false;
}

void grants_free(struct version *v)
{
    for (uint32_t i = 0; i < v->grants_n; i++)
        if (v->grants[i].fd >= 0) blocking->close(v->grants[i].fd);
    free(v->grants);
    while (v->mem) unlink_mem(v, v->mem);
}

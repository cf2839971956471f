/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugin.c - from a file to a plugin. The only room that knows dlopen.
 *
 * A plugin is one exported const descriptor. It is copied as far as this host knows it; what a
 * newer plugin adds must be zero. The file is a private copy, never unloaded and never opened
 * twice. Once its first on_load has returned its statics become read-only, so that a plugin cannot
 * keep state there that several workers would share without knowing.
 * Promise: a file that is no plugin is an error with the reason, never a crash of ours.
 * Limits: LIMIT_NAME, LIMIT_OPTIONS, LIMIT_METRICS, TIMERS_MOST, KINDS_MOST.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "service.h"

enum { TIMERS_MOST = 16, KINDS_MOST = 32, STATE_MOST = 1 << 20 };

#define REFUSE(...) \
    do { \
        snprintf(why, why_n, __VA_ARGS__); \
        return false; \
    } while (0)

/* Copies a struct that begins with its size: what both know; the unknown rest must be zero. */
static bool copy_known(void *to, size_t known, const void *from)
{
    uint32_t size;
    memcpy(&size, from, sizeof size);
    if (size < 2 * sizeof(uint32_t) || size > 4096) return false;
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
    for (size_t i = known; i < size; i++)
        if (((const uint8_t *)from)[i]) return false;
    return true;
}

static bool name_is_good(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n && n < LIMIT_NAME && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static bool check(struct plugin *p, const struct gyre_plugin *d, char *why, size_t why_n)
{
    if (!copy_known(&p->p, sizeof p->p, d) || d->size < offsetof(struct gyre_plugin, summary))
        REFUSE("its descriptor is malformed: was it built against another header?");
    if (!name_is_good(p->p.name)) REFUSE("its name is missing, or not of [a-z0-9_-]");
    snprintf(p->name, sizeof p->name, "%s", p->p.name);
    if (p->p.target > GYRE_MINOR)
        REFUSE("%s wants host minor %u, this is %u", p->name, p->p.target, GYRE_MINOR);
    if (!p->p.api) REFUSE("%s has no place for the host's table: use GYRE_PLUGIN", p->name);
    if (!p->p.option_size || !p->p.metric_size || !p->p.need_size || !p->p.offer_size)
        REFUSE("%s does not say the size of its rows: use GYRE_PLUGIN", p->name);
    return true;
}

/* ---- kinds ---- */

static bool complete(struct kind *k, struct plugin *p, const struct gyre_proto *declared,
                     char *why, size_t why_n)
{
    k->plugin = p;
    k->declared = declared;
    if (!declared) return true;
    if (!copy_known(&k->p, sizeof k->p, declared))
        REFUSE("%s: a kind of actor is malformed: begin it with GYRE_PROTO", p->name);
    if (k->p.timers > TIMERS_MOST) REFUSE("%s: more than %d timers", p->name, TIMERS_MOST);
    if (k->p.state_size > STATE_MOST)
        REFUSE("%s: state of %u bytes; more than 1 MiB belongs into mem", p->name, k->p.state_size);
    if (!k->p.message_max) k->p.message_max = LIMIT_MESSAGE;
    if (!k->p.high_mark) k->p.high_mark = LIMIT_HIGH_MARK;
    if (!k->p.name) k->p.name = p->p.name;
    return true;
}

static bool make_kinds(struct plugin *p, char *why, size_t why_n)
{
    uint32_t more = 0;
    while (p->p.kinds && p->p.kinds[more] && more < KINDS_MOST) more++;
    p->kinds = calloc(KIND_MORE + more, sizeof *p->kinds);
    if (!p->kinds) REFUSE("no memory");
    p->kinds_n = KIND_MORE + more;
    if (!complete(&p->kinds[KIND_STREAM], p, p->p.stream, why, why_n) ||
        !complete(&p->kinds[KIND_PORT], p, p->p.port, why, why_n) ||
        !complete(&p->kinds[KIND_HOME], p, p->p.home, why, why_n))
        return false;
    for (uint32_t i = 0; i < more; i++)
        if (!complete(&p->kinds[KIND_MORE + i], p, p->p.kinds[i], why, why_n)) return false;
    return true;
}

static uint32_t count_metrics(const struct plugin *p)
{
    struct gyre_metric row;
    uint32_t n = 0;
    while (p->p.metrics && n < LIMIT_METRICS) {
        descriptor_row(p->p.metrics, p->p.metric_size, n, &row, sizeof row);
        if (!row.name) break;
        n++;
    }
    return n;
}

/* ---- loading ---- */

/* By its descriptor where there is one, which stays open: the loader knows objects by their names,
 * and this number is not to be another's. To all who ask later it is called by its path. */
static void *open_object(const char *path, int fd)
{
    char by_fd[64];
    struct link_map *map = NULL;
    (void)snprintf(by_fd, sizeof by_fd, "/proc/self/fd/%d", fd);
    void *handle = dlopen(fd < 0 ? path : by_fd, RTLD_NOW | RTLD_LOCAL);
    char *name = handle && fd >= 0 ? strdup(path) : NULL;
    if (name && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) map->l_name = name;
    else free(name);
    return handle;
}

static const struct gyre_plugin *open_descriptor(const char *path, int fd, void **handle,
                                                 char *why, size_t why_n)
{
    *handle = open_object(path, fd);
    if (!*handle) {
        const char *text = dlerror();
        snprintf(why, why_n, "%s", text ? text : "cannot be loaded");
        return NULL;
    }
    const struct gyre_plugin *d = dlsym(*handle, "gyre_plugin_v1");
    if (d) return d;
    snprintf(why, why_n, "it exports no gyre_plugin_v1: it is no plugin for this host "
                         "(GYRE_PLUGIN(...) makes it)");
    return NULL;
}

const struct gyre_plugin *plugin_descriptor(const char *path, char *why, size_t why_n)
{
    void *handle;
    return open_descriptor(path, -1, &handle, why, why_n);
}

/* Sanitizers and coverage write to the statics of what they watch. */
static bool is_instrumented(void *handle)
{
    static const char *const marks[] = {"__gcov_var", "__gcov_dump", "__llvm_profile_filename",
                                        "__asan_init", "__tsan_init"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (dlsym(handle, marks[i])) return true;
    return false;
}

struct plugin *plugin_load(const char *path, int fd, char *why, size_t why_n)
{
    void *handle;
    const struct gyre_plugin *d = open_descriptor(path, fd, &handle, why, why_n);
    struct plugin *p = d ? calloc(1, sizeof *p) : NULL;
    if (d && !p) snprintf(why, why_n, "no memory");
    if (!p) return NULL;
    p->declared = d;
    p->instrumented = is_instrumented(handle);
    if (check(p, d, why, why_n) && make_kinds(p, why, why_n)) {
        p->metrics_n = count_metrics(p);
        return p;
    }
    free(p->kinds);
    free(p);
    return NULL;
}

struct plugin *plugin_own(const struct gyre_plugin *own)
{
    char why[64];
    struct plugin *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->declared = own;
    p->p = *own;
    p->index = UINT32_MAX; /* in no list */
    p->statics_locked = true; /* they are the host's */
    snprintf(p->name, sizeof p->name, "%s", own->name);
    if (make_kinds(p, why, sizeof why)) return p;
    free(p);
    return NULL;
}

/* ---- binding ---- */

static const void *offered(const struct service *s, const char *id)
{
    for (const struct plugin *p = s->plugins; p; p = p->next) {
        struct gyre_offer row;
        for (size_t i = 0; p->p.offers && i < LIMIT_OPTIONS; i++) {
            descriptor_row(p->p.offers, p->p.offer_size, i, &row, sizeof row);
            if (!row.id) break;
            if (row.table && !strcmp(row.id, id)) return row.table;
        }
    }
    return host_service(id);
}

bool plugin_bind(struct service *s, struct plugin *p, char *why, size_t why_n)
{
    struct gyre_need row;
    *p->p.api = &host_api;
    for (size_t i = 0; p->p.needs && i < LIMIT_OPTIONS; i++) {
        descriptor_row(p->p.needs, p->p.need_size, i, &row, sizeof row);
        if (!row.id) break;
        if (!row.slot) continue; /* by messages: from another process */
        const void *table = offered(s, row.id);
        if (!table && !row.optional) REFUSE("%s needs %s, which nobody offers", p->name, row.id);
        memcpy(row.slot, &table, sizeof table);
    }
    return true;
}

/* ---- statics ---- */

struct find {
    const struct link_map *map;
    int failed;
};

static int lock_object(struct dl_phdr_info *info, size_t size, void *user)
{
    struct find *f = user;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    (void)size;
    if (info->dlpi_addr != f->map->l_addr || strcmp(info->dlpi_name, f->map->l_name)) return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_W)) continue;
        uintptr_t from = (info->dlpi_addr + h->p_vaddr) & ~page;
        uintptr_t to = (info->dlpi_addr + h->p_vaddr + h->p_memsz + page) & ~page;
        if (mprotect((void *)from, to - from, PROT_READ)) f->failed = 1;
    }
    return 1;
}

void plugin_lock_statics(struct plugin *p)
{
    struct find f = {.map = NULL};
    Dl_info info;
    if (p->statics_locked || p->p.flags & GYRE_WRITABLE_STATICS || p->instrumented) return;
    p->statics_locked = true;
    if (!dladdr1(p->declared, &info, (void **)&f.map, RTLD_DL_LINKMAP)) return;
    dl_iterate_phdr(lock_object, &f);
    if (f.failed) log_warn("%s: its statics could not be made read-only", p->name);
}

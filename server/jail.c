/* SPDX-License-Identifier: GPL-3.0-or-later
 * jail.c - the steps that close a service in, in their order.
 *
 * on_load has run, so it is known what the configuration grants; no byte of a peer has come yet.
 * First what threads inherit, while there is one (no core dumps, no new privileges, Landlock); then
 * threads are made, each with a ring that the kernel restricts; then seccomp, for all at once. What
 * a kernel lacks is noted in `missing`, and it goes on; the caller decides what that means.
 * Promise: an on_load that runs later is held to the same grants, here, before the kernel kills for
 * it. Limits: JAIL_PORTS.
 */
#include "jail.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "blocking.h"
#include "service.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const char *const modes[] = {"auto", "require", "off"};

const char *jail_mode_name(enum jail_mode mode)
{
    return modes[mode];
}

bool jail_mode_of(const char *name, enum jail_mode *mode)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i], name) != 0) continue;
        *mode = (enum jail_mode)i;
        return true;
    }
    return false;
}

/* ---- what is granted ---- */

static void add_port(struct jail *j, uint16_t port)
{
    for (size_t i = 0; i < j->ports_n; i++)
        if (j->ports[i] == port) return;
    if (j->ports_n == JAIL_PORTS) j->grants |= JAIL_ANY_PORT;
    else j->ports[j->ports_n++] = port;
}

static void add_dial(struct jail *j, gyre_view to)
{
    enum endpoint_kind kind;
    union ring_address address;
    socklen_t n;
    char host[256], why[128];
    uint16_t port;
    if (gyre_eq(to, GYRE_LIT("*")))
        j->grants |= JAIL_TCP | JAIL_ANY_PORT | JAIL_LOCAL | JAIL_NAMES;
    else if (!endpoint_dial(to, &kind, host, &port, why, sizeof why) || kind == ENDPOINT_UDP)
        return; /* such a dial fails by itself */
    else if (kind == ENDPOINT_UNIX)
        j->grants |= JAIL_LOCAL;
    else {
        j->grants |= JAIL_TCP;
        add_port(j, port);
        if (blocking->resolve(host, port, true, &address, &n)) j->grants |= JAIL_NAMES;
    }
}

static bool add_root(struct jail *j, const struct grant *g)
{
    if (jail_has_root(j, g->dev, g->ino)) return true;
    struct jail_root *grown = realloc(j->roots, (j->roots_n + 1) * sizeof *grown);
    if (!grown) return false;
    j->roots = grown;
    char *path = strdup(g->text + strlen("path:"));
    j->roots[j->roots_n++] = (struct jail_root){g->dev, g->ino, g->fd, path};
    j->grants |= JAIL_FILES;
    return path != NULL;
}

static bool add_grants(struct jail *j, const struct version *v)
{
    for (uint32_t i = 0; i < v->grants_n; i++) {
        gyre_view text = gyre_str(v->grants[i].text);
        if (gyre_skip(&text, GYRE_LIT("dial:"))) add_dial(j, text);
        else if (v->grants[i].fd >= 0 && !add_root(j, &v->grants[i])) return false;
    }
    return true;
}

static bool needs_work(const struct service *s)
{
    struct gyre_need row;
    for (const struct plugin *p = s->plugins; p; p = p->next)
        for (size_t i = 0; p->p.needs && i < LIMIT_OPTIONS; i++) {
            descriptor_row(p->p.needs, p->p.need_size, i, &row, sizeof row);
            if (!row.id) break;
            if (strcmp(row.id, "work/1") == 0) return true;
        }
    return false;
}

struct jail *jail_make(const struct service *s, enum jail_mode mode)
{
    struct jail *j = calloc(1, sizeof *j);
    bool ok = j;
    for (const struct section *at = s->sections; ok && at; at = at->next)
        ok = !at->newest || add_grants(j, at->newest);
    if (!ok) {
        jail_free(j);
        return NULL;
    }
    j->mode = mode;
    j->helpers = j->grants & (JAIL_FILES | JAIL_NAMES) || needs_work(s);
    return j;
}

uint32_t jail_rings(const struct jail *j)
{
    return (j->grants & JAIL_FILES ? RING_FILES : 0u) |
           (j->grants & (JAIL_TCP | JAIL_LOCAL) ? RING_DIALS : 0u);
}

bool jail_has_root(const struct jail *j, uint64_t dev, uint64_t ino)
{
    for (size_t i = 0; i < j->roots_n; i++)
        if (j->roots[i].dev == dev && j->roots[i].ino == ino) return true;
    return false;
}

bool jail_may_dial(const struct jail *j, gyre_view to)
{
    struct jail wanted = {.roots_n = 0};
    add_dial(&wanted, to);
    if (wanted.grants & ~j->grants) return false;
    for (size_t i = 0; wanted.ports_n && i < j->ports_n; i++)
        if (j->ports[i] == wanted.ports[0]) return true;
    return !wanted.ports_n || j->grants & JAIL_ANY_PORT;
}

void jail_free(struct jail *j)
{
    if (!j) return;
    for (size_t i = 0; i < j->roots_n; i++) free((void *)(uintptr_t)j->roots[i].path);
    free(j->roots);
    free(j);
}

/* ---- closing ---- */

void jail_miss(struct jail *j, const char *what)
{
    size_t n = strlen(j->missing);
    (void)snprintf(j->missing + n, sizeof j->missing - n, "%s%s", n ? "; " : "", what);
}

static void miss_errno(struct jail *j, const char *what)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    jail_miss(j, text);
}

static bool limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit l = {most, most};
    /* May be lifted again, by the supervisor alone (process_log): the filter has no setrlimit. */
    if (what == RLIMIT_FSIZE) l.rlim_max = RLIM_INFINITY;
    return setrlimit(what, &l) == 0;
}

/* Threads that a plugin made in on_load are not reached by what only this thread's children get. */
static bool is_alone(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) != 0 || st.st_nlink <= 3;
}

static const char *watched(void)
{
    const char *preload = getenv("LD_PRELOAD");
    if (SANITIZED) return "Landlock and seccomp: not in a build with sanitizers";
    if (preload && strstr(preload, "vgpreload_")) return "Landlock and seccomp: not under valgrind";
    return NULL;
}

/* Those of the permitted set: nothing can be added to it, without new privileges. */
static uint64_t capabilities_now(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &head, data) != 0) return UINT64_MAX;
    return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

void jail_enter(struct jail *j)
{
    struct stat st;
    char why[160];
    const char *not_here = watched();
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || !limit(RLIMIT_CORE, 0)) miss_errno(j, "no core dumps");
    /* The log may be a file, and then it must grow. */
    if (fstat(STDERR_FILENO, &st) != 0 || !S_ISREG(st.st_mode))
        j->no_files_size = limit(RLIMIT_FSIZE, 0);
    j->no_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (!j->no_privileges) miss_errno(j, "no new privileges");
    j->capabilities = capabilities_now();
    tzset(); /* gmtime would read its file with the first line of the log, or a plugin's */
    j->watched = not_here;
    if (not_here) jail_miss(j, not_here);
    else if (!landlock_close(j, why, sizeof why)) jail_miss(j, why);
    if (!is_alone()) jail_miss(j, "Landlock: a plugin made threads in on_load, which it misses");
}

void jail_close(struct jail *j, uint32_t kernels, bool rings_shut)
{
    bool dials = j->grants & (JAIL_TCP | JAIL_LOCAL);
    j->grants |= kernels;
    if (j->grants & JAIL_NAMES || (dials && kernels & JAIL_EPOLL)) j->grants |= JAIL_CONNECT;
    j->rings_shut = kernels & JAIL_URING && rings_shut;
    if (kernels & JAIL_URING && !rings_shut) jail_miss(j, "restrictions of io_uring");
    /* A ring that reads files needs threads of the kernel, which count as ours. */
    if (!(j->grants & JAIL_FILES)) j->no_threads = limit(RLIMIT_NPROC, 0);
    if (j->watched) return;
    j->filter = filter_close(j->grants);
    if (!j->filter) miss_errno(j, "seccomp");
}

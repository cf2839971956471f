/* SPDX-License-Identifier: GPL-3.0-or-later
 * module.c - private copies of plugin files, named by what is in them.
 *
 * A service loads the copy, never the file: an administrator may overwrite the file in place, and
 * a path that was opened before would give the old code again. A copy lives as long as a plan or
 * the plugin folder holds it. Copies of an earlier supervisor are swept away at the start.
 * Limits: LIMIT_PLUGIN_FILE bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

static struct module *modules; /* all that are held */

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 0x100000001b3;
    return hash;
}

/* Copies from one descriptor to the other. false: errno. */
static bool copy_bytes(int from, int to, uint64_t *hash)
{
    static uint8_t piece[65536];
    uint64_t sum = HASH_START, total = 0;
    for (;;) {
        ssize_t n = read(from, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) break;
        total += (uint64_t)n;
        if (total > LIMIT_PLUGIN_FILE) {
            errno = EFBIG;
            return false;
        }
        sum = hash_bytes(sum, piece, (size_t)n);
        for (ssize_t done = 0; done < n;) {
            ssize_t put = write(to, piece + done, (size_t)(n - done));
            if (put < 0) return false;
            done += put;
        }
    }
    *hash = sum;
    return fchmod(to, 0644) == 0;
}

static struct module *module_add(uint64_t hash, char *copy)
{
    struct module *m = need_memory(calloc(1, sizeof *m));
    m->hash = hash;
    m->copy = copy;
    m->uses = 1;
    m->next = modules;
    modules = m;
    return m;
}

struct module *module_copy(const char *file, const char *copies, char *why, size_t why_n)
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    struct stat st;
    struct module *made = NULL;
    uint64_t hash = 0;
    char *draft = text_of("%s/.draft", copies);
    int from = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int to = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (from < 0 || fstat(from, &st) != 0)
        (void)snprintf(why, why_n, "cannot be read: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        (void)snprintf(why, why_n, "is no file");
    else if (to < 0 || !copy_bytes(from, to, &hash))
        (void)snprintf(why, why_n, "cannot be copied to %s: %s", copies, strerror(errno));
    else {
        char *copy = text_of("%s/%.*s.%016llx.so", copies, (int)(strlen(base) - 3), base,
                             (unsigned long long)hash);
        if (rename(draft, copy) == 0) {
            made = module_add(hash, copy);
        } else {
            (void)snprintf(why, why_n, "cannot be copied to %s: %s", copy, strerror(errno));
            free(copy);
        }
    }
    if (!made) (void)unlink(draft);
    if (from >= 0) (void)close(from);
    if (to >= 0) (void)close(to);
    free(draft);
    return made;
}

struct module *module_restore(uint64_t hash, char *copy, struct plugin_info *info)
{
    struct module *m = module_add(hash, copy);
    m->info = info;
    return m;
}

struct module *module_hold(struct module *m)
{
    if (m) m->uses++;
    return m;
}

static bool copy_held(const char *copy)
{
    for (const struct module *m = modules; m; m = m->next)
        if (strcmp(m->copy, copy) == 0) return true;
    return false;
}

void module_drop(struct module *m)
{
    if (!m || --m->uses) return;
    struct module **at = &modules;
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    if (!copy_held(m->copy)) (void)unlink(m->copy);
    if (m->info) metadata_free(m->info);
    free(m->copy);
    free(m);
}

void modules_sweep(const char *copies)
{
    DIR *d = opendir(copies);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        char *copy = text_of("%s/%s", copies, e->d_name);
        if (e->d_name[0] != '.' && !copy_held(copy)) (void)unlink(copy);
        free(copy);
    }
    (void)closedir(d);
}

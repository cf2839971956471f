/* SPDX-License-Identifier: GPL-3.0-or-later
 * landlock.c - files below granted folders, TCP ports that may be dialled, and nothing else, by the
 * kernel's Landlock. It holds for rings too, and for a file however it is opened.
 *
 * What the kernel knows is used: ABI 1 (Linux 5.13) has files, 4 (6.7) TCP ports, 6 (6.12) signals
 * and abstract sockets. Limits: this thread, and those that it makes. UDP is not covered.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"

/* As <linux/landlock.h> of newer kernels has them. */
enum {
    ABI_VERSION = 1 << 0, /* a flag of landlock_create_ruleset: asks for the ABI alone */
    RULE_PATH = 1, RULE_PORT = 2,
    FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3,
    NET_CONNECT = 1 << 1, NET_ALL = 3,
    SCOPE_ALL = 3, /* abstract unix sockets, signals */
    ABI_NET = 4, ABI_SCOPE = 6,
    DNS_PORT = 53,
};
struct ruleset {
    uint64_t fs, net, scope;
};
struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));
struct port_rule {
    uint64_t allowed, port;
};

/* Every right on files that this ABI knows. */
static uint64_t all_files(int abi)
{
    int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
    return ((uint64_t)1 << bits) - 1;
}

static bool add_port(int set, uint64_t port)
{
    const struct port_rule rule = {NET_CONNECT, port};
    return syscall(SYS_landlock_add_rule, set, RULE_PORT, &rule, 0) == 0;
}

static bool add_folder(int set, int fd)
{
    const struct path_rule rule = {FS_READ_FILE | FS_READ_DIR, fd};
    return syscall(SYS_landlock_add_rule, set, RULE_PATH, &rule, 0) == 0;
}

/* What the C library reads to look up a name. The files are replaced now and then, so their folders
 * are allowed: what anybody may read there, this process may. */
static bool add_names(int set)
{
    char at[PATH_MAX], *slash;
    const char *const folders[] = {"/etc", realpath("/etc/resolv.conf", at)};
    for (size_t i = 0; i < 2; i++) {
        if (!folders[i]) continue;
        if (i && (slash = strrchr(at, '/'))) *slash = '\0';
        int fd = open(folders[i][0] ? folders[i] : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool ok = fd < 0 || add_folder(set, fd);
        if (fd >= 0) (void)close(fd);
        if (!ok) return false;
    }
    return true;
}

static bool add_rules(int set, const struct jail *j, bool ports)
{
    bool ok = true;
    for (size_t i = 0; ok && i < j->roots_n; i++) ok = add_folder(set, j->roots[i].fd);
    for (size_t i = 0; ok && ports && i < j->ports_n; i++) ok = add_port(set, j->ports[i]);
    if (ok && j->grants & JAIL_NAMES) ok = add_names(set) && (!ports || add_port(set, DNS_PORT));
    return ok;
}

bool landlock_close(struct jail *j, char *why, size_t why_n)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ABI_VERSION);
    if (abi < 1) {
        (void)snprintf(why, why_n, "Landlock: %s (Linux 5.13, and \"landlock\" in lsm=)",
                       errno == EOPNOTSUPP ? "switched off" : strerror(errno));
        return false;
    }
    bool ports = abi >= ABI_NET && !(j->grants & JAIL_ANY_PORT);
    struct ruleset rules = {.fs = all_files((int)abi), .net = ports ? NET_ALL : 0,
                            .scope = abi >= ABI_SCOPE ? SCOPE_ALL : 0};
    if (abi >= ABI_NET && !ports) rules.net = NET_ALL & ~(uint64_t)NET_CONNECT;
    size_t size = abi >= ABI_SCOPE ? sizeof rules : abi >= ABI_NET ? 16 : 8;
    int set = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    bool ok = set >= 0 && add_rules(set, j, ports) &&
              syscall(SYS_landlock_restrict_self, set, 0) == 0;
    if (!ok) (void)snprintf(why, why_n, "Landlock: %s", strerror(errno));
    else j->landlock = (int)abi;
    if (ok && abi < ABI_NET && j->grants & JAIL_TCP && !(j->grants & JAIL_ANY_PORT))
        jail_miss(j, "TCP ports are not limited (Landlock of Linux 6.7)");
    if (set >= 0) (void)close(set);
    return ok;
}

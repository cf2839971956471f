/* SPDX-License-Identifier: GPL-3.0-or-later
 * owner.c - finds the process that has a port, so that "address in use" is an answer.
 *
 * Reads /proc/net for the socket and /proc/PID/fd for who holds it; the latter works for one's own
 * processes, or as root. Promise: nothing here fails; the least it says is "taken".
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

enum { TCP_LISTENS = 10, LINES_MAX = 100000 };

/* The inode of a socket on that port in one table of /proc/net, or 0. */
static unsigned long inode_in(const char *table, bool tcp, unsigned port)
{
    char line[512];
    unsigned long inode = 0;
    FILE *f = fopen(table, "re");
    if (!f) return 0;
    for (int i = 0; i < LINES_MAX && !inode && fgets(line, sizeof line, f); i++) {
        char *local = strchr(line, ':'); /* "  0: 0100007F:1F90 … 0A … uid 0 inode" */
        char *colon = local ? strchr(local + 1, ':') : NULL;
        if (!colon || strtoul(colon + 1, NULL, 16) != port) continue;
        char *remote = strchr(colon + 1, ':');
        if (!remote || strlen(remote) < 8) continue;
        unsigned long state = strtoul(remote + 6, NULL, 16);
        if (tcp && state != TCP_LISTENS) continue;
        char *at = remote + 8; /* queues, timer, retransmits, uid, timeout */
        for (int field = 0; at && field < 5; field++) {
            at += strspn(at, " ");
            at = strchr(at, ' ');
        }
        if (at) inode = strtoul(at, NULL, 10);
    }
    (void)fclose(f);
    return inode;
}

static bool holds(const char *pid, unsigned long inode)
{
    char path[PATH_MAX], want[64], got[64];
    (void)snprintf(want, sizeof want, "socket:[%lu]", inode);
    (void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *fds = opendir(path);
    if (!fds) return false;
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(fds));) {
        ssize_t n = readlinkat(dirfd(fds), e->d_name, got, sizeof got - 1);
        if (n <= 0) continue;
        got[n] = '\0';
        found = strcmp(got, want) == 0;
    }
    (void)closedir(fds);
    return found;
}

static void say_who(const char *pid, char *out, size_t n)
{
    char path[64], name[32] = "";
    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fgets(name, sizeof name, f)) name[strcspn(name, "\n")] = '\0';
        (void)fclose(f);
    }
    if (strtoul(pid, NULL, 10) == (unsigned long)getpid())
        (void)snprintf(out, n, "taken by another section of this Gyre");
    else
        (void)snprintf(out, n, "taken by %s (pid %s)", name[0] ? name : "a process", pid);
}

void owner_of_port(const struct endpoint *e, char *out, size_t n)
{
    bool tcp = e->kind == ENDPOINT_TCP;
    (void)snprintf(out, n, "taken");
    if (e->kind == ENDPOINT_UNIX) return;
    unsigned port = ntohs(e->address.any.sa_family == AF_INET ? e->address.in4.sin_port
                                                              : e->address.in6.sin6_port);
    unsigned long inode = inode_in(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, port);
    if (!inode || e->address.any.sa_family == AF_INET6) {
        unsigned long six = inode_in(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, port);
        if (six) inode = six;
    }
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc) return;
    for (struct dirent *d; (d = readdir(proc));) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !holds(d->d_name, inode)) continue;
        say_who(d->d_name, out, n);
        break;
    }
    (void)closedir(proc);
}

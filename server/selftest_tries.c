/* SPDX-License-Identifier: GPL-3.0-or-later
 * selftest_tries.c - the ways out of a sandbox, each by system call and, where there is one, by an
 * operation of the worker's own ring.
 *
 * Every attempt is plain and would succeed for this user, which the first round shows; files have
 * the round in their name where an attempt uses them up. Promise: what succeeds leaves nothing
 * behind but files of the temporary folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

enum { PAGE = 4096, OP_SOCKET = 45 /* newer than the header of Debian 12 may be */ };

struct path {
    char text[128];
};

/* One that an attempt uses up has the round at its end. */
static struct path path_of(const struct tries *t, const char *name, bool of_round)
{
    struct path p;
    if (of_round) (void)snprintf(p.text, sizeof p.text, "%s/%s%u", t->folder, name, t->round);
    else (void)snprintf(p.text, sizeof p.text, "%s/%s", t->folder, name);
    return p;
}

static int done(long res)
{
    return res < 0 ? -errno : 0;
}

static int closed(long fd)
{
    int res = done(fd);
    if (fd >= 0) (void)close((int)fd);
    return res;
}

static union ring_address local(uint16_t port)
{
    union ring_address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    a.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* ---- files ---- */

static int open_at(const char *path, int flags)
{
    return closed(syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600));
}

static int read_inside(const struct tries *t)
{
    return open_at(path_of(t, "inside/file", false).text, O_RDONLY);
}

static int read_outside(const struct tries *t)
{
    return open_at(path_of(t, "outside", false).text, O_RDONLY);
}

static int read_passwd(const struct tries *t)
{
    (void)t;
    return open_at("/etc/passwd", O_RDONLY);
}

static int read_by_openat2(const struct tries *t)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
    return closed(syscall(SYS_openat2, AT_FDCWD, path_of(t, "outside", false).text, &how,
                          sizeof how));
}

static int write_inside(const struct tries *t)
{
    return open_at(path_of(t, "inside/file", false).text, O_WRONLY);
}

static int make_inside(const struct tries *t)
{
    return open_at(path_of(t, "inside/new", true).text, O_WRONLY | O_CREAT | O_EXCL);
}

static int unlink_inside(const struct tries *t)
{
    return done(syscall(SYS_unlinkat, AT_FDCWD, path_of(t, "inside/unlink", true).text, 0));
}

static int rename_inside(const struct tries *t)
{
    return done(syscall(SYS_renameat2, AT_FDCWD, path_of(t, "inside/rename", true).text, AT_FDCWD,
                        path_of(t, "inside/renamed", true).text, 0));
}

static int make_folder(const struct tries *t)
{
    return done(syscall(SYS_mkdirat, AT_FDCWD, path_of(t, "inside/folder", true).text, 0700));
}

static int make_link(const struct tries *t)
{
    return done(syscall(SYS_symlinkat, "/", AT_FDCWD, path_of(t, "inside/link", true).text));
}

static int change_mode(const struct tries *t)
{
    return done(syscall(SYS_fchmodat, AT_FDCWD, path_of(t, "inside/file", false).text, 0644));
}

static int cut_file(const struct tries *t)
{
    return done(syscall(SYS_truncate, path_of(t, "inside/cut", true).text, 0L));
}

/* ---- the network ---- */

static int make_socket(int domain, int type)
{
    return closed(syscall(SYS_socket, domain, type | SOCK_CLOEXEC, 0));
}

static int socket_udp(const struct tries *t)
{
    (void)t;
    return make_socket(AF_INET, SOCK_DGRAM);
}

static int socket_local(const struct tries *t)
{
    (void)t;
    return make_socket(AF_UNIX, SOCK_STREAM);
}

static int with_socket(const struct tries *t, uint16_t port, bool bind_it)
{
    const union ring_address to = local(port);
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)t;
    if (fd < 0) return -errno;
    int res = done(syscall(bind_it ? SYS_bind : SYS_connect, fd, &to.any, sizeof to.in4));
    (void)close((int)fd);
    return res;
}

static int bind_port(const struct tries *t)
{
    return with_socket(t, 0, true);
}

static int connect_other(const struct tries *t)
{
    return with_socket(t, t->other, false);
}

/* ---- processes, memory, rights ---- */

static int waited(long pid)
{
    int status = 0;
    if (pid < 0) return -errno;
    if (waitpid((pid_t)pid, &status, 0) < 0) return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int make_process(const struct tries *t)
{
    (void)t;
    long pid = syscall(SYS_clone, (long)SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) (void)syscall(SYS_exit_group, 0);
    return waited(pid);
}

/* The first round executes in a process of its own, which nothing else would come back from. */
static int execute(const struct tries *t)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    if (t->round == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)syscall(SYS_execve, "/bin/true", argv, NULL);
            _exit(1);
        }
        return waited(pid);
    }
    return done(syscall(SYS_execve, "/bin/true", argv, NULL));
}

static int trace_sibling(const struct tries *t)
{
    int res = done(syscall(SYS_ptrace, PTRACE_SEIZE, t->sibling, NULL, NULL));
    if (res < 0) return res;
    (void)kill(t->sibling, SIGSTOP);
    (void)waitpid(t->sibling, NULL, __WALL | WUNTRACED);
    (void)ptrace(PTRACE_DETACH, t->sibling, NULL, NULL);
    (void)kill(t->sibling, SIGCONT);
    return 0;
}

static int read_sibling(const struct tries *t)
{
    static char here[] = "the same address in a process that was forked";
    char got[sizeof here];
    const struct iovec to = {got, sizeof got}, from = {here, sizeof here};
    return done(syscall(SYS_process_vm_readv, t->sibling, &to, 1L, &from, 1L, 0L));
}

static int signal_sibling(const struct tries *t)
{
    return done(syscall(SYS_kill, t->sibling, SIGCONT));
}

static int new_ring(const struct tries *t)
{
    struct io_uring_params params = {.flags = 0};
    (void)t;
    return closed(syscall(SYS_io_uring_setup, 4, &params));
}

static int code_memory(const struct tries *t)
{
    (void)t;
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return -errno;
    return done(munmap(p, PAGE));
}

static int data_to_code(const struct tries *t)
{
    (void)t;
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return -errno;
    int res = done(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
    (void)munmap(p, PAGE);
    return res;
}

static int change_user(const struct tries *t)
{
    (void)t;
    return done(syscall(SYS_setuid, getuid()));
}

static int change_group(const struct tries *t)
{
    (void)t;
    return done(syscall(SYS_setgid, getgid()));
}

static int new_memory_file(const struct tries *t)
{
    (void)t;
    return closed(syscall(SYS_memfd_create, "selftest", MFD_CLOEXEC));
}

static int leave_folder(const struct tries *t)
{
    (void)t;
    return done(syscall(SYS_chdir, "/"));
}

/* ---- by ring ---- */

static int by_ring(const struct tries *t, uint8_t code, int fd, const void *address, uint32_t n,
                   uint64_t offset, uint32_t flags)
{
    struct io_uring_sqe sqe = {.opcode = code, .fd = fd, .addr = (uint64_t)(uintptr_t)address,
                               .len = n, .off = offset, .open_flags = flags};
    return ring_raw(t->ring, &sqe);
}

static int closed_ring(int fd)
{
    if (fd >= 0) (void)close(fd);
    return fd < 0 ? fd : 0;
}

static int ring_open(const struct tries *t)
{
    const struct path p = path_of(t, "outside", false);
    return closed_ring(by_ring(t, IORING_OP_OPENAT, AT_FDCWD, p.text, 0, 0, O_RDONLY | O_CLOEXEC));
}

static int ring_open_write(const struct tries *t)
{
    const struct path p = path_of(t, "inside/file", false);
    return closed_ring(by_ring(t, IORING_OP_OPENAT, AT_FDCWD, p.text, 0, 0, O_WRONLY | O_CLOEXEC));
}

static int ring_open2(const struct tries *t)
{
    const struct path p = path_of(t, "outside", false);
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
    return closed_ring(by_ring(t, IORING_OP_OPENAT2, AT_FDCWD, p.text, sizeof how,
                               (uint64_t)(uintptr_t)&how, 0));
}

static int ring_unlink(const struct tries *t)
{
    return by_ring(t, IORING_OP_UNLINKAT, AT_FDCWD, path_of(t, "inside/ring-unlink", true).text, 0,
                   0, 0);
}

static int ring_rename(const struct tries *t)
{
    const struct path to = path_of(t, "inside/ring-renamed", true);
    return by_ring(t, IORING_OP_RENAMEAT, AT_FDCWD, path_of(t, "inside/ring-rename", true).text,
                   (uint32_t)AT_FDCWD, (uint64_t)(uintptr_t)to.text, 0);
}

static int ring_folder(const struct tries *t)
{
    return by_ring(t, IORING_OP_MKDIRAT, AT_FDCWD, path_of(t, "inside/ring-folder", true).text,
                   0700, 0, 0);
}

static int ring_link(const struct tries *t)
{
    const struct path to = path_of(t, "inside/ring-link", true);
    return by_ring(t, IORING_OP_SYMLINKAT, AT_FDCWD, "/", 0, (uint64_t)(uintptr_t)to.text, 0);
}

static int ring_stat(const struct tries *t)
{
    struct statx st;
    return by_ring(t, IORING_OP_STATX, AT_FDCWD, path_of(t, "outside", false).text, STATX_SIZE,
                   (uint64_t)(uintptr_t)&st, 0);
}

static int ring_write(const struct tries *t)
{
    int res = by_ring(t, IORING_OP_WRITE, t->written, "x", 1, 0, 0);
    return res < 0 ? res : 0;
}

static int ring_socket(const struct tries *t)
{
    return closed_ring(by_ring(t, OP_SOCKET, AF_INET, NULL, 0, SOCK_STREAM, 0));
}

static int ring_connect(const struct tries *t, uint16_t port)
{
    const union ring_address to = local(port);
    long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int res = by_ring(t, IORING_OP_CONNECT, (int)fd, &to.any, 0, sizeof to.in4, 0);
    (void)close((int)fd);
    return res;
}

static int ring_connect_granted(const struct tries *t)
{
    return ring_connect(t, t->port);
}

static int ring_connect_other(const struct tries *t)
{
    return ring_connect(t, t->other);
}

const struct try selftest_tries[] = {
    {"read a file of the granted folder", false, true, false, read_inside},
    {"read a file beside it", false, false, false, read_outside},
    {"read /etc/passwd", false, false, false, read_passwd},
    {"read beside it, by openat2", false, false, false, read_by_openat2},
    {"open a granted file for writing", false, false, false, write_inside},
    {"make a file", false, false, false, make_inside},
    {"remove a file", false, false, false, unlink_inside},
    {"rename a file", false, false, false, rename_inside},
    {"make a folder", false, false, false, make_folder},
    {"make a symbolic link", false, false, false, make_link},
    {"change the mode of a file", false, false, false, change_mode},
    {"cut a file", false, false, false, cut_file},
    {"make a UDP socket", false, false, false, socket_udp},
    {"make a unix socket", false, false, false, socket_local},
    {"bind a port", false, false, false, bind_port},
    {"connect to another port", false, false, false, connect_other},
    {"make a process", false, false, false, make_process},
    {"execute a program", false, false, false, execute},
    {"trace another process", false, false, false, trace_sibling},
    {"read another process's memory", false, false, false, read_sibling},
    {"signal another process", false, false, false, signal_sibling},
    {"make a ring of its own", false, false, true, new_ring},
    {"make executable memory", false, false, false, code_memory},
    {"make data executable", false, false, false, data_to_code},
    {"make a file in memory", false, false, false, new_memory_file},
    {"set the user", false, false, false, change_user},
    {"set the group", false, false, false, change_group},
    {"change the folder", false, false, false, leave_folder},
    {"connect to the granted port", true, true, false, ring_connect_granted},
    {"connect to another port", true, false, false, ring_connect_other},
    {"read a file beside it", true, false, false, ring_open},
    {"read beside it, by openat2", true, false, false, ring_open2},
    {"open a granted file for writing", true, false, false, ring_open_write},
    {"write to an open file", true, false, false, ring_write},
    {"look at a file beside it", true, false, false, ring_stat},
    {"remove a file", true, false, false, ring_unlink},
    {"rename a file", true, false, false, ring_rename},
    {"make a folder", true, false, false, ring_folder},
    {"make a symbolic link", true, false, false, ring_link},
    {"make a socket", true, false, false, ring_socket},
    {NULL, false, false, false, NULL},
};

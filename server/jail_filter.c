/* SPDX-License-Identifier: GPL-3.0-or-later
 * jail_filter.c - which system calls a service has left: a table, made into seccomp's program.
 *
 * The hot path needs one, io_uring_enter; it stands first. The rest is what memory, locks, clocks,
 * the channel and the end of a connection need, and what was granted. What does nothing but tell,
 * or is tried by the C library and missed by nobody, gets EPERM; everything else SIGSYS, which
 * names the call to the supervisor (jail.c) and ends the process.
 * Promise: numbers are those of the machine that it is built for; another architecture's calls, and
 * those of x32, are refused. New memory never becomes executable.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

enum how { ALLOW, NO_EXEC, OWN, FAMILY, LOG, REFUSE };
enum {
    DIALS = JAIL_TCP | JAIL_LOCAL | JAIL_NAMES,
    X32 = 0x40000000, /* its calls have this bit */
    TYPE_MASK = 0xf,  /* of socket(2)'s type, which also has flags */
    PROGRAM_MOST = 1024,
};

#define ROW(name, when, how) {SYS_##name, when, how, #name}
#define NAME(name) ROW(name, JAIL_NEVER, REFUSE)
static const struct row {
    uint32_t number;
    uint16_t when; /* any of these grants; 0: always */
    uint16_t how;
    const char *name;
} rows[] = {
    ROW(io_uring_enter, JAIL_URING, ALLOW),
#ifdef SYS_epoll_wait
    ROW(epoll_wait, JAIL_EPOLL, ALLOW),
#endif
    ROW(epoll_pwait2, JAIL_EPOLL, ALLOW), ROW(epoll_pwait, JAIL_EPOLL, ALLOW),
    ROW(recvfrom, JAIL_EPOLL | JAIL_NAMES, ALLOW), ROW(sendto, JAIL_EPOLL | JAIL_NAMES, ALLOW),
    ROW(epoll_ctl, JAIL_EPOLL, ALLOW), ROW(accept4, JAIL_EPOLL, ALLOW),
    ROW(recvmmsg, JAIL_EPOLL | JAIL_NAMES, ALLOW), ROW(sendmmsg, JAIL_EPOLL | JAIL_NAMES, ALLOW),
    /* memory, threads that are there, time */
    ROW(futex, 0, ALLOW), ROW(clock_gettime, 0, ALLOW), ROW(gettimeofday, 0, ALLOW),
    ROW(clock_getres, 0, ALLOW), ROW(clock_nanosleep, 0, ALLOW), ROW(nanosleep, 0, ALLOW),
    ROW(mmap, 0, NO_EXEC), ROW(mprotect, 0, NO_EXEC), ROW(munmap, 0, ALLOW),
    ROW(mremap, 0, ALLOW), ROW(madvise, 0, ALLOW), ROW(brk, 0, ALLOW), ROW(getrandom, 0, ALLOW),
    ROW(sched_yield, 0, ALLOW), ROW(sched_getaffinity, 0, ALLOW), ROW(getcpu, 0, ALLOW),
    ROW(sysinfo, 0, ALLOW), ROW(uname, 0, ALLOW),
    /* the channel, connections, what is open */
    ROW(read, 0, ALLOW), ROW(readv, 0, ALLOW), ROW(write, 0, ALLOW), ROW(writev, 0, ALLOW),
    ROW(close, 0, ALLOW), ROW(dup3, 0, LOG),
    ROW(ppoll, 0, ALLOW), ROW(recvmsg, 0, ALLOW), ROW(sendmsg, 0, ALLOW),
    ROW(shutdown, 0, ALLOW), ROW(getpeername, 0, ALLOW), ROW(getsockname, 0, ALLOW),
    ROW(getsockopt, 0, ALLOW), ROW(fcntl, 0, ALLOW), ROW(lseek, 0, ALLOW), ROW(fstat, 0, ALLOW),
#ifdef SYS_poll
    ROW(poll, 0, ALLOW), ROW(pause, 0, ALLOW), ROW(time, 0, ALLOW),
#endif
    /* its end, and the report about it */
    ROW(rt_sigreturn, 0, ALLOW), ROW(rt_sigaction, 0, ALLOW), ROW(rt_sigprocmask, 0, ALLOW),
    ROW(sigaltstack, 0, ALLOW), ROW(tgkill, 0, OWN), ROW(gettid, 0, ALLOW), ROW(getpid, 0, ALLOW),
    ROW(getppid, 0, ALLOW), ROW(getuid, 0, ALLOW), ROW(geteuid, 0, ALLOW), ROW(getgid, 0, ALLOW),
    ROW(getegid, 0, ALLOW), ROW(restart_syscall, 0, ALLOW), ROW(exit, 0, ALLOW),
    ROW(exit_group, 0, ALLOW),
    /* files below granted folders; names need those of the C library */
    ROW(openat2, JAIL_FILES, ALLOW), ROW(openat, JAIL_FILES | JAIL_NAMES, ALLOW),
    ROW(newfstatat, JAIL_FILES | JAIL_NAMES, ALLOW), ROW(pread64, JAIL_FILES | JAIL_NAMES, ALLOW),
    ROW(inotify_init1, JAIL_FILES, ALLOW), ROW(inotify_add_watch, JAIL_FILES, ALLOW),
    /* dialling */
    ROW(socket, DIALS, FAMILY), ROW(connect, JAIL_CONNECT, ALLOW),
    ROW(setsockopt, JAIL_NAMES, ALLOW),
    /* asked for by habit; free(3) may look at a file in /proc, once */
    ROW(openat, 0, REFUSE),
    ROW(newfstatat, 0, REFUSE), ROW(statx, 0, REFUSE), ROW(ioctl, 0, REFUSE), ROW(prctl, 0, REFUSE),
    ROW(prlimit64, 0, REFUSE), ROW(sched_setaffinity, 0, REFUSE), ROW(setpriority, 0, REFUSE),
    /* only to be called by name when they are refused */
#ifdef SYS_open
    NAME(open), NAME(fork), NAME(vfork), NAME(stat), NAME(access), NAME(pipe), NAME(unlink),
    NAME(rename), NAME(mkdir), NAME(readlink), NAME(chmod), NAME(dup2), NAME(symlink), NAME(link),
    NAME(rmdir), NAME(getdents), NAME(creat),
#endif
    NAME(execve), NAME(execveat), NAME(clone), NAME(clone3), NAME(ptrace), NAME(process_vm_readv),
    NAME(process_vm_writev), NAME(kill), NAME(tkill), NAME(pidfd_open), NAME(pidfd_send_signal),
    NAME(io_uring_setup), NAME(io_uring_register), NAME(bind), NAME(listen), NAME(accept),
    NAME(socketpair), NAME(pipe2), NAME(dup), NAME(getdents64), NAME(readlinkat),
    NAME(unlinkat), NAME(renameat2), NAME(mkdirat), NAME(symlinkat), NAME(linkat), NAME(faccessat),
    NAME(faccessat2), NAME(fchmod), NAME(fchmodat), NAME(fchownat), NAME(ftruncate), NAME(truncate),
    NAME(pwrite64), NAME(chdir), NAME(chroot), NAME(mount), NAME(unshare), NAME(setns),
    NAME(setuid), NAME(setgid), NAME(setresuid), NAME(setresgid), NAME(setgroups), NAME(capset),
    NAME(bpf), NAME(seccomp), NAME(memfd_create), NAME(timerfd_create), NAME(signalfd4),
    NAME(eventfd2), NAME(epoll_create1), NAME(wait4), NAME(setitimer), NAME(timer_create),
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool applies(const struct row *r, uint32_t grants)
{
    return !r->when || r->when & grants;
}

const char *filter_name(uint32_t number)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].number == number) return rows[i].name;
    return "?";
}

const char *filter_call(uint32_t grants, size_t at)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].how == REFUSE || !applies(&rows[i], grants)) continue;
        if (!at--) return rows[i].name;
    }
    return NULL;
}

#ifdef OUR_ARCH
struct program {
    struct sock_filter at[PROGRAM_MOST];
    unsigned short n;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    if (p->n < PROGRAM_MOST) p->at[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The low half: what the kernel looks at of an int, and where PROT_EXEC is. */
static void load_argument(struct program *p, size_t i)
{
    load(p, offsetof(struct seccomp_data, args) + i * sizeof(uint64_t) +
                (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
}

static void answer(struct program *p, uint32_t action)
{
    put(p, BPF_RET | BPF_K, action, 0, 0);
}

static void allow_socket(struct program *p, uint32_t domain, uint32_t type)
{
    load_argument(p, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, domain, 0, 4);
    load_argument(p, 1);
    put(p, BPF_ALU | BPF_AND | BPF_K, TYPE_MASK, 0, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, type, 0, 1);
    answer(p, SECCOMP_RET_ALLOW);
}

/* Plain protocols only: Landlock does not see the ports of MPTCP. */
static void put_families(struct program *p, uint32_t grants)
{
    load_argument(p, 2);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 2, 0);
    put(p, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    for (uint32_t i = 0; i < 2; i++) {
        if (grants & JAIL_TCP) allow_socket(p, i ? AF_INET6 : AF_INET, SOCK_STREAM);
        if (grants & JAIL_NAMES) allow_socket(p, i ? AF_INET6 : AF_INET, SOCK_DGRAM);
    }
    if (grants & JAIL_LOCAL) allow_socket(p, AF_UNIX, SOCK_STREAM);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

static void put_row(struct program *p, const struct row *r, uint32_t grants)
{
    unsigned short jump = p->n;
    put(p, BPF_JMP | BPF_JEQ | BPF_K, r->number, 0, 0);
    switch ((enum how)r->how) {
    case ALLOW: answer(p, SECCOMP_RET_ALLOW); break;
    case REFUSE: answer(p, SECCOMP_RET_ERRNO | EPERM); break;
    case NO_EXEC:
        load_argument(p, 2);
        put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
        answer(p, SECCOMP_RET_TRAP);
        answer(p, SECCOMP_RET_ALLOW);
        break;
    case OWN:
        load_argument(p, 0);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
        answer(p, SECCOMP_RET_ALLOW);
        answer(p, SECCOMP_RET_TRAP);
        break;
    case LOG: /* another log takes the place of the one before (M_LOG) */
        load_argument(p, 1);
        put(p, BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 1);
        answer(p, SECCOMP_RET_ALLOW);
        answer(p, SECCOMP_RET_TRAP);
        break;
    case FAMILY: put_families(p, grants); break;
    }
    p->at[jump].jf = (uint8_t)(p->n - jump - 1); /* past it */
}

bool filter_close(uint32_t grants)
{
    struct program p = {.n = 0};
    load(&p, offsetof(struct seccomp_data, arch));
    put(&p, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    load(&p, offsetof(struct seccomp_data, nr));
    put(&p, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < ROWS; i++)
        if (applies(&rows[i], grants)) put_row(&p, &rows[i], grants);
    answer(&p, SECCOMP_RET_TRAP);
    const struct sock_fprog program = {.len = p.n, .filter = p.at};
    long res = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (res > 0) errno = ESRCH; /* a thread that has a filter of its own */
    return res == 0;
}
#else
bool filter_close(uint32_t grants)
{
    (void)grants;
    errno = ENOSYS;
    return false;
}
#endif

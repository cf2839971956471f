/* SPDX-License-Identifier: GPL-3.0-or-later
 * no_uring.c - becomes a program for which io_uring_setup is refused by seccomp, as in a container.
 *
 * no_uring N PROGRAM …    its first N calls, and those of its children, succeed; then it is EPERM
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The call is refused, or somebody else is asked: the descriptor where that one listens. */
static int filter(uint32_t action, unsigned flags)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {.len = sizeof rules / sizeof *rules, .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &all);
}

/* Answers calls for the kernel until the program has ended. */
static void answer(int fd, int program, long allowed)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = program, .events = POLLIN}};
    while (poll(p, 2, -1) > 0 && !p[1].revents) {
        struct seccomp_notif call = {.id = 0};
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) continue;
        struct seccomp_notif_resp how = {.id = call.id, .error = -EPERM};
        if (allowed-- > 0) {
            how.error = 0;
            how.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        }
        (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &how);
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long allowed = argc > 2 ? strtol(argv[1], &end, 10) : 0;
    int fd = -1, program;
    if (argc < 3 || *end) goto wrong;
    if (allowed == 0 && filter(SECCOMP_RET_ERRNO | EPERM, 0) != 0) goto wrong;
    if (allowed > 0) {
        program = pidfd_open(getpid(), 0);
        fd = filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if (fd < 0 || program < 0) goto wrong;
        pid_t between = fork(); /* so that the program has no child which it does not know */
        if (between == 0) {
            if (fork() == 0) answer(fd, program, allowed);
            _exit(0);
        }
        (void)waitpid(between, NULL, 0);
        (void)close(fd);
        (void)close(program);
    }
    (void)execv(argv[2], argv + 2);
wrong:
    perror("no_uring N PROGRAM …");
    return 2;
}

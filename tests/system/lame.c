/* SPDX-License-Identifier: GPL-3.0-or-later
 * lame.c - stands in for a new gyre that says that it can take over, and then cannot.
 *
 * $LAME=table: it cannot read what it is handed. $LAME=services: its services cannot start.
 * $GYRE is the program that does the rest, $OTHER one of another format.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Neither io_uring nor epoll: a supervisor needs none of them. */
static int refuse_kernels(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_create1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {.len = sizeof rules / sizeof *rules, .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all);
}

int main(int argc, char **argv)
{
    const char *how = getenv("LAME"), *table = getenv("GYRE_TAKEOVER"), *gyre = getenv("GYRE");
    if (!how || !gyre || argc < 2) return 2;
    if (table && strcmp(how, "table") == 0) gyre = getenv("OTHER");
    if (table && strcmp(how, "services") == 0 && refuse_kernels() != 0) return 2;
    (void)execv(gyre, argv);
    return 2;
}

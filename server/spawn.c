/* SPDX-License-Identifier: GPL-3.0-or-later
 * spawn.c - makes a service process: this program again, in a fresh address space, with a channel
 * and a statistics page and nothing else; or, with --single, a thread that runs the same code.
 *
 * Promise: a child gets no descriptor, signal mask or secret of the environment that it was not
 * given. It has its own process group, so that Ctrl-C reaches the supervisor alone. The statistics
 * page cannot be shrunk under the supervisor that reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

enum { CHANNEL_FD = 3, STATS_FD = 4, ENVIRONMENT_MAX = 64 };

/* What a child may know of our environment; ${NAME} in the configuration may hold secrets. */
static void public_environment(char *out[ENVIRONMENT_MAX])
{
    static const char *const public[] = {"PATH=",  "TZ=",   "LANG=", "LC_",   "HOME=", "ASAN_",
                                         "UBSAN_", "TSAN_", "LSAN_", "GCOV_", "LLVM_", "NO_COLOR="};
    size_t n = 0;
    for (char **e = environ; *e && n + 1 < ENVIRONMENT_MAX; e++)
        for (size_t i = 0; i < sizeof public / sizeof *public; i++)
            if (strncmp(*e, public[i], strlen(public[i])) == 0) {
                out[n++] = *e;
                break;
            }
    out[n] = NULL;
}

static bool prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how, const int *fds,
                    const int *as, size_t n)
{
    sigset_t none, all;
    int last = 2;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    for (size_t i = 0; i < n; i++) {
        if (posix_spawn_file_actions_adddup2(files, fds[i], as[i]) != 0) return false;
        if (as[i] > last) last = as[i];
    }
    return posix_spawn_file_actions_addclosefrom_np(files, last + 1) == 0 &&
           posix_spawnattr_setsigmask(how, &none) == 0 &&
           posix_spawnattr_setsigdefault(how, &all) == 0 &&
           posix_spawnattr_setpgroup(how, 0) == 0 &&
           posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP) == 0;
}

int own_program(void)
{
    static int fd = -1;
    if (fd < 0) fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    return fd;
}

static pid_t spawn(const char *path, char **environment, const char *const *argv, const int *fds,
                   const int *as, size_t n)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    pid_t pid = 0;
    if (posix_spawn_file_actions_init(&files) != 0) return 0;
    (void)posix_spawnattr_init(&how);
    int err = prepare(&files, &how, fds, as, n)
                  ? posix_spawn(&pid, path, &files, &how, (char *const *)(uintptr_t)argv,
                                environment)
                  : ENOMEM;
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&how);
    if (err) errno = err;
    return err ? 0 : pid;
}

pid_t spawn_self(const char *const *argv, const int *fds, const int *as, size_t n)
{
    char *environment[ENVIRONMENT_MAX], path[64];
    public_environment(environment);
    /* stays right when the file is replaced or removed */
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), own_program());
    return spawn(path, environment, argv, fds, as, n);
}

pid_t spawn_other(const char *path, const char *const *argv, const int *fds, const int *as,
                  size_t n)
{
    static const char *const own[] = {"NOTIFY_SOCKET=", "WATCHDOG_"}; /* what we alone answer to */
    size_t all = 0, kept = 0;
    while (environ[all]) all++;
    char **others = need_memory(calloc(all + 1, sizeof(char *)));
    for (size_t i = 0; i < all; i++)
        if (strncmp(environ[i], own[0], strlen(own[0])) != 0 &&
            strncmp(environ[i], own[1], strlen(own[1])) != 0)
            others[kept++] = environ[i];
    pid_t pid = spawn(path, others, argv, fds, as, n);
    int err = errno;
    free(others);
    errno = err;
    return pid;
}

bool process_map_stats(struct process *p)
{
    struct stat st;
    if (fstat(p->stats_fd, &st) != 0) return false;
    /* That of another program may be laid out in another way: then its numbers are not known. */
    bool ours = st.st_size == sizeof *p->stats;
    void *page = mmap(NULL, sizeof *p->stats, PROT_READ,
                      ours ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, ours ? p->stats_fd : -1, 0);
    p->stats = page == MAP_FAILED ? NULL : page;
    return p->stats;
}

static bool make_stats(struct process *p)
{
    p->stats_fd = memfd_create("gyre-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return p->stats_fd >= 0 && ftruncate(p->stats_fd, sizeof *p->stats) == 0 &&
           fcntl(p->stats_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
           process_map_stats(p);
}

struct thread_start {
    struct service_start start;
    char name[LIMIT_NAME];
    int ended; /* closed when the thread is over: the other end becomes readable */
};

static void *run_thread(void *argument)
{
    struct thread_start *t = argument;
    int status = service_main(&t->start), ended = t->ended;
    free(t);
    (void)close(ended);
    return (void *)(intptr_t)status;
}

static bool start_thread(struct process *p, const struct crew *crew, int channel)
{
    int ended[2], stats = fcntl(p->stats_fd, F_DUPFD_CLOEXEC, 0);
    if (stats < 0 || pipe2(ended, O_CLOEXEC) != 0) {
        if (stats >= 0) (void)close(stats);
        return false;
    }
    struct thread_start *t = need_memory(calloc(1, sizeof *t));
    (void)snprintf(t->name, sizeof t->name, "%s", p->name);
    t->start = (struct service_start){t->name, p->generation, crew->workers, crew->ring, channel,
                                      stats, true, JAIL_OFF, NULL};
    t->ended = ended[1];
    int err = pthread_create(&p->thread, NULL, run_thread, t);
    if (err) {
        free(t);
        (void)close(ended[0]);
        (void)close(ended[1]);
        (void)close(stats);
        errno = err;
        return false;
    }
    p->exit_fd = ended[0];
    return true;
}

static bool start_process(struct process *p, const struct crew *crew, int channel)
{
    char generation[16], workers[16], uid[16] = "-", gid[16] = "-";
    if (crew->ids.set) {
        (void)snprintf(uid, sizeof uid, "%u", crew->ids.uid);
        (void)snprintf(gid, sizeof gid, "%u", crew->ids.gid);
    }
    (void)snprintf(generation, sizeof generation, "%u", p->generation);
    (void)snprintf(workers, sizeof workers, "%u", crew->workers);
    const char *argv[] = {"gyre", "--service", p->name, generation, workers,
                          ring_kind_name(crew->ring), jail_mode_name(crew->sandbox), uid, gid,
                          NULL};
    const int as[] = {CHANNEL_FD, STATS_FD};
    int fds[2] = {fcntl(channel, F_DUPFD_CLOEXEC, STATS_FD + 1),
                  fcntl(p->stats_fd, F_DUPFD_CLOEXEC, STATS_FD + 1)};
    if (fds[0] >= 0 && fds[1] >= 0) p->pid = spawn_self(argv, fds, as, 2);
    if (p->pid) p->exit_fd = pidfd_open(p->pid, 0); /* not reaped: the id is still its own */
    int err = errno;
    if (p->pid && p->exit_fd < 0) {
        (void)kill(p->pid, SIGKILL);
        (void)waitpid(p->pid, NULL, 0);
        p->pid = 0;
    }
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0) (void)close(fds[i]);
    errno = err;
    return p->pid > 0;
}

static void let_go(struct process *p)
{
    if (p->channel >= 0) (void)close(p->channel);
    if (p->exit_fd >= 0) (void)close(p->exit_fd);
    if (p->stats) (void)munmap((void *)(uintptr_t)p->stats, sizeof *p->stats);
    if (p->stats_fd >= 0) (void)close(p->stats_fd);
    p->stats = NULL;
    p->channel = p->exit_fd = p->stats_fd = -1;
}

bool process_spawn(struct supervisor *s, struct process *p, const struct crew *crew, char *why,
                   size_t why_n)
{
    int pair[2] = {-1, -1};
    p->exit_fd = p->channel = -1;
    bool started = make_stats(p) &&
                   socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 &&
                   (s->single ? start_thread(p, crew, pair[1])
                              : start_process(p, crew, pair[1]));
    if (!started) (void)snprintf(why, why_n, "%s", strerror(errno));
    p->channel = pair[0];
    if (pair[1] >= 0 && !(started && s->single)) (void)close(pair[1]); /* a thread has taken it */
    if (!started) let_go(p);
    return started;
}

int process_reap(struct process *p)
{
    int status = 0;
    void *returned = NULL;
    if (p->pid) {
        (void)waitpid(p->pid, &status, 0);
        return status;
    }
    (void)pthread_join(p->thread, &returned);
    return W_EXITCODE((int)(intptr_t)returned & 0xff, 0);
}

void process_kill(struct process *p, int signal)
{
    if (p->pid) (void)pidfd_send_signal(p->exit_fd, signal, NULL, 0);
}

void process_free(struct process *p)
{
    let_go(p);
    plan_drop(p->plan);
    plan_drop(p->next_plan);
    free(p->jailed);
    free(p->watched);
    free(p);
}

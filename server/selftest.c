/* SPDX-License-Identifier: GPL-3.0-or-later
 * selftest.c - gyre --selftest: is the sandbox closed, on this machine, with this kernel?
 *
 * A child becomes a service by the very steps of one (threads.c): a folder and a port are granted,
 * its workers get their rings, the jail closes. What is to be refused it tries twice: before, where
 * it must succeed, or nothing would be proved, and from the worker's thread afterwards. In place of
 * dying of SIGSYS it notes it, so that one process tries everything. Prints a table; the status is
 * 0 when all were refused. Leaves nothing behind.
 */
#include "selftest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "message.h"
#include "threads.h"

enum { TRIES_MOST = 64, LIMIT_S = 60 };

struct outcome {
    bool tried[2], by_filter;
    int res[2];
};
struct shared { /* with the child that tries */
    struct outcome of[TRIES_MOST];
    bool no_ring, ready, all;
    char missing[256], why[320];
};

static struct shared *shared;
static struct tries tries = {.written = -1};
static _Thread_local volatile sig_atomic_t refused_here;

/* ---- in the child ---- */

/* As if the call had failed with EPERM. */
static void on_refused(int signal, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    (void)signal;
    (void)info;
    refused_here = 1;
#if defined __x86_64__
    c->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined __aarch64__
    c->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
    (void)c;
#endif
}

static void try_all(uint32_t round)
{
    tries.round = round;
    for (size_t i = 0; selftest_tries[i].what && i < TRIES_MOST; i++) {
        struct outcome *o = &shared->of[i];
        if (selftest_tries[i].by_ring && !tries.ring) continue;
        refused_here = 0;
        o->tried[round] = true;
        o->res[round] = -ECANCELED; /* stays when the process dies of it */
        o->res[round] = selftest_tries[i].run(&tries);
        if (round) o->by_filter = refused_here;
    }
}

/* On a thread of its own, which takes along the threads that the kernel made for its ring. */
static void *try_outside(void *user)
{
    (void)user;
    tries.ring = ring_make(RING_ANYTHING, shared->why, sizeof shared->why);
    shared->no_ring = !tries.ring;
    try_all(0);
    if (tries.ring) tries.ring->ops->free(tries.ring);
    return NULL;
}

static void try_inside(struct worker *w, void *user)
{
    sigset_t ours;
    (void)user;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGSYS);
    (void)pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    tries.ring = shared->no_ring ? NULL : w->ring;
    try_all(1);
    shared->all = true;
    _exit(0);
}

/* A section as on_load would leave it that wanted the folder and the port. */
static bool grant(struct service *s, struct section *section, struct version *v)
{
    char path[96], dial[64];
    (void)snprintf(path, sizeof path, "path:%s/inside", tries.folder);
    (void)snprintf(dial, sizeof dial, "dial:tcp:127.0.0.1:%u", tries.port);
    section->service = s;
    section->newest = v;
    v->section = section;
    s->sections = section;
    return grant_want(v, gyre_str(path)) >= 0 && grant_want(v, gyre_str(dial)) >= 0;
}

_Noreturn static void be_service(void)
{
    static struct threads threads;
    static struct section section;
    static struct version version;
    static struct errand errand = {.run = try_inside};
    const struct sigaction act = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
    const struct service_start start = {.name = "selftest", .generation = 1, .workers = 1,
                                        .channel = -1, .stats_fd = -1, .sandbox = JAIL_AUTO};
    char *why = shared->why;
    pthread_t thread;
    (void)alarm(LIMIT_S);
    (void)sigaction(SIGSYS, &act, NULL);
    if (pthread_create(&thread, NULL, try_outside, NULL) || pthread_join(thread, NULL)) _exit(1);
    struct service *s = service_make(start.name, 1, 1, NULL, LIMIT_HELPERS, why,
                                     sizeof shared->why);
    if (!s || !grant(s, &section, &version)) _exit(1);
    threads_prepare(&threads, &start, s);
    if (!threads_start(&threads)) {
        (void)snprintf(why, sizeof shared->why, "%s", threads.why);
        _exit(1);
    }
    (void)snprintf(shared->missing, sizeof shared->missing, "%s", s->jail->missing);
    if (s->jail->watched) _exit(1);
    shared->ready = true;
    errand_post(s->workers[0], &errand);
    for (;;) (void)pause();
}

/* ---- what there is to be reached ---- */

static int put_file(const char *name, uint32_t round)
{
    char path[128];
    (void)snprintf(path, sizeof path, round < 2 ? "%s/%s%u" : "%s/%s", tries.folder, name, round);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 && write(fd, "file\n", 5) != 5) return -1;
    return fd;
}

static bool make_files(void)
{
    static const char *const used_up[] = {"inside/unlink", "inside/rename", "inside/cut",
                                          "inside/ring-unlink", "inside/ring-rename"};
    char inside[80];
    (void)snprintf(tries.folder, sizeof tries.folder, "%s", "/tmp/gyre-escapes.XXXXXX");
    if (!mkdtemp(tries.folder)) return false;
    (void)snprintf(inside, sizeof inside, "%s/inside", tries.folder);
    if (mkdir(inside, 0700) != 0) return false;
    for (size_t i = 0; i < sizeof used_up / sizeof *used_up; i++)
        for (uint32_t round = 0; round < 2; round++) {
            int fd = put_file(used_up[i], round);
            if (fd < 0) return false;
            (void)close(fd);
        }
    tries.written = put_file("inside/file", 2);
    int fd = put_file("outside", 2);
    if (fd >= 0) (void)close(fd);
    return tries.written >= 0 && fd >= 0;
}

static bool listens(uint16_t *port)
{
    union ring_address a = {.in4 = {.sin_family = AF_INET}};
    socklen_t n = sizeof a.in4;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, &a.any, n) || listen(fd, 16) || getsockname(fd, &a.any, &n))
        return false;
    *port = ntohs(a.in4.sin_port);
    return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

static void make_sibling(void)
{
    tries.sibling = fork();
    if (tries.sibling) return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    (void)alarm(LIMIT_S);
    for (;;) (void)pause();
}

/* ---- the table ---- */

static const char *error_name(int res)
{
    const char *name = res ? strerrorname_np(-res) : "succeeded";
    return name ? name : "?";
}

/* true: as it should be. */
static bool row(const struct try *t, const struct outcome *o)
{
    const char *verdict = "ok";
    if ((t->by_ring || t->of_rings) && shared->no_ring) {
        (void)printf("  %-34s %-5s %-10s %-12s %s\n", t->what, t->by_ring ? "ring" : "call", "-",
                     "-", "no io_uring here");
        return true;
    }
    if (!o->tried[0] || o->res[0]) verdict = "proves nothing: it fails without the sandbox, too";
    else if (!o->tried[1]) verdict = "was not tried";
    else if (!t->granted && !o->res[1]) verdict = "ESCAPED";
    else if (t->granted && o->res[1]) verdict = "granted, but refused";
    else if (!t->granted && o->res[1] == -ECANCELED) verdict = "ended the process";
    (void)printf("  %-34s %-5s %-10s %-12s %s\n", t->what, t->by_ring ? "ring" : "call",
                 error_name(o->res[0]), !o->tried[1] ? "-" : o->by_filter ? "SIGSYS" :
                 error_name(o->res[1]), verdict);
    return strcmp(verdict, "ok") == 0;
}

static int table(int status)
{
    size_t wrong = 0, n = 0, refused = 0;
    if (!shared->ready) {
        (void)fprintf(stderr, "gyre: no sandbox to test: %s\n",
                      shared->why[0] ? shared->why
                      : shared->missing[0] ? shared->missing : "its process has ended early");
        return 1;
    }
    (void)printf("  %-34s %-5s %-10s %-12s\n", "ATTEMPT", "BY", "OUTSIDE", "IN SANDBOX");
    for (; selftest_tries[n].what; n++) {
        if (!row(&selftest_tries[n], &shared->of[n])) wrong++;
        else if (!selftest_tries[n].granted && shared->of[n].tried[1]) refused++;
    }
    if (shared->missing[0]) (void)printf("missing: %s\n", shared->missing);
    if (!shared->all)
        (void)printf("the process that tried has ended early, with status 0x%x\n", status);
    (void)printf("%zu attempts, %zu refused, %zu wrong\n", n, refused, wrong);
    return wrong || !shared->all || shared->missing[0] ? 1 : 0;
}

int selftest_main(void)
{
    int status = 0, result = 1;
    pid_t pid = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool made = shared != MAP_FAILED && make_files() && listens(&tries.port) &&
                listens(&tries.other);
    if (made) make_sibling();
    if (made && tries.sibling > 0) pid = fork();
    if (made && pid == 0 && tries.sibling > 0) be_service();
    if (pid > 0 && waitpid(pid, &status, 0) == pid) result = table(status);
    else (void)fprintf(stderr, "gyre: no self-test: %s\n", strerror(errno));
    if (tries.sibling > 0) {
        (void)kill(tries.sibling, SIGKILL);
        (void)waitpid(tries.sibling, NULL, 0);
    }
    if (tries.folder[0]) (void)nftw(tries.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return result;
}

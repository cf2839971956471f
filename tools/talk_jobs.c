/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_jobs.c - runs scripts in child processes and tells how they went.
 *
 * A plugin that crashes or hangs fails one script, and the report says in which cutting. The
 * child's log is kept in memory and shown with a failure.
 * Promise: results are told in the order of the command line, whichever ends first.
 * Limits: CUTTING_SECONDS of computing for one cutting, or HANGING_SECONDS of the wall clock, as a
 * busy machine may give a child little; PATIENCE (in the environment) times as many. JOBS_AT_ONCE
 * children.
 */
#include <errno.h>
#include <execinfo.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tests/sim/alloc.h"
#include "../tests/sim/base.h"
#include "core.h"
#include "talk.h"

enum { CUTTING_SECONDS = 30, HANGING_SECONDS = 240 };
enum { REPORT_MOST = 32 * 1024, LOG_SHOWN = 16 * 1024, CHILD_DONE = 33 };
enum { FEW = 4 }; /* the first cuttings: whole, every byte alone, two at random */

/* In a sanitizer build: looks for leaks now, as the child leaves without its exit handlers. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
extern void __sanitizer_print_stack_trace(void) __attribute__((weak));

struct progress { /* shared with the child */
    struct talk_cut cut;
    struct talk_fault fault;
    size_t done;
    uint64_t points; /* where torture can fail a call */
    bool begun, passed;
    char report[REPORT_MOST];
};

/* ---- temporary folders ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    return at->level ? remove(path) : 0;
}

static void empty_folder(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- in the child ---- */

static bool same_output(const struct talk_result *first, const struct talk_result *r)
{
    return first->output_n == r->output_n &&
           (!r->output_n || !memcmp(first->output, r->output, r->output_n));
}

struct script { /* that is played now */
    const struct talk *talk;
    const struct talk_options *o;
    const char *tmp;
    struct progress *p;
    struct talk_cut cut;
};

static void begin_clocks(void)
{
    const struct itimerval most = {.it_value.tv_sec = (time_t)CUTTING_SECONDS * sim_patience()};
    (void)setitimer(ITIMER_PROF, &most, NULL);
    alarm(HANGING_SECONDS * sim_patience());
}

static void play(const struct script *s, const struct talk_fault *fault, struct talk_result *r)
{
    begin_clocks();
    empty_folder(s->tmp);
    talk_run(s->talk, s->o->path, s->tmp, &s->cut, fault, r);
    s->p->done++;
}

static bool run_cutting(const struct talk *talk, const struct talk_options *o, const char *tmp,
                        const struct talk_cut *cut, struct talk_result *first,
                        struct progress *p)
{
    struct talk_result r;
    p->cut = *cut;
    p->begun = true;
    play(&(struct script){talk, o, tmp, p, *cut}, NULL, &r);
    if (!r.passed)
        snprintf(p->report, sizeof p->report, "%s", r.failure ? r.failure : "no memory\n");
    if (r.passed && first->output && !same_output(first, &r)) {
        r.passed = false;
        snprintf(p->report, sizeof p->report,
                 "%s: the output is not the same as when every message arrives whole\n",
                 talk->path);
    }
    bool passed = r.passed;
    if (cut->how == CUT_WHOLE) *first = r;
    else talk_result_free(&r);
    return passed;
}

static bool run_fault(void *user, const struct talk_fault *fault, struct talk_result *r)
{
    struct script *s = user;
    s->p->fault = *fault;
    if (fault->kind == FAULT_LOAD) return begin_clocks(), true;
    if (ftruncate(STDERR_FILENO, 0) == 0) (void)lseek(STDERR_FILENO, 0, SEEK_SET);
    play(s, fault, r);
    if (!r->passed)
        snprintf(s->p->report, sizeof s->p->report, "%s", r->failure ? r->failure : "no memory\n");
    talk_result_free(r);
    return r->passed;
}

/* Where a call failed, into the log. */
static void show_stack(void)
{
    void *frames[24];
    if (__sanitizer_print_stack_trace) __sanitizer_print_stack_trace();
    else backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
}

static bool torture(const struct talk *talk, const struct talk_options *o, const char *tmp,
                    const struct talk_cut *cut, struct progress *p)
{
    struct script s = {talk, o, tmp, p, *cut};
    char why[1024] = "";
    p->cut = *cut;
    p->begun = true;
    pool_plain = true;
    if (o->fault.n) alloc_tell(show_stack);
    bool good = talk_torture(&(struct talk_torture){
        o->shallow, o->seed, o->fault.n ? &o->fault : NULL, o->path, run_fault, &s, why,
        sizeof why, &p->points});
    if (!good && why[0]) snprintf(p->report, sizeof p->report, "%s: %s", talk->path, why);
    return good;
}

static bool run_script(const struct talk_options *o, const char *path, const char *tmp,
                       struct progress *p)
{
    struct talk_cut cut;
    struct talk_result first = {0};
    char why[512];
    struct talk *talk = talk_read(path, tmp, why, sizeof why);
    bool good = talk != NULL;
    if (!talk) snprintf(p->report, sizeof p->report, "%s\n", why);
    if (talk && o->torture) {
        good = talk_cut_read(o->only ? o->only : "whole", &cut) && torture(talk, o, tmp, &cut, p);
    } else if (talk && o->only) {
        good = talk_cut_read(o->only, &cut) && cut.message <= talk->messages;
        if (!good)
            snprintf(p->report, sizeof p->report, "%s: it has no message %s\n", path, o->only);
        good = good && run_cutting(talk, o, tmp, &cut, &first, p);
    }
    size_t most = o->only || o->torture ? 0 : o->few ? FEW : SIZE_MAX;
    for (size_t i = 0; good && i < most && talk_cut_at(talk, i, &cut); i++)
        good = run_cutting(talk, o, tmp, &cut, &first, p);
    talk_result_free(&first);
    talk_free(talk);
    if (good && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) {
        snprintf(p->report, sizeof p->report, "%s: memory leaked; see the log\n", path);
        good = false;
    }
    return good;
}

/* ---- reports ---- */

static void show_log(int log)
{
    char text[LOG_SHOWN + 1];
    off_t end = lseek(log, 0, SEEK_END);
    ssize_t n = pread(log, text, LOG_SHOWN, end > LOG_SHOWN ? end - LOG_SHOWN : 0);
    if (n <= 0) return;
    text[n] = 0;
    char *at = text;
    if (end > LOG_SHOWN) at += strcspn(text, "\n") + (strchr(text, '\n') != NULL);
    printf("  the log of that run%s:\n", end > LOG_SHOWN ? " ends like this" : "");
    for (char *line; (line = strsep(&at, "\n")) && (*line || at);) printf("    %s\n", line);
}

static void show_failure(const struct talk_options *o, const char *path, const struct progress *p,
                         int log)
{
    static const char *const names[] = {"whole", "every byte alone", "cut in two", "at random"};
    char cut[64];
    talk_cut_text(&p->cut, cut, sizeof cut);
    printf("FAIL  %s", p->report);
    if (p->begun) {
        char fault[32] = "";
        talk_fault_text(&p->fault, fault, sizeof fault);
        printf("  cutting %s (%s), number %zu\n", cut, names[p->cut.how], p->done);
        printf("  again: %s %s%s%s--chunks %s %s %s\n", o->self,
               o->torture ? p->fault.n ? "--fault " : "--torture " : "",
               o->torture && p->fault.n ? fault : "", o->torture && p->fault.n ? " " : "", cut,
               o->plugin, path);
    }
    show_log(log);
}

static void describe_death(const char *path, int status, struct progress *p)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE) return;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    p->passed = false;
    if (signal == SIGPROF || signal == SIGALRM)
        snprintf(p->report, sizeof p->report, "%s: stuck: no end after %u seconds%s\n", path,
                 sim_patience() * (signal == SIGPROF ? CUTTING_SECONDS : HANGING_SECONDS),
                 signal == SIGPROF ? " of computing" : "");
    else
        snprintf(p->report, sizeof p->report, "%s: it crashed: %s\n", path,
                 signal ? strsignal(signal) : "the process ended itself; see the log");
}

/* What the first comment says after "fails: "; false: it does not. */
static bool expected_failure(const char *path, char *out, size_t n)
{
    static const char mark[] = "fails: ";
    FILE *f = fopen(path, "re");
    char line[512], *found = NULL;
    while (f && !found && fgets(line, sizeof line, f)) found = strstr(line, mark);
    if (f) fclose(f);
    if (!found) return false;
    found[strcspn(found, "\n")] = 0;
    snprintf(out, n, "%s", found + sizeof mark - 1);
    return out[0] != 0;
}

static void turn_round(const char *path, struct progress *p)
{
    char want[512], report[REPORT_MOST];
    memcpy(report, p->report, sizeof report);
    bool known = expected_failure(path, want, sizeof want);
    bool as_said = known && !p->passed && strstr(report, want);
    if (!known)
        snprintf(p->report, sizeof p->report,
                 "%s: its first comment must say \"# fails: \" and what it fails with\n", path);
    else if (p->passed)
        snprintf(p->report, sizeof p->report, "%s: it must fail, and passed\n", path);
    else if (!as_said)
        snprintf(p->report, sizeof p->report, "%s: it must fail saying \"%s\", but said:\n%.30000s",
                 path, want, report);
    p->passed = as_said;
}

/* ---- scripts, each in a child, a few at a time ---- */

/* Most of the time of a cutting is waiting: the kernel takes 10 ms to end a watch on files. */
enum { JOBS_AT_ONCE = 16 };

struct playing {
    const char *path;
    char tmp[32];
    pid_t child; /* 0: not started, -1: it has ended */
    int log, status;
    size_t runs;
    struct progress *p;
};

static void start(const struct talk_options *o, struct playing *j)
{
    snprintf(j->tmp, sizeof j->tmp, "/tmp/gyre-test-XXXXXX");
    j->log = memfd_create("log", MFD_CLOEXEC);
    j->p = mmap(NULL, sizeof *j->p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (j->log < 0 || j->p == MAP_FAILED || !mkdtemp(j->tmp)) {
        printf("gyre-test: no temporary folder, file or memory: %s\n", strerror(errno));
        exit(2);
    }
    fflush(stdout);
    j->child = fork();
    if (j->child < 0) {
        printf("gyre-test: fork: %s\n", strerror(errno));
        exit(2);
    }
    if (j->child > 0) return;
    dup2(j->log, STDERR_FILENO);
    log_open("gyre-test", GYRE_INFO);
    j->p->passed = run_script(o, j->path, j->tmp, j->p);
    _exit(CHILD_DONE);
}

static void await_one(struct playing *jobs, size_t n)
{
    int status = 0;
    pid_t child = waitpid(-1, &status, 0);
    for (size_t i = 0; child > 0 && i < n; i++) {
        if (jobs[i].child != child) continue;
        jobs[i].child = -1;
        jobs[i].status = status;
    }
}

static bool report(const struct talk_options *o, struct playing *j)
{
    describe_death(j->path, j->status, j->p);
    if (o->must_fail) turn_round(j->path, j->p);
    bool passed = j->p->passed;
    if (!passed) show_failure(o, j->path, j->p, j->log);
    else if (o->verbose && o->torture)
        printf("ok    %s, in %zu runs for %" PRIu64 " points\n", j->path, j->p->done,
               j->p->points);
    else if (o->verbose)
        printf("ok    %s, in %zu cuttings\n", j->path, j->p->done);
    j->runs = j->p->done;
    if (passed && o->verbose) show_log(j->log);
    fflush(stdout);
    empty_folder(j->tmp);
    rmdir(j->tmp);
    close(j->log);
    munmap(j->p, sizeof *j->p);
    return passed;
}

/* Told in the order of the command line. */
int talk_run_all(const struct talk_options *o, char **scripts, size_t n)
{
    size_t told = 0, started = 0, passed = 0, runs = 0;
    struct playing *jobs = calloc(n, sizeof *jobs);
    if (!jobs) return 2;
    for (size_t i = 0; i < n; i++) jobs[i].path = scripts[i];
    while (told < n) {
        size_t running = 0;
        for (size_t i = told; i < started; i++) running += jobs[i].child > 0;
        if (started < n && running < JOBS_AT_ONCE) start(o, &jobs[started++]);
        else if (jobs[told].child > 0) await_one(jobs, n);
        for (; told < started && jobs[told].child < 0; told++) passed += report(o, &jobs[told]);
    }
    for (size_t i = 0; i < n; i++) runs += jobs[i].runs;
    free(jobs);
    if (o->torture) printf("%zu runs\n", runs);
    printf("%zu passed, %zu failed\n", passed, n - passed);
    return passed != n;
}

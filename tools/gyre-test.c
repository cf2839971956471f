/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyre-test.c - runs talk scripts against a plugin, in memory, in every cutting of the bytes.
 *
 * Each script runs in a child process: a plugin that crashes or hangs fails one script, and the
 * report says in which cutting. The child's log is kept and shown with a failure.
 * Promise: the last line is "N passed, N failed", a script being one; the exit status is 1 if any
 * failed, 2 if it was called wrongly.
 * Limits: CUTTING_SECONDS of real time for one cutting.
 */
#include <errno.h>
#include <ftw.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service.h"
#include "talk.h"

enum { CUTTING_SECONDS = 30, REPORT_MOST = 32 * 1024, LOG_SHOWN = 16 * 1024, CHILD_DONE = 33 };

/* In a sanitizer build: looks for leaks now, as the child leaves without its exit handlers. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

struct options {
    const char *self, *plugin, *only; /* only: one cutting, or NULL: all */
    char path[PATH_MAX];              /* of the plugin, absolute */
    bool verbose, list, must_fail;
};
struct progress { /* shared with the child */
    struct talk_cut cut;
    size_t done;
    bool begun, passed;
    char report[REPORT_MOST];
};

static const char usage[] =
    "usage: gyre-test [options] PLUGIN.so SCRIPT.talk ...\n"
    "       gyre-test --describe PLUGIN.so            its options as a commented section\n"
    "       gyre-test --describe-markdown PLUGIN.so   its options as a table\n"
    "\n"
    "Plays each script against the plugin in memory: no socket, no process, a clock that is set.\n"
    "Every message arrives whole, byte by byte, cut in two at every place, and at random; the\n"
    "answers must be the same.\n"
    "\n"
    "  --chunks all|whole|1|M@N|SEED   one way of cutting: whole; 1 for byte by byte; message M of\n"
    "                                  the script after N bytes; at random from SEED\n"
    "  --fail      every script must fail, saying what its first comment says after \"fails: \"\n"
    "  --list      names the scripts and how many cuttings each has\n"
    "  -v          names each script, and shows its log\n"
    "A debugger follows the script with: set follow-fork-mode child\n";

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

static bool run_cutting(const struct talk *talk, const struct options *o, const char *tmp,
                        const struct talk_cut *cut, struct talk_result *first,
                        struct progress *p)
{
    struct talk_result r;
    p->cut = *cut;
    p->begun = true;
    alarm(CUTTING_SECONDS);
    empty_folder(tmp);
    talk_run(talk, o->path, tmp, cut, &r);
    p->done++;
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

static bool run_script(const struct options *o, const char *path, const char *tmp,
                       struct progress *p)
{
    struct talk_cut cut;
    struct talk_result first = {0};
    char why[512];
    struct talk *talk = talk_read(path, tmp, why, sizeof why);
    bool good = talk != NULL;
    if (!talk) snprintf(p->report, sizeof p->report, "%s\n", why);
    if (talk && o->only) {
        (void)talk_cut_read(o->only, &cut);
        good = run_cutting(talk, o, tmp, &cut, &first, p);
    }
    for (size_t i = 0; !o->only && good && talk_cut_at(talk, i, &cut); i++)
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

static void show_failure(const struct options *o, const char *path, const struct progress *p,
                         int log)
{
    static const char *const names[] = {"whole", "every byte alone", "cut in two", "at random"};
    char cut[64];
    talk_cut_text(&p->cut, cut, sizeof cut);
    printf("FAIL  %s", p->report);
    if (p->begun) {
        printf("  cutting %s (%s), number %zu\n", cut, names[p->cut.how], p->done);
        printf("  again: %s --chunks %s %s %s\n", o->self, cut, o->plugin, path);
    }
    show_log(log);
}

static void describe_death(const char *path, int status, struct progress *p)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE) return;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    p->passed = false;
    if (signal == SIGALRM)
        snprintf(p->report, sizeof p->report, "%s: stuck: no end after %d seconds\n", path,
                 CUTTING_SECONDS);
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

/* ---- one script, in a child ---- */

static bool run_in_child(const struct options *o, const char *path, struct progress *p)
{
    char tmp[] = "/tmp/gyre-test-XXXXXX";
    int status = 0, log = memfd_create("log", MFD_CLOEXEC);
    *p = (struct progress){0};
    if (log < 0 || !mkdtemp(tmp)) {
        printf("gyre-test: no temporary folder or file: %s\n", strerror(errno));
        exit(2);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(log, STDERR_FILENO);
        log_open("gyre-test", GYRE_INFO);
        p->passed = run_script(o, path, tmp, p);
        _exit(CHILD_DONE);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0) snprintf(p->report, sizeof p->report, "fork: %s\n", strerror(errno));
    else describe_death(path, status, p);
    if (o->must_fail) turn_round(path, p);
    if (!p->passed) show_failure(o, path, p, log);
    else if (o->verbose) printf("ok    %s (%zu cuttings)\n", path, p->done);
    if (p->passed && o->verbose) show_log(log);
    empty_folder(tmp);
    rmdir(tmp);
    close(log);
    return p->passed;
}

static bool list_script(const char *path)
{
    struct talk_cut cut;
    char why[512];
    size_t n = 0;
    struct talk *talk = talk_read(path, "/tmp", why, sizeof why);
    if (!talk) return printf("%s\n", why), false;
    while (talk_cut_at(talk, n, &cut)) n++;
    printf("%6zu cuttings  %s\n", n, path);
    talk_free(talk);
    return true;
}

/* ---- describing ---- */

static int describe(const char *path, bool markdown)
{
    char why[512] = "no memory", *text = NULL;
    size_t n = 0;
    const struct gyre_plugin *declared = plugin_descriptor(path, why, sizeof why);
    FILE *f = declared ? open_memstream(&text, &n) : NULL;
    struct plugin_info *info = NULL;
    if (f) {
        (void)metadata_write(declared, f);
        fclose(f);
        info = metadata_read((gyre_view){(uint8_t *)text, n}, why, sizeof why);
    }
    free(text);
    if (!info) return fprintf(stderr, "gyre-test: %s: %s\n", path, why), 1;
    (markdown ? describe_markdown : describe_ini)(stdout, info);
    metadata_free(info);
    return 0;
}

/* ---- the command line ---- */

static int wrong_use(const char *what, const char *which)
{
    fprintf(stderr, "gyre-test: %s%s\n%s", what, which, usage);
    return 2;
}

static bool find_plugin(struct options *o, const char *text)
{
    o->plugin = text;
    if (realpath(text, o->path)) return true;
    fprintf(stderr, "gyre-test: %s: %s\n", text, strerror(errno));
    return false;
}

static int run_all(const struct options *o, char **scripts)
{
    size_t passed = 0, failed = 0;
    struct progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return wrong_use("no memory", "");
    for (; *scripts; scripts++)
        if (o->list ? list_script(*scripts) : run_in_child(o, *scripts, p)) passed++;
        else failed++;
    if (!o->list) printf("%zu passed, %zu failed\n", passed, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct options o = {.self = argv[0]};
    struct talk_cut cut;
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        bool last = i + 1 >= argc;
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) return fputs(usage, stdout), 0;
        if (!strcmp(argv[i], "--describe") || !strcmp(argv[i], "--describe-markdown")) {
            if (last) return wrong_use("which plugin?", "");
            if (!find_plugin(&o, argv[i + 1])) return 2;
            return describe(o.path, argv[i][10] != 0);
        }
        if (!strcmp(argv[i], "-v")) o.verbose = true;
        else if (!strcmp(argv[i], "--list")) o.list = true;
        else if (!strcmp(argv[i], "--fail")) o.must_fail = true;
        else if (strcmp(argv[i], "--chunks") != 0) return wrong_use("unknown option ", argv[i]);
        else if (last) return wrong_use("which cutting?", "");
        else if (strcmp(argv[++i], "all") != 0) {
            if (!talk_cut_read(argv[i], &cut)) return wrong_use("no such cutting: ", argv[i]);
            o.only = argv[i];
        }
    }
    if (i >= argc) return wrong_use("which plugin?", "");
    if (!find_plugin(&o, argv[i])) return 2;
    if (!argv[i + 1]) return wrong_use("which scripts?", "");
    return run_all(&o, argv + i + 1);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * main.c - runs many seeds, tells what went wrong in which, and what happened how often.
 *
 *   simulate [--first] [--plain | --calm] [--build FOLDER] [--seeds FIRST-LAST | --seeds N]
 *   simulate [--elsewhere] --trace SEED      the same run again, with everything that happened
 *
 * --first: ends with the first finding. --calm: without faults of the kernel, as over a real one.
 * --plain: also without orders and difficult clients; tells what clients got, as one number for
 * each seed, to be compared with what they got over a real kernel.
 *
 * Seeds run in child processes, so that a crash is one finding and not the end. Each 16th seed runs
 * twice: the same seed must make the same trace, also with all that the core allocates elsewhere.
 * Prints "N passed, N failed"; exits 1 when a seed failed, or no seed met some kind of fault.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "scenario.h"

enum { TWICE = 16, SEEDS_FOR_ALL_KINDS = 1000, STUCK_S = 60,
       LOG_LINES = 40 };

static struct shared {
    volatile uint64_t seed, passed, events, answers, faults[FAULT_KINDS], hits[STAT_MAX];
    volatile bool elsewhere; /* its second run */
    struct outcome now;
} *shared;

static const char *self, *build = "build";
static const char *const weathers[] = {"", " --calm", " --plain"};
static unsigned failures_most = 10;
static enum weather weather = WEATHER_ALL; /* plain: tells the digest of each seed, too */

static void run_seeds(uint64_t first, uint64_t last)
{
    for (uint64_t seed = first; seed <= last; seed++) {
        struct outcome once;
        shared->seed = seed;
        if (ftruncate(STDERR_FILENO, 0) || lseek(STDERR_FILENO, 0, SEEK_SET)) _exit(4);
        alarm(STUCK_S);
        play(seed, weather, false, NULL, &shared->now);
        if (seed % TWICE == 0) {
            once = shared->now;
            shared->elsewhere = true;
            play(seed, weather, true, NULL, &shared->now);
            if (once.hash != shared->now.hash) {
                snprintf(shared->now.damage, DAMAGE_TEXT, "run again, it went another way");
                _exit(3);
            }
            shared->elsewhere = false;
        }
        if (weather == WEATHER_PLAIN)
            printf("seed %llu: %016llx\n", (unsigned long long)seed,
                   (unsigned long long)shared->now.digest);
        shared->passed++;
        shared->events += shared->now.events;
        shared->answers += shared->now.answers;
        for (size_t f = 0; f < FAULT_KINDS; f++) shared->faults[f] += shared->now.faults[f];
        for (size_t h = 0; h < STAT_MAX; h++) shared->hits[h] += shared->now.hits[h];
    }
}

/* What the core, or a sanitizer, wrote to the log of that seed. */
static void show_log(FILE *log)
{
    char line[512];
    rewind(log);
    for (int n = 0; n < LOG_LINES && fgets(line, sizeof line, log); n++)
        printf("    log: %s", line);
}

/* Runs from *first on; false: one failed, *first is behind it, and was told. */
static bool batch(uint64_t *first, uint64_t last)
{
    FILE *log = tmpfile();
    fflush(NULL); /* else the child writes it once more */
    pid_t child = log ? fork() : -1;
    int status = 0;
    if (child < 0) exit(2);
    if (!child) {
        dup2(fileno(log), STDERR_FILENO);
        run_seeds(*first, last);
        fflush(NULL);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0) {}
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good) {
        const char *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it ended early";
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) how = "it never ends";
        printf("FAIL seed %llu: %s\n", (unsigned long long)shared->seed,
               shared->now.damage[0] ? shared->now.damage : how);
        show_log(log);
        printf("    again: %s%s%s --build %s --trace %llu\n", self, weathers[weather],
               shared->elsewhere ? " --elsewhere" : "", build, (unsigned long long)shared->seed);
        shared->elsewhere = false;
        *first = shared->seed + 1;
        memset(&shared->now, 0, sizeof shared->now);
    }
    fclose(log);
    return good;
}

static bool show(bool every_kind)
{
    bool all = true;
    printf("%llu events, %llu answers\n", (unsigned long long)shared->events,
           (unsigned long long)shared->answers);
    for (enum sim_fault f = 0; f < FAULT_KINDS; f++) {
        printf("    %-24s %10llu\n", sim_fault_name(f), (unsigned long long)shared->faults[f]);
        if (shared->faults[f] || !every_kind) continue;
        printf("FAIL faults: %s never happened\n", sim_fault_name(f));
        all = false;
    }
    printf("limits hit\n");
    for (size_t h = STAT_HIT_STREAMS; h < STAT_MAX; h++)
        if (shared->hits[h])
            printf("    %-24s %10llu\n", stat_names[h], (unsigned long long)shared->hits[h]);
    return all;
}

static int run_all(uint64_t first, uint64_t last)
{
    struct rusage used;
    uint64_t n = last - first + 1;
    unsigned failed = 0;
    while (first <= last && failed < failures_most)
        if (batch(&first, last)) break;
        else failed++;
    getrusage(RUSAGE_CHILDREN, &used);
    bool all = weather != WEATHER_ALL || show(n >= SEEDS_FOR_ALL_KINDS && !failed);
    double s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%.1f s of one core, %.0f events a second\n", s, (double)shared->events / s);
    printf("%llu passed, %u failed\n", (unsigned long long)shared->passed, failed + !all);
    return failed || !all;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, last = 200, trace = 0;
    bool elsewhere = false;
    self = argv[0];
    for (; argc > 1; argv++, argc--)
        if (!strcmp(argv[1], "--first")) failures_most = 1;
        else if (!strcmp(argv[1], "--plain")) weather = WEATHER_PLAIN;
        else if (!strcmp(argv[1], "--calm")) weather = WEATHER_CALM;
        else if (!strcmp(argv[1], "--elsewhere")) elsewhere = true;
        else break;
    for (int i = 1; i + 1 < argc; i += 2) {
        gyre_view v = gyre_str(argv[i + 1]), head;
        bool good = true;
        if (!strcmp(argv[i], "--build")) build = argv[i + 1];
        else if (!strcmp(argv[i], "--trace")) good = gyre_dec(v, UINT64_MAX, &trace);
        else if (strcmp(argv[i], "--seeds") != 0) good = false;
        else if (gyre_until(&v, '-', &head))
            good = gyre_dec(head, UINT64_MAX, &first) && gyre_dec(v, UINT64_MAX, &last);
        else good = gyre_dec(v, UINT64_MAX, &last);
        if (good) continue;
        fprintf(stderr,
                "usage: %s [--first] [--plain | --calm] [--build FOLDER] [--seeds N | FIRST-LAST]\n"
                "       %s [--elsewhere] [--build FOLDER] --trace SEED\n", self, self);
        return 2;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    log_open("sim", GYRE_INFO);
    cluster_load(build);
    if (!trace) {
        int status = run_all(first, last);
        fflush(NULL);
        _exit(status);
    }
    play(trace, weather, elsewhere, stdout, &shared->now);
    printf("seed %llu: %llu events, all is well\n", (unsigned long long)trace,
           (unsigned long long)shared->now.events);
    fflush(NULL);
    _exit(0); /* plugins cannot run their own end: their statics are read-only */
}

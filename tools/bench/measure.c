/* SPDX-License-Identifier: GPL-3.0-or-later
 * measure.c - what a server costs: CPU and memory of a process and all that descend from it.
 *
 *     measure cpu PID SECONDS COMMAND …   runs the load COMMAND; prints after what it printed:
 *                                         cpu_ns N tick_ns N foreign F
 *     measure memory PID                  prints: private_kib N service_kib N
 *
 * cpu_ns is the sum of /proc/PID/task/TID/schedstat, exact but for threads that ended meanwhile.
 * tick_ns is utime+stime of /proc/PID/stat, with threads that ended, in steps of 10 ms. foreign is
 * what all CPUs did for anybody else, as a share of one CPU: 0.05 is little, 0.5 spoils the run.
 * Before the load starts it waits, up to SECONDS, until the machine does next to nothing.
 * private is Private_Clean + Private_Dirty of smaps_rollup; service: of the largest child.
 */
#include <dirent.h>
#include <sys/wait.h>

#include "bench.h"

enum { PROCESSES_MOST = 32768, TREE_MOST = 256, QUIET_STEP_NS = 100000000 };

struct process {
    pid_t pid, parent;
    int64_t ticks;
};
struct tree {
    size_t n;
    struct process at[TREE_MOST]; /* the first is the root */
};
struct cost {
    int64_t cpu_ns, tick_ns, busy_ns; /* busy: of the whole machine */
};

/* The file's beginning as text; false: it is not there (any more) or may not be read. */
static bool read_text(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(out, 1, cap - 1, file);
    out[n] = '\0';
    fclose(file);
    return n > 0;
}

static bool read_process(pid_t pid, struct process *out)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!read_text(path, text, sizeof text))
        return false;
    const char *after = strrchr(text, ')'); /* the name may hold anything but ends here */
    int parent = 0;
    long long user = 0, kernel = 0;
    if (after == NULL ||
        sscanf(after + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &parent, &user,
               &kernel) != 3)
        return false;
    *out = (struct process){ .pid = pid, .parent = parent, .ticks = user + kernel };
    return true;
}

/* Calls `each` with every number that names an entry of the folder. */
static void each_number(const char *folder, void (*each)(pid_t, void *), void *with)
{
    DIR *list = opendir(folder);
    if (list == NULL)
        return;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char *end = NULL;
        long id = strtol(entry->d_name, &end, 10);
        if (id > 0 && *end == '\0')
            each((pid_t)id, with);
    }
    closedir(list);
}

struct all {
    size_t n;
    struct process at[PROCESSES_MOST];
};

static void add_process(pid_t pid, void *with)
{
    struct all *all = with;
    if (all->n < PROCESSES_MOST && read_process(pid, &all->at[all->n]))
        all->n++;
}

static void find_tree(pid_t root, struct tree *tree)
{
    static struct all all;
    all.n = 0;
    each_number("/proc", add_process, &all);
    tree->n = 0;
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].pid == root)
            tree->at[tree->n++] = all.at[i];
    if (tree->n == 0)
        fail("process %d is gone", root);
    for (size_t parent = 0; parent < tree->n; parent++)
        for (size_t i = 0; i < all.n && tree->n < TREE_MOST; i++)
            if (all.at[i].parent == tree->at[parent].pid)
                tree->at[tree->n++] = all.at[i];
}

struct sum {
    pid_t pid;
    int64_t ns;
};

static void add_thread(pid_t thread, void *with)
{
    struct sum *sum = with;
    char path[96], text[128];
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", sum->pid, thread);
    if (read_text(path, text, sizeof text))
        sum->ns += strtoll(text, NULL, 10);
}

/* Of all CPUs since boot, all but idle and waiting for disks. */
static int64_t machine_busy_ns(void)
{
    char text[512];
    long long v[8] = { 0 };
    if (!read_text("/proc/stat", text, sizeof text) ||
        sscanf(text, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &v[6], &v[7]) < 5)
        fail("/proc/stat cannot be read");
    return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) * (1000000000 / sysconf(_SC_CLK_TCK));
}

static struct cost cost_now(pid_t root)
{
    static struct tree tree;
    struct cost cost = { 0 };
    find_tree(root, &tree);
    for (size_t i = 0; i < tree.n; i++) {
        char folder[64];
        struct sum sum = { .pid = tree.at[i].pid };
        snprintf(folder, sizeof folder, "/proc/%d/task", sum.pid);
        each_number(folder, add_thread, &sum);
        cost.cpu_ns += sum.ns;
        cost.tick_ns += tree.at[i].ticks * (1000000000 / sysconf(_SC_CLK_TCK));
    }
    cost.busy_ns = machine_busy_ns();
    return cost;
}

static void wait_for_quiet(double within)
{
    int64_t until = now_ns() + (int64_t)(within * 1e9);
    int64_t busy = machine_busy_ns(), at = now_ns();
    do {
        nanosleep(&(struct timespec){ .tv_nsec = QUIET_STEP_NS }, NULL);
        int64_t next_busy = machine_busy_ns(), next_at = now_ns();
        if ((next_busy - busy) * 10 < next_at - at) /* less than a tenth of one CPU */
            return;
        busy = next_busy;
        at = next_at;
    } while (now_ns() < until);
}

static int measure_cpu(pid_t root, double quiet, char **command)
{
    wait_for_quiet(quiet);
    struct cost before = cost_now(root);
    int64_t began = now_ns();
    pid_t load = fork();
    if (load == 0) {
        execvp(command[0], command);
        fail("%s: %s", command[0], strerror(errno));
    }
    int status = 0;
    struct rusage used;
    if (load < 0 || wait4(load, &status, 0, &used) != load)
        fail("fork: %s", strerror(errno));
    int64_t took = now_ns() - began;
    struct cost after = cost_now(root);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("%s failed", command[0]);
    int64_t load_ns = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000000) +
                      (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * INT64_C(1000);
    int64_t cpu_ns = after.cpu_ns - before.cpu_ns;
    int64_t foreign_ns = after.busy_ns - before.busy_ns - cpu_ns - load_ns;
    printf("cpu_ns %lld tick_ns %lld foreign %.3f\n", (long long)cpu_ns,
           (long long)(after.tick_ns - before.tick_ns),
           foreign_ns < 0 ? 0.0 : (double)foreign_ns / (double)took);
    return 0;
}

static long private_kib(pid_t pid)
{
    char path[64], text[4096];
    long sum = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    if (!read_text(path, text, sizeof text))
        fail("%s cannot be read", path);
    const char *at = text;
    while ((at = strstr(at + 1, "\nPrivate_")) != NULL) {
        long kib = 0;
        if (sscanf(at, "\nPrivate_Clean: %ld", &kib) == 1 ||
            sscanf(at, "\nPrivate_Dirty: %ld", &kib) == 1)
            sum += kib;
    }
    return sum;
}

static int measure_memory(pid_t root)
{
    static struct tree tree;
    long sum = 0, largest = 0;
    find_tree(root, &tree);
    for (size_t i = 0; i < tree.n; i++) {
        long kib = private_kib(tree.at[i].pid);
        sum += kib;
        if (i > 0 && kib > largest)
            largest = kib;
    }
    printf("private_kib %ld service_kib %ld\n", sum, largest);
    return 0;
}

int main(int argc, char **argv)
{
    bench_name = "measure";
    if (argc == 3 && strcmp(argv[1], "memory") == 0)
        return measure_memory((pid_t)number(argv[2], 1, 1 << 30, "PID"));
    if (argc > 4 && strcmp(argv[1], "cpu") == 0)
        return measure_cpu((pid_t)number(argv[2], 1, 1 << 30, "PID"), seconds(argv[3]), argv + 4);
    fail("usage: measure cpu PID SECONDS COMMAND … | measure memory PID");
}

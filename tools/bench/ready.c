/* SPDX-License-Identifier: GPL-3.0-or-later
 * ready.c - how long a server takes from exec to the line that says it serves.
 *
 *     ready LINE COMMAND …         prints: ready_ms T says_ms S private_kib N service_kib N
 *
 * Starts COMMAND, reads its stdout until a line begins with LINE, and takes the time. S is the
 * first number after LINE in that line, which is what the server says of itself; -1: none. The
 * memory is that of the fresh process tree, as `measure memory` has it. Then it ends COMMAND by
 * SIGTERM and waits. Limits: 10 s to the line, and 10 s to the end.
 */
#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "bench.h"

enum { WITHIN_MS = 10000, OUTPUT_MOST = 65536 };

static pid_t start(char **command, int *out)
{
    int ends[2];
    if (pipe(ends) != 0)
        fail("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        fail("fork: %s", strerror(errno));
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        fail("%s: %s", command[0], strerror(errno));
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

/* The line of text that begins with `wanted`, or NULL. */
static const char *find_line(const char *text, const char *wanted)
{
    size_t n = strlen(wanted);
    while (text != NULL) {
        const char *end = strchr(text, '\n');
        if (end != NULL && strncmp(text, wanted, n) == 0)
            return text;
        text = end == NULL ? NULL : end + 1;
    }
    return NULL;
}

static void stop(pid_t pid)
{
    int status = 0;
    kill(pid, SIGTERM);
    for (int64_t until = now_ns() + WITHIN_MS * INT64_C(1000000); now_ns() < until;) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail("process %d did not end on SIGTERM", pid);
}

static int print_memory(const char *self, pid_t pid)
{
    char path[4096], text[16];
    const char *slash = strrchr(self, '/');
    int folder = slash == NULL ? 0 : (int)(slash - self) + 1;
    snprintf(path, sizeof path, "%.*smeasure", folder, self);
    snprintf(text, sizeof text, "%d", pid);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "memory", text, (char *)NULL);
        fail("%s: %s", path, strerror(errno));
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("fork: %s", strerror(errno));
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static char text[OUTPUT_MOST];
    size_t have = 0;
    int out = -1;
    bench_name = "ready";
    if (argc < 3)
        fail("usage: ready LINE COMMAND …");
    int64_t began = now_ns();
    pid_t pid = start(argv + 2, &out);
    const char *line = NULL;
    while (line == NULL) {
        struct pollfd wanted = { .fd = out, .events = POLLIN };
        int left = WITHIN_MS - (int)((now_ns() - began) / 1000000);
        ssize_t n = -1;
        if (left > 0 && have + 1 < sizeof text && poll(&wanted, 1, left) == 1)
            n = read(out, text + have, sizeof text - 1 - have);
        if (n <= 0) {
            stop(pid);
            fail("no line '%s' from %s", argv[1], argv[2]);
        }
        have += (size_t)n;
        line = find_line(text, argv[1]);
    }
    int64_t took = now_ns() - began;
    const char *figure = line + strlen(argv[1]);
    while (*figure != '\n' && !isdigit((unsigned char)*figure))
        figure++;
    printf("ready_ms %.3f says_ms %.3f ", (double)took / 1e6,
           *figure == '\n' ? -1.0 : strtod(figure, NULL));
    int code = print_memory(argv[0], pid);
    stop(pid);
    return code;
}

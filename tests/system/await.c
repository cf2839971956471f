/* SPDX-License-Identifier: GPL-3.0-or-later
 * await.c - waits for an event, so that tests need not sleep.
 *
 *   await SECONDS text FILE TEXT [TIMES]   until FILE has TEXT on so many lines (1); it may not
 *                                          exist yet. Prints the last of these lines
 *   await SECONDS end PID                  until that process is no more
 *
 * Exits 0 when it came, 1 when the time was over, 2 when it was asked wrongly.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* true: something happened at fd before the deadline. */
static bool wait_for(int fd, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        int64_t left = deadline_ms - now_ms();
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n > 0) return true;
        if (n == 0 || errno != EINTR) return false;
    }
}

/* Looks at the whole file again: a line may have been half written the last time. */
static bool has_text(const char *path, const char *text, long times)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t space = 0;
    bool found = false;
    if (!f) return false;
    while (!found && getline(&line, &space, f) > 0)
        if (strchr(line, '\n') && strstr(line, text) && --times <= 0) found = true;
    if (found) fputs(line, stdout);
    free(line);
    fclose(f);
    return found;
}

static int await_text(const char *path, const char *text, long times, int64_t deadline_ms)
{
    char folder[4096], events[4096];
    const char *slash = strrchr(path, '/');
    int n = snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1,
                     slash ? path : ".");
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (n < 0 || (size_t)n >= sizeof folder || fd < 0) return 2;
    if (inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) return 2;
    while (!has_text(path, text, times)) {
        if (!wait_for(fd, deadline_ms)) return 1;
        while (read(fd, events, sizeof events) > 0) continue;
    }
    return 0;
}

static int await_end(const char *pid, int64_t deadline_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, strtol(pid, NULL, 10), 0);
    if (fd < 0) return errno == ESRCH ? 0 : 2;
    return wait_for(fd, deadline_ms) ? 0 : 1;
}

int main(int argc, char **argv)
{
    int64_t deadline_ms = now_ms() + (argc > 1 ? strtol(argv[1], NULL, 10) * 1000 : 0);
    if (argc == 4 && !strcmp(argv[2], "end")) return await_end(argv[3], deadline_ms);
    if ((argc == 5 || argc == 6) && !strcmp(argv[2], "text"))
        return await_text(argv[3], argv[4], argc == 6 ? strtol(argv[5], NULL, 10) : 1,
                          deadline_ms);
    fputs("usage: await SECONDS text FILE TEXT [TIMES] | await SECONDS end PID\n", stderr);
    return 2;
}

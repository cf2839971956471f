/* SPDX-License-Identifier: GPL-3.0-or-later
 * describer.c - asks a throwaway child (metadata_child.c) what a plugin says of itself.
 *
 * The child prints metadata and leaves with 0, or one sentence and leaves with 1. Whatever else it
 * does is one clear sentence too. Limits: LIMIT_DESCRIBE_MS, LIMIT_METADATA bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

bool describer_start(struct describer *d, const char *copy, char *why, size_t why_n)
{
    const char *argv[] = {"gyre", "--describe", copy, NULL};
    const int as = STDOUT_FILENO;
    int ends[2];
    *d = (struct describer){.pipe = -1};
    if (pipe2(ends, O_CLOEXEC) == 0) {
        d->pid = spawn_self(argv, &ends[1], &as, 1);
        (void)close(ends[1]);
        if (d->pid) {
            (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
            d->pipe = ends[0];
            d->deadline_ms = clock_ms() + LIMIT_DESCRIBE_MS;
            return true;
        }
        (void)close(ends[0]);
    }
    (void)snprintf(why, why_n, "cannot be looked at: %s", strerror(errno));
    return false;
}

static void describer_end(struct describer *d)
{
    (void)close(d->pipe);
    free(d->said);
    *d = (struct describer){.pipe = -1};
}

static void take_said(struct describer *d)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(d->pipe, piece, sizeof piece)) > 0) {
        size_t more = (size_t)n;
        if (d->said_n + more > LIMIT_METADATA) more = LIMIT_METADATA + 1 - d->said_n;
        d->said = need_memory(realloc(d->said, d->said_n + more + 1));
        memcpy(d->said + d->said_n, piece, more);
        d->said_n += more;
        d->said[d->said_n] = '\0';
        if (d->said_n > LIMIT_METADATA) return;
    }
    if (n == 0) d->ended = true; /* it may live on, but says no more */
}

/* What it means how the child ended. */
static int judge(const struct describer *d, int status, struct plugin_info **info, char *why,
                 size_t why_n)
{
    const gyre_view said = {(const uint8_t *)d->said, d->said_n};
    if (WIFSIGNALED(status)) {
        (void)snprintf(why, why_n, "crashes when it is loaded (%s)", strsignal(WTERMSIG(status)));
        return -1;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && said.n) {
        *info = metadata_read(said, why, why_n);
        return *info ? 1 : -1;
    }
    int line = said.n ? (int)strcspn(d->said, "\n") : 0;
    if (line) (void)snprintf(why, why_n, "%.*s", line, d->said);
    else (void)snprintf(why, why_n, "crashes, or ends the program, when it is loaded");
    return -1;
}

int describer_turn(struct describer *d, struct plugin_info **info, char *why, size_t why_n)
{
    int status = 0, answer = -1;
    bool over = waitpid(d->pid, &status, WNOHANG) == d->pid; /* before its last words are read */
    take_said(d);
    bool much = d->said_n > LIMIT_METADATA, late = clock_ms() >= d->deadline_ms;
    if (!over && !much && !late) return 0;
    if (!over) {
        (void)kill(d->pid, SIGKILL);
        (void)waitpid(d->pid, &status, 0);
    }
    if (much) (void)snprintf(why, why_n, "says too much about itself");
    else if (!over) (void)snprintf(why, why_n, "does not finish loading: does a constructor wait?");
    else answer = judge(d, status, info, why, why_n);
    describer_end(d);
    return answer;
}

void describer_stop(struct describer *d)
{
    if (!d->pid) return;
    (void)kill(d->pid, SIGKILL);
    (void)waitpid(d->pid, NULL, 0);
    describer_end(d);
}

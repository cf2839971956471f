/* SPDX-License-Identifier: GPL-3.0-or-later
 * upgrade.c - another program in the place of this one, while its services go on.
 *
 * `gyrectl upgrade`: the new program is asked, in a child, whether it can take over: it reads a
 * draft of the table (handover.h) and checks the configuration, as --check does. Then, between two
 * changes, this process executes it: the same pid, the same listening sockets, the same children.
 * The new one reads the table and makes a change like any other, which replaces each process by one
 * of its own. When that fails it executes the program before it, which goes on as if nothing had
 * been. Promise: nothing is closed on the way; when the exec itself fails, nothing has happened.
 * Limits: LIMIT_UPGRADE_MS for the child, and again for a change under way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handover.h"
#include "safe.h"

static const char table_variable[] = "GYRE_TAKEOVER", why_variable[] = "GYRE_TAKEOVER_FAILED";
enum { TABLE_FD = 3, SAID_MOST = 4096 };

/* ---- the answer ---- */

static void answer(struct supervisor *s, const char *why_or_null)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = need_memory(open_memstream(&text, &n));
    if (why_or_null) {
        error_json(f, why_or_null);
    } else {
        (void)fputs("{\"ok\": true, \"from\": ", f);
        json_text(f, s->upgrade.from);
        (void)fputs(", \"to\": ", f);
        json_text(f, GYRE_VERSION);
        (void)fputs("}\n", f);
    }
    (void)fclose(f);
    control_tell(s, CLIENT_WAITS_UPGRADE, text);
    free(text);
}

static void close_one(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

void upgrade_end(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->pid) {
        (void)kill(u->pid, SIGKILL);
        (void)waitpid(u->pid, NULL, 0);
        u->pid = 0;
    }
    close_one(&u->fd);
    close_one(&u->said);
    free(u->program);
    u->program = NULL;
    u->stage = UPGRADE_NONE;
    u->deadline_ms = INT64_MAX;
}

static void give_up(struct supervisor *s, const char *why)
{
    log_error("no upgrade: %s", why);
    answer(s, why);
    upgrade_end(s);
}

/* ---- the other program ---- */

/* Executes it; it finds the table by the environment. Comes back only when that fails: errno. */
static void execute(const struct supervisor *s, int program, int table, const char *why_or_null)
{
    char path[64], number[16];
    const char *argv[] = {"gyre", s->conf, NULL};
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", program);
    (void)snprintf(number, sizeof number, "%d", table);
    if (fcntl(table, F_SETFD, 0) == 0 && setenv(table_variable, number, 1) == 0 &&
        (!why_or_null || setenv(why_variable, why_or_null, 1) == 0)) {
        (void)fflush(NULL);
        (void)execve(path, (char *const *)(uintptr_t)argv, environ);
    }
    int err = errno;
    (void)unsetenv(table_variable);
    (void)unsetenv(why_variable);
    errno = err;
}

/* Hands over to it. Comes back only when that fails: errno, and nothing has happened. */
static void hand_over(struct supervisor *s, int program, const char *why_or_null)
{
    struct table table;
    control_handed_over(s);
    table_open(&table);
    handover_write(s, &table, own_program());
    int fd = table_seal(&table);
    if (fd >= 0) {
        table_fds(&table, true);
        execute(s, program, fd, why_or_null);
    }
    int err = errno;
    table_fds(&table, false);
    if (fd >= 0) (void)close(fd);
    table_free(&table);
    errno = err;
}

/* The last line of one that can take over. A program that does not say it is no gyre. */
static const char sound[] = "gyre takes over";

static bool start_check(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    char path[64];
    const char *argv[] = {"gyre", "--takeover-check", s->conf, NULL};
    const int as[] = {STDOUT_FILENO, STDERR_FILENO, TABLE_FD};
    struct table table;
    table_open(&table);
    handover_write(s, &table, -1);
    int fd = table_seal(&table);
    table_free(&table);
    u->said = memfd_create("gyre-said", MFD_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), u->fd);
    const int fds[] = {u->said, u->said, fd};
    if (fd >= 0 && u->said >= 0) u->pid = spawn_other(path, argv, fds, as, 3);
    int err = errno;
    if (fd >= 0) (void)close(fd);
    errno = err;
    return u->pid > 0;
}

const char *upgrade_ask(struct supervisor *s, const char *path)
{
    static char why[600];
    struct upgrade *u = &s->upgrade;
    char own[512];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    own[n < 0 ? 0 : n] = '\0';
    char *gone = strstr(own, " (deleted)"); /* a new file has taken its name */
    if (gone) *gone = '\0';
    if (!path) path = own;
    if (s->single) return "--single is one process with its services: stop and start it";
    if (u->stage != UPGRADE_NONE) return "an upgrade is under way";
    if (s->stopping || !s->plan) return s->stopping ? "it is stopping" : "it is starting";
    if (!path_is_safe(path, why, sizeof why)) return why;
    u->fd = open(path, O_RDONLY | O_CLOEXEC);
    u->program = text_of("%s", path);
    if (u->fd < 0 || !start_check(s)) {
        (void)snprintf(why, sizeof why, "%s cannot be executed: %s", path, strerror(errno));
        upgrade_end(s);
        return why;
    }
    u->stage = UPGRADE_CHECKS;
    u->deadline_ms = clock_ms() + LIMIT_UPGRADE_MS;
    return NULL;
}

/* The end of what the child said, without its last newline. */
static void read_said(int fd, char *out, size_t n)
{
    off_t all = lseek(fd, 0, SEEK_END), from = all < (off_t)n ? 0 : all - (off_t)n + 1;
    ssize_t got = pread(fd, out, n - 1, from);
    out[got < 0 ? 0 : got] = '\0';
    size_t end = strlen(out);
    if (end && out[end - 1] == '\n') out[end - 1] = '\0';
}

static bool is_sound(const char *said)
{
    size_t n = strlen(said), sound_n = sizeof sound - 1;
    return n >= sound_n && strcmp(said + n - sound_n, sound) == 0;
}

static void look_at_check(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    int status = 0;
    char said[SAID_MOST], why[SAID_MOST + 600];
    if (waitpid(u->pid, &status, WNOHANG) != u->pid) {
        if (clock_ms() < u->deadline_ms) return;
        (void)snprintf(why, sizeof why, "%s did not check the configuration in time", u->program);
        give_up(s, why);
        return;
    }
    u->pid = 0;
    read_said(u->said, said, sizeof said);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && is_sound(said)) {
        u->stage = UPGRADE_WAITS;
        u->deadline_ms = clock_ms() + LIMIT_UPGRADE_MS;
        return;
    }
    if (WIFSIGNALED(status))
        (void)snprintf(why, sizeof why, "%s crashed: %s", u->program, strsignal(WTERMSIG(status)));
    else
        (void)snprintf(why, sizeof why, "%s cannot take over: %s", u->program,
                       said[0] ? said : "it is no gyre that can");
    give_up(s, why);
}

/* Between two changes: nothing is half done. */
static bool is_idle(const struct supervisor *s)
{
    if (s->reload.stage != STAGE_IDLE || folder_busy(&s->folder) || s->proposals.first)
        return false;
    for (const struct process *p = s->processes; p; p = p->next)
        if (p->state == STARTING) return false;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (s->control.clients[i].fd >= 0 && s->control.clients[i].asked.line_n &&
            s->control.clients[i].state == CLIENT_ASKS)
            return false; /* in the middle of its request; it has LIMIT_CONTROL_MS for it */
    return true;
}

static void go(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    char why[600];
    log_info("gyre %s hands over to %s", GYRE_VERSION, u->program);
    hand_over(s, u->fd, NULL);
    (void)snprintf(why, sizeof why, "%s cannot be executed: %s", u->program, strerror(errno));
    give_up(s, why);
}

void upgrade_turn(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->stage == UPGRADE_CHECKS) look_at_check(s);
    if (u->stage != UPGRADE_WAITS) return;
    if (s->stopping) give_up(s, "it is stopping");
    else if (is_idle(s)) go(s);
    else if (clock_ms() >= u->deadline_ms) give_up(s, "a change is under way, and does not end");
}

int64_t upgrade_deadline(const struct supervisor *s)
{
    return s->upgrade.deadline_ms;
}

/* ---- in the new program ---- */

/* Each service has a process of this program, or none that serves. */
static bool all_replaced(const struct supervisor *s)
{
    for (const struct process *p = s->processes; p; p = p->next)
        if (p->inherited && p->state != DRAINING) return false;
    return true;
}

void upgrade_reloaded(struct supervisor *s, bool done)
{
    struct upgrade *u = &s->upgrade;
    char why[] = "the services of the new program do not start; the log says why";
    if (u->stage != UPGRADE_CHANGES) return;
    if (done && all_replaced(s)) {
        log_info("gyre %s has taken over from gyre %s", GYRE_VERSION, u->from);
        answer(s, NULL);
    } else {
        log_error("gyre %s goes back to gyre %s", GYRE_VERSION, u->from);
        hand_over(s, u->before, why);
        log_error("which cannot be executed: %s", strerror(errno));
        answer(s, why);
    }
    close_one(&u->before);
    upgrade_end(s);
}

/* The descriptor of the table; -1: this is a start like any other. */
static int table_left(char **why_it_came_back)
{
    uint64_t fd = 0;
    const char *number = getenv(table_variable), *why = getenv(why_variable);
    bool some = number && gyre_dec(gyre_str(number), INT32_MAX, &fd);
    *why_it_came_back = some && why ? text_of("%s", why) : NULL;
    (void)unsetenv(table_variable);
    (void)unsetenv(why_variable);
    return some ? (int)fd : -1;
}

static void begin_change(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->came_back) { /* everything serves as before: nothing is to be changed */
        log_error("no upgrade: %s", u->came_back);
        answer(s, u->came_back);
        close_one(&u->before);
        return;
    }
    u->stage = UPGRADE_CHANGES;
    log_info("gyre %s takes over from gyre %s", GYRE_VERSION, u->from ? u->from : "?");
}

enum takeover upgrade_takeover(struct supervisor *s, char *why, size_t why_n)
{
    struct table_in table;
    int fd = table_left(&s->upgrade.came_back);
    if (fd < 0) return TAKEOVER_NONE;
    bool right = table_read(&table, fd, false, why, why_n);
    if (right && !takeover_read(s, &table, why, why_n)) {
        table_in_free(&table);
        right = false;
    }
    if (!right) { /* the program before is still there to go on */
        int before = s->upgrade.came_back ? -1 : takeover_program(fd);
        if (before >= 0) execute(s, before, fd, why);
        return TAKEOVER_FAILED;
    }
    table_take_fds(&table);
    table_in_free(&table);
    (void)close(fd);
    log_level(s->level);
    begin_change(s);
    return TAKEOVER_DONE;
}

bool upgrade_draft(struct supervisor *s, char *why, size_t why_n)
{
    struct supervisor *draft = need_memory(calloc(1, sizeof *draft)); /* the process ends soon */
    struct table_in table;
    bool right = table_read(&table, TABLE_FD, true, why, why_n) &&
                 takeover_read(draft, &table, why, why_n);
    if (right) s->plugins = draft->places.plugins;
    return right;
}

void upgrade_say_sound(void)
{
    (void)puts(sound);
}

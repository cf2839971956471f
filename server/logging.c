/* SPDX-License-Identifier: GPL-3.0-or-later
 * logging.c - opens the log, rotates it, and hands it to the processes.
 *
 * A file is appended to, by one write a line, and so are its lines whole, whoever writes. It is
 * rotated by renaming it: lines of a process that does not know the new one yet end in the old one.
 * Promise: a log that cannot be opened refuses the change that wants it; one that cannot be opened
 * again, or rotated, is told once, and the lines go where they went. Limits: the size is looked at
 * each LIMIT_LOG_LOOK_MS, so a file grows past log_max by what is logged meanwhile.
 */
#include "logging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor.h"

static const char journal_path[] = "/run/systemd/journal/socket", syslog_path[] = "/dev/log";

/* Does the journal read that descriptor? Then it has said so, and levels are read. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (!stream || fstat(fd, &st) != 0) return false;
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(own, stream) == 0;
}

void logging_open(struct logging *l)
{
    *l = (struct logging){.next_fd = -1, .look_ms = INT64_MAX};
    l->terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    l->now.style = is_journal(STDERR_FILENO) ? LOG_LEVELS : LOG_PLAIN;
    log_style(l->now.style);
}

void logging_restore(struct logging *l, int terminal, uint64_t kind, uint64_t style, char *path)
{
    (void)close(l->terminal);
    free(l->now.path);
    l->terminal = terminal;
    l->now = (struct log_place){(enum log_kind)kind, (enum log_style)style, path};
    l->look_ms = kind == LOG_TO_STDERR ? INT64_MAX : 0;
    log_style(l->now.style);
}

/* ---- what [server] says ---- */

/* "stderr", "journal", "syslog", a path; "syslog:PATH" is a socket elsewhere. false: why. */
static bool place_of(const struct entry *e, int terminal, struct log_place *out, char *why,
                     size_t why_n)
{
    const char *text = e ? e->value : "stderr", *path = strchr(text, ':');
    size_t word = path ? (size_t)(path++ - text) : strlen(text);
    bool journal = strncmp(text, "journal", word) == 0 && word == 7;
    bool syslog = strncmp(text, "syslog", word) == 0 && word == 6;
    *out = (struct log_place){LOG_TO_STDERR, LOG_PLAIN, NULL};
    if (!strcmp(text, "stderr") || (journal && !path && is_journal(terminal))) {
        out->style = is_journal(terminal) ? LOG_LEVELS : LOG_PLAIN;
    } else if (journal || syslog) {
        out->kind = LOG_TO_SOCKET;
        out->style = journal ? LOG_JOURNAL : LOG_SYSLOG;
        if (!path) path = journal ? journal_path : syslog_path;
        out->path = text_of("%s", path);
    } else if (strchr(text, '/')) {
        out->kind = LOG_TO_FILE;
        out->path = text[0] == '/' ? text_of("%s", text) : text_of("%s/%s", e->folder, text);
    } else {
        (void)snprintf(why, why_n, "log is stderr, journal, syslog or the path of a file, with a "
                                   "'/' in it; not '%s'", text);
        return false;
    }
    return true;
}

/* ---- opening ---- */

static int open_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    int err = strlen(path) < sizeof to.sun_path ? errno : ENAMETOOLONG;
    (void)close(fd);
    errno = err;
    return -1;
}

/* Not through a link: as root, somebody else's folder could lead us anywhere. */
static int open_file(const char *path)
{
    const int how = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    struct stat st;
    int fd = open(path, how | O_CREAT | O_EXCL, 0640);
    if (fd >= 0) (void)fchmod(fd, 0640); /* whatever the umask is */
    else if (errno == EEXIST) fd = open(path, how);
    if (fd < 0 || (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))) return fd;
    (void)close(fd);
    errno = EINVAL;
    return -1;
}

static int open_place(const struct logging *l, const struct log_place *place)
{
    switch (place->kind) {
    case LOG_TO_STDERR: return fcntl(l->terminal, F_DUPFD_CLOEXEC, 0);
    case LOG_TO_FILE: return open_file(place->path);
    case LOG_TO_SOCKET: return open_socket(place->path);
    }
    return -1;
}

/* Whether a file could be opened, without making it. */
static bool could_open(const char *path)
{
    if (!path) return false; /* only a file has one */
    if (access(path, F_OK) == 0) return access(path, W_OK) == 0;
    char *folder = text_of("%s", path), *slash = strrchr(folder, '/');
    if (slash) *slash = '\0'; /* a place is an absolute path */
    bool could = access(folder[0] ? folder : "/", W_OK | X_OK) == 0;
    int err = errno;
    free(folder);
    errno = err;
    return could;
}

/* Which file or socket is there now; 0: none. The number of a socket that has gone is given to the
 * next one, which was made later. */
static uint64_t which(const struct logging *l)
{
    struct stat st;
    if (!l->now.path || stat(l->now.path, &st) != 0) return 0;
    uint64_t hash = hash_bytes(HASH_START, &st.st_dev, sizeof st.st_dev);
    hash = hash_bytes(hash, &st.st_ino, sizeof st.st_ino);
    if (S_ISSOCK(st.st_mode)) hash = hash_bytes(hash, &st.st_ctim, sizeof st.st_ctim);
    return hash;
}

static void take_log(struct supervisor *s, int fd)
{
    struct logging *l = &s->logging;
    (void)dup3(fd, STDERR_FILENO, 0);
    (void)close(fd);
    l->known = which(l);
    l->failed = false;
    l->look_ms = l->now.kind == LOG_TO_STDERR ? INT64_MAX : clock_ms() + LIMIT_LOG_LOOK_MS;
    log_style(l->now.style);
    for (struct process *p = s->processes; p; p = p->next) process_log(s, p);
}

void logging_prepare(struct supervisor *s, const struct plan *plan)
{
    struct logging *l = &s->logging;
    const struct conf_section *server = config_section(plan->config, "server");
    const struct entry *e = server ? section_entry(server, "log") : NULL;
    const char *where = e ? e->where : NULL;
    char why[PROBLEM_TEXT];
    bool right = true;
    logging_abandon(l);
    if (!place_of(e, l->terminal, &l->next, why, sizeof why)) {
        problem_add(&s->reload.problems, false, where, "%s", why);
        return;
    }
    bool same = l->next.kind == l->now.kind && l->next.style == l->now.style &&
                (!l->next.path || strcmp(l->next.path, l->now.path) == 0);
    if (s->check) right = l->next.kind != LOG_TO_FILE || could_open(l->next.path);
    else if (!same) right = (l->next_fd = open_place(l, &l->next)) >= 0;
    if (!right)
        problem_add(&s->reload.problems, false, where, "cannot log to %s: %s", l->next.path,
                    errno == EINVAL ? "it is no file" : strerror(errno));
}

void logging_abandon(struct logging *l)
{
    if (l->next_fd >= 0) (void)close(l->next_fd);
    free(l->next.path);
    l->next.path = NULL;
    l->next_fd = -1;
}

void logging_commit(struct supervisor *s)
{
    struct logging *l = &s->logging;
    int fd = l->next_fd;
    if (fd < 0) return;
    if (l->next.path) log_info("the log goes to %s", l->next.path);
    free(l->now.path);
    l->now = l->next;
    l->next.path = NULL;
    l->next_fd = -1;
    take_log(s, fd);
}

/* ---- the same log, opened again ---- */

static void complain(struct logging *l, const char *what)
{
    int err = errno;
    if (!l->failed) log_error("the log %s cannot be %s: %s", l->now.path, what, strerror(err));
    l->failed = true;
    errno = err;
}

const char *logging_reopen(struct supervisor *s)
{
    struct logging *l = &s->logging;
    if (l->now.kind == LOG_TO_STDERR) return "the log is standard error: nothing is to be opened";
    int fd = open_place(l, &l->now);
    if (fd < 0) {
        complain(l, "opened again");
        return "it cannot be opened again; the log says why, and goes on where it was";
    }
    take_log(s, fd);
    return NULL;
}

/* "log.4" becomes "log.5", …, "log" becomes "log.1". */
static bool rotate(const char *path, int64_t keep)
{
    bool moved = true;
    for (int64_t i = keep; moved && i > 0; i--) {
        char *from = i > 1 ? text_of("%s.%lld", path, (long long)i - 1) : text_of("%s", path);
        char *to = text_of("%s.%lld", path, (long long)i);
        moved = rename(from, to) == 0 || (errno == ENOENT && i > 1);
        free(from);
        free(to);
    }
    return moved;
}

void logging_turn(struct supervisor *s)
{
    struct logging *l = &s->logging;
    int64_t now = clock_ms(), most = s->plan ? s->plan->settings.log_max : 0;
    struct stat st;
    if (now < l->look_ms) return;
    l->look_ms = now + LIMIT_LOG_LOOK_MS;
    if (which(l) != l->known) {
        (void)logging_reopen(s); /* it was moved away, or its daemon is another */
    } else if (most > 0 && stat(l->now.path, &st) == 0 && S_ISREG(st.st_mode) &&
               st.st_size >= most) {
        if (rotate(l->now.path, s->plan->settings.log_keep)) (void)logging_reopen(s);
        else complain(l, "rotated");
    }
}

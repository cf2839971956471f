/* SPDX-License-Identifier: GPL-3.0-or-later
 * reach.c - a plugin for system tests: it wants what its configuration says, and reaches for what
 * nobody granted when a client asks it to.
 *
 * A line is a word, perhaps with an argument; the answer is "yes" or the name of the error:
 * "open PATH", "write PATH", "socket", "thread", "fork", "exec", "code" (executable memory),
 * "ring"; "uid" and "generation" are answered with the number.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gyre.h"

struct conf {
    struct gyre_list want;
    gyre_view folder;
};
static const struct gyre_option options[] = {
    GYRE_OPT_LIST(conf, want, "path:/folder or dial:to"),
    GYRE_OPT_PATH(conf, folder, NULL, "A folder that is wanted"),
    {0},
};

static void *nothing(void *argument)
{
    return argument;
}

static int fork_one(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    return pid < 0 ? -1 : waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static int code_page(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0);
    return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static int closed(int fd)
{
    return fd < 0 ? -1 : close(fd);
}

static int reach(gyre_view word, const char *argument)
{
    char *const argv[] = {"true", NULL};
    uint8_t params[256] = {0};
    pthread_t thread;
    if (gyre_eq(word, GYRE_LIT("open"))) return closed(open(argument, O_RDONLY));
    if (gyre_eq(word, GYRE_LIT("write"))) return closed(open(argument, O_WRONLY | O_CREAT, 0600));
    if (gyre_eq(word, GYRE_LIT("socket"))) return closed(socket(AF_INET, SOCK_STREAM, 0));
    if (gyre_eq(word, GYRE_LIT("fork"))) return fork_one();
    if (gyre_eq(word, GYRE_LIT("exec"))) return execv("/bin/true", argv);
    if (gyre_eq(word, GYRE_LIT("code"))) return code_page();
    if (gyre_eq(word, GYRE_LIT("ring"))) return closed((int)syscall(SYS_io_uring_setup, 4, params));
    if (!gyre_eq(word, GYRE_LIT("thread"))) return errno = EINVAL, -1;
    int err = pthread_create(&thread, NULL, nothing, NULL);
    if (!err) err = pthread_join(thread, NULL);
    return errno = err, err ? -1 : 0;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line, word;
    uint8_t space[128];
    char argument[512] = "";
    gyre_out out = GYRE_OUT(space);
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (!gyre_until(&line, ' ', &word)) {
        word = line;
        line = GYRE_NOTHING;
    }
    if (line.n >= sizeof argument) return GYRE_BAD;
    if (line.n) memcpy(argument, line.p, line.n);
    if (gyre_eq(word, GYRE_LIT("uid"))) gyre_put_dec(&out, geteuid());
    else if (gyre_eq(word, GYRE_LIT("generation"))) gyre_put_dec(&out, a->section->generation);
    else gyre_put(&out, gyre_str(reach(word, argument) ? strerrorname_np(errno) : "yes"));
    gyre_put(&out, GYRE_LIT("\n"));
    gyre->write(a, gyre_built(&out));
    return GYRE_TOOK;
}

static bool want(struct gyre_section *s, gyre_view text, gyre_out *why)
{
    int handle = gyre->want(s, text);
    if (handle >= 0) return true;
    gyre_put(why, GYRE_LIT("it may not have "));
    gyre_put(why, text);
    return false;
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    const struct conf *c = conf;
    uint8_t space[512];
    gyre_out path = GYRE_OUT(space);
    bool ok = true;
    for (size_t i = 0; ok && i < c->want.n; i++) ok = want(s, c->want.at[i].text, why);
    gyre_put(&path, GYRE_LIT("path:"));
    gyre_put(&path, c->folder);
    return ok && (!c->folder.n || want(s, gyre_built(&path), why));
}

/* It stays as long as its peer and the host's patience. */
static void on_leave(struct gyre_actor *a, enum gyre_why why)
{
    (void)a;
    (void)why;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data, .on_leave = on_leave};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = "reach", .version = "1.0",
            .summary = "Reaches out", .stream = &stream, .options = options, .on_load = on_load);

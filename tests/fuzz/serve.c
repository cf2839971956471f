/* SPDX-License-Identifier: GPL-3.0-or-later
 * serve.c - the target for a service's side of the channel (server/serve.c): lines (lines.h) are
 * what the supervisor says, all of it before the service begins. Real threads, real sockets.
 *
 * The plugin that may be loaded is here; its path is always that of this program, or of nothing.
 * Oracles: it ends, and gives everything back; what it says can be read.
 * Limits: MESSAGES_MOST lines, as the channel is filled before anybody reads it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "core.h"
#include "lines.h"

const char fuzz_past[] = "were committed";

enum { MESSAGES_MOST = 40 };

/* ---- the plugin ---- */

struct serve_conf {
    int64_t number;
    gyre_view text;
};
static const struct gyre_option options[] = {
    GYRE_OPT_INT(serve_conf, number, "7", "0..500", "A number."),
    GYRE_OPT_TEXT(serve_conf, text, NULL, "A text."),
    {0},
};

static bool serve_load(struct gyre_section *section, void *conf, gyre_out *why)
{
    int64_t number = ((struct serve_conf *)conf)->number;
    (void)section;
    if (fuzz_plants && number > 3 && dup(STDIN_FILENO) < 0) abort();
    if (number != 13) return true;
    gyre_put(why, GYRE_LIT("13 is refused"));
    return false;
}

static const struct gyre_proto serve_kind = {GYRE_PROTO};

GYRE_PLUGIN(.flags = GYRE_WRITABLE_STATICS, .name = "test", .version = "1.0",
            .summary = "For the service under test", .stream = &serve_kind, .port = &serve_kind,
            .conf_size = sizeof(struct serve_conf), .options = options, .on_load = serve_load);

/* Instead of ring.c: io_uring takes too long to set up for each input. */
struct ring *ring_make(uint32_t may, char *why, size_t why_n)
{
    (void)may;
    return ring_make_epoll(why, why_n);
}

const char *ring_operation(uint32_t may, size_t i)
{
    (void)may;
    (void)i;
    return NULL;
}

/* ---- the supervisor's end ---- */

/* A socket that listens: a unix one, by a name that the kernel gives. */
static int listening(void)
{
    struct sockaddr at = {.sa_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, &at, sizeof at.sa_family) || listen(fd, 4))
        fuzz_wrong("start", "no socket: %s", strerror(errno));
    return fd;
}

void fuzz_begin(const char *plugin)
{
    (void)plugin;
}

void fuzz_end(void)
{
}

/* No file of the system is to be loaded. */
static void say_plugin(struct line *l)
{
    gyre_view name, rest = l->words;
    if (!gyre_until(&rest, ' ', &name)) name = rest;
    message_begin(&l->out, M_PLUGIN);
    message_put_text(&l->out, name);
    message_put_text(&l->out, fuzz_now_and_then(name, 16) ? GYRE_LIT("/nowhere.so") : GYRE_NOTHING);
}

static void say(gyre_view input, int channel)
{
    static struct line l;
    for (int n = 0; n < MESSAGES_MOST && line_next(&input, &l); n++) {
        int fd = l.descriptors ? listening() : -1;
        if (l.out.type == M_PLUGIN && l.whole) say_plugin(&l);
        (void)message_send(&l.out, channel, fd);
        if (fd >= 0) close(fd);
    }
}

static uint64_t hear(int channel)
{
    static struct message m;
    char why[128] = "";
    uint64_t committed = 0;
    int res;
    while ((res = message_receive(channel, &m, why, sizeof why)) > 0) {
        if (m.fd >= 0 || m.type < M_PREPARED) fuzz_wrong("answers", "of type %d", m.type);
        committed += m.type == M_COMMITTED;
    }
    if (res < 0 && strstr(why, "malformed")) fuzz_wrong("answers", "%s", why);
    return committed;
}

void fuzz_one(gyre_view input)
{
    int ends[2];
    uint64_t alive = alloc_live();
    uint32_t open = fuzz_descriptors();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fuzz_wrong("start", "no pair");
    struct service_start start = {.name = "test", .generation = 1, .workers = 1,
                                  .channel = ends[1], .stats_fd = -1, .threads_only = true};
    say(input, ends[0]);
    (void)shutdown(ends[0], SHUT_WR);
    int status = service_main(&start);
    uint64_t committed = hear(ends[0]);
    if (status < 0 || status > 2) fuzz_wrong("status", "it ends with %d", status);
    close(ends[0]);
    if (fuzz_descriptors() != open)
        fuzz_wrong("descriptors", "%u were open, now %u are", open, fuzz_descriptors());
    if (alloc_live() != alive)
        fuzz_wrong("given back", "%lld allocations are left", (long long)(alloc_live() - alive));
    fuzz_count.past += committed > 0;
    fuzz_count.further += committed > 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * hostile.c - a plugin that attacks its own process: it writes to the supervisor's channel, ends,
 * stops or never answers. Each word that a client sends is one attack; any other word is sent back.
 * The option `load` says what on_load does: nothing, wait for ever, leave with a status or crash;
 * with `begin = stops` a process stops itself by a signal when it is told to serve.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gyre.h"

#ifndef NAME
#define NAME "hostile"
#endif

enum { CHANNEL = 3, MAGIC = 0x4759524d }; /* as server/spawn.c and message.c have them */
enum {
    M_COMMIT = 7,
    M_PREPARED = 64, M_COMMITTED, M_DRAINED, M_FATAL, M_JAILED, M_RESTORED, M_ROWS, M_KILLED,
    M_LINE,
};

struct conf {
    int64_t load, begin;
    gyre_view word;
    struct gyre_list ballast;
};
static const struct gyre_option options[] = {
    GYRE_OPT_CHOICE(conf, load, "good", "good|waits|leaves_2|leaves_0|crashes",
                    "What on_load does"),
    GYRE_OPT_CHOICE(conf, begin, "good", "good|stops", "What a process does when it is to serve"),
    GYRE_OPT_TEXT(conf, word, "", "Means nothing: a change of it is a change"),
    GYRE_OPT_LIST(conf, ballast, "Means nothing: to fill a channel with"),
    {0},
};

/* ---- messages ---- */

static void say(uint32_t type, gyre_view body, int fd)
{
    uint8_t space[256];
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    gyre_out out = GYRE_OUT(space);
    gyre_put_be(&out, MAGIC, 4);
    gyre_put_be(&out, type, 4);
    gyre_put_be(&out, body.n, 4);
    gyre_put(&out, body);
    struct iovec part = {space, out.n};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        packet.msg_control = control.bytes;
        packet.msg_controllen = sizeof control.bytes;
        control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                        .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    if (sendmsg(CHANNEL, &packet, MSG_NOSIGNAL) < 0) abort();
}

/* M_PREPARED of a section that is not there. */
static void say_prepared(uint64_t ok)
{
    uint8_t space[64];
    gyre_out body = GYRE_OUT(space);
    gyre_put_be(&body, 99, 8);
    gyre_put_be(&body, 1, 8);
    gyre_put_be(&body, ok, 8);
    gyre_put_be(&body, 0, 4);
    say(M_PREPARED, gyre_built(&body), -1);
}

/* "shout 20 text": so many lines of the log. */
static void shout(struct gyre_actor *a, gyre_view left)
{
    gyre_view times;
    uint64_t n;
    if (!gyre_skip(&left, GYRE_LIT("shout ")) || !gyre_until(&left, ' ', &times)) return;
    if (!gyre_dec(times, 100000, &n)) return;
    while (n--) gyre->log(a, GYRE_WARN, "%.*s", (int)left.n, (const char *)left.p);
}

static void attack(gyre_view word)
{
    static const uint8_t text[] = {0, 0, 0, 9, 'I', ' ', 'g', 'i', 'v', 'e', ' ', 'u', 'p'};
    static const uint8_t old[16] = {[7] = 200, [15] = 1}; /* of a question that nobody asked */
    const gyre_view nothing = {0};
    if (gyre_eq(word, GYRE_LIT("rubbish"))) (void)!write(CHANNEL, "rubbish", 7);
    else if (gyre_eq(word, GYRE_LIT("order"))) say(M_COMMIT, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("unasked"))) say(M_COMMITTED, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("drained"))) say(M_DRAINED, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("gift"))) say(M_COMMITTED, nothing, 0);
    else if (gyre_eq(word, GYRE_LIT("early"))) say(M_FATAL, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("rows"))) say(M_ROWS, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("killed"))) say(M_KILLED, nothing, -1);
    else if (gyre_eq(word, GYRE_LIT("old rows"))) say(M_ROWS, GYRE_MAKE(gyre_view, old, 16), -1);
    else if (gyre_eq(word, GYRE_LIT("flood")))
        for (int i = 0; i < 100; i++) say(M_LINE, GYRE_MAKE(gyre_view, old + 4, 12), -1);
    else if (gyre_eq(word, GYRE_LIT("yes"))) say_prepared(1);
    else if (gyre_eq(word, GYRE_LIT("perhaps"))) say_prepared(3);
    else if (gyre_eq(word, GYRE_LIT("close"))) (void)close(CHANNEL);
    else if (gyre_eq(word, GYRE_LIT("leave 0"))) _exit(0);
    else if (gyre_eq(word, GYRE_LIT("leave 2"))) _exit(2);
    else if (gyre_eq(word, GYRE_LIT("leave 7"))) _exit(7);
    else if (gyre_eq(word, GYRE_LIT("stop"))) (void)raise(SIGSTOP);
    else if (gyre_eq(word, GYRE_LIT("give up"))) {
        say(M_FATAL, GYRE_MAKE(gyre_view, text, sizeof text), -1);
        _exit(1);
    }
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view word;
    if (!gyre_line(in, &word)) return GYRE_MORE;
    attack(word);
    shout(a, word);
    gyre->write(a, word);
    gyre->write(a, GYRE_LIT("\n"));
    return GYRE_TOOK;
}

static bool on_load(struct gyre_section *section, void *conf, gyre_out *why)
{
    struct conf *c = conf;
    (void)section;
    (void)why;
    while (c->load == 1) (void)pause();
    if (c->load == 4) abort();
    if (c->load > 1) _exit(c->load == 2 ? 2 : 0);
    return true;
}

static bool home_open(struct gyre_actor *a)
{
    if (GYRE_CONF(a, struct conf)->begin) (void)raise(SIGSTOP);
    return true;
}

static const struct gyre_proto home = {GYRE_PROTO, .on_open = home_open};
static const struct gyre_proto stream = {GYRE_PROTO, .message_max = 512, .on_data = on_data};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = NAME, .version = "1.0",
            .summary = "Attacks its own process", .stream = &stream, .home = &home,
            .options = options, .on_load = on_load);

/* SPDX-License-Identifier: GPL-3.0-or-later
 * message.c - the target for packets between supervisor and service (server/message.c).
 *
 * An input that begins with a byte below 8 is one packet as it is: the lowest two bits say how many
 * descriptors come with it; with 4, a right header is put before it, with the type that its first
 * byte says. Other inputs are lines (lines.h), sent and received.
 * Oracles: what was sent is received, field by field; nothing else is, and why says so; no
 * descriptor is lost or made.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lines.h"

const char fuzz_past[] = "were a message";

static int ends[2], some_fd = -1;
static struct message got;

void fuzz_begin(const char *plugin)
{
    (void)plugin;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fuzz_wrong("start", "no pair");
    some_fd = dup(ends[0]);
}

void fuzz_end(void)
{
    close(some_fd);
    close(ends[0]);
    close(ends[1]);
}

/* The lowest free descriptor: the same before and after when none is left open. */
static int next_fd(void)
{
    int fd = dup(some_fd);
    close(fd);
    return fd;
}

static bool type_known(uint32_t type)
{
    return (type >= M_PLUGIN && type <= M_CREDIT) || (type >= M_PREPARED && type <= M_LINE) ||
           (type >= M_STREAM && type <= M_MOVED);
}

static bool brings_fd(uint32_t type)
{
    return type == M_LISTEN || type == M_OPENED || type == M_SAVE || type == M_RESTORE ||
           type == M_STREAM || type == M_LINK || type == M_LOG;
}

static int receive(char why[128])
{
    why[0] = 0;
    int res = message_receive(ends[1], &got, why, 128);
    if (res < 0 && !why[0]) fuzz_wrong("refusal", "it is refused, and not said why");
    if (res > 0 && got.in.left.n > sizeof got.bytes) fuzz_wrong("length", "more than there can be");
    if (res > 0 && (got.fd >= 0) != brings_fd(got.type))
        fuzz_wrong("descriptors", "a message of type %d has descriptor %d", got.type, got.fd);
    if (res <= 0 && got.fd >= 0) fuzz_wrong("descriptors", "one came with nothing");
    return res;
}

static void send_packet(gyre_view bytes, uint32_t descriptors)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {.bytes = {0}};
    int fds[3] = {some_fd, some_fd, some_fd};
    struct iovec part = {(void *)(uintptr_t)bytes.p, bytes.n};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptors) {
        packet.msg_control = control.bytes;
        packet.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(descriptors * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, descriptors * sizeof(int));
    }
    if (sendmsg(ends[0], &packet, MSG_NOSIGNAL) < 0) fuzz_wrong("start", "cannot send");
}

/* Reads it as rows of fields of both kinds; each ends somewhere. */
static void read_fields(uint64_t order)
{
    const uint8_t *before = got.bytes, *after = got.bytes + sizeof got.bytes;
    while (!got.in.bad && got.in.left.n) {
        if (order & 1) {
            (void)message_get_number(&got);
        } else {
            gyre_view text = message_get_text(&got);
            if (text.n && (text.p < before || text.p + text.n > after))
                fuzz_wrong("length", "a text is not in the message");
        }
        order = order >> 1 | order << 63;
    }
}

static void one_packet(gyre_view input)
{
    static struct message_out out;
    char why[128];
    uint8_t how = gyre_head(&input, 1).p[0];
    if (how & 4) {
        message_begin(&out, input.n ? (enum message_type)gyre_head(&input, 1).p[0] : M_COMMIT);
        gyre_put(&out.out, input);
        gyre_patch_be(&out.out, 8, input.n, 4);
        input = gyre_built(&out.out);
    }
    if (!input.n) return; /* it would be the end */
    send_packet(input, how & 3);
    if (receive(why) <= 0) return;
    if (got.in.left.n != input.n - 12) fuzz_wrong("length", "the body is not all of it");
    read_fields(fuzz_hash(input));
    fuzz_count.past++;
    if (got.fd >= 0) close(got.fd);
}

static uint64_t one_line(const struct line *l)
{
    char why[128];
    bool fd = l->descriptors > 0, known = type_known((uint32_t)l->out.type);
    struct message_out out = l->out;
    bool fits = !out.out.full && out.out.n - 12 <= LIMIT_MESSAGE_BODY;
    out.out.p = out.bytes;
    if (message_send(&out, ends[0], fd ? some_fd : -1) != fits)
        fuzz_wrong("length", "a body of %zu bytes is %s", out.out.n - 12,
                   fits ? "not sent" : "sent");
    if (!fits) return 0;
    bool right = known && fd == brings_fd(l->out.type);
    if ((receive(why) > 0) != right)
        fuzz_wrong("round trip", "a message of type %d %s", l->out.type,
                   right ? why : "is not refused");
    if (fuzz_plants && got.in.left.n > 40) got.in.left.n--;
    if (right && l->whole) line_check(l, &got);
    if (right && got.fd >= 0) close(got.fd);
    return right;
}

void fuzz_one(gyre_view input)
{
    static struct line l;
    int fd = next_fd();
    uint64_t messages = 0;
    if (input.n && input.p[0] < 8) one_packet(input);
    else while (line_next(&input, &l)) messages += one_line(&l);
    fuzz_count.past += messages > 0;
    fuzz_count.further += messages > 1;
    if (next_fd() != fd) fuzz_wrong("descriptors", "one is left open");
}

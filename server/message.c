/* SPDX-License-Identifier: GPL-3.0-or-later
 * message.c - packets between the supervisor and a service; the contract is message.h.
 *
 * Promise: nothing of a packet is believed before its magic, type, length and descriptor have been
 * checked; a descriptor that does not belong is closed. Knows no meaning of any field.
 */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_MAGIC = 0x4759524d, /* "GYRM" */
    HEADER_BYTES = 12,          /* magic, type, length of the body: 4 bytes each, big-endian */
    RIGHTS_MAX = 8,             /* descriptors that a packet may bring before they are cut */
};

void message_begin(struct message_out *m, enum message_type type)
{
    m->type = type;
    m->out = GYRE_OUT(m->bytes);
    gyre_put_be(&m->out, MESSAGE_MAGIC, 4);
    gyre_put_be(&m->out, (uint32_t)type, 4);
    gyre_put_be(&m->out, 0, 4);
}

void message_put_text(struct message_out *m, gyre_view text)
{
    if (text.n > LIMIT_MESSAGE_BODY) m->out.full = true;
    gyre_put_be(&m->out, text.n, 4);
    gyre_put(&m->out, text);
}

void message_put_number(struct message_out *m, uint64_t number)
{
    gyre_put_be(&m->out, number, 8);
}

bool message_send(struct message_out *m, int channel, int fd)
{
    if (m->out.full || m->out.n - HEADER_BYTES > LIMIT_MESSAGE_BODY) return false;
    gyre_patch_be(&m->out, 8, m->out.n - HEADER_BYTES, 4);
    struct iovec part = {m->bytes, m->out.n};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        packet.msg_control = control.bytes;
        packet.msg_controllen = sizeof control.bytes;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    for (;;) {
        if (sendmsg(channel, &packet, MSG_NOSIGNAL) >= 0) return true;
        struct pollfd room = {.fd = channel, .events = POLLOUT};
        if (errno == EAGAIN) (void)poll(&room, 1, -1);
        else if (errno != EINTR) return false;
    }
}

bool message_offer(struct message_out *m, int channel)
{
    if (m->out.full || m->out.n - HEADER_BYTES > LIMIT_MESSAGE_BODY) return false;
    gyre_patch_be(&m->out, 8, m->out.n - HEADER_BYTES, 4);
    struct iovec part = {m->bytes, m->out.n};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(channel, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* Takes the one descriptor of a packet; closes all of more than one. false: there were more. */
static bool take_rights(struct msghdr *packet, int *fd)
{
    bool right = !(packet->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c; c = CMSG_NXTHDR(packet, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int one;
            memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
            if (*fd >= 0) {
                right = false;
                (void)close(one);
            } else {
                *fd = one;
            }
        }
    }
    return right;
}

static bool type_known(uint64_t type)
{
    return (type >= M_PLUGIN && type <= M_CREDIT) || (type >= M_PREPARED && type <= M_LINE) ||
           (type >= M_STREAM && type <= M_MOVED);
}

/* Checks the header of n received bytes against what it must be. NULL: it is right. */
static const char *wrong_with(struct message *m, gyre_view header, size_t n, bool rights)
{
    gyre_in in = gyre_in_of(header);
    uint64_t magic = gyre_be(&in, 4), type = gyre_be(&in, 4), body = gyre_be(&in, 4);
    if (!gyre_end(&in) || magic != MESSAGE_MAGIC) return "it is no message";
    if (!type_known(type)) return "its type is unknown";
    if (body != n - HEADER_BYTES) return "its length is wrong";
    m->type = (enum message_type)type;
    bool brings = m->type == M_LISTEN || m->type == M_OPENED || m->type == M_SAVE ||
                  m->type == M_RESTORE || m->type == M_STREAM || m->type == M_LINK ||
                  m->type == M_LOG;
    if (!rights || (m->fd >= 0) != brings) return "its descriptors are wrong";
    return NULL;
}

int message_receive(int channel, struct message *m, char *why, size_t why_n)
{
    uint8_t header[HEADER_BYTES];
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec parts[2] = {{header, sizeof header}, {m->bytes, sizeof m->bytes}};
    struct msghdr packet = {.msg_iov = parts,
                            .msg_iovlen = 2,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do { /* a reset is told before what the dead one had said: asking again gives that */
        n = recvmsg(channel, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    m->fd = -1;
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) {
        (void)snprintf(why, why_n, "the channel has ended");
        return -1;
    }
    bool rights = take_rights(&packet, &m->fd);
    const char *wrong = "it is too long";
    if (n < HEADER_BYTES) wrong = "it is too short";
    else if (!(packet.msg_flags & MSG_TRUNC))
        wrong = wrong_with(m, GYRE_MAKE(gyre_view, header, sizeof header), (size_t)n, rights);
    if (wrong) {
        (void)snprintf(why, why_n, "a malformed message: %s", wrong);
        if (m->fd >= 0) (void)close(m->fd);
        m->fd = -1;
        return -1;
    }
    m->in = gyre_in_of(GYRE_MAKE(gyre_view, m->bytes, (size_t)n - HEADER_BYTES));
    return 1;
}

gyre_view message_get_text(struct message *m)
{
    size_t n = (size_t)gyre_be(&m->in, 4);
    return gyre_bytes(&m->in, n);
}

uint64_t message_get_number(struct message *m)
{
    return gyre_be(&m->in, 8);
}

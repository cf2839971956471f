/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_message.c - message.c: what is sent arrives, and nothing malformed is taken for a message.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

static int ends[2];
static char why[128];
static struct message got;
static struct message_out out;
static size_t fds_before;

static size_t count_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void begin(void)
{
    fds_before = count_fds();
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void end(void)
{
    close(ends[0]);
    close(ends[1]);
    cr_expect_eq(count_fds(), fds_before, "a descriptor was left open");
}

TestSuite(message, .init = begin, .fini = end);

/* Sends raw bytes with n descriptors. */
static void send_raw(const void *bytes, size_t n, int fds_n)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {(void *)(uintptr_t)bytes, n};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[4] = {0, 0, 0, 0};
    if (fds_n) {
        packet.msg_control = control.space;
        packet.msg_controllen = CMSG_SPACE((size_t)fds_n * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN((size_t)fds_n * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, (size_t)fds_n * sizeof(int));
    }
    cr_assert_eq(sendmsg(ends[0], &packet, 0), (ssize_t)n);
}

/* A header, and body_n bytes that are there. */
static size_t raw(uint8_t *bytes, uint32_t magic, uint32_t type, uint32_t n, size_t body_n)
{
    gyre_out o = {bytes, 0, 256, false, NULL, NULL};
    gyre_put_be(&o, magic, 4);
    gyre_put_be(&o, type, 4);
    gyre_put_be(&o, n, 4);
    memset(bytes + o.n, 0, body_n);
    return o.n + body_n;
}

static void expect_malformed(const char *what)
{
    cr_expect_eq(message_receive(ends[1], &got, why, sizeof why), -1);
    cr_expect_eq(got.fd, -1);
    cr_expect_not_null(strstr(why, what), "'%s' is not in '%s'", what, why);
}

enum { MAGIC = 0x4759524d };

Test(message, every_field_arrives)
{
    message_begin(&out, M_PREPARED);
    message_put_number(&out, 7);
    message_put_number(&out, UINT64_MAX);
    message_put_text(&out, GYRE_LIT(""));
    message_put_text(&out, GYRE_LIT("zone.txt:4: no SOA"));
    cr_assert(message_send(&out, ends[0], -1));
    cr_assert_eq(message_receive(ends[1], &got, why, sizeof why), 1);
    cr_expect_eq(got.type, M_PREPARED);
    cr_expect_eq(got.fd, -1);
    cr_expect_eq(message_get_number(&got), 7);
    cr_expect_eq(message_get_number(&got), UINT64_MAX);
    cr_expect_eq(message_get_text(&got).n, 0);
    cr_expect(gyre_eq(message_get_text(&got), GYRE_LIT("zone.txt:4: no SOA")));
    cr_expect(gyre_end(&got.in));
}

Test(message, nothing_now_and_the_end)
{
    cr_expect_eq(message_receive(ends[1], &got, why, sizeof why), 0);
    close(ends[0]);
    expect_malformed("ended");
    message_begin(&out, M_COMMIT);
    cr_expect_not(message_send(&out, ends[1], -1), "nobody is there");
    ends[0] = dup(ends[1]);
}

Test(message, a_descriptor_comes_along)
{
    int mine = open("/dev/null", O_RDONLY | O_CLOEXEC);
    message_begin(&out, M_LISTEN);
    message_put_number(&out, 1);
    cr_assert(message_send(&out, ends[0], mine));
    cr_assert_eq(message_receive(ends[1], &got, why, sizeof why), 1);
    cr_expect_geq(got.fd, 0);
    cr_expect_neq(got.fd, mine);
    cr_expect(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
    close(got.fd);
    close(mine);
}

Test(message, descriptors_that_do_not_belong_are_closed)
{
    uint8_t bytes[256];
    size_t n = raw(bytes, MAGIC, M_COMMIT, 0, 0);
    send_raw(bytes, n, 1);
    expect_malformed("descriptors");
    n = raw(bytes, MAGIC, M_LISTEN, 0, 0);
    send_raw(bytes, n, 0);
    expect_malformed("descriptors");
    send_raw(bytes, n, 2);
    expect_malformed("descriptors");
    send_raw(bytes, n, 4);
    expect_malformed("descriptors");
}

Test(message, wrong_headers)
{
    uint8_t bytes[256];
    send_raw(bytes, raw(bytes, MAGIC + 1, M_COMMIT, 0, 0), 0);
    expect_malformed("no message");
    send_raw(bytes, raw(bytes, MAGIC, 0, 0, 0), 0);
    expect_malformed("type");
    send_raw(bytes, raw(bytes, MAGIC, M_CREDIT + 1, 0, 0), 0);
    expect_malformed("type");
    send_raw(bytes, raw(bytes, MAGIC, M_LINE + 1, 0, 0), 0);
    expect_malformed("type");
    send_raw(bytes, raw(bytes, MAGIC, 0xffffffff, 0, 0), 0);
    expect_malformed("type");
    send_raw(bytes, raw(bytes, MAGIC, M_COMMIT, 1, 0), 0);
    expect_malformed("length");
    send_raw(bytes, raw(bytes, MAGIC, M_COMMIT, 0, 1), 0);
    expect_malformed("length");
    send_raw(bytes, 11, 0);
    expect_malformed("short");
}

Test(message, fields_past_the_end)
{
    uint8_t bytes[256];
    size_t n =
        raw(bytes, MAGIC, M_FATAL, 8, 8); /* a text of 0xffffffff bytes, of which 4 are there */
    memset(bytes + 12, 0xff, 4);
    send_raw(bytes, n, 0);
    cr_assert_eq(message_receive(ends[1], &got, why, sizeof why), 1);
    cr_expect_eq(message_get_text(&got).n, 0);
    cr_expect(got.in.bad);
    cr_expect_eq(message_get_number(&got), 0);
    cr_expect_not(gyre_end(&got.in));
}

Test(message, the_longest_body_and_one_more)
{
    static uint8_t long_text[LIMIT_MESSAGE_BODY + 64];
    const gyre_view most = {long_text, LIMIT_MESSAGE_BODY - 4}, more = {long_text, most.n + 1};
    message_begin(&out, M_FATAL);
    message_put_text(&out, more);
    cr_expect_not(message_send(&out, ends[0], -1));
    message_begin(&out, M_FATAL);
    message_put_text(&out, most);
    cr_assert(message_send(&out, ends[0], -1));
    cr_assert_eq(message_receive(ends[1], &got, why, sizeof why), 1);
    cr_expect_eq(message_get_text(&got).n, most.n);
    cr_expect(gyre_end(&got.in));
    send_raw(long_text, sizeof long_text, 0); /* longer than any message may be */
    expect_malformed("");
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_transfer.c - transfer.c, move.c: streams between two processes, each of which may be
 * anybody.
 * The test is the process at the other end; what it says wrong harms no stream but its own.
 */
#include <arpa/inet.h>

#include "few_fds.h"
#include "serve_world.h"

static int other = -1; /* our end of the transfer */

static void hear_there(enum message_type type)
{
    struct pollfd fd = {.fd = other, .events = POLLIN};
    int n;
    do {
        cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "it says nothing there");
        n = message_receive(other, &got, why, sizeof why);
    } while (n == 0);
    cr_assert_eq(n, 1, "%s", why);
    cr_assert_eq(got.type, type);
}

static void tell_there(int fd)
{
    (void)message_send(&out, other, fd); /* it may have hung up by now */
}

static void word_there(enum message_type type)
{
    message_begin(&out, type);
    tell_there(-1);
}

static void hand_over(enum message_type type)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    message_begin(&out, type);
    tell(pair[0]);
    close(pair[0]);
    other = pair[1];
}

static void begin_moves(void)
{
    begin_with(2);
    plugin("tests/plugins/moves");
    message_begin(&out, M_SECTION);
    message_put_number(&out, 1);
    message_put_text(&out, GYRE_LIT("moves"));
    message_put_text(&out, GYRE_LIT("moves"));
    tell(-1);
    cr_assert(prepare(1, 1), "%s", why);
    word(M_COMMIT);
    hear(M_COMMITTED);
}

static bool reads(int fd, const char *text)
{
    char bytes[256];
    size_t have = 0, n = strlen(text);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (have < n && poll(&p, 1, PATIENCE_MS) == 1) {
        ssize_t more = read(fd, bytes + have, n - have);
        if (more <= 0) return false;
        have += (size_t)more;
    }
    return have == n && memcmp(bytes, text, n) == 0;
}

/* ---- it is the new process ---- */

struct stream_head {
    uint64_t section, state_n, out_n, in_n;
    size_t ip_n;
};
static const struct stream_head sound = {1, 9, 7, 5, 16};

static void stream_there(const struct stream_head *h, int fd)
{
    static const uint8_t ip[32];
    message_begin(&out, M_STREAM);
    message_put_number(&out, h->section);
    message_put_number(&out, 1000);
    message_put_number(&out, 1);
    message_put_text(&out, GYRE_MAKE(gyre_view, ip, h->ip_n));
    message_put_number(&out, 0);
    message_put_number(&out, h->state_n);
    message_put_number(&out, h->out_n);
    message_put_number(&out, h->in_n);
    tell_there(fd);
}

static void part_there(gyre_view bytes)
{
    message_begin(&out, M_PART);
    message_put_text(&out, bytes);
    tell_there(-1);
}

/* state: version 1, number of lines 3; then output, then input */
#define SOUND_PART GYRE_LIT("\x01\0\0\0\0\0\0\0\x03queued\nhalf ")

/* A stream of which all has gone over, and which was taken. ends[1] is its peer. */
static void offer(int ends[2])
{
    begin_moves();
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    hand_over(M_RESTORE);
    stream_there(&sound, ends[0]);
    gyre_view bytes = SOUND_PART;
    part_there(gyre_head(&bytes, 12)); /* cut anywhere */
    part_there(bytes);
    word_there(M_COMMIT);
    hear_there(M_TAKEN);
    cr_expect_eq(message_get_number(&got), 0);
    hear_there(M_COMMITTED);
}

static void restored(uint64_t n)
{
    hear(M_RESTORED);
    cr_expect_eq(message_get_number(&got), n);
    cr_expect(gyre_end(&got.in));
    close(other);
}

static void pair_of(int ends[2])
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

Test(transfer, a_stream_comes_with_all_that_it_had, .timeout = 60)
{
    int ends[2];
    offer(ends);
    cr_expect_eq(write(ends[1], "line\n", 5), 5); /* not before all is settled */
    word_there(M_MOVED);
    restored(1);
    close(ends[0]); /* ours: the stream lives on */
    cr_expect(reads(ends[1], "queued\n4: half line\n"));
    cr_expect_eq(write(ends[1], "on\n", 3), 3);
    cr_expect(reads(ends[1], "5: on\n"));
    close(ends[1]);
    drained();
}

Test(transfer, it_is_called_off, .timeout = 60)
{
    int ends[2];
    offer(ends);
    word_there(M_ABANDON);
    restored(0);
    cr_expect_eq(write(ends[0], "still ours\n", 11), 11); /* no FIN was sent, nothing else either */
    cr_expect(reads(ends[1], "still ours\n"));
    close(ends[0]);
    close(ends[1]);
    drained();
}

/* The old process dies at the last moment: its streams are not lost. */
Test(transfer, the_old_process_is_gone, .timeout = 60)
{
    int ends[2];
    offer(ends);
    close(ends[0]);
    close(other);
    hear(M_RESTORED);
    cr_expect_eq(message_get_number(&got), 1);
    cr_expect(reads(ends[1], "queued\n"));
    close(ends[1]);
    drained();
}

Test(transfer, what_makes_no_sense_brings_nothing, .timeout = 120)
{
    static const struct {
        const char *what;
        struct stream_head head;
        bool twice, part_first, no_head;
    } cases[] = {
        {"an address that is none", {1, 9, 7, 5, 4}, false, false, false},
        {"a state that is too long", {1, 1 << 20, 7, 5, 16}, false, false, false},
        {"output longer than memory", {1, 9, UINT32_MAX, 5, 16}, false, false, false},
        {"lengths that overflow", {1, 9, UINT64_MAX - 8, 5, 16}, false, false, false},
        {"a section past all", {UINT64_MAX, 9, 7, 5, 16}, false, false, false},
        {"more bytes than were told", {1, 9, 7, 4, 16}, false, false, false},
        {"fewer bytes than were told", {1, 9, 7, 6, 16}, false, false, false},
        {"a second one in the middle", {1, 9, 7, 50, 16}, true, false, false},
        {"bytes of no stream", {1, 9, 7, 5, 16}, false, true, false},
    };
    begin_moves();
    size_t fds = count_fds();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int ends[2];
        pair_of(ends);
        hand_over(M_RESTORE);
        if (cases[i].part_first) part_there(SOUND_PART);
        stream_there(&cases[i].head, ends[0]);
        if (cases[i].twice) stream_there(&sound, ends[0]);
        part_there(SOUND_PART);
        word_there(M_COMMIT);
        word_there(M_MOVED);
        restored(0);
        close(ends[0]);
        close(ends[1]);
        cr_expect_eq(count_fds(), fds, "%s: a descriptor is left", cases[i].what);
    }
    drained();
}

/* Sound, but not to be had here: the stream stays where it was, and the others come. */
Test(transfer, streams_that_are_refused, .timeout = 120)
{
    static const struct {
        uint64_t section;
        uint8_t version, lines;
    } cases[] = {{7, 1, 3}, {1, 2, 3}, {1, 1, 13}, {1, 1, 4}};
    int ends[4][2];
    begin_moves();
    hand_over(M_RESTORE);
    for (size_t i = 0; i < 4; i++) {
        const struct stream_head head = {cases[i].section, 9, 0, 0, 16};
        const uint8_t state[9] = {cases[i].version, 0, 0, 0, 0, 0, 0, 0, cases[i].lines};
        pair_of(ends[i]);
        stream_there(&head, ends[i][0]);
        part_there(GYRE_MAKE(gyre_view, state, sizeof state));
    }
    word_there(M_COMMIT);
    hear_there(M_TAKEN);
    cr_expect_eq(message_get_number(&got), 3);
    hear_there(M_COMMITTED);
    word_there(M_MOVED);
    restored(1);
    for (size_t i = 0; i < 4; i++) {
        close(ends[i][0]);
        cr_expect_eq(send(ends[i][1], "x\n", 2, MSG_NOSIGNAL), i == 3 ? 2 : -1, "%zu", i);
    }
    cr_expect(reads(ends[3][1], "5: x\n"));
    for (size_t i = 0; i < 4; i++) close(ends[i][1]);
    drained();
}

/* ---- it is the old process ---- */

static int dialled(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static uint16_t begin_listening(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(fd, 64), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    begin_moves();
    listen_on(1, 0, fd, "tcp:one");
    word(M_COMMIT);
    hear(M_COMMITTED);
    close(fd);
    return ntohs(at.sin_port);
}

static bool asks(int fd, const char *line, const char *answer)
{
    return write(fd, line, strlen(line)) == (ssize_t)strlen(line) && reads(fd, answer);
}

/* Takes what it is sent, up to M_COMMIT; the descriptor of the first stream, and its state. */
static size_t take_streams(int *first, uint64_t *lines)
{
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = other, .events = POLLIN};
        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1);
        cr_assert_eq(message_receive(other, &got, why, sizeof why), 1, "%s", why);
        if (got.type == M_COMMIT) return n;
        if (got.type == M_STREAM && n++ == 0) *first = got.fd;
        else if (got.fd >= 0) close(got.fd);
        if (got.type != M_PART || n != 1) continue;
        gyre_in in = gyre_in_of(message_get_text(&got));
        cr_expect_eq(gyre_be(&in, 1), 1);
        *lines = gyre_be(&in, 8);
    }
}

Test(transfer, streams_go_but_for_those_that_cannot, .timeout = 120)
{
    uint16_t port = begin_listening();
    int goes = dialled(port), no = dialled(port), pause = dialled(port), ask = dialled(port);
    int fd = -1;
    uint64_t lines = 0;
    cr_expect(asks(goes, "a\nb\n", "1: a\n2: b\n"));
    cr_expect(asks(no, "no\n", "1: no\n"));
    cr_expect(asks(pause, "pause\n", "1: pause\n"));
    cr_expect(asks(ask, "ask\n", "1: ask\n"));
    hand_over(M_SAVE);
    cr_expect_eq(take_streams(&fd, &lines), 1);
    cr_expect_eq(lines, 2);
    cr_expect_eq(write(goes, "c\n", 2), 2); /* nobody reads it now */
    message_begin(&out, M_TAKEN);
    message_put_number(&out, 0);
    tell_there(-1);
    word_there(M_COMMITTED);
    hear_there(M_MOVED);
    cr_expect(asks(no, "here\n", "2: here\n"), "the others go on where they are");
    cr_expect(reads(fd, "c\n"), "it is ours now");
    cr_expect_eq(write(fd, "by us\n", 6), 6);
    cr_expect(reads(goes, "by us\n"));
    for (int *at = (int[]){goes, no, pause, ask, fd, other, -1}; *at >= 0; at++) close(*at);
    drained();
}

/* Whatever the new process does in place of taking them all: the old one goes on. */
Test(transfer, the_new_process_fails, .timeout = 120)
{
    uint16_t port = begin_listening();
    int client = dialled(port);
    uint64_t lines = 0;
    char line[32], answer[48];
    cr_expect(asks(client, "a\n", "1: a\n"));
    for (int how = 0; how < 5; how++) {
        int fd = -1;
        hand_over(M_SAVE);
        if (how) cr_expect_eq(take_streams(&fd, &lines), 1, "%d", how);
        if (how == 2) word_there(M_MOVED);      /* what only the old one says */
        if (how == 3) word_there(M_COMMITTED);  /* none of them was taken */
        if (how == 4) {
            message_begin(&out, M_TAKEN);
            message_put_number(&out, 1); /* there is no such */
            tell_there(-1);
        }
        if (how == 3) hear_there(M_MOVED);
        close(other);
        if (fd >= 0) close(fd);
        snprintf(line, sizeof line, "try %d\n", how);
        snprintf(answer, sizeof answer, "%d: try %d\n", how + 2, how);
        cr_expect(asks(client, line, answer), "%d: it goes on here", how);
        if (how == 3) continue; /* the new one listens from here on */
        int late = dialled(port);
        cr_expect(asks(late, "x\n", "1: x\n"), "%d: it accepts again", how);
        cr_expect_eq(shutdown(late, SHUT_WR), 0);
        cr_expect_eq(read(late, answer, 1), 0); /* it has gone before the next save */
        close(late);
    }
    close(client);
    drained();
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_serve.c - serve.c: the life of a service, seen from the supervisor's end of its channel.
 *
 * The service runs on a thread over the real ring, as with --single; the test is the supervisor,
 * and a wrong one where it can be: then the service says so and ends.
 */
#include <netinet/in.h>

#include "serve_world.h"

static void begin(void)
{
    begin_with(2);
}

TestSuite(serve, .init = begin, .timeout = 60);
TestSuite(serve_anew, .timeout = 60); /* begins several */

/* ---- orders that make no sense ---- */

static void expect_senseless(const char *what)
{
    hear(M_FATAL);
    gyre_view text = message_get_text(&got);
    cr_expect(gyre_eq(text, GYRE_LIT("the supervisor sent a message that makes no sense")), "%s",
              what);
    cr_expect_eq(ended(), 1, "%s", what);
}

Test(serve_anew, a_message_with_something_left_over_ends_it)
{
    static const enum message_type types[] = {M_PLUGIN, M_SECTION, M_ENTRY, M_PREPARE, M_UNLISTEN,
                                              M_COMMIT, M_ABANDON, M_REMOVE, M_REFRESH, M_DRAIN,
                                              M_LEVEL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        begin();
        message_begin(&out, types[i]);
        for (int n = 0; n < 9; n++) message_put_number(&out, 0); /* more than any of them has */
        tell(-1);
        expect_senseless("more");
    }
}

Test(serve_anew, a_message_that_ends_too_early_ends_it)
{
    static const enum message_type types[] = {M_PLUGIN, M_SECTION, M_ENTRY, M_PREPARE, M_UNLISTEN,
                                              M_REMOVE, M_DRAIN, M_LEVEL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        begin();
        word(types[i]);
        expect_senseless("less");
    }
}

Test(serve_anew, answers_are_no_orders)
{
    static const enum message_type types[] = {M_PREPARED, M_COMMITTED, M_DRAINED, M_FATAL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        begin();
        word(types[i]);
        expect_senseless("an answer");
    }
}

Test(serve, a_section_that_was_never_told)
{
    entry(9, "idle_time", "1m");
    expect_senseless("an entry of no section");
}

/* The first one would be forgotten, and never unloaded. */
Test(serve, a_version_that_is_prepared_twice)
{
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "odd");
    cr_expect(prepare(1, 1));
    message_begin(&out, M_PREPARE);
    message_put_number(&out, 1);
    message_put_number(&out, 2);
    tell(-1);
    expect_senseless("a version that is there already");
}

Test(serve, a_version_that_was_never_told)
{
    message_begin(&out, M_PREPARE);
    message_put_number(&out, 9);
    message_put_number(&out, 1);
    tell(-1);
    expect_senseless("a version of no section");
}

Test(serve, the_same_section_twice)
{
    section(1, "one");
    section(1, "one");
    expect_senseless("told twice");
}

Test(serve, an_endpoint_that_is_too_long)
{
    char text[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    unlisten(1, text);
    expect_senseless("128 bytes and more");
}

Test(serve, an_address_of_the_wrong_length_to_be_refused)
{
    message_begin(&out, M_REFUSE);
    message_put_text(&out, gyre_str("192.0.2.1"));
    message_put_number(&out, 1000);
    tell(-1);
    expect_senseless("an address is 16 bytes");
}

Test(serve, a_socket_with_something_left_over)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    message_begin(&out, M_LISTEN);
    for (int n = 0; n < 9; n++) message_put_number(&out, 0);
    tell(fd);
    close(fd);
    expect_senseless("a socket");
}

Test(serve, what_is_no_message_is_the_end_of_the_channel)
{
    cr_assert_eq(send(channel, "nonsense", 8, MSG_NOSIGNAL), 8);
    hear(M_DRAINED); /* nothing ran yet: there is nothing to wait for */
    cr_expect_eq(ended(), 0);
}

/* ---- plugins ---- */

Test(serve, a_plugin_that_cannot_be_loaded_is_an_error_of_configuration)
{
    plugin("tests/plugins/odd/NO_ENTRY");
    hear(M_FATAL);
    gyre_view text = message_get_text(&got);
    snprintf(why, sizeof why, "%.*s", (int)text.n, (const char *)text.p);
    cr_expect(strstr(why, "plugin the plugin: "), "%s", why);
    cr_expect(strstr(why, "gyre_plugin_v1"), "%s", why);
    cr_expect_eq(ended(), 2);
}

/* ---- a life ---- */

static int listener(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, n), 0);
    cr_assert_eq(listen(fd, 8), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* true: somebody accepts there, and answers a line or ends. */
static bool serves(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(port)};
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool open = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, "x\n", 2, 0) == 2 &&
                shutdown(fd, SHUT_WR) == 0;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    bool answered = open && poll(&wait, 1, PATIENCE_MS) == 1 && recv(fd, &byte, 1, 0) >= -1;
    close(fd);
    return answered;
}

static void committed(void)
{
    word(M_COMMIT);
    hear(M_COMMITTED);
    cr_expect(gyre_end(&got.in));
}

Test(serve, from_the_first_order_to_the_last)
{
    uint16_t port;
    int fd = listener(&port);
    number(M_LEVEL, GYRE_WARN);
    number(M_LEVEL, 99); /* of a supervisor that is newer: no level that we know */
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    for (int i = 0; i < 40; i++) entry(1, "listen", "tcp:localhost:1"); /* as many as there are */
    cr_assert(prepare(1, 7), "%s", why);
    listen_on(1, 1, fd, "tcp:one");
    committed();
    cr_expect(serves(port));
    committed(); /* nothing new: it looks at its sockets again */
    cr_expect(serves(port));
    word(M_REFRESH);

    section(1, "one"); /* another version */
    entry(1, "idle_time", "1m");
    cr_assert(prepare(1, 8), "%s", why);
    committed();
    cr_expect(serves(port));

    unlisten(1, "tcp:one");
    unlisten(1, "tcp:never");
    unlisten(77, "tcp:one"); /* of a section that is gone */
    committed();
    number(M_REMOVE, 1);
    number(M_REMOVE, 77);
    drain(10000, DRAIN_STOP);
    drain(1, DRAIN_STOP); /* the first one counts */
    hear(M_DRAINED);
    word(M_REFRESH); /* too late, and harmless */
    close(fd);
    cr_expect_eq(ended(), 0);
}

Test(serve, a_socket_for_a_section_that_is_not_there_is_closed)
{
    uint16_t port;
    int fd = listener(&port);
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    cr_assert(prepare(1, 1), "%s", why);
    listen_on(77, 0, fd, "tcp:one");
    committed();
    close(fd); /* ours; if theirs is closed too, nobody listens */
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(port)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_expect_neq(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    close(client);
    drained();
}

Test(serve, a_version_that_is_wrong_changes_nothing)
{
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    entry(1, "idle_time", "soon");
    cr_expect_not(prepare(1, 1), "taken");
    cr_expect(strstr(why, "a.ini:7"), "%s", why);
    word(M_ABANDON);
    section(1, "one");
    entry(1, "idle_time", "1m");
    cr_assert(prepare(1, 2), "%s", why);
    committed();
    section(1, "one");
    entry(1, "idle_time", "soon");
    cr_expect_not(prepare(1, 3), "taken");
    word(M_ABANDON);
    drained();
}

Test(serve, what_was_prepared_can_be_abandoned)
{
    uint16_t port;
    int fd = listener(&port);
    word(M_ABANDON); /* of nothing */
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    section(2, "two");
    cr_assert(prepare(1, 1), "%s", why);
    listen_on(1, 0, fd, "tcp:one");
    unlisten(1, "tcp:one");
    word(M_ABANDON);
    section(1, "one");
    cr_assert(prepare(1, 2), "%s", why);
    committed();
    section(1, "one");
    cr_assert(prepare(1, 3), "%s", why);
    word(M_ABANDON);
    close(fd);
    drained();
}

Test(serve, it_drains_before_it_has_begun)
{
    drain(UINT64_MAX, DRAIN_STOP); /* as long as it takes */
    hear(M_DRAINED);
    cr_expect_eq(ended(), 0);
}

Test(serve, the_end_of_the_channel_is_an_order_to_drain)
{
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    cr_assert(prepare(1, 1), "%s", why);
    committed();
    cr_expect_eq(ended(), 0);
}

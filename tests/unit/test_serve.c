/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_serve.c - serve.c: the life of a service, seen from the supervisor's end of its channel.
 *
 * The service runs on a thread over the real ring, as with --single; the test is the supervisor,
 * and a wrong one where it can be: then the service says so and ends.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "few_fds.h"
#include "message.h"
#include "service.h"

enum { PATIENCE_MS = 20000 };

static int channel = -1;
static pthread_t thread;
static struct service_start start;
static struct message got;
static struct message_out out;
static char why[256];

static void *run(void *user)
{
    return (void *)(intptr_t)service_main(user);
}

static void begin_with(uint32_t workers)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    channel = ends[0];
    start = (struct service_start){"unit", 1, workers, RING_AUTO, ends[1], -1, true};
    cr_assert_eq(pthread_create(&thread, NULL, run, &start), 0);
}

static void begin(void)
{
    begin_with(2);
}

TestSuite(serve, .init = begin, .timeout = 60);
TestSuite(serve_anew, .timeout = 60); /* begins several */

/* Its exit status. */
static int ended(void)
{
    void *status;
    if (channel >= 0) close(channel);
    channel = -1;
    cr_assert_eq(pthread_join(thread, &status), 0);
    return (int)(intptr_t)status;
}

static void hear(enum message_type type)
{
    struct pollfd fd = {.fd = channel, .events = POLLIN};
    int n;
    do {
        cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "it says nothing");
        n = message_receive(channel, &got, why, sizeof why);
    } while (n == 0);
    cr_assert_eq(n, 1, "%s", why);
    if (got.type == M_FATAL && type != M_FATAL) {
        gyre_view text = message_get_text(&got);
        cr_assert(false, "fatal: %.*s", (int)text.n, (const char *)text.p);
    }
    cr_assert_eq(got.type, type);
}

/* ---- what a supervisor says ---- */

static void tell(int fd)
{
    cr_assert(message_send(&out, channel, fd));
}

static void word(enum message_type type)
{
    message_begin(&out, type);
    tell(-1);
}

static void number(enum message_type type, uint64_t n)
{
    message_begin(&out, type);
    message_put_number(&out, n);
    tell(-1);
}

static void plugin(const char *name)
{
    char path[4200], self[4096] = "";
    cr_assert_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    snprintf(path, sizeof path, "%s/%s.so", dirname(self), name);
    message_begin(&out, M_PLUGIN);
    message_put_text(&out, gyre_str("the plugin"));
    message_put_text(&out, gyre_str(path));
    tell(-1);
}

static void section(uint64_t id, const char *name)
{
    message_begin(&out, M_SECTION);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(name));
    message_put_text(&out, GYRE_LIT("odd"));
    tell(-1);
}

static void entry(uint64_t id, const char *key, const char *value)
{
    message_begin(&out, M_ENTRY);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(key));
    message_put_text(&out, gyre_str(value));
    message_put_text(&out, GYRE_LIT("a.ini:7"));
    message_put_text(&out, GYRE_LIT("/etc"));
    tell(-1);
}

/* Asks for it; what it says is in why. */
static bool prepare(uint64_t id, uint64_t version)
{
    message_begin(&out, M_PREPARE);
    message_put_number(&out, id);
    message_put_number(&out, version);
    tell(-1);
    hear(M_PREPARED);
    cr_expect_eq(message_get_number(&got), id);
    cr_expect_eq(message_get_number(&got), version);
    bool ok = message_get_number(&got) == 1;
    gyre_view text = message_get_text(&got);
    snprintf(why, sizeof why, "%.*s", (int)text.n, (const char *)text.p);
    cr_expect(gyre_end(&got.in));
    return ok;
}

static void listen_on(uint64_t id, uint64_t worker, int fd, const char *text)
{
    message_begin(&out, M_LISTEN);
    message_put_number(&out, id);
    message_put_number(&out, worker);
    message_put_number(&out, 0);
    message_put_text(&out, gyre_str(text));
    tell(fd);
}

static void unlisten(uint64_t id, const char *text)
{
    message_begin(&out, M_UNLISTEN);
    message_put_number(&out, id);
    message_put_text(&out, gyre_str(text));
    tell(-1);
}

static int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void drained(void)
{
    number(M_DRAIN, 10000);
    hear(M_DRAINED);
    int64_t since = mono_ms();
    cr_expect_eq(ended(), 0);
    cr_expect_lt(mono_ms() - since, 900, "it waited for what had left already");
}

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
    number(M_DRAIN, 10000);
    number(M_DRAIN, 1); /* the first one counts */
    hear(M_DRAINED);
    word(M_REFRESH); /* too late, and harmless */
    close(fd);
    cr_expect_eq(ended(), 0);
}

/* The order to serve, while something is scarce: it serves, or says why not and leaves nothing. */
static bool commits_or_says(const char *what)
{
    struct pollfd fd = {.fd = channel, .events = POLLIN};
    word(M_COMMIT);
    cr_assert_eq(poll(&fd, 1, PATIENCE_MS), 1, "%s: it says nothing", what);
    leave_fds(-1);
    alloc_fail_at(0, false);
    cr_assert_eq(message_receive(channel, &got, why, sizeof why), 1, "%s", why);
    bool serving = got.type == M_COMMITTED;
    cr_expect(serving || got.type == M_FATAL, "%s: message %d", what, (int)got.type);
    cr_expect_eq(ended(), !serving, "%s", what);
    return serving;
}

static void begin_prepared(void)
{
    begin_with(3);
    plugin("tests/plugins/odd/WRITABLE");
    section(1, "one");
    cr_assert(prepare(1, 1), "%s", why);
}

Test(serve_anew, workers_without_descriptors)
{
    bool serving = false;
    size_t before = count_fds();
    for (int left = 0; !serving; left++) {
        cr_assert_lt(left, 40);
        begin_prepared();
        leave_fds(left);
        serving = commits_or_says("few descriptors");
        cr_expect_eq(count_fds(), before, "with %d left", left);
    }
}

Test(serve_anew, workers_without_memory)
{
    uint64_t live = alloc_live(), n = 0;
    do {
        cr_assert_lt(++n, 400);
        begin_prepared();
        alloc_reset();
        alloc_fail_at(n, false);
        (void)commits_or_says("no memory");
        cr_expect_eq(alloc_live(), live, "call %u", (unsigned)n);
    } while (alloc_failed());
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
    number(M_DRAIN, UINT64_MAX); /* as long as it takes */
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

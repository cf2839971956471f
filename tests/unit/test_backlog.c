/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_backlog.c - backlog.c: who waits for a service that is down for long is refused; for one
 * that comes or serves, nobody is.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor.h"

static struct socket_set set = {.n = 1};
static struct door door = {.sockets = &set};
static struct conf_section conf = {.name = (char *)"test", .plugin = (char *)"test"};
static struct instance instance = {.conf = &conf, .doors = &door, .doors_n = 1};
static struct instance *instances[] = {&instance};
static struct crew crew = {.name = "test", .instances = instances, .instances_n = 1};
static struct crew *crews[] = {&crew};
static struct plan plan = {.crews = crews, .crews_n = 1, .settings = {.breaker_refuse_ms = 1000}};
static struct service service;
static struct process process;
static struct supervisor s;
static struct pollfd fds[4];
static struct sockaddr_in at;

static void begin(void)
{
    service = (struct service){.name = "test", .restart_ms = INT64_MAX, .breaker = true,
                               .broken_ms = clock_ms() - 2000};
    s = (struct supervisor){.plan = &plan, .services = &service};
}

static void end(void)
{
    close(set.fds[0]);
}

TestSuite(backlog, .init = begin, .fini = end, .timeout = 30);

static void listen_with(int type)
{
    socklen_t n = sizeof at;
    at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    set.fds[0] = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(set.fds[0], (struct sockaddr *)&at, n), 0);
    cr_assert(type == SOCK_DGRAM || listen(set.fds[0], 128) == 0);
    cr_assert_eq(getsockname(set.fds[0], (struct sockaddr *)&at, &n), 0);
}

static int come(int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* As the loop does it. */
static void turn(void)
{
    size_t n = backlog_fds(&s, NULL, 0);
    cr_assert_leq(n, 4);
    n = backlog_fds(&s, fds, n);
    if (poll(fds, n, 0) > 0) backlog_turn(&s, fds, n);
}

Test(backlog, who_waits_is_reset)
{
    char byte;
    int clients[100];
    listen_with(SOCK_STREAM);
    int flags = fcntl(set.fds[0], F_GETFL);
    for (int i = 0; i < 100; i++) clients[i] = come(SOCK_STREAM);
    cr_expect(backlog_refuses(&s, &service));
    turn();
    turn(); /* not all at once */
    for (int i = 0; i < 100; i++) {
        cr_expect_eq(recv(clients[i], &byte, 1, 0), -1);
        cr_expect_eq(errno, ECONNRESET);
        close(clients[i]);
    }
    cr_expect_eq(fcntl(set.fds[0], F_GETFL), flags, "the socket is as it was");
    turn();
}

Test(backlog, datagrams_are_dropped)
{
    char byte;
    listen_with(SOCK_DGRAM);
    int client = come(SOCK_DGRAM);
    for (int i = 0; i < 3; i++) cr_assert_eq(send(client, "hello", 5, 0), 5);
    turn();
    cr_expect_eq(recv(set.fds[0], &byte, 1, MSG_DONTWAIT), -1);
    close(client);
}

Test(backlog, it_waits_for_its_time)
{
    listen_with(SOCK_STREAM);
    service.broken_ms = 0;
    cr_expect_not(backlog_refuses(&s, &service));
    cr_expect_geq(backlog_deadline(&s), clock_ms() + 500);
    cr_expect_leq(backlog_deadline(&s), clock_ms() + 1000);
    cr_expect_eq(backlog_fds(&s, NULL, 0), 0);
    cr_expect_eq(backlog_fds(&s, fds, 0), 0);
    service.broken_ms -= 2000;
    cr_expect_eq(backlog_fds(&s, NULL, 0), 1);
    cr_expect_eq(backlog_fds(&s, fds, 0), 0, "it began between two calls");
    cr_expect_eq(backlog_deadline(&s), INT64_MAX);
}

Test(backlog, for_one_that_comes_or_serves_nobody_is_refused)
{
    listen_with(SOCK_STREAM);
    service.coming = &process;
    cr_expect_not(backlog_refuses(&s, &service));
    service.coming = NULL;
    service.live = &process;
    cr_expect_not(backlog_refuses(&s, &service));
    service.live = NULL;
    cr_expect(backlog_refuses(&s, &service));
    s.stopping = true;
    cr_expect_not(backlog_refuses(&s, &service));
    s.stopping = false;
    plan.settings.breaker_refuse_ms = GYRE_NEVER;
    cr_expect_not(backlog_refuses(&s, &service));
    plan.settings.breaker_refuse_ms = 1000;
    service.breaker = false;
    cr_expect_not(backlog_refuses(&s, &service));
    cr_expect_eq(service.broken_ms, 0, "the next time it begins anew");
    service.held = true;
    cr_expect_not(backlog_refuses(&s, &service));
    cr_expect_neq(service.broken_ms, 0);
}

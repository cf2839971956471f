/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_sockets.c - sockets.c and owner.c: what the server listens on, and who has it already.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "conf_folder.h"
#include "few_fds.h"
#include "supervisor.h"

static struct socket_set *all;
static struct endpoint e;
static char why[512];

static void end(void)
{
    sockets_close_unkept(&all);
    cr_expect_null(all);
    conf_end();
}

TestSuite(sockets, .init = conf_begin, .fini = end);

/* "tcp:127.0.0.1:PORT", with a port that is free, into e. */
static void endpoint_at(const char *before)
{
    struct endpoint two[2];
    char text[160];
    for (unsigned port = 40000 + (unsigned)getpid() % 20000; port < 65535; port++) {
        snprintf(text, sizeof text, "%s:%u", before, port);
        cr_assert_eq(endpoint_listen(text, two, why, sizeof why), 1, "%s", why);
        e = two[0];
        struct socket_set *probe = NULL;
        if (!sockets_open(&probe, &e, 1, why, sizeof why)) continue;
        sockets_close_unkept(&probe);
        return;
    }
    cr_assert(false, "no port is free: %s", why);
}

static void path_at(const char *path)
{
    struct endpoint two[2];
    char text[160];
    snprintf(text, sizeof text, "unix:%s/%s", conf, path);
    cr_assert_eq(endpoint_listen(text, two, why, sizeof why), 1, "%s", why);
    e = two[0];
}

static void expect_refused(const char *because)
{
    size_t before = count_fds();
    cr_expect_null(sockets_open(&all, &e, 1, why, sizeof why), "%s was opened", e.text);
    cr_expect(strstr(why, because), "%s: %s", e.text, why);
    cr_expect_eq(count_fds(), before);
}

Test(sockets, one_for_each_worker)
{
    endpoint_at("tcp:127.0.0.1");
    struct socket_set *set = sockets_open(&all, &e, 2, why, sizeof why);
    cr_assert_not_null(set, "%s", why);
    cr_expect_eq(set->n, 2);
    sockets_grow(set, 5);
    cr_expect_eq(set->n, 5);
    sockets_grow(set, 3);
    cr_expect_eq(set->n, 5, "fewer workers: the sockets stay, for their queues");
    sockets_grow(set, LIMIT_WORKERS + 1);
    cr_expect_eq(set->n, LIMIT_WORKERS);
    cr_expect_eq(sockets_find(all, e.text), set);
    cr_expect_null(sockets_find(all, "tcp:127.0.0.1:1"));
}

Test(sockets, only_what_is_kept_stays)
{
    endpoint_at("tcp:127.0.0.1");
    struct socket_set *first = sockets_open(&all, &e, 1, why, sizeof why);
    cr_assert_not_null(first);
    endpoint_at("udp:127.0.0.1");
    cr_assert_not_null(sockets_open(&all, &e, 1, why, sizeof why));
    first->keep = true;
    sockets_close_unkept(&all);
    cr_expect_eq(all, first);
    cr_expect_null(all->next);
    cr_expect_not(first->keep, "asked anew each time");
}

static void *let_go(void *fd)
{
    (void)poll(NULL, 0, 30);
    close(*(int *)fd);
    return NULL;
}

/* A section is taken out and put back: its service still holds the socket, for a moment. */
Test(sockets, a_port_that_is_about_to_be_let_go)
{
    pthread_t service;
    endpoint_at("tcp:127.0.0.1");
    struct socket_set *set = sockets_open(&all, &e, 1, why, sizeof why);
    cr_assert_not_null(set, "%s", why);
    int held = dup(set->fds[0]);
    sockets_close_unkept(&all);
    cr_assert_eq(pthread_create(&service, NULL, let_go, &held), 0);
    cr_expect_not_null(sockets_open(&all, &e, 1, why, sizeof why), "%s", why);
    cr_assert_eq(pthread_join(service, NULL), 0);
}

Test(sockets, who_has_the_port)
{
    static const char *const kinds[] = {"tcp:127.0.0.1", "udp:127.0.0.1", "tcp:[::1]", "udp:[::1]"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        endpoint_at(kinds[i]);
        cr_assert_not_null(sockets_open(&all, &e, 1, why, sizeof why), "%s", why);
        expect_refused("taken by another section of this Gyre");
    }
}

Test(sockets, a_port_of_another_process)
{
    int ready[2];
    char word;
    endpoint_at("udp:127.0.0.1");
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        if (sockets_open(&all, &e, 1, why, sizeof why) && write(ready[1], "x", 1) != 1) _exit(1);
        (void)pause();
        _exit(0);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &word, 1), 1);
    expect_refused("taken by");
    char pid[32];
    snprintf(pid, sizeof pid, "(pid %d)", (int)child);
    cr_expect(strstr(why, pid), "%s", why);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
}

Test(sockets, the_least_it_says_is_taken)
{
    endpoint_at("tcp:127.0.0.1"); /* nobody has it */
    owner_of_port(&e, why, sizeof why);
    cr_expect_str_eq(why, "taken");
    path_at("x");
    owner_of_port(&e, why, sizeof why);
    cr_expect_str_eq(why, "taken");
}

Test(sockets, an_address_that_this_machine_does_not_have)
{
    struct endpoint two[2];
    cr_assert_eq(endpoint_listen("tcp:192.0.2.1:9", two, why, sizeof why), 1);
    e = two[0];
    expect_refused("this machine does not have that address");
}

Test(sockets, a_low_port_needs_a_right)
{
    int first = 0;
    struct endpoint two[2];
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (f && fscanf(f, "%d", &first) != 1) first = 0;
    if (f) fclose(f);
    if (first <= 7 || geteuid() != 0) return; /* here it needs none, or we have none to give up */
    cr_assert_eq(endpoint_listen("tcp:127.0.0.1:7", two, why, sizeof why), 1);
    e = two[0];
    pid_t child = fork();
    if (child == 0) {
        if (setresuid(65534, 65534, 65534) != 0) _exit(2);
        bool opened = sockets_open(&all, &e, 1, why, sizeof why) != NULL;
        _exit(opened || !strstr(why, "needs root, or CAP_NET_BIND_SERVICE"));
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}

/* ---- paths ---- */

Test(sockets, a_path_is_one_socket_for_all_workers)
{
    struct stat st;
    path_at("s");
    struct socket_set *set = sockets_open(&all, &e, 4, why, sizeof why);
    cr_assert_not_null(set, "%s", why);
    cr_expect_eq(set->n, 1);
    cr_expect_eq(stat("s", &st), 0);
    sockets_close_unkept(&all);
    cr_expect_neq(stat("s", &st), 0, "its file goes with it");
}

Test(sockets, a_path_of_a_server_that_lives)
{
    path_at("s");
    cr_assert_not_null(sockets_open(&all, &e, 1, why, sizeof why), "%s", why);
    expect_refused("taken: another server listens there");
}

Test(sockets, a_path_of_a_server_that_is_gone)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "s"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    path_at("s");
    cr_expect_not_null(sockets_open(&all, &e, 1, why, sizeof why), "%s", why);
}

Test(sockets, a_path_that_is_something_else)
{
    struct stat st;
    file("s", "precious");
    path_at("s");
    expect_refused("is there, and is no socket");
    cr_expect_eq(stat("s", &st), 0, "it was removed");
    path_at("none/s");
    expect_refused("No such file or directory");
}

/* ---- datagrams of a wildcard know where they came to ---- */

Test(sockets, datagrams_of_a_wildcard_bring_their_address)
{
    int on = 0;
    socklen_t n = sizeof on;
    struct endpoint two[2];
    endpoint_at("udp:127.0.0.1");
    unsigned port = ntohs(e.address.in4.sin_port);
    char text[64];
    snprintf(text, sizeof text, "udp:*:%u", port);
    cr_assert_eq(endpoint_listen(text, two, why, sizeof why), 2, "%s", why);
    for (int i = 0; i < 2; i++) {
        bool six = two[i].address.any.sa_family == AF_INET6;
        struct socket_set *set = sockets_open(&all, &two[i], 1, why, sizeof why);
        cr_assert_not_null(set, "%s", why);
        int level = six ? IPPROTO_IPV6 : IPPROTO_IP, name = six ? IPV6_RECVPKTINFO : IP_PKTINFO;
        cr_assert_eq(getsockopt(set->fds[0], level, name, &on, &n), 0);
        cr_expect(on);
    }
}

/* ---- no descriptors ---- */

Test(sockets, without_descriptors)
{
    static const char *const kinds[] = {"tcp:127.0.0.1", "udp:[::1]"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        endpoint_at(kinds[i]);
        size_t before = count_fds();
        for (int left = 0; left < 3; left++) {
            leave_fds(left);
            struct socket_set *set = sockets_open(&all, &e, 3, why, sizeof why);
            leave_fds(-1);
            cr_expect_null(set, "%d descriptors are enough for three sockets", left);
            cr_expect(strstr(why, "Too many open files"), "%s", why);
            cr_expect_eq(count_fds(), before, "%d", left);
        }
        struct socket_set *set = sockets_open(&all, &e, 2, why, sizeof why);
        cr_assert_not_null(set, "%s", why);
        leave_fds(1);
        sockets_grow(set, 9);
        leave_fds(-1);
        cr_expect_eq(set->n, 3, "those that were to be had are kept");
    }
}

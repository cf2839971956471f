/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_endpoint.c - endpoint.c: what is listened on and dialled, and every way to write it wrong.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "config.h"

struct listening {
    struct endpoint ends[2];
    size_t n;
    char why[PROBLEM_TEXT];
};

static struct listening listening(const char *text)
{
    struct listening l = {.why = ""};
    l.n = endpoint_listen(text, l.ends, l.why, sizeof l.why);
    return l;
}

static void expect_refused(const char *text, const char *why)
{
    struct listening l = listening(text);
    cr_expect_eq(l.n, 0, "'%s' was taken", text);
    cr_expect_str_eq(l.why, why, "'%s': %s", text, l.why);
}

Test(endpoint, ipv4)
{
    struct listening l = listening("tcp:127.0.0.1:8080");
    cr_assert_eq(l.n, 1);
    cr_expect_eq(l.ends[0].kind, ENDPOINT_TCP);
    cr_expect_str_eq(l.ends[0].text, "tcp:127.0.0.1:8080");
    cr_expect_eq(l.ends[0].address.any.sa_family, AF_INET);
    cr_expect_eq(l.ends[0].address.in4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    cr_expect_eq(l.ends[0].address.in4.sin_port, htons(8080));
    cr_expect_eq(l.ends[0].address_n, sizeof(struct sockaddr_in));
}

Test(endpoint, ipv6_has_one_spelling)
{
    const char *const same[] = {"udp:[2001:db8::1]:53", "udp:[2001:DB8:0:0:0:0:0:1]:53",
                                "udp:[2001:0db8::0001]:0053"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct listening l = listening(same[i]);
        cr_assert_eq(l.n, 1, "%s: %s", same[i], l.why);
        cr_expect_eq(l.ends[0].kind, ENDPOINT_UDP);
        cr_expect_str_eq(l.ends[0].text, "udp:[2001:db8::1]:53");
        cr_expect_eq(l.ends[0].address.in6.sin6_family, AF_INET6);
        cr_expect_eq(l.ends[0].address.in6.sin6_port, htons(53));
        cr_expect_eq(l.ends[0].address_n, sizeof(struct sockaddr_in6));
    }
    cr_expect_str_eq(listening("tcp:[::]:1").ends[0].text, "tcp:[::]:1");
    cr_expect_str_eq(listening("tcp:[fe80::1%lo]:65535").ends[0].text, "tcp:[fe80::1%lo]:65535");
    cr_expect_neq(listening("tcp:[fe80::1%lo]:65535").ends[0].address.in6.sin6_scope_id, 0);
}

Test(endpoint, star_and_localhost_are_two)
{
    struct listening l = listening("tcp:*:80");
    cr_assert_eq(l.n, 2);
    cr_expect_str_eq(l.ends[0].text, "tcp:0.0.0.0:80");
    cr_expect_str_eq(l.ends[1].text, "tcp:[::]:80");
    l = listening("udp:localhost:53");
    cr_assert_eq(l.n, 2);
    cr_expect_eq(l.ends[1].kind, ENDPOINT_UDP);
    cr_expect_str_eq(l.ends[0].text, "udp:127.0.0.1:53");
    cr_expect_str_eq(l.ends[1].text, "udp:[::1]:53");
}

Test(endpoint, unix_path)
{
    char text[160] = "unix:/", why[PROBLEM_TEXT];
    struct listening l = listening("unix:/run/a b:c.sock");
    cr_assert_eq(l.n, 1);
    cr_expect_str_eq(l.ends[0].text, "unix:/run/a b:c.sock");
    cr_expect_str_eq(l.ends[0].address.un.sun_path, "/run/a b:c.sock");
    cr_expect_eq(l.ends[0].address_n,
                 offsetof(struct sockaddr_un, sun_path) + strlen("/run/a b:c.sock") + 1);
    memset(text + 6, 'x', 106);
    cr_assert_eq(endpoint_listen(text, l.ends, why, sizeof why), 1, "%s", why);
    cr_expect_eq(strlen(l.ends[0].text), 5 + 107, "the longest path is not cut");
    text[112] = 'x';
    expect_refused(text, "the path is too long for a socket: at most 107 bytes");
}

Test(endpoint, wrong_kind)
{
    const char *const why = "not an endpoint; write tcp:HOST:PORT, udp:HOST:PORT or unix:/path";
    expect_refused("", why);
    expect_refused("8080", why);
    expect_refused("TCP:127.0.0.1:80", why);
    expect_refused("tcp", why);
    expect_refused("http://127.0.0.1:80", why);
    expect_refused(":127.0.0.1:80", why);
    expect_refused(" tcp:127.0.0.1:80", why);
}

Test(endpoint, wrong_host)
{
    const char *const why = "the host must be an IPv4 address, an [IPv6] address, localhost or *: "
                            "write tcp:127.0.0.1:80 or tcp:*:80";
    expect_refused("tcp:example.org:80", why);
    expect_refused("tcp:127.0.0.1 :80", why);
    expect_refused("tcp:127.1:80", why);
    expect_refused("tcp:127.0.0.256:80", why);
    expect_refused("tcp:127.000.000.001.000.000.000.000.000.000.000.000.000.000.000.000.0:80", why);
    expect_refused("tcp::80", "the host is missing: tcp:HOST:PORT");
    expect_refused("udp:", "the host is missing: udp:HOST:PORT");
    expect_refused("tcp:::1:80", "an IPv6 address stands in brackets: tcp:[::1]:8080");
    expect_refused("tcp:fe80::1:80", "an IPv6 address stands in brackets: tcp:[::1]:8080");
    expect_refused("tcp:[::1:80", "no ']' ends the IPv6 address");
    expect_refused("tcp:[::1]80", "after ']' comes the port: tcp:[::1]:8080");
    expect_refused("tcp:[::ffff:127.0.0.1]:80", "write the IPv4 address as such");
    const char *const why6 = "not an IPv6 address of this machine: write tcp:[::]:80, or "
                             "tcp:[fe80::1%eth0]:80";
    expect_refused("tcp:[*]:80", why6);
    expect_refused("tcp:[localhost]:80", why6);
    expect_refused("tcp:[127.0.0.1]:80", why6);
    expect_refused("tcp:[fe80::1%no-such]:80", why6);
    expect_refused("tcp:[:::]:80", why6);
}

Test(endpoint, wrong_port)
{
    const char *const why = "the port must be a number from 1 to 65535";
    expect_refused("tcp:127.0.0.1", "the port is missing: tcp:HOST:PORT");
    expect_refused("tcp:127.0.0.1:", "the port is missing: tcp:HOST:PORT");
    expect_refused("tcp:[::1]", "the port is missing: tcp:HOST:PORT");
    expect_refused("tcp:[::1]:", "the port is missing: tcp:HOST:PORT");
    expect_refused("tcp:127.0.0.1:0", why);
    expect_refused("tcp:127.0.0.1:65536", why);
    expect_refused("tcp:127.0.0.1:18446744073709551617", why);
    expect_refused("tcp:127.0.0.1:http", why);
    expect_refused("tcp:127.0.0.1:80 ", why);
    expect_refused("tcp:[::1]:-1", why);
}

Test(endpoint, wrong_path)
{
    expect_refused("unix:", "the path must begin with /: unix:/run/name");
    expect_refused("unix:run/a", "the path must begin with /: unix:/run/name");
    expect_refused("unix:@abstract", "the path must begin with /: unix:/run/name");
    expect_refused("unix:/a\nb", "the path has control characters");
}

/* "kind host port", or "!why". */
static const char *dial(gyre_view text)
{
    static char said[PROBLEM_TEXT + 300];
    enum endpoint_kind kind = ENDPOINT_TCP;
    char host[256] = "", why[PROBLEM_TEXT] = "";
    uint16_t port = 0;
    if (endpoint_dial(text, &kind, host, &port, why, sizeof why))
        snprintf(said, sizeof said, "%d %s %u", (int)kind, host, port);
    else
        snprintf(said, sizeof said, "!%s", why);
    return said;
}

Test(endpoint, dial)
{
    cr_expect_str_eq(dial(GYRE_LIT("tcp:example.org:80")), "0 example.org 80");
    cr_expect_str_eq(dial(GYRE_LIT("udp:_sip._udp.a-b.example.:5060")),
                     "1 _sip._udp.a-b.example. 5060");
    cr_expect_str_eq(dial(GYRE_LIT("tcp:10.0.0.1:1")), "0 10.0.0.1 1");
    cr_expect_str_eq(dial(GYRE_LIT("tcp:[2001:db8::1]:1")), "0 2001:db8::1 1");
    cr_expect_str_eq(dial(GYRE_LIT("tcp:localhost:1")), "0 localhost 1");
    cr_expect_str_eq(dial(GYRE_LIT("unix:/run/x")), "2 /run/x 0");
}

Test(endpoint, dial_refuses)
{
    const char *const why = "!the host must be a name, an IPv4 address or an [IPv6] address";
    cr_expect_str_eq(dial(GYRE_LIT("tcp:*:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:a..b:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:.a:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:a b:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:a\0b:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:1.2.3:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:1.2.3.256:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:[example.org]:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("tcp:[::1\0]:80")), why);
    cr_expect_str_eq(dial(GYRE_LIT("unix:/a\0b")), "!the path has control characters");
    cr_expect_str_eq(dial(GYRE_LIT("tcp:a:0")), "!the port must be a number from 1 to 65535");
    cr_expect_str_eq(dial(GYRE_NOTHING),
                     "!not an endpoint; write tcp:HOST:PORT, udp:HOST:PORT or unix:/path");
}

Test(endpoint, dial_names_of_any_length)
{
    char text[400] = "tcp:";
    for (size_t n = 1; n < 300; n++) {
        memset(text + 4, 'a', n);
        memcpy(text + 4 + n, ":80", 4);
        cr_expect_eq(dial(gyre_str(text))[0] == '0', n <= 253, "%zu", n);
    }
}

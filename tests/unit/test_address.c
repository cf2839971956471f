/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_address.c - address.c: addresses to and fro, and the count of each.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "core.h"

static gyre_addr there_and_back(const char *ip, uint16_t port, uint32_t scope)
{
    union ring_address a = {.any = {0}};
    gyre_addr out;
    if (strchr(ip, ':')) {
        a.in6.sin6_family = AF_INET6;
        a.in6.sin6_port = htons(port);
        a.in6.sin6_scope_id = scope;
        cr_assert_eq(inet_pton(AF_INET6, ip, &a.in6.sin6_addr), 1);
    } else {
        a.in4.sin_family = AF_INET;
        a.in4.sin_port = htons(port);
        cr_assert_eq(inet_pton(AF_INET, ip, &a.in4.sin_addr), 1);
    }
    cr_assert(address_from(&a.any, &out));
    return out;
}

static void expect_text(const char *ip, uint16_t port, const char *want)
{
    gyre_addr a = there_and_back(ip, port, 0);
    char text[64];
    address_text(&a, text, sizeof text);
    cr_expect_str_eq(text, want);
}

Test(address, from_the_kernel)
{
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
    gyre_addr a = there_and_back("192.0.2.1", 80, 0);
    cr_expect_arr_eq(a.ip, v4, 16);
    cr_expect_eq(a.port, 80);
    cr_expect_eq(a.zero, 0);
    cr_expect_eq(a.scope, 0);
    cr_expect(address_is_v4(&a));
    a = there_and_back("2001:db8::1", 443, 0);
    cr_expect_not(address_is_v4(&a));
    cr_expect_eq(there_and_back("fe80::1", 1, 7).scope, 7);
    /* a mapped address of a v6 socket is the same as the plain one */
    gyre_addr mapped = there_and_back("::ffff:192.0.2.1", 80, 0);
    gyre_addr plain = there_and_back("192.0.2.1", 80, 0);
    cr_expect_arr_eq(&mapped, &plain, sizeof plain);
    struct sockaddr none = {.sa_family = AF_UNIX};
    cr_expect_not(address_from(&none, &a));
}

Test(address, to_the_kernel)
{
    union ring_address to;
    gyre_addr a = there_and_back("192.0.2.1", 80, 0);
    cr_expect_eq(address_to(&a, true, &to), sizeof to.in4);
    cr_expect_eq(to.in4.sin_family, AF_INET);
    cr_expect_eq(ntohs(to.in4.sin_port), 80);
    cr_expect_eq(to.in4.sin_addr.s_addr, inet_addr("192.0.2.1"));
    cr_expect_eq(address_to(&a, false, &to), sizeof to.in6);
    cr_expect_eq(to.in6.sin6_family, AF_INET6);
    cr_expect_arr_eq(&to.in6.sin6_addr, a.ip, 16);
    a = there_and_back("fe80::1", 9, 3);
    (void)address_to(&a, false, &to);
    cr_expect_eq(to.in6.sin6_scope_id, 3);
}

Test(address, as_text)
{
    gyre_addr none = {.ip = {0}};
    char text[64], tiny[8];
    expect_text("192.0.2.1", 4711, "192.0.2.1:4711");
    expect_text("2001:db8::1", 4711, "[2001:db8::1]:4711");
    expect_text("::", 65535, "[::]:65535");
    address_text(&none, text, sizeof text);
    cr_expect_str_eq(text, "unix:");
    none = there_and_back("192.0.2.1", 80, 0);
    address_text(&none, tiny, sizeof tiny);
    cr_expect_str_eq(tiny, "192.0.2");
}

/* ---- counting ---- */

static struct section s;

static void begin(void)
{
    s.addresses = addresses_make();
    cr_assert_not_null(s.addresses);
}

static void end(void)
{
    addresses_free(s.addresses);
}

TestSuite(address_count, .init = begin, .fini = end);

static const gyre_addr *ip_of(uint32_t n)
{
    static gyre_addr a = {.ip = {0x20, 1, 0xd, 0xb8}};
    memcpy(a.ip + 12, &n, sizeof n);
    return &a;
}

Test(address_count, no_more_than_most)
{
    cr_expect(address_take(&s, ip_of(1), 2));
    cr_expect(address_take(&s, ip_of(1), 2));
    cr_expect_not(address_take(&s, ip_of(1), 2));
    cr_expect(address_take(&s, ip_of(2), 2), "another address");
    cr_expect(address_take(&s, ip_of(1), 3), "a larger limit, of a newer version");
    address_give(&s, ip_of(1));
    address_give(&s, ip_of(1));
    cr_expect(address_take(&s, ip_of(1), 2));
    cr_expect_not(address_take(&s, ip_of(1), 2));
}

Test(address_count, many_addresses)
{
    enum { MANY = 20000 };
    for (uint32_t i = 0; i < MANY; i++) cr_assert(address_take(&s, ip_of(i), 2), "number %u", i);
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert(address_take(&s, ip_of(i), 2), "number %u is lost", i);
        cr_assert_not(address_take(&s, ip_of(i), 2), "number %u", i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        address_give(&s, ip_of(i));
        address_give(&s, ip_of(i));
    }
    for (uint32_t i = 0; i < MANY; i++) cr_assert(address_take(&s, ip_of(i), 1));
}

/* Addresses that come once and go leave nothing behind: the table would grow without an end, or
 * its search would never. */
Test(address_count, a_million_passers_by)
{
    cr_expect(address_take(&s, ip_of(0), 1));
    for (uint32_t i = 1; i < 1000000; i++) {
        cr_assert(address_take(&s, ip_of(i), 1), "number %u", i);
        address_give(&s, ip_of(i));
    }
    cr_expect_not(address_take(&s, ip_of(0), 1));
    address_give(&s, ip_of(0));
    cr_expect(address_take(&s, ip_of(0), 1));
}

static void *come_and_go(void *arg)
{
    uint32_t from = *(uint32_t *)arg;
    gyre_addr a = {.port = 1};
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t n = from + i % 300;
        memcpy(a.ip, &n, sizeof n);
        if (!address_take(&s, &a, 1)) return arg;
        address_give(&s, &a);
    }
    return NULL;
}

Test(address_count, two_threads)
{
    pthread_t threads[2];
    uint32_t from[2] = {1000, 5000};
    void *lost;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, come_and_go, &from[i]), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pthread_join(threads[i], &lost), 0);
        cr_expect_null(lost);
    }
}

Test(address_count, given_twice_is_a_bug, .signal = SIGABRT)
{
    cr_assert(address_take(&s, ip_of(1), 1));
    address_give(&s, ip_of(1));
    address_give(&s, ip_of(1));
}

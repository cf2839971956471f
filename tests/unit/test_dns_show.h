/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dns_show.h - zones from text, questions, and answers as text: what the tests of dns share.
 */
#ifndef TEST_DNS_SHOW_H
#define TEST_DNS_SHOW_H

#include "plugins/dns/answer.h"
#include "plugins/dns/builder.h"

/* realloc and free, counting blocks; fails when dns_blocks_fail counts down to 0. */
extern long dns_blocks, dns_blocks_fail;
void *dns_test_memory(void *old, size_t n);

/* Compiles zones: pairs of name and text, ended by NULL. Troubles as text go to why (an array of
 * DNS_WHY bytes). false: there were some, or no memory. */
enum { DNS_WHY = 4096 };
bool dns_test_zones(struct dns_zones *, char why[DNS_WHY], ...) __attribute__((sentinel));

/* A question in wire form: "www.example.test", DNS_A; edns_size 0: without EDNS. */
size_t dns_test_question(uint8_t out[600], const char *name, uint16_t type, uint16_t edns_size);

/* The answer to any message as text, in a static buffer. "" is silence; "BROKEN …": its form is
 * wrong. A line for each record:
 *   NOERROR aa tc              flags that are set, among aa tc rd cd
 *   ? www.example.test. A
 *   = www.example.test. 3600 A 192.0.2.1        then ! for authority, + for additional
 *   edns 1232 do */
const char *dns_test_answer(const struct dns_zones *, gyre_view message, size_t udp_max);

/* The same for a name and type, with EDNS and room enough. */
const char *dns_test_ask(const struct dns_zones *, const char *name, uint16_t type);

/* Appends "MX" or "TYPE999". */
void dns_test_type(gyre_out *, uint16_t number);

/* An answer in wire form as text. */
const char *dns_test_show(gyre_view answer);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * promises.c - the section that each plugin has under the fuzzer, and how much it may say.
 *
 * The amounts are what the protocol needs, rounded up; a plugin that says more can be made an
 * amplifier. Paths are of the checkout: programs run at its root.
 */
#include "world.h"

static const struct promise promises[] = {
    {"echo", .options = {NULL}, .low = {"message_max", "64", NULL}, .a_byte = 1},
    {"discard", .options = {NULL}, .low = {"message_max", "64", NULL}},
    /* one line for a connection, one for a datagram */
    {"daytime", .options = {NULL}, .low = {NULL}, .a_connection = 48, .a_message = 48},
    /* ann.txt with CRLF, and then the connection is closed; or a word when it took too long */
    {"finger", .options = {"users", "plugins/finger/people", NULL},
     .low = {"message_max", "16", NULL}, .a_connection = 100},
    /* a greeting, and to each of three others that it came and went; help is the longest answer; a
     * line to each of three others with a nick before it */
    {"chat", .options = {"motd", "Hello.", NULL}, .low = {"message_max", "32", "idle", "10s", NULL},
     .a_connection = 512, .a_message = 256, .a_byte = 3},
    /* the longest answers are those of the zone's own name to ANY, with what they need beside */
    {"dns", .options = {"zones", "plugins/dns/zones", "zone", "example.test", NULL},
     .low = {"message_max", "64", "udp_max", "512", NULL}, .a_message = 700},
    /* a head and the largest file, or what is not there; several ranges have heads of their own */
    {"http", .options = {"root", "plugins/http/www", NULL},
     .low = {"message_max", "256", NULL}, .a_connection = 1024, .a_message = 8192},
    /* a plugin that breaks each promise when it is told to: tests/plugins/planted.c */
    {"planted", .options = {NULL}, .low = {NULL}, .a_connection = 64, .a_message = 64,
     .a_byte = 1},
};

const struct promise *promise_of(const char *plugin)
{
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++)
        if (!strcmp(promises[i].plugin, plugin)) return &promises[i];
    return NULL;
}

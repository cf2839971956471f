/* SPDX-License-Identifier: GPL-3.0-or-later
 * base.c - what a world needs whatever stands behind it: its last word, randomness, addresses,
 * the names of faults.
 */
#include "base.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void (*on_wrong)(const char *);

void sim_on_wrong(void (*f)(const char *))
{
    on_wrong = f;
}

void sim_wrong(const char *fmt, ...)
{
    char what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (on_wrong) on_wrong(what);
    fprintf(stderr, "sim: %s\n", what);
    abort();
}

void *sim_need(void *p)
{
    if (!p) sim_wrong("no memory");
    return p;
}

unsigned sim_patience(void)
{
    enum { MOST = 100 };
    const char *text = getenv("PATIENCE");
    unsigned long times = text ? strtoul(text, NULL, 10) : 1;
    if (times < 1) return 1;
    return times < MOST ? (unsigned)times : MOST;
}

/* splitmix64: every seed gives a good row. */
uint64_t sim_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

bool sim_address(const char *text, gyre_addr *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    size_t n = colon ? (size_t)(colon - text) : 0;
    memset(out, 0, sizeof *out);
    if (!n || n >= sizeof host || !gyre_dec(gyre_str(colon + 1), 65535, &port)) return false;
    bool six = text[0] == '[' && text[n - 1] == ']';
    memcpy(host, text + six, n - 2 * six);
    host[n - 2 * six] = 0;
    out->port = (uint16_t)port;
    if (six) return inet_pton(AF_INET6, host, out->ip) == 1;
    memset(out->ip + 10, 0xff, 2);
    return inet_pton(AF_INET, host, out->ip + 12) == 1;
}

const char *sim_fault_name(enum sim_fault f)
{
    static const char *const names[FAULT_KINDS] = {
        [FAULT_SHORT_READ] = "short read", [FAULT_SHORT_WRITE] = "short write",
        [FAULT_NO_BUFFERS] = "no buffers", [FAULT_ACCEPT_ENDS] = "accept ends",
        [FAULT_RECV_ENDS] = "recv ends", [FAULT_CANCEL_RACE] = "cancel races success",
        [FAULT_QUEUE_FULL] = "completion queue full", [FAULT_NO_FDS] = "no descriptors",
        [FAULT_ABORTED] = "connection aborted", [FAULT_REORDERED] = "reordered",
        [FAULT_LATE] = "late", [FAULT_SEND_ERROR] = "send fails", [FAULT_AGAIN] = "again",
        [FAULT_CONNECT] = "connect fails", [FAULT_EMIT] = "datagram refused",
        [FAULT_LOST] = "datagram lost", [FAULT_DATAGRAM_CUT] = "datagram cut",
        [FAULT_FILE_SHORT] = "short file read", [FAULT_FILE_ERROR] = "file error",
        [FAULT_WATCH_LOST] = "file changes lost", [FAULT_RESET] = "reset by peer",
        [FAULT_HALF_CLOSE] = "half-close", [FAULT_SLOW] = "slow reader",
        [FAULT_STALLED] = "stalled reader", [FAULT_CLOCK] = "clock jump",
        [FAULT_MEMORY] = "allocation fails", [FAULT_CRASH] = "crash", [FAULT_RELOAD] = "reload",
        [FAULT_DRAIN] = "drain"};
    return names[f];
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * jail_report.c - what closes a service in, as the service tells it to the supervisor: rows of a
 * key and some words (M_JAILED).
 *
 * Each row comes from what was handed to the kernel, or from what the kernel answers now, not from
 * what was planned. Called once, after jail_close.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jail.h"
#include "message.h"

static void put(struct message_out *out, const char *key, uint64_t words)
{
    message_put_text(out, gyre_str(key));
    message_put_number(out, words);
}

static void put_one(struct message_out *out, const char *key, const char *word)
{
    put(out, key, 1);
    message_put_text(out, gyre_str(word));
}

/* Names that come one after another until NULL. */
static void put_names(struct message_out *out, const char *key,
                      const char *(*name)(uint32_t what, size_t i), uint32_t what)
{
    uint64_t n = 0;
    while (name(what, (size_t)n)) n++;
    put(out, key, n);
    for (size_t i = 0; i < n; i++) message_put_text(out, gyre_str(name(what, i)));
}

static void put_user(struct message_out *out, const struct jail *j)
{
    char text[64];
    (void)snprintf(text, sizeof text, "uid %lu", (unsigned long)geteuid());
    put(out, "user", 2);
    message_put_text(out, gyre_str(text));
    (void)snprintf(text, sizeof text, "gid %lu", (unsigned long)getegid());
    message_put_text(out, gyre_str(text));
    put_one(out, "new_privileges", j->no_privileges ? "never" : "possible");
    (void)snprintf(text, sizeof text, "%llx", (unsigned long long)j->capabilities);
    put_one(out, "capabilities", j->capabilities ? text : "none");
}

static void put_ports(struct message_out *out, const struct jail *j)
{
    char text[16];
    if (j->grants & JAIL_ANY_PORT) {
        put_one(out, "ports", "any");
        return;
    }
    put(out, "ports", j->ports_n);
    for (size_t i = 0; i < j->ports_n; i++) {
        (void)snprintf(text, sizeof text, "%u", j->ports[i]);
        message_put_text(out, gyre_str(text));
    }
}

static void put_limits(struct message_out *out, const struct jail *j)
{
    put(out, "limits", 1u + j->no_files_size + j->no_threads);
    message_put_text(out, gyre_str("no core dumps"));
    if (j->no_files_size) message_put_text(out, gyre_str("no file grows"));
    if (j->no_threads) message_put_text(out, gyre_str("no threads or processes"));
}

bool jail_tell(const struct jail *j, int channel)
{
    static struct message_out out; /* the control thread's */
    char abi[32];
    message_begin(&out, M_JAILED);
    put_user(&out, j);
    (void)snprintf(abi, sizeof abi, "ABI %d", j->landlock);
    put_one(&out, "landlock", j->landlock ? abi : "not in force");
    put(&out, "folders", j->roots_n);
    for (size_t i = 0; i < j->roots_n; i++) message_put_text(&out, gyre_str(j->roots[i].path));
    put_ports(&out, j);
    put_one(&out, "names", j->grants & JAIL_NAMES ? "may be looked up" : "none");
    if (j->rings_shut) put_names(&out, "ring", ring_operation, jail_rings(j));
    else put_one(&out, "ring", j->grants & JAIL_URING ? "any operation" : "epoll");
    if (j->filter) put_names(&out, "system_calls", filter_call, j->grants);
    else put_one(&out, "system_calls", "any");
    put_limits(&out, j);
    if (j->missing[0]) put_one(&out, "missing", j->missing);
    else put(&out, "missing", 0);
    return message_send(&out, channel, -1);
}

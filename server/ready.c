/* SPDX-License-Identifier: GPL-3.0-or-later
 * ready.c - the one table that a start prints: section, endpoint, and a command to try it.
 *
 * Hints are a table of words; a plugin that it does not know gets nc. Colour only on a terminal.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

static const struct {
    const char *plugin; /* NULL: any other */
    enum endpoint_kind kind;
    const char *before, *between, *after; /* host, port */
} hints[] = {
    {"http", ENDPOINT_TCP, "curl http://", ":", "/"},
    {"dns", ENDPOINT_TCP, "dig +tcp @", " -p ", " example.test"},
    {"dns", ENDPOINT_UDP, "dig @", " -p ", " example.test"},
    {"chat", ENDPOINT_TCP, "nc ", " ", ""},
    {NULL, ENDPOINT_TCP, "nc ", " ", ""},
    {NULL, ENDPOINT_UDP, "nc -u ", " ", ""},
};

/* Where a client on this machine reaches it. */
static uint16_t reach(const struct endpoint *e, bool brackets, char *out, size_t n)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (e->address.any.sa_family == AF_INET) {
        struct in_addr a = e->address.in4.sin_addr;
        if (a.s_addr == htonl(INADDR_ANY)) a.s_addr = htonl(INADDR_LOOPBACK);
        (void)inet_ntop(AF_INET, &a, host, sizeof host);
        (void)snprintf(out, n, "%s", host);
        return ntohs(e->address.in4.sin_port);
    }
    struct in6_addr a = e->address.in6.sin6_addr;
    if (IN6_IS_ADDR_UNSPECIFIED(&a)) a = in6addr_loopback;
    (void)inet_ntop(AF_INET6, &a, host, sizeof host);
    (void)snprintf(out, n, brackets ? "[%s]" : "%s", host);
    return ntohs(e->address.in6.sin6_port);
}

static void try_command(const struct instance *in, const struct endpoint *e, char *out, size_t n)
{
    char host[INET6_ADDRSTRLEN + 2];
    if (e->kind == ENDPOINT_UNIX) {
        (void)snprintf(out, n, "nc -U %s", e->address.un.sun_path);
        return;
    }
    size_t i = 0;
    while (hints[i].kind != e->kind ||
           (hints[i].plugin && strcmp(hints[i].plugin, in->conf->plugin) != 0))
        i++;
    unsigned port = reach(e, *hints[i].between == ':', host, sizeof host);
    (void)snprintf(out, n, "%s%s%s%u%s", hints[i].before, host, hints[i].between, port,
                   hints[i].after);
}

static int widest(const struct plan *plan, bool names)
{
    size_t most = names ? strlen("SECTION") : strlen("ENDPOINT");
    for (size_t i = 0; i < plan->instances_n; i++) {
        const struct instance *in = &plan->instances[i];
        if (names && strlen(in->conf->name) > most) most = strlen(in->conf->name);
        for (size_t j = 0; !names && j < in->doors_n; j++)
            if (strlen(in->doors[j].endpoint.text) > most)
                most = strlen(in->doors[j].endpoint.text);
    }
    return most < 128 ? (int)most : 128;
}

static void row(const char *name, int name_n, const char *endpoint, int endpoint_n,
                const char *text)
{
    (void)printf("  %-*s  %-*s  %s\n", name_n, name, endpoint_n, endpoint, text);
}

static void section_rows(const struct supervisor *s, const struct instance *in, int name_n,
                         int endpoint_n)
{
    char text[256];
    const struct process *p = s->processes;
    while (p && (p->state != READY || !crew_instance(p->has, in->tally->id))) p = p->next;
    if (!p || in->refused || !in->doors_n) {
        const char *why = in->trouble ? in->trouble : in->refused ? in->refused : NULL;
        row(in->conf->name, name_n, "-", endpoint_n,
            why ? why
            : p ? "listens nowhere"
                : "its service does not start: see the log");
        return;
    }
    for (size_t i = 0; i < in->doors_n; i++) {
        const struct door *door = &in->doors[i];
        if (door->problem) (void)snprintf(text, sizeof text, "not open: %s", door->problem);
        else try_command(in, &door->endpoint, text, sizeof text);
        row(i ? "" : in->conf->name, name_n, door->endpoint.text, endpoint_n, text);
    }
}

void ready_table(struct supervisor *s)
{
    const struct plan *plan = s->plan;
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    int name_n = widest(plan, true), endpoint_n = widest(plan, false);
    if (colour) (void)fputs("\033[1m", stdout);
    row("SECTION", name_n, "ENDPOINT", endpoint_n, "TRY");
    if (colour) (void)fputs("\033[0m", stdout);
    for (size_t i = 0; i < plan->instances_n; i++)
        section_rows(s, &plan->instances[i], name_n, endpoint_n);
    (void)printf("ready in %lld ms\n", (long long)(clock_ms() - s->began_ms));
    (void)fflush(stdout);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * endpoint.c - the target for endpoint strings: the whole input is one.
 *
 * Oracles: what listens has one spelling, which reads as itself and to the same address; what
 * listens on one address can be dialled there; a refusal says why.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config.h"
#include "fuzz.h"

const char fuzz_past[] = "were an endpoint";

void fuzz_begin(const char *plugin)
{
    (void)plugin;
}

void fuzz_end(void)
{
}

static void check_refusal(const char *why, size_t why_n)
{
    size_t n = strnlen(why, why_n);
    if (!n || n == why_n) fuzz_wrong("refusal", "it is refused, and not said why");
}

/* The one spelling of what listens. */
static void check_spelling(const struct endpoint *e, bool alone)
{
    struct endpoint again[2];
    enum endpoint_kind kind;
    char why[PROBLEM_TEXT] = "", host[256];
    uint16_t port = 0;
    if (strnlen(e->text, sizeof e->text) == sizeof e->text) fuzz_wrong("spelling", "no end");
    if (endpoint_listen(e->text, again, why, sizeof why) != 1)
        fuzz_wrong("spelling", "%s does not read: %s", e->text, why);
    if (strcmp(again[0].text, e->text) != 0)
        fuzz_wrong("spelling", "%s becomes %s", e->text, again[0].text);
    if (again[0].kind != e->kind || again[0].address_n != e->address_n ||
        memcmp(&again[0].address, &e->address, e->address_n) != 0)
        fuzz_wrong("spelling", "%s is another address", e->text);
    if (!endpoint_dial(gyre_str(e->text), &kind, host, &port, why, sizeof why) && alone)
        fuzz_wrong("dial", "what listens on %s cannot be dialled: %s", e->text, why);
}

static bool try_listen(gyre_view input)
{
    struct endpoint out[2];
    char why[PROBLEM_TEXT] = "";
    char *text = strndup((const char *)input.p, input.n); /* an allocation of its size */
    if (!text) abort();
    size_t n = endpoint_listen(text, out, why, sizeof why);
    if (n > 2) fuzz_wrong("listen", "%zu endpoints", n);
    if (!n) check_refusal(why, sizeof why);
    if (fuzz_plants && n == 2) out[1].text[0] = 'T';
    for (size_t i = 0; i < n; i++) check_spelling(&out[i], n == 1);
    free(text);
    return n != 0;
}

static bool try_dial(gyre_view input)
{
    enum endpoint_kind kind;
    char host[256], why[PROBLEM_TEXT] = "";
    uint16_t port = 0;
    bool good = endpoint_dial(input, &kind, host, &port, why, sizeof why);
    if (!good) check_refusal(why, sizeof why);
    if (good && strnlen(host, sizeof host) == sizeof host) fuzz_wrong("dial", "no end of the host");
    if (good && kind != ENDPOINT_UNIX && !port) fuzz_wrong("dial", "port 0");
    return good;
}

void fuzz_one(gyre_view input)
{
    uint64_t alive = alloc_live();
    bool listens = try_listen(input), dials = try_dial(input);
    fuzz_count.past += listens || dials;
    fuzz_count.further += listens && dials;
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
}

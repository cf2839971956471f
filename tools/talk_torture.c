/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_torture.c - one script, played once for every call in it that may fail, with that call
 * failing.
 *
 * First the plugin is loaded, failing at each allocation in turn. Then one run without a fault
 * counts the points; each later run fails at one of them. A run that is to fail past the last one
 * must pass: so it is known that the last one was reached.
 * Limits: with `shallow`, at most so many points of a script, chosen by seed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "../tests/sim/alloc.h"
#include "talk.h"

static const char *const kinds[] = {"alloc", "dry", "call", "load"};

bool talk_fault_read(const char *text, struct talk_fault *out)
{
    const char *mark = strchr(text, ':');
    size_t n = mark ? (size_t)(mark - text) : 0;
    *out = (struct talk_fault){0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (n != strlen(kinds[i]) || memcmp(text, kinds[i], n) != 0) continue;
        out->kind = (enum talk_fault_kind)i;
        return gyre_dec(gyre_str(mark + 1), UINT32_MAX, &out->n) && out->n;
    }
    return false;
}

void talk_fault_text(const struct talk_fault *f, char *out, size_t n)
{
    snprintf(out, n, "%s:%" PRIu64, kinds[f->kind], f->n);
}

static bool wrong(const struct talk_torture *t, const char *what)
{
    snprintf(t->why, t->why_n, "%s\n", what);
    return false;
}

/* Loads the plugin with its n-th allocation failing, until there is no n-th. */
static bool torture_load(const struct talk_torture *t)
{
    struct talk_fault f = {.kind = FAULT_LOAD, .n = 1};
    struct talk_result none;
    char why[512];
    for (;; f.n++) {
        uint64_t live = alloc_live();
        why[0] = 0;
        (void)t->run(t->user, &f, &none);
        alloc_reset();
        alloc_fail_at(f.n, false);
        bool good = talk_host_load(t->path, true, why, sizeof why);
        bool failed = alloc_failed() > 0;
        alloc_reset();
        if (!failed) return good || wrong(t, why);
        if (good) return wrong(t, "the plugin was loaded although an allocation failed");
        if (!strstr(why, "memory")) return wrong(t, "the plugin was refused, and nobody said why");
        if (alloc_live() != live) return wrong(t, "memory leaked when the plugin was refused");
    }
}

static bool one(const struct talk_torture *t, struct talk_fault f, struct talk_result *out)
{
    bool good = t->run(t->user, &f, out);
    if (!good || out->failed_a_call == (f.n && !f.beyond)) return good;
    return wrong(t, f.beyond ? "a call failed past the last one: the script is not repeatable"
                             : "nothing failed: the script is not repeatable");
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

bool talk_torture(const struct talk_torture *t)
{
    struct talk_result r;
    char why[512];
    if (t->only && t->only->kind != FAULT_LOAD) {
        if (!talk_host_load(t->path, true, why, sizeof why)) return wrong(t, why);
        return one(t, *t->only, &r);
    }
    if (!torture_load(t)) return false;
    if (t->only) return true;
    if (!one(t, (struct talk_fault){0}, &r)) return false;
    const uint64_t of[] = {r.allocs, r.allocs, r.calls};
    uint64_t left = of[0] + of[1] + of[2], random = t->seed;
    *t->points = left;
    uint64_t take = t->shallow && t->shallow < left ? t->shallow : left;
    for (uint32_t kind = FAULT_ALLOC; kind <= FAULT_CALL; kind++)
        for (uint64_t n = 1; n <= of[kind]; n++, left--) {
            if (next_random(&random) % left >= take) continue;
            take--;
            if (!one(t, (struct talk_fault){(enum talk_fault_kind)kind, n, false}, &r))
                return false;
        }
    for (uint32_t kind = FAULT_ALLOC; kind <= FAULT_CALL; kind++)
        if (!one(t, (struct talk_fault){(enum talk_fault_kind)kind, of[kind] + 1, true}, &r))
            return false;
    return true;
}

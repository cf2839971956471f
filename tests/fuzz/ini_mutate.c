/* SPDX-License-Identifier: GPL-3.0-or-later
 * ini_mutate.c - how libFuzzer changes a configuration: the bytes as it likes, the lines as lines.
 *
 * A configuration is right only when all of it is, and bytes that change at random never are: so
 * one change in four is a new file of sections, keys and values that are right, and two are of a
 * line: another value, one more, one less. Deterministic by its seed.
 */
#include "fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *, size_t n, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *, size_t n, size_t most);

enum { VALUES = 6, SECTIONS_MOST = 4 };

struct row {
    const char *key;
    const char *values[VALUES + 1];
};
static const struct row of_plugins[] = {
    {"message_max", {"1", "1k", "64k", "256m"}}, {"high_mark", {"1", "4k", "1m", "1g"}},
    {"out_max", {"4k", "1m", "1g"}}, {"in_max", {"4k", "256k", "1g"}},
    {"streams_max", {"1", "65536", "4000000"}}, {"per_address_max", {"1", "1024", "4000000"}},
    {"memory_max", {"1m", "256m", "1024g"}}, {"handshake_time", {"1ms", "10s", "365d", "never"}},
    {"message_time", {"1ms", "30s", "never"}}, {"idle_time", {"1ms", "5m", "1h", "never"}},
    {"total_time", {"1ms", "365d", "never"}}, {"group", {"a", "b", "small-1"}},
    {"flag", {"yes", "no", "on", "off", "true", "false"}}, {"number", {"-5", "0", "500", "auto"}},
    {"size", {"1k", "1g", "1024"}}, {"time", {"1s", "1m", "1d", "never"}},
    {"choice", {"off", "basic", "full"}},
    {"text", {"a", "a; b", "@@a", "${NAME}", "$${NAME}", "x${EMPTY}y"}},
    {"path", {"b", "/etc", "../c", "./a b"}}, {"secret", {"c", "${NAME}"}},
    {"list", {"d", "e f", "${NAME}"}}, {"list", {"g"}}, {"paths", {"/e", "f/g"}}, {"paths", {"h"}},
};
static const struct row of_server[] = {
    {"workers", {"1", "64", "auto"}}, {"plugins", {"/usr/lib", "p"}}, {"run", {"/run/gyre", "r"}},
    {"log_level", {"debug", "info", "warn", "error"}}, {"ring", {"auto", "io_uring", "epoll"}},
    {"drain_time", {"1ms", "30s", "never"}}, {"callback_max", {"10ms", "1s", "never"}},
    {"refuse_time", {"1s", "5m", "never"}}, {"refuse_loopback", {"yes", "no"}},
};
enum {
    PLUGIN_ROWS = sizeof of_plugins / sizeof *of_plugins,
    SERVER_ROWS = sizeof of_server / sizeof *of_server,
};

static const char *one_of(const char *const *values, uint64_t *random)
{
    size_t n = 0;
    while (values[n]) n++;
    return values[fuzz_random(random) % n];
}

static void put_row(gyre_out *out, const struct row *row, uint64_t *random)
{
    gyre_put(out, gyre_str(row->key));
    gyre_put(out, GYRE_LIT(" = "));
    gyre_put(out, gyre_str(one_of(row->values, random)));
    gyre_put_byte(out, '\n');
}

/* No two listen at the same place. */
static void put_listens(gyre_out *out, uint64_t section, uint64_t *random)
{
    static const char *const hosts[] = {"*", "localhost", "127.0.0.1", "[::1]", NULL};
    uint64_t kinds = 1 + fuzz_random(random) % 3;
    for (uint64_t kind = 1; kind < 3; kind++) {
        if (!(kinds & kind)) continue;
        gyre_put(out, kind == 1 ? GYRE_LIT("listen = tcp:") : GYRE_LIT("listen = udp:"));
        gyre_put(out, gyre_str(one_of(hosts, random)));
        gyre_put_byte(out, ':');
        gyre_put_dec(out, 7000 + section);
        gyre_put_byte(out, '\n');
    }
}

static void put_right(gyre_out *out, uint64_t *random)
{
    static const char *const heads[SECTIONS_MOST] = {"[server]", "[test]", "[test b]", "[test 2]"};
    uint64_t which = 1 + fuzz_random(random) % 15;
    for (uint64_t i = 0; i < SECTIONS_MOST; i++) {
        const struct row *rows = i ? of_plugins : of_server;
        uint64_t seldom = 1 + fuzz_random(random) % 8;
        if (!(which >> i & 1)) continue;
        gyre_put(out, gyre_str(heads[i]));
        gyre_put_byte(out, '\n');
        if (i) put_listens(out, i, random);
        for (size_t k = 0; k < (i ? PLUGIN_ROWS : SERVER_ROWS); k++)
            if (fuzz_random(random) % seldom == 0) put_row(out, &rows[k], random);
        if (fuzz_random(random) % 4 == 0) gyre_put(out, GYRE_LIT("; more\n\n"));
    }
}

/* The nth line of what is left of it; it: what stands before it is cut off. */
static gyre_view line_at(gyre_view *v, uint64_t n)
{
    gyre_view line = GYRE_NOTHING, rest;
    for (uint64_t i = 0; i < n && gyre_until(v, '\n', &line); i++) continue;
    rest = *v;
    return gyre_until(&rest, '\n', &line) ? (gyre_view){v->p, line.n + 1} : *v;
}

static void put_changed(gyre_out *out, gyre_view was, uint64_t *random)
{
    gyre_view left = was, line, key;
    uint64_t lines = 1, what = fuzz_random(random) % 4;
    const struct row *row = &of_plugins[fuzz_random(random) % PLUGIN_ROWS];
    for (size_t i = 0; i < was.n; i++) lines += was.p[i] == '\n';
    line = line_at(&left, fuzz_random(random) % lines);
    gyre_put(out, GYRE_MAKE(gyre_view, was.p, was.n - left.n));
    (void)gyre_head(&left, line.n);
    if (what == 0) gyre_put(out, left);
    if (what == 0) return; /* one less */
    if (what == 1) { /* one more: seldom right when it is the second of its key */
        gyre_put(out, line);
        put_row(out, row, random);
    } else if (gyre_until(&line, '=', &key)) { /* another value: of its key, or of any */
        for (size_t k = 0; what == 2 && k < PLUGIN_ROWS; k++) {
            gyre_view name = gyre_str(of_plugins[k].key);
            if (key.n >= name.n && !memcmp(key.p, name.p, name.n)) row = &of_plugins[k];
        }
        gyre_put(out, key);
        gyre_put(out, GYRE_LIT("= "));
        gyre_put(out, gyre_str(one_of(row->values, random)));
        gyre_put_byte(out, '\n');
    }
    gyre_put(out, left);
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t most, unsigned seed)
{
    static uint8_t space[4096];
    uint64_t random = seed, what = fuzz_random(&random) % 4;
    gyre_out out = GYRE_OUT(space);
    if (what == 3 || n > sizeof space / 2) return LLVMFuzzerMutate(p, n, most);
    if (what == 0) put_right(&out, &random);
    else put_changed(&out, GYRE_MAKE(gyre_view, p, n), &random);
    gyre_view made = gyre_built(&out);
    if (!made.n || made.n > most) return LLVMFuzzerMutate(p, n, most);
    memcpy(p, made.p, made.n);
    return made.n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * memory.c - a plugin for tests of mem, out and buf.
 *
 * mem N: a block · grow N: the same block, N bytes now; tells what is in it · free · fill N BYTES:
 * N blocks, how many there were until NULL · out N MOST: N bytes into a builder · own N: what it
 * holds, put again · outs N: N builders at once · buf TEXT · long N: a buffer of N bytes · share ·
 * drop · piece AT N: writes that range of the buffer · kept: writes what was shared · quit · bug-…
 */
#include "say.h"

struct client {
    uint8_t *block;
    size_t n;
    struct gyre_buf *buf, *shared;
};
static struct gyre_buf *other_buf; /* read-only after on_load: stays NULL */

static void make(struct gyre_actor *a, size_t n)
{
    struct client *c = GYRE_STATE(a, struct client);
    c->block = gyre->mem(a, NULL, n);
    c->n = c->block ? n : 0;
    say(a, "%s %s\n", c->block ? "made" : "NULL", (uintptr_t)c->block % 16 ? "crooked" : "aligned");
}

/* The first half is filled, so that growth shows what is new. */
static void grow(struct gyre_actor *a, size_t n)
{
    struct client *c = GYRE_STATE(a, struct client);
    size_t kept = 0, zero = 0;
    if (c->n) memset(c->block, 'k', c->n);
    uint8_t *grown = gyre->mem(a, c->block, n);
    if (grown) {
        while (kept < c->n && kept < n && grown[kept] == 'k') kept++;
        while (kept + zero < n && !grown[kept + zero]) zero++;
        c->block = grown;
        c->n = n;
    } else {
        while (kept < c->n && c->block[kept] == 'k') kept++;
    }
    say(a, "%s kept %zu zero %zu\n", grown ? "grown" : "NULL", kept, zero);
}

static void fill(struct gyre_actor *a, uint64_t most, size_t bytes)
{
    uint64_t n = 0;
    while (n < most && gyre->mem(a, NULL, bytes)) n++;
    say(a, "%llu\n", (unsigned long long)n);
}

static void build(struct gyre_actor *a, uint64_t n, size_t most, bool own)
{
    gyre_out o = gyre->out(a, most);
    uint8_t space[10];
    for (uint64_t at = 0; at < n; at += sizeof space) {
        size_t part = n - at < sizeof space ? (size_t)(n - at) : sizeof space;
        pattern(space, at, part);
        gyre_put(&o, (gyre_view){space, part});
    }
    if (own) gyre_put(&o, gyre_built(&o));
    gyre_view built = gyre_built(&o);
    say(a, "%s %zu\n", o.full ? "full" : "built", built.n);
    if (built.n <= 100) gyre->write(a, built);
}

static void build_many(struct gyre_actor *a, uint64_t n)
{
    uint64_t whole = 0;
    for (uint64_t i = 0; i < n; i++) {
        gyre_out o = gyre->out(a, 5000);
        for (int k = 0; k < 1000; k++) gyre_put(&o, GYRE_LIT("12345"));
        whole += gyre_built(&o).n == 5000;
    }
    say(a, "%llu whole\n", (unsigned long long)whole);
}

static void long_buf(struct gyre_actor *a, size_t n)
{
    uint8_t *bytes = gyre->mem(a, NULL, n);
    if (bytes) pattern(bytes, 0, n);
    GYRE_STATE(a, struct client)->buf = bytes ? gyre->buf(a, (gyre_view){bytes, n}) : NULL;
    (void)gyre->mem(a, bytes, 0);
    say(a, "%s\n", GYRE_STATE(a, struct client)->buf ? "made" : "NULL");
}

static void piece(struct gyre_actor *a, struct gyre_buf *b, uint64_t at, uint64_t n)
{
    int res = b ? gyre->write_buf(a, b, at, n) : GYRE_ABSENT;
    if (res < 0) say(a, "%s\n", err_word(res));
}

static void do_wrong(struct gyre_actor *a, gyre_view verb)
{
    struct client *c = GYRE_STATE(a, struct client);
    uint8_t *block = gyre->mem(a, NULL, 256);
    if (!block) return;
    if (is(verb, "bug-foreign")) (void)gyre->mem(a, block + 64, 10);
    if (is(verb, "bug-home")) (void)gyre->mem(a->home, block, 10);
    if (is(verb, "bug-drop")) gyre->buf_drop(a->home, gyre->buf(a, verb));
    if (is(verb, "bug-buf")) (void)gyre->write_buf(a, (struct gyre_buf *)(void *)block, 0, 0);
    if (is(verb, "bug-null")) (void)gyre->buf_share(a, other_buf);
    c->block = block;
}

static bool command_buf(struct gyre_actor *a, gyre_view verb, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    if (is(verb, "buf")) {
        c->buf = gyre->buf(a, line);
        return c->buf && gyre_eq(c->buf->bytes, line);
    }
    if (is(verb, "share")) {
        c->shared = c->buf ? gyre->buf_share(a, c->buf) : NULL;
        return c->shared && c->shared != c->buf && c->shared->bytes.p == c->buf->bytes.p;
    }
    if (is(verb, "drop")) {
        if (c->buf) gyre->buf_drop(a, c->buf);
        c->buf = NULL;
        return true;
    }
    uint64_t at = number(&line), n = number(&line);
    if (is(verb, "kept")) return piece(a, c->shared, 0, c->shared ? c->shared->bytes.n : 0), true;
    if (!is(verb, "piece")) return false;
    piece(a, c->buf, at, n);
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view line, verb;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    verb = word(&line);
    if (command_buf(a, verb, line)) return GYRE_TOOK;
    uint64_t n = number(&line), more = number(&line);
    if (is(verb, "mem")) make(a, (size_t)n);
    else if (is(verb, "grow")) grow(a, (size_t)n);
    else if (is(verb, "fill")) fill(a, n, (size_t)more);
    else if (is(verb, "out")) build(a, n, (size_t)more, false);
    else if (is(verb, "own")) build(a, n, (size_t)more, true);
    else if (is(verb, "outs")) build_many(a, n);
    else if (is(verb, "long")) long_buf(a, (size_t)n);
    else if (is(verb, "quit")) gyre->close(a, GYRE_FLUSH);
    else if (is(verb, "free")) c->block = gyre->mem(a, c->block, 0), c->n = 0;
    else do_wrong(a, verb);
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .on_data = on_data};

GYRE_PLUGIN(.name = "memory", .version = "1.0", .summary = "Takes memory", .stream = &stream);

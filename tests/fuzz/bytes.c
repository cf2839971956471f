/* SPDX-License-Identifier: GPL-3.0-or-later
 * bytes.c - the target for sdk/bytes.h: a row of calls, each also done by a slow, simple model.
 *
 * The input: one byte says how many bytes of data follow; then come calls, one byte each, with
 * their arguments. The model knows offsets and whole arrays only. Data and the space of the
 * builders are allocations of exact size, so a sanitizer sees what goes past them.
 */
#include <stdlib.h>

#include "fuzz.h"

const char fuzz_past[] = "called something";

enum { SPACE_MOST = 96, MODEL_MOST = 1 << 16 };

/* What the input still says. */
struct program {
    gyre_view left;
};

static uint64_t argument(struct program *p, size_t bytes)
{
    uint64_t x = 0;
    for (gyre_view b = gyre_head(&p->left, bytes); b.n; (void)gyre_head(&b, 1)) x = x << 8 | b.p[0];
    return x;
}

void fuzz_begin(const char *plugin)
{
    (void)plugin;
}

void fuzz_end(void)
{
}

#define SAME(what, model, real) \
    do { \
        uint64_t model_ = (uint64_t)(model), real_ = (uint64_t)(real); \
        if (model_ != real_) \
            fuzz_wrong("model", what " is %llu, and must be %llu", (unsigned long long)real_, \
                       (unsigned long long)model_); \
    } while (0)

/* ---- views: what is left of the data, as offsets ---- */

struct span {
    size_t at, n;
};

static void same_view(const uint8_t *data, struct span model, gyre_view real)
{
    SAME("the length of a view", model.n, real.n);
    if (model.n) SAME("the beginning of a view", model.at, real.p - data);
}

static struct span cut(struct span *s, size_t n)
{
    struct span head = {s->at, n < s->n ? n : s->n};
    s->at += head.n;
    s->n -= head.n;
    return head;
}

static size_t find(const uint8_t *data, struct span s, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= s.n; i++)
        if (!memcmp(data + s.at + i, what, n)) return i;
    return SIZE_MAX;
}

/* A cut up to `what`. true: it is there; then what stands before it is in *head. */
static bool cut_until(const uint8_t *data, struct span *s, const char *what, size_t n,
                      struct span *head)
{
    size_t at = find(data, *s, what, n);
    if (at == SIZE_MAX) return false;
    *head = cut(s, at);
    (void)cut(s, n);
    return true;
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static void call_view(struct program *p, const uint8_t *data, struct span *model, gyre_view *real)
{
    struct span head = {0, 0};
    gyre_view got = GYRE_NOTHING;
    bool found = false, expected = false;
    char sep;
    size_t n = 0;
    switch (argument(p, 1) % 7) {
    case 0:
        n = (size_t)argument(p, 1);
        got = gyre_head(real, n);
        head = cut(model, n);
        found = expected = true;
        break;
    case 1:
        n = (size_t)argument(p, 1);
        found = gyre_exact(real, n, &got);
        expected = n <= model->n;
        if (expected) head = cut(model, n);
        break;
    case 2:
        sep = (char)argument(p, 1);
        found = gyre_until(real, (uint8_t)sep, &got);
        expected = cut_until(data, model, &sep, 1, &head);
        break;
    case 3:
        found = gyre_line(real, &got);
        expected = cut_until(data, model, "\n", 1, &head);
        if (expected && head.n && data[head.at + head.n - 1] == '\r') head.n--;
        break;
    case 4:
        found = gyre_crlf(real, &got);
        expected = cut_until(data, model, "\r\n", 2, &head);
        break;
    case 5:
        *real = gyre_trim(*real);
        while (model->n && blank(data[model->at])) (void)cut(model, 1);
        while (model->n && blank(data[model->at + model->n - 1])) model->n--;
        break;
    default:
        n = argument(p, 1) & 1 ? 3 : 4; /* the front of itself, or what is seldom there */
        got = n == 3 ? GYRE_MAKE(gyre_view, real->p, real->n < 3 ? real->n : 3) : GYRE_LIT("abc");
        n = got.n;
        expected = n <= model->n && (!n || !memcmp(data + model->at, got.p, n));
        found = gyre_skip(real, got);
        if (expected) (void)cut(model, n);
        got = GYRE_NOTHING;
        break;
    }
    if (fuzz_plants && got.n > 8) got.n--;
    SAME("a find", expected, found);
    if (found) same_view(data, head, got);
    same_view(data, *model, *real);
}

/* ---- numbers ---- */

static void call_number(struct program *p, gyre_view v)
{
    bool hex = argument(p, 1) & 1, good = v.n > 0, found;
    unsigned base = hex ? 16 : 10;
    unsigned __int128 sum = 0;
    uint64_t most = argument(p, 8), x = 77;
    for (size_t i = 0; i < v.n; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = v.p[i] ? strchr(digits, v.p[i]) : NULL;
        unsigned digit = at ? (unsigned)(at - digits) % 16 : 16;
        if (digit >= base) good = false;
        if (good && sum <= UINT64_MAX) sum = sum * base + digit;
    }
    good = good && sum <= most;
    found = hex ? gyre_hex(v, most, &x) : gyre_dec(v, most, &x);
    SAME("a number's being one", good, found);
    SAME("a number", good ? (uint64_t)sum : 77, x);
}

static void call_compare(const uint8_t *data, struct span a, size_t b_at)
{
    size_t n = a.n < b_at ? a.n : b_at;
    gyre_view one = {n ? data + a.at : NULL, n}, two = {data, n};
    bool same = true, alike = true;
    for (size_t i = 0; i < n; i++) {
        uint8_t x = one.p[i], y = two.p[i];
        same = same && x == y;
        if (x >= 'A' && x <= 'Z') x = (uint8_t)(x + 32);
        if (y >= 'A' && y <= 'Z') y = (uint8_t)(y + 32);
        alike = alike && x == y;
    }
    SAME("equality", same, gyre_eq(one, two));
    SAME("equality but for case", alike, gyre_eqi(one, two));
}

/* ---- a reader ---- */

static void read_all(struct program *p, gyre_view data)
{
    gyre_in in = gyre_in_of(data);
    size_t at = 0;
    bool bad = false;
    while (p->left.n) {
        uint8_t call = (uint8_t)argument(p, 1);
        size_t n = call % 12;
        bool right = !bad && n <= data.n - at && (call & 64 || n <= 8);
        uint64_t expected = 0;
        bad = !right;
        if (call & 64) {
            gyre_view got = gyre_bytes(&in, n);
            SAME("the length of bytes", right ? n : 0, got.n);
            if (right && n) SAME("the place of bytes", at, got.p - data.p);
        } else {
            for (size_t i = 0; right && i < n; i++) expected = expected << 8 | data.p[at + i];
            SAME("a big-endian number", expected, gyre_be(&in, n));
        }
        if (right) at += n;
        SAME("a reader's bad", bad, in.bad);
        SAME("a reader's end", !bad && at == data.n, gyre_end(&in));
        fuzz_count.turns++;
    }
}

/* ---- a builder, of fixed space or growing ---- */

struct model {
    uint8_t p[MODEL_MOST];
    size_t n, most;
    bool full;
};

static void model_put(struct model *m, const void *p, size_t n)
{
    if (m->full || n > m->most - m->n) m->full = true;
    else memmove(m->p + m->n, p, n);
    if (!m->full) m->n += n;
}

/* Grows by moving, to exactly what is needed, up to SPACE_MOST. */
static bool move(gyre_out *o, size_t more)
{
    if (more > SPACE_MOST - o->n) return false;
    uint8_t *fresh = malloc(o->n + more);
    if (!fresh) abort();
    if (o->n) memcpy(fresh, o->p, o->n);
    free(o->p);
    o->p = fresh;
    o->cap = o->n + more;
    return true;
}

static void put_number(struct program *p, gyre_out *o, struct model *m, uint8_t call)
{
    char text[32];
    uint64_t x = argument(p, 8);
    size_t bytes = call / 8 % 18;
    uint8_t be[8];
    for (size_t i = 0; i < 8; i++) be[i] = (uint8_t)(x >> (56 - 8 * i));
    if (call % 8 == 2) {
        gyre_put_dec(o, x);
        model_put(m, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)x));
    } else if (call % 8 == 3) {
        int digits = bytes < 1 ? 1 : bytes > 16 ? 16 : (int)bytes;
        gyre_put_hex(o, x, (size_t)digits);
        model_put(m, text, (size_t)snprintf(text, sizeof text, "%0*llx", digits,
                                            (unsigned long long)x));
    } else if (call % 8 == 4) {
        gyre_put_be(o, x, bytes);
        if (bytes > 8) m->full = true;
        else model_put(m, be + 8 - bytes, bytes);
    } else {
        size_t at = (size_t)argument(p, 1);
        gyre_patch_be(o, at, x, bytes);
        if (bytes > 8 || at + bytes > m->n) m->full = true;
        if (!m->full && bytes) memcpy(m->p + at, be + 8 - bytes, bytes);
    }
}

static void put_view(struct program *p, gyre_out *o, struct model *m, gyre_view data)
{
    size_t at = (size_t)argument(p, 1), n = (size_t)argument(p, 1);
    bool own = at & 1;
    size_t there = own ? m->n : data.n;
    at = at / 2 < there ? at / 2 : there;
    if (n > there - at) n = there - at;
    if (own) gyre_put(o, GYRE_MAKE(gyre_view, o->p ? o->p + at : NULL, n));
    else gyre_put(o, GYRE_MAKE(gyre_view, data.p ? data.p + at : NULL, n));
    if (n) model_put(m, own ? m->p + at : data.p + at, n);
}

static void build(struct program *p, gyre_view data)
{
    static struct model m;
    size_t cap = (size_t)argument(p, 1) % SPACE_MOST;
    bool grows = argument(p, 1) & 1;
    gyre_out o = {cap ? malloc(cap) : NULL, 0, cap, false, grows ? move : NULL, NULL};
    m.n = 0;
    m.most = grows ? SPACE_MOST : cap;
    m.full = false;
    while (p->left.n) {
        uint8_t call = (uint8_t)argument(p, 1);
        if (call % 8 == 0) put_view(p, &o, &m, data);
        else if (call % 8 == 1) gyre_put_byte(&o, call), model_put(&m, &call, 1);
        else put_number(p, &o, &m, call);
        gyre_view built = gyre_built(&o);
        SAME("a builder's full", m.full, o.full);
        SAME("the length built", m.full ? 0 : m.n, built.n);
        if (built.n && memcmp(built.p, m.p, m.n) != 0) fuzz_wrong("model", "other bytes are built");
        fuzz_count.turns++;
    }
    free(o.p);
}

void fuzz_one(gyre_view input)
{
    struct program p = {input};
    gyre_view data = gyre_head(&p.left, (size_t)argument(&p, 1));
    uint8_t *exact = data.n ? malloc(data.n) : NULL;
    if (data.n && !exact) abort();
    if (data.n) memcpy(exact, data.p, data.n);
    data.p = exact;
    uint8_t what = (uint8_t)argument(&p, 1);
    gyre_view left = data;
    struct span model = {0, data.n};
    fuzz_count.past += p.left.n > 0;
    fuzz_count.further += p.left.n > 8;
    if (what % 4 == 0) read_all(&p, data);
    if (what % 4 == 1) build(&p, data);
    while (what % 4 > 1 && p.left.n) {
        call_view(&p, exact, &model, &left);
        call_number(&p, left);
        call_compare(exact, model, (size_t)argument(&p, 1));
        fuzz_count.turns++;
    }
    free(exact);
}

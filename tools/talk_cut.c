/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_cut.c - the ways to cut the messages of a script into pieces.
 *
 * A script is played whole, with every byte alone, with each short message cut in two at every
 * place, and in CUT_SEEDS random ways. A plugin must answer the same to all of them.
 * Limits: messages longer than TWO_MOST are not cut in two at every place; of one longer than
 * ALONE_MOST only both ends come byte by byte.
 */
#include "talk.h"

enum { CUT_SEEDS = 5, CUT_FIRST_SEED = 2, TWO_MOST = 64, ALONE_MOST = 4096, ALONE_END = 1024 };

bool talk_cut_at(const struct talk *t, size_t n, struct talk_cut *out)
{
    *out = (struct talk_cut){CUT_WHOLE, 0, 0, 0};
    if (n == 0) return true;
    if (!t->messages) return false;
    if (n == 1) return out->how = CUT_BYTES, true;
    n -= 2;
    if (n < CUT_SEEDS) {
        *out = (struct talk_cut){CUT_SEED, 0, 0, CUT_FIRST_SEED + n};
        return true;
    }
    n -= CUT_SEEDS;
    for (size_t i = 0; i < t->n; i++) {
        const struct talk_step *s = &t->steps[i];
        if (!s->message || s->bytes.n < 2 || s->bytes.n > TWO_MOST) continue;
        if (n < s->bytes.n - 1) {
            *out = (struct talk_cut){CUT_TWO, s->message, (uint32_t)n + 1, 0};
            return true;
        }
        n -= s->bytes.n - 1;
    }
    return false;
}

bool talk_cut_read(const char *text, struct talk_cut *out)
{
    const char *mark = strchr(text, '@');
    uint64_t a = 0, b = 0;
    *out = (struct talk_cut){CUT_WHOLE, 0, 0, 0};
    if (!strcmp(text, "whole")) return true;
    if (mark) {
        gyre_view head = {(const uint8_t *)text, (size_t)(mark - text)};
        if (!gyre_dec(head, UINT32_MAX, &a) || !gyre_dec(gyre_str(mark + 1), UINT32_MAX, &b))
            return false;
        *out = (struct talk_cut){CUT_TWO, (uint32_t)a, (uint32_t)b, 0};
        return a && b;
    }
    if (!gyre_dec(gyre_str(text), UINT64_MAX, &a) || !a) return false;
    out->how = a == 1 ? CUT_BYTES : CUT_SEED;
    out->seed = a;
    return true;
}

void talk_cut_text(const struct talk_cut *c, char *out, size_t n)
{
    switch (c->how) {
    case CUT_WHOLE: snprintf(out, n, "whole"); break;
    case CUT_BYTES: snprintf(out, n, "1"); break;
    case CUT_TWO: snprintf(out, n, "%u@%u", c->message, c->at); break;
    case CUT_SEED: snprintf(out, n, "%llu", (unsigned long long)c->seed); break;
    }
}

static uint64_t next_random(uint64_t *x)
{
    *x = *x * 6364136223846793005u + 1442695040888963407u;
    return *x >> 33;
}

size_t talk_cut_next(const struct talk_cut *c, uint64_t *random, uint32_t message, size_t at,
                     size_t n, bool *apart)
{
    size_t left = n - at;
    *apart = at > 0;
    if (c->how == CUT_BYTES) {
        bool end = n <= ALONE_MOST || at < ALONE_END || left <= ALONE_END;
        size_t most = left > ALONE_END ? left - ALONE_END : 1;
        return end ? 1 : most < 509 ? most : 509;
    }
    if (c->how == CUT_TWO && c->message == message && at == 0 && c->at < n) return c->at;
    if (c->how == CUT_SEED) {
        uint64_t most = (uint64_t)1 << next_random(random) % 13;
        size_t piece = 1 + (size_t)(next_random(random) % most);
        *apart = next_random(random) & 1;
        return piece < left ? piece : left;
    }
    return left;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * merge.c - does to a text what was done to another version of it, line by line (edit.h).
 *
 * Lines of two texts are paired by their longest common subsequence; what is not paired was
 * changed. Promise: lines that the change does not touch stay as they are; one that it touches and
 * somebody else has changed meanwhile is a conflict, never a guess.
 * Limits: MERGE_CELLS, of what differs between two texts.
 */
#include <stdlib.h>

#include "edit.h"

enum { MERGE_CELLS = 4 << 20 }; /* x 2 B, for a moment: 2,000 changed lines against 2,000 */

struct side {
    gyre_view *line;
    size_t n;
};

static bool cut(gyre_view text, struct side *s)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
    *s = (struct side){.line = calloc(n, sizeof *s->line)};
    while (s->line && text.n) {
        const uint8_t *lf = memchr(text.p, '\n', text.n);
        s->line[s->n++] = gyre_head(&text, lf ? (size_t)(lf - text.p) + 1 : text.n);
    }
    return s->line;
}

/* The table of lengths of common subsequences of a's lines from `skip` to a_end, and of b's: row i
 * is of what begins at line i. */
static uint16_t *lengths(const struct side *a, size_t a_end, const struct side *b, size_t b_end,
                         size_t skip)
{
    size_t rows = a_end - skip, columns = b_end - skip, wide = columns + 1;
    if (rows > UINT16_MAX || columns > UINT16_MAX || (rows + 1) * wide > MERGE_CELLS) return NULL;
    uint16_t *table = calloc((rows + 1) * wide, sizeof *table);
    for (size_t i = rows; table && i--;)
        for (size_t j = columns; j--;) {
            uint16_t down = table[(i + 1) * wide + j], right = table[i * wide + j + 1];
            table[i * wide + j] =
                gyre_eq(a->line[skip + i], b->line[skip + j])
                    ? (uint16_t)(table[(i + 1) * wide + j + 1] + 1)
                    : down > right ? down : right;
        }
    return table;
}

/* For each line of a and the end behind them: its partner in b, or SIZE_MAX. NULL: too much
 * differs, or there is no memory. */
static size_t *pair(const struct side *a, const struct side *b)
{
    size_t a_end = a->n, b_end = b->n, skip = 0, i, j;
    size_t *partner = calloc(a->n + 1, sizeof *partner);
    if (!partner) return NULL;
    while (skip < a_end && skip < b_end && gyre_eq(a->line[skip], b->line[skip])) {
        partner[skip] = skip;
        skip++;
    }
    partner[a->n] = b->n;
    while (a_end > skip && b_end > skip && gyre_eq(a->line[a_end - 1], b->line[b_end - 1]))
        partner[--a_end] = --b_end;
    uint16_t *table = lengths(a, a_end, b, b_end, skip);
    if (!table) {
        free(partner);
        return NULL;
    }
    size_t wide = b_end - skip + 1;
    for (i = j = skip; i < a_end; i++) {
        const uint16_t *row = table + (i - skip) * wide;
        while (j < b_end && !gyre_eq(a->line[i], b->line[j]) && row[j - skip + 1] == row[j - skip])
            j++;
        bool same = j < b_end && gyre_eq(a->line[i], b->line[j]);
        partner[i] = same ? j++ : SIZE_MAX;
    }
    free(table);
    return partner;
}

struct merging {
    struct side base, mine, theirs;
    size_t *to_mine, *to_theirs;
    gyre_out out;
    size_t at; /* lines of theirs that are written */
};

static void put_theirs(struct merging *m, size_t to)
{
    while (m->at < to) gyre_put(&m->out, m->theirs.line[m->at++]);
}

/* Lines from..to of base have become lines mine..mine_end. false: a conflict. */
static bool put_hunk(struct merging *m, size_t from, size_t to, size_t mine, size_t mine_end)
{
    size_t at = m->to_theirs[from];
    for (size_t i = from; i < to; i++)
        if (at == SIZE_MAX || m->to_theirs[i] != at + (i - from)) return false;
    if (from == to) { /* between two lines: the one above says where, or else the one below */
        size_t above = from ? m->to_theirs[from - 1] : SIZE_MAX;
        if (above != SIZE_MAX) at = above + 1;
        if (at == SIZE_MAX) return false;
    }
    if (at < m->at) return false;
    put_theirs(m, at);
    while (mine < mine_end) gyre_put(&m->out, m->mine.line[mine++]);
    m->at = at + (to - from);
    return true;
}

static bool walk(struct merging *m)
{
    size_t mine = 0;
    for (size_t i = 0; i <= m->base.n;) {
        size_t from = i;
        while (i < m->base.n && m->to_mine[i] == SIZE_MAX) i++;
        size_t mine_end = i < m->base.n ? m->to_mine[i] : m->mine.n;
        if ((i > from || mine_end > mine) && !put_hunk(m, from, i, mine, mine_end)) return false;
        mine = mine_end + 1;
        i++;
    }
    put_theirs(m, m->theirs.n);
    return !m->out.full;
}

bool merge_text(gyre_view base, gyre_view mine, gyre_view theirs, gyre_view *merged)
{
    struct merging m = {.out = {.cap = mine.n + theirs.n}};
    m.out.p = malloc(m.out.cap + 1);
    bool good = cut(base, &m.base) && cut(mine, &m.mine) && cut(theirs, &m.theirs) && m.out.p;
    if (good) {
        m.to_mine = pair(&m.base, &m.mine);
        m.to_theirs = pair(&m.base, &m.theirs);
        good = m.to_mine && m.to_theirs && walk(&m);
    }
    free(m.base.line);
    free(m.mine.line);
    free(m.theirs.line);
    free(m.to_mine);
    free(m.to_theirs);
    if (good) {
        m.out.p[m.out.n] = 0;
        *merged = GYRE_MAKE(gyre_view, m.out.p, m.out.n);
    } else {
        if (m.out.p) explicit_bzero(m.out.p, m.out.n);
        free(m.out.p);
    }
    return good;
}

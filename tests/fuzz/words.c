/* SPDX-License-Identifier: GPL-3.0-or-later
 * words.c - the target for requests of gyrectl (server/words.h): the input is what a client sends.
 *
 * Oracles: the same words, or the same complaint, however the bytes are cut; what was read can be
 * written as a line that reads as the same words; no more words and bytes than the limits say.
 */
#include <stdlib.h>

#include "alloc.h"
#include "fuzz.h"
#include "words.h"

const char fuzz_past[] = "were requests";

void fuzz_begin(const char *unused)
{
    (void)unused;
}

void fuzz_end(void)
{
}

static void take_cut(struct words *w, gyre_view input, uint64_t seed)
{
    uint64_t random = seed;
    while (input.n && w->state == WORDS_MORE)
        (void)words_take(w, gyre_head(&input, seed ? 1 + fuzz_random(&random) % 9 : 1));
}

static void check_same(const struct words *a, const struct words *b, const char *how)
{
    bool same = a->state == b->state && (a->state != WORDS_WHOLE || a->n == b->n) &&
                (a->state != WORDS_WRONG || !strcmp(a->why, b->why));
    for (size_t i = 0; same && a->state == WORDS_WHOLE && i < a->n; i++)
        same = !strcmp(a->word[i], b->word[i]);
    if (!same) fuzz_wrong(how, "%d and %d, %zu words and %zu", a->state, b->state, a->n, b->n);
}

static void write_and_read(const struct words *w)
{
    struct words again = {0};
    size_t cap = 4 * w->line_n + 4 * w->n + 8;
    gyre_out line = {.p = malloc(cap), .cap = cap};
    if (!line.p) abort();
    for (size_t i = 0; i < w->n; i++) words_put(&line, w->word[i]);
    if (fuzz_plants && line.n > 8) line.p[4] ^= 1;
    gyre_put_byte(&line, '\n');
    if (line.full) fuzz_wrong("round trip", "a line of over %zu bytes", cap);
    (void)words_take(&again, gyre_built(&line));
    if (again.state == WORDS_WRONG && line.n > LIMIT_CONTROL_LINE) again.state = WORDS_WHOLE;
    else check_same(w, &again, "round trip");
    words_free(&again);
    free(line.p);
}

void fuzz_one(gyre_view input)
{
    struct words whole = {0}, bytes = {0}, pieces = {0};
    uint64_t alive = alloc_live();
    (void)words_take(&whole, input);
    take_cut(&bytes, input, 0);
    take_cut(&pieces, input, fuzz_hash(input) | 1);
    check_same(&whole, &bytes, "cut");
    check_same(&whole, &pieces, "cut");
    if (whole.n > LIMIT_CONTROL_WORDS) fuzz_wrong("limit", "%zu words", whole.n);
    if (whole.state == WORDS_WHOLE) {
        if (whole.word[whole.n]) fuzz_wrong("end", "the words have none");
        fuzz_count.past++;
        fuzz_count.further += whole.n > 1;
        for (size_t i = 0; fuzz_shows && i < whole.n; i++) puts(whole.word[i]);
        write_and_read(&whole);
    }
    if (fuzz_shows && whole.state == WORDS_WRONG) puts(whole.why);
    words_free(&whole);
    words_free(&bytes);
    words_free(&pieces);
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * lines.c - makes messages of lines (lines.h), and holds what is received against the line.
 */
#include "lines.h"

static const struct {
    const char *name;
    enum message_type type;
} types[] = {
    {"plugin", M_PLUGIN}, {"section", M_SECTION}, {"entry", M_ENTRY}, {"prepare", M_PREPARE},
    {"listen", M_LISTEN}, {"unlisten", M_UNLISTEN}, {"commit", M_COMMIT}, {"abandon", M_ABANDON},
    {"remove", M_REMOVE}, {"drain", M_DRAIN}, {"level", M_LEVEL}, {"refresh", M_REFRESH},
    {"refuse", M_REFUSE}, {"save", M_SAVE}, {"restore", M_RESTORE},
    {"line", M_LINE},
    {"prepared", M_PREPARED}, {"committed", M_COMMITTED}, {"drained", M_DRAINED},
    {"fatal", M_FATAL}, {"restored", M_RESTORED}, {"stream", M_STREAM}, {"part", M_PART},
    {"taken", M_TAKEN}, {"moved", M_MOVED}, {"list", M_LIST}, {"kill", M_KILL}, {"rows", M_ROWS},
    {"killed", M_KILLED}, {"opened", M_OPENED}, {"jailed", M_JAILED}, {"credit", M_CREDIT},
    {"link", M_LINK}, {"log", M_LOG},
};

static gyre_view next_word(gyre_view *line)
{
    gyre_view word;
    return gyre_until(line, ' ', &word) ? word : gyre_all(line);
}

static enum message_type type_of(gyre_view word)
{
    uint64_t number;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (gyre_eq(word, gyre_str(types[i].name))) return types[i].type;
    return gyre_dec(word, UINT32_MAX, &number) ? (enum message_type)number : M_COMMIT;
}

static bool is_number(gyre_view word, uint64_t *number)
{
    return gyre_skip(&word, GYRE_LIT("#")) && gyre_dec(word, UINT64_MAX, number);
}

static bool is_mark(gyre_view word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] != '+' && word.p[i] != '!' && word.p[i] != '^') return false;
    return word.n > 0;
}

bool line_next(gyre_view *left, struct line *l)
{
    gyre_view line, word;
    uint64_t number;
    if (!left->n) return false;
    if (!gyre_until(left, '\n', &line)) line = gyre_all(left);
    message_begin(&l->out, type_of(next_word(&line)));
    l->descriptors = 0;
    l->whole = true;
    l->words = line;
    while (line.n) {
        word = next_word(&line);
        if (!line.n && is_mark(word)) break;
        if (is_number(word, &number)) message_put_number(&l->out, number);
        else message_put_text(&l->out, word);
        word = GYRE_NOTHING;
    }
    for (size_t i = 0; is_mark(word) && i < word.n; i++) {
        l->descriptors += word.p[i] == '+';
        if (word.p[i] == '^') gyre_put_byte(&l->out.out, 'x');
        if (word.p[i] == '!' && l->out.out.n > 12) l->out.out.n--;
        if (word.p[i] != '+') l->whole = false;
    }
    return true;
}

void line_check(const struct line *l, struct message *m)
{
    gyre_view line = l->words, word, text;
    uint64_t number;
    if (m->type != l->out.type) fuzz_wrong("round trip", "type %d, sent was %d", m->type,
                                           l->out.type);
    while (line.n) {
        word = next_word(&line);
        if (!line.n && is_mark(word)) break;
        if (is_number(word, &number)) {
            uint64_t got = message_get_number(m);
            if (got != number) fuzz_wrong("round trip", "another number");
            continue;
        }
        text = message_get_text(m);
        if (!gyre_eq(text, word)) fuzz_wrong("round trip", "another text");
    }
    if (!gyre_end(&m->in)) fuzz_wrong("round trip", "the message does not end");
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_words.c - words.c: a request as a line of words, and what is wrong with one.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* The words of a line, each in brackets; or why it is wrong. */
static void expect(const char *line, const char *wanted)
{
    struct words w = {0};
    char got[512] = "";
    if (words_take(&w, gyre_str(line)) == WORDS_MORE) (void)snprintf(got, sizeof got, "more");
    if (w.state == WORDS_WRONG) (void)snprintf(got, sizeof got, "%s", w.why);
    for (size_t i = 0; w.state == WORDS_WHOLE && i < w.n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "[%s]", w.word[i]);
    cr_expect_str_eq(got, wanted, "of '%s': %s", line, got);
    words_free(&w);
}

Test(words, plain_and_quoted)
{
    expect("status\n", "[status]");
    expect("a b\nc\n", "[a][b]");
    expect("\n", "[]");
    expect("a  b \n", "[a][][b][]");
    expect("set \"http two\" \"k=v w\"\n", "[set][http two][k=v w]");
    expect("\"\" \"\\\"\\\\\\n\\x41\\x7a\"\n", "[][\"\\\nAz]");
    expect("k=\"v\\n\n", "[k=\"v\\n]");
    expect("status", "more");
}

Test(words, wrong)
{
    static const char quotes[] = "a word in quotes that does not end, or an escape in it that is "
                                 "none";
    expect("\"a\n", quotes);
    expect("\"a\"b\n", quotes);
    expect("\"\\q\"\n", quotes);
    expect("\"\\x4\"\n", quotes);
    expect("\"\\x00\"\n", quotes);
    expect("\"\\\n", quotes);
}

Test(words, limits)
{
    struct words w = {0};
    char many[2 * LIMIT_CONTROL_WORDS + 2];
    memset(many, ' ', sizeof many);
    many[LIMIT_CONTROL_WORDS - 1] = '\n';
    cr_expect_eq(words_take(&w, GYRE_MAKE(gyre_view, (uint8_t *)many, sizeof many)), WORDS_WHOLE);
    cr_expect_eq(w.n, LIMIT_CONTROL_WORDS);
    words_free(&w);
    many[LIMIT_CONTROL_WORDS - 1] = ' ';
    many[LIMIT_CONTROL_WORDS] = '\n';
    cr_expect_eq(words_take(&w, GYRE_MAKE(gyre_view, (uint8_t *)many, sizeof many)), WORDS_WRONG);
    words_free(&w);
    cr_expect_eq(words_take(&w, GYRE_LIT("a\0b\n")), WORDS_WRONG);
    words_free(&w);

    char *big = malloc(LIMIT_CONTROL_LINE);
    memset(big, 'x', LIMIT_CONTROL_LINE);
    cr_expect_eq(words_take(&w, GYRE_MAKE(gyre_view, (uint8_t *)big, LIMIT_CONTROL_LINE)),
                 WORDS_MORE);
    cr_expect_eq(words_take(&w, GYRE_LIT("\n")), WORDS_WHOLE);
    words_free(&w);
    cr_expect_eq(words_take(&w, GYRE_MAKE(gyre_view, (uint8_t *)big, LIMIT_CONTROL_LINE)),
                 WORDS_MORE);
    cr_expect_eq(words_take(&w, GYRE_LIT("y")), WORDS_WRONG);
    cr_expect_eq(words_take(&w, GYRE_LIT("\n")), WORDS_WRONG, "it stays so");
    words_free(&w);
    free(big);
}

Test(words, what_is_written_is_read)
{
    static const char *const words[] = {"set", "http two", "", "\"x", "a\"b\\", "\n\t\x7f\x01",
                                        "\xff"};
    struct words w = {0};
    uint8_t space[256];
    gyre_out line = GYRE_OUT(space);
    for (size_t i = 0; i < 7; i++) words_put(&line, words[i]);
    gyre_put_byte(&line, '\n');
    cr_assert_eq(words_take(&w, gyre_built(&line)), WORDS_WHOLE);
    cr_assert_eq(w.n, 7);
    for (size_t i = 0; i < 7; i++) cr_expect_str_eq(w.word[i], words[i]);
    words_free(&w);
}

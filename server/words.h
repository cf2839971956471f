/* SPDX-License-Identifier: GPL-3.0-or-later
 * words.h - requests of gyrectl as bytes: a line of words, ended by LF, one space between two.
 *
 * A word that begins with " ends with the next ", and stands for what is between them: \" \\ \n and
 * \xHH are one byte each. Any other word stands for itself: no byte in it is special. NUL is in no
 * word. Both sides use this file: the server reads (control.c), gyrectl writes.
 * Promise: the same words however the bytes are cut; what words_put writes, words_take reads.
 * Limits: LIMIT_CONTROL_LINE bytes, LIMIT_CONTROL_WORDS words.
 */
#ifndef GYRE_WORDS_H
#define GYRE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "limits.h"

enum words_state {
    WORDS_MORE,  /* the line has not ended */
    WORDS_WHOLE, /* word[0 … n) are there */
    WORDS_WRONG, /* why says what is; nothing more is taken */
};
struct words {
    enum words_state state;
    const char *why;
    char *line;
    size_t line_n, cap;
    char *word[LIMIT_CONTROL_WORDS + 1]; /* in line; NULL behind the last */
    size_t n;
};
/* Begins zeroed. What follows the line is passed over. */
enum words_state words_take(struct words *, gyre_view bytes);
void words_free(struct words *); /* wiped: a word may be a secret */
/* One more word of a line, behind a space unless it is the first. */
void words_put(gyre_out *, const char *word);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * nearest.c - "did you mean": the known name that takes the fewest slips to become what was typed.
 *
 * A slip is one letter too many, too few, another one, or two swapped. Near is: one slip, and one
 * more for every three letters of the word, but never a word made all anew.
 * Limits: names longer than LIMIT_NAME are never near.
 */
#include <string.h>

#include "config.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Slips between two names of at most LIMIT_NAME bytes. Three rows of the usual table are enough. */
static size_t slips(const char *a, size_t a_n, const char *b, size_t b_n)
{
    size_t row[3][LIMIT_NAME + 1];
    for (size_t j = 0; j <= b_n; j++) row[0][j] = j;
    for (size_t i = 1; i <= a_n; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a_n % 3][b_n];
}

void nearest_try(struct nearest *near, const char *name)
{
    size_t word_n = strlen(near->word), name_n = strlen(name), n;
    if (!word_n || !name_n || word_n > LIMIT_NAME || name_n > LIMIT_NAME) return;
    n = slips(near->word, word_n, name, name_n);
    if (n > 1 + word_n / 3 || n >= word_n || n >= name_n) return;
    if (near->name && n >= near->distance) return;
    near->name = name;
    near->distance = n;
}

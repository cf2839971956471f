/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_keep.c - what an answer said, for a later question: `keeps`, and ${KEPT}.
 *
 * Values that are kept differ from run to run, and are no part of the output by which cuttings of
 * a script are compared. Limits: TALK_KEEPS_MOST values a script; none of them longer than a line.
 */
#include <stdlib.h>

#include "talk_run.h"

static bool put(struct talk_bytes *to, const uint8_t *p, size_t n)
{
    uint8_t *grown = realloc(to->p, to->n + n + 1);
    if (!grown) return false;
    to->p = grown;
    if (n) memcpy(to->p + to->n, p, n);
    to->n += n;
    return true;
}

bool talk_keep(struct run *r, gyre_view received)
{
    const struct talk_bytes *before = &r->step->bytes;
    const uint8_t *found = NULL;
    size_t n = 0;
    if (r->kept_n == TALK_KEEPS_MOST) return talk_fail(r, "it keeps %u already", r->kept_n);
    for (size_t i = 0; i + before->n <= received.n; i++)
        if (!memcmp(received.p + i, before->p, before->n)) found = received.p + i + before->n;
    if (!found) return r->faulty || talk_fail(r, "this has not come");
    while (found + n < received.p + received.n && found[n] != '\r' && found[n] != '\n') n++;
    return put(&r->kept[r->kept_n++], found, n) || talk_fail(r, "no memory to keep it");
}

gyre_view talk_with_kept(struct run *r, struct talk_bytes *space)
{
    const struct talk_bytes *b = &r->step->bytes;
    const struct talk_bytes none = {0}, *kept = r->kept_n ? &r->kept[r->kept_n - 1] : &none;
    size_t marks = 0;
    for (size_t i = 0; i < b->n; i++) marks += b->wild[i];
    for (size_t i = 0; marks && i < b->n; i++) {
        if (!put(space, b->wild[i] ? kept->p : b->p + i, b->wild[i] ? kept->n : 1)) break;
        if (b->wild[i]) i += sizeof TALK_KEPT - 2;
    }
    return marks ? (gyre_view){space->p, space->n} : (gyre_view){b->p, b->n};
}

size_t talk_without_kept(const struct run *r, uint8_t *p, size_t n)
{
    for (uint32_t k = 0; k < r->kept_n; k++) {
        const struct talk_bytes *kept = &r->kept[k];
        for (size_t i = 0; kept->n && i + kept->n <= n; i++) {
            if (memcmp(p + i, kept->p, kept->n) != 0) continue;
            memmove(p + i, p + i + kept->n, n - i - kept->n);
            n -= kept->n;
        }
    }
    return n;
}

void talk_kept_free(struct run *r)
{
    while (r->kept_n) talk_bytes_free(&r->kept[--r->kept_n]);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * mutate.c - how libFuzzer changes an input of steps.h: the bytes as it likes, the steps as steps.
 *
 * One change in four is one of the steps: a step more, less, or another. Deterministic by its seed.
 */
#include "steps.h"

size_t LLVMFuzzerCustomMutator(uint8_t *, size_t n, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *, size_t n, size_t most);

static uint8_t random_step(uint64_t *random)
{
    return (uint8_t)steps_letters[fuzz_random(random) % strlen(steps_letters)];
}

/* Makes room for `more` bytes at `at`. false: there is none. */
static bool insert(uint8_t *p, size_t *n, size_t most, size_t at, size_t more)
{
    if (more > most - *n) return false;
    memmove(p + at + more, p + at, *n - at);
    *n += more;
    return true;
}

static size_t mutate_steps(uint8_t *p, size_t n, size_t most, size_t head, uint64_t *random)
{
    size_t steps = head > 2 ? head - 2 : 0, at = 1 + (size_t)(fuzz_random(random) % (steps + 1));
    if (!head) { /* it gets its first */
        if (!insert(p, &n, most, 0, 3)) return n;
        p[0] = '|';
        p[1] = random_step(random);
        p[2] = '\n';
        return n;
    }
    switch (steps ? fuzz_random(random) % 4 : 0) {
    case 0:
    case 1:
        if (insert(p, &n, most, at, 1)) p[at] = random_step(random);
        break;
    case 2:
        at -= at > steps;
        p[at] = random_step(random);
        break;
    default:
        at -= at > steps;
        memmove(p + at, p + at + 1, n - at - 1);
        n--;
        break;
    }
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t most, unsigned seed)
{
    uint64_t random = seed;
    size_t head = steps_head(GYRE_MAKE(gyre_view, p, n)).n;
    /* libFuzzer writes a byte even where there is room for none. */
    if (head == most || fuzz_random(&random) % 4 == 0)
        return mutate_steps(p, n, most, head, &random);
    return head + LLVMFuzzerMutate(p + head, n - head, most - head);
}

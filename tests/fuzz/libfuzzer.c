/* SPDX-License-Identifier: GPL-3.0-or-later
 * libfuzzer.c - the doors by which libFuzzer comes in. It brings main; replay.c is its stand-in.
 *
 * The plugin of a target is linked into it, so that its coverage counts.
 */
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The counters that libFuzzer reads: by the linker, all of this program. */
extern uint8_t counters_begin[] __asm__("__start___sancov_cntrs") __attribute__((weak));
extern uint8_t counters_end[] __asm__("__stop___sancov_cntrs") __attribute__((weak));

/* As libFuzzer does, a count is one of eight. */
static uint8_t bucket(uint8_t n)
{
    if (n < 4) return (uint8_t)(n ? 1 << (n - 1) : 0);
    return n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128;
}

/* Eight counters at a time: most are as they were for an input before. */
bool fuzz_news(void)
{
    enum { WORDS = 1 << 13 };
    static uint64_t last[WORDS];
    static uint8_t reached[WORDS][8];
    const size_t words = (size_t)(counters_end - counters_begin) / 8; /* up to 7 are left out */
    bool news = false;
    if (words > WORDS) abort();
    for (size_t i = 0; i < words; i++) {
        uint64_t eight;
        memcpy(&eight, counters_begin + 8 * i, sizeof eight);
        if (!eight || eight == last[i]) continue;
        last[i] = eight;
        for (size_t k = 0; k < 8; k++, eight >>= 8) {
            uint8_t b = bucket((uint8_t)eight);
            news |= b & ~reached[i][k];
            reached[i][k] |= b;
        }
    }
    return news;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_start(NULL);
    return atexit(fuzz_finish);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_give(p, n);
    return 0;
}

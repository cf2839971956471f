/* SPDX-License-Identifier: GPL-3.0-or-later
 * libfuzzer.c - the doors by which libFuzzer comes in. It brings main; replay.c is its stand-in.
 *
 * The plugin of a target is linked into it, so that its coverage counts.
 */
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

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

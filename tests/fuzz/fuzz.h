/* SPDX-License-Identifier: GPL-3.0-or-later
 * fuzz.h - what a target defines, and what it is lent. README.md says how targets are run.
 *
 * A target is one program. With libFuzzer (make fuzz) driver.c gives it inputs that libFuzzer
 * makes; in other builds replay.c gives it files. An oracle that finds something calls fuzz_wrong.
 */
#ifndef GYRE_FUZZ_H
#define GYRE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gyre.h"

/* ---- of the target ---- */

extern const char fuzz_past[]; /* what fuzz_count.past counts: "took a message" */
/* plugin: the path of a plugin, for the target that needs one. */
void fuzz_begin(const char *plugin);
/* The bytes are an allocation of their own, of that size. */
void fuzz_one(gyre_view input);
/* Nothing may be left of what was made since fuzz_begin. */
void fuzz_end(void);

/* ---- driver.c ---- */

struct fuzz_count {
    uint64_t inputs;
    uint64_t past;    /* inputs that reached what lies behind the first check */
    uint64_t further; /* of these, those that reached it twice */
    uint64_t compared; /* those played both ways (plugin.c) */
    uint64_t bytes, turns; /* sent, and of the worker: what an input costs */
};
extern struct fuzz_count fuzz_count;
extern bool fuzz_shows;  /* FUZZ_SHOW is set: targets tell what they do with an input */
extern bool fuzz_plants; /* FUZZ_PLANT is set: the target does something wrong, to be found */

/* Says which oracle found what, and aborts: the input is kept by who gave it. */
_Noreturn void fuzz_wrong(const char *oracle, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void fuzz_start(const char *plugin); /* by libFuzzer or replay.c, before the first input */
void fuzz_give(const uint8_t *, size_t);
void fuzz_finish(void); /* fuzz_end, and the counts in one line */

/* libfuzzer.c: has this input reached an edge that none before did, or another number of times?
 * replay.c: every input is news. */
bool fuzz_news(void);
/* True in about one of n cases, by the input alone; for what is too slow to be done each time. */
bool fuzz_now_and_then(gyre_view input, uint32_t n);
uint32_t fuzz_descriptors(void); /* how many are open, of the first 256 */
uint64_t fuzz_hash(gyre_view);
uint64_t fuzz_random(uint64_t *state);
#endif

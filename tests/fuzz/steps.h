/* SPDX-License-Identifier: GPL-3.0-or-later
 * steps.h - an input as what clients do: who sends which bytes, ends, stops reading, waits.
 *
 * An input is plain bytes, sent on one connection; or it begins with '|', and up to the first LF
 * stand steps, one character each. The bytes after the LF are what the steps send, in order.
 *   . : - = + $ *   send 1, 3, 17 bytes; through the next LF; 300; as many as the next two bytes
 *                   say (a datagram: without these two); all that is left
 *   x               what is sent next is sent 16 times over
 *   0 1 2 3         from here on connection 0 … 3, opened when first used
 *   4 5             from here on from these UDP ports
 *   e r s f         end of sending; reset; stop reading; read again
 *   m t l y         wait 20 ms; 2 s; 40 s; 1 h
 *   !               the section with low limits
 *   %               cut: every byte alone (of each send the first 64)
 * Other characters mean nothing. What is left of the bytes at the end is sent, too. What starts
 * with '|' itself needs an empty first line, "|\n", before it.
 */
#ifndef GYRE_FUZZ_STEPS_H
#define GYRE_FUZZ_STEPS_H

#include "fuzz.h"

enum { ENDS = 6, FIRST_SENDER = 4, STEPS_MOST = 12, SENT_MOST = 5 * 1024 };

enum step_verb { STEP_SEND, STEP_EOF, STEP_RESET, STEP_SLOW, STEP_FAST, STEP_WAIT };
struct step {
    enum step_verb verb;
    uint8_t who;
    bool goes_on;    /* the bytes of the step after this one follow these on the same stream */
    uint16_t times;  /* over */
    gyre_view bytes;
    int64_t wait_ns;
};
struct steps {
    struct step at[STEPS_MOST];
    size_t n;
    bool low, every_byte;
};

extern const char steps_letters[]; /* all that mean something */
/* who: where bytes go before a step says otherwise. */
void steps_read(gyre_view input, uint8_t who, struct steps *);
void steps_show(FILE *, const struct steps *);
/* The line of steps at the front of an input, LF and all; empty: there is none. */
gyre_view steps_head(gyre_view input);
#endif

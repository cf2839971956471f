/* SPDX-License-Identifier: GPL-3.0-or-later
 * lines.h - messages between supervisor and service as lines of text, so that inputs are readable.
 *
 * A line is one message: its type by name (plugin section entry prepare listen unlisten commit
 * abandon remove drain level refresh refuse prepared committed drained fatal) or number, then its
 * fields with one space between: "#7" is a number, other words are texts. A last word of only + ! ^
 * is no field: + adds a descriptor, ! cuts the last byte of the body off, ^ puts one more at its
 * end.
 */
#ifndef GYRE_FUZZ_LINES_H
#define GYRE_FUZZ_LINES_H

#include "fuzz.h"
#include "message.h"

struct line {
    struct message_out out;
    uint32_t descriptors;
    bool whole; /* nothing was cut off or added */
    gyre_view words;
};
/* The next line as a message. false: there are no more. */
bool line_next(gyre_view *left, struct line *);
/* Reads the fields of what was received, as the line says them. */
void line_check(const struct line *, struct message *);
#endif

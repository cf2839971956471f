/* SPDX-License-Identifier: GPL-3.0-or-later
 * lexer.h - the words of a master file (RFC 1035 section 5.1): parentheses, quotes, comments.
 *
 * Words are given as they stand: escapes are left to whoever knows what the word means.
 * Promise: each byte is looked at once; a record may be as long as the file.
 */
#ifndef DNS_LEXER_H
#define DNS_LEXER_H

#include "gyre.h"

enum dns_lex {
    DNS_LEX_WORD,
    DNS_LEX_QUOTED, /* without its quotes */
    DNS_LEX_END,    /* of the record */
    DNS_LEX_FILE_END,
    DNS_LEX_WRONG,  /* why says what */
};

struct dns_lexer {
    gyre_view left;   /* set these two: the text, and 1 */
    uint32_t line;
    uint32_t ended;   /* the line on which the last record did */
    uint32_t depth;   /* open parentheses */
    uint32_t opened;  /* the line of the outermost */
    bool inside;      /* the record has a word, and has not ended */
    bool indented;    /* the record began with space */
    gyre_view word;
    const char *why;
};

enum dns_lex dns_lex(struct dns_lexer *);

/* Leaves the record that is being read, after an error. */
void dns_lex_leave(struct dns_lexer *);

#endif

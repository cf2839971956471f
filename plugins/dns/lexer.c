/* SPDX-License-Identifier: GPL-3.0-or-later
 * lexer.c - see lexer.h.
 */
#include "lexer.h"

/* What ends a word. */
static bool special(uint8_t c)
{
    return c <= ' ' ? c == ' ' || c == '\t' || c == '\n' || c == '\r'
                    : c == '"' || c == ';' || c == '(' || c == ')';
}

static enum dns_lex wrong(struct dns_lexer *lexer, const char *why)
{
    lexer->inside = true;
    lexer->why = why;
    return DNS_LEX_WRONG;
}

/* Cuts what stands before the line's end, and leaves that. */
static void comment(struct dns_lexer *lexer)
{
    const gyre_view left = lexer->left;
    const uint8_t *end = memchr(left.p, '\n', left.n);
    (void)gyre_head(&lexer->left, end ? (size_t)(end - left.p) : left.n);
}

static enum dns_lex quoted(struct dns_lexer *lexer)
{
    (void)gyre_head(&lexer->left, 1);
    size_t n = 0;
    const gyre_view left = lexer->left;
    while (n < left.n && left.p[n] != '"' && left.p[n] != '\n')
        n += left.p[n] == '\\' && n + 1 < left.n && left.p[n + 1] != '\n' ? 2 : 1;
    if (n >= left.n || left.p[n] != '"') {
        comment(lexer);
        return wrong(lexer, "a quote is not closed on its line");
    }
    lexer->inside = true;
    lexer->word = gyre_head(&lexer->left, n);
    (void)gyre_head(&lexer->left, 1);
    return DNS_LEX_QUOTED;
}

static enum dns_lex word(struct dns_lexer *lexer)
{
    size_t n = 0;
    const gyre_view left = lexer->left;
    while (n < left.n && !special(left.p[n]))
        n += left.p[n] == '\\' && n + 1 < left.n && left.p[n + 1] != '\n' ? 2 : 1;
    lexer->inside = true;
    lexer->word = gyre_head(&lexer->left, n);
    return DNS_LEX_WORD;
}

static enum dns_lex end(struct dns_lexer *lexer)
{
    lexer->inside = false;
    lexer->ended = lexer->line;
    return DNS_LEX_END;
}

/* One byte that is no part of a word. true: *what is to be returned. */
static bool between(struct dns_lexer *lexer, uint8_t c, enum dns_lex *what)
{
    if (c == ';') {
        comment(lexer);
        return false;
    }
    (void)gyre_head(&lexer->left, 1);
    if (c == '\n') {
        bool whole = !lexer->depth;
        if (whole) *what = end(lexer);
        lexer->line++;
        return whole;
    }
    if (c == '(' && !lexer->depth++) lexer->opened = lexer->line;
    if (c == ')' && !lexer->depth--) {
        lexer->depth = 0;
        *what = wrong(lexer, "a ')' without its '('");
        return true;
    }
    return false;
}

enum dns_lex dns_lex(struct dns_lexer *lexer)
{
    if (!lexer->inside)
        lexer->indented = lexer->left.n && (lexer->left.p[0] == ' ' || lexer->left.p[0] == '\t');
    while (lexer->left.n) {
        enum dns_lex what;
        uint8_t c = lexer->left.p[0];
        if (c == '"') return quoted(lexer);
        if (!special(c)) return word(lexer);
        if (between(lexer, c, &what)) return what;
    }
    if (lexer->depth) {
        lexer->depth = 0;
        lexer->line = lexer->opened;
        return wrong(lexer, "this '(' is never closed");
    }
    return lexer->inside ? end(lexer) : DNS_LEX_FILE_END;
}

void dns_lex_leave(struct dns_lexer *lexer)
{
    while (lexer->inside) (void)dns_lex(lexer);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * problem.c - what is wrong with a configuration, collected so that all of it is told at once.
 *
 * Owns the texts until problems_free. Never fails: without memory a problem is counted, not kept.
 * Limits: LIMIT_PROBLEMS; the last one says that more follow.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "config.h"

void problem_add(struct problems *problems, bool warning, const char *where, const char *fmt, ...)
{
    struct problem *p;
    char *text = NULL;
    va_list args;
    if (!warning) problems->errors++;
    if (!problems->at) problems->at = calloc(LIMIT_PROBLEMS, sizeof *problems->at);
    if (!problems->at || problems->n >= LIMIT_PROBLEMS) return;
    p = &problems->at[problems->n];
    p->warning = warning;
    if (problems->n == LIMIT_PROBLEMS - 1) {
        p->text = strdup("more follow: mend these first");
        problems->n += p->text != NULL;
        return;
    }
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) text = NULL;
    va_end(args);
    if (text && where && where[0]) {
        if (asprintf(&p->text, "%s: %s", where, text) < 0) p->text = NULL;
        free(text);
    } else {
        p->text = text;
    }
    problems->n += p->text != NULL;
}

void problems_free(struct problems *problems)
{
    for (size_t i = 0; i < problems->n; i++) free(problems->at[i].text);
    free(problems->at);
    *problems = (struct problems){0};
}

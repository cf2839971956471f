/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_sandbox.c - what a service may still do, as a table for people.
 *
 * A row for each key of the answer, in its order; long rows go on below themselves.
 */
#include <stdio.h>
#include <string.h>

#include "gyrectl_show.h"

enum { KEY_COLUMNS = 18, LINE_COLUMNS = 96 };

static void row(const struct json *r)
{
    char key[KEY_COLUMNS - 2];
    int column = KEY_COLUMNS;
    (void)snprintf(key, sizeof key, "%s", r->key ? r->key : "");
    for (char *at = key; *at; at++)
        if (*at == '_') *at = ' ';
    (void)printf("  %-*s", KEY_COLUMNS - 2, key);
    for (const struct json *word = r->first; word; word = word->next) {
        int n = (int)strlen(word->text) + (word->next ? 2 : 0);
        if (column + n > LINE_COLUMNS && column > KEY_COLUMNS) {
            (void)printf("\n%*s", KEY_COLUMNS, "");
            column = KEY_COLUMNS;
        }
        column += printf("%s%s", word->text, word->next ? ", " : "");
    }
    if (!r->first) (void)fputs("none", stdout);
    (void)putchar('\n');
}

int show_sandbox(const struct json *answer)
{
    const struct json *sandbox = json_at(answer, "sandbox");
    (void)printf("service %s/%s, pid %s\n", json_at(answer, "service")->text,
                 json_at(answer, "generation")->text, json_at(answer, "pid")->text);
    if (sandbox->kind != JSON_OBJECT) (void)puts("  has no sandbox: it is off, or not known");
    for (const struct json *r = sandbox->first; r; r = r->next) row(r);
    return 0;
}

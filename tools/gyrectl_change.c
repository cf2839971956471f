/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_change.c - what became of changes of the configuration, and which there were
 * (gyrectl_show.h).
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gyrectl_show.h"
#include "gyrectl_table.h"

int show_proposal(const struct json *answer)
{
    const struct json *number = json_at(answer, "number"), *line = json_at(answer, "line");
    int status = show_reload(answer);
    if (status) return status;
    if (number->kind == JSON_NULL) {
        (void)puts("nothing had to be changed: it is so already");
        return 0;
    }
    (void)printf("change %s: %s, at %s:%s\n", number->text, json_at(answer, "what")->text,
                 json_at(answer, "file")->text, line->text);
    return 0;
}

/* The name of a user, or the number. */
static const char *user_name(const struct json *uid, char *space, size_t n)
{
    const struct passwd *user = getpwuid((uid_t)json_number(uid));
    if (uid->kind == JSON_NULL) return "file";
    (void)snprintf(space, n, "%s", user ? user->pw_name : uid->text);
    return space;
}

int show_history(const struct json *answer)
{
    struct table t;
    table_begin(&t, ">NUMBER|WHEN|WHO|FILE|CHANGE");
    for (const struct json *c = json_at(answer, "changes")->first; c; c = c->next) {
        char when[32] = "", name[64];
        time_t at = (time_t)json_number(json_at(c, "when"));
        struct tm tm;
        if (localtime_r(&at, &tm)) (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
        table_text(&t, json_at(c, "number")->text);
        table_text(&t, when);
        table_text(&t, user_name(json_at(c, "uid"), name, sizeof name));
        table_text(&t, json_at(c, "file")->text);
        table_text(&t, json_at(c, "what")->text);
    }
    table_end(&t);
    return 0;
}

/* Of one key the values alone, for scripts. */
int show_get(const struct json *answer)
{
    const struct json *key = json_at(answer, "key"), *section = json_at(answer, "section");
    const struct json *first = json_at(section, "keys")->first;
    if (key->kind == JSON_NULL) return show_section(section);
    for (const struct json *k = first; k; k = k->next)
        (void)printf("%s\n", json_at(k, "value")->text);
    if (first) return 0;
    (void)fprintf(stderr, "'%s' in [%s] has no value\n", key->text,
                  json_at(section, "name")->text);
    return 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_connections.c - who is connected, and who was until now (gyrectl_show.h).
 */
#include <stdio.h>

#include "gyrectl_show.h"
#include "gyrectl_table.h"

int show_connections(const struct json *answer)
{
    struct table t;
    int status = 0;
    if (!json_at(answer, "connections")->first) (void)puts("no connections");
    table_begin(&t, "ID|SECTION|PEER|ENDPOINT|>AGE|>IDLE|>QUEUED|STATE");
    for (const struct json *c = json_at(answer, "connections")->first; c; c = c->next) {
        const char *peer = json_at(c, "peer")->text, *endpoint = json_at(c, "endpoint")->text;
        char time[64];
        table_text(&t, json_at(c, "id")->text);
        table_text(&t, json_at(c, "section")->text);
        table_text(&t, *peer ? peer : "-");
        table_text(&t, *endpoint ? endpoint : "dialled");
        duration_text(json_number(json_at(c, "age_ms")), time, sizeof time);
        table_text(&t, time);
        duration_text(json_number(json_at(c, "idle_ms")), time, sizeof time);
        table_text(&t, time);
        table_bytes(&t, json_number(json_at(c, "queued")));
        table_text(&t, json_at(c, "state")->text);
    }
    table_end(&t);
    if (json_true(json_at(answer, "more"))) (void)puts("and more: --all shows all of them");
    for (const struct json *s = json_at(answer, "silent")->first; s; s = s->next, status = 1)
        (void)fprintf(stderr, "service %s does not answer: what it has is not shown\n", s->text);
    return status;
}

int show_killed(const struct json *answer)
{
    const char *peer = json_at(answer, "peer")->text;
    if (!json_true(json_at(answer, "ok"))) return 1;
    (void)printf("ended: %s%s[%s]\n", peer, *peer ? ", of " : "of ",
                 json_at(answer, "section")->text);
    return 0;
}

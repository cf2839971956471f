/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_show.c - see gyrectl_show.h. What is missing in an answer shows as empty or 0, so that a
 * newer gyrectl can ask an older server.
 */
#include "gyrectl_show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gyrectl_table.h"

enum { COMMENT_COLUMN = 40 };

static enum table_look look_of(const char *state)
{
    static const struct {
        const char *state;
        enum table_look look;
    } looks[] = {{"serving", TABLE_GOOD}, {"ready", TABLE_GOOD},    {"good", TABLE_GOOD},
                 {"waiting", TABLE_WARN}, {"starting", TABLE_WARN}, {"draining", TABLE_WARN},
                 {"removed", TABLE_WARN}, {"new", TABLE_WARN}};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (strcmp(state, looks[i].state) == 0) return looks[i].look;
    return TABLE_BAD;
}

static void show_server(const struct json *server)
{
    char up[64];
    duration_text(json_number(json_at(server, "uptime_ms")), up, sizeof up);
    (void)printf("gyre %s, pid %s, up %s, %s workers on %s, configuration %s%s\n",
                 json_at(server, "version")->text, json_at(server, "pid")->text, up,
                 json_at(server, "workers")->text, json_at(server, "ring")->text,
                 json_at(server, "config")->text,
                 json_true(json_at(server, "stopping")) ? ", draining" : "");
    for (const struct json *m = json_at(server, "missing")->first; m; m = m->next)
        (void)printf("missing: %s\n", m->text);
    (void)putchar('\n');
}

static void show_services(const struct json *services)
{
    struct table t;
    table_begin(&t, "SERVICE|STATE|>GENERATION|>PID|>RESTARTS|>MEMORY|>SINCE|RING");
    for (const struct json *v = services->first; v; v = v->next) {
        char since[64];
        const char *state = json_at(v, "state")->text;
        duration_text(json_number(json_at(v, "since_ms")), since, sizeof since);
        table_text(&t, json_at(v, "name")->text);
        table_state(&t, state, look_of(state));
        table_number(&t, json_number(json_at(v, "generation")));
        table_number(&t, json_number(json_at(v, "pid")));
        table_number(&t, json_number(json_at(v, "restarts")));
        table_bytes(&t, json_number(json_at(v, "memory_kb")) * 1024);
        table_text(&t, since);
        table_text(&t, json_at(v, "ring")->text);
    }
    table_end(&t);
    for (const struct json *v = services->first; v; v = v->next)
        for (const struct json *r = json_at(v, "refused")->first; r; r = r->next) {
            char left[64];
            duration_text(json_number(json_at(r, "left_ms")), left, sizeof left);
            (void)printf("%s refuses %s for %s: its input killed it twice\n",
                         json_at(v, "name")->text, json_at(r, "address")->text, left);
        }
    (void)putchar('\n');
}

static void section_row(struct table *t, const struct json *section, const char *endpoint)
{
    const struct json *totals = json_at(section, "totals");
    const char *state = json_at(section, "state")->text;
    table_text(t, json_at(section, "name")->text);
    table_state(t, state, look_of(state));
    table_text(t, endpoint);
    table_number(t, json_number(json_at(totals, "streams")));
    table_number(t, json_number(json_at(totals, "streams_total")));
    table_number(t, json_number(json_at(totals, "messages")));
    table_bytes(t, json_number(json_at(totals, "bytes_in")));
    table_bytes(t, json_number(json_at(totals, "bytes_out")));
}

static void show_sections(const struct json *sections)
{
    struct table t;
    table_begin(&t, "SECTION|STATE|ENDPOINT|>STREAMS|>TOTAL|>MESSAGES|>IN|>OUT");
    for (const struct json *s = sections->first; s; s = s->next) {
        const struct json *door = json_at(s, "endpoints")->first;
        section_row(&t, s, door ? json_at(door, "endpoint")->text : "-");
        for (door = door ? door->next : NULL; door; door = door->next) {
            for (int i = 0; i < 8; i++) /* its further endpoints, below the first */
                table_text(&t, i == 2 ? json_at(door, "endpoint")->text : "");
        }
    }
    table_end(&t);
    for (const struct json *s = sections->first; s; s = s->next) {
        const char *why = json_at(s, "why")->text, *state = json_at(s, "state")->text;
        if (*why && strcmp(state, "port taken") != 0)
            (void)printf("[%s] %s\n", json_at(s, "name")->text, why);
        for (const struct json *d = json_at(s, "endpoints")->first; d; d = d->next)
            if (*json_at(d, "problem")->text)
                (void)printf("[%s] %s: %s\n", json_at(s, "name")->text,
                             json_at(d, "endpoint")->text, json_at(d, "problem")->text);
    }
    (void)putchar('\n');
}

static void show_limits(const struct json *sections)
{
    struct table t;
    table_begin(&t, "SECTION|LIMIT|>VALUE|>NOW|>HITS");
    for (const struct json *s = sections->first; s; s = s->next) {
        const char *name = json_at(s, "name")->text;
        for (const struct json *l = json_at(s, "limits")->first; l; l = l->next) {
            const struct json *hits = json_at(l, "hits");
            table_text(&t, name);
            table_text(&t, json_at(l, "name")->text);
            table_text(&t, json_at(l, "max")->text);
            table_text(&t, json_at(l, "now")->text);
            table_state(&t, hits->text, json_number(hits) ? TABLE_WARN : TABLE_PLAIN);
            name = "";
        }
    }
    table_end(&t);
}

int show_status(const struct json *answer)
{
    show_server(json_at(answer, "server"));
    show_services(json_at(answer, "services"));
    show_sections(json_at(answer, "sections"));
    show_limits(json_at(answer, "sections"));
    return 0;
}

int show_plugins(const struct json *answer)
{
    struct table t;
    table_begin(&t, "PLUGIN|VERSION|STATE|FILE|");
    for (const struct json *p = json_at(answer, "plugins")->first; p; p = p->next) {
        const char *state = json_at(p, "state")->text, *problem = json_at(p, "problem")->text;
        const char *name = json_at(p, "name")->text;
        table_text(&t, *name ? name : "-");
        table_text(&t, json_at(p, "version")->text);
        table_state(&t, state, look_of(state));
        table_text(&t, json_at(p, "file")->text);
        table_text(&t, *problem ? problem : json_at(p, "summary")->text);
    }
    table_end(&t);
    return 0;
}

/* "http.so+0x1234 (on_data)" of the innermost frame, or "" */
static void frame_text(const struct json *frame, char *out, size_t n)
{
    const char *module = json_at(frame, "module")->text;
    const char *function = json_at(frame, "function")->text;
    (void)snprintf(out, n, "%s%s%s%s%s%s", module, *module ? "+" : "",
                   json_at(frame, "offset")->text, *function ? " (" : "", function,
                   *function ? ")" : "");
}

int show_crashes(const struct json *answer)
{
    struct table t;
    const struct json *first = json_at(answer, "crashes")->first;
    table_begin(&t, "WHEN|SERVICE|HOW|IN|SECTION|PEER|AT");
    for (const struct json *c = first; c; c = c->next) {
        char when[32], service[80], at[200];
        struct tm day;
        time_t seconds = (time_t)(json_number(json_at(c, "at_ms")) / 1000);
        (void)strftime(when, sizeof when, "%F %T", localtime_r(&seconds, &day));
        (void)snprintf(service, sizeof service, "%s/%s", json_at(c, "service")->text,
                       json_at(c, "generation")->text);
        frame_text(json_at(c, "frames")->first ? json_at(c, "frames")->first : c, at, sizeof at);
        table_text(&t, when);
        table_text(&t, service);
        table_state(&t, json_at(c, "how")->text, TABLE_BAD);
        table_text(&t, json_at(c, "callback")->text);
        table_text(&t, json_at(c, "section")->text);
        table_text(&t, json_at(c, "peer")->text);
        table_text(&t, at);
    }
    table_end(&t);
    if (!first) (void)puts("no service has crashed since the server began");
    else (void)printf("\nthe reports: %s\n", json_at(answer, "folder")->text);
    return 0;
}

int show_section(const struct json *section)
{
    int n = printf("[%s]", json_at(section, "name")->text);
    (void)printf("%*s; %s\n", n < COMMENT_COLUMN ? COMMENT_COLUMN - n : 1, "",
                 json_at(section, "where")->text);
    for (const struct json *k = json_at(section, "keys")->first; k; k = k->next) {
        const char *where = json_at(k, "where")->text;
        n = printf("%s = %s", json_at(k, "key")->text, json_at(k, "value")->text);
        (void)printf("%*s; %s\n", n < COMMENT_COLUMN ? COMMENT_COLUMN - n : 1, "",
                     *where ? where : "preset");
    }
    return 0;
}

int show_config(const struct json *answer)
{
    for (const struct json *s = json_at(answer, "sections")->first; s; s = s->next) {
        (void)show_section(s);
        if (s->next) (void)putchar('\n');
    }
    return 0;
}

int show_text(const struct json *answer)
{
    (void)fputs(json_at(answer, "text")->text, stdout);
    return 0;
}

int show_reload(const struct json *answer)
{
    bool ok = json_true(json_at(answer, "ok"));
    for (const struct json *p = json_at(answer, "problems")->first; p; p = p->next)
        (void)fprintf(stderr, "%s%s\n", json_true(json_at(p, "warning")) ? "warning: " : "",
                      json_at(p, "text")->text);
    if (!ok) (void)fputs("nothing was changed\n", stderr);
    return ok ? 0 : 1;
}

int show_upgrade(const struct json *answer)
{
    const char *from = json_at(answer, "from")->text;
    (void)printf("gyre %s has taken over from gyre %s\n", json_at(answer, "to")->text,
                 from ? from : "?");
    return 0;
}

int show_nothing(const struct json *answer)
{
    return json_true(json_at(answer, "ok")) ? 0 : 1;
}

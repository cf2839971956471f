/* SPDX-License-Identifier: GPL-3.0-or-later
 * crash_show.c - the report of a crash as lines for people, and as JSON for gyrectl.
 *
 * Promise: what a peer or a dead service wrote comes out through the escaping writer of log.c, so
 * that it neither forges a line nor drives a terminal. Limits: LINE_BYTES a line.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

enum { LINE_BYTES = 4 * BOX_BYTES + 128, FRAMES_SHOWN = 6, BYTES_SHOWN = 64 };

struct lines {
    const struct crash *c;
    bool whole;
    void (*say)(void *user, const char *line);
    void *user;
};

/* n bytes, escaped; the text is as long as out lets it be. */
static void escaped(const void *p, size_t n, char *out, size_t out_n)
{
    gyre_out o = GYRE_MAKE(gyre_out, .p = (uint8_t *)out, .cap = out_n - 1);
    log_escape(&o, GYRE_MAKE(gyre_view, p, n));
    out[o.n] = '\0';
}

static void put(FILE *f, const char *text)
{
    char safe[LINE_BYTES];
    escaped(text, strlen(text), safe, sizeof safe);
    (void)fputs(safe, f);
}

static void say(const struct lines *l, FILE *f, char **text)
{
    (void)fclose(f);
    l->say(l->user, *text);
    free(*text);
    *text = NULL;
}

/* ---- lines ---- */

static void put_frame(FILE *f, const struct crash_frame *frame)
{
    if (frame->module[0]) {
        put(f, frame->module);
        (void)fputs("+", f);
    }
    (void)fprintf(f, "0x%llx", (unsigned long long)frame->at);
    if (!frame->function[0]) return;
    (void)fputs(" (", f);
    put(f, frame->function);
    (void)fputs(")", f);
}

static void put_call(FILE *f, const char *call, const char *section)
{
    (void)fprintf(f, "in %s", call);
    if (!section[0]) return;
    (void)fputs(" of [", f);
    put(f, section);
    (void)fputs("]", f);
}

static void where_line(const struct lines *l)
{
    const struct crash *c = l->c;
    char *text = NULL, peer[64];
    size_t n;
    FILE *f = need_memory(open_memstream(&text, &n));
    if (*c->call) put_call(f, c->call, c->section_name);
    else (void)fputs("in no callback", f);
    if (c->plugin[0]) (void)fputs(", plugin ", f);
    put(f, c->plugin);
    if (c->has_peer) {
        address_text(&c->peer, peer, sizeof peer);
        (void)fprintf(f, ", peer %s", peer);
    }
    if (c->connection) (void)fprintf(f, ", connection %llx", (unsigned long long)c->connection);
    if (c->faulted && c->signal == SIGSYS)
        (void)fprintf(f, ", system call %s (%llu)", filter_name((uint32_t)c->address),
                      (unsigned long long)c->address);
    else if (c->faulted)
        (void)fprintf(f, ", fault at 0x%llx", (unsigned long long)c->address);
    if (c->refused) (void)fputs("; this peer is refused for a while", f);
    say(l, f, &text);
}

static void bytes_line(const struct lines *l)
{
    const struct crash *c = l->c;
    char safe[4 * BOX_BYTES + 1], *text = NULL;
    size_t n, shown = l->whole || c->bytes_n < BYTES_SHOWN ? c->bytes_n : BYTES_SHOWN;
    if (!c->bytes_of) return;
    FILE *f = need_memory(open_memstream(&text, &n));
    escaped(c->bytes, shown, safe, sizeof safe);
    (void)fprintf(f, "it had %u bytes%s: %s%s", c->bytes_of,
                  c->datagrams > 1 ? " in the first of several datagrams" : "", safe,
                  shown < c->bytes_of ? " ..." : "");
    say(l, f, &text);
}

static void text_line(const struct lines *l)
{
    char *text = NULL;
    size_t n;
    if (!l->c->text[0]) return;
    FILE *f = need_memory(open_memstream(&text, &n));
    (void)fputs("it said: ", f);
    put(f, l->c->text);
    say(l, f, &text);
}

/* In the log on one line, else one a line. */
static void frame_lines(const struct lines *l)
{
    char *text = NULL;
    size_t n, most = l->whole ? BOX_FRAMES : FRAMES_SHOWN;
    FILE *f = NULL;
    for (size_t i = 0; i < l->c->frames_n && i < most; i++) {
        if (!f) f = need_memory(open_memstream(&text, &n));
        if (i == 0) (void)fputs("at ", f);
        else (void)fputs(l->whole ? "   called from " : ", called from ", f);
        put_frame(f, &l->c->frames[i]);
        if (l->whole) say(l, f, &text), f = NULL;
    }
    if (f) say(l, f, &text);
}

static void doing_line(const struct lines *l)
{
    char *text = NULL;
    size_t n;
    FILE *f = NULL;
    for (size_t i = 0; i < l->c->doing_n; i++) {
        const struct crash_doing *d = &l->c->doing[i];
        if (l->c->seen && !l->whole && !*d->call) continue;
        if (f) (void)fputs(", ", f);
        else f = need_memory(open_memstream(&text, &n));
        (void)fprintf(f, "%s was %s", d->what, *d->call ? "" : "idle");
        if (*d->call) put_call(f, d->call, d->section_name);
    }
    if (f) say(l, f, &text);
}

void crash_lines(const struct crash *c, bool whole, void (*sayer)(void *user, const char *line),
                 void *user)
{
    const struct lines l = {c, whole, sayer, user};
    if (c->seen) where_line(&l);
    text_line(&l);
    bytes_line(&l);
    frame_lines(&l);
    doing_line(&l);
}

/* ---- JSON ---- */

static void json_member(FILE *f, const char *name, const char *text)
{
    (void)fprintf(f, ", \"%s\": ", name);
    json_text(f, text[0] ? text : NULL);
}

static void frames_json(const struct crash *c, FILE *f)
{
    (void)fputs(", \"frames\": [", f);
    for (size_t i = 0; i < c->frames_n; i++) {
        const struct crash_frame *frame = &c->frames[i];
        (void)fprintf(f, "%s{\"offset\": \"0x%llx\"", i ? ", " : "", (unsigned long long)frame->at);
        json_member(f, "module", frame->module);
        json_member(f, "function", frame->function);
        (void)fputs("}", f);
    }
    (void)fputs("], \"threads\": [", f);
    for (size_t i = 0; i < c->doing_n; i++) {
        (void)fprintf(f, "%s{\"thread\": \"%s\"", i ? ", " : "", c->doing[i].what);
        json_member(f, "callback", c->doing[i].call);
        json_member(f, "section", c->doing[i].section_name);
        (void)fputs("}", f);
    }
    (void)fputs("]", f);
}

void crash_json(const struct crash *c, FILE *f)
{
    char safe[4 * BOX_BYTES + 1], peer[64] = "";
    if (c->has_peer) address_text(&c->peer, peer, sizeof peer);
    escaped(c->bytes, c->bytes_n, safe, sizeof safe);
    (void)fprintf(f, "{\"at_ms\": %lld, \"generation\": %u", (long long)c->wall_ms, c->generation);
    json_member(f, "service", c->service);
    json_member(f, "how", c->how);
    json_member(f, "section", c->section_name);
    json_member(f, "plugin", c->plugin);
    json_member(f, "callback", c->call);
    json_member(f, "peer", peer);
    (void)fprintf(f, ", \"refused\": %s, \"connection\": \"%llx\", \"bytes_n\": %u",
                  c->refused ? "true" : "false", (unsigned long long)c->connection, c->bytes_of);
    json_member(f, "bytes", safe);
    json_member(f, "said", c->text);
    frames_json(c, f);
    json_member(f, "file", c->file);
    (void)fputs("}", f);
}

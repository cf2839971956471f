/* SPDX-License-Identifier: GPL-3.0-or-later
 * draft.c - sections, new versions of them and sockets, from the supervisor's words to service.c.
 *
 * A draft is told in several messages (M_SECTION, M_ENTRY …, M_PREPARE) and then waits, prepared,
 * for M_COMMIT or M_ABANDON; sockets wait beside it. Promise: until then nothing that serves has
 * changed, and what is abandoned leaves nothing behind. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve.h"

static void draft_free(struct draft *d)
{
    for (size_t i = 0; i < d->n; i++) entry_free(&d->entries[i]);
    free(d->entries);
    free(d->name);
    free(d->plugin);
    free(d);
}

static struct draft *draft_at(struct serve *s, uint64_t id)
{
    struct draft *d = s->drafts;
    while (d && d->id != id) d = d->next;
    return d;
}

bool draft_section(struct serve *s, struct message *m)
{
    struct draft *d = calloc(1, sizeof *d);
    if (!d) return false;
    d->id = (uint32_t)message_get_number(m);
    d->name = serve_text(m);
    d->plugin = serve_text(m);
    if (!gyre_end(&m->in) || !d->name || !d->plugin || draft_at(s, d->id)) {
        draft_free(d);
        return false;
    }
    d->next = s->drafts;
    s->drafts = d;
    return true;
}

bool draft_entry(struct serve *s, struct message *m)
{
    struct draft *d = draft_at(s, message_get_number(m));
    struct entry e = {.key = serve_text(m), .value = serve_text(m)};
    char *where = serve_text(m);
    e.folder = serve_text(m);
    if (!d || !e.key || !e.value || !where || !e.folder || !gyre_end(&m->in)) goto fail;
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 16;
        struct entry *grown = realloc(d->entries, cap * sizeof *grown);
        if (!grown) goto fail;
        d->entries = grown;
        d->cap = cap;
    }
    snprintf(e.where, sizeof e.where, "%s", where);
    free(where);
    d->entries[d->n++] = e;
    return true;
fail:
    free(where);
    entry_free(&e);
    return false;
}

bool draft_prepare(struct serve *s, struct message *m)
{
    static _Thread_local struct message_out out;
    char why[600] = "";
    struct draft *d = draft_at(s, message_get_number(m));
    uint64_t version = message_get_number(m);
    if (!d || d->version || !gyre_end(&m->in)) return false;
    d->section = service_section_at(s->service, d->id);
    d->fresh = !d->section;
    if (d->fresh) {
        d->section = service_section(s->service, d->id, d->name, d->plugin, d->entries, d->n, why,
                                     sizeof why);
        d->version = d->section ? d->section->newest : NULL;
    } else {
        d->version = service_version(d->section, d->entries, d->n, why, sizeof why);
    }
    message_begin(&out, M_PREPARED);
    message_put_number(&out, d->id);
    message_put_number(&out, version);
    given_drop(s->service);
    const char *outgrown = s->service->outgrown;
    message_put_number(&out, outgrown[0] ? PREPARED_ELSEWHERE : d->version != NULL);
    message_put_text(&out, gyre_str(outgrown[0] ? outgrown : why));
    (void)message_send(&out, s->start->channel, -1);
    return true;
}

bool draft_socket(struct serve *s, struct message *m, bool listen)
{
    struct socket_draft *d = calloc(1, sizeof *d);
    if (!d) return false;
    d->fd = -1;
    d->id = (uint32_t)message_get_number(m);
    if (listen) {
        d->worker = (uint32_t)message_get_number(m);
        d->datagrams = message_get_number(m) != 0;
    }
    gyre_view text = message_get_text(m);
    if (!gyre_end(&m->in) || text.n >= sizeof d->text || listen != (m->fd >= 0)) {
        free(d);
        return false;
    }
    if (text.n) memcpy(d->text, text.p, text.n);
    d->fd = m->fd;
    m->fd = -1;
    *s->sockets_end = d;
    s->sockets_end = &d->next;
    return true;
}

static void drop_sockets(struct serve *s, bool close_them)
{
    while (s->sockets) {
        struct socket_draft *d = s->sockets;
        s->sockets = d->next;
        if (close_them && d->fd >= 0) close(d->fd);
        free(d);
    }
    s->sockets_end = &s->sockets;
}

void drafts_publish(struct serve *s)
{
    while (s->drafts) {
        struct draft *d = s->drafts;
        s->drafts = d->next;
        if (d->version) {
            service_publish(d->section, d->version);
            service_entries(d->section, d->entries, d->n);
            d->entries = NULL;
            d->n = 0;
        }
        draft_free(d);
    }
}

void drafts_listen(struct serve *s)
{
    for (struct socket_draft *d = s->sockets; d; d = d->next) {
        struct section *section = service_section_at(s->service, d->id);
        bool taken = section && d->fd >= 0 &&
                     service_listen(section, d->worker, d->fd, d->text, d->datagrams);
        if (section && d->fd < 0) service_unlisten(section, d->text);
        if (d->fd >= 0 && !taken) close(d->fd);
    }
    drop_sockets(s, false);
}

void drafts_abandon(struct serve *s)
{
    while (s->drafts) {
        struct draft *d = s->drafts;
        s->drafts = d->next;
        if (d->fresh && d->section) service_forget(d->section);
        else if (d->version) service_abandon(d->version);
        draft_free(d);
    }
    drop_sockets(s, true);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * wide.c - "wide/1": message interfaces between plugins in different processes.
 *
 * A call of a plugin is mail to worker 0, where the links are; its answer is the answer of an ask.
 * So a request is answered once, by whoever comes first: the other side, its end, or the deadline.
 * The links live in a section of the host's own, which is made when a plugin needs "wide/1" and
 * leaves after all others: who drains may ask to the last.
 * Promise: never blocks; a link that is not there is GYRE_GONE. Limits: LIMIT_MAIL, LIMIT_BOX, and
 * those of a link.
 */
#include "wide.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "blocking.h"

struct link_order { /* of the control thread, to worker 0 */
    struct item item;
    enum wide_side side;
    int fd;
    char id[LIMIT_NAME];
};

static const struct gyre_proto *const kinds[] = {&wide_asks, &wide_answers, NULL};
static const struct gyre_plugin own_plugin = {
    .size = sizeof own_plugin, .option_size = sizeof(struct gyre_option),
    .metric_size = sizeof(struct gyre_metric), .need_size = sizeof(struct gyre_need),
    .offer_size = sizeof(struct gyre_offer), .flags = GYRE_ONE_WORKER, .name = "wide/1",
    .kinds = kinds};

/* ---- who may ---- */

static bool has_need(const struct plugin *p, const char *id)
{
    struct gyre_need row;
    for (size_t i = 0; p->p.needs && i < LIMIT_OPTIONS; i++) {
        descriptor_row(p->p.needs, p->p.need_size, i, &row, sizeof row);
        if (!row.id) break;
        if (strcmp(row.id, id) == 0) return true;
    }
    return false;
}

static bool answers(const struct plugin *p, const char *id)
{
    struct gyre_offer row;
    for (size_t i = 0; p->p.offers && i < LIMIT_OPTIONS; i++) {
        descriptor_row(p->p.offers, p->p.offer_size, i, &row, sizeof row);
        if (!row.id) break;
        if (!row.table && strcmp(row.id, id) == 0) return true;
    }
    return false;
}

static void must_need(const struct actor *a, const char *id, const char *call)
{
    if (!id || !has_need(a->kind->plugin, id))
        bug(call, "%s is not in the needs of the plugin", id ? id : "NULL");
}

/* ---- on worker 0 ---- */

static struct wide *wide_of(struct worker *w)
{
    return w->service->wide;
}

static bool is_id(gyre_view v, const char *id)
{
    return gyre_eq(v, gyre_str(id));
}

/* Homes are made first, so they have low slots: this ends soon. */
gyre_ref wide_home(struct worker *w, const char *id)
{
    const struct plugin *p = w->service->plugins;
    while (p && !answers(p, id)) p = p->next;
    for (uint32_t i = 0; p && i < w->slots_n; i++) {
        struct actor *a = slot_at(w, i, w->slots[i].id, SLOT_ACTOR);
        if (a && a->flags & A_HOME && !(a->flags & A_CLOSING) && a->kind->plugin == p)
            return actor_ref(a);
    }
    return (gyre_ref){0, 0};
}

static void run_ask(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    struct link *l = wide_of(w)->links;
    int err = GYRE_GONE;
    while (l && !(l->side == WIDE_ASKS && !l->old && is_id(mail_topic(m), l->id))) l = l->next;
    if (l) err = link_ask(w, l, m);
    if (err < 0) (void)mail_reply(w, m->from, m->tag, err, GYRE_NOTHING);
    mail_drop(w, m);
}

static void run_publish(struct worker *w, struct item *item)
{
    struct mail *m = (struct mail *)item;
    for (struct link *l = wide_of(w)->links; l; l = l->next)
        if (l->side == WIDE_ANSWERS && is_id(mail_topic(m), l->id))
            link_publish(l, m->type, mail_text(m));
    mail_drop(w, m);
}

static void run_link(struct worker *w, struct item *item)
{
    struct link_order *o = (struct link_order *)item;
    link_begin(w, o->side, o->id, o->fd);
    free(o);
}

/* ---- the table ---- */

static int wide_ask(struct gyre_actor *pub, const char *id, uint32_t type, gyre_view text,
                    int64_t within_ns, uint64_t tag, gyre_done *done)
{
    struct actor *a = enter(pub, "wide->ask");
    struct worker *w = worker_here, *there = w->service->workers[0];
    must_need(a, id, "wide->ask");
    if (!done) bug("wide->ask", "nobody to answer");
    if (a->flags & A_CLOSING) return GYRE_GONE;
    if (within_ns <= 0) within_ns = MAIL_WITHIN_NS;
    if (within_ns > GYRE_MS(LIMIT_WIDE_WITHIN_MS)) within_ns = GYRE_MS(LIMIT_WIDE_WITHIN_MS);
    if (text.n > LIMIT_MAIL || inbox_over(there)) {
        mail_choke(w, a, there);
        return GYRE_FULL;
    }
    struct request *r = request_open(w, a, tag, done, within_ns);
    if (!r) return GYRE_FULL;
    struct mail *m = mail_make(a, 0, type, mail_token(r), gyre_str(id), text, NULL);
    if (!m) {
        request_refuse(w, r);
        return GYRE_FULL;
    }
    m->within_ns = within_ns;
    m->item.run = run_ask;
    inbox_post(there, &m->item);
    return GYRE_OK;
}

static int wide_publish(struct gyre_actor *pub, const char *id, uint32_t type, gyre_view text)
{
    struct actor *a = enter(pub, "wide->publish");
    struct worker *w = worker_here, *there = w->service->workers[0];
    if (!id || !answers(a->kind->plugin, id))
        bug("wide->publish", "%s is not in the offers of the plugin", id ? id : "NULL");
    if (a->flags & A_CLOSING) return GYRE_GONE;
    if (type >= GYRE_WIDE_TYPES) return GYRE_INVALID;
    if (text.n > LIMIT_MAIL || inbox_over(there)) {
        mail_choke(w, a, there);
        return GYRE_FULL;
    }
    struct mail *m = mail_make(a, 0, type, 0, gyre_str(id), text, NULL);
    if (!m) return GYRE_FULL;
    m->item.run = run_publish;
    inbox_post(there, &m->item);
    return atomic_load_explicit(&wide_of(w)->behind, memory_order_relaxed) ? GYRE_AGAIN : GYRE_OK;
}

static int wide_follow(struct gyre_actor *pub, const char *id, bool on)
{
    struct actor *a = enter(pub, "wide->follow");
    must_need(a, id, "wide->follow");
    return bus_join_of(worker_here, a, wide_of(worker_here)->plugin, gyre_str(id), on);
}

const struct gyre_wide wide_table = {.size = sizeof wide_table, .ask = wide_ask,
                                     .publish = wide_publish, .follow = wide_follow};

/* ---- of the control thread ---- */

/* Nothing but a limit of ours ends a link that is quiet. */
static struct section *make_section(struct service *s, char *why, size_t why_n)
{
    static char message[16];
    static const char *const limits[][2] = {{"message_max", message}, {"out_max", "4m"},
                                            {"high_mark", "256k"},    {"message_time", "never"},
                                            {"idle_time", "never"}};
    enum { N = sizeof limits / sizeof *limits };
    struct entry entries[N];
    (void)snprintf(message, sizeof message, "%d", WIDE_HEAD + LIMIT_MAIL);
    for (size_t i = 0; i < N; i++)
        entries[i] = (struct entry){.key = (char *)(uintptr_t)limits[i][0],
                                    .value = (char *)(uintptr_t)limits[i][1], .folder = NULL};
    return service_section_of(s, s->wide->plugin, UINT32_MAX, own_plugin.name, entries, N, why,
                              why_n);
}

void wide_free(struct service *s)
{
    if (!s->wide) return;
    if (s->wide->plugin) free(s->wide->plugin->kinds);
    free(s->wide->plugin);
    free(s->wide);
    s->wide = NULL;
}

bool wide_make(struct service *s, const struct plugin *p, char *why, size_t why_n)
{
    if (s->wide || !has_need(p, "wide/1")) return true;
    snprintf(why, why_n, "no memory");
    s->wide = calloc(1, sizeof *s->wide);
    if (s->wide) s->wide->plugin = plugin_own(&own_plugin);
    if (s->wide && s->wide->plugin) s->wide->section = make_section(s, why, why_n);
    if (s->wide && s->wide->section) {
        s->wide->section->last = true;
        return true;
    }
    wide_free(s);
    return false;
}

void wide_publish_section(struct service *s)
{
    if (!s->wide || s->wide->published) return;
    s->wide->published = true;
    service_publish(s->wide->section, s->wide->section->newest);
}

bool wide_link(struct service *s, gyre_view id, bool answering, int fd)
{
    struct link_order *o = s->wide && id.n < sizeof o->id ? calloc(1, sizeof *o) : NULL;
    if (!o) {
        blocking->close(fd);
        return false;
    }
    o->item.run = run_link;
    o->side = answering ? WIDE_ANSWERS : WIDE_ASKS;
    o->fd = fd;
    memcpy(o->id, id.p, id.n);
    inbox_post(s->workers[0], &o->item);
    return true;
}

bool wide_answering(struct service *s)
{
    return s->wide && atomic_load(&s->wide->answering);
}

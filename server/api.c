/* SPDX-License-Identifier: GPL-3.0-or-later
 * api.c - the table that plugins call: every door checks, then hands on to the room that does it.
 *
 * Promise: a wrong actor, thread, kind or slot is a bug of the plugin and named; a call on a closed
 * actor is harmless.
 */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "service.h"

static bool is_over(const struct actor *a)
{
    return a->flags & A_CLOSING;
}

static struct actor *enter_stream(struct gyre_actor *pub, const char *call)
{
    struct actor *a = enter(pub, call);
    if (!(a->flags & A_STREAM)) bug(call, "the actor has no stream");
    return a;
}

const struct kind *kind_of(struct plugin *p, const struct gyre_proto *declared)
{
    for (uint32_t i = 0; declared && i < p->kinds_n; i++)
        if (p->kinds[i].declared == declared) return &p->kinds[i];
    return NULL;
}

/* ---- the wire ---- */

static int api_write(struct gyre_actor *pub, gyre_view v)
{
    struct actor *a = enter_stream(pub, "gyre->write");
    return stream_write(worker_here, a, v);
}

static int api_write_buf(struct gyre_actor *pub, struct gyre_buf *b, uint64_t at, uint64_t n)
{
    struct actor *a = enter_stream(pub, "gyre->write_buf");
    return stream_write_bytes(worker_here, a, buf_check(b, "gyre->write_buf")->core, at, n);
}

static uint64_t api_room(struct gyre_actor *pub)
{
    return stream_room(enter(pub, "gyre->room"));
}

static void api_produce(struct gyre_actor *pub)
{
    struct actor *a = enter(pub, "gyre->produce");
    if (is_over(a)) return;
    a->flags |= A_PRODUCE;
    actor_ready(worker_here, a);
}

static void api_pause(struct gyre_actor *pub, bool on)
{
    struct actor *a = enter(pub, "gyre->pause");
    if (on ? a->paused == UINT8_MAX : !a->paused)
        bug("gyre->pause", on ? "paused 256 times" : "not paused");
    a->paused = (uint8_t)(a->paused + (on ? 1 : -1));
    if (!a->paused) actor_ready(worker_here, a);
}

static int api_link(struct gyre_actor *from_pub, struct gyre_actor *to_pub, uint64_t n)
{
    struct actor *from = enter_stream(from_pub, "gyre->link");
    struct actor *to = to_pub ? enter_stream(to_pub, "gyre->link") : NULL;
    struct extra *x = actor_extra(worker_here, from);
    if (is_over(from) || (to && is_over(to))) return GYRE_GONE;
    if (!x || (to && !actor_extra(worker_here, to))) return GYRE_FULL;
    if (to && to->extra->link_from && to->extra->link_from != from) return GYRE_EXISTS;
    if (x->link_to) x->link_to->extra->link_from = NULL;
    x->link_to = n ? to : NULL;
    x->link_left = x->link_to ? n : 0;
    if (x->link_to) to->extra->link_from = from;
    actor_ready(worker_here, from);
    return GYRE_OK;
}

static void api_limit(struct gyre_actor *pub, uint32_t message_max)
{
    struct actor *a = enter(pub, "gyre->limit");
    struct extra *x = actor_extra(worker_here, a);
    if (x) x->message_max = message_max;
    else if (a->flags & A_STREAM && !is_over(a)) { /* to go on with another limit would be worse */
        actor_end(worker_here, a, GYRE_NO_MEMORY);
        stream_closing(worker_here, a, GYRE_NOW);
    }
}

static void api_finish(struct gyre_actor *pub)
{
    struct actor *a = enter_stream(pub, "gyre->finish");
    if (!is_over(a)) stream_finish(worker_here, a);
}

static void api_close(struct gyre_actor *pub, enum gyre_how how)
{
    struct actor *a = enter(pub, "gyre->close");
    if (a->flags & A_HOME) bug("gyre->close", "a home lives as long as its section");
    if (is_over(a)) return;
    actor_end(worker_here, a, GYRE_CLOSED);
    if (a->flags & A_STREAM) stream_closing(worker_here, a, how);
}

static const struct gyre_peer *api_peer(struct gyre_actor *pub)
{
    struct actor *a = enter(pub, "gyre->peer");
    return a->flags & A_STREAM && !(a->flags & A_CLOSED) ? stream_peer(worker_here, a) : NULL;
}

static int api_emit(struct gyre_actor *pub, const gyre_path *path, gyre_view v, uint32_t segment,
                    uint32_t ecn)
{
    struct actor *a = enter(pub, "gyre->emit");
    (void)ecn; /* not asked of the kernel yet */
    if (!(a->flags & A_PORT)) bug("gyre->emit", "the actor is no UDP port");
    return dgram_emit(worker_here, a, path, v, segment);
}

/* ---- actors ---- */

static struct gyre_actor *api_dial(struct gyre_actor *pub, const struct gyre_dial *d,
                                   const struct gyre_proto *proto)
{
    struct actor *by = enter(pub, "gyre->dial");
    struct gyre_dial known = {.size = sizeof known};
    const struct kind *kind = kind_of(section_of(by)->plugin, proto);
    if (!kind) bug("gyre->dial", "the plugin does not declare that kind (add it to .kinds)");
    memcpy(&known, d, d->size < sizeof known ? d->size : sizeof known);
    struct actor *a = dial_start(worker_here, by, &known, kind);
    return a ? &a->pub : NULL;
}

static gyre_ref api_ref(struct gyre_actor *pub)
{
    return actor_ref(enter(pub, "gyre->ref"));
}

static struct gyre_actor *api_deref(gyre_ref r, const struct gyre_proto *proto)
{
    struct actor *a = worker_here ? actor_at(worker_here, r) : NULL;
    return a && a->kind->declared == proto ? &a->pub : NULL;
}

static int api_send(struct gyre_actor *pub, const gyre_ref *to, size_t n, uint32_t type,
                    uint64_t tag, gyre_view v, struct gyre_buf *body)
{
    struct actor *a = enter(pub, "gyre->send");
    return mail_send(worker_here, a, to, n, type, tag, v,
                     body ? buf_check(body, "gyre->send")->core : NULL);
}

static int api_ask(struct gyre_actor *pub, gyre_ref to, uint32_t type, gyre_view v,
                   int64_t within_ns, uint64_t tag, gyre_done *done)
{
    struct actor *a = enter(pub, "gyre->ask");
    if (!done) bug("gyre->ask", "nobody to answer");
    if (is_over(a)) return GYRE_GONE;
    return mail_ask(worker_here, a, to, GYRE_NOTHING, type, v, within_ns, tag, done);
}

static int api_reply(struct gyre_actor *pub, gyre_ref to, uint64_t tag, int32_t err, gyre_view v)
{
    (void)enter(pub, "gyre->reply");
    return mail_reply(worker_here, to, tag, err, v);
}

static int api_watch(struct gyre_actor *pub, gyre_ref whom, bool on)
{
    struct actor *a = enter(pub, "gyre->watch");
    return is_over(a) ? GYRE_GONE : watch_set(worker_here, a, whom, on);
}

static int api_timer(struct gyre_actor *pub, uint32_t slot, int64_t after_ns)
{
    struct actor *a = enter(pub, "gyre->timer");
    return is_over(a) ? GYRE_GONE : actor_timer_set(worker_here, a, slot, after_ns);
}

static const void *api_conf(struct gyre_actor *pub)
{
    struct actor *a = enter(pub, "gyre->conf");
    if (!is_over(a)) actor_take_version(worker_here, a);
    return a->pub.conf;
}

/* ---- memory and bytes ---- */

static void *api_mem(struct gyre_actor *pub, void *old, size_t n)
{
    if (!pub) {
        struct version *v = version_loading(NULL);
        if (!v) bug("gyre->mem", "an owner of NULL is for on_load alone");
        return version_mem_block(v, old, n);
    }
    struct actor *a = enter(pub, "gyre->mem");
    return a->flags & A_CLOSED ? NULL : mem_block(worker_here, a, old, n);
}

static gyre_out api_out(struct gyre_actor *pub, size_t most)
{
    return out_make(worker_here, enter(pub, "gyre->out"), most);
}

static struct gyre_buf *api_buf(struct gyre_actor *pub, gyre_view v)
{
    struct actor *a = enter(pub, "gyre->buf");
    struct buf *b = a->flags & A_CLOSED ? NULL : buf_make(worker_here, a, bytes_make(v));
    return b ? &b->pub : NULL;
}

static struct gyre_buf *api_buf_share(struct gyre_actor *pub, struct gyre_buf *from)
{
    struct actor *a = enter(pub, "gyre->buf_share");
    struct buf *b = buf_check(from, "gyre->buf_share"), *made;
    if (a->flags & A_CLOSED) return NULL;
    made = buf_make(worker_here, a, borrow_bytes(b->core));
    if (!made) return NULL;
    made->pub.modified_ns = b->pub.modified_ns;
    made->pub.identity = b->pub.identity;
    return &made->pub;
}

static void api_buf_drop(struct gyre_actor *pub, struct gyre_buf *pub_buf)
{
    struct actor *a = enter(pub, "gyre->buf_drop");
    struct buf *b = buf_check(pub_buf, "gyre->buf_drop");
    if (b->owner != a) bug("gyre->buf_drop", "the buffer belongs to another actor");
    buf_forget(worker_here, b);
}

/* ---- the rest ---- */

static int64_t api_now(enum gyre_clock clock)
{
    struct timespec t;
    if (worker_here) return clock == GYRE_WALL ? worker_here->wall_ns : worker_here->now_ns;
    clock_gettime(clock == GYRE_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void api_random(void *p, size_t n)
{
    uint8_t *at = p;
    if (worker_here) {
        worker_here->ring->ops->random(worker_here->ring, p, n);
        return;
    }
    for (size_t done = 0; done < n;) {
        size_t part = n - done < 256 ? n - done : 256;
        if (getrandom(at + done, part, 0) != (ssize_t)part) bug("gyre->random", "no randomness");
        done += part;
    }
}

static int api_want(struct gyre_section *pub, gyre_view text)
{
    struct version *v = version_loading(NULL);
    if (!v || &v->section->pub != pub) bug("gyre->want", "outside of on_load of that section");
    return grant_want(v, text);
}

static void api_count(struct gyre_actor *pub, uint32_t metric, int64_t by)
{
    struct section *s = section_of(enter(pub, "gyre->count"));
    if (metric >= s->plugin->metrics_n) bug("gyre->count", "metric %u is not declared", metric);
    stats_add(&s->stats[worker_here->index]->metrics[metric], by);
}

__attribute__((format(printf, 3, 4)))
static void api_log(struct gyre_actor *pub, enum gyre_level level, const char *fmt, ...)
{
    char prefix[2 * LIMIT_NAME + 4] = "";
    va_list args;
    if (level < log_level_now()) return;
    if (pub) snprintf(prefix, sizeof prefix, "[%s] ", pub->section->name);
    va_start(args, fmt);
    log_line_v(level, prefix, fmt, args);
    va_end(args);
}

const struct gyre_api host_api = {
    .size = sizeof host_api, .minor = GYRE_MINOR,
    .write = api_write, .write_buf = api_write_buf, .room = api_room, .produce = api_produce,
    .pause = api_pause, .link = api_link, .limit = api_limit, .finish = api_finish,
    .close = api_close, .peer = api_peer, .emit = api_emit, .dial = api_dial, .ref = api_ref,
    .deref = api_deref, .send = api_send, .ask = api_ask, .reply = api_reply, .watch = api_watch,
    .timer = api_timer, .conf = api_conf, .mem = api_mem, .out = api_out, .buf = api_buf,
    .buf_share = api_buf_share, .buf_drop = api_buf_drop, .now = api_now, .random = api_random,
    .want = api_want, .count = api_count, .log = api_log,
};

const void *host_service(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } services[] = {{"bus/1", &bus_table}, {"file/1", &file_table}, {"work/1", &work_table},
                    {"shared/1", &shared_table}, {"wide/1", &wide_table}};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (!strcmp(services[i].id, id)) return services[i].table;
    return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * doors.c - tables that stand before the host's and refuse one call (doors.h).
 *
 * Owns the count, and the one answer that is to be another than the host gives.
 * Promise: what is not refused is the host's own call, unchanged.
 */
#include "doors.h"

#include "service.h"
#include "services/bus.h"
#include "services/file.h"
#include "services/shared.h"
#include "services/work.h"
#include "stream.h"

/* An error that a call returns, or its answer brings, and its name. */
struct way {
    int err;
    const char *name;
};
#define WAY(err) {err, #err}
#define ANSWERED(err) {err, "answered " #err}

static struct {
    uint64_t points, at;
    char what[96];
    bool failed;
    gyre_done *done; /* of the request whose answer becomes err */
    int32_t err;
} all;

void doors_reset(void)
{
    all.points = all.at = 0;
    all.failed = false;
}

void doors_fail_at(uint64_t n)
{
    all.at = n ? all.points + n : 0;
}

uint64_t doors_points(void)
{
    return all.points;
}

const char *doors_failed(void)
{
    return all.failed ? all.what : NULL;
}

/* Counts a point for each way. The one that this call fails in, or NULL. */
static const struct way *fails(const char *call, const struct way *ways, size_t n)
{
    uint64_t first = all.points;
    all.points += n;
    if (all.at <= first || all.at > all.points) return NULL;
    const struct way *way = &ways[all.at - first - 1];
    all.failed = true;
    snprintf(all.what, sizeof all.what, "%s, %s", call, way->name);
    return way;
}
#define FAILS(call, ways) fails(call, ways, sizeof(ways) / sizeof *(ways))

static const struct way full[] = {WAY(GYRE_FULL)}, null[] = {{0, "NULL"}};

static bool is_null(const char *call)
{
    return FAILS(call, null) != NULL;
}

static struct actor *entered(struct gyre_actor *pub, const char *call)
{
    struct actor *a = enter(pub, call);
    return a->flags & A_CLOSING ? NULL : a;
}

/* ---- answers ---- */

static void answered(struct gyre_actor *a, const struct gyre_answer *was)
{
    struct gyre_answer told = {.size = was->size, .err = all.err, .tag = was->tag};
    all.done(a, &told);
}

/* The request is accepted, but its answer is this error. */
static gyre_done *answer_with(gyre_done *done, const struct way *way)
{
    if (!way) return done;
    all.done = done;
    all.err = way->err;
    return answered;
}

static bool is_answered(const struct way *way)
{
    return way && way->name[0] == 'a';
}

/* ---- the wire ---- */

static const struct way write_ways[] = {WAY(GYRE_FULL), WAY(GYRE_GONE)};

/* Past out_max the stream closes; gone is one whose wire broke just now. */
static int refuse_write(struct actor *a, int err)
{
    if (err == GYRE_GONE) {
        stream_broken(worker_here, a, GYRE_RESET);
    } else {
        actor_end(worker_here, a, GYRE_SLOW);
        stream_closing(worker_here, a, GYRE_NOW);
    }
    return err;
}

static const struct way *write_fails(struct gyre_actor *pub, const char *call)
{
    struct actor *a = entered(pub, call);
    bool may = a && a->flags & A_STREAM && !(stream_of(a)->flags & (S_FIN | S_DROP));
    return may ? FAILS(call, write_ways) : NULL;
}

static int door_write(struct gyre_actor *pub, gyre_view v)
{
    const struct way *way = v.n ? write_fails(pub, "gyre->write") : NULL;
    return way ? refuse_write(enter(pub, ""), way->err) : host_api.write(pub, v);
}

static int door_write_buf(struct gyre_actor *pub, struct gyre_buf *b, uint64_t at, uint64_t n)
{
    const struct way *way = n ? write_fails(pub, "gyre->write_buf") : NULL;
    return way ? refuse_write(enter(pub, ""), way->err) : host_api.write_buf(pub, b, at, n);
}

static int door_link(struct gyre_actor *from, struct gyre_actor *to, uint64_t n)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_EXISTS), WAY(GYRE_GONE)};
    struct actor *a = entered(from, "gyre->link"), *b = to ? entered(to, "gyre->link") : NULL;
    const struct way *way = a && b ? FAILS("gyre->link", ways) : NULL;
    if (!way) return host_api.link(from, to, n);
    return way->err == GYRE_GONE ? refuse_write(b, way->err) : way->err;
}

static const struct gyre_peer *door_peer(struct gyre_actor *pub)
{
    const struct actor *a = entered(pub, "gyre->peer");
    return a && a->flags & A_STREAM && is_null("gyre->peer") ? NULL : host_api.peer(pub);
}

static int door_emit(struct gyre_actor *port, const gyre_path *path, gyre_view v, uint32_t segment,
                     uint32_t ecn)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_INVALID)};
    const struct way *way = entered(port, "gyre->emit") ? FAILS("gyre->emit", ways) : NULL;
    return way ? way->err : host_api.emit(port, path, v, segment, ecn);
}

/* ---- actors ---- */

static struct gyre_actor *door_dial(struct gyre_actor *by, const struct gyre_dial *d,
                                    const struct gyre_proto *proto)
{
    return entered(by, "gyre->dial") && is_null("gyre->dial") ? NULL : host_api.dial(by, d, proto);
}

static int door_send(struct gyre_actor *from, const gyre_ref *to, size_t n, uint32_t type,
                     uint64_t tag, gyre_view v, struct gyre_buf *body)
{
    const struct way *way = FAILS("gyre->send", full);
    return way ? way->err : host_api.send(from, to, n, type, tag, v, body);
}

static int door_ask(struct gyre_actor *pub, gyre_ref to, uint32_t type, gyre_view v,
                    int64_t within_ns, uint64_t tag, gyre_done *done)
{
    static const struct way ways[] = {WAY(GYRE_FULL), ANSWERED(GYRE_GONE), ANSWERED(GYRE_FULL),
                                      ANSWERED(GYRE_LATE)};
    const struct way *way = entered(pub, "gyre->ask") ? FAILS("gyre->ask", ways) : NULL;
    if (way && !is_answered(way)) return way->err;
    if (way && way->err != GYRE_LATE) to = (gyre_ref){0, 0}; /* nobody hears the question */
    return host_api.ask(pub, to, type, v, within_ns, tag, answer_with(done, way));
}

static int door_reply(struct gyre_actor *pub, gyre_ref to, uint64_t tag, int32_t err, gyre_view v)
{
    const struct way *way = FAILS("gyre->reply", full);
    return way ? way->err : host_api.reply(pub, to, tag, err, v);
}

static int door_watch(struct gyre_actor *pub, gyre_ref whom, bool on)
{
    const struct way *way = on && entered(pub, "gyre->watch") ? FAILS("gyre->watch", full) : NULL;
    return way ? way->err : host_api.watch(pub, whom, on);
}

/* ---- memory and bytes ---- */

static void *door_mem(struct gyre_actor *owner, void *old, size_t n)
{
    return n && is_null("gyre->mem") ? NULL : host_api.mem(owner, old, n);
}

static gyre_out door_out(struct gyre_actor *pub, size_t most)
{
    static const struct way ways[] = {{0, "full"}};
    return FAILS("gyre->out", ways) ? (gyre_out){.full = true} : host_api.out(pub, most);
}

static struct gyre_buf *door_buf(struct gyre_actor *owner, gyre_view v)
{
    return is_null("gyre->buf") ? NULL : host_api.buf(owner, v);
}

static struct gyre_buf *door_buf_share(struct gyre_actor *owner, struct gyre_buf *from)
{
    return is_null("gyre->buf_share") ? NULL : host_api.buf_share(owner, from);
}

static int door_want(struct gyre_section *s, gyre_view text)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_ABSENT), WAY(GYRE_DENIED),
                                      WAY(GYRE_IO)};
    const struct way *way = FAILS("gyre->want", ways);
    return way ? way->err : host_api.want(s, text);
}

/* ---- services ---- */

static int door_join(struct gyre_actor *pub, gyre_view topic, bool in)
{
    const struct way *way = in && entered(pub, "bus->join") ? FAILS("bus->join", full) : NULL;
    return way ? way->err : bus_table.join(pub, topic, in);
}

static int door_bus_send(struct gyre_actor *pub, gyre_view topic, uint32_t type, gyre_view v,
                         struct gyre_buf *body)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_AGAIN)};
    const struct way *way = FAILS("bus->send", ways);
    return way ? way->err : bus_table.send(pub, topic, type, v, body);
}

static int door_open(struct gyre_actor *pub, int root, gyre_view path, uint32_t flags, uint64_t tag,
                     gyre_done *done)
{
    static const struct way ways[] = {WAY(GYRE_FULL), ANSWERED(GYRE_ABSENT), ANSWERED(GYRE_DENIED),
                                      ANSWERED(GYRE_FOLDER), ANSWERED(GYRE_IO),
                                      ANSWERED(GYRE_FULL)};
    const struct way *way = entered(pub, "file->open") ? FAILS("file->open", ways) : NULL;
    if (way && !is_answered(way)) return way->err;
    return file_table.open(pub, root, path, flags, tag, answer_with(done, way));
}

static struct gyre_buf *door_cached(struct gyre_actor *pub, int root, gyre_view path)
{
    return is_null("file->cached") ? NULL : file_table.cached(pub, root, path);
}

static int door_load(struct gyre_section *s, int root, gyre_view path, uint64_t most,
                     gyre_view *bytes)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_ABSENT), WAY(GYRE_DENIED),
                                      WAY(GYRE_FOLDER), WAY(GYRE_IO)};
    const struct way *way = FAILS("file->load", ways);
    return way ? way->err : file_table.load(s, root, path, most, bytes);
}

static int door_run(struct gyre_actor *pub, void (*job)(gyre_view, gyre_out *), gyre_view in,
                    size_t out_max, uint64_t tag, gyre_done *done)
{
    static const struct way ways[] = {WAY(GYRE_FULL), ANSWERED(GYRE_FULL)};
    const struct way *way = entered(pub, "work->run") ? FAILS("work->run", ways) : NULL;
    if (way && !is_answered(way)) return way->err;
    return work_table.run(pub, job, in, out_max, tag, answer_with(done, way));
}

static struct gyre_cell *door_cell(struct gyre_section *s, gyre_view name)
{
    return is_null("shared->cell") ? NULL : shared_table.cell(s, name);
}

static int door_publish(struct gyre_cell *cell, const gyre_view *was, gyre_view data)
{
    static const struct way ways[] = {WAY(GYRE_FULL), WAY(GYRE_EXISTS)};
    const struct way *way = FAILS("shared->publish", ways);
    return way ? way->err : shared_table.publish(cell, was, data);
}

/* ---- taking the place of the host's tables ---- */

static const struct gyre_bus bus_door = {.size = sizeof bus_door, .join = door_join,
                                         .send = door_bus_send};
static const struct gyre_file file_door = {.size = sizeof file_door, .open = door_open,
                                           .cached = door_cached, .load = door_load};
static const struct gyre_work work_door = {.size = sizeof work_door, .run = door_run};
static const struct gyre_shared shared_door = {.size = sizeof shared_door, .cell = door_cell,
                                               .publish = door_publish};

static const void *door_of(const char *id)
{
    const void *host = host_service(id);
    if (host == &bus_table) return &bus_door;
    if (host == &file_table) return &file_door;
    if (host == &work_table) return &work_door;
    return host == &shared_table ? &shared_door : host;
}

void doors_set(struct plugin *p)
{
    static struct gyre_api api;
    struct gyre_need row;
    api = host_api;
    api.write = door_write;
    api.write_buf = door_write_buf;
    api.link = door_link;
    api.peer = door_peer;
    api.emit = door_emit;
    api.dial = door_dial;
    api.send = door_send;
    api.ask = door_ask;
    api.reply = door_reply;
    api.watch = door_watch;
    api.mem = door_mem;
    api.out = door_out;
    api.buf = door_buf;
    api.buf_share = door_buf_share;
    api.want = door_want;
    *p->p.api = &api;
    for (size_t i = 0; p->p.needs && i < LIMIT_OPTIONS; i++) {
        descriptor_row(p->p.needs, p->p.need_size, i, &row, sizeof row);
        if (!row.id) break;
        const void *table = door_of(row.id), *now = NULL;
        if (row.slot) memcpy(&now, row.slot, sizeof now);
        if (row.slot && now == host_service(row.id)) memcpy(row.slot, &table, sizeof table);
    }
}

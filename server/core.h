/* SPDX-License-Identifier: GPL-3.0-or-later
 * core.h - the objects of a service process and the doors between its rooms.
 *
 * A service runs the sections of one plugin (or of a group). It has one control thread
 * (service.c), N worker threads (worker.c) and a few helper threads (helper.c). A worker owns its
 * actors, buffers and timers alone; others reach it only by inbox_post.
 * Promise: nothing here is touched by two threads unless its comment says so.
 */
#ifndef GYRE_CORE_H
#define GYRE_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "box.h"
#include "gyre.h"
#include "limits.h"
#include "log.h"
#include "ring.h"
#include "stats.h"

/* We are wrong, or a plugin is: says so, naming the plugin whose callback runs, and aborts. */
_Noreturn void bug(const char *where, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define ALIVE(x, kind) \
    do { \
        if (!(x) || (x)->magic != kind##_MAGIC) bug(__func__, #x " is no " #kind); \
    } while (0)

enum {
    ACTOR_MAGIC = 0x61c70a55,
    WORKER_MAGIC = 0x3a0d19f1,
    SECTION_MAGIC = 0x5ec7105e,
    SERVICE_MAGIC = 0x7e21a3c4,
    VERSION_MAGIC = 0x1f5e20b7,
};

struct actor;
struct worker;
struct service;
struct section;
struct version;

/* user words of ring operations: what it is, which slot, and the low bits of its id */
enum op {
    OP_NONE, OP_ACCEPT, OP_RECV, OP_SEND, OP_READ, OP_CONNECT, OP_RECV_FROM, OP_EMIT, OP_POLL,
};
static inline uint64_t op_user(enum op op, uint32_t slot, uint64_t id)
{
    return (uint64_t)op << 56 | (uint64_t)(slot & 0xffffff) << 32 | (uint32_t)id;
}

/* ---- timer.c: deadlines of a worker, in a heap; moving one later costs nothing ---- */

enum timer_what { TIMER_STREAM, TIMER_SLOT, TIMER_REQUEST, TIMER_LISTEN };
struct timer {
    int64_t due_ns;  /* the truth; the heap may still hold an earlier time */
    uint32_t at;     /* place in the heap + 1; 0: not set */
    uint8_t what, slot;
    /* bytes from the start of the object that holds it: it stands near the front */
    uint16_t back;
};
struct timers {
    struct timer_entry *heap;
    uint32_t n, cap, reserved;
};
/* Who holds a timer reserves its room first; then setting it cannot fail. false: no memory. */
bool timer_reserve(struct worker *, uint32_t n);
void timer_release(struct worker *, uint32_t n); /* of timers that are not set */
void timer_set(struct worker *, struct timer *, int64_t due_ns);
void timer_clear(struct worker *, struct timer *);
int64_t timer_next(struct worker *);  /* the nearest deadline, or GYRE_NEVER */
bool timer_fire_due(struct worker *); /* runs what is due; true: something was */

/* ---- pool.c: memory of one worker, by size class, last in first out ---- */

struct pool;
/* Pools made from now on are plain: every block is a malloc of its own. Preset under
 * AddressSanitizer. */
extern bool pool_plain;
struct pool *pool_make(void); /* NULL: no memory */
void pool_free(struct pool *);
void *pool_take(struct worker *, size_t n); /* not zeroed; NULL: no memory */
void *pool_zero(struct worker *, size_t n);
void pool_give(struct worker *, void *, size_t n); /* the same n */
uint64_t pool_in_use(const struct pool *);         /* bytes taken and not given: 0 at the end */

/* ---- queue.c: bytes on their way to one peer ---- */

struct chunk;
struct queue {
    struct chunk *first; /* knows the last */
    /* in memory; a file counts as nothing here, but room is 0 while one is queued */
    uint32_t bytes;
    uint32_t files;
};

/* ---- mem.c: counted bytes and the memory that actors own ---- */

/* Shared by all names of it, on any thread. */
struct bytes_core {
    _Atomic uint32_t count;
    int fd; /* of a file, or -1 */
    uint64_t n;
    uint8_t *p;
};
/* A name; belongs to one actor, or to the file cache of a worker. */
struct buf {
    struct gyre_buf pub;
    uint32_t magic;
    uint32_t index; /* in its owner's list */
    struct actor *owner;
    struct bytes_core *core;
};
struct bytes_core *bytes_make(gyre_view); /* a copy, count 1; NULL: no memory */
struct bytes_core *bytes_room(uint64_t n);  /* the same, to be filled in before it is shared */
struct bytes_core *bytes_of_file(int fd, uint64_t n); /* takes fd */
struct bytes_core *borrow_bytes(struct bytes_core *); /* count + 1 */
void bytes_drop(struct bytes_core *);                 /* count - 1; the last frees */
void *mem_block(struct worker *, struct actor *owner, void *old, size_t n); /* gyre->mem */
/* takes the core */
struct buf *buf_make(struct worker *, struct actor *owner, struct bytes_core *);
struct buf *buf_check(struct gyre_buf *, const char *where); /* a bug if it is none */
/* a name without an owner, in place; takes nothing */
void buf_name(struct buf *, struct bytes_core *);
void buf_forget(struct worker *, struct buf *);   /* gives it back before its owner ends */
gyre_out out_make(struct worker *, struct actor *, size_t most); /* gyre->out */
void mem_free_all(struct worker *, struct actor *);   /* all blocks and buffers it owns */
/* Counts n bytes against the section's memory_max. false: past it, and counted as a hit. */
bool memory_take(struct worker *, struct section *, uint64_t n);
void memory_give(struct worker *, struct section *, uint64_t n);

/* ---- inbox.c: the one way into a worker from other threads ---- */

struct item {
    struct item *next;
    void (*run)(struct worker *, struct item *); /* on the worker, outside any callback; frees it */
    uint32_t bytes;                              /* counted against LIMIT_BOX while it waits */
};
/* What one worker is told to do. Kept by what it is about, so that telling never fails. */
struct errand {
    struct item item;
    void (*run)(struct worker *, void *);
    void *arg;
    _Atomic bool waits;        /* told, not yet begun: telling it again adds nothing */
    _Atomic uint32_t *unended; /* counts orders about an object that is not freed before; or NULL */
};
void errand_post(struct worker *to, struct errand *); /* [any] */
struct inbox {
    _Atomic(struct item *) head; /* pushed by any thread, newest first */
    _Atomic uint64_t bytes;
    _Atomic bool sleeping;
    _Atomic uint64_t choked;     /* bit per worker that has senders resting because of this box */
    struct item *local, **local_end; /* posted by this worker itself */
};
void inbox_post(struct worker *to, struct item *); /* [any] */
void worker_unchoke(struct worker *, void *); /* mail.c: its senders look again; an order */
/* runs up to LIMIT_MAILS_A_TURN; true: some did */
bool inbox_run(struct worker *);
bool inbox_over(struct worker *to);                /* its box is past LIMIT_BOX */

/* ---- configuration versions, sections, plugins (service.c, plugin.c) ---- */

struct kind { /* a proto as the host uses it: copied, completed, checked */
    const struct gyre_proto *declared;
    struct gyre_proto p;
    struct plugin *plugin;
};
enum { KIND_STREAM, KIND_PORT, KIND_HOME, KIND_MORE };
struct plugin {
    const struct gyre_plugin *declared;
    struct gyre_plugin p; /* the part this host knows, the rest zero */
    struct kind *kinds;   /* the first three may have declared NULL */
    uint32_t kinds_n, options_n, metrics_n, index;
    char name[LIMIT_NAME];
    bool statics_locked, instrumented;
    struct plugin *next;
};

struct limits { /* of a section, from its host options */
    int64_t message_max, high_mark, out_max, in_max;
    int64_t streams_max, per_address_max, memory_max;
    int64_t handshake_ms, message_ms, idle_ms, total_ms; /* GYRE_NEVER: none */
    int64_t drain_ms;
};

struct version { /* of a section's configuration. Immutable once published; all threads read it */
    uint32_t magic, number;
    struct section *section;
    void *conf;
    struct limits limits;
    struct version_mem *mem;      /* blocks of mem(NULL), texts of options */
    uint64_t mem_n;               /* their bytes: memory_max bounds those of each version */
    struct loaded_file *loaded;   /* what file->load read (services/file.c) */
    struct grant *grants;         /* wants, in order of handles */
    uint32_t grants_n;
    _Atomic uint32_t workers;     /* that still hold it; the last one hands it to on_unload */
    uint32_t users[LIMIT_WORKERS]; /* actors, each counted by its own worker */
    struct version *retired_next;
    struct errand publish[];       /* of each worker */
};

enum { LEAVE_ALL = 256 };
struct section {
    struct gyre_section pub;
    uint32_t magic, id; /* id: names it to the supervisor */
    struct service *service;
    struct plugin *plugin;
    char name[2 * LIMIT_NAME];
    struct version *newest;                  /* the control thread's */
    uint32_t versions;                       /* not yet unloaded; the control thread's */
    struct entry *entries;                   /* of the newest; the control thread's */
    size_t entries_n;
    struct version *current[LIMIT_WORKERS];  /* each worker's own */
    struct actor *home[LIMIT_WORKERS];
    struct listener *listeners[LIMIT_WORKERS]; /* each worker's own list */
    uint32_t actors[LIMIT_WORKERS];          /* slot + 1 of the first, each worker's own list */
    gyre_ref homes[LIMIT_WORKERS];
    _Atomic uint64_t streams;                /* open now, all workers */
    struct addresses *addresses;             /* connections per address (address.c), locked */
    struct stats_row *stats[LIMIT_WORKERS];  /* each worker writes its own */
    uint32_t objects[LIMIT_WORKERS];         /* actors and listeners of each worker not yet freed */
    _Atomic uint32_t workers_left;           /* that have not yet dropped a removed section */
    struct cells *cells;                     /* of shared/1, locked */
    bool leaving[LIMIT_WORKERS];
    bool aborted[LIMIT_WORKERS];             /* what is born late ends at once, too */
    _Atomic uint8_t leaving_why;             /* enum gyre_why; set before it is told to leave */
    _Atomic uint32_t leaving_share;          /* of LEAVE_ALL: whose turn to leave has come */
    bool removed;                            /* the control thread frees it when all have left */
    bool last;                               /* leaves when all others have (wide.c) */
    struct listening *listening;             /* its sockets; the control thread's */
    struct section_orders *orders;           /* of each worker */
    _Atomic uint32_t unended;                /* orders about it */
    struct section *next;
};

/* ---- grant.c: what on_load wanted of the world, in order of handles ---- */

struct grant {
    char *text;       /* "path:/srv", "dial:tcp:10.0.0.1:80" */
    int fd;           /* of a path's folder; -1 of a dial */
    uint64_t dev, ino;
};
struct version *version_loading(struct version *); /* sets it; NULL: asks. Of this thread, */
void version_loaded(void);                        /* while on_load runs */
int grant_want(struct version *, gyre_view);              /* a handle, or a gyre_err */
const struct grant *grant_root(const struct version *, int handle); /* NULL: no path */
bool grant_dial(const struct version *, gyre_view to);
void grants_free(struct version *);
/* Folders by path, opened by somebody else: what a wanted folder is taken from first. fd is taken.
 * false: no memory. */
bool given_add(struct service *, gyre_view path, int fd);
int given_take(struct service *, const char *path); /* yours; -1: there is none */
void given_drop(struct service *);
void *version_mem_block(struct version *, void *old, size_t n); /* as mem_block, of the version */
void *version_mem(struct version *, size_t n); /* zeroed, freed with it; NULL: past the limit */

#include "actor.h" /* struct actor, struct stream, struct port, struct listener */

/* ---- requests (request.c): from the call to the one answer ---- */

struct request {
    gyre_ref actor;   /* who asked; may be gone when the answer comes */
    gyre_done *done;
    uint64_t tag, id;
    struct request *next, **at; /* of the actor's list */
    struct timer deadline;
    uint32_t slot;
};
struct request *request_open(struct worker *, struct actor *, uint64_t tag, gyre_done *,
                             int64_t within_ns);
struct request *request_at(struct worker *, uint32_t slot, uint64_t id); /* NULL: dropped */
void request_refuse(struct worker *, struct request *); /* was opened, but is not accepted */
/* and frees it */
void request_answer(struct worker *, struct request *, const struct gyre_answer *);
void request_late(struct worker *, struct request *);
void request_drop_all(struct worker *, struct actor *);

/* ---- the rooms of a worker ---- */

struct slot {
    union {
        void *object; /* by the generation's low bits: what it is, is in the operation */
        uint32_t next_free;
    };
    uint64_t id;
};
struct worker {
    uint32_t magic, index;
    struct service *service;
    struct ring *ring;
    struct pool *pool;
    struct box *box;           /* what it does, for all to see */
    struct timers timers;
    struct inbox inbox;
    struct errand unchoke, leave; /* leave: ends worker_run */
    int64_t now_ns, wall_ns, began_ns;
    struct slot *slots;
    uint32_t slots_n, slots_cap, slot_free;
    uint64_t next_id;
    struct actor *ready, **ready_end;
    uint32_t touched;          /* slot + 1 of the first stream to be flushed */
    struct ring_event *events; /* [RING_EVENTS], of this turn */
    gyre_ref *starved;         /* streams whose recv ended for want of buffers */
    uint32_t starved_n, starved_cap;
    struct actor *choked;      /* whose mail fills a box: not read (mail.c) */
    struct actor *calling;     /* whose callback runs, for bug() and checks */
    gyre_view given;           /* what on_data has; of datagrams the first */
    const gyre_path *given_from;
    uint32_t given_n;          /* datagrams */
    struct topics *topics;     /* bus.c */
    struct files *files;       /* file.c */
    struct datagrams *datagrams;
    struct outspace *outs;     /* builders to be reset after the callback */
    _Atomic uint32_t topic_members[256]; /* by hash of the topic: whether mail to it is for here */
    _Atomic uint64_t turn;     /* odd: in callbacks; even: waiting (shared/1's grace) */
    uint32_t live;             /* actors, listeners and operations not yet freed */
    bool stop;
};
struct poller { /* first member of what waits for a descriptor with OP_POLL */
    void (*ready)(struct worker *, struct poller *, const struct ring_event *);
};
extern _Thread_local struct worker *worker_here; /* NULL on control and helper threads */

struct worker *worker_make(struct service *, uint32_t index, struct ring *); /* takes the ring */
void worker_turn(struct worker *, bool busy);   /* one turn: wait, reap, run, flush */
void worker_run(struct worker *);               /* turns until stop */
void worker_free(struct worker *);
/* Times of streams are ticks since the worker began, rounded up. 32 bits begin anew after 397 days:
 * more than the longest deadline, so an age is right if it matters. */
enum { TICK_MS = 8 };
uint32_t worker_ticks(const struct worker *);
int64_t worker_ms_of(const struct worker *, uint32_t ticks); /* past ticks, since it began */
/* What stands in a slot; also the low bits of its id. */
enum slot_kind { SLOT_ACTOR = 1, SLOT_LISTENER, SLOT_EMIT, SLOT_REQUEST, SLOT_POLLER };
/* UINT32_MAX: full */
uint32_t slot_take(struct worker *, void *object, enum slot_kind, uint64_t *id);
void *slot_at(struct worker *, uint32_t slot, uint64_t id, enum slot_kind);
void slot_give(struct worker *, uint32_t slot);

/* stream.c */
struct actor *stream_make(struct worker *, struct section *, const struct kind *, uint32_t flags,
                          int fd);
void stream_begin(struct worker *, struct actor *); /* the wire is there: on_open, recv */
void stream_accepted(struct worker *, struct listener *, int fd);
void stream_event(struct worker *, enum op, struct actor *, const struct ring_event *);
void stream_resume(struct worker *, struct actor *);  /* delivers held input, if it may */
void stream_flush(struct worker *, struct actor *);   /* one SEND of what the turn wrote */
void stream_closing(struct worker *, struct actor *, enum gyre_how); /* the wire's part of close */
void stream_closed(struct worker *, struct actor *); /* after on_close: flush, linger, free */
void stream_finish(struct worker *, struct actor *);  /* gyre->finish */
const struct gyre_peer *stream_peer(struct worker *, struct actor *); /* NULL: no memory */
bool stream_idle(struct actor *);                     /* nothing begun, nothing queued */
void stream_later(struct worker *, struct actor *);   /* a callback ran: asks again after LATER */
void stream_limits(struct worker *, struct actor *);   /* it has other limits now */
void stream_answered(struct worker *, struct actor *); /* its deadlines begin anew */
void stream_deadline(struct worker *, struct actor *);
void stream_touch(struct worker *, struct actor *);   /* flush it at the end of the turn */
uint64_t stream_room(struct actor *);
int stream_write(struct worker *, struct actor *, gyre_view);
int stream_write_bytes(struct worker *, struct actor *, struct bytes_core *, uint64_t at,
                       uint64_t n);
void stream_rearm_starved(struct worker *);
void stream_moved(struct worker *, struct actor *); /* the wire's part of actor_moved */

/* move.c: streams on their way to another process, and from one */
struct moving {
    struct moving *next;
    struct worker *worker; /* that has it */
    gyre_ref actor;
    uint32_t section;      /* its id */
    int fd;                /* the actor's; in the new process ours, until there is one */
    gyre_addr peer;
    uint64_t age_ms;
    bool greeted, moved;   /* moved: the new process has it */
    size_t state_n, out_n, in_n;
    struct item item;      /* of the new process, to the worker */
    uint8_t bytes[];       /* state, queued output, held input */
};
struct moving *moving_make(size_t state_n, size_t out_n, size_t in_n); /* NULL: no memory */
bool move_asks(const struct section *); /* some of its streams may move */
/* Of the old process, for all streams of a section on a worker, in this order. */
void move_freeze(struct worker *, void *section); /* twice: what is under way then, is cancelled */
void move_save(struct worker *, void *section);   /* to service->moving */
void move_settle(struct worker *, void *service); /* what has moved goes; the rest goes on */
/* Of the new one. Sets moved, and takes the descriptor; or the stream is refused. */
void move_restore(struct worker *, struct item *);
void move_begin(struct worker *, void *service);  /* what was restored and has moved begins */

/* listen.c, dgram.c, dial.c, address.c */
void listener_again(struct worker *, struct listener *);
void listener_pause(struct worker *, struct listener *); /* accepts nothing until looked at again */
void listener_add(struct worker *, struct section *, int fd, const char *text, bool datagrams);
void listener_remove(struct worker *, struct listener *);
void listener_event(struct worker *, struct listener *, const struct ring_event *);
void listener_retry(struct worker *, struct listener *);
void listener_rest(struct worker *, struct listener *, int32_t res); /* says why, retries soon */
void listener_end(struct worker *, struct listener *); /* frees it when nothing is left of it */
bool dgram_open(struct worker *, struct listener *);
void dgram_event(struct worker *, struct listener *, const struct ring_event *);
bool dgram_deliver(struct worker *);  /* what the turn collected, in batches; true: some */
void dgram_sent(struct worker *, void *emit, int32_t res);
void dgram_free(struct worker *);
int dgram_emit(struct worker *, struct actor *port, const gyre_path *, gyre_view, uint32_t segment);
void dial_connected(struct worker *, struct actor *, int32_t res);
struct actor *dial_start(struct worker *, struct actor *by, const struct gyre_dial *,
                         const struct kind *);
/* Counts one connection of that address. false: it has `most` already, or there is no memory. */
bool address_take(struct section *, const gyre_addr *, int64_t most);
void address_give(struct section *, const gyre_addr *);
bool service_refuses(struct worker *, const gyre_addr *); /* refused.c */
struct addresses *addresses_make(void);
void addresses_free(struct addresses *);

/* mail.c, watching.c, bus.c */
int mail_send(struct worker *, struct actor *from, const gyre_ref *to, size_t n, uint32_t type,
              uint64_t tag, gyre_view, struct bytes_core *body);
int mail_ask(struct worker *, struct actor *, gyre_ref to, gyre_view topic, uint32_t type,
             gyre_view, int64_t within_ns, uint64_t tag, gyre_done *);
int mail_reply(struct worker *, gyre_ref to, uint64_t tag, int32_t err, gyre_view);
void mail_actor_ends(struct worker *, struct actor *); /* held mail bounces; it rests no more */
int watch_set(struct worker *, struct actor *, gyre_ref, bool on);
void watch_actor_ends(struct worker *, struct actor *);
void bus_actor_ends(struct worker *, struct actor *);
void bus_free(struct worker *);
void mail_resume(struct worker *, struct actor *);
/* bus->join, of a topic of that plugin */
int bus_join_of(struct worker *, struct actor *, const struct plugin *, gyre_view topic, bool in);
extern const struct gyre_bus bus_table;
extern const struct gyre_wide wide_table; /* wide.c */

/* services/: tables by id */
extern const struct gyre_file file_table;
extern const struct gyre_work work_table;
extern const struct gyre_shared shared_table;
const void *host_service(const char *id); /* NULL: no such */
void cells_free(struct section *);
void files_free(struct worker *);
bool files_changed(const struct version *); /* something that file->load read is another now */

/* api.c */
extern const struct gyre_api host_api;
const struct kind *kind_of(struct plugin *, const struct gyre_proto *);

/* Every call of a plugin into the host begins with this: magic, worker. A bug if they are wrong. */
static inline struct actor *enter(struct gyre_actor *pub, const char *call)
{
    struct actor *a = (struct actor *)(void *)pub;
    if (!a || a->magic != ACTOR_MAGIC) bug(call, "that is no actor, or it was freed");
    if (!worker_here || worker_here->index != a->pub.worker)
        bug(call, "called from a thread that is not the actor's worker");
    return a;
}

/* Every call into an actor's plugin stands between these two. */
void outs_reset(struct worker *); /* mem.c: ends the builders of gyre->out */
static inline void call_begin(struct worker *w, struct actor *a, enum call call)
{
    w->calling = a;
    box_enter(w->box, call, a->slot, section_of(a)->id);
}
static inline void call_end(struct worker *w)
{
    if (w->outs) outs_reset(w);
    w->calling = NULL;
    box_leave(w->box);
}

static inline void count(struct worker *w, struct section *s, enum stat_id what, int64_t by)
{
    stats_add(&s->stats[w->index]->v[what], by);
}
#endif

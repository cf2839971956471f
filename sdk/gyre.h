/* SPDX-License-Identifier: MIT
 * gyre.h - the whole SDK. A plugin includes this file and links to nothing of the host. It is one
 * file, and long, so that an author reads all of the contract from top to bottom.
 *
 * There is one kind of object: the ACTOR. It has state, a mailbox, timers and memory, belongs to
 * one worker (a thread with its own ring), and is called by nobody else. Most actors have a wire:
 * an accepted or dialled stream, or a UDP port. A session, a room, a job has none. Each section of
 * the configuration has one HOME actor on every worker.
 *
 * LAWS
 *  1 No call runs a callback before it returns: callbacks never nest.
 *  2 What one actor sends another arrives in order.
 *  3 An accepted request (result >= 0, with a tag and a gyre_done) is answered exactly once while
 *    its actor lives, and carried out even if it died. A refused one is never answered.
 *  4 Bytes handed to a callback are gone when it returns. Bytes handed to a call are copied, or
 *    counted (gyre_buf).
 *  5 What an actor owns (memory, buffers, files, requests, timers, topics) goes with it.
 *  6 After close every call on the actor is harmless. Its state lives through on_close, which is
 *    the last callback and comes once. The host alone goes on sending what was queued.
 *  7 Statics are read-only once the first on_load has returned, whatever it said; the host protects
 *    them (not in sanitizer or coverage builds, nor with GYRE_WRITABLE_STATICS). The process leaves
 *    by _exit.
 *  8 End of a turn: on_room of those who asked, until none is left; then each stream that was
 *    written to is flushed once.
 *
 * ABI. Host tables only grow at the end. What the host writes, the host allocates. Const tables of
 * a plugin carry their size and the sizes of their rows. Fields are fixed-width. A changed meaning
 * is a new name. Members newer than GYRE_TARGET are hidden at compile time, and a host older than
 * a plugin's target refuses it by name.
 *
 * Threads, in brackets: [load] a helper thread, may block. [worker] the worker of the actor that
 * is handed over, and no other. [any] any thread of the process. Every host entry checks magic,
 * worker and kind. A wrong call is a bug of the plugin, and the process stops and names it: a dead
 * or foreign object, another thread, a write to an actor without a stream, a timer slot, metric or
 * kind that was not declared. What the world can cause is a returned error.
 *
 * Times are nanoseconds (_ns) unless a name says otherwise. Sizes are bytes.
 */
#ifndef GYRE_H
#define GYRE_H

#include "bytes.h"

#define GYRE_MINOR 1 /* the host minor that this header describes; the major is in gyre_plugin_v1 */
#ifndef GYRE_TARGET
#define GYRE_TARGET 1 /* the oldest host minor that you will run on: hides newer members */
#endif
#define GYRE_NEVER INT64_MAX
#define GYRE_MS(n) ((int64_t)(n)*1000000)
#define GYRE_SECONDS(n) ((int64_t)(n)*1000000000)

struct gyre_actor;
struct gyre_section;

/* ---- objects: allocated by the host, a public head before a private tail ---- */

/* Names an actor. May outlive it; never used again for another. {0, 0} is nobody. */
typedef struct gyre_ref {
    uint64_t at, id;
} gyre_ref;

/* One [section] of the configuration. Lives as long as the section does, over all its versions. */
struct gyre_section {
    const char *name;      /* "http blog.example.org"; for logs */
    uint32_t workers;      /* how many workers run it */
    uint32_t generation;   /* of the process: 1, 2, 3 … */
    const gyre_ref *homes; /* [workers]: the home actor on each; filled before the first stream */
};

struct gyre_actor {
    /* state_size zeroed bytes, aligned to 16, yours; freed by the host */
    void *state;
    const void *conf;             /* the configuration it began with, or took with gyre->conf */
    struct gyre_actor *home;      /* the section's own actor on this worker; a home's own is itself.
                                     Its state needs no lock and outlives configuration versions */
    struct gyre_section *section;
    struct gyre_actor *lower;     /* the stream that it lies on, or NULL */
    uint32_t worker;              /* 0 … section->workers - 1 */
};

/* Counted immutable bytes; or a file (bytes.p NULL, bytes.n its size) that the host reads when it
 * is due on a wire. This name for it belongs to one actor and goes with it; buf_share makes a name
 * for another actor, so that counts never bounce between cores. */
struct gyre_buf {
    gyre_view bytes;
    int64_t modified_ns; /* a file's time of change, wall clock; else 0 */
    uint64_t identity;   /* differs between versions of one file; else 0 */
};

/* An address. IPv4 is ::ffff:a.b.c.d. Equal addresses are equal bytes (memcmp). */
typedef struct gyre_addr {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
    uint16_t zero;
    uint32_t scope; /* the interface of a link-local address, or 0 */
} gyre_addr;

typedef struct gyre_path {
    gyre_addr peer, local;
} gyre_path;

struct gyre_peer {
    uint32_t size, secure;  /* secure: 1 behind TLS (0 until a later minor brings it) */
    gyre_path path;         /* all zero for a unix socket */
    gyre_view text;         /* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:" */
    gyre_view local_text;
    gyre_view listen;       /* the endpoint that accepted it, as configured; empty when dialled */
};

struct gyre_mail {
    uint32_t size, type;    /* type: yours */
    gyre_ref from;
    uint64_t tag;           /* the sender's; of an ask: hand it back to reply, now or later */
    gyre_view bytes;
    gyre_view topic;        /* empty: sent to you, not to a topic */
    struct gyre_buf *body;  /* counted bytes that came along, or NULL. Valid until the callback
                               returns: write_buf it, or keep it with buf_share */
    uint32_t asked;         /* 1: it waits for your reply */
};

/* The one shape of every asynchronous answer. */
struct gyre_answer {
    uint32_t size;
    int32_t err;            /* GYRE_OK, or a negative gyre_err */
    uint64_t tag;           /* yours, from the request */
    gyre_view value;
    uint64_t number;
    struct gyre_buf *file;  /* owned by the actor that asked, or NULL */
    uint32_t more;          /* there is a next page */
};
typedef void gyre_done(struct gyre_actor *, const struct gyre_answer *);

struct gyre_datagram {       /* all of it is valid until the callback returns */
    struct gyre_actor *port; /* the UDP port that it came to: hand it to emit; keep its ref */
    gyre_path path;          /* hand it to emit: the answer leaves from where the question came */
    gyre_view data;
    uint32_t cut;            /* 1: it was longer than message_max, and data is its beginning */
    uint32_t ecn; /* 0 … 3 */
};

/* Size first; zero is the default of every other field. */
struct gyre_dial {
    uint32_t size, flags;
    gyre_view to;              /* "tcp:host:port", "unix:/path"; empty: an actor without a wire */
    int64_t within_ns;         /* for name look-up and connecting; 0: 10 s */
};

enum gyre_err {
    GYRE_OK = 0,
    GYRE_AGAIN = 1,        /* taken, but slow down: past the high mark */
    GYRE_GONE = -1,        /* the actor is closed, or is no more */
    GYRE_FULL = -2,        /* past a limit; nothing was taken */
    GYRE_DENIED = -3,      /* not allowed by the file system, or outside what was granted */
    GYRE_IO = -5,
    GYRE_ABSENT = -6,      /* no such thing */
    GYRE_EXISTS = -7,
    GYRE_LATE = -8,        /* the deadline passed */
    GYRE_INVALID = -9,
    GYRE_UNSUPPORTED = -10,
    GYRE_FOLDER = -11,     /* the path names a folder */
    GYRE_ERR_WIDTH_ = INT32_MAX,
};

/* Why on_close came. Treat one that you do not know as GYRE_RESET. */
enum gyre_why {
    GYRE_EOF = 1,      /* the peer ended, and there was no on_eof */
    GYRE_CLOSED,       /* you called close */
    GYRE_TIMEOUT,      /* a deadline of the host, or on_timer is NULL */
    GYRE_RESET,        /* the wire broke */
    GYRE_TOO_BIG,      /* a message longer than message_max */
    GYRE_BAD_INPUT,    /* on_data returned GYRE_BAD */
    GYRE_SLOW,         /* the peer did not take what was written, past the hard limit */
    GYRE_REFUSED,      /* on_open returned false, or a dialled peer refused */
    GYRE_NO_NAME,      /* dial: the name is unknown */
    GYRE_UNREACHABLE,
    GYRE_NOT_GRANTED,  /* dial: no want of on_load covers it */
    GYRE_SHUTDOWN,     /* the process drains or stops */
    GYRE_RELOAD,       /* its section was removed, or its generation is replaced */
    GYRE_OWNER,        /* dialled or made by an actor that has closed */
    GYRE_CRASHED,
    GYRE_NO_MEMORY,
    GYRE_WHY_WIDTH_ = INT32_MAX, /* fixes the width of the type; no value */
};

enum gyre_step {
    /* what was cut is put back; asked again after any other callback of this actor, when there is
       room, and with new bytes */
    GYRE_LATER = -2,
    GYRE_BAD = -1,   /* the input is wrong beyond repair: counted, and the stream closes,
                        GYRE_BAD_INPUT. What was written before goes out first, as by GYRE_FLUSH */
    GYRE_MORE = 0,   /* no whole message yet; what was cut is put back */
    GYRE_TOOK = 1,   /* one message was cut off `in`; TOOK with nothing cut is a bug */
    GYRE_STEP_WIDTH_ = INT32_MAX,
};
enum gyre_how {
    GYRE_FLUSH, /* send what is queued first, then FIN; lingers so that no reset destroys a reply */
    GYRE_NOW,   /* drop what is queued */
    GYRE_HOW_WIDTH_ = INT32_MAX,
};
enum gyre_clock {
    GYRE_MONO, /* never goes back; begins anywhere */
    GYRE_WALL, /* since 1970, UTC; may jump */
    GYRE_CLOCK_WIDTH_ = INT32_MAX,
};
enum gyre_level { GYRE_DEBUG, GYRE_INFO, GYRE_WARN, GYRE_ERROR, GYRE_LEVEL_WIDTH_ = INT32_MAX };

/* ---- what a plugin declares: const data, read before any of its code runs ---- */

/* The kinds of options and the field that each fills. All times in ns, all sizes in bytes. */
enum gyre_kind {
    GYRE_BOOL,   /* int64_t 0 or 1: yes no on off true false */
    GYRE_INT,    /* int64_t; range "1..100" */
    GYRE_SIZE,   /* int64_t: 64k 10m 2g; range "1k..1g" */
    GYRE_TIME,   /* int64_t ns: 500ms 30s 5m 12h 7d, never; range "1s..1d" */
    GYRE_STRING, /* gyre_view */
    GYRE_PATH,   /* gyre_view, absolute: a relative one is taken from the folder of its file */
    GYRE_SECRET, /* gyre_view; may be @file; never logged or shown */
    GYRE_CHOICE, /* int64_t, the index into range "off|basic|full" */
    GYRE_LIST = 256, /* added to STRING or PATH: struct gyre_list, a key that may be repeated */
};

struct gyre_item {
    gyre_view text;
    const char *where; /* "20-http.ini:14", for messages */
};
struct gyre_list {
    const struct gyre_item *at;
    size_t n;
};

struct gyre_option { /* made by GYRE_OPT_…(struct tag, field, …): the field's name is the key */
    const char *name;
    uint32_t kind, at, width; /* at, width: of the field in the conf struct */
    const char *preset;       /* as written in a file; NULL: none (zero), or required by on_load */
    const char *range, *help;
};
#ifdef __cplusplus
#define GYRE_FIELD_SIZE_(want, type, field) (uint32_t)sizeof(want)
#else /* the comparison makes the compiler refuse a field of another type */
#define GYRE_FIELD_SIZE_(want, type, field) \
    (uint32_t)(sizeof(want) + 0 * sizeof(&((struct type *)0)->field == (want *)0))
#endif
#define GYRE_OPTION(kind, want, type, field, preset, range, help) \
    { \
        #field, kind, (uint32_t)offsetof(struct type, field), GYRE_FIELD_SIZE_(want, type, field), \
            preset, range, help \
    }
#define GYRE_OPT_BOOL(type, field, preset, help) \
    GYRE_OPTION(GYRE_BOOL, int64_t, type, field, preset, NULL, help)
#define GYRE_OPT_INT(type, field, preset, range, help) \
    GYRE_OPTION(GYRE_INT, int64_t, type, field, preset, range, help)
#define GYRE_OPT_SIZE(type, field, preset, range, help) \
    GYRE_OPTION(GYRE_SIZE, int64_t, type, field, preset, range, help)
#define GYRE_OPT_TIME(type, field, preset, range, help) \
    GYRE_OPTION(GYRE_TIME, int64_t, type, field, preset, range, help)
#define GYRE_OPT_CHOICE(type, field, preset, range, help) \
    GYRE_OPTION(GYRE_CHOICE, int64_t, type, field, preset, range, help)
#define GYRE_OPT_TEXT(type, field, preset, help) \
    GYRE_OPTION(GYRE_STRING, gyre_view, type, field, preset, NULL, help)
#define GYRE_OPT_PATH(type, field, preset, help) \
    GYRE_OPTION(GYRE_PATH, gyre_view, type, field, preset, NULL, help)
#define GYRE_OPT_SECRET(type, field, help) \
    GYRE_OPTION(GYRE_SECRET, gyre_view, type, field, NULL, NULL, help)
#define GYRE_OPT_LIST(type, field, help) \
    GYRE_OPTION(GYRE_STRING | GYRE_LIST, struct gyre_list, type, field, NULL, NULL, help)
#define GYRE_OPT_PATHS(type, field, help) \
    GYRE_OPTION(GYRE_PATH | GYRE_LIST, struct gyre_list, type, field, NULL, NULL, help)

enum gyre_metric_kind { GYRE_COUNTER, GYRE_GAUGE };
struct gyre_metric { /* the n-th row is metric n of gyre->count */
    const char *name;
    uint32_t kind;
    const char *help;
};

enum gyre_proto_flags {
    GYRE_OVERLAP = 1, /* on_data goes on while a request of the actor is open. Without it on_data
                         rests until the answer, so that replies keep the order of questions */
    GYRE_DUPLEX = 2,  /* a full output queue does not stop input: you link or pause for yourself */
    GYRE_BRIEF = 4,   /* clients connect anew without harm: when a newer process takes over,
                         on_leave, GYRE_RELOAD, comes at once. Else a stream moves, or stays */
};

/* A kind of actor. All callbacks [worker]; any may be NULL. Of the kind that listens, message_max
 * and high_mark are presets of the section's options, too; a kind that is dialled has its own. */
struct gyre_proto {
    uint32_t size, state_size;
    uint32_t message_max;  /* the longest message or datagram; 0: 64 KiB */
    uint32_t flags;        /* gyre_proto_flags */
    uint32_t timers;       /* how many timer slots, at most 16 */
    uint32_t high_mark;    /* queued output past which input rests; 0: 64 KiB */
    uint32_t idle_ms;      /* preset of the section's idle_time; 0: the host's */
    uint32_t handshake_ms; /* preset of handshake_time: open to first whole message; 0: none */
    const char *name;      /* for logs; NULL: the plugin's */
    /* the wire is there (dial: now connected); false refuses */
    bool (*on_open)(struct gyre_actor *);

    /* Cut ONE message off *in and return GYRE_TOOK; or GYRE_MORE, GYRE_LATER, GYRE_BAD. Called
     * again while bytes are left, the stream is open and unpaused and its output has room. *in is
     * contiguous and never longer than message_max: a full *in answered with MORE closes, TOO_BIG.
     * What you do must not depend on how the bytes were split. */
    enum gyre_step (*on_data)(struct gyre_actor *, gyre_view *in);

    /* Up to 64 datagrams, over all ports of the section on this worker. Belongs to the kind that
     * the plugin names as `port`. */
    void (*on_datagrams)(struct gyre_actor *home, const struct gyre_datagram *const *in, size_t n);
    void (*on_eof)(struct gyre_actor *);  /* the peer sends no more, and every whole message was
                                             taken; an unfinished one is dropped, and on_data does
                                             not come again. NULL: closed, GYRE_EOF, when flushed */
    void (*on_room)(struct gyre_actor *); /* asked for with produce; or output was over the high
                                             mark and has gone */
    void (*on_timer)(struct gyre_actor *, uint32_t slot); /* NULL: closed, GYRE_TIMEOUT */
    void (*on_mail)(struct gyre_actor *, const struct gyre_mail *); /* NULL: mail bounces */
    void (*on_bounce)(struct gyre_actor *, const struct gyre_mail *, int32_t err); /* your mail was
                                             never handled: GONE, FULL, or UNSUPPORTED by its kind.
                                             from: whom it was for; type, tag, bytes: as you sent
                                             it */
    void (*on_down)(struct gyre_actor *, gyre_ref, enum gyre_why); /* of a watch: once */
    void (*on_conf)(struct gyre_actor *home); /* homes and ports: conf is a new version already, and
                                             nothing of the old one may be kept */

    /* Last words of streams and of actors without a wire. SHUTDOWN, RELOAD: the host drains (told
     * once; not all at the same time, for they will come back): close now, or when you are through;
     * NULL: closed as soon as it is idle (no open request, nothing queued or begun); what ignores
     * it ends with the section's drain time. TIMEOUT, TOO_BIG: a deadline passed, or the message is
     * longer than message_max: write a goodbye if the protocol has one; the host closes after
     * it. */
    void (*on_leave)(struct gyre_actor *, enum gyre_why);

    void (*on_close)(struct gyre_actor *, enum gyre_why); /* last, once; also after a refused open
                                             and a failed dial */

    /* Of accepted streams: a newer process of the service takes over, of this plugin or of a newer
     * version. Put what another actor needs to go on into state, a version number first; change
     * nothing, for it may still be called off. false: it stays here. Queued output and bytes that
     * came go along. Not asked while a request is open, a file is queued, mail is held, or it has
     * dialled or is linked. When the move is done the actor is gone, without on_close. */
    bool (*on_save)(struct gyre_actor *, gyre_out *state);
    /* In place of on_open, in the new process: state is fresh but for what you fill in now. Do not
     * believe what you are given: it may come from another version, or from one that was broken
     * into. false: the stream goes on where it was. No input comes before all have moved. */
    bool (*on_restore)(struct gyre_actor *, gyre_view state);
};

/* An interface that the plugin uses. The table is in *slot before any code of the plugin runs. */
struct gyre_need {
    const char *id; /* "bus/1" */
    void *slot;     /* address of a `static const struct gyre_bus *` */
    uint32_t optional;
};
struct gyre_offer {
    const char *id;
    const void *table; /* its first member is uint32_t size */
};

enum gyre_plugin_flags {
    GYRE_ONE_WORKER = 1,       /* sections run on one worker, whatever the configuration says */
    GYRE_WRITABLE_STATICS = 2, /* do not protect statics: a library linked in writes to its own */
};

struct gyre_plugin { /* exported as gyre_plugin_v1 by GYRE_PLUGIN */
    uint32_t size, target, option_size, metric_size, need_size, offer_size;
    const struct gyre_api **api;
    uint32_t flags, conf_size;
    const char *name;    /* [a-z0-9_-]: the section that it serves */
    const char *version, *summary;
    const struct gyre_proto *stream; /* what listen = tcp: and unix: open; NULL: no streams */
    const struct gyre_proto *port;   /* what listen = udp: opens; NULL: no datagrams */
    const struct gyre_proto *home;   /* one for each section and worker; NULL: without state */
    const struct gyre_proto *const *kinds; /* further kinds, for dial; NULL-ended */
    const struct gyre_option *options;     /* these four end with a zero row */
    const struct gyre_metric *metrics;
    const struct gyre_need *needs;
    const struct gyre_offer *offers;

    /* [load] For each version of each section, before it serves. conf is filled from the options,
     * and writable here only. Compile routes, read zones, into mem(NULL, …); want what the sandbox
     * must grant, and keep handles in conf: they belong to the version. May call mem(NULL, …),
     * want, now, random, log, and file->load, shared->…; one at a time for a plugin; also in
     * --check, so nothing outside may change. false refuses the version, with the reason put into
     * why: the one before stays, and on_unload does not come. */
    bool (*on_load)(struct gyre_section *, void *conf, gyre_out *why);
    /* [load] after the version's last actor */
    void (*on_unload)(struct gyre_section *, void *conf);
};

/* ---- what the host lends ---- */

struct gyre_api {
    uint32_t size, minor;

    /* Queues a copy; never blocks. GYRE_OK; GYRE_AGAIN: taken, past the high mark; GYRE_GONE;
     * GYRE_FULL: past the section's out_max, nothing taken, and the stream closes, GYRE_SLOW; or
     * there is no memory, GYRE_NO_MEMORY. [worker] */
    int (*write)(struct gyre_actor *, gyre_view);

    /* Queues bytes at … at + n of a buffer or file without copying them (a few may be copied where
     * that is cheaper). A range outside of it: GYRE_INVALID. Else as write. [worker] */
    int (*write_buf)(struct gyre_actor *, struct gyre_buf *, uint64_t at, uint64_t n);

    /* Bytes until the high mark; 0 past it, and while a file is queued. [worker] */
    uint64_t (*room)(struct gyre_actor *);

    /* on_room once, at the end of this turn if there is room, else when there is. [worker] */
    void (*produce)(struct gyre_actor *);

    /* Counted, at most 255 deep: on_data stops with the first true and goes on with the matching
     * false; mail, timers and answers still come. Of an actor without a wire it holds mail.
     * [worker] */
    void (*pause)(struct gyre_actor *, bool);

    /* The next n bytes of `from`, those already received too, skip on_data and go to the wire of
     * `to`; UINT64_MAX: until the end. from is read while `to` has room. The end of from is told to
     * from (on_eof), not to `to`: finish it there. A `to` that closes ends the link, and on_data
     * goes on. to NULL ends it. GYRE_EXISTS: `to` has a link already; GYRE_GONE; GYRE_FULL: no
     * memory.
     * [worker] */
    int (*link)(struct gyre_actor *from, struct gyre_actor *to, uint64_t n);

    /* Another message_max for this actor: raise it after a login, lower it before. A stream for
     * which there is no memory closes, GYRE_NO_MEMORY. [worker] */
    void (*limit)(struct gyre_actor *, uint32_t message_max);

    /* No more output: FIN after what is queued. Input goes on. [worker] */
    void (*finish)(struct gyre_actor *);

    /* Ends the actor: on_close, GYRE_CLOSED, comes at the end of this turn. Once; later calls do
     * nothing. [worker] */
    void (*close)(struct gyre_actor *, enum gyre_how);

    /* Who is at the other end; NULL without a wire, or past memory_max. Valid until on_close
     * returns. [worker] */
    const struct gyre_peer *(*peer)(struct gyre_actor *);

    /* Sends one datagram from a port, copied; or, with segment, a train of datagrams of that many
     * bytes each (the last may be shorter). GYRE_FULL: too many under way, dropped. GYRE_INVALID:
     * longer than 65,507 bytes, or to port 0. ecn: 0 (others are not set yet). [worker] */
    int (*emit)(struct gyre_actor *port, const gyre_path *, gyre_view, uint32_t segment,
                uint32_t ecn);

    /* Makes an actor of a kind the plugin declares (stream, home's kinds …) on this worker; it ends
     * when `by` does. Fill its state now. on_open comes when the wire is there, at the next chance
     * without one; on_close if that fails. Writes before on_open queue. NULL: past a limit.
     * [worker] */
    struct gyre_actor *(*dial)(struct gyre_actor *by, const struct gyre_dial *,
                               const struct gyre_proto *);

    gyre_ref (*ref)(struct gyre_actor *);                                /* [worker] */
    /* NULL unless it lives (close was not called), on this worker, and is of this kind. [worker] */
    struct gyre_actor *(*deref)(gyre_ref, const struct gyre_proto *);

    /* Mail to n actors on any workers of the process; one copy for each worker. A sender whose mail
     * fills a mailbox is not read until it drains. GYRE_OK: what is not handled comes back by
     * on_bounce, once for each receiver. GYRE_FULL: longer than 64 KiB, or no memory: nobody gets
     * it, and nothing bounces. [worker] */
    int (*send)(struct gyre_actor *from, const gyre_ref *to, size_t n, uint32_t type, uint64_t tag,
                gyre_view, struct gyre_buf *body);

    /* Mail that waits for a reply: done(answer.value), or err GONE, FULL, UNSUPPORTED, LATE, or the
     * replier's. within_ns <= 0: 10 s. [worker] */
    int (*ask)(struct gyre_actor *, gyre_ref to, uint32_t type, gyre_view, int64_t within_ns,
               uint64_t tag, gyre_done *);
    /* Answers an ask: to and tag are the mail's from and tag, now or later. The first reply counts.
     * err: GYRE_OK or a negative gyre_err; a positive one becomes GYRE_INVALID. GYRE_GONE: there is
     * no such worker; GYRE_FULL: longer than 64 KiB, or no memory: whoever asked waits on, and is
     * told GYRE_LATE. [worker] */
    int (*reply)(struct gyre_actor *, gyre_ref to, uint64_t tag, int32_t err, gyre_view);

    /* on_down when that actor ends, GYRE_CLOSED at the next chance if it has; none after `false`.
     * GYRE_FULL: no memory here; without memory there, on_down, GYRE_NO_MEMORY, though it lives.
     * [worker] */
    int (*watch)(struct gyre_actor *, gyre_ref, bool on);

    /* Sets timer `slot` of the actor to fire after_ns from now; <= 0: next turn; GYRE_NEVER clears.
     * [worker] */
    int (*timer)(struct gyre_actor *, uint32_t slot, int64_t after_ns);

    /* Takes the newest configuration version of its section and returns it (actor->conf). Views and
     * pointers into the old one are dead with the call. [worker] */
    const void *(*conf)(struct gyre_actor *);

    /* malloc, realloc and free in one: old NULL makes, n 0 frees. Aligned to 16; growth is zeroed.
     * Counted against the section's memory_max; freed with owner. Owner NULL, in on_load only
     * [load]: belongs to the configuration version. NULL: past the limit, and old is untouched.
     * [worker] */
    void *(*mem)(struct gyre_actor *owner, void *old, size_t n);

    /* A builder that grows up to `most`; gone when the callback returns. Without memory it is full
     * at once. [worker] */
    gyre_out (*out)(struct gyre_actor *, size_t most);

    /* A buffer of its own with a copy of the bytes. NULL: past the limit. [worker] */
    struct gyre_buf *(*buf)(struct gyre_actor *owner, gyre_view);
    /* A name for the same bytes that belongs to owner. From: a buffer of an actor of this worker, a
     * mail's body, or what file->cached gave. [worker] */
    struct gyre_buf *(*buf_share)(struct gyre_actor *owner, struct gyre_buf *);
    /* Gives it back early; else it goes with its owner. [worker] */
    void (*buf_drop)(struct gyre_actor *owner, struct gyre_buf *);

    /* Nanoseconds, on a worker read once a turn; virtual in tests. [any] */
    int64_t (*now)(enum gyre_clock);
    /* Fills n bytes with randomness fit for keys; seeded in tests. [any] */
    void (*random)(void *, size_t n);

    /* What the section needs of the world: "path:/srv" (files below, for file/1),
     * "dial:tcp:10.0.0.1:80", "dial:*". >= 0: a handle, for calls that take one; else ABSENT,
     * DENIED, IO, INVALID, UNSUPPORTED, or FULL: no memory. [load] */
    int (*want)(struct gyre_section *, gyre_view);

    /* Adds to metric n of the plugin's table. [worker] */
    void (*count)(struct gyre_actor *, uint32_t metric, int64_t by);

    /* One line to the log, control bytes escaped, cut at 1 KiB; GYRE_ARG(view) is for "%.*s". The
     * actor may be NULL. [any] */
    void (*log)(struct gyre_actor *, enum gyre_level, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
};

extern const struct gyre_api *gyre __attribute__((visibility("hidden")));
#ifdef __cplusplus
extern "C" { /* else a const object has internal linkage, and nothing is exported */
#endif
extern const struct gyre_plugin gyre_plugin_v1 __attribute__((visibility("default")));
#ifdef __cplusplus
}
#endif

#define GYRE_STATE(a, type) ((type *)(a)->state)
#define GYRE_HOME(a, type) ((type *)(a)->home->state)
#define GYRE_CONF(a, type) ((const type *)(a)->conf)
#define GYRE_PROTO .size = sizeof(struct gyre_proto)
#define GYRE_DIAL .size = sizeof(struct gyre_dial)

/* Once in a plugin, with the members of struct gyre_plugin from `flags` on, by name; in C++ in the
 * order of the struct. */
#define GYRE_PLUGIN(...) \
    const struct gyre_api *gyre; \
    const struct gyre_plugin gyre_plugin_v1 = { \
        .size = sizeof(struct gyre_plugin), .target = GYRE_TARGET, \
        .option_size = sizeof(struct gyre_option), .metric_size = sizeof(struct gyre_metric), \
        .need_size = sizeof(struct gyre_need), .offer_size = sizeof(struct gyre_offer), \
        .api = &gyre, __VA_ARGS__}
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * box.h - the black box: what each thread of a service is doing, on the page that it shares with
 * the supervisor (stats.h), and what it was doing when it died.
 *
 * A thread alone writes its box. While it lives it stores which callback runs, and for whom: three
 * relaxed stores a callback, no copy. When it dies by a signal the handler (box.c) adds the rest.
 * The page survives the process; the supervisor reads it as untrusted (crash_read.c, stuck.c).
 */
#ifndef GYRE_BOX_H
#define GYRE_BOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gyre.h"
#include "limits.h"

enum call {
    CALL_NONE, CALL_ON_LOAD, CALL_ON_UNLOAD, CALL_WORK, CALL_DONE, CALL_ON_OPEN, CALL_ON_DATA,
    CALL_ON_DATAGRAMS, CALL_ON_EOF, CALL_ON_ROOM, CALL_ON_TIMER, CALL_ON_MAIL, CALL_ON_BOUNCE,
    CALL_ON_DOWN, CALL_ON_CONF, CALL_ON_LEAVE, CALL_ON_CLOSE,
    CALL_ON_SAVE, CALL_ON_RESTORE, CALL_MAX
};
const char *call_name(uint64_t call); /* "on_data"; "" for none, or what is no call */

/* Whose box is which: workers first. */
enum { BOX_CONTROL = LIMIT_WORKERS, BOX_HELPERS, BOX_OTHER = BOX_HELPERS + LIMIT_HELPERS, BOXES };
enum { BOX_BYTES = 256, BOX_TEXT = 256, BOX_FRAMES = 32, BOX_MODULES = 32, BOX_NAME = 64 };

struct box { /* of one thread */
    _Alignas(64) _Atomic uint64_t call; /* calls so far << 8 | enum call that runs, or CALL_NONE */
    _Atomic uint64_t whose;             /* of that call: slot << 32 | id of the section */
    _Atomic uint32_t thread;            /* as the kernel numbers it; 0: there is no such thread */
    /* what the handler leaves; signal comes first */
    _Atomic uint32_t signal;
    int32_t code;                       /* si_code */
    uint32_t frames_n;                  /* grows frame by frame */
    uint64_t address;                   /* of the fault; of SIGSYS the number of the call */
    uint64_t connection;                /* its id; 0: no actor's callback ran */
    uint64_t frames[BOX_FRAMES];        /* where it stood, then the addresses it would return to */
    gyre_addr peer;
    uint32_t has_peer, datagrams;       /* datagrams: of so many the first is in bytes */
    uint32_t bytes_n, bytes_of;         /* of the view that the callback had, its first bytes */
    uint8_t bytes[BOX_BYTES];
    char text[BOX_TEXT];                /* of bug() */
};
struct box_module { /* what is mapped, so that an address becomes a file and an offset */
    uint64_t from, to;
    char name[BOX_NAME];                /* without folders; "": the program itself */
};
struct black_box {
    _Atomic uint32_t first;             /* who died first: its place in `of` + 1; 0: nobody */
    _Atomic uint32_t modules_n;
    struct box_module modules[BOX_MODULES];
    struct box of[BOXES];
};

/* Every call into a plugin stands between these two. */
static inline void box_enter(struct box *b, enum call call, uint32_t slot, uint32_t section)
{
    uint64_t before = atomic_load_explicit(&b->call, memory_order_relaxed);
    atomic_store_explicit(&b->whose, (uint64_t)slot << 32 | section, memory_order_relaxed);
    atomic_store_explicit(&b->call, ((before | 0xff) + 1) | (uint64_t)call, memory_order_relaxed);
}
static inline void box_leave(struct box *b)
{
    uint64_t before = atomic_load_explicit(&b->call, memory_order_relaxed);
    atomic_store_explicit(&b->call, before & ~(uint64_t)0xff, memory_order_relaxed);
}

/* ---- box.c: in a service process ---- */

void box_begin(struct black_box *);  /* from here on crashes are caught; the first thread's box */
/* This thread's box, and a stack for its end. Without box_begin it is the box alone. */
void box_thread(struct black_box *, uint32_t index);
void box_modules(struct black_box *); /* after something was loaded */
void box_text(const char *where, const char *text); /* of bug(), into this thread's box */
extern _Thread_local struct box *box_here; /* NULL: the thread has none */
#endif

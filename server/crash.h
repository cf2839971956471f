/* SPDX-License-Identifier: GPL-3.0-or-later
 * crash.h - the report of a crash, in the supervisor. A part of supervisor.h, which alone includes
 * it.
 *
 * crash_read.c takes it from the black box (box.h), which the dead service wrote: nothing of it is
 * believed. symbol.c names functions; crash_show.c makes lines and JSON of it; crash.c keeps it.
 */
#ifndef GYRE_CRASH_H
#define GYRE_CRASH_H

#include <stdint.h>
#include <stdio.h>

#include "box.h"
#include "limits.h"
#include "stats.h"

struct crash_frame {
    char module[BOX_NAME]; /* as it was loaded; "": not in any */
    uint64_t at;           /* offset in it; else the address */
    char function[64];     /* "": not known */
};
struct crash_doing { /* one thread, when the process ended */
    char what[24];     /* "worker 0" */
    const char *call;
    uint32_t section;  /* id */
    char section_name[2 * LIMIT_NAME];
};
struct crash { /* all of it bounded, texts with their end; still as untrusted as who wrote it */
    int64_t wall_ms;
    char service[LIMIT_NAME];
    uint32_t generation;
    char how[128];         /* "crashed: SIGSEGV (Segmentation fault)" */
    bool seen;             /* a handler saw it: the rest, up to `doing`, means something */
    uint32_t signal;
    bool faulted;          /* address means something */
    uint64_t address;
    const char *call;      /* "on_data", or "" */
    uint32_t section;      /* its id */
    uint64_t connection;
    bool has_peer;
    gyre_addr peer;
    uint32_t datagrams, bytes_n, bytes_of;
    uint8_t bytes[BOX_BYTES];
    char text[BOX_TEXT];
    struct crash_frame frames[BOX_FRAMES];
    size_t frames_n;
    struct crash_doing doing[BOXES]; /* workers, and others in a callback; not who died */
    size_t doing_n;
    char section_name[2 * LIMIT_NAME], plugin[LIMIT_NAME];
    bool refused;          /* its peer, for a while */
    char file[160];        /* the whole report, in RUN/crashes; "": it could not be written */
};

/* Fills what the page says, all but the names. at: whose box is to be believed, its place + 1; 0:
 * of whom the page says that it died first. */
void crash_read(const struct black_box *, uint32_t at, struct crash *);

/* symbol.c: the function at an offset of an ELF file, from its table of symbols, read as data.
 * false: it has none there, or is none. */
bool symbol_at(const char *file, uint64_t offset, char *name, size_t name_n);

/* crash_show.c: lines of text, one call of `say` each; whole: all that is known, as for a file. */
void crash_lines(const struct crash *, bool whole, void (*say)(void *user, const char *line),
                 void *user);
void crash_json(const struct crash *, FILE *);
#endif

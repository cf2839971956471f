/* SPDX-License-Identifier: GPL-3.0-or-later
 * crash_read.c - from the page of a dead service to the report of its crash.
 *
 * The page is untrusted: a hostile service wrote it, or a crash wrote over it, and who still holds
 * its memory may change it while it is read. Each part is copied once, then judged; numbers are cut
 * to what there is, texts get an end. Promise: whatever the page holds, the report is within its
 * bounds, and nothing outside the page is read.
 */
#include <signal.h>
#include <string.h>

#include "crash.h"

/* One reading: what is judged is what is used. */
static void copy_once(void *to, const void *from, size_t n)
{
    const volatile uint8_t *f = from;
    uint8_t *t = to;
    for (size_t i = 0; i < n; i++) t[i] = f[i];
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

/* Offset in a module, or the bare address. Callers stand behind their call: one byte back is in
 * it. */
static void place(const struct box_module *modules, uint32_t n, uint64_t address, bool caller,
                  struct crash_frame *out)
{
    *out = (struct crash_frame){.at = address};
    for (uint32_t i = 0; i < n; i++) {
        const struct box_module *m = &modules[i];
        if (address < m->from || address >= m->to) continue;
        out->at = address - m->from - (caller && address > m->from ? 1 : 0);
        (void)snprintf(out->module, sizeof out->module, "%.*s", BOX_NAME - 1,
                       m->name[0] ? m->name : "gyre");
        return;
    }
}

static void take_box(const struct black_box *page, uint32_t at, struct crash *c)
{
    struct box_module modules[BOX_MODULES] = {0};
    struct box b;
    uint32_t modules_n = at_most(atomic_load(&page->modules_n), BOX_MODULES);
    copy_once(modules, page->modules, modules_n * sizeof *modules);
    copy_once(&b, &page->of[at], sizeof b);
    c->seen = b.signal != 0;
    c->call = call_name(b.call & 0xff);
    c->section = *c->call ? (uint32_t)b.whose : 0;
    memcpy(c->text, b.text, sizeof c->text);
    c->text[sizeof c->text - 1] = '\0';
    if (!c->seen) return;
    c->faulted = b.code > 0 && b.code != SI_KERNEL; /* that one does not know the address */
    c->signal = b.signal;
    c->address = b.address;
    c->connection = b.connection;
    c->has_peer = b.has_peer != 0;
    if (c->has_peer) c->peer = b.peer;
    c->datagrams = b.datagrams;
    c->bytes_n = at_most(b.bytes_n, BOX_BYTES);
    c->bytes_of = b.bytes_of < c->bytes_n ? c->bytes_n : b.bytes_of;
    memcpy(c->bytes, b.bytes, c->bytes_n);
    c->frames_n = at_most(b.frames_n, BOX_FRAMES);
    for (uint32_t i = 0; i < c->frames_n; i++)
        place(modules, modules_n, b.frames[i], i > 0, &c->frames[i]);
}

/* What the threads were doing, that did not die of it. */
static void take_doing(const struct black_box *page, uint32_t died, struct crash *c)
{
    for (uint32_t i = 0; i < BOXES; i++) {
        const struct box *b = &page->of[i];
        struct crash_doing *d = &c->doing[c->doing_n];
        if (i == died || i == BOX_OTHER || !atomic_load(&b->thread)) continue;
        d->call = call_name(atomic_load(&b->call) & 0xff);
        d->section = *d->call ? (uint32_t)atomic_load(&b->whose) : 0;
        if (i >= BOX_CONTROL && !*d->call) continue; /* they rest most of the time */
        if (i < BOX_CONTROL) (void)snprintf(d->what, sizeof d->what, "worker %u", i);
        else if (i > BOX_CONTROL)
            (void)snprintf(d->what, sizeof d->what, "helper %u", i - BOX_HELPERS);
        else (void)snprintf(d->what, sizeof d->what, "control");
        c->doing_n++;
    }
}

void crash_read(const struct black_box *page, uint32_t at, struct crash *c)
{
    c->call = "";
    if (!at) at = atomic_load(&page->first);
    if (at > BOXES) at = 0;
    if (at) take_box(page, at - 1, c);
    take_doing(page, at ? at - 1 : BOXES, c);
}

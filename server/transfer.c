/* SPDX-License-Identifier: GPL-3.0-or-later
 * transfer.c - streams from the process that is replaced to the one that replaces it.
 *
 * Both have an end of a socket pair, with messages as in message.h:
 *   old to new   M_STREAM, with the descriptor: number section, number age_ms, number greeted,
 *                text ip, number port, number state_n, number out_n, number in_n; then M_PART,
 *                text bytes, until all three are there. M_COMMIT: that is all
 *   new to old   M_TAKEN: number index, of each that was restored. M_COMMITTED: that is all
 *   old to new   M_MOVED: they are yours. The end instead: the old process is gone, and they are
 *                yours, too; M_ABANDON: they are not
 * Promise: the new process believes nothing of it; whichever of the two ends in the middle, the
 * other goes on with what it has. Control thread, which waits meanwhile; the supervisor ends a
 * process that is not done in LIMIT_READY_MS. Limits: TRANSFER_MOST streams.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve.h"

enum { PART_BYTES = 32 * 1024, TRANSFER_MOST = 1 << 22, SETTLE_ROUNDS = 3 };

struct transfer {
    struct serve *serve;
    int fd;
    struct message in;
    struct message_out out;
    struct moving *making; /* being received */
    size_t filled;
    struct moving **all;   /* in order of their index */
    size_t n;
};

/* ---- workers ---- */

/* All of them do it, and have done it. */
static void on_all(struct serve *s, void (*run)(struct worker *, void *))
{
    struct errand orders[LIMIT_WORKERS] = {0};
    for (uint32_t i = 0; i < s->service->workers_n; i++) {
        orders[i].run = run;
        orders[i].arg = s->service;
        errand_post(s->service->workers[i], &orders[i]);
    }
    threads_sync(&s->threads);
}

static void freeze(struct worker *w, void *service)
{
    for (struct section *s = ((struct service *)service)->sections; s; s = s->next)
        if (move_asks(s)) move_freeze(w, s);
}

static void save(struct worker *w, void *service)
{
    for (struct section *s = ((struct service *)service)->sections; s; s = s->next)
        if (move_asks(s)) move_save(w, s);
}

/* ---- messages ---- */

/* The next message; false: the end, or nonsense. */
static bool receive(struct transfer *t)
{
    char why[128];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    for (;;) {
        int got = message_receive(t->fd, &t->in, why, sizeof why);
        if (got) return got > 0;
        (void)poll(&p, 1, -1);
    }
}

static bool tell(struct transfer *t, enum message_type type)
{
    message_begin(&t->out, type);
    return message_send(&t->out, t->fd, -1);
}

static size_t bytes_of(const struct moving *m)
{
    return m->state_n + m->out_n + m->in_n;
}

/* ---- the old process ---- */

static bool send_one(struct transfer *t, const struct moving *m)
{
    message_begin(&t->out, M_STREAM);
    message_put_number(&t->out, m->section);
    message_put_number(&t->out, m->age_ms);
    message_put_number(&t->out, m->greeted);
    message_put_text(&t->out, GYRE_MAKE(gyre_view, m->peer.ip, sizeof m->peer.ip));
    message_put_number(&t->out, m->peer.port);
    message_put_number(&t->out, m->state_n);
    message_put_number(&t->out, m->out_n);
    message_put_number(&t->out, m->in_n);
    if (!message_send(&t->out, t->fd, m->fd)) return false;
    for (size_t at = 0, all = bytes_of(m); at < all; at += PART_BYTES) {
        size_t n = all - at < PART_BYTES ? all - at : PART_BYTES;
        message_begin(&t->out, M_PART);
        message_put_text(&t->out, GYRE_MAKE(gyre_view, m->bytes + at, n));
        if (!message_send(&t->out, t->fd, -1)) return false;
    }
    return true;
}

/* What the new process has taken. false: it did not come to the end. */
static bool read_taken(struct transfer *t)
{
    while (receive(t)) {
        if (t->in.fd >= 0) (void)close(t->in.fd);
        if (t->in.type == M_COMMITTED) return gyre_end(&t->in.in);
        uint64_t index = message_get_number(&t->in);
        if (t->in.type != M_TAKEN || !gyre_end(&t->in.in) || index >= t->n) return false;
        t->all[index]->moved = true;
    }
    return false;
}

static bool send_all(struct transfer *t)
{
    size_t n = 0;
    for (struct moving *m = t->serve->service->moving; m; m = m->next) n++;
    t->all = calloc(n ? n : 1, sizeof(struct moving *));
    if (!t->all) return false;
    for (struct moving *m = t->serve->service->moving; m; m = m->next) {
        t->all[t->n++] = m;
        if (!send_one(t, m)) return false;
    }
    return tell(t, M_COMMIT) && read_taken(t);
}

static void forget(struct serve *s)
{
    while (s->service->moving) {
        struct moving *m = s->service->moving;
        s->service->moving = m->next;
        free(m);
    }
}

void transfer_save(struct serve *s, int fd)
{
    struct transfer *t = calloc(1, sizeof *t);
    bool some = false, done = false;
    for (struct section *at = s->service->sections; at; at = at->next) some |= move_asks(at);
    if (t) {
        t->serve = s;
        t->fd = fd;
        if (some) {
            on_all(s, freeze);
            on_all(s, freeze);                                /* what is under way is cancelled … */
            for (int i = 0; i < SETTLE_ROUNDS; i++) threads_sync(&s->threads); /* … mail arrives */
            on_all(s, save);
        }
        done = send_all(t);
        for (size_t i = 0; i < t->n && !done; i++) t->all[i]->moved = false;
        if (some) on_all(s, move_settle);
        (void)tell(t, done ? M_MOVED : M_ABANDON);
        free(t->all);
        free(t);
    }
    if (!done) service_again(s->service); /* it accepts again */
    forget(s);
    (void)close(fd);
}

/* ---- the new process ---- */

static bool take_head(struct transfer *t)
{
    struct message *m = &t->in;
    uint64_t section = message_get_number(m), age_ms = message_get_number(m);
    uint64_t greeted = message_get_number(m);
    gyre_view ip = message_get_text(m);
    uint64_t port = message_get_number(m), state_n = message_get_number(m);
    uint64_t out_n = message_get_number(m), in_n = message_get_number(m);
    if (!gyre_end(&m->in) || t->making || m->fd < 0 || t->n == TRANSFER_MOST ||
        section > UINT32_MAX || ip.n != sizeof t->making->peer.ip || port > UINT16_MAX ||
        state_n > LIMIT_MAIL || out_n > UINT32_MAX || in_n > UINT32_MAX)
        return false;
    struct moving *to = moving_make((size_t)state_n, (size_t)out_n, (size_t)in_n);
    if (!to) return false;
    to->section = (uint32_t)section;
    to->age_ms = age_ms < INT32_MAX ? age_ms : INT32_MAX;
    to->greeted = greeted != 0;
    memcpy(to->peer.ip, ip.p, ip.n);
    to->peer.port = (uint16_t)port;
    to->fd = m->fd;
    m->fd = -1;
    t->making = to;
    t->filled = 0;
    return true;
}

static bool take_part(struct transfer *t)
{
    gyre_view part = message_get_text(&t->in);
    if (!gyre_end(&t->in.in) || !t->making || part.n > bytes_of(t->making) - t->filled)
        return false;
    if (part.n) memcpy(t->making->bytes + t->filled, part.p, part.n);
    t->filled += part.n;
    return true;
}

/* What is complete goes to a worker, each in turn. */
static bool pass_on(struct transfer *t)
{
    struct service *service = t->serve->service;
    struct moving *m = t->making;
    if (!m || t->filled < bytes_of(m)) return true;
    const struct section *s = service_section_at(service, m->section);
    struct moving **grown = (t->n & (t->n - 1)) == 0
                                ? realloc(t->all, (t->n ? 2 * t->n : 1) * sizeof *grown)
                                : t->all;
    if (!grown) return false;
    t->all = grown;
    t->all[t->n++] = m;
    t->making = NULL;
    m->next = service->moving;
    service->moving = m;
    m->item.run = move_restore;
    if (s) inbox_post(service->workers[t->n % s->pub.workers], &m->item);
    return true;
}

static bool receive_all(struct transfer *t)
{
    while (receive(t)) {
        bool right = false;
        if (t->in.type == M_STREAM) right = take_head(t);
        else if (t->in.type == M_PART) right = take_part(t);
        else if (t->in.type == M_COMMIT) return gyre_end(&t->in.in) && !t->making;
        if (t->in.fd >= 0) (void)close(t->in.fd);
        if (!right || !pass_on(t)) return false;
    }
    return false;
}

static bool tell_taken(struct transfer *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!t->all[i]->moved) continue;
        message_begin(&t->out, M_TAKEN);
        message_put_number(&t->out, i);
        if (!message_send(&t->out, t->fd, -1)) return false;
    }
    return tell(t, M_COMMITTED);
}

/* They are ours unless the old process, alive, says otherwise. */
static bool are_ours(struct transfer *t)
{
    bool told = receive(t);
    if (told && t->in.fd >= 0) (void)close(t->in.fd);
    return !told || t->in.type == M_MOVED;
}

size_t transfer_restore(struct serve *s, int fd)
{
    struct transfer *t = calloc(1, sizeof *t);
    size_t moved = 0;
    if (t) {
        t->serve = s;
        t->fd = fd;
        bool all = receive_all(t);
        threads_sync(&s->threads); /* every one of them was tried */
        bool ours = all && tell_taken(t) && are_ours(t);
        for (size_t i = 0; i < t->n; i++) {
            if (t->all[i]->fd >= 0) (void)close(t->all[i]->fd); /* nobody took it */
            if (!ours) t->all[i]->moved = false;
            moved += t->all[i]->moved;
        }
        if (t->making) {
            (void)close(t->making->fd);
            free(t->making);
        }
        on_all(s, move_begin);
        free(t->all);
        free(t);
    }
    forget(s);
    (void)close(fd);
    return moved;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * epoll_wire.c - what the epoll kernel remembers: a wire for each descriptor, lists of wires,
 * tasks, and receive buffers.
 *
 * Owns: their memory, which only grows, and only to hold more than ever before. Wires and tasks are
 * named by their place, as they may move when others are made.
 * Promise: giving a buffer that is not out is noticed.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "core.h"
#include "poison.h"
#include "ring_epoll.h"

enum { WIRES_LEAST = 256 };

/* ---- wires and lists ---- */

struct wire *epoll_wire(struct epoll_ring *u, int fd)
{
    uint32_t n = u->wires_n ? u->wires_n : WIRES_LEAST;
    if (fd < 0) bug(__func__, "no descriptor");
    if ((uint32_t)fd < u->wires_n) return &u->wires[fd];
    while (n <= (uint32_t)fd) n *= 2;
    struct wire *grown = realloc(u->wires, n * sizeof *grown);
    if (!grown) return NULL;
    memset(grown + u->wires_n, 0, (n - u->wires_n) * sizeof *grown);
    u->wires = grown;
    u->wires_n = n;
    return &u->wires[fd];
}

bool epoll_watch(struct epoll_ring *u, int fd, uint16_t in_and_out)
{
    struct wire *w = &u->wires[fd];
    int how = w->flags & W_ADDED ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event e = {.events = EPOLLET,
                            .data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd};
    if (w->flags & W_ADDED && (w->flags & (W_IN | W_OUT)) == in_and_out) return true;
    if (in_and_out & W_IN) e.events |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    if (in_and_out & W_OUT) e.events |= EPOLLOUT;
    if (epoll_ctl(u->fd, how, fd, &e) < 0) return false;
    w->flags = (uint16_t)((w->flags & ~(W_IN | W_OUT)) | W_ADDED | in_and_out);
    return true;
}

void epoll_push(struct epoll_ring *u, struct list *l, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    if (w->flags & W_LISTED) return;
    w->flags |= W_LISTED;
    w->next = 0;
    if (l->last) u->wires[l->last - 1].next = fd + 1;
    else l->first = fd + 1;
    l->last = fd + 1;
}

uint32_t epoll_pop(struct epoll_ring *u, struct list *l)
{
    uint32_t fd = l->first - 1;
    l->first = u->wires[fd].next;
    if (!l->first) l->last = 0;
    u->wires[fd].flags &= (uint16_t)~W_LISTED;
    return fd;
}

void epoll_append(struct epoll_ring *u, struct list *to, struct list *l)
{
    if (!l->first) return;
    if (to->last) u->wires[to->last - 1].next = l->first;
    else to->first = l->first;
    to->last = l->last;
    *l = (struct list){0, 0};
}

uint32_t *epoll_bucket(struct epoll_ring *u, uint64_t user)
{
    return &u->by_user[user * 0x9e3779b97f4a7c15u >> (64 - EPOLL_HASH_BITS)];
}

void epoll_forget(struct epoll_ring *u, uint32_t fd)
{
    struct wire *w = &u->wires[fd];
    uint32_t *at = epoll_bucket(u, w->user);
    while (*at != fd + 1) at = &u->wires[*at - 1].same_hash;
    *at = w->same_hash;
    w->user = 0;
    w->what = WIRE_NOTHING;
    w->flags &= (uint16_t)~W_CANCELLED;
}

/* ---- tasks ---- */

uint32_t epoll_task_take(struct epoll_ring *u)
{
    uint32_t place_1 = u->tasks_free;
    if (place_1) {
        u->tasks_free = u->tasks[place_1 - 1].next;
        return place_1;
    }
    if (u->tasks_n == u->tasks_cap) {
        uint32_t cap = u->tasks_cap ? 2 * u->tasks_cap : WIRES_LEAST;
        struct task *grown = realloc(u->tasks, cap * sizeof *grown);
        if (!grown) return 0;
        u->tasks = grown;
        u->tasks_cap = cap;
    }
    return ++u->tasks_n;
}

void epoll_task_give(struct epoll_ring *u, uint32_t place_1)
{
    u->tasks[place_1 - 1].next = u->tasks_free;
    u->tasks_free = place_1;
}

/* ---- buffers ---- */

bool epoll_stock_make(struct stock *s, uint32_t n, uint32_t size)
{
    uint16_t *list = malloc(n * sizeof *list);
    void *bytes = mmap(NULL, (size_t)n * size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!list || bytes == MAP_FAILED) {
        if (bytes != MAP_FAILED) munmap(bytes, (size_t)n * size);
        free(list);
        return false;
    }
    *s = (struct stock){.bytes = bytes, .free = list, .n = n, .size = size};
    poison(bytes, (size_t)n * size);
    while (s->free_n < n) {
        list[s->free_n] = (uint16_t)(n - 1 - s->free_n);
        s->free_n++;
    }
    return true;
}

void epoll_stock_free(struct stock *s)
{
    unpoison(s->bytes, (size_t)s->n * s->size); /* the addresses may be somebody's soon */
    if (s->bytes) munmap(s->bytes, (size_t)s->n * s->size);
    free(s->free);
}

int epoll_take(struct stock *s)
{
    if (!s->free_n) return -1;
    s->taken = true;
    s->free_n--;
    unpoison(epoll_bytes(s, s->free[s->free_n]), s->size);
    return s->free[s->free_n];
}

void epoll_filled(const struct stock *s, uint32_t i, size_t n)
{
    poison(epoll_bytes(s, i) + n, s->size - n);
}

void epoll_give(struct stock *s, uint32_t i)
{
    if (i >= s->n || s->free_n == s->n) bug(__func__, "no such buffer is out");
    s->free[s->free_n++] = (uint16_t)i;
    poison(epoll_bytes(s, i), s->size);
}

uint8_t *epoll_bytes(const struct stock *s, uint32_t i)
{
    return s->bytes + (size_t)i * s->size;
}

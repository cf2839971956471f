/* SPDX-License-Identifier: MIT
 * bus.h - "bus/1": topics over all workers of a process. A topic is any name; it exists while it
 * has members. Topics belong to a plugin: its sections share them (put the section's name in front
 * to keep apart), other plugins do not.
 */
#ifndef GYRE_BUS_H
#define GYRE_BUS_H
#include "../gyre.h"

struct gyre_bus {
    uint32_t size;

    /* Joins (in) or leaves. An actor leaves all its topics at close by itself. Joining twice is
     * once. GYRE_INVALID: a name of 0 or over 255 bytes. GYRE_FULL: over 64 topics, or no memory.
     * [worker] */
    int (*join)(struct gyre_actor *, gyre_view topic, bool in);

    /* Mail to every member but the sender, who need not be one; on_mail sees the topic. One copy
     * for each worker, none where nobody listens. Nothing bounces. GYRE_OK; GYRE_AGAIN: the box of
     * a worker is full, and nobody there gets it; the sender is not read until it drains.
     * GYRE_FULL: longer than 64 KiB, or no memory: nobody gets it. GYRE_INVALID: the name.
     * [worker] */
    int (*send)(struct gyre_actor *, gyre_view topic, uint32_t type, gyre_view,
                struct gyre_buf *body);
};
#endif

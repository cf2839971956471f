/* SPDX-License-Identifier: GPL-3.0-or-later
 * section.h - what the control thread orders workers to do (orders.c, section.c). Each runs on the
 * worker, as posted by errand_post. */
#ifndef GYRE_SECTION_H
#define GYRE_SECTION_H

#include "service.h"

bool orders_make(struct section *); /* false: no memory */
bool orders_wait(const struct section *);
void orders_leave_last(struct service *); /* of one that drains: what leaves after all others */
void orders_free(struct section *);

struct listen_order {
    struct section *section;
    int fd;
    bool datagrams;
    char text[128];
};
void section_publish(struct worker *, void *version);
void section_listen(struct worker *, void *listen_order);
void section_unlisten(struct worker *, void *listen_order);
void section_again(struct worker *, void *section); /* every accept is armed anew */
void section_leave(struct worker *, void *section);
void section_abort(struct worker *, void *section);
#endif

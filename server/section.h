/* SPDX-License-Identifier: GPL-3.0-or-later
 * section.h - what service.c orders workers to do (section.c). Each runs on the worker, as posted
 * by service_post. */
#ifndef GYRE_SECTION_H
#define GYRE_SECTION_H

#include "service.h"

struct listen_order { /* freed by whoever carries it out */
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

/* SPDX-License-Identifier: GPL-3.0-or-later
 * bug.c - the end of a process that is wrong. Says what is wrong and whose callback was running,
 * then aborts: nothing is cleaned up by code that can no longer be trusted. Any thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core.h"

void bug(const char *where, const char *fmt, ...)
{
    char text[512];
    const struct worker *w = worker_here;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (w && w->calling)
        log_error("bug in plugin %s, in %s: %s: %s", w->calling->kind->plugin->name,
                  call_name(atomic_load(&w->box->call) & 0xff), where, text);
    else log_error("bug: %s: %s", where, text);
    box_text(where, text);
    abort();
}

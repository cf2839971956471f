/* SPDX-License-Identifier: GPL-3.0-or-later
 * diff.c - what must be said to a process so that it becomes what the plan wants.
 *
 * Promise: looks only; equal means that nothing is sent, and nothing that runs is touched.
 */
#include <string.h>

#include "supervisor.h"

struct instance *crew_instance(const struct crew *crew, uint32_t id)
{
    for (size_t i = 0; crew && i < crew->instances_n; i++)
        if (crew->instances[i]->tally->id == id) return crew->instances[i];
    return NULL;
}

bool instance_changed(const struct crew *has, const struct instance *wants)
{
    const struct instance *was = crew_instance(has, wants->tally->id);
    return !was || was->version != wants->version || was->refused;
}

bool door_open(const struct instance *in, const char *endpoint)
{
    for (size_t i = 0; in && i < in->doors_n; i++)
        if (in->doors[i].sockets && strcmp(in->doors[i].endpoint.text, endpoint) == 0) return true;
    return false;
}

/* Doors that one has open and the other not. */
static bool doors_differ(const struct instance *a, const struct instance *b)
{
    for (size_t i = 0; i < a->doors_n; i++)
        if (a->doors[i].sockets && !door_open(b, a->doors[i].endpoint.text)) return true;
    return false;
}

enum change crew_change(const struct crew *has, const struct crew *wants)
{
    if (!has || has->fingerprint != wants->fingerprint) return CHANGE_PROCESS;
    for (size_t i = 0; i < wants->instances_n; i++) {
        const struct instance *now = wants->instances[i];
        const struct instance *was = crew_instance(has, now->tally->id);
        if (instance_changed(has, now) || doors_differ(was, now) || doors_differ(now, was))
            return CHANGE_MESSAGES;
    }
    for (size_t i = 0; i < has->instances_n; i++)
        if (!crew_instance(wants, has->instances[i]->tally->id)) return CHANGE_MESSAGES;
    return CHANGE_NONE;
}

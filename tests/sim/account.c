/* SPDX-License-Identifier: GPL-3.0-or-later
 * account.c - the account at a service's end: streams, actors, counted memory, objects, pools.
 *
 * Promise: what it reports was taken and not given back. Calls belong to the one thread that runs
 * all workers.
 */
#include "account.h"

#include <stdio.h>

static bool left(char *why, size_t why_n, const char *what, int64_t n)
{
    size_t used = strlen(why);
    if (n) snprintf(why + used, why_n - used, "%lld %s\n", (long long)n, what);
    return n != 0;
}

bool account_left(const struct service *s, char *why, size_t why_n)
{
    int64_t streams = 0, actors = 0, memory = 0, live = 0;
    for (uint32_t i = 0; i < s->stats->rows; i++) {
        const struct stats_row *r = &s->stats->row[i];
        streams += r->v[STAT_STREAMS];
        actors += r->v[STAT_ACTORS];
        memory += r->v[STAT_MEMORY];
    }
    for (uint32_t i = 0; i < s->workers_n; i++) live += s->workers[i]->live;
    bool some = left(why, why_n, "streams are still counted as open", streams);
    some |= left(why, why_n, "actors are still counted as alive", actors);
    some |= left(why, why_n, "bytes of memory are still counted", memory);
    some |= left(why, why_n, "objects of workers were not freed", live);
    return some;
}

bool account_pools(struct service *s, char *why, size_t why_n)
{
    struct worker *outer = worker_here;
    int64_t bytes = 0;
    for (uint32_t i = 0; i < s->workers_n; i++) {
        struct worker *w = s->workers[i];
        worker_here = w;
        bus_free(w);
        files_free(w);
        dgram_free(w);
        pool_give(w, w->starved, w->starved_cap * sizeof *w->starved);
        w->starved = NULL;
        w->starved_cap = 0;
        bytes += (int64_t)pool_in_use(w->pool);
    }
    worker_here = outer;
    return left(why, why_n, "bytes of the workers' pools were not given back", bytes);
}

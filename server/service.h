/* SPDX-License-Identifier: GPL-3.0-or-later
 * service.h - one service: its plugins, sections, workers and helpers. service.c makes it from the
 * supervisor's messages; gyre-test makes it by hand, over an in-memory ring.
 *
 * Threads: all functions belong to the control thread, unless marked. In gyre-test there is one
 * thread, which runs the workers in turn.
 */
#ifndef GYRE_SERVICE_H
#define GYRE_SERVICE_H

#include "config.h"
#include "core.h"

struct service {
    uint32_t magic, generation, workers_n;
    char name[LIMIT_NAME];
    struct worker *workers[LIMIT_WORKERS];
    struct plugin *plugins;
    struct section *sections;
    struct stats_page *stats;
    bool stats_private;      /* made here, not shared with a supervisor */
    struct helpers *helpers; /* NULL: jobs run at once, on the worker */
    pthread_mutex_t lock;    /* of: retired, signals to the control thread */
    struct version *retired; /* that no worker holds any more: on_unload */
    _Atomic uint64_t loads;  /* odd: an on_load runs (shared/1's grace) */
    struct given_root *given; /* folders for the section that is prepared next (M_OPENED) */
    struct jail *jail;       /* what it is closed in (jail.h); NULL: it is not, or not yet */
    char outgrown[256];      /* what the version prepared last wants, and the jail has not; or "" */
    int wake_fd;             /* eventfd: the control thread looks again; -1: nobody waits */
    bool draining;
    struct refused {          /* by the lock */
        uint8_t ip[16];
        int64_t until_ns;
    } refused[LIMIT_REFUSED];
    _Atomic uint32_t refused_n;
    struct wide *wide;       /* wide.c; NULL: no plugin needs "wide/1" */
    struct moving *moving;   /* between two processes; locked while workers add to it */
};

/* Makes one ring a worker by `make`. stats: shared with the supervisor, or NULL for a private page.
 * helpers: threads for blocking work; 0 runs it inline. NULL: why. */
struct service *service_make(const char *name, uint32_t generation, uint32_t workers,
                             struct stats_page *stats, uint32_t helpers, char *why, size_t why_n);
/* Gives worker `index` its ring (on the thread that will run it). */
bool service_worker(struct service *, uint32_t index, struct ring *);

/* Loads a plugin (plugin.c), fills its needs from host services and plugins loaded before. */
struct plugin *service_load(struct service *, const char *path, int fd, char *why, size_t why_n);
struct plugin *service_plugin(struct service *, const char *name);

/* A section, with its first version prepared (on_load). NULL: why. It does not serve yet. */
struct section *service_section(struct service *, uint32_t id, const char *name, const char *plugin,
                                const struct entry *, size_t n, char *why, size_t why_n);
/* The same, of a plugin that need not be in the service's list. */
struct section *service_section_of(struct service *, struct plugin *, uint32_t id, const char *name,
                                   const struct entry *, size_t n, char *why, size_t why_n);
struct section *service_section_at(struct service *, uint32_t id);
/* A further version of it, prepared. NULL: why. */
struct version *service_version(struct section *, const struct entry *, size_t n, char *why,
                                size_t why_n);
/* Begins to serve `version` (the first, or a further one) on every worker. */
void service_publish(struct section *, struct version *);
void service_refresh(struct service *); /* sections whose loaded files changed: a new version */
void service_entries(struct section *, struct entry *, size_t n); /* takes them, for the refresh */
void service_abandon(struct version *); /* was prepared, will not serve */
void service_forget(struct section *);  /* a section that never served, and its version */
/* A socket for one worker; the worker owns fd from now on. false: no memory, and fd is yours. */
bool service_listen(struct section *, uint32_t worker, int fd, const char *text, bool datagrams);
void service_again(struct service *); /* looks at every listening socket again */
void service_unlisten(struct section *, const char *text);
void service_remove(struct section *); /* stops accepting; freed when its last actor has gone */
void service_drain(struct service *);    /* all sections; done when service_drained */
void service_drain_some(struct service *, uint32_t share); /* of LEAVE_ALL: that many so far */
void service_replaced(struct service *); /* nothing is accepted; GYRE_BRIEF leave, others stay */
bool service_drained(struct service *);
/* Connections from there are refused until then (CLOCK_MONOTONIC); a time that is past lets them
 * in. Ports do not matter. */
void service_refuse(struct service *, const gyre_addr *, int64_t until_ns);
void service_abort(struct service *); /* ends what is left at once */
void service_stop(struct service *);  /* workers leave worker_run after this turn */
void service_wake(struct service *);  /* [any] the control thread looks again */
void service_reap(struct service *);   /* unloads retired versions, frees removed sections */
void service_free(struct service *);   /* after the workers have stopped */

/* ---- plugin.c: the only room that knows dlopen ---- */
/* fd: of that file, taken on success, where the path may be out of reach; -1: by the path. */
struct plugin *plugin_load(const char *path, int fd, char *why, size_t why_n);
struct plugin *plugin_own(const struct gyre_plugin *); /* a part of the host. NULL: no memory */
/* The const descriptor, checked, without binding anything: for the metadata child. */
const struct gyre_plugin *plugin_descriptor(const char *path, char *why, size_t why_n);
bool plugin_bind(struct service *, struct plugin *, char *why, size_t why_n); /* api, needs */
void plugin_lock_statics(struct plugin *); /* after its first on_load */

/* ---- wide.c: links to other processes ---- */
/* What a section of that plugin needs, if it needs "wide/1". false: no memory. */
bool wide_make(struct service *, const struct plugin *, char *why, size_t why_n);
void wide_publish_section(struct service *); /* before the first section of a plugin */
void wide_free(struct service *);
/* One end of a link; fd is taken. false: no memory, or nobody here needs links. */
bool wide_link(struct service *, gyre_view id, bool answering, int fd);
bool wide_answering(struct service *); /* requests may still come: others have not turned away */

/* ---- helper.c: blocking work ---- */
struct job {
    struct job *next;
    void (*work)(struct job *); /* on a helper thread */
    struct item item;           /* then item.run on the worker */
    struct worker *worker;
};
struct helpers *helpers_make(uint32_t threads, struct black_box *);
/* No thread starts from now on: all of them now, if some job may come, or none. */
void helpers_settle(struct helpers *, bool some);
bool helpers_post(struct service *, struct job *); /* [worker] false: LIMIT_JOBS wait already */
void helpers_free(struct helpers *);               /* waits for what was accepted */
#endif

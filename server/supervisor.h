/* SPDX-License-Identifier: GPL-3.0-or-later
 * supervisor.h - the objects of the supervisor and the doors between its rooms.
 *
 * One thread, one poll loop, no plugin code. A PLAN is one reading of the world: configuration and
 * plugin files, turned into CREWS: the sections and modules that share a process. A SERVICE is the
 * lasting thing that carries a crew's name; it has one live PROCESS, perhaps a next generation that
 * starts, and older ones that drain. Every change, the first start too, is the same act (reload.c):
 * read, check, compare each process with its crew in the new plan, prepare what differs, and
 * commit everywhere or nowhere.
 * Promise: whatever a service, a plugin's child or a control client says is untrusted and bounded.
 */
#ifndef GYRE_SUPERVISOR_H
#define GYRE_SUPERVISOR_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "config.h"
#include "control.h"
#include "crash.h"
#include "limits.h"
#include "log.h"
#include "logging.h"
#include "message.h"
#include "notify.h"
#include "places.h"
#include "proposal.h"
#include "start.h"
#include "stats.h"
#include "words.h"

struct supervisor;
int64_t clock_ms(void); /* monotonic */
int64_t clock_after(int64_t ms); /* INT64_MAX: never */
__attribute__((format(printf, 1, 2))) char *text_of(const char *fmt, ...); /* allocated */
void *need_memory(void *); /* its argument; NULL ends the program: the supervisor is small */
void *grow(void *array, size_t n, size_t size); /* room for one more than n */

/* ---- folder.c, module.c, describer.c, metadata_child.c: plugin files and the private copies that
 * are good ---- */

struct module { /* a private copy of one good file. Counted: files and plans hold it */
    struct module *next;
    uint64_t hash;
    char *copy; /* "RUN/plugins/http.0123456789abcdef.so" */
    struct plugin_info *info;
    uint32_t uses;
    int64_t since_ms;
    bool proven; /* a process with it was READY once */
};
/* A copy of the file in the folder of copies; info is still NULL. NULL: why. */
struct module *module_copy(const char *file, const char *copies, char *why, size_t why_n);
/* One that an earlier supervisor had; both are taken. */
struct module *module_restore(uint64_t hash, char *copy, struct plugin_info *);
struct module *module_hold(struct module *); /* its argument, which may be NULL */
void module_drop(struct module *);           /* the last one deletes the copy */
void modules_sweep(const char *copies);      /* deletes copies that nobody holds */
#define HASH_START 0xcbf29ce484222325u
uint64_t hash_bytes(uint64_t hash, const void *, size_t n);

struct describer { /* a child that reads one plugin's metadata */
    pid_t pid;     /* its end wakes the loop by SIGCHLD */
    int pipe;
    bool ended; /* the pipe has */
    int64_t deadline_ms;
    char *said;
    size_t said_n;
};
/* Starts a child that describes the copy. false: why. */
bool describer_start(struct describer *, const char *copy, char *why, size_t why_n);
/* Takes what is there. 0: not finished; 1: *info is yours; -1: why. */
int describer_turn(struct describer *, struct plugin_info **info, char *why, size_t why_n);
void describer_stop(struct describer *); /* its child ends now, unheard */

struct plugin_file {
    char *name;         /* "http.so" */
    uint64_t signature; /* of its inode and times: looked at again when that changes */
    struct module *module, *previous; /* the newest good one, and the one before it */
    struct module *coming;            /* to be described, or waits for others to be; NULL: none */
    struct describer child;           /* pid 0: none */
    char *problem;                    /* why the file as it is now is not used */
    bool seen, gone, queued;
};
struct folder {
    const struct places *places;
    struct plugin_file *files; /* in order of names */
    size_t n;
    bool unreadable;
    bool quiet; /* the first scan, and --check: good plugins are no news */
};
struct plugin_file *folder_file(struct folder *, const char *name); /* made if need be, or NULL */
uint64_t file_signature(const char *path); /* differs when the file may; 0: there is none */
void folder_scan(struct folder *); /* looks at all files; those that changed are described */
bool folder_busy(const struct folder *);
size_t folder_fds(const struct folder *, struct pollfd *, size_t most);
int64_t folder_deadline(const struct folder *);
void folder_turn(struct folder *); /* takes what children said; once none is left, settles */
struct module *folder_module(const struct folder *, const char *plugin);
const char *folder_nearest(const struct folder *, const char *plugin);
struct module *folder_offer(const struct folder *, const char *interface, bool messages);
/* Why a plugin of that name cannot be used, or NULL when there is no such file. */
const char *folder_problem(const struct folder *, const char *plugin);
/* A fresh module did not stand up: the one before it is used again. false: there is none. */
bool folder_reject(struct folder *, struct module *, const char *why);
void folder_free(struct folder *);

/* ---- sockets.c, owner.c: every listening socket, for ever ---- */

struct socket_set { /* one endpoint: one socket for each worker */
    struct socket_set *next;
    struct endpoint endpoint;
    int fds[LIMIT_WORKERS];
    uint32_t n;
    bool keep;
};
struct socket_set *sockets_find(struct socket_set *all, const char *endpoint);
/* A new set of n sockets. NULL: why. */
struct socket_set *sockets_open(struct socket_set **all, const struct endpoint *, uint32_t n,
                                char *why, size_t why_n);
void sockets_restore(struct socket_set **all, const struct endpoint *, const int *fds, uint32_t n);
void sockets_grow(struct socket_set *, uint32_t n); /* for more workers; what fails is logged */
void sockets_close_unkept(struct socket_set **all); /* and forgets every keep */
/* "taken by nginx (pid 812)", or "taken". */
void owner_of_port(const struct endpoint *, char *out, size_t n);

/* ---- plan.c, group.c ---- */

struct door { /* one endpoint of one section */
    struct endpoint endpoint;
    const char *where;
    struct socket_set *sockets; /* NULL: taken by somebody else, or not open yet */
    char *problem;
};
struct tally { /* of a section over all its processes. Counted: plans hold it */
    uint32_t id, uses;
    int64_t past[STAT_MAX];
};
struct instance { /* a section in its plan */
    uint32_t version;
    const struct conf_section *conf;
    struct module *module; /* NULL: it waits, or its configuration is wrong */
    struct tally *tally;
    char *trouble; /* why it does not serve, or NULL */
    char *refused; /* on_load said no when the process started again */
    struct door *doors;
    size_t doors_n;
    struct crew *crew;
};
struct crew { /* what shares one process */
    char name[LIMIT_NAME];
    uint64_t fingerprint; /* of modules, workers, ring: a difference needs a new process */
    uint32_t workers;
    enum ring_kind ring;
    enum jail_mode sandbox;
    struct jail_ids ids;
    struct module **modules; /* offers before needs */
    size_t modules_n;
    struct instance **instances;
    size_t instances_n;
};
struct plan { /* counted: processes hold it */
    uint32_t uses, workers;
    enum ring_kind ring; /* never AUTO where io_uring does not work */
    struct config *config;
    struct server_settings settings;
    struct instance *instances;
    size_t instances_n;
    struct crew **crews;
    size_t crews_n;
};
struct known_section { /* what an earlier supervisor called a section */
    const char *name;
    uint32_t id, version;
    int64_t past[STAT_MAX];
};
struct numbers { /* the last ones given */
    uint32_t section, version;
};
struct plan_source {
    struct config *config;     /* taken */
    const struct plan *before; /* ids and versions of what stays the same; or NULL */
    const struct folder *folder;
    const struct known_section *known; /* for sections that are not in before */
    size_t known_n;
    struct numbers *numbers;
    const char *no_uring; /* why not; NULL: it works */
    bool single;
    const char *wanted; /* a section that must not wait for anything; or NULL */
};
/* Errors and news go to problems; with errors the plan is of no use but to be dropped. */
struct plan *plan_make(const struct plan_source *, struct problems *);
struct plan *plan_hold(struct plan *);
void plan_drop(struct plan *);
void crew_free(struct crew *);
struct crew *plan_crew(const struct plan *, const char *name);
uint32_t instance_workers(const struct instance *);                    /* of one that has a crew */
struct instance *plan_instance(const struct plan *, const char *name); /* plan may be NULL */
/* The last value of that key in a section, or NULL. */
const struct entry *section_entry(const struct conf_section *, const char *key);

/* group.c: puts instances into crews, and the modules of a crew in order. What cannot be placed
 * gets trouble. */
void group_instances(struct plan *, const struct folder *, struct problems *);

/* diff.c: from what a process has (NULL: nothing) to what it shall have */
enum change { CHANGE_NONE, CHANGE_MESSAGES, CHANGE_PROCESS };
enum change crew_change(const struct crew *has, const struct crew *wants);
struct instance *crew_instance(const struct crew *, uint32_t id); /* crew may be NULL */
bool instance_changed(const struct crew *has, const struct instance *wants);
bool door_open(const struct instance *, const char *endpoint); /* instance may be NULL */

/* ---- spawn.c: a process, or a thread with --single ---- */

/* Starts this program again, with a few descriptors as 0 … and nothing else of ours. argv ends with
 * NULL; as[i] is what fds[i] becomes. 0: errno. */
pid_t spawn_self(const char *const *argv, const int *fds, const int *as, size_t n);
/* The same of another program, which is given our environment, without what is for us alone. */
pid_t spawn_other(const char *path, const char *const *argv, const int *fds, const int *as,
                  size_t n);
int own_program(void); /* its file, open; -1: errno */

enum process_state { STARTING, READY, DRAINING };
struct process {
    struct process *next;
    struct service *service; /* NULL once it drains */
    char name[LIMIT_NAME];
    uint32_t generation;
    pid_t pid; /* 0: a thread */
    pthread_t thread;
    int exit_fd; /* readable when it has ended */
    int channel; /* -1: ended */
    int stats_fd;
    const struct stats_page *stats;
    enum process_state state;
    int64_t deadline_ms;            /* to answer what was asked, or to leave; INT64_MAX: none */
    int64_t since_ms;               /* of the state */
    int64_t nudge_ms;               /* when to be nudged; INT64_MAX: not */
    struct plan *plan, *next_plan;  /* held */
    const struct crew *has, *wants; /* of plan, next_plan */
    uint32_t unprepared;            /* M_PREPARE without an answer */
    uint32_t committing;            /* M_COMMIT without an answer */
    const struct crew *base;        /* what differs from it was asked to be prepared; or NULL */
    bool in_reload, refused, terminated;
    bool trial; /* loads what a live process shall load, and ends: what if it crashes? */
    bool moves; /* what the process before it has moves here, before it listens … */
    bool moving; /* … and does so now */
    bool stays; /* drains, but who is there may stay until deadline_ms */
    bool inherited; /* of the program before this one: to be replaced */
    char *jailed; /* what it is closed in, as JSON; NULL: it has not told */
    char said[256]; /* why it ends, as far as known */
    uint32_t log_spent; /* lines of its credit (follow.c) … */
    int64_t credit_ms;  /* … which it got then */
    struct watched *watched; /* its workers (stuck.c); NULL: not sampled yet */
    int64_t kill_ms;         /* when it is killed, having been told to report; INT64_MAX: not */
};
bool process_spawn(struct supervisor *, struct process *, const struct crew *, char *why, size_t);
bool process_map_stats(struct process *); /* the page of stats_fd */
int process_reap(struct process *);              /* its wait status */
void process_kill(struct process *, int signal); /* nothing for a thread */
void process_free(struct process *);

/* ---- process.c: what one process is told and says; service.c is its other side ---- */

bool process_start(struct supervisor *, struct service *, struct plan *, const struct crew *,
                   bool in_reload);
/* A process for nothing but to find out whether what differs from its live one can be loaded. */
bool process_try(struct supervisor *, struct service *, struct plan *, const struct crew *);
/* The instance that it has not answered for, of those it was asked for; or NULL. */
const struct instance *process_unanswered(const struct process *);
void process_change(struct supervisor *, struct process *, struct plan *, const struct crew *);
void process_commit(struct supervisor *, struct process *);
/* A wake-up of the kernel may have gone to the process before it, which no longer accepts: the
 * connection would wait for the next one. An empty M_COMMIT makes it look at its sockets again. */
void process_nudge(struct supervisor *, struct process *);
void process_abandon(struct supervisor *, struct process *);
void process_adopt(struct process *, struct plan *); /* unchanged, under a new plan */
void process_level(struct supervisor *, struct process *, enum gyre_level);
void process_log(struct supervisor *, struct process *); /* the log is another one */
/* Connections from there are refused; for 0 ms: let in. */
void process_refuse(struct supervisor *, struct process *, const gyre_addr *, int64_t for_ms);
/* One more door of what it has. */
void process_refresh(struct supervisor *, struct process *);
void process_listen(struct supervisor *, struct process *, const struct instance *,
                    const struct door *);
void process_tell(struct supervisor *, struct process *, int fd); /* s->out, and fd or -1 */
void process_readable(struct supervisor *, struct process *);
void process_late(struct supervisor *, struct process *); /* past its deadline */

/* ---- stuck.c ---- */

void stuck_turn(struct supervisor *); /* a sample of all pages; says when the next one is due */

/* ---- leaving.c ---- */

void process_drain(struct supervisor *, struct process *, int64_t within_ms);
void process_replaced(struct supervisor *, struct process *); /* a newer one serves: it may stay */
void process_leave(struct supervisor *, struct process *); /* … no longer */
/* Sections that are not in the plan any more leave a process that may stay. */
void process_outlived(struct supervisor *, struct process *, const struct plan *);

/* ---- restart.c: services, their crashes, backoff and breaker ---- */

struct service {
    struct service *next;
    char name[LIMIT_NAME];
    uint32_t generation, restarts;
    struct process *live, *coming;
    int64_t restart_ms;                /* when to start again; INT64_MAX: not planned */
    int64_t crashes_ms[LIMIT_CRASHES]; /* the latest, a ring */
    uint32_t crashes_at, backoff;
    bool breaker, held; /* held: exit code 2, until something changes */
    bool settled;       /* was READY, or has failed once: the first table may be shown */
    int64_t broken_ms;  /* since when the breaker is open or it is held (backlog.c); 0: it is not */
    struct poison *poison; /* refuse.c; NULL: nothing is known of it */
};
struct service *service_of(struct supervisor *, const char *name); /* made if need be */
void service_start(struct supervisor *, struct service *);         /* as the plan says, now */
/* Something changed: earlier crashes say nothing. */
void service_forgive(struct supervisor *, struct service *);
void service_ready(struct supervisor *, struct process *);
void process_ended(struct supervisor *, struct process *); /* reaps and frees it */
void services_forget_idle(struct supervisor *);
/* Rolls fresh modules of the crew back, where there is something to go back to. */
bool modules_reject(struct supervisor *, const struct crew *, const char *why);

/* ---- backlog.c: what waits for a service that is down ---- */

bool backlog_refuses(const struct supervisor *, struct service *);
int64_t backlog_deadline(const struct supervisor *);
/* How many there are (fds NULL), or were filled in. */
size_t backlog_fds(const struct supervisor *, struct pollfd *, size_t most);
void backlog_turn(struct supervisor *, const struct pollfd *, size_t n);

/* ---- refuse.c: peers whose input kills ---- */

/* true: the peer is refused from now on. */
bool refuse_after(struct supervisor *, struct service *, const struct crash *);
/* All of them, to a new process. */
void refuse_tell(struct supervisor *, const struct service *, struct process *);
void refuse_forget(struct supervisor *, struct service *); /* lets all in */
void refuse_json(const struct service *, FILE *); /* v may be NULL */

/* ---- crash.c: what is known of crashes ---- */

enum { CRASHES_KEPT = 16 };
struct crashes { /* the latest, a ring */
    struct crash *kept[CRASHES_KEPT];
    uint32_t at;
};
/* The one report of a process that died of a signal: log, file, list. how: "crashed: SIGSEGV" */
struct crash *crash_report(struct supervisor *, const struct process *, const char *how);
#include "closed_in.h"
void crashes_json(const struct supervisor *, FILE *);
void crashes_free(struct crashes *);

/* ---- reload.c: one change of everything at a time ---- */

enum stage { STAGE_IDLE, STAGE_SCAN, STAGE_PREPARE, STAGE_COMMIT };
struct reload {
    enum stage stage;
    struct plan *plan;
    struct problems problems;
    struct proposal *proposal; /* what it is made of; or NULL */
    bool first, again, failed, lost, rolled_back, trying;
    uint32_t touched; /* services */
    int64_t began_ms;
};
void reload_ask(struct supervisor *); /* begins, or begins again after the one under way */
void reload_propose(struct supervisor *, struct proposal *); /* between two changes */
int64_t reload_deadline(const struct reload *);
void reload_turn(struct supervisor *); /* goes on as far as it can */
/* on_load of an instance said no. */
void reload_refused(struct supervisor *, struct process *, const struct instance *,
                    const char *why);
/* A process that serves is closed off from what an instance wants now: one is made beside it. */
void reload_outgrown(struct supervisor *, struct process *, const struct instance *,
                     gyre_view wants);
/* A process died, or gave no answer. true: it took part, and is not to be started again. */
bool reload_lost(struct supervisor *, struct process *, const char *why);
void reload_retry_ports(struct supervisor *);

/* ---- watch.c ---- */

struct watch {
    int fd;            /* inotify; -1: none */
    int conf, plugins; /* watches; -1: none */
    char *conf_path;
    const char *conf_file; /* conf_file: only this name in it matters, or NULL */
    const char *plugins_path;
    int64_t due_ms, first_ms; /* INT64_MAX: nothing changed */
    const char *own, *own_path; /* a file that we have just changed; or NULL */
    uint64_t own_signature;
};
void watch_open(struct watch *, const char *conf, const char *plugins);
void watch_again(struct watch *); /* folders that were not there may be now */
void watch_readable(struct watch *);
void watch_skip(struct watch *, const char *file); /* it was changed by us, just now */
void watch_close(struct watch *);
bool watch_due(struct watch *); /* true once, when something has changed and is settled */

/* ---- control.c, control_requests.c, status.c, report.c, ready.c ---- */

void json_text(FILE *, const char *); /* quoted and escaped; NULL is null */
void problems_json(const struct problems *, FILE *);
void error_json(FILE *, const char *why); /* {"error": why} */
void status_json(struct supervisor *, FILE *);
void plugins_json(const struct supervisor *, FILE *);
void config_json(const struct supervisor *, FILE *);
/* One section; all its keys or one. */
void get_json(const struct supervisor *, const struct conf_section *, const char *key_or_null,
              FILE *);
bool key_is_secret(const struct supervisor *, const char *plugin, const char *key);
void ready_table(struct supervisor *); /* what serves, and how to try it; to standard output */

/* ---- upgrade.c: another program in the place of this one ---- */

struct upgrade {
    enum { UPGRADE_NONE, UPGRADE_CHECKS, UPGRADE_WAITS, UPGRADE_CHANGES } stage;
    char *program;   /* its path */
    int fd;          /* that file; -1: none */
    pid_t pid;       /* of the child that checks, or 0 */
    int said;        /* a memfd with what it said */
    int64_t deadline_ms;
    char *from;      /* the version that handed over to this program, or NULL */
    int before;      /* that program's file, until the change is done; -1: none */
    char *came_back; /* why the upgrade failed that this program began, or NULL */
};
/* The answer comes by control_tell. NULL: it has begun; or why not. */
const char *upgrade_ask(struct supervisor *, const char *path_or_null);
void upgrade_turn(struct supervisor *);
int64_t upgrade_deadline(const struct supervisor *);
void upgrade_reloaded(struct supervisor *, bool done); /* the first change after a takeover */
/* TAKEOVER_NONE: a start like any other. */
enum takeover { TAKEOVER_NONE, TAKEOVER_DONE, TAKEOVER_FAILED };
enum takeover upgrade_takeover(struct supervisor *, char *why, size_t why_n);
/* In the child that checks: can the table be read? Then the plugin folder is that of the server. */
bool upgrade_draft(struct supervisor *, char *why, size_t why_n);
void upgrade_say_sound(void); /* its last word, when all is well */
void upgrade_end(struct supervisor *);

/* ---- supervisor.c ---- */

struct supervisor {
    const char *conf; /* folder or file */
    bool check, single;
    char *plugins; /* the plugin folder, whatever the configuration says; or NULL */
    char no_uring[256]; /* why io_uring does not work here; "": it does */
    struct places places;
    struct folder folder;
    struct socket_set *sockets;
    struct plan *plan; /* in force; never NULL after the start */
    struct process *processes;
    struct service *services;
    struct reload reload;
    struct watch watch;
    struct control control;
    struct proposals proposals;
    struct crashes crashes;
    struct upgrade upgrade;
    struct numbers numbers;
    struct notify notify;
    struct logging logging;
    int signals;
    int64_t began_ms, retry_ports_ms, stop_by_ms;
    int64_t backlog_rest_ms;       /* not before: there was no descriptor */
    int64_t sample_ms, sampled_ns; /* when the pages are looked at next; were last */
    bool stopping, shown, interactive;
    int exit_status;
    enum gyre_level level;
    uint64_t questions; /* asked of services so far */
    struct message message; /* being read: too large for a stack */
    struct message_out out;
};

void supervisor_stop(struct supervisor *, bool now);
void supervisor_ready(struct supervisor *); /* the service manager is told what serves */
#endif

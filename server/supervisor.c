/* SPDX-License-Identifier: GPL-3.0-or-later
 * supervisor.c - the loop: waits for processes, signals, files, clients and clocks, and passes each
 * to its room.
 *
 * SIGINT and SIGTERM drain and end with 0, a second SIGINT ends at once; SIGHUP reloads,
 * SIGUSR1 opens the log again. Promise:
 * single-threaded and plain: all state is in struct supervisor, and no room waits for another.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "supervisor.h"

enum { FDS_FIXED = 2, FDS_ROOMS = 1 + LIMIT_CONTROL_CLIENTS + LIMIT_DESCRIBERS };

/* ---- the end ---- */

void supervisor_stop(struct supervisor *s, bool now)
{
    struct reload *r = &s->reload;
    int64_t drain_ms = s->plan ? s->plan->settings.drain_ms : 0;
    if (!s->stopping && !s->check && s->plan)
        log_info("draining%s", s->interactive ? "; once more ends at once" : "");
    if (!s->stopping && !s->check) notify_stopping(&s->notify, drain_ms);
    s->stopping = true;
    if (r->stage != STAGE_IDLE && r->plan != s->plan) plan_drop(r->plan);
    r->plan = NULL;
    r->proposal = NULL;
    r->stage = STAGE_IDLE;
    proposals_end(s);
    sockets_close_unkept(&s->sockets); /* what waits is refused now, not after the drain */
    for (struct process *p = s->processes; p; p = p->next) {
        process_drain(s, p, drain_ms);
        if (now) process_kill(p, SIGKILL);
        if (now && !p->pid) _exit(0); /* threads end with the process */
    }
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo got;
    while (read(s->signals, &got, sizeof got) == (ssize_t)sizeof got) {
        if (got.ssi_signo == SIGCHLD) continue; /* it woke us: folder_turn looks */
        if (got.ssi_signo == SIGHUP) reload_ask(s);
        else if (got.ssi_signo == SIGUSR1) (void)logging_reopen(s);
        else supervisor_stop(s, s->stopping && got.ssi_signo == SIGINT);
    }
}

void supervisor_ready(struct supervisor *s)
{
    char status[128];
    size_t n = 0;
    for (size_t i = 0; i < s->plan->instances_n; i++)
        n += !s->plan->instances[i].trouble && !s->plan->instances[i].refused;
    (void)snprintf(status, sizeof status, "%zu of %zu sections serve", n, s->plan->instances_n);
    notify_ready(&s->notify, status);
}

/* ---- the loop ---- */

static int64_t next_deadline(const struct supervisor *s)
{
    int64_t due = s->watch.due_ms;
    if (s->reload.stage == STAGE_SCAN && !folder_busy(&s->folder)) return 0; /* begun anew */
    if (s->reload.stage == STAGE_IDLE && s->proposals.first && !s->stopping) return 0;
    const int64_t others[] = {s->retry_ports_ms, folder_deadline(&s->folder),
                              control_deadline(&s->control), backlog_deadline(s),
                              upgrade_deadline(s), notify_deadline(&s->notify),
                              inquiry_deadline(s),
                              s->logging.look_ms,
                              s->check ? INT64_MAX : reload_deadline(&s->reload)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] < due) due = others[i];
    if (s->processes && s->sample_ms < due) due = s->sample_ms;
    for (const struct process *p = s->processes; p; p = p->next) {
        if (p->deadline_ms < due) due = p->deadline_ms;
        if (p->nudge_ms < due) due = p->nudge_ms;
    }
    for (const struct service *v = s->services; v; v = v->next)
        if (v->restart_ms < due && plan_crew(s->plan, v->name)) due = v->restart_ms;
    return due;
}

static void run_clocks(struct supervisor *s)
{
    int64_t now = clock_ms();
    if (watch_due(&s->watch)) reload_ask(s);
    if (now >= s->retry_ports_ms) reload_retry_ports(s);
    if (now >= s->sample_ms) stuck_turn(s);
    notify_turn(&s->notify);
    logging_turn(s);
    for (struct process *p = s->processes; p; p = p->next) {
        if (now >= p->nudge_ms) process_nudge(s, p);
        if (now >= p->deadline_ms) process_late(s, p);
    }
    for (struct service *v = s->services; v; v = v->next)
        if (now >= v->restart_ms && plan_crew(s->plan, v->name)) service_start(s, v);
}

/* The processes and what they are waited for: two entries each, in one order. */
static size_t process_fds(struct supervisor *s, struct pollfd *fds, struct process **who, size_t n)
{
    size_t at = 0;
    for (struct process *p = s->processes; p && at < n; p = p->next) {
        who[at] = p;
        fds[2 * at] = (struct pollfd){.fd = p->channel, .events = POLLIN};
        fds[2 * at + 1] = (struct pollfd){.fd = p->exit_fd, .events = POLLIN};
        at++;
    }
    return at;
}

static void turn(struct supervisor *s)
{
    size_t most = 0;
    for (const struct process *p = s->processes; p; p = p->next) most++;
    size_t refused = backlog_fds(s, NULL, 0);
    struct pollfd *fds =
        need_memory(calloc(FDS_FIXED + FDS_ROOMS + 2 * most + refused, sizeof *fds));
    struct process **who = need_memory(calloc(most + 1, sizeof(struct process *)));
    size_t n = FDS_FIXED;
    fds[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = s->watch.fd, .events = POLLIN};
    n += control_fds(&s->control, fds + n, 1 + LIMIT_CONTROL_CLIENTS);
    n += folder_fds(&s->folder, fds + n, LIMIT_DESCRIBERS);
    size_t processes = process_fds(s, fds + n, who, most);
    int64_t wait = next_deadline(s) - clock_ms();
    int timeout = wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
    size_t others = n + 2 * processes;
    refused = backlog_fds(s, fds + others, refused);
    if (poll(fds, others + refused, timeout) > 0) {
        backlog_turn(s, fds + others, refused);
        if (fds[0].revents) take_signals(s);
        if (fds[1].revents) watch_readable(&s->watch);
        for (size_t i = 0; i < processes; i++) {
            if (fds[n + 2 * i].revents) process_readable(s, who[i]);
            if (fds[n + 2 * i + 1].revents) process_ended(s, who[i]);
        }
    }
    free(fds);
    free(who);
    if (s->control.fd >= 0) control_turn(s);
    if (folder_busy(&s->folder)) folder_turn(&s->folder);
    run_clocks(s);
    inquiry_turn(s);
    follow_turn_all(s);
    proposals_turn(s);
    reload_turn(s);
    upgrade_turn(s);
}

static bool all_settled(const struct supervisor *s)
{
    for (const struct service *v = s->services; v; v = v->next)
        if (!v->settled) return false;
    return s->plan && s->reload.stage == STAGE_IDLE;
}

static void loop(struct supervisor *s)
{
    if (s->upgrade.came_back) supervisor_ready(s);
    else reload_ask(s);
    reload_turn(s);
    while (!s->stopping || s->processes) {
        if (!s->shown && !s->stopping && all_settled(s)) {
            s->shown = true;
            ready_table(s);
            supervisor_ready(s);
        }
        turn(s);
    }
}

/* ---- the start ---- */

static bool take_over_signals(struct supervisor *s)
{
    sigset_t ours;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGINT);
    (void)sigaddset(&ours, SIGTERM);
    (void)sigaddset(&ours, SIGHUP);
    (void)sigaddset(&ours, SIGUSR1);
    (void)sigaddset(&ours, SIGCHLD);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &ours, NULL) != 0) return false;
    s->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0;
}

/* As many descriptors as we may have; services inherit it. */
static void raise_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0) return;
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &l);
}

/* Where things are, by [server]. Errors in the configuration itself come later, all together. */
static bool find_places(struct supervisor *s, char *why, size_t why_n)
{
    struct problems unread = {0};
    struct server_settings settings = {.log_level = GYRE_INFO};
    struct config *config = config_read_all(s->conf, &unread);
    char draft[] = "/tmp/gyre-check-XXXXXX";
    bool found = true;
    if (config && !server_settings_read(config, &settings)) (void)need_memory(NULL);
    s->level = s->check ? GYRE_WARN : settings.log_level;
    log_level(s->level);
    if (s->check && !mkdtemp(draft)) { /* a running server keeps its own folder to itself */
        (void)snprintf(why, why_n, "cannot make a folder in /tmp: %s", strerror(errno));
        found = false;
    }
    found = found &&
places_find(s->check ? draft : settings.run,
                        s->plugins ? s->plugins : settings.plugins, &s->places, why, why_n);
    server_settings_free(&settings);
    if (config) config_free(config);
    problems_free(&unread);
    return found && places_make(&s->places, why, why_n);
}

static bool begin(struct supervisor *s, char *why, size_t why_n)
{
    (void)snprintf(why, why_n, "cannot begin: %s", strerror(errno));
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) s->control.clients[i].fd = -1;
    s->control.fd = s->watch.fd = -1;
    s->watch.due_ms = s->retry_ports_ms = INT64_MAX;
    s->upgrade.fd = s->upgrade.before = s->upgrade.said = -1;
    s->upgrade.deadline_ms = INT64_MAX;
    notify_open(&s->notify, !s->check);
    s->folder.places = &s->places;
    s->folder.quiet = true;
    s->interactive = isatty(STDIN_FILENO);
    if (ring_works(s->no_uring, sizeof s->no_uring)) s->no_uring[0] = '\0';
    raise_descriptors();
    if (!take_over_signals(s)) return false;
    enum takeover takeover = s->check ? TAKEOVER_NONE : upgrade_takeover(s, why, why_n);
    s->shown = takeover == TAKEOVER_DONE;
    if (takeover == TAKEOVER_FAILED) return false;
    bool fresh = takeover == TAKEOVER_NONE;
    if (fresh && !find_places(s, why, why_n)) return false;
    if (s->check) return true;
    if (fresh && !control_open(&s->control, s->places.control, why, why_n)) return false;
    watch_open(&s->watch, s->conf, s->places.plugins);
    return true;
}

static void end(struct supervisor *s)
{
    upgrade_end(s);
    control_close(&s->control);
    follow_forget();
    watch_close(&s->watch);
    plan_drop(s->plan);
    s->plan = NULL;
    services_forget_idle(s);
    sockets_close_unkept(&s->sockets);
    folder_free(&s->folder);
    crashes_free(&s->crashes);
    problems_free(&s->reload.problems);
    if (!s->check) return;
    (void)rmdir(s->places.copies);
    (void)rmdir(s->places.run);
}

int supervisor_run(const char *conf, enum start_mode how)
{
    char why[1024];
    struct supervisor *s = need_memory(calloc(1, sizeof *s));
    s->began_ms = clock_ms();
    s->conf = conf;
    s->check = how == START_CHECK || how == START_TAKEOVER_CHECK;
    s->single = how == START_SINGLE;
    log_open("supervisor", GYRE_INFO);
    logging_open(&s->logging);
    follow_begin();
    bool begun = how != START_TAKEOVER_CHECK || upgrade_draft(s, why, sizeof why);
    if (begun && begin(s, why, sizeof why)) {
        loop(s);
        end(s);
        if (how == START_TAKEOVER_CHECK && !s->exit_status) upgrade_say_sound();
    } else {
        log_error("%s", why);
        s->exit_status = 1;
    }
    int status = s->exit_status;
    free(s);
    (void)fflush(NULL);
    if (how == START_SINGLE) _exit(status); /* plugins were loaded here: their statics are locked */
    return status;
}

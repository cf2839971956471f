/* SPDX-License-Identifier: GPL-3.0-or-later
 * status.c - the state of the server as JSON, for gyrectl and for programs.
 *
 * Totals of a section are those of its processes that ended (tally) and of those that live; the
 * latter are read from pages that services write, so numbers are untrusted and only added.
 * Promise: secrets are never shown; text from plugins and configuration is escaped.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

/* ---- what a section did ---- */

/* What a service wrote may be anything: wraps instead of overflowing. */
static void add(int64_t *sum, int64_t n)
{
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)n);
}

static void totals_of(const struct supervisor *s, const struct instance *in, int64_t v[STAT_MAX],
                      int64_t metrics[LIMIT_METRICS])
{
    for (int i = 0; i < STAT_MAX; i++) v[i] = in->tally->past[i];
    for (int i = 0; i < LIMIT_METRICS; i++) metrics[i] = 0;
    for (const struct process *p = s->processes; p; p = p->next) {
        uint32_t rows = atomic_load(&p->stats->rows);
        for (uint32_t r = 0; r < rows && r < STATS_ROWS; r++) {
            const struct stats_row *row = &p->stats->row[r];
            if (atomic_load(&row->section) != in->tally->id) continue;
            for (int i = 0; i < STAT_MAX; i++) add(&v[i], atomic_load(&row->v[i]));
            for (int i = 0; i < LIMIT_METRICS; i++) add(&metrics[i], atomic_load(&row->metrics[i]));
        }
    }
}

static const struct { /* every limit of a section, and what shows that it was hit */
    const char *option;
    int hits, now; /* enum stat, or -1 */
} limits[] = {
    {"streams_max", STAT_HIT_STREAMS, STAT_STREAMS},
    {"per_address_max", STAT_HIT_ADDRESS, -1},
    {"message_max", STAT_HIT_MESSAGE, -1},
    {"high_mark", -1, -1},
    {"out_max", STAT_HIT_OUT, -1},
    {"in_max", STAT_HIT_IN, -1},
    {"memory_max", STAT_HIT_MEMORY, STAT_MEMORY},
    {"handshake_time", STAT_HIT_HANDSHAKE, -1},
    {"message_time", STAT_HIT_MESSAGE_TIME, -1},
    {"idle_time", STAT_HIT_IDLE, -1},
    {"total_time", STAT_HIT_TOTAL, -1},
    {"descriptors", STAT_HIT_FDS, -1},
    {"refused", STAT_HIT_REFUSED, -1},
    {"mailbox", STAT_HIT_BOX, -1},
    {"datagrams_out", STAT_DROPPED, -1},
};

/* A value as it is in force: of the file, of the plugin, of the host; or of limits.h. */
static void limit_text(const struct instance *in, const char *name, char *out, size_t n)
{
    char space[32];
    const struct option_info *o = option_named(host_options, option_count(host_options), name);
    const struct entry *e = section_entry(in->conf, name);
    const char *preset = o ? option_preset(o, in->module ? in->module->info : NULL, space) : NULL;
    if (e || preset) (void)snprintf(out, n, "%s", e ? e->value : preset);
    else if (strcmp(name, "mailbox") == 0) option_number_text(GYRE_SIZE, LIMIT_BOX, out, n);
    else if (strcmp(name, "refused") == 0) (void)snprintf(out, n, "%d", LIMIT_REFUSED);
    else if (strcmp(name, "datagrams_out") == 0) (void)snprintf(out, n, "%d", LIMIT_EMITS);
    else (void)snprintf(out, n, "%ld", sysconf(_SC_OPEN_MAX));
}

static void limits_json(const struct instance *in, const int64_t v[STAT_MAX], FILE *f)
{
    (void)fputs("\"limits\": [", f);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char max[64];
        limit_text(in, limits[i].option, max, sizeof max);
        (void)fprintf(f, "%s{\"name\": \"%s\", \"max\": ", i ? ", " : "", limits[i].option);
        json_text(f, max);
        if (limits[i].now >= 0) (void)fprintf(f, ", \"now\": %lld", (long long)v[limits[i].now]);
        if (limits[i].hits >= 0) (void)fprintf(f, ", \"hits\": %lld", (long long)v[limits[i].hits]);
        (void)fputs("}", f);
    }
    (void)fputs("]", f);
}

/* "serving", "waiting", "starting", "port taken", "broken"; why: the reason, or NULL. */
static const char *state_of(struct supervisor *s, const struct instance *in, const char **why)
{
    *why = in->trouble ? in->trouble : in->refused;
    if (in->trouble) return "waiting";
    if (in->refused) return "broken";
    struct service *v = service_of(s, in->crew->name);
    if (!v->live) {
        *why = v->held      ? "its service left with an error of configuration"
               : v->breaker ? backlog_refuses(s, v)
                                  ? "its service keeps crashing; connections are refused"
                                  : "its service keeps crashing"
                            : NULL;
        return *why ? "broken" : "starting";
    }
    for (size_t i = 0; i < in->doors_n; i++) {
        *why = in->doors[i].problem;
        if (*why) return "port taken";
    }
    return "serving";
}

static void doors_json(const struct instance *in, FILE *f)
{
    (void)fputs("\"endpoints\": [", f);
    for (size_t i = 0; i < in->doors_n; i++) {
        const struct door *door = &in->doors[i];
        (void)fprintf(f, "%s{\"endpoint\": ", i ? ", " : "");
        json_text(f, door->endpoint.text);
        (void)fprintf(f, ", \"open\": %s, \"problem\": ", door->sockets ? "true" : "false");
        json_text(f, door->problem);
        (void)fputs("}", f);
    }
    (void)fputs("], ", f);
}

static void section_json(struct supervisor *s, const struct instance *in, FILE *f)
{
    const char *why;
    int64_t v[STAT_MAX], metrics[LIMIT_METRICS];
    const char *state = state_of(s, in, &why);
    totals_of(s, in, v, metrics);
    (void)fputs("{\"name\": ", f);
    json_text(f, in->conf->name);
    (void)fputs(", \"plugin\": ", f);
    json_text(f, in->conf->plugin);
    (void)fputs(", \"where\": ", f);
    json_text(f, in->conf->where);
    (void)fputs(", \"service\": ", f);
    json_text(f, in->crew ? in->crew->name : NULL);
    (void)fprintf(f, ", \"state\": \"%s\", \"why\": ", state);
    json_text(f, why);
    (void)fputs(", ", f);
    doors_json(in, f);
    (void)fputs("\"totals\": {", f);
    for (int i = 0; i < STAT_MAX; i++)
        (void)fprintf(f, "%s\"%s\": %lld", i ? ", " : "", stat_names[i], (long long)v[i]);
    (void)fputs("}, \"metrics\": {", f);
    for (size_t i = 0; in->module && i < in->module->info->metrics_n && i < LIMIT_METRICS; i++) {
        (void)fputs(i ? ", " : "", f);
        json_text(f, in->module->info->metrics[i]);
        (void)fprintf(f, ": %lld", (long long)metrics[i]);
    }
    (void)fputs("}, ", f);
    limits_json(in, v, f);
    (void)fputs("}", f);
}

/* ---- services ---- */

/* What is no file's of what it has in memory: near enough, where more may not be looked at, as in a
 * process that is not dumpable, for its user. */
static long resident_kb(pid_t pid)
{
    char path[64];
    long resident = 0, shared = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)(pid ? pid : getpid()));
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    if (fscanf(f, "%*d %ld %ld", &resident, &shared) != 2) resident = shared;
    (void)fclose(f);
    return (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Memory that is its own alone, or 0. */
static long private_kb(pid_t pid)
{
    char path[64], line[128];
    long kb = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)(pid ? pid : getpid()));
    FILE *f = fopen(path, "re");
    if (!f) return resident_kb(pid);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "Private_", 8) == 0 && strchr(line, ':'))
            kb += strtol(strchr(line, ':') + 1, NULL, 10);
    (void)fclose(f);
    return kb;
}

/* Time of a processor that it has had so far, or 0. */
static long long cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void service_json(const struct process *p, const struct service *v, const char *state,
                         FILE *f)
{
    int pid = p->pid < 0 ? 0 : p->pid ? p->pid : getpid();
    uint32_t ring = p->stats ? atomic_load(&p->stats->ring) : RING_AUTO;
    (void)fputs("{\"name\": ", f);
    json_text(f, p->name);
    (void)fprintf(f,
                  ", \"generation\": %u, \"pid\": %d, \"state\": \"%s\", \"restarts\": %u, "
                  "\"memory_kb\": %ld, \"cpu_us\": %lld, \"since_ms\": %lld, \"ring\": ",
                  p->generation, pid, state, v ? v->restarts : 0, private_kb(p->pid),
                  p->pid < 0 ? 0 : cpu_us(p->pid), (long long)(clock_ms() - p->since_ms));
    json_text(f, ring == RING_URING || ring == RING_EPOLL ? ring_kind_name(ring) : NULL);
    (void)fputs(", ", f);
    refuse_json(v, f);
    (void)fputs("}", f);
}

static void services_json(const struct supervisor *s, FILE *f)
{
    static const char *const states[] = {"starting", "ready", "draining"};
    bool some = false;
    (void)fputs("\"services\": [", f);
    for (const struct service *v = s->services; v; v = v->next) {
        if (v->live || v->coming) continue;
        struct process nobody = {.pid = -1, .generation = v->generation, .since_ms = clock_ms()};
        (void)snprintf(nobody.name, sizeof nobody.name, "%s", v->name);
        (void)fputs(some ? ", " : "", f);
        service_json(&nobody, v, v->held ? "held" : v->breaker ? "breaker" : "down", f);
        some = true;
    }
    for (const struct process *p = s->processes; p; p = p->next) {
        (void)fputs(some ? ", " : "", f);
        service_json(p, p->service, p->stays ? "staying" : states[p->state], f);
        some = true;
    }
    (void)fputs("], ", f);
}

/* What the kernel does not offer, and what that means. */
static void missing_json(const struct supervisor *s, FILE *f)
{
    const struct {
        const char *text;
        bool missing;
    } features[] = {
        {s->no_uring, s->no_uring[0]},
        {"Landlock rules for TCP: services will not be confined to their ports",
         syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4},
    };
    bool some = false;
    (void)fputs("\"missing\": [", f);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (!features[i].missing) continue;
        (void)fputs(some ? ", " : "", f);
        json_text(f, features[i].text);
        some = true;
    }
    (void)fputs("]", f);
}

void status_json(struct supervisor *s, FILE *f)
{
    (void)fprintf(f, "{\"server\": {\"version\": \"%s\", \"pid\": %d, \"uptime_ms\": %lld, ",
                  GYRE_VERSION, (int)getpid(), (long long)(clock_ms() - s->began_ms));
    (void)fputs("\"config\": ", f);
    json_text(f, s->conf);
    (void)fputs(", \"plugins\": ", f);
    json_text(f, s->places.plugins);
    (void)fputs(", \"run\": ", f);
    json_text(f, s->places.run);
    bool epoll = s->plan && s->plan->ring == RING_EPOLL;
    (void)fprintf(f, ", \"workers\": %u, \"ring\": \"%s\"", s->plan ? s->plan->workers : 0,
                  ring_kind_name(epoll ? RING_EPOLL : RING_URING));
    (void)fprintf(f, ", \"single\": %s, \"stopping\": %s, ", s->single ? "true" : "false",
                  s->stopping ? "true" : "false");
    missing_json(s, f);
    (void)fputs("}, ", f);
    services_json(s, f);
    (void)fputs("\"sections\": [", f);
    for (size_t i = 0; s->plan && i < s->plan->instances_n; i++) {
        (void)fputs(i ? ", " : "", f);
        section_json(s, &s->plan->instances[i], f);
    }
    (void)fputs("]}\n", f);
}

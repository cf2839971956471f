/* SPDX-License-Identifier: GPL-3.0-or-later
 * talk_run.c - plays one script in one cutting against talk_host, and says what went wrong.
 *
 * After every statement the service runs until it rests, so the order of statements is the order
 * of events; time passes only while something expected is missing and in `wait`.
 * Promise: a failure names file, line and statement, and shows expected and got.
 * With a fault (talk_torture.c) expectations are not held against anybody: the script goes on.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../tests/sim/alloc.h"
#include "../tests/sim/doors.h"
#include "../tests/sim/shadow.h"
#include "talk_run.h"

enum { LOG_MOST = 1 << 20 };

__attribute__((format(printf, 3, 0)))
static void say(struct run *r, FILE *to, const char *fmt, va_list args)
{
    fprintf(to, "%s:%u: %s: ", r->talk->path, r->step->line, r->step->text);
    vfprintf(to, fmt, args);
    fputc('\n', to);
}

bool talk_fail(struct run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(r, r->report, fmt, args);
    va_end(args);
    if (!r->faulty) r->failed = true;
    return false;
}

bool talk_wrong(struct run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(r, r->failure, fmt, args);
    va_end(args);
    r->failed = true;
    return false;
}

static gyre_view view_of(const struct talk_step *s)
{
    return (gyre_view){s->bytes.p, s->bytes.n};
}

bool talk_settle(struct run *r)
{
    return talk_host_settle(r->host) || talk_wrong(r, "the service never comes to rest");
}

/* ---- setting up ---- */

char *talk_text(const struct talk_step *s)
{
    return strndup(s->bytes.p ? (char *)s->bytes.p : "", s->bytes.n);
}

static bool set_clock(struct run *r)
{
    struct tm t = {0};
    char *text = talk_text(r->step);
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &t) : NULL;
    bool good = end && !*end;
    free(text);
    if (!good) return talk_fail(r, "no such time; write \"2026-11-22T10:00:00Z\"");
    sim_set_wall(r->sim, GYRE_SECONDS(timegm(&t)));
    return true;
}

static bool set_option(struct run *r)
{
    char where[64], *value = talk_text(r->step);
    const char *file = strrchr(r->talk->path, '/');
    snprintf(where, sizeof where, "%.40s:%u", file ? file + 1 : r->talk->path, r->step->line);
    if (value) talk_host_set(r->host, r->step->key, value, where);
    free(value);
    return value || talk_fail(r, "no memory");
}

/* Makes the folders on the way, then the file anew, so that a change is a new file as editors make
 * it. */
static bool write_file(struct run *r)
{
    char path[4096], fresh[4104];
    int n = snprintf(path, sizeof path, "%s/%s", r->tmp, r->step->key);
    if (n < 0 || (size_t)n >= sizeof path || strstr(r->step->key, ".."))
        return talk_fail(r, "no such place below ${TMP}");
    for (char *p = path + strlen(r->tmp) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        (void)mkdir(path, 0755);
    }
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *f = fopen(fresh, "we");
    const struct talk_bytes *b = &r->step->bytes;
    bool good = f && (!b->n || fwrite(b->p, 1, b->n, f) == b->n);
    good = f && fclose(f) == 0 && good && rename(fresh, path) == 0;
    sim_touch(r->sim);
    return good || talk_fail(r, "%s cannot be written", path);
}

/* Who is refused must be told why. */
static bool said_why(struct run *r, bool good)
{
    const struct talk_step *last = &r->talk->steps[r->talk->n - 1];
    bool expected = r->step < last && r->step[1].verb == TALK_REFUSED;
    if (good || !r->faulty || expected) return good;
    if (r->why[0] && !strstr(r->why, "without saying why")) return false;
    return talk_wrong(r, "it was refused, and nobody said why");
}

static bool start(struct run *r)
{
    r->why[0] = 0;
    return said_why(r, talk_host_start(r->host, r->why, sizeof r->why));
}

static bool refused(struct run *r)
{
    gyre_view part = view_of(r->step);
    if (talk_host_serves(r->host) && !r->reload_refused)
        return talk_fail(r, "the configuration was accepted");
    if (!talk_host_serves(r->host) && start(r))
        return talk_fail(r, "the section was accepted");
    r->reload_refused = false;
    if (memmem(r->why, strlen(r->why), part.p, part.n)) return true;
    return talk_fail(r, "it was refused, but like this:\n    %s", r->why);
}

static bool reload(struct run *r)
{
    if (r->step->key) {
        talk_host_unset(r->host, r->step->key);
        if (!set_option(r)) return false;
    }
    r->why[0] = 0;
    r->reload_refused = !said_why(r, talk_host_reload(r->host, r->why, sizeof r->why));
    return talk_settle(r);
}

/* ---- the log ---- */

static bool expect_log(struct run *r)
{
    gyre_view part = view_of(r->step);
    char *log = malloc(LOG_MOST);
    if (!log || !talk_settle(r)) return free(log), talk_fail(r, "no memory");
    ssize_t n = pread(STDERR_FILENO, log, LOG_MOST - 1, r->log_at);
    log[n < 0 ? 0 : n] = 0;
    const char *found = n > 0 ? memmem(log, (size_t)n, part.p, part.n) : NULL;
    if (found) r->log_at += found - log + (off_t)strcspn(found, "\n");
    else talk_fail(r, "the log has not got it; since the last time it says\n%s", log);
    free(log);
    return found != NULL;
}

/* ---- playing ---- */

static bool wait_for(struct run *r)
{
    int64_t until = sim_now(r->sim) + r->step->number;
    do
        if (!talk_settle(r)) return false;
    while (talk_host_pass(r->host, until));
    return talk_settle(r);
}

static bool play(struct run *r)
{
    const struct talk_step *s = r->step;
    if (r->reload_refused && s->verb != TALK_REFUSED) {
        r->reload_refused = false;
        if (!talk_fail(r, "the reload before it was refused:\n    %s", r->why) && !r->faulty)
            return false;
    }
    switch (s->verb) {
    case TALK_SET: return set_option(r);
    case TALK_WORKERS: return talk_host_workers(r->host, (uint32_t)s->number), true;
    case TALK_CLOCK: return set_clock(r);
    case TALK_FILE: return write_file(r);
    case TALK_REFUSED: return refused(r);
    default: break;
    }
    if (!talk_host_serves(r->host)) {
        if (!start(r))
            return talk_fail(r, "the section cannot start:\n    %s", r->why);
        if (!talk_settle(r)) return false;
    }
    switch (s->verb) {
    case TALK_WAIT: return wait_for(r);
    case TALK_RELOAD: return reload(r);
    case TALK_DRAIN: return talk_host_drain(r->host), talk_settle(r);
    case TALK_LOG: return expect_log(r);
    default: return talk_client(r);
    }
}

/* What every client received, one after the other. */
static void keep_output(struct run *r, struct talk_result *out)
{
    for (uint32_t i = 0; i < r->talk->names_n; i++) {
        const struct client *c = &r->clients[i];
        gyre_view v = c->end && !c->lossy ? sim_all(c->end) : GYRE_NOTHING;
        uint8_t *grown = realloc(out->output, out->output_n + v.n + 1);
        if (!grown) return;
        if (v.n) memcpy(grown + out->output_n, v.p, v.n);
        out->output = grown;
        out->output_n += talk_without_kept(r, grown + out->output_n, v.n);
        out->output[out->output_n++] = '\n';
    }
}

static void begin_fault(const struct talk_fault *fault)
{
    alloc_reset();
    doors_reset();
    if (!fault) return;
    if (fault->kind == FAULT_CALL) doors_fail_at(fault->n);
    else alloc_fail_at(fault->n, fault->kind == FAULT_DRY);
}

static void end_fault(struct talk_result *out)
{
    out->allocs = alloc_calls();
    out->calls = doors_points();
    out->failed_a_call = alloc_failed() || doors_failed();
    alloc_reset();
    doors_fail_at(0);
}

void talk_run(const struct talk *talk, const char *plugin, const char *tmp,
              const struct talk_cut *cut, const struct talk_fault *fault, struct talk_result *out)
{
    size_t n;
    struct run *r = calloc(1, sizeof *r);
    *out = (struct talk_result){0};
    FILE *failure = r ? open_memstream(&out->failure, &n) : NULL;
    if (!failure) {
        free(r);
        return;
    }
    begin_fault(fault);
    r->faulty = fault && fault->n && !fault->beyond;
    r->failure = failure;
    r->report = r->faulty ? fopen("/dev/null", "we") : failure;
    if (!r->report) r->report = failure;
    r->talk = talk;
    r->tmp = tmp;
    r->cut = cut;
    r->random = cut->seed;
    r->log_at = lseek(STDERR_FILENO, 0, SEEK_END);
    r->host = talk_host_make(plugin, tmp, cut);
    r->sim = talk_host_mem(r->host);
    shadow_begin(r->sim);
    for (size_t i = 0; i < talk->n && !r->failed; i++) {
        r->step = &talk->steps[i];
        play(r);
    }
    if (!r->failed && r->reload_refused) talk_fail(r, "the reload was refused:\n    %s", r->why);
    talk_clients_end(r);
    keep_output(r, out);
    if (!talk_host_end(r->host, r->why, sizeof r->why) && !r->failed)
        talk_wrong(r, "after the script not everything was given back:\n%s", r->why);
    shadow_end();
    end_fault(out);
    if (r->report != failure) fclose(r->report);
    fclose(failure);
    out->passed = !r->failed;
    talk_kept_free(r);
    free(r);
}

void talk_result_free(struct talk_result *r)
{
    free(r->failure);
    free(r->output);
}

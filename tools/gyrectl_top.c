/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_top.c - gyrectl top: what the server does now, a table that is drawn again each second.
 *
 * Asks for `status` and holds it against the answer before: rates are made here, and the server
 * keeps nothing for it. At a terminal it draws in place until q or Ctrl-C, and leaves the screen as
 * it was; else, and with --once, one page of one second. Exit status: that of gyrectl.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "gyrectl_ask.h"
#include "gyrectl_table.h"
#include "json.h"

enum { PAGE_MS = 1000, ROWS_FIXED = 6 }; /* lines of a page that are no rows */

struct sample {
    struct json *status;
    int64_t at_us;
};
static struct sample before, now;
static volatile sig_atomic_t ended;

/* ---- rates ---- */

static int64_t clock_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The element of a list of the page before that is the same thing, or JSON_NULL. */
static const struct json *same_before(const char *list, const struct json *thing, const char *also)
{
    const struct json *e = before.status ? json_at(before.status, list)->first : NULL;
    for (; e; e = e->next)
        if (strcmp(json_at(e, "name")->text, json_at(thing, "name")->text) == 0 &&
            strcmp(json_at(e, also)->text, json_at(thing, also)->text) == 0)
            return e;
    return json_at(thing, "");
}

/* How much a number has grown; of what was not there before, nothing. */
static int64_t grown(const struct json *is, const struct json *was, const char *name)
{
    int64_t more = json_number(json_at(is, name)) - json_number(json_at(was, name));
    return json_at(was, name)->kind == JSON_NUMBER && more > 0 ? more : 0;
}

static double a_second(int64_t n)
{
    int64_t us = now.at_us - before.at_us;
    return us > 0 ? (double)n * 1e6 / (double)us : 0;
}

/* ---- a page ---- */

static void put_rate(struct table *t, int64_t n)
{
    char text[32];
    double rate = a_second(n);
    (void)snprintf(text, sizeof text, "%.*f", rate > 0 && rate < 10 ? 1 : 0, rate);
    table_text(t, text);
}

static void put_bytes_rate(struct table *t, int64_t n)
{
    table_bytes(t, (int64_t)a_second(n));
}

/* "per_address_max 3, idle_time 1", of this page alone; longer lists are cut. */
static void put_hits(struct table *t, const struct json *section, const struct json *was)
{
    char text[128] = "";
    size_t n = 0;
    const struct json *old = json_at(was, "limits")->first;
    for (const struct json *l = json_at(section, "limits")->first; l; l = l->next) {
        int64_t more = old ? grown(l, old, "hits") : 0;
        if (more && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %lld", n ? ", " : "",
                                  json_at(l, "name")->text, (long long)more);
        old = old ? old->next : NULL;
    }
    table_state(t, text, TABLE_WARN);
}

static void show_services(size_t *rows)
{
    struct table t;
    table_begin(&t, "SERVICE|STATE|>PID|>CPU|>MEMORY|>RESTARTS|>UP");
    for (const struct json *v = json_at(now.status, "services")->first; v && *rows; v = v->next) {
        const struct json *was = same_before("services", v, "pid");
        const char *state = json_at(v, "state")->text;
        char text[64];
        bool ready = strcmp(state, "ready") == 0;
        table_text(&t, json_at(v, "name")->text);
        table_state(&t, state, ready ? TABLE_GOOD : TABLE_WARN);
        table_number(&t, json_number(json_at(v, "pid")));
        (void)snprintf(text, sizeof text, "%.1f %%", a_second(grown(v, was, "cpu_us")) / 1e4);
        table_text(&t, text);
        table_bytes(&t, json_number(json_at(v, "memory_kb")) * 1024);
        table_state(&t, json_at(v, "restarts")->text,
                    grown(v, was, "restarts") ? TABLE_BAD : TABLE_PLAIN);
        duration_text(json_number(json_at(v, "since_ms")), text, sizeof text);
        table_text(&t, text);
        (*rows)--;
    }
    table_end(&t);
}

static void show_sections(size_t rows)
{
    struct table t;
    const struct json *s = json_at(now.status, "sections")->first;
    table_begin(&t, "SECTION|STATE|>CONNECTIONS|>REQUESTS/S|>IN/S|>OUT/S|LIMITS HIT");
    for (; s && rows; s = s->next, rows--) {
        const struct json *old = same_before("sections", s, "plugin"), *is = json_at(s, "totals");
        const struct json *was = json_at(old, "totals");
        const char *state = json_at(s, "state")->text;
        table_text(&t, json_at(s, "name")->text);
        table_state(&t, state, strcmp(state, "serving") == 0 ? TABLE_GOOD : TABLE_WARN);
        table_number(&t, json_number(json_at(is, "streams")));
        put_rate(&t, grown(is, was, "messages"));
        put_bytes_rate(&t, grown(is, was, "bytes_in"));
        put_bytes_rate(&t, grown(is, was, "bytes_out"));
        put_hits(&t, s, old);
    }
    table_end(&t);
    if (s) (void)puts("more sections than this terminal has lines");
}

static void show_page(size_t rows)
{
    char up[64];
    const struct json *server = json_at(now.status, "server");
    duration_text(json_number(json_at(server, "uptime_ms")), up, sizeof up);
    (void)printf("gyre %s, pid %s, up %s%s\n\n", json_at(server, "version")->text,
                 json_at(server, "pid")->text, up,
                 json_true(json_at(server, "stopping")) ? ", draining" : "");
    rows = rows > ROWS_FIXED + 1 ? rows - ROWS_FIXED : 1;
    show_services(&rows);
    (void)putchar('\n');
    show_sections(rows);
    (void)fflush(stdout);
}

/* ---- asking again and again ---- */

/* false: it has said why. */
static bool sample(const char *socket, const char *line)
{
    char why[128];
    size_t n;
    char *answer = ask(socket, line, &n);
    if (!answer) return false;
    if (before.status) json_free(before.status);
    before = now;
    now = (struct sample){json_read(answer, n, why, sizeof why), clock_us()};
    free(answer);
    if (!now.status) (void)fprintf(stderr, "gyrectl: the answer is no JSON, %s\n", why);
    return now.status;
}

static void note_end(int signal)
{
    (void)signal;
    ended = 1;
}

/* Waits for the next page. false: it is to end. */
static bool wait_page(const sigset_t *outside, bool keys)
{
    struct timespec t = {PAGE_MS / 1000, 0};
    struct pollfd key = {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN};
    char c = 0;
    int ready = ppoll(&key, 1, &t, outside);
    if (ended) return false;
    if (ready <= 0) return true;
    return read(STDIN_FILENO, &c, 1) > 0 && c != 'q' && c != 'Q' && c != 4;
}

static int run_pages(const char *socket, const char *line, const sigset_t *outside)
{
    struct termios was, raw;
    struct winsize size = {.ws_row = 0};
    bool keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    bool good = sample(socket, line); /* what is wrong now is said on the screen as it is */
    if (!good) return 1;
    if (keys) {
        raw = was;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    (void)fputs("\033[?1049h\033[?7l\033[?25l", stdout); /* another screen, no wrap, no cursor */
    do {
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        (void)fputs("\033[H\033[2J", stdout);
        show_page(size.ws_row ? size.ws_row : SIZE_MAX);
    } while (wait_page(outside, keys) && (good = sample(socket, line)));
    (void)fputs("\033[?25h\033[?7h\033[?1049l", stdout);
    (void)fflush(stdout);
    if (keys) (void)tcsetattr(STDIN_FILENO, TCSANOW, &was);
    return good ? 0 : 1;
}

static int one_page(const char *socket, const char *line, const sigset_t *outside)
{
    bool good = sample(socket, line) && wait_page(outside, false) && sample(socket, line);
    if (good) show_page(SIZE_MAX);
    return good ? 0 : 1;
}

int live_top(const char *socket, char **words, int n, bool as_json)
{
    static char space[65536]; /* a page is one write: nothing flickers */
    sigset_t ends, outside;
    struct sigaction end = {.sa_handler = note_end};
    int status;
    bool once = n > 1 && strcmp(words[1], "--once") == 0;
    if (as_json || (n > 1 && !once)) {
        (void)fprintf(stderr, "gyrectl: top [--once], and no more; for programs: --json status\n");
        return 2;
    }
    (void)setvbuf(stdout, space, _IOFBF, sizeof space);
    (void)sigemptyset(&ends);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)sigaddset(&ends, signals[i]);
        (void)sigaction(signals[i], &end, NULL);
    }
    (void)sigprocmask(SIG_BLOCK, &ends, &outside); /* let in only while it waits */
    if (once || !isatty(STDOUT_FILENO)) status = one_page(socket, "status\n", &outside);
    else status = run_pages(socket, "status\n", &outside);
    if (before.status) json_free(before.status);
    if (now.status) json_free(now.status);
    return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * follow.c - gyrectl log: the latest lines of the log, and those that come.
 *
 * The supervisor keeps the last LIMIT_LOG_LINES lines: its own, and copies that services send
 * (copy.c) while they have credit. Who follows has a place in them and a buffer; one JSON object a
 * line: {"service", "line"}, {"lost": how many}, at last {"end": why}.
 * Promise: nobody waits for a slow follower: it is told how many lines it has not seen. A service
 * that floods has LIMIT_LOG_CREDIT lines a second, or as many as the supervisor can take when
 * somebody follows. Lines are added by any thread, read by the supervisor's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "supervisor.h"

enum { PIECE = 8 * LIMIT_LOG_LINE, CREDIT_MS = 1000 };

struct log_line {
    char who[LIMIT_NAME], *text; /* NULL: lost lines were not copied */
    uint64_t lost;
};
static struct { /* a thread of --single logs, too: of the process */
    pthread_mutex_t lock;
    struct log_line lines[LIMIT_LOG_LINES]; /* a ring: line n is at n % LIMIT_LOG_LINES */
    uint64_t n;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct follow {
    bool begun, on; /* on: goes on when all is shown */
    char *service;
    uint64_t next; /* line */
};

/* ---- lines come ---- */

static void keep(const char *who, gyre_view line, uint64_t lost)
{
    char *text = lost ? NULL : strndup((const char *)line.p, line.n);
    if (!lost && !text) return;
    (void)pthread_mutex_lock(&kept.lock);
    struct log_line *l = &kept.lines[kept.n++ % LIMIT_LOG_LINES];
    free(l->text);
    *l = (struct log_line){.text = text, .lost = lost};
    (void)snprintf(l->who, sizeof l->who, "%s", who);
    (void)pthread_mutex_unlock(&kept.lock);
}

static void take_own(gyre_view line, void *user)
{
    (void)user;
    keep("supervisor", line, 0);
}

void follow_begin(void)
{
    log_copy_to(take_own, NULL);
}

void follow_forget(void)
{
    (void)pthread_mutex_lock(&kept.lock);
    for (size_t i = 0; i < LIMIT_LOG_LINES; i++) {
        free(kept.lines[i].text);
        kept.lines[i].text = NULL;
    }
    kept.n = 0;
    (void)pthread_mutex_unlock(&kept.lock);
}

bool follow_log(struct supervisor *s, struct process *p)
{
    struct message *m = &s->message;
    uint64_t lost = message_get_number(m);
    gyre_view line = message_get_text(m);
    if (!gyre_end(&m->in) || line.n > LIMIT_LOG_LINE) return false;
    if (++p->log_spent > LIMIT_LOG_CREDIT) return false;
    if (lost) keep(p->name, GYRE_NOTHING, lost);
    keep(p->name, line, 0);
    return true;
}

void follow_credit(struct supervisor *s, struct process *p, uint64_t lines)
{
    message_begin(&s->out, M_CREDIT);
    message_put_number(&s->out, lines);
    process_tell(s, p, -1);
    p->log_spent = 0;
    p->credit_ms = clock_ms();
}

/* ---- lines go ---- */

static bool wants(const struct follow *x, const struct log_line *l)
{
    return !x->service || strcmp(x->service, l->who) == 0;
}

/* One object more for a client; it has room. */
static void put(struct client *c, FILE *f, char **text, size_t *n)
{
    (void)fclose(f);
    memcpy(c->answer + c->answer_n, *text, *n);
    c->answer_n += *n;
    free(*text);
}

static void put_line(struct client *c, const struct log_line *l, uint64_t lost)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = need_memory(open_memstream(&text, &n));
    if (lost) {
        (void)fprintf(f, "{\"lost\": %llu}\n", (unsigned long long)lost);
    } else {
        (void)fputs("{\"service\": ", f);
        json_text(f, l->who);
        (void)fputs(", \"line\": ", f);
        json_text(f, l->text);
        (void)fputs("}\n", f);
    }
    put(c, f, &text, &n);
}

/* What there is room for. true: that was all. */
static bool fill(struct client *c)
{
    struct follow *x = c->follow;
    (void)pthread_mutex_lock(&kept.lock);
    if (kept.n - x->next > LIMIT_LOG_LINES) {
        put_line(c, NULL, kept.n - x->next - LIMIT_LOG_LINES);
        x->next = kept.n - LIMIT_LOG_LINES;
    }
    for (; x->next < kept.n && LIMIT_FOLLOW - c->answer_n >= (size_t)2 * PIECE; x->next++) {
        const struct log_line *l = &kept.lines[x->next % LIMIT_LOG_LINES];
        if (wants(x, l)) put_line(c, l, l->lost);
    }
    bool all = x->next == kept.n;
    (void)pthread_mutex_unlock(&kept.lock);
    return all;
}

bool follow_turn(struct client *c)
{
    char byte;
    if (!c->follow->begun) { /* what the request has answered is nothing */
        free(c->answer);
        c->answer = need_memory(malloc(LIMIT_FOLLOW));
        c->answer_n = 0;
        c->follow->begun = true;
    }
    bool all = fill(c);
    if (c->sent < c->answer_n) {
        ssize_t n = send(c->fd, c->answer + c->sent, c->answer_n - c->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (n > 0) c->sent += (size_t)n;
    }
    if (c->sent == c->answer_n) {
        c->sent = c->answer_n = 0;
        if (all && !c->follow->on) return false;
    }
    ssize_t n = recv(c->fd, &byte, 1, MSG_DONTWAIT); /* it has nothing to say: it ends, or is odd */
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void follow_turn_all(struct supervisor *s)
{
    bool some = false;
    int64_t now = clock_ms();
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        some = some || (s->control.clients[i].fd >= 0 && s->control.clients[i].follow);
    for (struct process *p = s->processes; p; p = p->next)
        if (p->log_spent && p->channel >= 0 &&
            (now - p->credit_ms >= CREDIT_MS || (some && p->log_spent >= LIMIT_LOG_CREDIT / 2)))
            follow_credit(s, p, p->log_spent);
}

/* ---- followers ---- */

void request_log(struct supervisor *s, struct client *c, char **word, FILE *f)
{
    bool on = word[1] && strcmp(word[1], "-f") == 0;
    const char *service = word[1 + on];
    (void)s, (void)f;
    c->follow = need_memory(calloc(1, sizeof *c->follow));
    c->follow->on = on;
    c->follow->service = service ? text_of("%s", service) : NULL;
    (void)pthread_mutex_lock(&kept.lock);
    c->follow->next = kept.n > LIMIT_LOG_LINES ? kept.n - LIMIT_LOG_LINES : 0;
    (void)pthread_mutex_unlock(&kept.lock);
    c->state = CLIENT_FOLLOWS;
    c->deadline_ms = on ? INT64_MAX : clock_ms() + LIMIT_CONTROL_MS;
}

short follow_events(const struct client *c)
{
    (void)pthread_mutex_lock(&kept.lock);
    bool more = c->sent < c->answer_n || c->follow->next < kept.n;
    (void)pthread_mutex_unlock(&kept.lock);
    return more ? POLLIN | POLLOUT : POLLIN;
}

void follow_end(struct client *c, const char *why)
{
    if (!c->follow->begun) return;
    static const char form[] = "{\"end\": \"%s\"}\n";
    char line[sizeof form + 64];
    int n = snprintf(line, sizeof line, form, why);
    if (c->sent) memmove(c->answer, c->answer + c->sent, c->answer_n - c->sent);
    c->answer_n -= c->sent;
    c->sent = 0;
    if (n > 0 && (size_t)n < sizeof line && LIMIT_FOLLOW - c->answer_n > (size_t)n) {
        memcpy(c->answer + c->answer_n, line, (size_t)n);
        c->answer_n += (size_t)n;
    }
    (void)send(c->fd, c->answer, c->answer_n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void follow_free(struct follow *x)
{
    if (!x) return;
    free(x->service);
    free(x);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * control.c - the door for gyrectl: a Unix socket RUN/control, for root and the server's own user.
 *
 * Protocol: the client sends one line of words (words.h), a request and its arguments; the server
 * sends one JSON document and closes. The requests are in control_requests.c.
 * Limits: LIMIT_CONTROL_CLIENTS, LIMIT_CONTROL_LINE, LIMIT_CONTROL_MS. Never blocks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor.h"

bool control_open(struct control *c, const char *path, char *why, size_t why_n)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int other = places_connect(path);
    c->path = path;
    if (other >= 0) {
        (void)close(other);
        (void)snprintf(why, why_n,
                       "another gyre runs with this run folder (%s): stop it with gyrectl stop, or "
                       "set another run = in [server]",
                       path);
        return false;
    }
    if (errno == ECONNREFUSED) (void)unlink(path);     /* of one that was killed */
    (void)memcpy(at.sun_path, path, strlen(path) + 1); /* places_find has measured it */
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool open = c->fd >= 0 && bind(c->fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                listen(c->fd, LIMIT_CONTROL_CLIENTS) == 0;
    (void)umask(mask);
    if (!open) (void)snprintf(why, why_n, "cannot listen on %s: %s", path, strerror(errno));
    return open;
}

static void client_end(struct client *c)
{
    (void)close(c->fd);
    words_free(&c->asked);
    free(c->answer);
    inquiry_free(c->inquiry);
    follow_free(c->follow);
    *c = (struct client){.fd = -1};
}

static void take_client(struct control *control, int fd)
{
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t n = sizeof who;
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
                 (who.uid == 0 || who.uid == geteuid());
    for (size_t i = 0; known && i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &control->clients[i];
        if (c->fd >= 0) continue;
        *c = (struct client){.fd = fd, .uid = who.uid,
                             .deadline_ms = clock_ms() + LIMIT_CONTROL_MS};
        return;
    }
    (void)close(fd);
}

/* ---- answers ---- */

void client_answer(struct client *c, const char *text)
{
    free(c->answer);
    c->answer = text_of("%s", text);
    c->answer_n = strlen(text);
    c->state = CLIENT_ANSWERED;
    c->deadline_ms = clock_ms() + LIMIT_CONTROL_MS;
}

void control_tell(struct supervisor *s, enum client_state state, const char *text)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd >= 0 && c->state == state) client_answer(c, text);
    }
}

void control_reloaded(struct supervisor *s, bool ok, const struct problems *all)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = need_memory(open_memstream(&text, &n));
    (void)fprintf(f, "{\"ok\": %s, \"problems\": ", ok ? "true" : "false");
    problems_json(all, f);
    (void)fputs("}\n", f);
    (void)fclose(f);
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd < 0 || c->state != CLIENT_WAITS_RELOAD) continue;
        if (!c->fresh) client_answer(c, text);
        c->fresh = false;
    }
    free(text);
}

void control_handed_over(struct supervisor *s)
{
    inquiry_end_all(s);
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd < 0 || c->state != CLIENT_FOLLOWS) continue;
        follow_end(c, "the server is being upgraded");
        client_end(c);
    }
}

/* ---- reading and writing ---- */

/* false: the client is done with, or gone. */
static bool client_read(struct supervisor *s, struct client *c)
{
    uint8_t bytes[4096];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    enum words_state state = words_take(&c->asked, GYRE_MAKE(gyre_view, bytes, (size_t)n));
    explicit_bzero(bytes, (size_t)n);
    if (state == WORDS_MORE) return true;
    control_answer(s, c);
    return true;
}

static bool client_write(struct client *c)
{
    ssize_t n =
        send(c->fd, c->answer + c->sent, c->answer_n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    c->sent += (size_t)n;
    return c->sent < c->answer_n;
}

void control_turn(struct supervisor *s)
{
    int fd;
    int64_t now = clock_ms();
    while ((fd = accept4(s->control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        take_client(&s->control, fd);
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &s->control.clients[i];
        if (c->fd < 0) continue;
        bool goes_on = now < c->deadline_ms;
        if (goes_on && c->state == CLIENT_ASKS) goes_on = client_read(s, c);
        if (goes_on && c->state == CLIENT_ANSWERED) goes_on = client_write(c);
        if (goes_on && c->state == CLIENT_FOLLOWS) goes_on = follow_turn(c);
        if (!goes_on) client_end(c);
    }
}

size_t control_fds(const struct control *control, struct pollfd *out, size_t most)
{
    size_t n = 0;
    if (most) out[n++] = (struct pollfd){.fd = control->fd, .events = POLLIN};
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS && n < most; i++) {
        const struct client *c = &control->clients[i];
        if (c->fd < 0) continue;
        if (c->state == CLIENT_ASKS) out[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        if (c->state == CLIENT_ANSWERED) out[n++] = (struct pollfd){.fd = c->fd, .events = POLLOUT};
        if (c->state == CLIENT_FOLLOWS)
            out[n++] = (struct pollfd){.fd = c->fd, .events = follow_events(c)};
    }
    return n;
}

int64_t control_deadline(const struct control *control)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (control->clients[i].fd >= 0 && control->clients[i].deadline_ms < due)
            due = control->clients[i].deadline_ms;
    return due;
}

void control_close(struct control *control)
{
    if (control->fd < 0) return;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *c = &control->clients[i];
        if (c->fd < 0) continue;
        if (c->state == CLIENT_WAITS_STOP) client_answer(c, "{\"ok\": true}\n");
        if (c->state == CLIENT_ANSWERED) (void)client_write(c);
        if (c->state == CLIENT_FOLLOWS) follow_end(c, "the server has stopped");
        client_end(c);
    }
    (void)unlink(control->path);
    (void)close(control->fd);
    control->fd = -1;
}

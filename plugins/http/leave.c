/* SPDX-License-Identifier: GPL-3.0-or-later
 * leave.c - last words, and the end of connections whose process drains.
 *
 * A client that uses its connection cannot know that the server is about to end it: a request may
 * be on its way right now. So a connection that is idle when the drain begins is given GRACE more;
 * whatever it asks for is answered, with "Connection: close".
 * Owns: the list of leavers of a worker, until the grace is over.
 */
#include "response.h"

static const int64_t GRACE_NS = GYRE_MS(300);

struct leaver {
    struct leaver *next;
    gyre_ref client;
};

static bool is_idle(const struct client *client)
{
    return !client->waiting && !client->head.at;
}

static void close_soon(struct gyre_actor *a)
{
    struct http_home *home = GYRE_HOME(a, struct http_home);
    struct leaver *leaver = gyre->mem(a->home, NULL, sizeof *leaver);
    if (!leaver) {
        gyre->close(a, GYRE_FLUSH);
        return;
    }
    if (!home->leavers) (void)gyre->timer(a->home, 0, GRACE_NS);
    leaver->client = gyre->ref(a);
    leaver->next = home->leavers;
    home->leavers = leaver;
}

void leave_client(struct gyre_actor *a, enum gyre_why why)
{
    struct client *client = GYRE_STATE(a, struct client);
    bool body = client->waiting && client->waiting->body.at;
    enum method method = (enum method)client->head.method;
    switch (why) {
    case GYRE_TIMEOUT: /* the host closes; an idle connection without a word */
        if (!is_idle(client)) response_last(a, method, 408);
        return;
    case GYRE_TOO_BIG: /* message_max of the section is less than ours */
        response_last(a, method, body ? 413 : 431);
        return;
    default:
        client->leaving = true;
        if (is_idle(client)) close_soon(a);
    }
}

void leave_later(struct gyre_actor *home, uint32_t slot)
{
    struct http_home *state = GYRE_STATE(home, struct http_home);
    (void)slot;
    while (state->leavers) {
        struct leaver *leaver = state->leavers;
        struct gyre_actor *a = gyre->deref(leaver->client, &http_stream);
        state->leavers = leaver->next;
        if (a && is_idle(GYRE_STATE(a, struct client))) gyre->close(a, GYRE_FLUSH);
        (void)gyre->mem(home, leaver, 0);
    }
}

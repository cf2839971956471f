/* SPDX-License-Identifier: GPL-3.0-or-later
 * client.c - one connection: from bytes to one request.
 *
 * A message is one whole request, its body included: what a GET brings along is read past, within
 * BODY_MAX, so that the next request is found. What cannot be framed ends the connection.
 * Owns: client->waiting, until files.c has answered.
 * Limits: HEAD_MAX and BODY_MAX a request; 16 bytes a connection.
 */
#include "response.h"

/* Anything but 100-continue cannot be met; 1.0 knows no expectations. */
static bool expects_only_continue(const struct request *r)
{
    gyre_view line, one;
    for (uint32_t nth = 0; r->minor && field_find(r, FIELD_EXPECT, nth, &line); nth++)
        while (list_next(&line, &one))
            if (!gyre_eqi(one, GYRE_LIT("100-continue"))) return false;
    return true;
}

/* Decides on the body once the head is there. BODY_MORE: it is to be read. BODY_END: answer at
 * once; r->keep is false if a body is left unread. Else a status to refuse with. */
static int begin_body(struct gyre_actor *a, struct client *client, struct request *r)
{
    struct body_mark mark;
    int status;
    if (r->method == METHOD_CONNECT) r->keep = false;
    if (!expects_only_continue(r)) return 417;
    if (r->body == BODY_NONE) return BODY_END;
    if (r->method != METHOD_GET && r->method != METHOD_HEAD) {
        r->keep = false;
        return BODY_END;
    }
    status = body_start(&mark, r);
    if (status) return status;
    client->waiting = gyre->mem(a, NULL, sizeof *client->waiting);
    if (!client->waiting) return 503;
    client->waiting->body = mark;
    if (r->minor && r->seen & FIELD_BIT(FIELD_EXPECT))
        (void)gyre->write(a, GYRE_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
    return BODY_MORE;
}

/* Reads one request, its body included, off the front of `in`. BODY_MORE, BODY_END with its
 * length, or a status. */
static int read_request(struct gyre_actor *a, gyre_view in, struct request *r, size_t *n)
{
    struct client *client = GYRE_STATE(a, struct client);
    struct head_mark again = {0, METHOD_NONE};
    bool begun = client->waiting != NULL;
    int step;
    if (!begun) {
        step = head_read(&client->head, in, r);
        if (step != HEAD_WHOLE) return step;
        *n = r->head_n;
        if (!r->body && r->method != METHOD_CONNECT && !(r->seen & FIELD_BIT(FIELD_EXPECT)))
            return BODY_END;
        step = begin_body(a, client, r);
        if (step != BODY_MORE) return step;
    }
    step = body_read(&client->waiting->body, in);
    if (step != BODY_END) return step;
    *n = client->waiting->body.at;
    /* the head was read when it came, but nothing of it was kept */
    return !begun || head_read(&again, in, r) == HEAD_WHOLE ? BODY_END : 500;
}

static enum gyre_step http_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *client = GYRE_STATE(a, struct client);
    HTTP_SPACE struct request r;
    size_t n = 0;
    int step = read_request(a, *in, &r, &n);
    if (step == BODY_MORE) return GYRE_MORE;
    if (step != BODY_END) {
        (void)gyre_all(in);
        response_last(a, (enum method)client->head.method, step);
        gyre->close(a, GYRE_FLUSH);
        return GYRE_TOOK;
    }
    (void)gyre_head(in, n);
    client->head = (struct head_mark){0, METHOD_NONE};
    if (client->leaving) r.keep = false;
    gyre->count(a, COUNT_REQUESTS, 1);
    files_answer(a, &r);
    return GYRE_TOOK;
}

const struct gyre_proto http_stream = {
    GYRE_PROTO,
    .state_size = sizeof(struct client),
    .message_max = HEAD_MAX + BODY_MAX,
    .flags = GYRE_BRIEF,
    .idle_ms = 75000,
    .handshake_ms = 60000,
    .on_data = http_data,
    .on_leave = leave_client,
};

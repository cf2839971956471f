/* SPDX-License-Identifier: GPL-3.0-or-later
 * files.c - from a request to a file to an answer.
 *
 * A file that the host has at hand is answered at once. Else it is opened, and the head of the
 * request is kept until then and read again: views do not outlive a callback. The host hands over
 * no further request of the connection meanwhile, so answers keep their order.
 * Owns: what the host opened for an answer.
 */
#include "condition.h"
#include "parts.h"
#include "response.h"
#include "target.h"

enum {
    CONDITIONS = FIELD_BIT(FIELD_IF_MATCH) | FIELD_BIT(FIELD_IF_NONE_MATCH) |
                 FIELD_BIT(FIELD_IF_MODIFIED_SINCE) | FIELD_BIT(FIELD_IF_UNMODIFIED_SINCE),
    LOCATION_MOST = 32 * 1024, /* a path of 4 KiB, all of it encoded, and a query of 8 KiB */
};

const struct gyre_file *http_file;

static gyre_done opened;

/* What follows an answer: the next request, or the end. */
static void answered(struct gyre_actor *a, const struct request *r)
{
    struct client *client = GYRE_STATE(a, struct client);
    if (client->waiting) (void)gyre->mem(a, client->waiting, 0);
    client->waiting = NULL;
    if (!r->keep) gyre->close(a, GYRE_FLUSH);
}

static void answer_page(struct gyre_actor *a, const struct request *r, int status)
{
    response_page(a, r, status, GYRE_NOTHING);
    answered(a, r);
}

/* Opens a file to answer with `status`. */
static void open_file(struct gyre_actor *a, const struct request *r, gyre_view path, int status)
{
    struct client *client = GYRE_STATE(a, struct client);
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    if (!client->waiting || !client->waiting->head_n) {
        size_t n = sizeof *client->waiting + r->head_n;
        struct waiting *waiting = gyre->mem(a, client->waiting, n);
        if (!waiting) {
            answer_page(a, r, 503);
            return;
        }
        waiting->head_n = r->head_n;
        memcpy(waiting->head, r->p, r->head_n);
        client->waiting = waiting;
    }
    if (http_file->open(a, conf->folder, path, 0, (uint64_t)status, opened) < 0)
        answer_page(a, r, 503);
}

/* A page of the site that says that something is not there. No file: a page of ours. */
static void answer_absent(struct gyre_actor *a, const struct request *r, struct gyre_buf *file)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    HTTP_SPACE uint8_t space[HEAD_SPACE];
    gyre_out out = GYRE_OUT(space);
    if (!file) {
        answer_page(a, r, 404);
        return;
    }
    response_begin(a, &out, 404);
    response_type(a, &out, conf->not_found);
    response_length(&out, file->bytes.n);
    response_end(&out, r);
    (void)gyre->write(a, gyre_built(&out));
    if (r->method == METHOD_GET && file->bytes.n) (void)gyre->write_buf(a, file, 0, file->bytes.n);
    answered(a, r);
}

static void find_absent(struct gyre_actor *a, const struct request *r)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    struct gyre_buf *file = NULL;
    if (conf->not_found.n) {
        file = http_file->cached(a, conf->folder, conf->not_found);
        if (!file) {
            open_file(a, r, conf->not_found, 404);
            return;
        }
    }
    answer_absent(a, r, file);
}

/* 304 says what 200 would have said of the file, and nothing of its bytes. */
static void answer_unchanged(struct gyre_actor *a, const struct request *r,
                             const struct gyre_buf *file)
{
    HTTP_SPACE uint8_t space[HEAD_SPACE];
    gyre_out out = GYRE_OUT(space);
    response_begin(a, &out, 304);
    response_file(a, &out, file);
    response_end(&out, r);
    (void)gyre->write(a, gyre_built(&out));
}

static void answer_file(struct gyre_actor *a, const struct request *r, struct gyre_buf *file,
                        gyre_view path)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    bool part = r->method == METHOD_GET && r->seen & FIELD_BIT(FIELD_RANGE);
    int status = 0;
    if (part || r->seen & CONDITIONS) {
        uint8_t tag[TAG_LENGTH];
        struct validators v = {{tag, conf->etag ? TAG_LENGTH : 0}, response_modified(a, file), 0};
        v.now = GYRE_HOME(a, struct http_home)->date_ns / GYRE_SECONDS(1);
        response_tag(file, tag);
        status = condition_check(r, &v);
        part = part && condition_range(r, &v);
    }
    if (status == 304) answer_unchanged(a, r, file);
    else if (status) response_page(a, r, status, GYRE_NOTHING);
    else if (!part || !parts_answer(a, r, file, path)) response_whole(a, r, file, path);
    answered(a, r);
}

/* A folder without its slash: the links in its page would be wrong. */
static void answer_folder(struct gyre_actor *a, const struct request *r, gyre_view path)
{
    gyre_out out = gyre->out(a, LOCATION_MOST);
    gyre_put(&out, GYRE_LIT("Location: "));
    target_encode(path, &out);
    gyre_put(&out, GYRE_LIT("/"));
    gyre_put(&out, r->query);
    gyre_put(&out, GYRE_LIT("\r\n"));
    response_page(a, r, out.full ? 503 : 301, gyre_built(&out));
    answered(a, r);
}

/* The name of the file that r asks for. 0 or a status. */
static int file_name(struct gyre_actor *a, const struct request *r, gyre_out *out, bool *folder)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    int status = target_path(r->path, out, folder);
    if (status) return status;
    if (*folder) gyre_put(out, conf->index);
    return out->full ? 414 : 0;
}

/* The host's answer about a file that was to be the answer. */
static void answer_opened(struct gyre_actor *a, const struct request *r,
                          const struct gyre_answer *answer, gyre_view path, bool folder)
{
    switch (answer->err) {
    case GYRE_OK: answer_file(a, r, answer->file, path); return;
    case GYRE_FOLDER:
        if (!folder) answer_folder(a, r, path);
        else find_absent(a, r);
        return;
    case GYRE_ABSENT:
    case GYRE_INVALID: find_absent(a, r); return;
    case GYRE_DENIED: answer_page(a, r, 403); return;
    case GYRE_IO: answer_page(a, r, 500); return;
    default: answer_page(a, r, 503);
    }
}

static void opened(struct gyre_actor *a, const struct gyre_answer *answer)
{
    const struct client *client = GYRE_STATE(a, struct client);
    gyre_view head = {client->waiting->head, client->waiting->head_n};
    HTTP_SPACE struct request r;
    HTTP_SPACE uint8_t space[PATH_MOST];
    gyre_out path = GYRE_OUT(space);
    struct head_mark mark = {0, METHOD_NONE};
    bool folder = false;
    /* Both were done before with the same bytes. A name that is not there may be one that is not
     * allowed: then there is no path, and none is needed. */
    (void)head_read(&mark, head, &r);
    (void)file_name(a, &r, &path, &folder);
    if (client->leaving) r.keep = false;
    if (answer->tag == 404) answer_absent(a, &r, answer->file);
    else answer_opened(a, &r, answer, gyre_built(&path), folder);
    if (answer->file) gyre->buf_drop(a, answer->file);
}

/* What may be done with any file here; for OPTIONS, and for what may not. */
static void answer_allowed(struct gyre_actor *a, const struct request *r)
{
    gyre_view allow = GYRE_LIT("Allow: GET, HEAD, OPTIONS\r\n");
    HTTP_SPACE uint8_t space[HEAD_SPACE];
    gyre_out out = GYRE_OUT(space);
    if (r->method == METHOD_OPTIONS) {
        response_begin(a, &out, 200);
        gyre_put(&out, allow);
        response_length(&out, 0);
        response_end(&out, r);
        (void)gyre->write(a, gyre_built(&out));
    } else {
        response_page(a, r, 405, allow);
    }
    answered(a, r);
}

void files_answer(struct gyre_actor *a, const struct request *r)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    HTTP_SPACE uint8_t space[PATH_MOST];
    gyre_out path = GYRE_OUT(space);
    struct gyre_buf *file;
    bool folder;
    int status;
    if (r->method == METHOD_OTHER) {
        answer_page(a, r, 501);
        return;
    }
    if (r->method != METHOD_GET && r->method != METHOD_HEAD) {
        answer_allowed(a, r);
        return;
    }
    status = file_name(a, r, &path, &folder);
    if (status == 404) {
        find_absent(a, r);
        return;
    }
    if (status) {
        answer_page(a, r, status);
        return;
    }
    file = http_file->cached(a, conf->folder, gyre_built(&path));
    if (file) answer_file(a, r, file, gyre_built(&path));
    else open_file(a, r, gyre_built(&path), 200);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * response.c - builds the heads of responses; see response.h. All of them, and the short pages for
 * errors, come from here; plate.c keeps those that are sent often.
 */
#include "response.h"
#include "mime.h"

enum { SECOND = 1000000000 };

static gyre_view reason_of(int status)
{
    switch (status) {
    case 200: return GYRE_LIT("200 OK");
    case 206: return GYRE_LIT("206 Partial Content");
    case 301: return GYRE_LIT("301 Moved Permanently");
    case 304: return GYRE_LIT("304 Not Modified");
    case 400: return GYRE_LIT("400 Bad Request");
    case 403: return GYRE_LIT("403 Forbidden");
    case 404: return GYRE_LIT("404 Not Found");
    case 405: return GYRE_LIT("405 Method Not Allowed");
    case 408: return GYRE_LIT("408 Request Timeout");
    case 412: return GYRE_LIT("412 Precondition Failed");
    case 413: return GYRE_LIT("413 Content Too Large");
    case 414: return GYRE_LIT("414 URI Too Long");
    case 416: return GYRE_LIT("416 Range Not Satisfiable");
    case 417: return GYRE_LIT("417 Expectation Failed");
    case 431: return GYRE_LIT("431 Request Header Fields Too Large");
    case 501: return GYRE_LIT("501 Not Implemented");
    case 503: return GYRE_LIT("503 Service Unavailable");
    case 505: return GYRE_LIT("505 HTTP Version Not Supported");
    default: return GYRE_LIT("500 Internal Server Error");
    }
}

static int64_t second_of(int64_t ns)
{
    return ns / SECOND - (ns % SECOND < 0);
}

int64_t response_now(struct gyre_actor *a)
{
    struct http_home *home = GYRE_HOME(a, struct http_home);
    int64_t now = gyre->now(GYRE_WALL);
    if (now < home->date_ns || now >= home->date_until_ns) {
        home->date_ns = second_of(now) * SECOND;
        home->date_until_ns = home->date_ns + SECOND;
        date_write(second_of(now), home->date);
    }
    return now;
}

void response_field(gyre_out *out, gyre_view name, gyre_view value)
{
    gyre_put(out, name);
    gyre_put(out, GYRE_LIT(": "));
    gyre_put(out, value);
    gyre_put(out, GYRE_LIT("\r\n"));
}

void response_length(gyre_out *out, uint64_t length)
{
    gyre_put(out, GYRE_LIT("Content-Length: "));
    gyre_put_dec(out, length);
    gyre_put(out, GYRE_LIT("\r\n"));
}

void response_begin(struct gyre_actor *a, gyre_out *out, int status)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    struct http_home *home = GYRE_HOME(a, struct http_home);
    (void)response_now(a);
    if (status >= 500) gyre->count(a, COUNT_SERVER_ERRORS, 1);
    else if (status >= 400) gyre->count(a, COUNT_CLIENT_ERRORS, 1);
    gyre_put(out, GYRE_LIT("HTTP/1.1 "));
    gyre_put(out, reason_of(status));
    gyre_put(out, GYRE_LIT("\r\n"));
    if (conf->server.n) response_field(out, GYRE_LIT("Server"), conf->server);
    response_field(out, GYRE_LIT("Date"), GYRE_MAKE(gyre_view, home->date, DATE_LENGTH));
}

void response_type(struct gyre_actor *a, gyre_out *out, gyre_view path)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    const struct mime *mime = mime_of(path);
    gyre_put(out, GYRE_LIT("Content-Type: "));
    gyre_put(out, gyre_str(mime->type));
    if (mime->text && conf->charset.n) {
        gyre_put(out, GYRE_LIT("; charset="));
        gyre_put(out, conf->charset);
    }
    gyre_put(out, GYRE_LIT("\r\n"));
}

void response_tag(const struct gyre_buf *file, uint8_t tag[TAG_LENGTH])
{
    gyre_out out = {tag, 0, TAG_LENGTH, false, NULL, NULL};
    gyre_put_byte(&out, '"');
    gyre_put_hex(&out, file->identity, 16);
    gyre_put_byte(&out, '"');
}

/* A file that claims to be changed in the future was changed now (RFC 9110, 8.8.2.1). */
int64_t response_modified(struct gyre_actor *a, const struct gyre_buf *file)
{
    int64_t now = response_now(a);
    return second_of(file->modified_ns < now ? file->modified_ns : now);
}

void response_file(struct gyre_actor *a, gyre_out *out, const struct gyre_buf *file)
{
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    uint8_t date[DATE_LENGTH], tag[TAG_LENGTH];
    date_write(response_modified(a, file), date);
    response_tag(file, tag);
    response_field(out, GYRE_LIT("Last-Modified"), GYRE_MAKE(gyre_view, date, DATE_LENGTH));
    if (conf->etag) response_field(out, GYRE_LIT("ETag"), GYRE_MAKE(gyre_view, tag, TAG_LENGTH));
    gyre_put(out, GYRE_LIT("Accept-Ranges: bytes\r\n"));
    if (conf->cache_control.n) response_field(out, GYRE_LIT("Cache-Control"), conf->cache_control);
}

void response_end(gyre_out *out, const struct request *r)
{
    if (!r->keep) gyre_put(out, GYRE_LIT("Connection: close\r\n"));
    else if (!r->minor) gyre_put(out, GYRE_LIT("Connection: keep-alive\r\n"));
    gyre_put(out, GYRE_LIT("\r\n"));
}

/* ---- pages of our own ---- */

static void put_page(gyre_out *out, int status)
{
    gyre_put(out, GYRE_LIT("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                           "<meta name=\"color-scheme\" content=\"light dark\">\n<title>"));
    gyre_put(out, reason_of(status));
    gyre_put(out, GYRE_LIT("</title>\n<h1>"));
    gyre_put(out, reason_of(status));
    gyre_put(out, GYRE_LIT("</h1>\n</html>\n"));
}

void response_page(struct gyre_actor *a, const struct request *r, int status, gyre_view fields)
{
    HTTP_SPACE uint8_t space[HEAD_SPACE], page_space[512];
    gyre_out out = GYRE_OUT(space), page = GYRE_OUT(page_space);
    put_page(&page, status);
    response_begin(a, &out, status);
    if (fields.n) { /* of any length: they go by themselves */
        (void)gyre->write(a, gyre_built(&out));
        (void)gyre->write(a, fields);
        out.n = 0;
    }
    gyre_put(&out, GYRE_LIT("Content-Type: text/html; charset=utf-8\r\n"));
    response_length(&out, page.n);
    response_end(&out, r);
    if (r->method != METHOD_HEAD) gyre_put(&out, gyre_built(&page));
    (void)gyre->write(a, gyre_built(&out));
}

void response_last(struct gyre_actor *a, enum method method, int status)
{
    struct request none = {.method = method, .minor = 1};
    response_page(a, &none, status, GYRE_NOTHING);
}

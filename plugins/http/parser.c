/* SPDX-License-Identifier: GPL-3.0-or-later
 * parser.c - finds the head of a request and reads its first line; see parser.h.
 *
 * Two steps. Finding: the wide search of scan.h goes from line to line until the empty one, and
 * remembers where each began. Reading: the request line as soon as it is there, so that what is no
 * HTTP at all is refused at once; the fields (fields.c) when the head is whole.
 */
#include "parser.h"
#include "fields.h"
#include "letters.h"
#include "scan.h"

/* Goes from *at to the CR of the next CRLF: HEAD_WHOLE. HEAD_MORE: it is not there yet. */
static int line_end(gyre_view in, size_t *at)
{
    for (;;) {
        size_t i = *at = scan_control(in.p, *at, in.n);
        if (i == in.n) return HEAD_MORE;
        if (in.p[i] == '\t') {
            ++*at;
            continue;
        }
        if (in.p[i] != '\r') return 400;
        if (i + 1 == in.n) return HEAD_MORE;
        return in.p[i + 1] == '\n' ? HEAD_WHOLE : 400;
    }
}

static enum method method_of(gyre_view name)
{
    static const char known[][8] = {"POST", "PUT", "DELETE", "PATCH", "TRACE"};
    if (gyre_eq(name, GYRE_LIT("HEAD"))) return METHOD_HEAD;
    if (gyre_eq(name, GYRE_LIT("OPTIONS"))) return METHOD_OPTIONS;
    if (gyre_eq(name, GYRE_LIT("CONNECT"))) return METHOD_CONNECT;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gyre_eq(name, gyre_str(known[i]))) return METHOD_KNOWN;
    return METHOD_OTHER;
}

/* "HTTP/1.1", exactly. Any later 1.x speaks what 1.1 says. */
static int read_version(const uint8_t *p, unsigned *minor)
{
    if (memcmp(p, "HTTP/", 5) || p[6] != '.') return 400;
    if (p[5] < '0' || p[5] > '9' || p[7] < '0' || p[7] > '9') return 400;
    if (p[5] != '1') return 505;
    *minor = p[7] != '0';
    return 0;
}

/* http://host/path, as sent to proxies: every server must understand it. */
static bool read_absolute(gyre_view target, struct request *r)
{
    gyre_view scheme;
    size_t n = 0;
    if (!gyre_until(&target, ':', &scheme) || !gyre_skip(&target, GYRE_LIT("//"))) return false;
    if (!gyre_eqi(scheme, GYRE_LIT("http")) && !gyre_eqi(scheme, GYRE_LIT("https"))) return false;
    while (n < target.n && target.p[n] != '/') n++;
    r->host = gyre_head(&target, n);
    r->path = target;
    return r->host.n && r->host.p[0] != ':' && host_is_right(r->host, 0);
}

/* The four forms of RFC 9112, 3.2. */
static bool read_target(gyre_view target, struct request *r)
{
    size_t mark = target.n; /* where the query begins */
    for (size_t i = 0; i < target.n; i++) {
        if (!(letters[target.p[i]] & IN_TARGET)) return false;
        if (target.p[i] == '?' && mark == target.n) mark = i;
    }
    if (!target.n) return false;
    r->star = false;
    r->host = r->path = r->query = GYRE_NOTHING;
    if (r->method == METHOD_CONNECT) {
        r->host = target;
        return host_is_right(target, 0);
    }
    if (target.p[0] == '*') {
        r->star = true;
        return target.n == 1 && r->method == METHOD_OPTIONS;
    }
    r->query = GYRE_MAKE(gyre_view, target.p + mark, target.n - mark);
    target.n = mark;
    r->path = target;
    if (target.p[0] != '/' && !read_absolute(target, r)) return false;
    if (!r->path.n) r->path = GYRE_LIT("/");
    return true;
}

/* The method and its space. */
static bool read_method(gyre_view *line, struct request *r)
{
    gyre_view name;
    r->method = METHOD_GET;
    if (gyre_skip(line, GYRE_LIT("GET "))) return true;
    if (!gyre_until(line, ' ', &name) || !name.n || token_length(name) != name.n) return false;
    r->method = method_of(name);
    return true;
}

/* One space between the three parts, and no other: else two readers may split it differently. */
static int read_request_line(gyre_view line, struct request *r)
{
    enum { VERSION = 8 };
    gyre_view target;
    int status;
    if (!read_method(&line, r) || line.n < VERSION + 1) return 400;
    if (line.p[line.n - VERSION - 1] != ' ') return 400;
    target = gyre_head(&line, line.n - VERSION - 1);
    status = read_version(line.p + 1, &r->minor);
    if (status) return status;
    return read_target(target, r) ? 0 : 400;
}

/* The request line: one empty line before it is forgiven, as RFC 9112, 2.2 asks. */
static int find_line(struct head_mark *mark, gyre_view in, struct request *r)
{
    size_t start = in.n >= 2 && !memcmp(in.p, "\r\n", 2) ? 2 : 0;
    size_t at = mark->at > start ? mark->at : start;
    int step;
    if (in.n > start + LINE_MAX) in.n = start + LINE_MAX;
    step = line_end(in, &at);
    mark->at = (uint16_t)at;
    if (step == HEAD_MORE) return in.n == start + LINE_MAX ? 414 : HEAD_MORE;
    if (step != HEAD_WHOLE) return step;
    step = read_request_line(GYRE_MAKE(gyre_view, in.p + start, at - start), r);
    if (step) return step;
    mark->method = (uint8_t)r->method;
    mark->at = (uint16_t)(at + 2);
    return HEAD_WHOLE;
}

/* Does the empty line that ends a head stand here? `at` may be within a line. */
static bool is_empty_line(gyre_view in, size_t at)
{
    return at + 2 <= in.n && in.p[at] == '\r' && in.p[at + 1] == '\n' && in.p[at - 1] == '\n';
}

/* All lines up to the empty one. Notes where each field begins and ends. */
static int find_head(struct head_mark *mark, gyre_view in, struct request *r)
{
    size_t at, start;
    uint32_t n = 0;
    int step;
    if (in.n > HEAD_MAX) in.n = HEAD_MAX;
    if (mark->method == METHOD_NONE) {
        step = find_line(mark, in, r);
        if (step != HEAD_WHOLE) return step;
    }
    for (at = start = mark->at; !is_empty_line(in, at); start = at += 2) {
        step = line_end(in, &at);
        if (step == HEAD_MORE) {
            mark->at = (uint16_t)at;
            return in.n == HEAD_MAX ? 431 : HEAD_MORE;
        }
        if (step != HEAD_WHOLE) return step;
        if (n < FIELDS_MAX) {
            r->fields[n].name_at = (uint16_t)start;
            r->fields[n].value_at = (uint16_t)at;
        }
        n++;
    }
    r->p = in.p;
    r->head_n = at + 2;
    r->fields_n = n;
    return HEAD_WHOLE;
}

int head_read(struct head_mark *mark, gyre_view in, struct request *r)
{
    bool resumed = mark->at != 0;
    int step = find_head(mark, in, r), status;
    if (step != HEAD_WHOLE) return step;
    if (resumed) { /* what was noted of the earlier pieces is gone */
        struct head_mark again = {0, METHOD_NONE};
        in.n = r->head_n;
        step = find_head(&again, in, r);
        if (step != HEAD_WHOLE) return step;
    }
    status = fields_read(r);
    return status ? status : HEAD_WHOLE;
}

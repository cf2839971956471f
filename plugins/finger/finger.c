/* SPDX-License-Identifier: GPL-3.0-or-later
 * finger.c - RFC 1288: who is NAME? Answers from a folder with one file for each name.
 *
 * One query, one answer, closed. An empty query is answered from the file "index"; NAME from
 * NAME.txt, or NAME. Answers leave with CRLF line ends and without control bytes (section 3.3).
 * Promise: never a file outside of the folder, nor one whose name begins with a dot. Forwarding
 * (user@host) is always refused (section 3.2.1).
 * Limits: QUERY_MOST bytes a query, ANSWER_MOST bytes an answer.
 */
#include "gyre.h"
#include "services/file.h"

enum { QUERY_MOST = 256, NAME_MOST = 64, ANSWER_MOST = 64 * 1024 };

struct finger_conf {
    gyre_view users;
    int64_t root; /* the handle of users, or -1 */
};
struct finger_query {
    uint8_t name[NAME_MOST + 4]; /* and room for ".txt" */
    uint8_t n;
    bool index;
};

static const struct gyre_file *files;

static const struct gyre_option options[] = {
    GYRE_OPT_PATH(finger_conf, users, NULL,
                  "The folder with one file for each name, and index; without it nobody is known"),
    {0},
};

static enum gyre_step answer(struct gyre_actor *a, gyre_view text)
{
    gyre->write(a, text);
    gyre->close(a, GYRE_FLUSH);
    return GYRE_TOOK;
}

static void not_there(struct gyre_actor *a)
{
    bool index = GYRE_STATE(a, struct finger_query)->index;
    answer(a, index ? GYRE_LIT("Finger online user list denied\r\n")
                    : GYRE_LIT("No such user\r\n"));
}

/* How many bytes at the front of v may reach a terminal together: a character of UTF-8, or a byte
 * of Latin-1. 0: the first is left out, as it is or begins a control character, of 7 or 8 bits. */
static size_t printable(gyre_view v)
{
    uint8_t c = v.p[0], next = v.n > 1 ? v.p[1] : 0;
    size_t n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
    bool whole = n <= v.n;
    if (c < 0x80) return c == '\t' || c == '\n' || (c >= ' ' && c != 0x7f);
    for (size_t i = 1; whole && i < n; i++) whole = (v.p[i] & 0xc0) == 0x80;
    if (n == 1 || !whole) return c >= 0xa0;
    if ((c == 0xc2 && next < 0xa0) || (c == 0xe0 && next < 0xa0) || (c == 0xf0 && next < 0x90))
        return 0; /* U+0080 to U+009F; and longer forms than need be */
    return n;
}

/* Section 2.2 wants CRLF; section 3.3 wants no control bytes to reach a terminal. */
static void send_filtered(struct gyre_actor *a, gyre_view text)
{
    gyre_out o = gyre->out(a, 2 * ANSWER_MOST + 2);
    uint8_t last = '\n';
    while (text.n) {
        size_t n = printable(text);
        gyre_view one = gyre_head(&text, n ? n : 1);
        if (!n) continue;
        last = one.p[0];
        gyre_put(&o, last == '\n' ? GYRE_LIT("\r\n") : one);
    }
    if (last != '\n') gyre_put(&o, GYRE_LIT("\r\n"));
    answer(a, gyre_built(&o));
}

static void ask(struct gyre_actor *a, bool with_suffix);

static void found(struct gyre_actor *a, const struct gyre_answer *got)
{
    bool had_suffix = got->tag != 0;
    gyre_view text = got->file ? got->file->bytes : GYRE_NOTHING;
    if (got->err && had_suffix) {
        ask(a, false);
    } else if (got->err) {
        not_there(a);
    } else if (text.n > ANSWER_MOST || (text.n && !text.p)) {
        gyre->log(a, GYRE_WARN, "the file of this name is longer than %d bytes", ANSWER_MOST);
        answer(a, GYRE_LIT("The answer is too long to be sent\r\n"));
    } else {
        send_filtered(a, text);
    }
}

/* NAME.txt goes before NAME. */
static void ask(struct gyre_actor *a, bool with_suffix)
{
    struct finger_query *q = GYRE_STATE(a, struct finger_query);
    int root = (int)GYRE_CONF(a, struct finger_conf)->root;
    gyre_view path = {q->name, q->n};
    if (with_suffix) {
        memcpy(q->name + q->n, ".txt", 4);
        path.n += 4;
    }
    if (root < 0 || files->open(a, root, path, 0, with_suffix, found) < 0) not_there(a);
}

static bool good_name(gyre_view name)
{
    if (!name.n || name.n > NAME_MOST || name.p[0] == '.') return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i], low = gyre_lower(c);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-' || c == '+'))
            return false;
    }
    return true;
}

static enum gyre_step finger_data(struct gyre_actor *a, gyre_view *in)
{
    struct finger_query *q = GYRE_STATE(a, struct finger_query);
    gyre_view query, name;
    if (!gyre_line(in, &query)) return GYRE_MORE;
    name = gyre_trim(query);
    /* "/W" asks for more; there is no more than the file. */
    if (name.n >= 2 && name.p[0] == '/' && gyre_lower(name.p[1]) == 'w' &&
        (name.n == 2 || name.p[2] == ' ' || name.p[2] == '\t')) {
        (void)gyre_head(&name, 2);
        name = gyre_trim(name);
    }
    if (name.n && memchr(name.p, '@', name.n))
        return answer(a, GYRE_LIT("Finger forwarding service denied\r\n"));
    q->index = !name.n;
    if (q->index) name = GYRE_LIT("index");
    else if (gyre_eqi(name, GYRE_LIT("index"))) return answer(a, GYRE_LIT("No such user\r\n"));
    if (!good_name(name)) return answer(a, GYRE_LIT("No such user\r\n"));
    memcpy(q->name, name.p, name.n);
    q->n = (uint8_t)name.n;
    ask(a, !q->index);
    return GYRE_TOOK;
}

static bool finger_load(struct gyre_section *section, void *space, gyre_out *why)
{
    struct finger_conf *conf = space;
    uint8_t path[4096];
    gyre_out want = GYRE_OUT(path);
    conf->root = -1;
    if (!conf->users.n) return true;
    gyre_put(&want, GYRE_LIT("path:"));
    gyre_put(&want, conf->users);
    conf->root = gyre->want(section, gyre_built(&want));
    if (conf->root >= 0) return true;
    gyre_put(why, GYRE_LIT("users = "));
    gyre_put(why, conf->users);
    gyre_put(why, conf->root == GYRE_ABSENT ? GYRE_LIT(": there is no such folder")
                                            : GYRE_LIT(": this folder may not be read"));
    return false;
}

static const struct gyre_need needs[] = {{"file/1", &files, 0}, {0}};
static const struct gyre_proto finger_stream = {
    GYRE_PROTO, .state_size = sizeof(struct finger_query), .message_max = QUERY_MOST,
    .handshake_ms = 10000, .on_data = finger_data};

GYRE_PLUGIN(.name = "finger", .version = "1.0", .summary = "Who is it? (RFC 1288)",
            .stream = &finger_stream, .conf_size = sizeof(struct finger_conf),
            .options = options, .needs = needs, .on_load = finger_load);

/* SPDX-License-Identifier: GPL-3.0-or-later
 * file.c - a plugin for tests of file/1: open, cached, load, and files that change meanwhile.
 *
 * open PATH · cached PATH · piece AT N PATH · twice PATH: opened once, sent two times, a line
 * between · hold PATH: opened and kept · held: sends it · same PATH: is it the version that was
 * opened before? · quit PATH: opens and closes · zero: a path with a NUL
 * It also changes files itself, as others would: poke PATH TEXT (in place) · cut PATH N (truncate)
 * · soft TARGET PATH · hard OLD PATH · move OLD PATH · gone PATH · pipe PATH · folder PATH
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "services/file.h"

static const struct gyre_file *file;
static const struct gyre_need needs[] = {{"file/1", &file, 0}, {0}};

struct conf {
    gyre_view root, load;
    int64_t most;
    gyre_view loaded;
    int handle;
};
static const struct gyre_option options[] = {
    GYRE_OPT_PATH(conf, root, NULL, "The folder"),
    GYRE_OPT_TEXT(conf, load, "", "A file that on_load reads"),
    GYRE_OPT_SIZE(conf, most, "1k", "0..1g", "The longest that it reads"),
    {0},
};
enum { OPEN, PIECE, TWICE, HOLD, SAME };
struct client {
    struct gyre_buf *held;
    uint64_t identity, at, n;
};

/* ---- asking ---- */

static void send_whole(struct gyre_actor *a, struct gyre_buf *b)
{
    if (b) (void)gyre->write_buf(a, b, 0, b->bytes.n);
}

static void opened(struct gyre_actor *a, const struct gyre_answer *answer)
{
    struct client *c = GYRE_STATE(a, struct client);
    struct gyre_buf *b = answer->file;
    if (answer->err) {
        say(a, "%s\n", err_word(answer->err));
        return;
    }
    if (answer->tag == PIECE) {
        int res = gyre->write_buf(a, b, c->at, c->n);
        say(a, res < 0 ? "%s\n" : "\n", err_word(res));
        return;
    }
    if (answer->tag == SAME) {
        say(a, "%s\n", c->identity == b->identity ? "same" : "another");
        c->identity = b->identity;
        return;
    }
    say(a, "%s %zu%s\n", b->bytes.p ? "small" : "large", b->bytes.n, b->modified_ns ? "" : " ?");
    if (answer->tag == HOLD) {
        c->held = gyre->buf_share(a, b);
        return;
    }
    send_whole(a, b);
    if (answer->tag == TWICE) {
        say(a, "\nbetween\n");
        send_whole(a, b);
    }
    say(a, "\n");
}

static bool ask(struct gyre_actor *a, gyre_view verb, gyre_view line)
{
    struct client *c = GYRE_STATE(a, struct client);
    int root = GYRE_CONF(a, struct conf)->handle, res;
    uint64_t tag = is(verb, "piece") ? PIECE : is(verb, "twice") ? TWICE : is(verb, "hold") ? HOLD
                   : is(verb, "same") ? SAME : OPEN;
    bool known = tag || is(verb, "open") || is(verb, "zero") || is(verb, "quit");
    if (!known) return false;
    if (tag == PIECE) {
        c->at = number(&line);
        c->n = number(&line);
    }
    if (is(verb, "zero")) line = GYRE_LIT("a\0b");
    res = file->open(a, root, line, 0, tag, opened);
    if (res != GYRE_OK) say(a, "refused %s\n", err_word(res));
    if (is(verb, "quit")) gyre->close(a, GYRE_FLUSH);
    return true;
}

static void say_cached(struct gyre_actor *a, gyre_view path)
{
    struct gyre_buf *b = file->cached(a, GYRE_CONF(a, struct conf)->handle, path);
    if (!b) {
        say(a, "not cached\n");
        return;
    }
    say(a, "cached %zu\n", b->bytes.n);
    send_whole(a, b);
    say(a, "\n");
}

/* ---- changing ---- */

static bool path_of(struct gyre_actor *a, gyre_view name, char *out, size_t n)
{
    gyre_view root = GYRE_CONF(a, struct conf)->root;
    return snprintf(out, n, "%.*s/%.*s", GYRE_ARG(root), GYRE_ARG(name)) < (int)n;
}

static bool poke(const char *path, gyre_view text, uint64_t cut)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && (text.p ? pwrite(fd, text.p, text.n, 0) == (ssize_t)text.n
                                 : ftruncate(fd, (off_t)cut) == 0);
    if (fd >= 0) (void)close(fd);
    return ok;
}

static bool change(struct gyre_actor *a, gyre_view verb, gyre_view line)
{
    char path[512], other[512];
    gyre_view first = word(&line);
    uint64_t n = 0;
    if (!path_of(a, first, path, sizeof path) || !path_of(a, line, other, sizeof other))
        return false;
    if (is(verb, "poke")) return poke(path, line, 0);
    if (is(verb, "cut")) return gyre_dec(line, UINT32_MAX, &n) && poke(path, GYRE_NOTHING, n);
    if (is(verb, "hard")) return link(path, other) == 0;
    if (is(verb, "move")) return rename(path, other) == 0;
    if (is(verb, "gone")) return remove(path) == 0;
    if (is(verb, "pipe")) return mkfifo(path, 0600) == 0;
    if (is(verb, "folder")) return mkdir(path, 0700) == 0;
    if (!is(verb, "soft")) return false;
    (void)snprintf(path, sizeof path, "%.*s", GYRE_ARG(first));
    return symlink(path, other) == 0;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    struct client *c = GYRE_STATE(a, struct client);
    gyre_view line, verb;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    verb = word(&line);
    if (is(verb, "cached")) return say_cached(a, line), GYRE_TOOK;
    if (is(verb, "loaded")) {
        gyre->write(a, GYRE_CONF(a, struct conf)->loaded);
        return say(a, "\n"), GYRE_TOOK;
    }
    if (is(verb, "held")) return send_whole(a, c->held), say(a, "\n"), GYRE_TOOK;
    if (is(verb, "bug-root")) return file->open(a, 7, line, 0, 0, opened) ? GYRE_BAD : GYRE_TOOK;
    if (is(verb, "bug-load"))
        return file->load(a->section, 0, line, 9, &line) ? GYRE_BAD : GYRE_TOOK;
    if (ask(a, verb, line)) return GYRE_TOOK;
    say(a, "%s\n", change(a, verb, line) ? "changed" : "wrong");
    return GYRE_TOOK;
}

static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    struct conf *c = conf;
    uint8_t space[300];
    gyre_out want = GYRE_OUT(space);
    gyre_put(&want, GYRE_LIT("path:"));
    gyre_put(&want, c->root);
    c->handle = gyre->want(s, gyre_built(&want));
    int res = c->handle;
    if (res >= 0 && c->load.n)
        res = file->load(s, c->handle, c->load, (uint64_t)c->most, &c->loaded);
    if (res < 0) gyre_put(why, gyre_str(err_word(res)));
    return res >= 0;
}

static void on_close(struct gyre_actor *a, enum gyre_why why)
{
    gyre->log(a, GYRE_INFO, "closed %s", why_word(why));
}

static const struct gyre_proto stream = {GYRE_PROTO, .state_size = sizeof(struct client),
                                         .on_data = on_data, .on_close = on_close};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = "file", .version = "1.0",
            .summary = "Sends files", .stream = &stream, .options = options, .needs = needs,
            .on_load = on_load);

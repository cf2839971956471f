/* SPDX-License-Identifier: GPL-3.0-or-later
 * http.c - HTTP/1.0 and 1.1: GET and HEAD of the files below one folder.
 *
 * This file is the descriptor and the check of the options; http.h says what is where.
 * Limits: those of client.c; PLATES ready answers a worker.
 */
#include "http.h"

static const struct gyre_option options[] = {
    GYRE_OPT_PATH(http_conf, root, NULL, "The folder whose files are served; required."),
    GYRE_OPT_TEXT(http_conf, index, "index.html", "The file that stands for a folder."),
    GYRE_OPT_TEXT(
        http_conf, not_found, "404.html",
        "A file below root that is shown, with status 404, for what is not there. Without "
        "it, or if this is off, a short page is made."),
    GYRE_OPT_TEXT(http_conf, server, "gyre", "Text of the field Server, or off."),
    GYRE_OPT_TEXT(http_conf, charset, "utf-8", "Charset of text files, or off."),
    GYRE_OPT_BOOL(
        http_conf, etag, "yes",
        "Send entity tags. They are made of a file's number, time and size, so servers with "
        "copies of the same files differ."),
    GYRE_OPT_TEXT(http_conf, cache_control, NULL,
                  "Text of the field Cache-Control of files, as in: public, max-age=3600."),
    {0},
};

static bool complain(gyre_out *why, const char *option, const char *text)
{
    gyre_put(why, gyre_str(option));
    gyre_put(why, gyre_str(text));
    return false;
}

/* A text that goes into heads. */
static bool check_text(gyre_view *text, const char *option, gyre_out *why)
{
    if (gyre_eqi(*text, GYRE_LIT("off"))) *text = GYRE_NOTHING;
    if (text->n > OPTION_TEXT_MOST) return complain(why, option, " is longer than 200 bytes");
    for (size_t i = 0; i < text->n; i++)
        if (text->p[i] < 0x20 || text->p[i] > 0x7e)
            return complain(why, option, " has a character that no head may have: use plain ASCII");
    return true;
}

/* The name of a file below root. */
static bool check_name(gyre_view name, const char *option, gyre_out *why)
{
    if (name.n > OPTION_TEXT_MOST) return complain(why, option, " is longer than 200 bytes");
    if (name.n && name.p[0] == '/')
        return complain(why, option, " is a name below root: leave out the slash in front");
    return true;
}

static bool http_load(struct gyre_section *section, void *conf_space, gyre_out *why)
{
    struct http_conf *conf = conf_space;
    uint8_t space[4096 + 8];
    gyre_out want = GYRE_OUT(space);
    if (!conf->root.n)
        return complain(why, "root", " is missing: name a folder to serve, as in root = /srv/www");
    if (!conf->index.n) return complain(why, "index", " is empty: name a file, as in index.html");
    if (gyre_eqi(conf->not_found, GYRE_LIT("off"))) conf->not_found = GYRE_NOTHING;
    if (!check_name(conf->index, "index", why) || !check_name(conf->not_found, "not_found", why))
        return false;
    if (!check_text(&conf->server, "server", why) || !check_text(&conf->charset, "charset", why) ||
        !check_text(&conf->cache_control, "cache_control", why))
        return false;
    gyre_put(&want, GYRE_LIT("path:"));
    gyre_put(&want, conf->root);
    gyre->random(&conf->mark, sizeof conf->mark);
    conf->folder = gyre->want(section, gyre_built(&want));
    if (conf->folder >= 0) return true;
    gyre_put(why, GYRE_LIT("root = "));
    gyre_put(why, conf->root);
    if (conf->folder == GYRE_ABSENT) return complain(why, "", ": there is no such folder");
    return complain(why, "", ": this folder cannot be opened");
}

/* ---- what the host reads ---- */

static const struct gyre_proto home = {
    GYRE_PROTO,
    .state_size = sizeof(struct http_home),
    .timers = 1,
    .on_timer = leave_later,
};
static const struct gyre_metric metrics[] = {
    {"requests", GYRE_COUNTER, "requests that were understood"},
    {"client_errors", GYRE_COUNTER, "answers with status 400 to 499"},
    {"server_errors", GYRE_COUNTER, "answers with status 500 to 599"},
    {0},
};
static const struct gyre_need needs[] = {{"file/1", &http_file, 0}, {0}};

GYRE_PLUGIN(.name = "http", .version = "1.0", .summary = "static files over HTTP/1.0 and 1.1",
            .conf_size = sizeof(struct http_conf), .stream = &http_stream, .home = &home,
            .options = options, .metrics = metrics, .needs = needs, .on_load = http_load);

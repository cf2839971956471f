/* SPDX-License-Identifier: GPL-3.0-or-later
 * option.c - the options that the host itself has: the limits of a section, [server].
 *
 * The tables are data: parsing, checking, the manual and conf.d come from them. Presets restate
 * limits.h as users write them; a unit test holds the two together.
 * Promise: limits are always whole: what no entry says comes from the plugin, or from the table.
 */
#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "core.h"

#define ROW(name, kind, preset, range, help) {name, preset, range, help, kind}

const struct option_info host_options[] = {
    ROW("listen", GYRE_STRING | GYRE_LIST, NULL, NULL,
        "Where to listen: tcp:HOST:PORT, udp:HOST:PORT or unix:/path. HOST is an IPv4 address, an "
        "[IPv6] address, localhost, or * for all."),
    ROW("message_max", GYRE_SIZE, "64k", "1..256m",
        "The longest message; a longer one closes the stream."),
    ROW("high_mark", GYRE_SIZE, "64k", "1..1g",
        "Output waiting for a peer beyond which nothing more is read from it."),
    ROW("out_max", GYRE_SIZE, "1m", "4k..1g",
        "Output waiting for a peer beyond which its stream is closed. Never less than high_mark."),
    ROW("in_max", GYRE_SIZE, "256k", "4k..1g",
        "Input of a peer that waits to be handled. Never less than message_max."),
    ROW("streams_max", GYRE_INT, "65536", "1..4000000",
        "Streams open at one time; more are refused."),
    ROW("per_address_max", GYRE_INT, "1024", "1..4000000",
        "Streams open at one time from one address; more are refused."),
    ROW("memory_max", GYRE_SIZE, "256m", "1m..1024g", "Memory of the section, over all workers."),
    ROW("handshake_time", GYRE_TIME, "never", "1ms..365d|never",
        "From the opening of a stream to its first whole message."),
    ROW("message_time", GYRE_TIME, "30s", "1ms..365d|never",
        "From the first byte of a message to its last."),
    ROW("idle_time", GYRE_TIME, "5m", "1ms..365d|never",
        "A stream on which nothing happens is closed after this."),
    ROW("total_time", GYRE_TIME, "never", "1ms..365d|never", "A stream is closed after this."),
    ROW("group", GYRE_STRING, NULL, NULL,
        "Sections of one group share a process: a name in lower case. Without it each plugin has a "
        "process of its own."),
    ROW("user", GYRE_STRING, NULL, NULL,
        "The user that its process runs as, where the server runs as root. Without it: that of "
        "[server]."),
    {0}};

const struct option_info server_options[] = {
    ROW("workers", GYRE_INT, "auto", "1..64|auto", "Threads of each service; auto: one per core."),
    ROW("plugins", GYRE_PATH, NULL, NULL,
        "The folder of plugins. Without it: the one this program was built or installed with."),
    ROW("run", GYRE_PATH, NULL, NULL,
        "The folder for what exists only while the server runs: the control socket, copies of "
        "plugins. Without it: a folder below /run, or below XDG_RUNTIME_DIR."),
    ROW("log_level", GYRE_CHOICE, "info", "debug|info|warn|error", "The least that is logged."),
    ROW("log", GYRE_STRING, "stderr", NULL,
        "Where lines go once the configuration is in force: stderr, journal, syslog, or the path "
        "of a file with a '/' in it. journal:PATH and syslog:PATH are sockets elsewhere."),
    ROW("log_max", GYRE_SIZE, "10m", "0..1024g",
        "A log file of this size is renamed to FILE.1, and a new one is begun; 0: never."),
    ROW("log_keep", GYRE_INT, "5", "1..1000", "How many of them are kept: FILE.1, FILE.2, …"),
    ROW("ring", GYRE_CHOICE, "auto", "auto|io_uring|epoll",
        "How the server waits for the kernel; auto: io_uring, or epoll where that is not allowed."),
    ROW("sandbox", GYRE_CHOICE, "auto", "auto|require|off",
        "Whether a service may do only what its configuration grants; auto: as far as this kernel "
        "can enforce it; require: a service does not start where something is missing."),
    ROW("user", GYRE_STRING, NULL, NULL,
        "The user of services, where the server runs as root. Without it: gyre, or where there is "
        "no such user a number for each service that is nobody else's."),
    ROW("drain_time", GYRE_TIME, "30s", "1ms..365d|never",
        "How long streams may take to end when the server stops or their section is removed."),
    ROW("stay_time", GYRE_TIME, "1h", "1ms..365d|never",
        "How long streams may stay on a process that was replaced, by a new plugin file or an "
        "upgrade; then they are told to leave, one after the other within drain_time."),
    ROW("callback_max", GYRE_TIME, "1s", "10ms..365d|never",
        "A callback of a plugin that takes longer is stuck: its process is ended, which is "
        "reported, and started again."),
    ROW("refuse_time", GYRE_TIME, "5m", "1s..365d|never",
        "How long a service refuses an address whose input has killed it twice; never: it does "
        "not."),
    ROW("refuse_loopback", GYRE_BOOL, "no", NULL,
        "Whether that holds for 127.0.0.1 and ::1, too, from where proxies come."),
    ROW("breaker_refuse", GYRE_TIME, "30s", "1ms..365d|never",
        "A service that keeps crashing is tried again now and then; after this, connections that "
        "wait for it are refused; never: they wait on."),
    {0}};

size_t option_count(const struct option_info *options)
{
    size_t n = 0;
    while (options[n].name) n++;
    return n;
}

const struct option_info *option_named(const struct option_info *options, size_t n,
                                       const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(options[i].name, name)) return &options[i];
    return NULL;
}

const char *option_nearest(const char *word, const struct option_info *a, size_t a_n,
                           const struct option_info *b, size_t b_n)
{
    struct nearest near = {.word = word};
    for (size_t i = 0; i < a_n; i++) nearest_try(&near, a[i].name);
    for (size_t i = 0; i < b_n; i++) nearest_try(&near, b[i].name);
    return near.name;
}

const char *option_preset(const struct option_info *o, const struct plugin_info *info,
                          char space[32])
{
    int64_t own = 0;
    bool hosts = o >= host_options && o < host_options + sizeof host_options / sizeof *host_options;
    if (!info || !hosts) return o->preset;
    if (!strcmp(o->name, "message_max")) own = info->message_max;
    if (!strcmp(o->name, "high_mark")) own = info->high_mark;
    if (!strcmp(o->name, "idle_time")) own = GYRE_MS(info->idle_ms);
    if (!strcmp(o->name, "handshake_time")) own = GYRE_MS(info->handshake_ms);
    if (!own) return o->preset;
    option_number_text(o->kind, own, space, 32);
    return space;
}

/* ---- limits ---- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool option_limits(const struct gyre_proto *stream, const struct entry *entries, size_t n,
                   struct limits *limits, char *why, size_t why_n)
{
    struct plugin_info info = {0};
    struct {
        const char *name;
        int64_t *to;
    } fields[] = {{"message_max", &limits->message_max},
                  {"high_mark", &limits->high_mark},
                  {"out_max", &limits->out_max},
                  {"in_max", &limits->in_max},
                  {"streams_max", &limits->streams_max},
                  {"per_address_max", &limits->per_address_max},
                  {"memory_max", &limits->memory_max},
                  {"handshake_time", &limits->handshake_ms},
                  {"message_time", &limits->message_ms},
                  {"idle_time", &limits->idle_ms},
                  {"total_time", &limits->total_ms}};
    if (stream) {
        info.message_max = stream->message_max;
        info.high_mark = stream->high_mark;
        info.idle_ms = stream->idle_ms;
        info.handshake_ms = stream->handshake_ms;
    }
    *limits = (struct limits){.drain_ms = LIMIT_DRAIN_MS};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct option_info *o =
            option_named(host_options, option_count(host_options), fields[i].name);
        struct option_value value;
        char space[32];
        if (!option_given(o, entries, n, option_preset(o, &info, space), &value, why, why_n))
            return false;
        *fields[i].to = o->kind == GYRE_TIME && value.number != GYRE_NEVER
                            ? value.number / GYRE_MS(1) : value.number;
    }
    limits->in_max = larger(limits->in_max, limits->message_max);
    limits->out_max = larger(limits->out_max, limits->high_mark);
    return true;
}

/* ---- [server] ---- */

static int64_t whole_ms(int64_t ns)
{
    return ns == GYRE_NEVER ? ns : ns / GYRE_MS(1);
}

bool server_settings_read(const struct config *c, struct server_settings *settings)
{
    const struct conf_section *s = config_section(c, "server");
    struct option_value values[sizeof server_options / sizeof *server_options] = {0};
    char why[PROBLEM_TEXT];
    bool no_memory = false;
    /* rows of server_options */
    enum { WORKERS, PLUGINS, RUN, LOG_LEVEL, LOG, LOG_MAX, LOG_KEEP, RING, SANDBOX, USER,
           DRAIN_TIME, STAY_TIME, CALLBACK_MAX, REFUSE_TIME, REFUSE_LOOPBACK, BREAKER_REFUSE };
    for (size_t i = 0; server_options[i].name; i++) {
        const struct option_info *o = &server_options[i];
        errno = 0;
        bool good = s && option_given(o, s->entries, s->entries_n, o->preset, &values[i], why,
                                      sizeof why);
        if (!good) (void)option_given(o, NULL, 0, o->preset, &values[i], why, sizeof why);
        no_memory = no_memory || errno == ENOMEM;
    }
    *settings = (struct server_settings){
        .workers = (uint32_t)values[WORKERS].number,
        .plugins = values[PLUGINS].text,
        .run = values[RUN].text,
        .log_level = (enum gyre_level)values[LOG_LEVEL].number,
        .log = values[LOG].text,
        .log_max = values[LOG_MAX].number,
        .log_keep = values[LOG_KEEP].number,
        .ring = (enum ring_kind)values[RING].number,
        .sandbox = (enum jail_mode)values[SANDBOX].number,
        .drain_ms = whole_ms(values[DRAIN_TIME].number),
        .stay_ms = whole_ms(values[STAY_TIME].number),
        .callback_ms = whole_ms(values[CALLBACK_MAX].number),
        .refuse_ms = whole_ms(values[REFUSE_TIME].number),
        .breaker_refuse_ms = whole_ms(values[BREAKER_REFUSE].number),
        .refuse_loopback = values[REFUSE_LOOPBACK].number != 0,
    };
    free(values[USER].text); /* user.c reads the entry */
    if (no_memory) server_settings_free(settings);
    return !no_memory;
}

void server_settings_free(struct server_settings *settings)
{
    free(settings->plugins);
    free(settings->run);
    free(settings->log);
    *settings = (struct server_settings){0};
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * config.h - from INI text to checked sections. The supervisor and gyre-test use it; a service
 * receives sections entry by entry (message.h) and fills conf structs from them.
 *
 * ini.c reads text (alone knows inih). config.c turns a folder into sections. endpoint.c reads
 * "tcp:host:port". value.c is one value and its range. check.c judges whole sections. option.c has
 * the host's own options. fill.c makes conf structs. metadata.c is what a plugin says of itself,
 * describe.c shows it to people. nearest.c asks "did you mean". safe.c judges who may write a file.
 * Promise: every error of a run is reported, each "file:line: message", with the nearest name.
 */
#ifndef GYRE_CONFIG_H
#define GYRE_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "gyre.h"
#include "jail.h"
#include "limits.h"
#include "ring.h"

/* ---- problem.c: all problems, reported together ---- */

enum { PROBLEM_TEXT = 512 }; /* fits every `why` below, but for a long path in it */

struct problem {
    bool warning;
    char *text; /* "20-http.ini:4: unknown key 'rot', did you mean 'root'?" */
};
struct problems {
    struct problem *at;
    size_t n, errors;
};
void problem_add(struct problems *, bool warning, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void problems_free(struct problems *);

/* ---- ini.c ---- */

/* One key of one section. Values are whole: continuation lines are joined by one space. */
typedef bool ini_key(void *user, const char *section, uint32_t section_line, const char *key,
                     const char *value, uint32_t line);
/* Reads text, calls on_key in order. Each section line is told with key and value NULL, before
 * its keys. Syntax errors go to problems as "name:line: …". false: there was one, or on_key said
 * false, which ends the reading. */
bool ini_read(const char *name, gyre_view text, ini_key *, void *user, struct problems *);

/* What stands where, for who changes the text: line number n is lines[n - 1]. */
enum ini_kind {
    INI_BLANK,
    INI_COMMENT, /* a whole line; one behind a value is a part of that line */
    INI_SECTION,
    INI_KEY,
    INI_MORE, /* goes on with the value of the key above */
};
struct ini_line { /* offsets into the text */
    enum ini_kind kind;
    size_t begin, end;     /* the line, with its end */
    size_t text, text_end; /* without blanks at its ends, and without a comment behind it */
    size_t value;          /* of a key: where its value begins. 0: the '=' is not on this line */
};
struct ini_map {
    struct ini_line *lines;
    size_t n, cap;
};
/* The same as ini_read, and a map of all lines that were read; ini_map_free it. */
bool ini_read_map(const char *name, gyre_view text, ini_key *, void *user, struct ini_map *,
                  struct problems *);
void ini_map_free(struct ini_map *);

/* ---- config.c ---- */

struct entry {
    char *key, *value;
    char where[LIMIT_NAME + 16]; /* "20-http.ini:14" */
    char *folder;                /* of its file, absolute: relative paths start there */
    bool is_file;                /* as written it begins with @: config_check reads that file if
                                    the option is a secret or a text; elsewhere @ means nothing */
};
void entry_free(struct entry *); /* its texts, wiped: a value may be a secret */
struct conf_section {
    char *name;     /* "http blog.example.org" */
    char *plugin;   /* "http" */
    char *instance; /* "blog.example.org", or "" */
    char where[LIMIT_NAME + 16];
    struct entry *entries;
    size_t entries_n;
    uint64_t hash;  /* of keys and values: equal means unchanged */
};
struct conf_file {
    char *name; /* "20-http.ini" */
    gyre_view text;
};
struct config {
    struct conf_section *sections; /* in order of files and lines; [server] is one of them */
    size_t n;
    struct conf_file *files; /* as they were read; in order */
    size_t files_n;
};
/* What one file of the folder is to become. */
struct conf_draft {
    const char *file; /* "20-http.ini"; it need not be there yet */
    gyre_view text;   /* borrowed */
    bool gone;        /* it is to go */
};
/* Reads every *.ini of the folder in name order (or one file). ${NAME} is replaced from the
 * environment; $${ is a plain ${. Checks that files and folders belong to root or this user, and
 * are writable by nobody else. Two sections of one name are an error. NULL: errors are in
 * problems. */
struct config *config_read(const char *folder, struct problems *);
/* The same, but what could be read in spite of errors comes back, so that more of them are found.
 * NULL: nothing could. */
struct config *config_read_all(const char *folder, struct problems *);
/* The same with a draft in place of its file; NULL is none. */
struct config *config_read_draft(const char *folder, const struct conf_draft *, struct problems *);
void config_free(struct config *);
const struct conf_file *config_file(const struct config *, const char *name); /* config or NULL */
/* "http  blog.example.org" becomes name, plugin and instance of an empty section, to be freed by
 * conf_section_free in any case. Not NULL: why it is no name of a section. */
const char *conf_section_split(const char *text, struct conf_section *);
void conf_section_free(struct conf_section *);
const struct conf_section *config_section(const struct config *, const char *name);
uint64_t config_hash(const struct conf_section *); /* of name, keys, values and folders */
/* A name of a plugin, option or group: 1 to LIMIT_NAME - 1 of [a-z0-9_-]. */
bool name_is_valid(const char *);

/* ---- nearest.c: "did you mean"; {.word = "rot"}, then each name, then look at name ---- */

struct nearest {
    const char *word;
    const char *name; /* the nearest so far; NULL: none is near */
    size_t distance;
};
void nearest_try(struct nearest *, const char *name);

/* ---- endpoint.c ---- */

enum endpoint_kind { ENDPOINT_TCP, ENDPOINT_UDP, ENDPOINT_UNIX };
struct endpoint {
    enum endpoint_kind kind;
    union ring_address address;
    socklen_t address_n;
    char text[128];   /* "tcp:127.0.0.1:8080", one address: how users see it */
};
/* Reads "tcp:HOST:PORT", "udp:…", "unix:/path" for listening. HOST: an IPv4 or [IPv6] literal,
 * "*" (all of both families) or "localhost" (127.0.0.1 and [::1]): up to two endpoints.
 * 0: wrong, why says what and the right form. */
size_t endpoint_listen(const char *text, struct endpoint out[2], char *why, size_t why_n);
/* Reads a dial target into its parts; the host may be a name. */
bool endpoint_dial(gyre_view text, enum endpoint_kind *, char host[256], uint16_t *port,
                   char *why, size_t why_n);

/* ---- metadata.c: what a plugin declares, as plain data of the host ---- */

struct option_info {
    char *name, *preset, *range, *help; /* preset, range: NULL when there is none */
    uint32_t kind;                      /* enum gyre_kind */
};
struct need_info {
    char *id;
    bool optional;
    bool messages; /* a message interface (wide/1): no table */
};
struct plugin_info {
    char *name, *version, *summary;
    char *text; /* what metadata_read has read */
    uint32_t target, flags;
    bool streams, datagrams; /* what it can listen on */
    uint32_t message_max, high_mark, idle_ms, handshake_ms; /* of its stream kind; 0: the host's */
    struct option_info *options;
    size_t options_n;
    struct need_info *needs, *offers; /* optional is meaningless in offers */
    size_t needs_n, offers_n;
    char **metrics;
    size_t metrics_n;
};
/* Writes a loaded descriptor as text, one record a line; the throwaway child does. false: it is
 * malformed, and the text says so, or writing failed. */
bool metadata_write(const struct gyre_plugin *, FILE *);
/* Reads that text, at most LIMIT_METADATA bytes, untrusted. NULL: why says what is wrong. */
struct plugin_info *metadata_read(gyre_view text, char *why, size_t why_n);
void metadata_free(struct plugin_info *);
/* Row i of a plugin's table whose rows are `stride` bytes: copies what both sides know into row
 * and zeroes the rest. */
void descriptor_row(const void *rows, uint32_t stride, size_t i, void *row, size_t row_n);

/* ---- value.c: one value ---- */

/* Ranges: "1..64", "1k..1g", "1s..1d"; "…|never" lets a time be GYRE_NEVER, "…|auto" lets a number
 * be 0 by that word; NULL is anything from 0 up. Of a choice: its words, "off|basic|full". */
struct option_value {
    int64_t number; /* BOOL INT SIZE TIME CHOICE */
    char *text;     /* STRING PATH SECRET: allocated */
};
/* Checks and converts one value. false: why says what is wrong and what would be right. */
bool option_value(const struct option_info *, const char *text, const char *folder,
                  struct option_value *, char *why, size_t why_n);
/* The same of an entry of that option. why names key and value, but never a secret. */
bool option_entry(const struct option_info *, const struct entry *, struct option_value *,
                  char *why, size_t why_n);
/* The value of an option that is no list: of the first entry with its name, else of the preset,
 * else zero. A relative preset starts at the folder of the first entry. */
bool option_given(const struct option_info *, const struct entry *, size_t n,
                  const char *preset_or_null, struct option_value *, char *why, size_t why_n);
/* Kind, range and preset fit together, and the preset can be written in a file. */
bool option_is_sound(const struct option_info *, char *why, size_t why_n);
/* For people: "time, 1s to 1d, or never". */
void option_form(const struct option_info *, char *out, size_t n);
/* A size or a time as users write it: "64k", "5m", "never"; other kinds in decimal. */
void option_number_text(uint32_t kind, int64_t number, char *out, size_t n);

/* ---- option.c ---- */

/* Options that the host gives every section: listen, message_max … ended by name NULL. */
extern const struct option_info host_options[];
/* Options of [server]. */
extern const struct option_info server_options[];

const struct option_info *option_named(const struct option_info *, size_t n, const char *name);
size_t option_count(const struct option_info *); /* of a table that ends with name NULL */
/* The name nearest to `word` among options of both tables, or NULL when none is near. */
const char *option_nearest(const char *word, const struct option_info *a, size_t a_n,
                           const struct option_info *b, size_t b_n);
/* The preset of an option for a plugin: of a host option, what the plugin declares goes before.
 * The text is the option's own or stands in space. NULL: none. */
const char *option_preset(const struct option_info *, const struct plugin_info *or_null,
                          char space[32]);

/* The limits of a section from its entries, else from the stream kind, else the host's presets. */
struct limits;
bool option_limits(const struct gyre_proto *stream_or_null, const struct entry *, size_t n,
                   struct limits *, char *why, size_t why_n);

/* ---- fill.c ---- */

/* Fills a plugin's conf struct (conf_size bytes, zeroed by the caller) from entries, presets first.
 * alloc gives memory that lives as long as conf. false: why. The entries were checked before, but
 * by another process: everything is checked again. */
bool option_fill(const struct gyre_plugin *, const struct entry *, size_t n, void *conf,
                 void *(*alloc)(void *user, size_t n), void *user, char *why, size_t why_n);

/* ---- check.c ---- */

/* Checks every entry of a section: unknown keys, values, repeated keys that are no lists, listen
 * on what the plugin cannot serve. Values of @file become that file's text, its last newline off.
 * [server] is checked against server_options. Plugin NULL (it is not there): host options alone. */
void config_check(struct conf_section *, const struct plugin_info *, struct problems *);
/* No two listen lines of all sections want the same address. */
void config_check_listens(const struct config *, struct problems *);

struct server_settings {
    uint32_t workers;          /* 0: one for each core */
    char *plugins, *run;       /* absolute; NULL: not configured */
    enum gyre_level log_level;
    enum ring_kind ring;
    enum jail_mode sandbox;
    /* or GYRE_NEVER */
    char *log;                 /* as written */
    int64_t log_max, log_keep;
    int64_t drain_ms, stay_ms, callback_ms, refuse_ms, breaker_refuse_ms;
    bool refuse_loopback;
};
/* What [server] says; presets for the rest, and for what is wrong. false: no memory. */
bool server_settings_read(const struct config *, struct server_settings *);
void server_settings_free(struct server_settings *);

/* ---- describe.c ---- */

/* Commented INI with every option at its preset ("gyrectl describe"), and the same table as
 * Markdown for a plugin's README. Plugin NULL: of [server]. */
void describe_ini(FILE *, const struct plugin_info *);
void describe_markdown(FILE *, const struct plugin_info *);
#endif

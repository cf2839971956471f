/* SPDX-License-Identifier: GPL-3.0-or-later
 * ini.c - the target for configurations: the input is a file of conf.d, read and checked.
 *
 * Sections of any name are checked against one plugin that has an option of each kind.
 * Oracles: a problem names a line that is there; what is checked without errors can be filled into
 * a conf struct, and has limits; CRLF means the same as LF; a second reading is equal to the first.
 * Owns a folder in $TMPDIR, removed at the end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "config.h"
#include "core.h"
#include "fuzz.h"

const char fuzz_past[] = "were right";

struct conf { /* an option of each kind */
    int64_t flag, number, size, time, choice;
    gyre_view text, path, secret;
    struct gyre_list list, paths;
};
static const struct gyre_option options[] = {
    GYRE_OPT_BOOL(conf, flag, "yes", "A flag."),
    GYRE_OPT_INT(conf, number, "7", "-5..500|auto", "A number."),
    GYRE_OPT_SIZE(conf, size, "64k", "1k..1g", "A size."),
    GYRE_OPT_TIME(conf, time, "5s", "1s..1d|never", "A time."),
    GYRE_OPT_CHOICE(conf, choice, "off", "off|basic|full", "A word."),
    GYRE_OPT_TEXT(conf, text, "hello", "A text."),
    GYRE_OPT_PATH(conf, path, "place", "A path."),
    GYRE_OPT_SECRET(conf, secret, "A secret."),
    GYRE_OPT_LIST(conf, list, "Texts."),
    GYRE_OPT_PATHS(conf, paths, "Paths."),
    {0},
};
static const struct gyre_proto stream = {GYRE_PROTO, .message_max = 1000};
static const struct gyre_plugin plugin = {
    .size = sizeof plugin, .target = GYRE_TARGET, .option_size = sizeof *options,
    .metric_size = sizeof(struct gyre_metric), .need_size = sizeof(struct gyre_need),
    .offer_size = sizeof(struct gyre_offer), .conf_size = sizeof(struct conf), .name = "test",
    .version = "1", .summary = "A test", .stream = &stream, .port = &stream, .options = options};

static struct plugin_info *info;
static char folder[256], file[300];

void fuzz_begin(const char *unused)
{
    const char *tmp = getenv("TMPDIR");
    char *text = NULL, why[PROBLEM_TEXT];
    size_t n = 0;
    (void)unused;
    snprintf(folder, sizeof folder, "%s/gyre-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    clearenv();
    if (!mkdtemp(folder) || setenv("NAME", "value", 1) || setenv("EMPTY", "", 1))
        fuzz_wrong("start", "no folder %s", folder);
    snprintf(file, sizeof file, "%s/20-test.ini", folder);
    FILE *f = open_memstream(&text, &n);
    if (!f || !metadata_write(&plugin, f) || fclose(f)) fuzz_wrong("start", "no memory");
    info = metadata_read(gyre_str(text), why, sizeof why);
    if (!info) fuzz_wrong("start", "%s", why);
    free(text);
}

void fuzz_end(void)
{
    metadata_free(info);
    (void)unlink(file);
    (void)rmdir(folder);
}

static void write_file(gyre_view text, bool crlf)
{
    FILE *f = fopen(file, "we");
    if (!f) fuzz_wrong("start", "cannot write %s", file);
    for (size_t i = 0; crlf && i < text.n; i++) {
        if (text.p[i] == '\n') fputc('\r', f);
        fputc(text.p[i], f);
    }
    if (!crlf && text.n) fwrite(text.p, 1, text.n, f);
    fclose(f);
}

static struct config *read_and_check(struct problems *problems)
{
    struct server_settings settings;
    struct config *c = config_read_all(file, problems);
    for (size_t i = 0; c && i < c->n; i++) config_check(&c->sections[i], info, problems);
    if (c) config_check_listens(c, problems);
    if (c && server_settings_read(c, &settings)) server_settings_free(&settings);
    return c;
}

/* "20-test.ini:LINE: …" */
static void check_problems(const struct problems *problems, uint64_t lines)
{
    static const char name[] = "20-test.ini:";
    size_t errors = 0;
    for (size_t i = 0; i < problems->n; i++) {
        const struct problem *p = &problems->at[i];
        errors += !p->warning;
        if (strncmp(p->text, name, sizeof name - 1) != 0) continue;
        uint64_t line = strtoull(p->text + sizeof name - 1, NULL, 10);
        if (!line || line > lines)
            fuzz_wrong("line", "of %llu lines: %s", (unsigned long long)lines, p->text);
    }
    if (errors > problems->errors) fuzz_wrong("problems", "more errors than are counted");
}

static void *taken[1 << 14];
static size_t taken_n;

static void *take(void *user, size_t n)
{
    (void)user;
    if (taken_n == sizeof taken / sizeof *taken) abort();
    return taken[taken_n++] = calloc(1, n ? n : 1);
}

/* What a service does with a section that the supervisor found right. */
static void check_filling(const struct conf_section *s)
{
    struct conf conf = {.flag = 0};
    struct limits limits;
    char why[PROBLEM_TEXT] = "";
    if (!strcmp(s->plugin, "server")) return;
    if (!option_fill(&plugin, s->entries, s->entries_n, &conf, take, NULL, why, sizeof why))
        fuzz_wrong("fill", "[%s] is checked, but cannot be filled: %s", s->name, why);
    if (!option_limits(&stream, s->entries, s->entries_n, &limits, why, sizeof why))
        fuzz_wrong("fill", "[%s] is checked, but has no limits: %s", s->name, why);
    if (limits.in_max < limits.message_max || limits.out_max < limits.high_mark)
        fuzz_wrong("fill", "[%s] has limits that do not fit together", s->name);
    while (taken_n) free(taken[--taken_n]);
}

static void check_equal(const struct config *a, const struct config *b, const char *how)
{
    bool same = a && b && a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = a->sections[i].hash == b->sections[i].hash;
    if (!same) fuzz_wrong(how, "the same text is another configuration");
}

static void read_again(gyre_view input, bool crlf, const struct config *first, size_t errors)
{
    struct problems problems = {0};
    write_file(input, crlf);
    struct config *c = read_and_check(&problems);
    if (problems.errors != errors)
        fuzz_wrong(crlf ? "crlf" : "again", "%zu errors, at first %zu", problems.errors, errors);
    if (!errors) check_equal(first, c, crlf ? "crlf" : "again");
    config_free(c);
    problems_free(&problems);
}

void fuzz_one(gyre_view input)
{
    uint64_t alive = alloc_live(), lines = 1;
    struct problems problems = {0};
    for (size_t i = 0; i < input.n; i++) lines += input.p[i] == '\n';
    write_file(input, false);
    struct config *c = read_and_check(&problems);
    if (fuzz_plants && problems.n > 2) lines = 1;
    check_problems(&problems, lines);
    size_t errors = problems.errors;
    for (size_t i = 0; c && !errors && i < c->n; i++) check_filling(&c->sections[i]);
    if (fuzz_shows)
        for (size_t i = 0; i < problems.n; i++) puts(problems.at[i].text);
    fuzz_count.past += c && !errors && c->n;
    fuzz_count.further += c && !errors && c->n > 1;
    if (c && fuzz_now_and_then(input, 8))
        read_again(input, !input.n || !memchr(input.p, '\r', input.n), c, errors);
    config_free(c);
    problems_free(&problems);
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
}

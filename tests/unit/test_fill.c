/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_fill.c - option.c and fill.c: host presets, limits of a section, a plugin's conf struct.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config.h"
#include "core.h"

static char why[PROBLEM_TEXT];

static struct entry entry(const char *key, const char *value)
{
    static char folder[] = "/etc/conf.d";
    struct entry e = {.key = (char *)(uintptr_t)key, .value = (char *)(uintptr_t)value,
                      .folder = folder};
    snprintf(e.where, sizeof e.where, "a.ini:%zu", strlen(value));
    return e;
}

/* ---- the host's own tables ---- */

Test(fill, host_options_are_sound)
{
    const struct option_info *const tables[] = {host_options, server_options};
    for (size_t t = 0; t < 2; t++)
        for (const struct option_info *o = tables[t]; o->name; o++) {
            cr_expect(option_is_sound(o, why, sizeof why), "%s: %s", o->name, why);
            cr_expect(name_is_valid(o->name));
            cr_expect_gt(strlen(o->help), 10);
            cr_expect_eq(option_named(tables[t], option_count(tables[t]), o->name), o, "%s twice",
                         o->name);
        }
}

/* limits.h says why each preset is what it is; the table says it to users. */
Test(fill, presets_are_those_of_limits_h)
{
    struct limits l;
    cr_assert(option_limits(NULL, NULL, 0, &l, why, sizeof why), "%s", why);
    cr_expect_eq(l.message_max, LIMIT_MESSAGE);
    cr_expect_eq(l.high_mark, LIMIT_HIGH_MARK);
    cr_expect_eq(l.out_max, LIMIT_OUT_MAX);
    cr_expect_eq(l.in_max, LIMIT_IN_MAX);
    cr_expect_eq(l.streams_max, LIMIT_STREAMS);
    cr_expect_eq(l.per_address_max, LIMIT_PER_ADDRESS);
    cr_expect_eq(l.memory_max, LIMIT_MEMORY);
    cr_expect_eq(l.handshake_ms, GYRE_NEVER);
    cr_expect_eq(l.message_ms, LIMIT_MESSAGE_MS);
    cr_expect_eq(l.idle_ms, LIMIT_IDLE_MS);
    cr_expect_eq(l.total_ms, GYRE_NEVER);
    cr_expect_eq(l.drain_ms, LIMIT_DRAIN_MS);
    cr_expect_str_eq(option_named(server_options, option_count(server_options), "workers")->range,
                     "1..64|auto");
    cr_expect_eq(LIMIT_WORKERS, 64);
}

Test(fill, limits_from_entries_before_the_plugin_before_the_host)
{
    struct limits l;
    const struct gyre_proto stream = {GYRE_PROTO, .message_max = 100, .high_mark = 3000,
                                      .idle_ms = 1500, .handshake_ms = 250};
    const struct entry entries[] = {entry("high_mark", "2k"), entry("idle_time", "never"),
                                    entry("other", "x"), entry("total_time", "2h")};
    cr_assert(option_limits(&stream, entries, 4, &l, why, sizeof why), "%s", why);
    cr_expect_eq(l.message_max, 100);
    cr_expect_eq(l.high_mark, 2048);
    cr_expect_eq(l.idle_ms, GYRE_NEVER);
    cr_expect_eq(l.handshake_ms, 250);
    cr_expect_eq(l.total_ms, 7200000);
    cr_expect_eq(l.message_ms, LIMIT_MESSAGE_MS);
}

Test(fill, limits_that_need_each_other)
{
    struct limits l;
    const struct entry entries[] = {entry("message_max", "10m"), entry("high_mark", "20m")};
    cr_assert(option_limits(NULL, entries, 2, &l, why, sizeof why), "%s", why);
    cr_expect_eq(l.in_max, 10 << 20);
    cr_expect_eq(l.out_max, 20 << 20);
}

Test(fill, limits_out_of_range)
{
    struct limits l;
    const struct entry wrong[] = {entry("in_max", "1")};
    const struct gyre_proto stream = {GYRE_PROTO, .message_max = UINT32_MAX};
    cr_expect(!option_limits(NULL, wrong, 1, &l, why, sizeof why));
    cr_expect_str_eq(why, "a.ini:1: in_max = 1: must be 4k to 1g");
    cr_expect(!option_limits(&stream, NULL, 0, &l, why, sizeof why));
    cr_expect_str_eq(why, "the preset message_max = 4294967295: must be 1 to 256m");
}

/* ---- conf structs ---- */

struct conf {
    uint64_t before;
    int64_t on, count, size, time, mode;
    gyre_view text, path, secret, none;
    struct gyre_list list, paths;
    uint64_t after;
};
static const struct gyre_option options[] = {
    GYRE_OPT_BOOL(conf, on, "yes", "help"),
    GYRE_OPT_INT(conf, count, "5", "1..10", "help"),
    GYRE_OPT_SIZE(conf, size, "64k", "1k..1g", "help"),
    GYRE_OPT_TIME(conf, time, "5s", "1s..1d|never", "help"),
    GYRE_OPT_CHOICE(conf, mode, "basic", "off|basic|full", "help"),
    GYRE_OPT_TEXT(conf, text, "hello", "help"),
    GYRE_OPT_PATH(conf, path, "www", "help"),
    GYRE_OPT_SECRET(conf, secret, "help"),
    GYRE_OPT_TEXT(conf, none, NULL, "help"),
    GYRE_OPT_LIST(conf, list, "help"),
    GYRE_OPT_PATHS(conf, paths, "help"),
    {0}};
static const struct gyre_plugin plugin = {
    .size = sizeof plugin, .option_size = sizeof *options, .conf_size = sizeof(struct conf),
    .name = "test", .options = options};

static void *blocks[64];
static size_t blocks_n, blocks_most = 64;

static void *take(void *user, size_t n)
{
    (void)user;
    return blocks_n < blocks_most ? blocks[blocks_n++] = malloc(n) : NULL;
}

static void give_all(void)
{
    while (blocks_n) free(blocks[--blocks_n]);
}

static bool fill(const struct gyre_plugin *p, const struct entry *entries, size_t n, void *conf)
{
    memset(why, 0, sizeof why);
    return option_fill(p, entries, n, conf, take, NULL, why, sizeof why);
}

static void expect_view(gyre_view view, const char *text)
{
    cr_expect(gyre_eq(view, gyre_str(text)), "%s", text);
    cr_expect_eq(view.p[view.n], 0, "texts end in a NUL");
}

Test(fill, presets)
{
    struct conf c = {.before = 1, .after = 2};
    const struct entry listen[] = {entry("listen", "tcp:*:80")};
    cr_assert(fill(&plugin, listen, 1, &c), "%s", why);
    cr_expect_eq(c.on, 1);
    cr_expect_eq(c.count, 5);
    cr_expect_eq(c.size, 65536);
    cr_expect_eq(c.time, GYRE_SECONDS(5));
    cr_expect_eq(c.mode, 1);
    expect_view(c.text, "hello");
    expect_view(c.path, "/etc/conf.d/www");
    cr_expect_null(c.secret.p);
    cr_expect_null(c.none.p);
    cr_expect_eq(c.list.n, 0);
    cr_expect_null(c.list.at);
    cr_expect(c.before == 1 && c.after == 2, "nothing else was written");
    give_all();
    cr_expect(!fill(&plugin, NULL, 0, &c));
    cr_expect_str_eq(why, "the preset path = www: must begin with /");
    give_all();
}

Test(fill, entries)
{
    struct conf c = {.before = 1, .after = 2};
    const struct entry entries[] = {
        entry("on", "off"), entry("list", "one"), entry("count", "10"), entry("size", "1m"),
        entry("time", "never"), entry("mode", "full"), entry("text", ""), entry("path", "/srv"),
        entry("secret", "@x"), entry("list", "three"), entry("paths", "a"),
        entry("idle_time", "1s")};
    cr_assert(fill(&plugin, entries, 12, &c), "%s", why);
    cr_expect_eq(c.on, 0);
    cr_expect_eq(c.count, 10);
    cr_expect_eq(c.size, 1 << 20);
    cr_expect_eq(c.time, GYRE_NEVER);
    cr_expect_eq(c.mode, 2);
    expect_view(c.text, "");
    expect_view(c.path, "/srv");
    expect_view(c.secret, "@x");
    cr_assert_eq(c.list.n, 2);
    expect_view(c.list.at[0].text, "one");
    cr_expect_str_eq(c.list.at[0].where, "a.ini:3");
    expect_view(c.list.at[1].text, "three");
    cr_expect_str_eq(c.list.at[1].where, "a.ini:5");
    cr_assert_eq(c.paths.n, 1);
    expect_view(c.paths.at[0].text, "/etc/conf.d/a");
    cr_expect(c.before == 1 && c.after == 2);
    give_all();
}

Test(fill, everything_is_checked_again)
{
    static const struct {
        const char *key, *value, *why;
    } cases[] = {
        {"onn", "yes", "a.ini:3: unknown key 'onn'"},
        {"count", "11", "a.ini:2: count = 11: must be 1 to 10"},
        {"mode", "x", "a.ini:1: mode = x: must be off, basic or full"},
        {"path", "", "a.ini:0: path = : a path is missing"},
        {"paths", "", "a.ini:0: paths = : a path is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf c = {0};
        const struct entry e = entry(cases[i].key, cases[i].value);
        cr_expect(!fill(&plugin, &e, 1, &c));
        cr_expect_str_eq(why, cases[i].why, "%s", why);
        give_all();
    }
    struct conf c = {0};
    const struct entry twice[] = {entry("text", "a"), entry("text", "bb")};
    cr_expect(!fill(&plugin, twice, 2, &c));
    cr_expect_str_eq(why, "a.ini:2: given twice");
    give_all();
}

Test(fill, without_memory)
{
    const struct entry entries[] = {entry("list", "one"), entry("list", "two"), entry("text", "x")};
    bool good = false;
    for (blocks_most = 0; !good && blocks_most < 64; blocks_most++) {
        struct conf c = {0};
        good = fill(&plugin, entries, 3, &c);
        cr_expect(good || strstr(why, "no memory"), "%zu: %s", blocks_most, why);
        give_all();
    }
    cr_expect(good);
    cr_expect_eq(blocks_most, 8, "text, path, list and two texts with their places");
}

Test(fill, fields_outside_of_the_struct)
{
    static const struct {
        struct gyre_option row;
        uint32_t conf_size;
    } cases[] = {
        {{"a", GYRE_INT, 1, 8, "1", NULL, ""}, 8},
        {{"a", GYRE_INT, UINT32_MAX, 8, "1", NULL, ""}, 8},
        {{"a", GYRE_INT, 0, 4, "1", NULL, ""}, 8},
        {{"a", GYRE_INT, 0, 8, "1", NULL, ""}, 0},
        {{"a", GYRE_STRING, 0, 8, "1", NULL, ""}, 16},
        {{"a", GYRE_STRING | GYRE_LIST, 8, 16, NULL, NULL, ""}, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t conf[16] = {0}, zero[16] = {0};
        struct gyre_option rows[2] = {cases[i].row};
        const struct gyre_plugin p = {.option_size = sizeof *rows, .options = rows,
                                      .conf_size = cases[i].conf_size};
        const struct entry e = entry("a", "1");
        cr_expect(!fill(&p, &e, 1, conf), "%zu", i);
        cr_expect_str_eq(why, "a: the option's field is not in the conf struct");
        cr_expect_arr_eq(conf, zero, sizeof conf);
        give_all();
    }
}

Test(fill, a_field_at_the_end_of_the_struct)
{
    int64_t conf[2] = {0};
    const struct gyre_option rows[] = {{"a", GYRE_INT, 8, 8, "7", NULL, ""}, {0}};
    const struct gyre_plugin p = {.option_size = sizeof *rows, .options = rows, .conf_size = 16};
    cr_expect(fill(&p, NULL, 0, conf), "%s", why);
    cr_expect(conf[0] == 0 && conf[1] == 7);
}

/* A plugin of a newer header has longer rows; the host walks by the plugin's stride. */
Test(fill, rows_of_another_size)
{
    struct longer {
        struct gyre_option row;
        uint64_t newer[2];
    } rows[] = {{GYRE_OPT_INT(conf, count, "7", NULL, "help"), {1, 2}},
                {GYRE_OPT_TEXT(conf, text, "far", "help"), {3, 4}},
                {{0}, {0}}};
    const struct gyre_plugin p = {.option_size = sizeof *rows, .conf_size = sizeof(struct conf),
                                  .options = &rows[0].row};
    struct conf c = {0};
    cr_assert(fill(&p, NULL, 0, &c), "%s", why);
    cr_expect_eq(c.count, 7);
    expect_view(c.text, "far");
    give_all();
    const struct gyre_plugin none = {.conf_size = 0};
    cr_expect(fill(&none, NULL, 0, NULL), "a plugin without options");
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_metadata.c - metadata.c and metadata_read.c: what plugins say of themselves, and lies.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config.h"

struct conf {
    int64_t count, idle;
    gyre_view motd, root;
    struct gyre_list routes;
};
static const struct gyre_option options[] = {
    GYRE_OPT_INT(conf, count, "5", "1..10", "How many; a \\ and a | are harmless"),
    GYRE_OPT_TIME(conf, idle, "never", "1s..1d|never", "help"),
    GYRE_OPT_TEXT(conf, motd, "", "help"),
    GYRE_OPT_PATH(conf, root, NULL, "help"),
    GYRE_OPT_LIST(conf, routes, "help"),
    {0}};
static const struct gyre_metric metrics[] = {
    {"hits", GYRE_COUNTER, "help"}, {"open", GYRE_GAUGE, "help"}, {0}};
static const void *slot;
static const struct gyre_need needs[] = {{"bus/1", &slot, 0}, {"store/12", &slot, 1}, {0}};
static const struct gyre_offer offers[] = {{"dns.zone/1", &slot}, {0}};
static const struct gyre_proto stream = {GYRE_PROTO, .message_max = 512, .high_mark = 4096,
                                         .idle_ms = 60000, .handshake_ms = 1500};
static const struct gyre_plugin whole = {
    .size = sizeof whole, .target = GYRE_MINOR, .option_size = sizeof *options,
    .metric_size = sizeof *metrics, .need_size = sizeof *needs, .offer_size = sizeof *offers,
    .flags = GYRE_ONE_WORKER, .conf_size = sizeof(struct conf), .name = "test_1-x",
    .version = "1.0", .summary = "A test", .stream = &stream, .options = options,
    .metrics = metrics, .needs = needs, .offers = offers};

static char why[PROBLEM_TEXT];
static char *text;
static size_t text_n;

static bool write_text(const struct gyre_plugin *p)
{
    FILE *to;
    bool good;
    free(text);
    text = NULL;
    to = open_memstream(&text, &text_n);
    good = metadata_write(p, to);
    fclose(to);
    return good;
}

static struct plugin_info *read_text(const char *t, size_t n)
{
    memset(why, 0, sizeof why);
    return metadata_read((gyre_view){(const uint8_t *)t, n}, why, sizeof why);
}

static void expect_refused_text(const char *t, const char *wanted)
{
    struct plugin_info *i = read_text(t, strlen(t));
    cr_expect_null(i, "taken: %s", t);
    cr_expect_str_eq(why, wanted, "%s: %s", t, why);
    metadata_free(i);
}

/* The plugin is written, and then refused for that reason. */
static void expect_refused(const struct gyre_plugin *p, const char *wanted)
{
    (void)write_text(p);
    struct plugin_info *i = read_text(text, text_n);
    cr_expect_null(i);
    cr_expect_str_eq(why, wanted, "%s", why);
    metadata_free(i);
}

Test(metadata, there_and_back)
{
    cr_assert(write_text(&whole));
    struct plugin_info *i = read_text(text, text_n);
    cr_assert_not_null(i, "%s", why);
    cr_expect_str_eq(i->name, "test_1-x");
    cr_expect_str_eq(i->version, "1.0");
    cr_expect_str_eq(i->summary, "A test");
    cr_expect_eq(i->target, GYRE_MINOR);
    cr_expect_eq(i->flags, GYRE_ONE_WORKER);
    cr_expect(i->streams && !i->datagrams);
    cr_expect_eq(i->message_max, 512);
    cr_expect_eq(i->high_mark, 4096);
    cr_expect_eq(i->idle_ms, 60000);
    cr_expect_eq(i->handshake_ms, 1500);
    cr_assert_eq(i->options_n, 5);
    cr_expect_str_eq(i->options[0].name, "count");
    cr_expect_eq(i->options[0].kind, GYRE_INT);
    cr_expect_str_eq(i->options[0].preset, "5");
    cr_expect_str_eq(i->options[0].range, "1..10");
    cr_expect_str_eq(i->options[0].help, "How many; a \\ and a | are harmless");
    cr_expect_str_eq(i->options[2].preset, "", "an empty preset is not a missing one");
    cr_expect_null(i->options[2].range);
    cr_expect_null(i->options[3].preset);
    cr_expect_eq(i->options[4].kind, GYRE_STRING | GYRE_LIST);
    cr_assert_eq(i->metrics_n, 2);
    cr_expect_str_eq(i->metrics[1], "open");
    cr_assert_eq(i->needs_n, 2);
    cr_expect_str_eq(i->needs[1].id, "store/12");
    cr_expect(i->needs[1].optional && !i->needs[0].optional);
    cr_assert_eq(i->offers_n, 1);
    cr_expect_str_eq(i->offers[0].id, "dns.zone/1");
    metadata_free(i);
    free(text);
}

Test(metadata, the_least)
{
    const struct gyre_plugin p = {.size = sizeof p, .target = 1, .name = "p", .version = "",
                                  .summary = "", .port = &stream};
    cr_assert(write_text(&p));
    struct plugin_info *i = read_text(text, text_n);
    cr_assert_not_null(i, "%s", why);
    cr_expect(!i->streams && i->datagrams);
    cr_expect_eq(i->message_max, 0);
    cr_expect_eq(i->options_n + i->metrics_n + i->needs_n + i->offers_n, 0);
    metadata_free(i);
    metadata_free(NULL);
    free(text);
}

/* A plugin of a newer header: its tables are longer, its rows wider. */
Test(metadata, strides_of_another_header)
{
    struct {
        struct gyre_plugin p;
        uint64_t newer[4];
    } p = {whole, {1, 2, 3, 4}};
    struct {
        struct gyre_option row;
        const char *newer;
    } rows[] = {{options[0], "x"}, {options[3], "y"}, {{0}, "z"}};
    struct {
        struct gyre_proto proto;
        void (*newer)(void);
    } longer = {stream, NULL};
    p.p.size = sizeof p;
    p.p.options = &rows[0].row;
    p.p.option_size = sizeof *rows;
    longer.proto.size = sizeof longer;
    p.p.stream = &longer.proto;
    cr_assert(write_text(&p.p));
    struct plugin_info *i = read_text(text, text_n);
    cr_assert_not_null(i, "%s", why);
    cr_assert_eq(i->options_n, 2);
    cr_expect_str_eq(i->options[1].name, "root");
    cr_expect_eq(i->message_max, 512);
    metadata_free(i);
    free(text);
}

Test(metadata, descriptors_of_a_wrong_size)
{
    static const uint32_t sizes[] = {0, 8, sizeof whole - 1, 5000, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct gyre_plugin p = whole;
        p.size = sizes[i];
        cr_expect(!write_text(&p));
        expect_refused(&p, "has a descriptor of a wrong size: is it built with gyre.h?");
        p = whole;
        p.need_size = sizes[i] == sizeof whole - 1 ? 7 : sizes[i];
        expect_refused(&p, "has tables with rows of a wrong size: is it built with gyre.h?");
        struct gyre_proto wrong = stream;
        wrong.size = sizes[i] == sizeof whole - 1 ? sizeof wrong - 1 : sizes[i];
        p = whole;
        p.stream = &wrong;
        expect_refused(&p, "has a stream of a wrong size: does it begin with GYRE_PROTO?");
    }
    free(text);
}

Test(metadata, wrong_names)
{
    struct gyre_plugin p = whole;
    p.name = NULL;
    expect_refused(&p, "has no name");
    p.name = "Http";
    expect_refused(&p, "has the name 'Http': a name has lower case letters, digits, _ and -, at "
                       "most 47");
    p.name = "server";
    expect_refused(&p, "has the name 'server', which is the host's");
    p.name = "a\tb\nc";
    expect_refused(&p, "has a text with control characters");
    char *much = malloc(LIMIT_TEXT + 2);
    memset(much, 'x', LIMIT_TEXT + 1);
    much[LIMIT_TEXT + 1] = 0;
    p.name = "p";
    p.summary = much;
    expect_refused(&p, "has a text of more than 2048 bytes");
    p.summary = much + 1;
    cr_expect(write_text(&p));
    struct plugin_info *i = read_text(text, text_n);
    cr_expect_not_null(i, "%s", why);
    metadata_free(i);
    free(much);
    free(text);
}

Test(metadata, newer_target)
{
    struct gyre_plugin p = whole;
    char wanted[200];
    p.target = GYRE_MINOR + 1;
    snprintf(wanted, sizeof wanted, "needs host minor %d, this is %d: update Gyre, or build the "
                                    "plugin with a lower GYRE_TARGET", GYRE_MINOR + 1, GYRE_MINOR);
    expect_refused(&p, wanted);
    free(text);
}

Test(metadata, stream_presets_out_of_range)
{
    struct gyre_plugin p = whole;
    struct gyre_proto wild = stream;
    wild.message_max = UINT32_MAX;
    p.stream = &wild;
    expect_refused(&p, "has a stream whose message_max is out of range: its preset '4294967295': "
                       "must be 1 to 256m");
    free(text);
}

Test(metadata, wrong_options)
{
    static const struct {
        struct gyre_option row;
        const char *wrong;
    } cases[] = {
        {{"listen", 4, 0, 16, NULL, NULL, "h"},
         "has an option 'listen': the host has an option of that name for every section: rename "
         "it"},
        {{"aB", 1, 0, 8, NULL, NULL, "h"},
         "has an option 'aB': a name has lower case letters, digits, _ and -, at most 47"},
        {{"a", 77, 0, 8, NULL, NULL, "h"}, "has an option 'a': its kind is unknown"},
        {{"a", 1, 0, 8, "11", "1..10", "h"},
         "has an option 'a': its preset '11': must be 1 to 10"},
        {{"a", 1, 0, 8, NULL, "10..1", "h"},
         "has an option 'a': its range makes no sense: write LOW..HIGH"},
        {{"a", 1, 0, 8, NULL, NULL, "a\nb"},
         "has an option 'a': has a text with control characters"},
        {{"twice", 1, 0, 8, NULL, NULL, "h"}, "has an option 'twice': it is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gyre_plugin p = whole;
        const struct gyre_option rows[] = {{"twice", 1, 0, 8, NULL, NULL, "h"}, cases[i].row, {0}};
        p.options = rows;
        expect_refused(&p, cases[i].wrong);
    }
    free(text);
}

Test(metadata, tables_without_an_end)
{
    static char names[LIMIT_OPTIONS + 2][8];
    static struct gyre_option many[LIMIT_OPTIONS + 2];
    static struct gyre_metric counts[LIMIT_METRICS + 2];
    static struct gyre_need ids[LIMIT_INTERFACES + 2];
    struct gyre_plugin p = whole;
    for (int i = 0; i < LIMIT_OPTIONS + 2; i++) {
        snprintf(names[i], sizeof names[i], "n%d/1", i);
        if (i < LIMIT_INTERFACES + 2) ids[i] = (struct gyre_need){names[i], &slot, 0};
    }
    p.needs = ids;
    expect_refused(&p, "needs more than 64 interfaces");
    memset(&ids[LIMIT_INTERFACES], 0, sizeof *ids);
    cr_expect(write_text(&p));
    struct plugin_info *info = read_text(text, text_n);
    cr_expect_not_null(info, "%s", why);
    metadata_free(info);
    for (int i = 0; i < LIMIT_OPTIONS + 2; i++) {
        names[i][strlen(names[i]) - 2] = 0;
        many[i] = (struct gyre_option){names[i], GYRE_INT, 0, 8, NULL, NULL, "h"};
        if (i < LIMIT_METRICS + 2) counts[i].name = names[i];
    }
    p = whole;
    p.options = many;
    expect_refused(&p, "has more than 256 options");
    p = whole;
    p.metrics = counts;
    expect_refused(&p, "has more than 32 metrics");
    free(text);
}

Test(metadata, wrong_interfaces_and_metrics)
{
    static const char *const bad[] = {"bus", "bus/", "/1", "bus/x", "bus/1x", "Bus/1", "", "b s/1",
                                      "a2345678901234567890123456789012345678901234567/1"};
    struct gyre_plugin p = whole;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct gyre_need rows[] = {{bad[i], &slot, 0}, {0}};
        char wanted[200];
        p.needs = rows;
        snprintf(wanted, sizeof wanted, "needs '%.48s', which is no name/REVISION like bus/1",
                 bad[i]);
        expect_refused(&p, wanted);
    }
    const struct gyre_offer twice[] = {{"a/1", &slot}, {"a/1", &slot}, {0}};
    p = whole;
    p.offers = twice;
    expect_refused(&p, "offers 'a/1' twice");
    const struct gyre_metric same[] = {{"a", 0, ""}, {"a", 0, ""}, {0}};
    p = whole;
    p.metrics = same;
    expect_refused(&p, "has two metrics 'a'");
    const struct gyre_metric odd[] = {{"a b", 0, ""}, {0}};
    p.metrics = odd;
    expect_refused(&p, "has a metric 'a b': a name has lower case letters, digits, _ and -");
    free(text);
}

#define HEAD "gyre-metadata\t1\n"
#define PLUGIN HEAD "plugin\tp\t1\ts\t1\t0\t1\t0\t0\t0\t0\t0\n"

Test(metadata, untrusted_text)
{
    struct plugin_info *i = read_text(PLUGIN "end\n", strlen(PLUGIN "end\n"));
    cr_expect_not_null(i, "%s", why);
    metadata_free(i);
    expect_refused_text("", "does not describe itself");
    expect_refused_text("gyre-metadata\t1", "does not describe itself");
    expect_refused_text("gyre-metadata\t2\n", "does not describe itself");
    expect_refused_text(HEAD, "stops in the middle of its description");
    expect_refused_text(HEAD "end\n", "has no name");
    expect_refused_text(HEAD "option\tp\t1\t\\N\t\\N\th\nend\n", "does not begin with its name");
    expect_refused_text(PLUGIN, "stops in the middle of its description");
    expect_refused_text(PLUGIN "end", "stops in the middle of its description");
    expect_refused_text(PLUGIN "end\nmore", "goes on after its end");
    expect_refused_text(PLUGIN "\nend\n", "says something that this host does not know");
    expect_refused_text(PLUGIN "what\nend\n", "says something that this host does not know");
    expect_refused_text(PLUGIN "plugin\tp\nend\n", "describes itself twice");
    expect_refused_text(HEAD "plugin\tp\t1\nend\n", "says too little about itself");
    expect_refused_text(HEAD "plugin\tp\t1\ts\t1\t0\t1\t0\t0\t0\t0\t0\t0\nend\n",
                        "says too much about itself");
    expect_refused_text(HEAD "plugin\t\\N\t1\ts\t1\t0\t1\t0\t0\t0\t0\t0\nend\n", "has no name");
    expect_refused_text(HEAD "plugin\tp\t1\ts\t1\t0\t2\t0\t0\t0\t0\t0\nend\n",
                        "has a number out of range");
    expect_refused_text(HEAD "plugin\tp\t1\ts\t1\t-1\t1\t0\t0\t0\t0\t0\nend\n",
                        "has a number out of range");
    expect_refused_text(HEAD "plugin\tp\t1\ts\t1\t4294967296\t1\t0\t0\t0\t0\t0\nend\n",
                        "has a number out of range");
    expect_refused_text(PLUGIN "option\t\\N\t1\t\\N\t\\N\th\nend\n",
                        "has an option without a name");
    expect_refused_text(PLUGIN "option\ta\t1\t\\N\t\\N\t\\N\nend\n",
                        "has an option 'a': it has no help");
    expect_refused_text(PLUGIN "option\ta\t1\t\\x\t\\N\th\nend\n",
                        "has an option 'a': has a text with control characters");
    expect_refused_text(PLUGIN "option\ta\t1\t\\\t\\N\th\nend\n",
                        "has an option 'a': has a text with control characters");
    expect_refused_text(PLUGIN "metric\ta\tb\nend\n", "says too much about itself");
    expect_refused_text(PLUGIN "need\ta/1\nend\n", "says too little about itself");
    expect_refused_text("refused: has no sense\n", "has no sense");
    expect_refused_text("refused: \n", "does not describe itself");
    expect_refused_text("refused: \\N\n", "does not describe itself");
    expect_refused_text("refused: \x1b[2J\n", "has a text with control characters");
}

Test(metadata, too_much_text)
{
    char *much = malloc(LIMIT_METADATA + 1);
    memset(much, '\n', LIMIT_METADATA + 1);
    cr_expect_null(read_text(much, LIMIT_METADATA + 1));
    cr_expect_str_eq(why, "says more than 2097152 bytes");
    free(much);
}

/* Cut off anywhere or with any byte changed: refused, or read as something sound; never a crash. */
Test(metadata, every_cut_and_every_change)
{
    cr_assert(write_text(&whole));
    for (size_t n = 0; n < text_n; n++) {
        struct plugin_info *i = read_text(text, n);
        cr_expect_null(i, "cut at %zu", n);
        metadata_free(i);
    }
    static const char bytes[] = "\0\t\n\\N/9\xff";
    for (size_t n = 0; n < text_n; n++)
        for (size_t b = 0; b < sizeof bytes; b++) {
            char was = text[n];
            text[n] = bytes[b];
            struct plugin_info *i = read_text(text, text_n);
            cr_expect(i || why[0]);
            metadata_free(i);
            text[n] = was;
        }
    free(text);
}

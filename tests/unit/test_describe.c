/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_describe.c - describe.c: what is printed can be read back, and means the presets.
 */
#include "conf_folder.h"

TestSuite(describe, .init = conf_begin, .fini = conf_end);

static struct option_info options[] = {
    {"root", "/srv/www", NULL, "The folder that is served.", GYRE_PATH},
    {"greeting", "@you ${HOME} $5 {}", NULL, "Said first. With a | and a <tag> and 2*3.",
     GYRE_STRING},
    {"route", NULL, NULL, "Where requests go.", GYRE_STRING | GYRE_LIST},
    {"mode", "basic", "off|basic|full", "How much of it.", GYRE_CHOICE},
    {"keep", "5s", "1s..1d|never", "A long text that says in very many words, more of them than go "
                                   "into one line, how long something is kept.", GYRE_TIME},
};
static struct plugin_info test = {.name = "test", .version = "1.0", .summary = "A test.",
                                  .streams = true, .datagrams = true, .message_max = 512,
                                  .idle_ms = 90000, .options = options,
                                  .options_n = sizeof options / sizeof *options};

static char *printed(void (*describe)(FILE *, const struct plugin_info *),
                     const struct plugin_info *info)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    describe(to, info);
    fclose(to);
    return text;
}

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "'%s' is not in\n%s", part, text);
}

Test(describe, ini_says_everything)
{
    char *text = printed(describe_ini, &test);
    cr_expect(!strncmp(text, "# test 1.0: A test.\n", 20));
    expect_part(text, "\n[test]\n");
    expect_part(text, "\n# The folder that is served.\n# Value: path\n;root = /srv/www\n");
    expect_part(text, "\n# Value: one of off, basic or full\n;mode = basic\n");
    expect_part(text, "\n# Value: time, 1s to 1d, or never\n;keep = 5s\n");
    expect_part(text, "\n# A long text that says in very many words, more of them than go into one "
                      "line, how long\n# something is kept.\n");
    expect_part(text, "\n;listen = tcp:HOST:PORT\n;listen = udp:HOST:PORT\n");
    expect_part(text, "\n;message_max = 512\n");
    expect_part(text, "\n;idle_time = 90s\n");
    expect_part(text, "\n;route =\n");
    expect_part(text, "\n;group =\n");
    for (const struct option_info *o = host_options; o->name; o++) expect_part(text, o->name);
    free(text);
}

/* As it is: a section without keys. With each ; taken away: every key means its preset. */
static void expect_readable(const struct plugin_info *info)
{
    char *text = printed(describe_ini, info);
    file("a.ini", text);
    struct config *c = read_good();
    cr_assert_eq(c->n, 1);
    cr_expect_eq(c->sections[0].entries_n, 0);
    config_free(c);

    FILE *to = fopen("a.ini", "w");
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        bool preset = line[0] == ';' && end[-1] != '=' && !strstr(line, "listen");
        fprintf(to, "%s\n", preset ? line + 1 : line);
    }
    fclose(to);
    c = read_good();
    config_check(&c->sections[0], info, &problems);
    expect_problems("");
    cr_expect_geq(c->sections[0].entries_n, 3);
    for (size_t i = 0; i < c->sections[0].entries_n; i++) {
        const struct entry *e = &c->sections[0].entries[i];
        const struct option_info *host = info ? host_options : server_options;
        const struct option_info *o = option_named(host, option_count(host), e->key);
        char space[32];
        if (!o) o = option_named(test.options, test.options_n, e->key);
        cr_assert_not_null(o);
        cr_expect_str_eq(e->value, option_preset(o, info, space));
    }
    config_free(c);
    free(text);
}

Test(describe, ini_is_read_back)
{
    expect_readable(&test);
}

Test(describe, server_is_read_back)
{
    expect_readable(NULL);
}

Test(describe, comments_fit_into_lines)
{
    char help[401] = "";
    struct option_info o = {"o", NULL, NULL, help, GYRE_STRING};
    const struct plugin_info one = {.name = "p", .version = "", .summary = "", .options = &o,
                                    .options_n = 1};
    for (size_t i = 0; i < 400; i++) help[i] = "a "[i % 2];
    char *text = printed(describe_ini, &one);
    size_t longest = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t n = strcspn(line, "\n");
        if (!strncmp(line, "# a a a", 7) && n > longest) longest = n;
    }
    cr_expect_eq(longest, 91, "one more word would be longer than 92: %zu", longest);
    free(text);
}

Test(describe, markdown)
{
    char *text = printed(describe_markdown, &test);
    expect_part(text, "| option | value | preset | meaning |\n|---|---|---|---|\n");
    expect_part(text, "| `root` | path | `/srv/www` | The folder that is served. |\n");
    expect_part(text, "| `greeting` | text | `@you ${HOME} $5 {}` | Said first. With a \\| and a "
                      "\\<tag> and 2\\*3. |\n");
    expect_part(text, "| `route` | text, may be given more than once | | Where requests go. |\n");
    expect_part(text, "\nEvery section has these too:\n\n| option |");
    expect_part(text, "| `idle_time` | time, 1ms to 365d, or never | `90s` |");
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t bars = 0;
        for (char *c = line; *c != '\n'; c++) bars += *c == '|' && (c == line || c[-1] != '\\');
        cr_expect(line[0] != '|' || bars == 5, "%.60s", line);
    }
    free(text);
    struct plugin_info none = test;
    none.options_n = 0;
    text = printed(describe_markdown, &none);
    cr_expect(!strncmp(text, "It has no options of its own. Every section has these:\n\n|", 56));
    free(text);
    text = printed(describe_markdown, NULL);
    expect_part(text, "| `workers` | number, 1 to 64, or auto | `auto` |");
    free(text);
}

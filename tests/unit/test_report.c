/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_report.c - report.c: JSON for gyrectl is valid whatever the bytes are, and tells no secret.
 */
#include <criterion/criterion.h>

#include "supervisor.h"

static char *text;
static size_t text_n;

static void expect_json(const char *bytes, const char *wanted)
{
    FILE *f = open_memstream(&text, &text_n);
    json_text(f, bytes);
    fclose(f);
    cr_expect_str_eq(text, wanted, "%s, not %s", text, wanted);
    free(text);
}

/* A sequence that is none: each of its bytes becomes the character for such. */
static void expect_replaced(const char *bytes)
{
    char wanted[64] = "\"";
    for (size_t i = 0; i < strlen(bytes); i++)
        strncat(wanted, "\\ufffd", sizeof wanted - strlen(wanted) - 1);
    strncat(wanted, "\"", sizeof wanted - strlen(wanted) - 1);
    expect_json(bytes, wanted);
}

Test(report, text_is_quoted_rfc8259_7)
{
    expect_json(NULL, "null");
    expect_json("", "\"\"");
    expect_json("plain / text", "\"plain / text\"");
    expect_json("\"\\", "\"\\\"\\\\\"");
    expect_json("\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\"");
}

Test(report, characters_of_several_bytes_stay_rfc3629_4)
{
    expect_json("\xc2\x80 \xdf\xbf", "\"\xc2\x80 \xdf\xbf\"");
    expect_json("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbd",
                "\"\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbd\"");
    expect_json("\xf0\x90\x80\x80 \xf1\x80\x80\x80 \xf4\x8f\xbf\xbf",
                "\"\xf0\x90\x80\x80 \xf1\x80\x80\x80 \xf4\x8f\xbf\xbf\"");
}

Test(report, what_is_no_utf8_is_replaced_rfc3629_3)
{
    expect_replaced("\x80");             /* goes on with nothing */
    expect_replaced("\xc0\xaf");         /* longer than it need be: a slash */
    expect_replaced("\xc1\xbf");
    expect_replaced("\xe0\x9f\xbf");     /* the same in three bytes */
    expect_replaced("\xf0\x8f\xbf\xbf"); /* and in four */
    expect_replaced("\xed\xa0\x80");     /* half of a pair of UTF-16 */
    expect_replaced("\xf4\x90\x80\x80"); /* past U+10FFFF */
    expect_replaced("\xf5\x80\x80\x80");
    expect_replaced("\xff");
    expect_replaced("\xe2\x82");         /* ends too early */
    expect_json("\xe2\x82.", "\"\\ufffd\\ufffd.\"");
    expect_json("\xc3(", "\"\\ufffd(\"");
}

/* ---- the configuration ---- */

static const char *config_of(struct config *config, struct folder *folder)
{
    struct plan plan = {.config = config};
    static struct supervisor s;
    s = (struct supervisor){.plan = &plan, .folder = *folder};
    FILE *f = open_memstream(&text, &text_n);
    config_json(&s, f);
    fclose(f);
    return text;
}

static struct conf_section section_of(const char *name, const char *plugin, struct entry *entries,
                                      size_t n)
{
    struct conf_section s = {.entries = entries, .entries_n = n};
    snprintf(s.where, sizeof s.where, "a.ini:1");
    s.name = strdup(name);
    s.plugin = strdup(plugin);
    return s;
}

Test(report, secrets_are_masked)
{
    struct option_info options[] = {{.name = "password", .kind = GYRE_SECRET},
                                    {.name = "greeting", .kind = GYRE_STRING, .preset = "hello"}};
    struct plugin_info info = {.name = "door", .version = "1.0", .options = options,
                               .options_n = 2};
    struct module module = {.info = &info};
    struct plugin_file file = {.name = "door.so", .module = &module};
    struct folder folder = {.files = &file, .n = 1};
    struct entry mine[] = {{.key = "password", .value = "12345"},
                           {.key = "idle_time", .value = "7m"},
                           {.key = "strange", .value = "67890"}};
    struct entry other[] = {{.key = "token", .value = "abcde"}};
    struct entry server[] = {{.key = "run", .value = "/run/x"}};
    struct conf_section sections[] = {section_of("door", "door", mine, 3),
                                      section_of("gone", "gone", other, 1),
                                      section_of("server", "server", server, 1)};
    struct config config = {.sections = sections, .n = 3};
    const char *said = config_of(&config, &folder);
    cr_expect_null(strstr(said, "12345"), "an option that is a secret: %s", said);
    cr_expect_null(strstr(said, "67890"), "an option that the plugin does not have: %s", said);
    cr_expect_null(strstr(said, "abcde"), "of a plugin that is not there: %s", said);
    cr_expect_not_null(strstr(said, "\"password\", \"value\": \"***\""), "%s", said);
    cr_expect_not_null(strstr(said, "7m"), "an option of the host is none: %s", said);
    cr_expect_not_null(strstr(said, "/run/x"), "nor one of the server: %s", said);
    cr_expect_not_null(strstr(said, "\"greeting\", \"value\": \"hello\""), "%s", said);
    for (size_t i = 0; i < config.n; i++) {
        free(sections[i].name);
        free(sections[i].plugin);
    }
    free(text);
}

Test(report, plugins_with_what_they_need_and_offer)
{
    struct need_info needs[] = {{.id = "bus/1"}, {.id = "store/2"}}, offers[] = {{.id = "door/1"}};
    struct plugin_info info = {.name = "door", .version = "1.0", .summary = "A \"door\"",
                               .needs = needs, .needs_n = 2, .offers = offers, .offers_n = 1};
    struct module module = {.info = &info, .hash = 0xabc};
    struct plugin_file files[] = {{.name = "door.so", .module = &module},
                                  {.name = "gone.so", .gone = true, .problem = "was removed"},
                                  {.name = "new.so"},
                                  {.name = "torn.so", .problem = "is truncated"}};
    static struct supervisor s;
    s.folder = (struct folder){.files = files, .n = 4};
    FILE *f = open_memstream(&text, &text_n);
    plugins_json(&s, f);
    fclose(f);
    cr_expect_not_null(strstr(text, "\"needs\": [\"bus/1\", \"store/2\"]"), "%s", text);
    cr_expect_not_null(strstr(text, "\"offers\": [\"door/1\"]"), "%s", text);
    cr_expect_not_null(strstr(text, "\"hash\": \"0000000000000abc\""), "%s", text);
    cr_expect_not_null(strstr(text, "\"summary\": \"A \\\"door\\\"\""), "%s", text);
    cr_expect_not_null(strstr(text, "\"gone.so\", \"state\": \"removed\""), "%s", text);
    cr_expect_not_null(strstr(text, "\"new.so\", \"state\": \"new\""), "%s", text);
    cr_expect_not_null(strstr(text, "\"torn.so\", \"state\": \"broken\""), "%s", text);
    free(text);
}

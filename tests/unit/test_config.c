/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_config.c - config.c: a folder of INI files as users write them, right and wrong.
 */
#include "alloc.h"
#include "conf_folder.h"

TestSuite(config, .init = conf_begin, .fini = conf_end);

static void expect_refused(const char *wanted)
{
    struct config *c = config_read(conf, &problems);
    cr_expect_null(c);
    config_free(c);
    expect_problems(wanted);
}

/* ---- reading ---- */

Test(config, files_in_name_order)
{
    file("20-b.ini", "[http]\nroot = www\nroute = /a\nroute = /b\n");
    file("10-a.ini", "# the server\n\n[server]\nworkers = 2\n");
    file("20-B.ini", "[http   blog.example.org]\n");
    file("30-c.ini~", "not read");
    file(".40-d.ini", "not read");
    file("readme", "not read");
    struct config *c = read_good();
    cr_assert_eq(c->n, 3);
    cr_expect_str_eq(c->sections[0].name, "server");
    cr_expect_str_eq(c->sections[0].where, "10-a.ini:3");
    cr_expect_str_eq(c->sections[1].name, "http blog.example.org");
    cr_expect_str_eq(c->sections[1].plugin, "http");
    cr_expect_str_eq(c->sections[1].instance, "blog.example.org");
    cr_expect_eq(c->sections[1].entries_n, 0);
    const struct conf_section *http = config_section(c, "http");
    cr_assert_not_null(http);
    cr_expect_str_eq(http->instance, "");
    cr_assert_eq(http->entries_n, 3);
    cr_expect_str_eq(http->entries[1].key, "route");
    cr_expect_str_eq(http->entries[1].value, "/a");
    cr_expect_str_eq(http->entries[2].value, "/b");
    cr_expect_str_eq(http->entries[2].where, "20-b.ini:4");
    cr_expect_str_eq(http->entries[2].folder, conf);
    cr_expect_null(config_section(c, "htt"));
    config_free(c);
    expect_problems("");
}

Test(config, one_file)
{
    char path[256];
    file("any-name", "[http]\nroot = www\n");
    cr_assert_eq(chdir(conf_top), 0);
    struct config *c = config_read("conf.d/any-name", &problems);
    cr_assert_not_null(c);
    cr_expect_str_eq(c->sections[0].entries[0].folder, conf);
    cr_expect_str_eq(c->sections[0].entries[0].where, "any-name:2");
    config_free(c);
    cr_assert_eq(chdir(conf), 0);
    c = config_read("any-name", &problems);
    cr_assert_not_null(c);
    cr_expect_str_eq(c->sections[0].entries[0].folder, conf);
    config_free(c);
    snprintf(path, sizeof path, "%s/none", conf);
    cr_expect_null(config_read(path, &problems));
    snprintf(path, sizeof path, "none: %s/none: No such file or directory\n", conf);
    expect_problems(path);
    cr_expect_null(config_read("/none/at/all", &problems));
    expect_problems("/none/at/all: No such file or directory\n");
    cr_expect_null(config_read("/none.ini", &problems));
    expect_problems("none.ini: /none.ini: No such file or directory\n");
}

Test(config, empty_folder_is_a_warning)
{
    char wanted[128];
    config_free(read_good());
    snprintf(wanted, sizeof wanted, "warning %s: no file here ends in .ini\n", conf);
    expect_problems(wanted);
}

Test(config, environment)
{
    setenv("GYRE_TEST_A", "one ${GYRE_TEST_B} ; two", 1);
    setenv("_b2", "", 1);
    unsetenv("GYRE_TEST_B");
    file("a.ini", "[a]\nk = <${GYRE_TEST_A}${_b2}>\nl = $${HOME} $HOME $ 5$\nm = ${_b2}\n");
    struct config *c = read_good();
    cr_expect_str_eq(c->sections[0].entries[0].value, "<one ${GYRE_TEST_B} ; two>");
    cr_expect_str_eq(c->sections[0].entries[1].value, "${HOME} $HOME $ 5$");
    cr_expect_str_eq(c->sections[0].entries[2].value, "");
    config_free(c);
    file("a.ini", "[a]\nk = ${GYRE_TEST_B}\nl = ${\nm = ${}\nn = ${a b}\no = ${1A}\n");
    expect_refused("a.ini:2: k: ${GYRE_TEST_B} is not set in the environment\n"
                   "a.ini:3: l: ${…} takes the name of a variable; write $${ for a plain ${\n"
                   "a.ini:4: m: ${…} takes the name of a variable; write $${ for a plain ${\n"
                   "a.ini:5: n: ${…} takes the name of a variable; write $${ for a plain ${\n"
                   "a.ini:6: o: ${…} takes the name of a variable; write $${ for a plain ${\n");
}

Test(config, environment_cannot_make_values_too_long)
{
    char *much = malloc(LIMIT_CONF_VALUE + 1);
    memset(much, 'x', LIMIT_CONF_VALUE);
    much[LIMIT_CONF_VALUE] = 0;
    setenv("GYRE_TEST_A", much, 1);
    file("a.ini", "[a]\nk = ${GYRE_TEST_A}\n");
    config_free(read_good());
    file("a.ini", "[a]\nk = ${GYRE_TEST_A}y\n");
    expect_refused("a.ini:2: k: longer than 61440 bytes\n");
    free(much);
}

Test(config, wrong_sections)
{
    file("10-a.ini", "[http]\n[HTTP]\nnot = told\n[http a b]\n[server x]\n[a.b]\n");
    file("20-b.ini", "[chat]\nk = v\n[ http ]\nnot = told\n[http x]\n[http  x]\n");
    expect_refused(
        "10-a.ini:2: [HTTP]: a section is named like its plugin, in lower case letters, digits, _ "
        "and -: [http] or [http blog.example.org]\n"
        "10-a.ini:4: [http a b]: the second part of a section's name is one word\n"
        "10-a.ini:5: [server x]: [server] has no second part\n"
        "10-a.ini:6: [a.b]: a section is named like its plugin, in lower case letters, digits, _ "
        "and -: [http] or [http blog.example.org]\n"
        "20-b.ini:3: [http] stands at 10-a.ini:1 already: put its keys there, or name this one "
        "[http NAME]\n"
        "20-b.ini:6: [http x] stands at 20-b.ini:5 already: put its keys there, or name this one "
        "[http NAME]\n");
}

/* What could be read is there for further checks, so that all errors are told at once. */
Test(config, all_that_could_be_read)
{
    file("a.ini", "[a]\nk = v\nwrong\nl = ${\n[B]\nm = x\n[c]\nn = y\n");
    struct config *c = config_read_all(conf, &problems);
    cr_assert_not_null(c);
    cr_expect_eq(problems.errors, 3);
    problems_free(&problems);
    cr_assert_eq(c->n, 2);
    cr_expect_eq(c->sections[0].entries_n, 1);
    cr_expect_str_eq(c->sections[1].name, "c");
    cr_expect_eq(c->sections[1].hash, config_hash(&c->sections[1]));
    config_free(c);
    cr_expect_null(config_read_all("/none/at/all", &problems));
    expect_problems("/none/at/all: No such file or directory\n");
}

Test(config, a_section_ends_with_its_file)
{
    file("10-a.ini", "[http]\n");
    file("20-b.ini", "root = /srv\n");
    expect_refused("20-b.ini:1: 'root' stands before any [section]\n");
}

Test(config, too_many_sections)
{
    FILE *f = fopen("a.ini", "w");
    for (int i = 0; i <= LIMIT_SECTIONS; i++) fprintf(f, "[a %d]\n", i);
    fclose(f);
    expect_refused("a.ini:1025: more than 1024 sections\n");
}

Test(config, files_that_others_may_write)
{
    char wanted[256];
    file("a.ini", "[a]\n");
    file("b.ini", "[b]\nwrong\n");
    cr_assert_eq(chmod("a.ini", 0666), 0);
    snprintf(wanted, sizeof wanted, "a.ini: %s/a.ini can be written by other users: chmod go-w it\n"
                                    "b.ini:2: 'wrong' has no '=': write key = value\n", conf);
    expect_refused(wanted);
    cr_assert_eq(chmod(conf, 0777), 0);
    snprintf(wanted, sizeof wanted, "%s can be written by other users: chmod go-w it\n", conf);
    expect_refused(wanted);
}

Test(config, files_that_are_none)
{
    char wanted[512], name[80];
    cr_assert_eq(mkdir("a.ini", 0755), 0);
    memset(name, 'n', sizeof name);
    memcpy(name + LIMIT_NAME - 4, ".ini", 5);
    file(name, "[a]\n");
    snprintf(wanted, sizeof wanted, "a.ini: %s/a.ini is no regular file\n%s/%s: its name has more "
                                    "than 47 bytes\n", conf, conf, name);
    expect_refused(wanted);
    cr_assert_eq(unlink(name), 0);
    cr_assert_eq(rmdir("a.ini"), 0);
    memcpy(name + LIMIT_NAME - 5, ".ini", 5);
    file(name, "[a]\nk = v\n");
    struct config *c = read_good();
    snprintf(wanted, sizeof wanted, "%s:2", name);
    cr_expect_str_eq(c->sections[0].entries[0].where, wanted, "the longest name is not cut");
    config_free(c);
}

Test(config, hash_is_of_meaning)
{
    static const char *const texts[] = {
        "[a]\nk = v\nl = w\n", "# more\n\n[a]\n; more\nk=v ; x\n\nl =\tw\n", /* the same */
        "[a]\nk = v\nl = x\n", "[a]\nk = v\nm = w\n", "[a]\nl = w\nk = v\n", "[a]\nk = v\n",
        "[a]\nk =\nv = l w\n", "[a b]\nk = v\nl = w\n"};
    uint64_t hashes[8] = {0};
    for (size_t i = 0; i < 8; i++) {
        file("a.ini", texts[i]);
        struct config *c = read_good();
        hashes[i] = c->sections[0].hash;
        config_free(c);
    }
    cr_expect_eq(hashes[0], hashes[1]);
    for (size_t i = 1; i < 8; i++)
        for (size_t j = i + 1; j < 8; j++) cr_expect_neq(hashes[i], hashes[j], "%zu %zu", i, j);
}

Test(config, names)
{
    cr_expect(name_is_valid("a"));
    cr_expect(name_is_valid("http_2-x"));
    cr_expect(!name_is_valid(""));
    cr_expect(!name_is_valid("Http"));
    cr_expect(!name_is_valid("a.b"));
    cr_expect(!name_is_valid("a b"));
    cr_expect(!name_is_valid("a\n"));
    cr_expect(name_is_valid("12345678901234567890123456789012345678901234567"));
    cr_expect(!name_is_valid("123456789012345678901234567890123456789012345678"));
}

/* ---- a draft in place of a file ---- */

static void expect_names(const struct conf_draft *draft, const char *wanted)
{
    char got[256] = "";
    struct config *c = config_read_draft(conf, draft, &problems);
    cr_assert_not_null(c);
    for (size_t i = 0; i < c->n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s@%s ", c->sections[i].name,
                 c->sections[i].where);
    cr_expect_str_eq(got, wanted);
    config_free(c);
}

Test(config, a_draft)
{
    file("10.ini", "[a]\n");
    file("30.ini", "[c]\n");
    expect_names(&(struct conf_draft){"10.ini", GYRE_LIT("\n[b]\n"), false},
                 "b@10.ini:2 c@30.ini:1 ");
    expect_names(&(struct conf_draft){"20.ini", GYRE_LIT("[b]\n"), false},
                 "a@10.ini:1 b@20.ini:1 c@30.ini:1 ");
    expect_names(&(struct conf_draft){"40.ini", GYRE_LIT("[b]\n"), false},
                 "a@10.ini:1 c@30.ini:1 b@40.ini:1 ");
    expect_names(&(struct conf_draft){"30.ini", GYRE_NOTHING, true}, "a@10.ini:1 ");
    expect_names(&(struct conf_draft){"30.ini", GYRE_NOTHING, false}, "a@10.ini:1 ");
    cr_expect_eq(problems.n, 0);
}

Test(config, texts_of_files)
{
    file("10.ini", "[a]\nk = ${HOME}\n");
    file("30.ini", "[");
    struct config *c = config_read_all(conf, &problems);
    cr_assert_not_null(c);
    cr_assert_eq(c->files_n, 2);
    cr_expect(gyre_eq(config_file(c, "10.ini")->text, GYRE_LIT("[a]\nk = ${HOME}\n")));
    cr_expect(gyre_eq(config_file(c, "30.ini")->text, GYRE_LIT("[")));
    cr_expect_null(config_file(c, "20.ini"));
    config_free(c);
}

/* Read with each allocation failing in turn: an error, or all of it. */
Test(config, without_memory)
{
    uint64_t live = alloc_live(), n = 0;
    bool failed;
    file("10-a.ini", "[server]\nworkers = 2\n[echo]\nlisten = tcp:localhost:1\n");
    file("20-b.ini", "[http one]\nroot = www\n[http two]\nroot = /srv\n");
    do {
        cr_assert_lt(++n, 400);
        alloc_reset();
        alloc_fail_at(n, false);
        struct config *c = config_read(conf, &problems);
        failed = alloc_failed();
        alloc_reset();
        if (!c) cr_expect(failed && problems.errors, "call %u", (unsigned)n);
        else cr_expect(c->n == 4 && c->sections[3].entries_n == 1 && !problems.n, "call %u",
                       (unsigned)n);
        if (c) config_free(c);
        problems_free(&problems);
        cr_expect_eq(alloc_live(), live, "call %u", (unsigned)n);
    } while (failed);
    cr_expect_gt(n, 30);
}

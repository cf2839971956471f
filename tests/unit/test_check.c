/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_check.c - check.c and [server]: what is told of a section, with file, line and remedy.
 */
#include "conf_folder.h"

TestSuite(check, .init = conf_begin, .fini = conf_end);

static struct option_info options[] = {
    {"root", NULL, NULL, "help", GYRE_PATH},
    {"route", NULL, NULL, "help", GYRE_STRING | GYRE_LIST},
    {"greeting", "hello", NULL, "help", GYRE_STRING},
    {"password", NULL, NULL, "help", GYRE_SECRET},
    {"mode", "off", "off|basic|full", "help", GYRE_CHOICE},
    {"keep", "5s", "1s..1d", "help", GYRE_TIME},
};
static struct plugin_info http = {.name = "http", .streams = true, .options = options,
                                  .options_n = sizeof options / sizeof *options};

/* Checks every section of the folder as one of http, and wants these problems. */
static struct config *check(const struct plugin_info *info, const char *wanted)
{
    struct config *c = read_good();
    for (size_t i = 0; i < c->n; i++) config_check(&c->sections[i], info, &problems);
    config_check_listens(c, &problems);
    expect_problems(wanted);
    return c;
}

static void expect_checked(const char *text, const char *wanted)
{
    file("20-http.ini", text);
    config_free(check(&http, wanted));
}

static const char *value(const struct config *c, const char *key)
{
    for (size_t i = 0; i < c->sections[0].entries_n; i++)
        if (!strcmp(c->sections[0].entries[i].key, key)) return c->sections[0].entries[i].value;
    return "(no such key)";
}

Test(check, good)
{
    expect_checked("[http]\nlisten = tcp:127.0.0.1:8080\nlisten = unix:/run/x\nroot = www\n"
                   "route = /a\nroute = /b\npassword = x\nidle_time = never\nmessage_max = 1m\n"
                   "mode = basic\ngroup = tiny_1-a\nhandshake_time = 500ms\n", "");
}

/* There is no key whose folder it could start at. */
Test(check, a_relative_preset_and_no_key)
{
    static struct option_info place[] = {{"place", "here", NULL, "help", GYRE_PATH}};
    static struct plugin_info info = {.name = "http", .options = place, .options_n = 1};
    file("20-http.ini", "[http]\n");
    config_free(check(&info, "20-http.ini:1: [http] has no key, and the preset place = here: must "
                             "begin with /: write place = …\n"));
    file("20-http.ini", "[http]\ngroup = x\n");
    config_free(check(&info, ""));
}

Test(check, keys)
{
    expect_checked("[http]\nrot = /srv\nlisen = tcp:*:80\nzzzzzzz = 1\nroot = /a\nroot = /b\n"
                   "Root = /c\n",
                   "20-http.ini:2: unknown key 'rot' in [http], did you mean 'root'?\n"
                   "20-http.ini:3: unknown key 'lisen' in [http], did you mean 'listen'?\n"
                   "20-http.ini:4: unknown key 'zzzzzzz' in [http]: 'gyrectl describe http' shows "
                   "all\n"
                   "20-http.ini:6: 'root' is given twice in [http], first at 20-http.ini:5\n"
                   "20-http.ini:7: unknown key 'Root' in [http], did you mean 'root'?\n");
}

Test(check, values)
{
    expect_checked(
        "[http one]\nidle_time = 5x\nkeep = never\nkeep = 2s\n[http]\nkeep = 2d\nstreams_max = -1\n"
        "message_max = 1t\nmode = ful\nroot =\ngroup = No\n"
        "memory_max = 12345678901234567890123456789012345678901234567890\n",
        "20-http.ini:2: idle_time = 5x: not a time; write 500ms, 30s, 5m, 12h, 7d, or never\n"
        "20-http.ini:3: keep = never: must be 1s to 1d\n"
        "20-http.ini:4: 'keep' is given twice in [http one], first at 20-http.ini:3\n"
        "20-http.ini:6: keep = 2d: must be 1s to 1d\n"
        "20-http.ini:7: streams_max = -1: must be 1 to 4000000\n"
        "20-http.ini:8: message_max = 1t: not a size; write 512, 64k, 10m, 2g\n"
        "20-http.ini:9: mode = ful: must be off, basic or full\n"
        "20-http.ini:10: root = : a path is missing\n"
        "20-http.ini:11: group = No: a name has lower case letters, digits, _ and -, at most 47\n"
        "20-http.ini:12: memory_max = 1234567890123456789012345678901234567890...: must be 1m to "
        "1024g\n");
}

Test(check, listen_on_what_the_plugin_serves)
{
    struct plugin_info info = http;
    file("a.ini", "[http]\nlisten = tcp:*:80\nlisten = udp:*:80\nlisten = unix:/a\nlisten = 80\n");
    static const char wrong[] = "a.ini:5: listen = 80: not an endpoint; write tcp:HOST:PORT, "
                                "udp:HOST:PORT or unix:/path\n";
    char wanted[512];
    snprintf(wanted, sizeof wanted, "a.ini:3: listen = udp:*:80: the plugin has no datagrams: "
                                    "write tcp:HOST:PORT or unix:/path\n%s", wrong);
    config_free(check(&info, wanted));
    info.streams = false;
    info.datagrams = true;
    snprintf(wanted, sizeof wanted, "a.ini:2: listen = tcp:*:80: the plugin has no streams: write "
                                    "udp:HOST:PORT\na.ini:4: listen = unix:/a: the plugin has no "
                                    "streams: write udp:HOST:PORT\n%s", wrong);
    config_free(check(&info, wanted));
    info.streams = true;
    config_free(check(&info, wrong));
    config_free(check(NULL, wrong));
}

Test(check, a_plugin_that_listens_on_nothing)
{
    struct plugin_info info = {.name = "http"};
    file("a.ini", "[http]\nlisten = tcp:*:80\n");
    config_free(check(&info, "a.ini:2: listen = tcp:*:80: the plugin listens on nothing: take the "
                             "line out\n"));
}

Test(check, without_the_plugin_only_host_options_are_judged)
{
    file("a.ini", "[http]\nroot = /srv\nanything = 1\nidle_time = 1\n");
    config_free(check(NULL, "a.ini:4: idle_time = 1: not a time; write 500ms, 30s, 5m, 12h, 7d, or "
                            "never\n"));
}

Test(check, two_sections_on_one_address)
{
    file("a.ini", "[http]\nlisten = tcp:127.0.0.1:80\nlisten = tcp:[::1]:80\nlisten = unix:/a\n"
                  "listen = tcp:127.0.0.1:81\n");
    file("b.ini", "[http b]\nlisten = tcp:127.0.0.1:80\nlisten = tcp:*:81\nlisten = unix:/a\n"
                  "listen = tcp:127.0.0.2:80\nlisten = tcp:[::1]:82\nlisten = tcp:localhost:82\n"
                  "listen = unix:/b\n");
    config_free(check(&http,
                      "b.ini:2: listen = tcp:127.0.0.1:80: [http] at a.ini:2 listens on "
                      "tcp:127.0.0.1:80 already\n"
                      "b.ini:3: listen = tcp:*:81: [http] at a.ini:5 listens on tcp:127.0.0.1:81 "
                      "already\n"
                      "b.ini:4: listen = unix:/a: [http] at a.ini:4 listens on unix:/a already\n"
                      "b.ini:7: listen = tcp:localhost:82: [http b] at b.ini:6 listens on "
                      "tcp:[::1]:82 already\n"));
}

Test(check, tcp_and_udp_ports_are_apart)
{
    struct plugin_info info = http;
    info.datagrams = true;
    file("a.ini", "[http]\nlisten = tcp:*:53\nlisten = udp:*:53\nlisten = tcp:127.0.0.1:5300\n"
                  "listen = tcp:[::]:5300\n");
    config_free(check(&info, ""));
}

/* ---- @file ---- */

Test(check, secrets_from_files)
{
    file("secret", "one\ntwo\r\n");
    cr_assert_eq(chmod("secret", 0600), 0);
    file("a.ini", "[http]\npassword = @secret\ngreeting = @secret\nroute = @secret\n"
                  "root = @secret\n");
    struct config *c = read_good();
    uint64_t hash = c->sections[0].hash;
    config_check(&c->sections[0], &http, &problems);
    expect_problems("");
    cr_expect_str_eq(value(c, "password"), "one\ntwo");
    cr_expect_str_eq(value(c, "greeting"), "one\ntwo");
    cr_expect_str_eq(value(c, "route"), "@secret", "a list may have entries that begin with @");
    cr_expect_str_eq(value(c, "root"), "@secret");
    cr_expect_neq(hash, c->sections[0].hash, "a changed secret changes the section");
    hash = c->sections[0].hash;
    config_check(&c->sections[0], &http, &problems);
    expect_problems("");
    cr_expect_eq(hash, c->sections[0].hash, "a second check reads nothing again");
    config_free(c);
}

Test(check, an_at_that_is_meant_as_such)
{
    file("a.ini", "[http]\npassword = @@secret\ngreeting = @@\n");
    struct config *c = check(&http, "");
    cr_expect_str_eq(value(c, "password"), "@secret");
    cr_expect_str_eq(value(c, "greeting"), "@");
    config_free(c);
    setenv("GYRE_TEST_A", "@secret", 1);
    file("a.ini", "[http]\npassword = ${GYRE_TEST_A}\n");
    c = check(&http, "");
    cr_expect_str_eq(value(c, "password"), "@secret", "the environment does not name files");
    config_free(c);
}

Test(check, secrets_that_others_may_read)
{
    char wanted[512];
    file("secret", "xyz");
    file("a.ini", "[http]\npassword = @secret\n");
    static const mode_t modes[] = {0640, 0604};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(chmod("secret", modes[i]), 0);
        snprintf(wanted, sizeof wanted, "a.ini:2: password: %s/secret can be read by other users: "
                                        "chmod go-r it\n", conf);
        config_free(check(&http, wanted));
    }
    file("a.ini", "[http]\ngreeting = @secret\n");
    config_free(check(&http, ""));
    cr_assert_eq(chmod("secret", 0602), 0);
    snprintf(wanted, sizeof wanted, "a.ini:2: greeting: %s/secret can be written by other users: "
                                    "chmod go-w it\n", conf);
    config_free(check(&http, wanted));
}

Test(check, secrets_that_are_no_text)
{
    char wanted[512];
    file("a.ini", "[http]\npassword = @none\ngreeting = @\n");
    snprintf(wanted, sizeof wanted, "a.ini:2: password: %s/none: No such file or directory\n"
                                    "a.ini:3: greeting: a path is missing\n", conf);
    config_free(check(&http, wanted));
    FILE *f = fopen("secret", "w");
    fwrite("a\0b", 1, 3, f);
    fclose(f);
    cr_assert_eq(chmod("secret", 0600), 0);
    file("a.ini", "[http]\npassword = @secret\n");
    snprintf(wanted, sizeof wanted, "a.ini:2: password: %s/secret has a NUL byte, so it is no "
                                    "text\n",
             conf);
    config_free(check(&http, wanted));
    cr_assert_eq(truncate("secret", LIMIT_CONF_VALUE + 1), 0);
    snprintf(wanted, sizeof wanted, "a.ini:2: password: %s/secret is longer than 61440 bytes\n",
             conf);
    config_free(check(&http, wanted));
}

Test(check, empty_secret_files)
{
    file("a.ini", "[http]\npassword = @secret\n");
    static const char *const texts[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < 3; i++) {
        file("secret", texts[i]);
        cr_assert_eq(chmod("secret", 0600), 0);
        struct config *c = check(&http, "");
        cr_expect_str_eq(value(c, "password"), "");
        config_free(c);
    }
}

/* ---- [server] ---- */

Test(check, server)
{
    struct server_settings s;
    file("a.ini", "[server]\nworkers = 4\nplugins = ../plugins\nrun = /run/x\nlog_level = debug\n"
                  "drain_time = 1m\nring = epoll\ncallback_max = 2s\n"
                  "refuse_time = 1m\nrefuse_loopback = yes\nbreaker_refuse = 5s\n");
    struct config *c = check(NULL, "");
    char plugins[128];
    snprintf(plugins, sizeof plugins, "%s/../plugins", conf);
    cr_assert(server_settings_read(c, &s));
    cr_expect_eq(s.workers, 4);
    cr_expect_str_eq(s.plugins, plugins);
    cr_expect_str_eq(s.run, "/run/x");
    cr_expect_eq(s.log_level, GYRE_DEBUG);
    cr_expect_eq(s.drain_ms, 60000);
    cr_expect_eq(s.callback_ms, 2000);
    cr_expect_eq(s.refuse_ms, 60000);
    cr_expect_eq(s.breaker_refuse_ms, 5000);
    cr_expect(s.refuse_loopback);
    cr_expect_eq(s.ring, RING_EPOLL);
    server_settings_free(&s);
    config_free(c);
}

Test(check, server_presets)
{
    struct server_settings s;
    file("a.ini", "[http]\n");
    struct config *c = check(&http, "");
    for (int i = 0; i < 2; i++) {
        cr_assert(server_settings_read(c, &s));
        cr_expect_eq(s.workers, 0);
        cr_expect_null(s.plugins);
        cr_expect_null(s.run);
        cr_expect_eq(s.log_level, GYRE_INFO);
        cr_expect_eq(s.drain_ms, LIMIT_DRAIN_MS);
        cr_expect_eq(s.callback_ms, LIMIT_CALLBACK_MS);
        cr_expect_eq(s.refuse_ms, LIMIT_REFUSE_MS);
        cr_expect_eq(s.breaker_refuse_ms, LIMIT_BACKLOG_MS);
        cr_expect_not(s.refuse_loopback);
        cr_expect_eq(s.ring, RING_AUTO);
        server_settings_free(&s);
        config_free(c);
        file("a.ini", "[server]\nworkers = 65\nplugins =\nlisten = tcp:*:80\nlog_level = all\n");
        c = i ? NULL
              : check(NULL, "a.ini:2: workers = 65: must be 1 to 64, or auto\n"
                            "a.ini:3: plugins = : a path is missing\n"
                            "a.ini:4: unknown key 'listen' in [server]: 'gyrectl describe server' "
                            "shows all\n"
                            "a.ini:5: log_level = all: must be debug, info, warn or error\n");
    }
}

Test(check, server_words)
{
    struct server_settings s;
    file("a.ini", "[server]\nworkers = auto\ndrain_time = never\nlog_level = error\n"
                  "ring = io_uring\ncallback_max = never\n");
    struct config *c = check(NULL, "");
    cr_assert(server_settings_read(c, &s));
    cr_expect_eq(s.workers, 0);
    cr_expect_eq(s.drain_ms, GYRE_NEVER);
    cr_expect_eq(s.callback_ms, GYRE_NEVER);
    cr_expect_eq(s.log_level, GYRE_ERROR);
    cr_expect_eq(s.ring, RING_URING);
    server_settings_free(&s);
    config_free(c);
}

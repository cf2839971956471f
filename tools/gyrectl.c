/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl.c - asks a running gyre, over its control socket, and shows the answer.
 *
 * One request line, one JSON document (server/control_requests.c). --json prints the document as
 * it came. Some commands ask by themselves, and more than once (gyrectl_ask.h).
 * Exit status: 0 done, 1 the server refused or there is none, 2 wrong arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "gyrectl_ask.h"
#include "gyrectl_show.h"
#include "places.h"
#include "words.h"

enum { WORDS = LIMIT_CONTROL_WORDS - 1 };

static const char usage[] =
    "gyrectl [-s SOCKET | --run FOLDER] [--json] COMMAND\n"
    "  status                     services, sections, and every limit with what it stopped\n"
    "  top [--once]               what is going on, each second; q ends it\n"
    "  plugins                    the files of the plugin folder, and what is wrong with them\n"
    "  describe PLUGIN            the options of a plugin, as commented INI\n"
    "  config                     the configuration in force, and where each value comes from\n"
    "  get SECTION [KEY]          one section of it, or the values of one key\n"
    "  set SECTION KEY=VALUE…     a key gets this value, and no other: in its file, and at once\n"
    "  add SECTION KEY=VALUE… [--first | --before VALUE]    one more entry of a list\n"
    "  add SECTION [KEY=VALUE…]   a new section\n"
    "  remove SECTION [KEY[=VALUE]…]    an entry, all entries of a key, or the section\n"
    "  history [N]                the latest changes of the configuration\n"
    "  undo [NUMBER]              take back the last change, or that one\n"
    "  reload                     read configuration and plugins again; waits for the result\n"
    "  sandbox SERVICE            what a service may still do, and what the kernel keeps it from\n"
    "  crashes                    what the latest crashes were, and what led to them\n"
    "  upgrade [PATH]             another gyre takes the place of this one; nothing is lost\n"
    "  connections [SECTION] [--all]    the open ones: who, since when, what is queued\n"
    "  kill ID                    end one of them at once\n"
    "  log [-f] [SERVICE]         the latest lines of the log; -f: and those that come\n"
    "  log-level LEVEL [SERVICE]  debug, info, warn or error\n"
    "  log-reopen                 open the log's file again, after it was moved away\n"
    "  stop                       drain and end; waits for the end\n";

static const struct command {
    const char *name;
    int least, most; /* arguments */
    int (*show)(const struct json *);
    /* asks by itself; or NULL */
    int (*live)(const char *socket, char **words, int n, bool as_json);
} commands[] = {
    {"get", 1, 2, show_get, NULL},       {"set", 2, WORDS, show_proposal, NULL},
    {"add", 1, WORDS, show_proposal, NULL}, {"remove", 1, WORDS, show_proposal, NULL},
    {"undo", 0, 1, show_proposal, NULL}, {"history", 0, 1, show_history, NULL},
    {"status", 0, 0, show_status, NULL}, {"plugins", 0, 0, show_plugins, NULL},
    {"describe", 1, 1, show_text, NULL}, {"config", 0, 0, show_config, NULL},
    {"reload", 0, 0, show_reload, NULL}, {"log-level", 1, 2, show_nothing, NULL},
    {"log-reopen", 0, 0, show_nothing, NULL},
    {"stop", 0, 0, show_nothing, NULL},  {"crashes", 0, 0, show_crashes, NULL},
    {"upgrade", 0, 1, show_upgrade, NULL},
    {"sandbox", 1, 1, show_sandbox, NULL},
    {"connections", 0, 2, show_connections, NULL}, {"kill", 1, 1, show_killed, NULL},
    {"top", 0, 1, NULL, live_top}, {"log", 0, 2, NULL, live_follow},
};

static int wrong(const char *what, const char *word)
{
    (void)fprintf(stderr, "gyrectl: %s%s\n%s", what, word, usage);
    return 2;
}

static int no_command(const char *word)
{
    struct nearest near = {.word = word};
    char why[256];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        nearest_try(&near, commands[i].name);
    if (!near.name) return wrong("unknown command ", word);
    (void)snprintf(why, sizeof why, "unknown command %.64s, did you mean %s?", word, near.name);
    return wrong(why, "");
}

/* A word of set or add that is no KEY=VALUE, or a place for what has none; or NULL. */
static const char *odd_word(const char *command, char **words, int n)
{
    bool set = strcmp(command, "set") == 0, add = strcmp(command, "add") == 0;
    for (int i = 0; i < n; i++) {
        bool before = strcmp(words[i], "--before") == 0;
        bool place = before || strcmp(words[i], "--first") == 0;
        if (place ? !add : i && (set || add) && !strchr(words[i], '=')) return words[i];
        i += before;
    }
    return NULL;
}

static int not_a_pair(const char *command, const char *word)
{
    (void)fprintf(stderr,
                  "gyrectl: %s SECTION KEY=VALUE…: '%s' is no KEY=VALUE\n"
                  "A section of two words is written in quotes: gyrectl %s 'http blog.example.org' "
                  "…\n",
                  command, word, command);
    return 2;
}

static int no_file(const char *path)
{
    (void)fprintf(stderr, "gyrectl: %s: %s\n", path, strerror(errno));
    return 1;
}

static int show(const struct command *command, const char *bytes, size_t n, bool as_json)
{
    char why[128];
    struct json *answer = json_read(bytes, n, why, sizeof why);
    int status = 1;
    if (!answer) {
        (void)fprintf(stderr, "gyrectl: the answer is no JSON, %s\n", why);
        return 1;
    }
    const struct json *error = json_at(answer, "error"), *ok = json_at(answer, "ok");
    if (as_json) {
        (void)fwrite(bytes, 1, n, stdout);
        status = error->kind == JSON_NULL && ok->kind != JSON_FALSE ? 0 : 1;
    } else if (error->kind == JSON_TEXT) {
        (void)fprintf(stderr, "gyrectl: %s\n", error->text);
    } else {
        status = command->show(answer);
    }
    json_free(answer);
    return status;
}

struct options {
    const char *socket, *run;
    bool as_json, help;
};

/* Some words begin as options do; the rest are options, and may stand anywhere. */
static bool is_word(const char *word)
{
    static const char *const words[] = {"--first", "--all", "--once", "-f"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return word[0] != '-';
}

/* Leaves the words in argv, from 1 on. Their end; or the negative place of an unknown option. */
static int take_options(int argc, char **argv, struct options *o)
{
    int rest = 1;
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--json") == 0) o->as_json = true;
        else if (strcmp(argv[at], "-s") == 0 && at + 1 < argc) o->socket = argv[++at];
        else if (strcmp(argv[at], "--run") == 0 && at + 1 < argc) o->run = argv[++at];
        else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) o->help = true;
        else if (strcmp(argv[at], "--before") == 0 && at + 1 < argc) {
            argv[rest++] = argv[at];
            argv[rest++] = argv[++at];
        } else if (!is_word(argv[at])) return -at;
        else argv[rest++] = argv[at];
    }
    return rest;
}

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0) return &commands[i];
    return NULL;
}

static int run(const struct command *command, const char *socket, char **words, int n,
               bool as_json)
{
    size_t answer_n;
    if (command->live) return command->live(socket, words, n, as_json);
    char *line = make_line(words, n);
    if (!line) return wrong("arguments too long for ", command->name);
    char *answer = ask(socket, line, &answer_n);
    free(line);
    if (!answer) return 1;
    int status = show(command, answer, answer_n, as_json);
    free(answer);
    return status;
}

int main(int argc, char **argv)
{
    char why[600];
    struct options o = {.as_json = false};
    struct places places;
    int rest = take_options(argc, argv, &o);
    if (rest < 0) return wrong("unknown option ", argv[-rest]);
    if (o.help) return fputs(usage, stdout) < 0;
    if (rest == 1) return wrong("which command?", "");
    const struct command *command = command_named(argv[1]);
    if (!command) return no_command(argv[1]);
    if (rest == 3 && strcmp(command->name, "upgrade") == 0) { /* the server's folder is another */
        char *path = realpath(argv[2], NULL);
        if (!path) return no_file(argv[2]);
        argv[2] = path;
    }
    if (rest - 2 < command->least || rest - 2 > command->most)
        return wrong("wrong arguments for ", argv[1]);
    const char *odd = odd_word(argv[1], argv + 2, rest - 2);
    if (odd) return not_a_pair(argv[1], odd);
    if (!o.socket && !places_find(o.run, NULL, &places, why, sizeof why)) return wrong(why, "");
    return run(command, o.socket ? o.socket : places.control, argv + 1, rest - 1, o.as_json);
}

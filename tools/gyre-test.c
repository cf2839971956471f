/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyre-test.c - the command: runs talk scripts against a plugin, in memory, in every cutting of
 * the bytes; or shows what a plugin declares.
 *
 * Promise: the last line is "N passed, N failed", a script being one; the exit status is 1 if any
 * failed, 2 if it was called wrongly.
 */
#include <errno.h>
#include <stdlib.h>

#include "service.h"
#include "talk.h"

static const char usage[] =
    "usage: gyre-test [options] PLUGIN.so SCRIPT.talk ...\n"
    "       gyre-test --language                      how scripts are written\n"
    "       gyre-test --describe PLUGIN.so            its options as a commented section\n"
    "       gyre-test --describe-markdown PLUGIN.so   its options as a table\n"
    "\n"
    "Plays each script against the plugin in memory: no socket, no process, a clock that is set.\n"
    "Every message arrives whole, byte by byte, cut in two at every place, and cut at random; the\n"
    "answers must be the same.\n"
    "\n"
    "  --chunks few                    four cuttings: whole, byte by byte, two at random\n"
    "  --chunks all|whole|1|M@N|SEED   one cutting: whole; 1 for byte by byte; message M of the\n"
    "                                  script after N bytes; at random from SEED\n"
    "  --fail      every script must fail, saying what its comment says after \"fails: \"\n"
    "  --list      how many cuttings each script has\n"
    "  -v          names each script, and shows its log\n"
    "A debugger follows the script with: set follow-fork-mode child\n";

static bool list_script(const char *path)
{
    struct talk_cut cut;
    char why[512];
    size_t n = 0;
    struct talk *talk = talk_read(path, "/tmp", why, sizeof why);
    if (!talk) return printf("%s\n", why), false;
    while (talk_cut_at(talk, n, &cut)) n++;
    printf("%6zu cuttings  %s\n", n, path);
    talk_free(talk);
    return true;
}

static int list_all(char **scripts)
{
    bool good = true;
    for (; *scripts; scripts++) good &= list_script(*scripts);
    return !good;
}

static int describe(const char *path, bool markdown)
{
    char why[512] = "no memory", *text = NULL;
    size_t n = 0;
    const struct gyre_plugin *declared = plugin_descriptor(path, why, sizeof why);
    FILE *f = declared ? open_memstream(&text, &n) : NULL;
    struct plugin_info *info = NULL;
    if (f) {
        (void)metadata_write(declared, f);
        fclose(f);
        info = metadata_read((gyre_view){(uint8_t *)text, n}, why, sizeof why);
    }
    free(text);
    if (!info) return fprintf(stderr, "gyre-test: %s: %s\n", path, why), 1;
    (markdown ? describe_markdown : describe_ini)(stdout, info);
    metadata_free(info);
    return 0;
}

static int wrong_use(const char *what, const char *which)
{
    fprintf(stderr, "gyre-test: %s%s\n%s", what, which, usage);
    return 2;
}

static bool find_plugin(struct talk_options *o, const char *text)
{
    o->plugin = text;
    if (realpath(text, o->path)) return true;
    fprintf(stderr, "gyre-test: %s: %s\n", text, strerror(errno));
    return false;
}

int main(int argc, char **argv)
{
    struct talk_options o = {.self = argv[0]};
    struct talk_cut cut;
    bool list = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        bool last = i + 1 >= argc;
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) return fputs(usage, stdout), 0;
        if (!strcmp(argv[i], "--language")) return fputs(talk_language, stdout), 0;
        if (!strcmp(argv[i], "--describe") || !strcmp(argv[i], "--describe-markdown")) {
            if (last) return wrong_use("which plugin?", "");
            if (!find_plugin(&o, argv[i + 1])) return 2;
            return describe(o.path, strcmp(argv[i], "--describe") != 0);
        }
        if (!strcmp(argv[i], "-v")) o.verbose = true;
        else if (!strcmp(argv[i], "--list")) list = true;
        else if (!strcmp(argv[i], "--fail")) o.must_fail = true;
        else if (strcmp(argv[i], "--chunks") != 0) return wrong_use("unknown option ", argv[i]);
        else if (last) return wrong_use("which cutting?", "");
        else if (!strcmp(argv[++i], "few")) o.few = true;
        else if (strcmp(argv[i], "all") != 0) {
            if (!talk_cut_read(argv[i], &cut)) return wrong_use("no such cutting: ", argv[i]);
            o.only = argv[i];
        }
    }
    if (i >= argc) return wrong_use("which plugin?", "");
    if (!find_plugin(&o, argv[i])) return 2;
    if (!argv[i + 1]) return wrong_use("which scripts?", "");
    if (list) return list_all(argv + i + 1);
    return talk_run_all(&o, argv + i + 1, (size_t)(argc - i - 1));
}

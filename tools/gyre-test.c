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
    "  --torture   in turn every call that may fail does: each allocation of the host (alone, and\n"
    "              with all that follow), and each call of the plugin into the host, with each\n"
    "              error that its documentation allows. What the script expects need not come;\n"
    "              but nothing may crash, hang, leak or be refused without a reason, and what a\n"
    "              client gets is a beginning of what was written to it\n"
    "  --shallow N --seed S   at most N of these of each script, chosen by S (1)\n"
    "  --fault alloc:N|dry:N|call:N|load:N   that one alone, and where it is\n"
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

/* An option that is followed by a value. 0: it is none; -1: the value makes no sense. */
static int option_with_value(struct talk_options *o, const char *option, const char *value)
{
    struct talk_cut cut;
    if (!strcmp(option, "--chunks")) {
        o->few = value && !strcmp(value, "few");
        o->only = value && !o->few && strcmp(value, "all") != 0 ? value : NULL;
        return value && (!o->only || talk_cut_read(value, &cut)) ? 1 : -1;
    }
    if (!strcmp(option, "--fault")) {
        o->torture = true;
        return value && talk_fault_read(value, &o->fault) ? 1 : -1;
    }
    uint64_t *number = !strcmp(option, "--shallow") ? &o->shallow
                       : !strcmp(option, "--seed") ? &o->seed : NULL;
    if (!number) return 0;
    return value && gyre_dec(gyre_str(value), UINT64_MAX, number) ? 1 : -1;
}

int main(int argc, char **argv)
{
    struct talk_options o = {.self = argv[0], .seed = 1};
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
        else if (!strcmp(argv[i], "--torture")) o.torture = true;
        else {
            int had = option_with_value(&o, argv[i], last ? NULL : argv[i + 1]);
            if (!had) return wrong_use("unknown option ", argv[i]);
            if (had < 0) return wrong_use("what is to follow is wrong or missing: ", argv[i]);
            i++;
        }
    }
    if (i >= argc) return wrong_use("which plugin?", "");
    if (!find_plugin(&o, argv[i])) return 2;
    if (!argv[i + 1]) return wrong_use("which scripts?", "");
    if (list) return list_all(argv + i + 1);
    return talk_run_all(&o, argv + i + 1, (size_t)(argc - i - 1));
}

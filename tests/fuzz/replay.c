/* SPDX-License-Identifier: GPL-3.0-or-later
 * replay.c - gives files to a target, in builds without libFuzzer: [--plugin FILE] PATH …
 *
 * A folder stands for the files in it. Each file is in an allocation of its own size, so that a
 * sanitizer sees reading past its end. Promise: says which file it is about to give when that one
 * ends the program, and "N inputs" at the end. Exits 1 when nothing was given.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MOST = 1 << 20 };

static const char *giving;

bool fuzz_news(void)
{
    return true;
}

/* The program ends by a signal: which input was it? */
static void died(int number)
{
    static const char text[] = "\nwhile it was given ";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    if (giving) (void)!write(STDERR_FILENO, giving, strlen(giving));
    (void)!write(STDERR_FILENO, "\n", 1);
    signal(number, SIG_DFL);
    raise(number);
}

static bool give_file(const char *path)
{
    FILE *f = fopen(path, "re");
    uint8_t *all = malloc(INPUT_MOST), *exact;
    size_t n = f && all ? fread(all, 1, INPUT_MOST, f) : 0;
    bool good = f && all && !ferror(f);
    if (f) fclose(f);
    if (good) {
        giving = path;
        exact = malloc(n ? n : 1);
        if (n) memcpy(exact, all, n);
        fuzz_give(exact, n);
        free(exact);
        giving = NULL;
    } else {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    }
    free(all);
    return good;
}

static int is_file(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static bool give_path(const char *path)
{
    struct stat st;
    struct dirent **files = NULL;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) return give_file(path);
    int n = scandir(path, &files, is_file, alphasort);
    bool good = n >= 0;
    for (int i = 0; i < n; i++) {
        char *file;
        if (asprintf(&file, "%s/%s", path, files[i]->d_name) < 0) abort();
        good &= give_file(file);
        free(file);
        free(files[i]);
    }
    free(files);
    return good;
}

int main(int argc, char **argv)
{
    const char *plugin = NULL;
    bool good = true;
    int i = 1;
    if (argc > 2 && !strcmp(argv[1], "--plugin")) {
        plugin = argv[2];
        i = 3;
    }
    signal(SIGABRT, died);
    signal(SIGSEGV, died);
    fuzz_start(plugin);
    for (; i < argc; i++) good &= give_path(argv[i]);
    giving = "all of them";
    fuzz_finish();
    good &= fuzz_count.inputs > 0;
    fflush(NULL);
    if (plugin) _exit(!good); /* it cannot run its own end: its statics are read-only */
    return !good;
}

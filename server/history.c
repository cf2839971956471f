/* SPDX-License-Identifier: GPL-3.0-or-later
 * history.c - changes of the configuration on disk (history.h).
 *
 * A file is a head of lines, "word value", in one order, an empty line, the text before and the
 * text after. One that is not as it should be is told, and not used.
 */
#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"
#include "replace.h"
#include "safe.h"

enum { HEAD = 8192, WHAT = 4096, ENTRY_BYTES = 2 * LIMIT_CONF_FILE + HEAD };

static char *path_of(const char *folder, uint64_t number)
{
    char *path;
    int n = number ? asprintf(&path, "%s/.gyre-history/%08" PRIu64, folder, number)
                   : asprintf(&path, "%s/.gyre-history", folder);
    return n < 0 ? NULL : path;
}

/* ---- which there are ---- */

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

uint64_t *history_numbers(const char *folder, size_t *n)
{
    char *path = path_of(folder, 0);
    DIR *d = path ? opendir(path) : NULL;
    uint64_t *numbers = NULL, number;
    *n = 0;
    free(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strlen(e->d_name) < 8 || !gyre_dec(gyre_str(e->d_name), INT64_MAX, &number)) continue;
        uint64_t *more = reallocarray(numbers, *n + 1, sizeof *more);
        if (!more) break;
        numbers = more;
        numbers[(*n)++] = number;
    }
    if (d) (void)closedir(d);
    if (*n) qsort(numbers, *n, sizeof *numbers, newest_first);
    return numbers;
}

/* Forgets the oldest, until the rest is within the limits. */
static void forget_oldest(const char *folder)
{
    size_t n;
    uint64_t *numbers = history_numbers(folder, &n), bytes = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        char *path = path_of(folder, numbers[i]);
        if (path && stat(path, &st) == 0) bytes += (uint64_t)st.st_size;
        if (path && i && (i >= LIMIT_HISTORY || bytes > LIMIT_HISTORY_BYTES)) (void)unlink(path);
        free(path);
    }
    free(numbers);
}

/* ---- writing ---- */

static bool make_folder(const char *folder, char *why, size_t why_n)
{
    char *path = path_of(folder, 0);
    bool good = path && (mkdir(path, 0700) == 0 || errno == EEXIST);
    if (!good)
        (void)snprintf(why, why_n, "cannot make the folder %s: %s", path ? path : folder,
                       strerror(errno));
    good = good && path_is_safe(path, why, why_n);
    free(path);
    return good;
}

static void put_head(FILE *f, const struct history_entry *e)
{
    (void)fprintf(f, "gyre-history 1\nwhen %" PRId64 "\nuid %" PRId64 "\nundoes %" PRIu64
                     "\nfile %s\nwhat %.*s\n",
                  e->when_s, e->uid, e->undoes, e->file, WHAT, e->what);
    if (e->before.there) (void)fprintf(f, "before %zu\n", e->before.text.n);
    else (void)fputs("before -\n", f);
    if (e->after.there) (void)fprintf(f, "after %zu\n\n", e->after.text.n);
    else (void)fputs("after -\n\n", f);
}

/* false: no memory. */
static bool make_bytes(const struct history_entry *e, gyre_out *out)
{
    char *head = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&head, &n);
    if (f) put_head(f, e);
    bool good = f && fclose(f) == 0;
    out->cap = n + e->before.text.n + e->after.text.n;
    out->p = good ? malloc(out->cap + 1) : NULL;
    if (out->p) {
        gyre_put(out, GYRE_MAKE(gyre_view, (uint8_t *)head, n));
        gyre_put(out, e->before.text);
        gyre_put(out, e->after.text);
    }
    free(head);
    return out->p;
}

uint64_t history_add(const char *folder, const struct history_entry *e, char *why, size_t why_n)
{
    struct replacement r;
    gyre_out out = {.p = NULL};
    size_t n;
    if (!make_folder(folder, why, why_n)) return 0;
    uint64_t *numbers = history_numbers(folder, &n), number = n ? numbers[0] + 1 : 1;
    free(numbers);
    char *path = path_of(folder, number);
    (void)snprintf(why, why_n, "no memory");
    bool good = path && make_bytes(e, &out) &&
                replace_begin(&r, path, gyre_built(&out), 0600, why, why_n) &&
                replace_end(&r, why, why_n);
    if (out.p) safe_free(gyre_built(&out));
    free(path);
    if (good) forget_oldest(folder);
    return good ? number : 0;
}

void history_take_back(const char *folder, uint64_t number)
{
    char *path = path_of(folder, number);
    if (path) (void)unlink(path);
    free(path);
}

/* ---- reading ---- */

/* "word value" of the next line. false: another word, or no line. */
static bool line_of(gyre_view *text, const char *word, gyre_view *value)
{
    return gyre_until(text, '\n', value) && gyre_skip(value, gyre_str(word)) &&
           gyre_skip(value, GYRE_LIT(" "));
}

static bool number_of(gyre_view *text, const char *word, uint64_t *number)
{
    gyre_view value;
    return line_of(text, word, &value) && gyre_dec(value, INT64_MAX, number);
}

static char *text_copy(gyre_view v)
{
    return v.n ? strndup((const char *)v.p, v.n) : strdup("");
}

static bool size_of(gyre_view *text, const char *word, struct version_of_file *v, uint64_t *n)
{
    gyre_view value;
    *n = 0;
    if (!line_of(text, word, &value)) return false;
    v->there = !gyre_eq(value, GYRE_LIT("-"));
    return !v->there || gyre_dec(value, LIMIT_CONF_FILE, n);
}

static bool copy_part(gyre_view *text, uint64_t n, struct version_of_file *v)
{
    gyre_view part;
    uint8_t *copy;
    if (!gyre_exact(text, n, &part) || !(copy = malloc(n + 1))) return false;
    if (n) memcpy(copy, part.p, n);
    copy[n] = 0;
    v->text = GYRE_MAKE(gyre_view, copy, n);
    return true;
}

static bool parse(gyre_view text, struct history_entry *e)
{
    gyre_view uid, file, what, empty;
    uint64_t when, before, after;
    if (!gyre_skip(&text, GYRE_LIT("gyre-history 1\n")) || !number_of(&text, "when", &when) ||
        !line_of(&text, "uid", &uid) || !number_of(&text, "undoes", &e->undoes) ||
        !line_of(&text, "file", &file) || !line_of(&text, "what", &what) ||
        !size_of(&text, "before", &e->before, &before) ||
        !size_of(&text, "after", &e->after, &after) || !gyre_until(&text, '\n', &empty) || empty.n)
        return false;
    uint64_t who = 0;
    bool by_hand = gyre_eq(uid, GYRE_LIT("-1"));
    if (!by_hand && !gyre_dec(uid, UINT32_MAX, &who)) return false;
    if (!file.n || file.n >= LIMIT_NAME || file.p[0] == '.' || memchr(file.p, '/', file.n))
        return false;
    e->uid = by_hand ? -1 : (int64_t)who;
    e->when_s = (int64_t)when;
    e->file = text_copy(file);
    e->what = text_copy(what);
    return e->file && e->what && copy_part(&text, before, &e->before) &&
           copy_part(&text, after, &e->after) && !text.n;
}

bool history_read(const char *folder, uint64_t number, struct history_entry *e, char *why,
                  size_t why_n)
{
    char *path = number ? path_of(folder, number) : NULL;
    gyre_view text;
    *e = (struct history_entry){.number = number};
    if (!path || access(path, F_OK) != 0) {
        (void)snprintf(why, why_n, "no change %" PRIu64 " is kept: 'gyrectl history' shows all",
                       number);
        free(path);
        return false;
    }
    bool good = safe_read(path, ENTRY_BYTES, NULL, &text, why, why_n);
    if (good) {
        good = parse(text, e);
        safe_free(text);
        if (!good) {
            (void)snprintf(why, why_n, "%s is damaged", path);
            history_entry_free(e);
        }
    }
    free(path);
    return good;
}

void history_entry_free(struct history_entry *e)
{
    free(e->what);
    free(e->file);
    safe_free(e->before.text);
    safe_free(e->after.text);
    *e = (struct history_entry){0};
}

uint64_t history_last(const char *folder)
{
    char why[512];
    size_t n, undone_n = 0;
    uint64_t *numbers = history_numbers(folder, &n), last = 0;
    uint64_t *undone = calloc(n + 1, sizeof *undone);
    for (size_t i = 0; undone && !last && i < n; i++) {
        struct history_entry e;
        bool is_undone = false;
        if (!history_read(folder, numbers[i], &e, why, sizeof why)) continue;
        for (size_t j = 0; j < undone_n; j++) is_undone |= undone[j] == e.number;
        if (!is_undone && e.undoes) undone[undone_n++] = e.undoes;
        else if (!is_undone) last = e.number;
        history_entry_free(&e);
    }
    free(undone);
    free(numbers);
    return last;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_follow.c - answers that come line by line, until the server or the reader ends.
 *
 * Each line is one JSON object; --json shows it as it came. What the server sends is not believed:
 * a control byte is shown as '?'. Limits: LINE_BYTES a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gyrectl_ask.h"
#include "json.h"

enum { LINE_BYTES = 64 * 1024 };

static void put_clean(FILE *f, const char *text)
{
    for (; *text; text++)
        (void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, f);
}

/* One object for people. The exit status if it was the last word, or -1. */
static int show_one(const struct json *o)
{
    const struct json *lost = json_at(o, "lost"), *line = json_at(o, "line");
    const struct json *last = json_at(o, "end"), *error = json_at(o, "error");
    if (error->kind == JSON_TEXT || last->kind == JSON_TEXT) {
        (void)fputs("gyrectl: ", stderr);
        put_clean(stderr, error->kind == JSON_TEXT ? error->text : last->text);
        (void)fputc('\n', stderr);
        return 1;
    }
    if (lost->kind == JSON_NUMBER)
        (void)printf("(%s lines are not shown: too many at once)\n", lost->text);
    if (line->kind != JSON_TEXT) return -1;
    put_clean(stdout, line->text);
    (void)putchar('\n');
    return -1;
}

/* As show_one, of a line as it came. */
static int show_line(char *line, size_t n, bool as_json)
{
    char why[128];
    struct json *o = json_read(line, n, why, sizeof why);
    int status = -1;
    if (!o) {
        (void)fprintf(stderr, "gyrectl: the answer is no JSON, %s\n", why);
        return 1;
    }
    bool last = json_at(o, "end")->kind == JSON_TEXT || json_at(o, "error")->kind == JSON_TEXT;
    if (!as_json) status = show_one(o);
    else if (printf("%.*s\n", (int)n, line) < 0 || last) status = 1;
    json_free(o);
    return status;
}

/* Shows the whole lines at the front of n bytes; *used: how many that were. */
static int show_lines(char *bytes, size_t n, bool as_json, size_t *used)
{
    int status = -1;
    char *at = bytes, *end;
    while (status < 0 && (end = memchr(at, '\n', n - (size_t)(at - bytes)))) {
        status = show_line(at, (size_t)(end - at), as_json);
        at = end + 1;
    }
    *used = (size_t)(at - bytes);
    if (fflush(stdout) != 0 && status < 0) status = 1; /* nobody reads any more */
    return status;
}

int live_follow(const char *socket, char **words, int n, bool as_json)
{
    static char bytes[LINE_BYTES];
    size_t have = 0, used = 0;
    ssize_t got = 1;
    int status = -1;
    char *line = make_line(words, n);
    int fd = line ? ask_begin(socket, line) : -1;
    if (!line) (void)fputs("gyrectl: arguments too long\n", stderr);
    free(line);
    if (fd < 0) return 1;
    while (status < 0 && have < sizeof bytes &&
           (got = read(fd, bytes + have, sizeof bytes - have)) > 0) {
        have += (size_t)got;
        status = show_lines(bytes, have, as_json, &used);
        have -= used;
        memmove(bytes, bytes + used, have);
    }
    (void)close(fd);
    if (status >= 0) return status;
    if (got == 0 && !have) return 0; /* all was shown */
    (void)fputs("gyrectl: the server ended the connection in the middle of a line\n", stderr);
    return 1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_table.c - see gyrectl_table.h. Width counts characters of UTF-8, not bytes; control bytes
 * of what a server sent are shown as '?', so that no terminal is driven by them.
 */
#include "gyrectl_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *copy_clean(const char *text, size_t n)
{
    char *out = malloc(n + 1);
    if (!out) {
        (void)fputs("gyrectl: no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    out[n] = '\0';
    return out;
}

static void add(struct table *t, const char *text, size_t n, enum table_look look)
{
    struct table_cell *more = realloc(t->cells, (t->cells_n + 1) * sizeof *more);
    if (!more) {
        (void)fputs("gyrectl: no memory\n", stderr);
        exit(1);
    }
    t->cells = more;
    t->cells[t->cells_n++] = (struct table_cell){copy_clean(text, n), look};
}

void table_begin(struct table *t, const char *head)
{
    *t = (struct table){0};
    while (t->columns < TABLE_COLUMNS) {
        size_t n = strcspn(head, "|");
        bool right = n && head[0] == '>';
        t->right[t->columns++] = right;
        add(t, head + right, n - right, TABLE_PLAIN);
        if (!head[n]) break;
        head += n + 1;
    }
}

void table_state(struct table *t, const char *text, enum table_look look)
{
    add(t, text, strlen(text), look);
}

void table_text(struct table *t, const char *text)
{
    table_state(t, text, TABLE_PLAIN);
}

void table_number(struct table *t, int64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    table_text(t, text);
}

void table_bytes(struct table *t, int64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    char text[32];
    size_t unit = 0;
    double size = (double)n;
    while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1024;
        unit++;
    }
    (void)snprintf(text, sizeof text, "%.*f %s", unit && size < 10 ? 1 : 0, size, units[unit]);
    table_text(t, text);
}

static size_t width(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += (*text & 0xc0) != 0x80; /* all but continuation bytes */
    return n;
}

static void print_cell(const struct table *t, size_t at, size_t column_width, bool colour)
{
    static const char *const looks[] = {"", "\033[32m", "\033[33m", "\033[31m"};
    const struct table_cell *cell = &t->cells[at];
    size_t column = at % t->columns;
    const char *on = at < t->columns ? "\033[1m" : looks[cell->look];
    bool last = column + 1 == t->columns;
    int pad = (int)(column_width - width(cell->text));
    (void)printf("%*s%s%s%s", t->right[column] ? pad : 0, "", colour ? on : "", cell->text,
                 colour && *on ? "\033[0m" : "");
    if (last) (void)putchar('\n');
    else (void)printf("%*s", (t->right[column] ? 0 : pad) + 2, "");
}

void table_end(struct table *t)
{
    size_t widths[TABLE_COLUMNS] = {0};
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    for (size_t i = 0; i < t->cells_n; i++) {
        size_t n = width(t->cells[i].text);
        if (n > widths[i % t->columns]) widths[i % t->columns] = n;
    }
    for (size_t i = 0; t->cells_n > t->columns && i < t->cells_n; i++)
        print_cell(t, i, widths[i % t->columns], colour);
    for (size_t i = 0; i < t->cells_n; i++) free(t->cells[i].text);
    free(t->cells);
    *t = (struct table){0};
}

void duration_text(int64_t ms, char *out, size_t n)
{
    long long s = ms / 1000;
    if (s < 1) (void)snprintf(out, n, "%lld ms", (long long)ms);
    else if (s < 60) (void)snprintf(out, n, "%lld s", s);
    else if (s < 3600) (void)snprintf(out, n, "%lldm %llds", s / 60, s % 60);
    else if (s < 86400) (void)snprintf(out, n, "%lldh %lldm", s / 3600, s / 60 % 60);
    else (void)snprintf(out, n, "%lldd %lldh", s / 86400, s / 3600 % 24);
}

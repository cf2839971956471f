/* SPDX-License-Identifier: GPL-3.0-or-later
 * describe.c - shows options to people: as a section for conf.d, and as a table for a README.
 *
 * Promise: what describe_ini prints is read back by config_read as it is, and a line whose ; is
 * taken away means its preset. Both print the same options in the same order.
 */
#include "config.h"

enum { COLUMNS = 92 };

/* Words in lines that begin with "# ". */
static void put_comment(FILE *to, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column && column + 1 + n > COLUMNS) {
            (void)fputc('\n', to);
            column = 0;
        }
        column += (size_t)fprintf(to, "%s%.*s", column ? " " : "# ", (int)n, text);
        text += n + strspn(text + n, " ");
    }
    (void)fputc('\n', to);
}

/* As it must be written for a file to mean this text. */
static void put_value(FILE *to, const struct option_info *o, const char *text)
{
    if (text[0] == '@' && o->kind == GYRE_STRING) (void)fputc('@', to);
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '{') (void)fputc('$', to);
        (void)fputc(text[0], to);
    }
}

static void put_option(FILE *to, const struct option_info *o, const struct plugin_info *info)
{
    char space[32], form[512];
    const char *preset = option_preset(o, info, space);
    bool listen = o == option_named(host_options, option_count(host_options), "listen");
    (void)fputc('\n', to);
    put_comment(to, o->help);
    option_form(o, form, sizeof form);
    (void)fprintf(to, "# Value: %s\n", form);
    if (listen && info->streams) (void)fputs(";listen = tcp:HOST:PORT\n", to);
    if (listen && info->datagrams) (void)fputs(";listen = udp:HOST:PORT\n", to);
    if (listen && (info->streams || info->datagrams)) return;
    (void)fprintf(to, ";%s =%s", o->name, preset && preset[0] ? " " : "");
    if (preset) put_value(to, o, preset);
    (void)fputc('\n', to);
}

void describe_ini(FILE *to, const struct plugin_info *info)
{
    if (info) {
        (void)fprintf(to, "# %s %s: ", info->name, info->version);
        (void)fprintf(to, "%s\n", info->summary);
    } else {
        (void)fputs("# The server itself.\n", to);
    }
    (void)fputs("# Every option stands here with its preset. Take the ; away to change one.\n\n",
                to);
    (void)fprintf(to, "[%s]\n", info ? info->name : "server");
    for (size_t i = 0; info && i < info->options_n; i++) put_option(to, &info->options[i], info);
    if (info) (void)fputs("\n# Of every section:\n", to);
    for (const struct option_info *o = info ? host_options : server_options; o->name; o++)
        put_option(to, o, info);
}

/* Text in a cell of a table. */
static void put_cell(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<*\\", *text)) (void)fputc('\\', to);
        (void)fputc(*text, to);
    }
}

static void put_row(FILE *to, const struct option_info *o, const struct plugin_info *info)
{
    char space[32], form[512];
    const char *preset = option_preset(o, info, space);
    option_form(o, form, sizeof form);
    (void)fprintf(to, "| `%s` | ", o->name);
    put_cell(to, form);
    (void)fputs(" | ", to);
    if (preset && preset[0]) {
        (void)fputc('`', to);
        for (const char *c = preset; *c; c++) (void)fprintf(to, *c == '|' ? "\\|" : "%c", *c);
        (void)fputs("` | ", to);
    } else {
        (void)fputs("| ", to);
    }
    put_cell(to, o->help);
    (void)fputs(" |\n", to);
}

void describe_markdown(FILE *to, const struct plugin_info *info)
{
    static const char head[] = "| option | value | preset | meaning |\n|---|---|---|---|\n";
    if (info && info->options_n) (void)fputs(head, to);
    for (size_t i = 0; info && i < info->options_n; i++) put_row(to, &info->options[i], info);
    if (info)
        (void)fputs(info->options_n ? "\nEvery section has these too:\n\n"
                                    : "It has no options of its own. Every section has these:\n\n",
                    to);
    (void)fputs(head, to);
    for (const struct option_info *o = info ? host_options : server_options; o->name; o++)
        put_row(to, o, info);
}

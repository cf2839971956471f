/* SPDX-License-Identifier: GPL-3.0-or-later
 * metadata.c - the target for what a plugin's child says of it (metadata_read.c): untrusted text.
 *
 * Oracles: what is accepted is sound, so the manual made of it is a configuration without a fault,
 * as it stands and with each option taken into use at its preset; a refusal says why.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config.h"
#include "fuzz.h"

const char fuzz_past[] = "were a plugin";

void fuzz_begin(const char *plugin)
{
    (void)plugin;
}

void fuzz_end(void)
{
}

struct reading { /* of the manual */
    struct conf_section section;
    size_t cap;
};

static bool take_key(void *user, const char *section, uint32_t section_line, const char *key,
                     const char *value, uint32_t line)
{
    struct reading *r = user;
    struct conf_section *s = &r->section;
    (void)section_line;
    if (!key) return snprintf(s->where, sizeof s->where, "%s:%u", section, line) > 0;
    if (s->entries_n == r->cap) {
        r->cap = 2 * r->cap + 64;
        s->entries = realloc(s->entries, r->cap * sizeof *s->entries);
        if (!s->entries) abort();
    }
    struct entry *e = &s->entries[s->entries_n++];
    *e = (struct entry){.key = strdup(key), .value = strdup(value), .folder = strdup("/"),
                        .is_file = value[0] == '@'};
    if (!e->key || !e->value || !e->folder) abort();
    snprintf(e->where, sizeof e->where, "manual:%u", line);
    return true;
}

/* ";key = preset" becomes "key = preset", but for what has no preset that could be written. */
static void take_into_use(char *manual)
{
    for (char *line = manual, *end; *line; line = end + 1) {
        end = line + strcspn(line, "\n");
        size_t n = (size_t)(end - line);
        bool listen = !strncmp(line, ";listen =", 9), none = n && line[n - 1] == '=';
        if (line[0] == ';' && !listen && !none) line[0] = ' ';
        if (line[0] == ' ') { /* the left edge begins a key */
            memmove(line, line + 1, n - 1);
            line[n - 1] = ' ';
        }
        if (!*end) break;
    }
}

static void check_manual(const struct plugin_info *info, const char *manual, const char *how)
{
    struct reading r = {.section = {.name = info->name, .plugin = info->name, .instance = ""}};
    struct problems problems = {0};
    (void)ini_read("manual", gyre_str(manual), take_key, &r, &problems);
    config_check(&r.section, info, &problems);
    if (problems.errors) {
        fprintf(stderr, "%s\n", manual);
        fuzz_wrong("manual", "%s: %s", how, problems.at[0].text);
    }
    for (size_t i = 0; i < r.section.entries_n; i++) entry_free(&r.section.entries[i]);
    free(r.section.entries);
    problems_free(&problems);
}

static void check_info(const struct plugin_info *info)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f) abort();
    describe_ini(f, info);
    fputs("\ngroup = a\n", f); /* a relative preset starts at the folder of some key */
    fclose(f);
    check_manual(info, text, "as it stands");
    take_into_use(text);
    check_manual(info, text, "with every option in use");
    free(text);
    f = open_memstream(&text, &n);
    if (!f) abort();
    describe_markdown(f, info);
    fclose(f);
    free(text);
}

void fuzz_one(gyre_view input)
{
    uint64_t alive = alloc_live();
    char why[PROBLEM_TEXT] = "";
    struct plugin_info *info = metadata_read(input, why, sizeof why);
    if (!info && !why[0]) fuzz_wrong("refusal", "it is refused, and not said why");
    if (fuzz_shows) puts(info ? info->name : why);
    fuzz_count.past += info != NULL;
    fuzz_count.further += info && info->options_n;
    if (fuzz_plants && info && info->options_n) info->options[0].kind = 99;
    if (info) check_info(info);
    metadata_free(info);
    if (alloc_live() != alive) fuzz_wrong("given back", "an allocation is left");
}

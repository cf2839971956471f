/* SPDX-License-Identifier: GPL-3.0-or-later
 * report.c - plugins and configuration as JSON for gyrectl, and the one writer of JSON text.
 *
 * Promise: what json_text writes is valid JSON whatever the bytes were; secrets are never shown.
 */
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

/* Bytes of a valid UTF-8 sequence at p (n left), or 0. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
    size_t want = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] > 0xf4 || want > n) return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (want == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) return 0;
    if (want == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) return 0;
    return want;
}

void json_text(FILE *f, const char *text)
{
    if (!text) {
        (void)fputs("null", f);
        return;
    }
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text);
    (void)fputc('"', f);
    while (left) {
        size_t n = utf8_length(p, left);
        if (!n) (void)fputs("\\ufffd", f);
        else if (*p == '"' || *p == '\\') (void)fprintf(f, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f) (void)fprintf(f, "\\u%04x", *p);
        else (void)fwrite(p, 1, n, f);
        p += n ? n : 1;
        left -= n ? n : 1;
    }
    (void)fputc('"', f);
}

static void members(FILE *f, const char *name, const struct need_info *list, size_t n)
{
    (void)fprintf(f, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++) {
        (void)fputs(i ? ", " : "", f);
        json_text(f, list[i].id);
    }
    (void)fputs("]", f);
}

static void plugin_json(const struct plugin_file *file, FILE *f)
{
    const struct plugin_info *info = file->module ? file->module->info : NULL;
    (void)fputs("{\"file\": ", f);
    json_text(f, file->name);
    (void)fprintf(f, ", \"state\": \"%s\", \"problem\": ",
                  file->gone      ? "removed"
                  : file->problem ? "broken"
                  : info          ? "good"
                                  : "new");
    json_text(f, file->problem);
    (void)fputs(", \"name\": ", f);
    json_text(f, info ? info->name : NULL);
    (void)fputs(", \"version\": ", f);
    json_text(f, info ? info->version : NULL);
    (void)fputs(", \"summary\": ", f);
    json_text(f, info ? info->summary : NULL);
    if (info) {
        (void)fprintf(f, ", \"target\": %u, \"hash\": \"%016llx\"", info->target,
                      (unsigned long long)file->module->hash);
        members(f, "needs", info->needs, info->needs_n);
        members(f, "offers", info->offers, info->offers_n);
    }
    (void)fputs("}", f);
}

void plugins_json(const struct supervisor *s, FILE *f)
{
    (void)fputs("{\"folder\": ", f);
    json_text(f, s->places.plugins);
    (void)fputs(", \"plugins\": [", f);
    for (size_t i = 0; i < s->folder.n; i++) {
        (void)fputs(i ? ", " : "", f);
        plugin_json(&s->folder.files[i], f);
    }
    (void)fputs("]}\n", f);
}

static void key_json(FILE *f, bool *some, const char *key, const char *value, const char *where)
{
    (void)fprintf(f, "%s{\"key\": ", *some ? ", " : "");
    *some = true;
    json_text(f, key);
    (void)fputs(", \"value\": ", f);
    json_text(f, value);
    (void)fputs(", \"where\": ", f);
    json_text(f, where);
    (void)fputs("}", f);
}

/* Keys that the section does not have, with the value that is used instead. */
static void presets_json(const struct conf_section *section, const struct option_info *options,
                         size_t n, const struct plugin_info *info, const char *key_or_null,
                         bool *some, FILE *f)
{
    for (size_t i = 0; i < n; i++) {
        char space[32];
        const char *preset = option_preset(&options[i], info, space);
        if (key_or_null && strcmp(options[i].name, key_or_null) != 0) continue;
        if (preset && !section_entry(section, options[i].name))
            key_json(f, some, options[i].name, preset, NULL);
    }
}

bool key_is_secret(const struct supervisor *s, const char *plugin, const char *key)
{
    const struct module *m = folder_module(&s->folder, plugin);
    const struct option_info *o = NULL;
    if (option_named(host_options, option_count(host_options), key)) return false;
    if (m) o = option_named(m->info->options, m->info->options_n, key);
    if (strcmp(plugin, "server") == 0) return false;
    return !o || (o->kind & 0xff) == GYRE_SECRET; /* of a plugin that is not there: who knows */
}

/* key NULL: all keys. */
static void config_section_json(const struct supervisor *s, const struct conf_section *section,
                                const char *key, FILE *f)
{
    const struct module *m = folder_module(&s->folder, section->plugin);
    const struct plugin_info *info = m ? m->info : NULL;
    bool server = strcmp(section->plugin, "server") == 0, some = false;
    const struct option_info *host = server ? server_options : host_options;
    (void)fputs("{\"name\": ", f);
    json_text(f, section->name);
    (void)fputs(", \"where\": ", f);
    json_text(f, section->where);
    (void)fputs(", \"keys\": [", f);
    for (size_t i = 0; i < section->entries_n; i++) {
        const struct entry *e = &section->entries[i];
        if (key && strcmp(e->key, key) != 0) continue;
        bool secret = key_is_secret(s, section->plugin, e->key);
        key_json(f, &some, e->key, secret ? "***" : e->value, e->where);
    }
    presets_json(section, host, option_count(host), info, key, &some, f);
    if (info) presets_json(section, info->options, info->options_n, info, key, &some, f);
    (void)fputs("]}", f);
}

void config_json(const struct supervisor *s, FILE *f)
{
    (void)fputs("{\"sections\": [", f);
    for (size_t i = 0; s->plan && i < s->plan->config->n; i++) {
        (void)fputs(i ? ", " : "", f);
        config_section_json(s, &s->plan->config->sections[i], NULL, f);
    }
    (void)fputs("]}\n", f);
}

/* The key itself is right, though it may have neither value nor preset. */
static bool is_known(const struct plugin_info *info, const struct option_info *host,
                     const struct conf_section *section, const char *key)
{
    return section_entry(section, key) || option_named(host, option_count(host), key) ||
           (info && option_named(info->options, info->options_n, key));
}

void get_json(const struct supervisor *s, const struct conf_section *section,
              const char *key_or_null, FILE *f)
{
    const struct module *m = folder_module(&s->folder, section->plugin);
    const struct plugin_info *info = m ? m->info : NULL;
    bool server = strcmp(section->plugin, "server") == 0;
    const struct option_info *host = server ? server_options : host_options;
    const struct option_info *own = info ? info->options : NULL;
    if (key_or_null && !is_known(info, host, section, key_or_null)) {
        const char *near = option_nearest(key_or_null, host, option_count(host), own,
                                          info ? info->options_n : 0);
        char *why = near ? text_of("no key '%s' in [%s], did you mean '%s'?", key_or_null,
                                   section->name, near)
                         : text_of("no key '%s' in [%s]", key_or_null, section->name);
        error_json(f, why);
        free(why);
        return;
    }
    (void)fputs("{\"key\": ", f);
    json_text(f, key_or_null);
    (void)fputs(", \"section\": ", f);
    config_section_json(s, section, key_or_null, f);
    (void)fputs("}\n", f);
}

void problems_json(const struct problems *all, FILE *f)
{
    (void)fputs("[", f);
    for (size_t i = 0; i < all->n; i++) {
        (void)fprintf(f, "%s{\"warning\": %s, \"text\": ", i ? ", " : "",
                      all->at[i].warning ? "true" : "false");
        json_text(f, all->at[i].text);
        (void)fputs("}", f);
    }
    (void)fputs("]", f);
}

void error_json(FILE *f, const char *why)
{
    (void)fputs("{\"error\": ", f);
    json_text(f, why);
    (void)fputs("}\n", f);
}

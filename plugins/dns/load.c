/* SPDX-License-Identifier: GPL-3.0-or-later
 * load.c - see load.h. All memory belongs to the configuration version; what only compiling needs
 * is given back at once.
 */
#include "load.h"

#include "builder.h"
#include "zonefile.h"

enum { FILE_MOST = 1 << 30 };

struct loader {
    struct gyre_section *section;
    const struct gyre_file *file;
    const struct dns_conf *conf;
    int root;
    struct dns_builder builder;
    struct dns_troubles troubles;
};

static void *memory(void *old, size_t n)
{
    return gyre->mem(NULL, old, n);
}

/* The next word of a value, and the spaces before it. */
static gyre_view next_word(gyre_view *value)
{
    size_t n = 0;
    *value = gyre_trim(*value);
    while (n < value->n && value->p[n] != ' ' && value->p[n] != '\t') n++;
    return gyre_head(value, n);
}

/* FOLDER/FILE, in memory of the version: the builder keeps it for messages. */
static gyre_view whole_path(struct loader *loader, gyre_view path)
{
    gyre_view folder = loader->conf->zones;
    gyre_out out = {.cap = folder.n + 1 + path.n};
    out.p = memory(NULL, out.cap);
    if (!out.p) out.full = true;
    gyre_put(&out, folder);
    gyre_put_byte(&out, '/');
    gyre_put(&out, path);
    return gyre_built(&out);
}

static const char *reason(int err)
{
    switch (err) {
    case GYRE_ABSENT: return "there is no such file";
    case GYRE_DENIED: return "it may not be read, or lies outside of the folder";
    case GYRE_FOLDER: return "it is a folder";
    case GYRE_FULL: return "it is too large (raise memory_max)";
    default: return "reading it failed";
    }
}

static void load_zone(struct loader *loader, const struct gyre_item *item)
{
    static const struct dns_spelled root = {.n = 1};
    uint8_t space[DNS_NAME_BYTES * 4 + 8];
    gyre_out preset = GYRE_OUT(space);
    struct dns_spelled apex;
    gyre_view left = item->text, name = next_word(&left), path = next_word(&left), text;
    const gyre_view where = gyre_str(item->where);
    const char *why = dns_name_spell(name, &root, &apex);
    if (!why && gyre_trim(left).n) why = "too much: zone = NAME [FILE]";
    if (why) {
        dns_trouble(&loader->troubles, where, 0, "zone '%.*s': %s", (int)name.n,
                    (const char *)name.p, why);
        return;
    }
    if (!path.n) {
        gyre_put(&preset, apex.n == 1 ? GYRE_LIT("root.") : name);
        if (preset.n && preset.p[preset.n - 1] == '.') preset.n--;
        gyre_put(&preset, GYRE_LIT(".zone"));
        path = gyre_built(&preset);
    }
    gyre_view shown = whole_path(loader, path);
    int err = loader->file->load(loader->section, loader->root, path, FILE_MOST, &text);
    if (err) {
        dns_trouble(&loader->troubles, where, 0, "zone '%.*s': %.*s: %s", (int)name.n,
                    (const char *)name.p, (int)shown.n, (const char *)shown.p, reason(err));
        return;
    }
    dns_zonefile(&loader->builder, &apex, shown, text, &loader->troubles);
    (void)memory((void *)(uintptr_t)text.p, 0);
}

bool dns_load(struct gyre_section *section, const struct gyre_file *file, struct dns_conf *conf,
              gyre_out *why)
{
    struct loader loader = {.section = section, .file = file, .conf = conf,
                            .builder = {.memory = memory}, .troubles = {.out = why}};
    uint8_t space[4096];
    gyre_out want = GYRE_OUT(space);
    if (!conf->zones.n || !conf->zone.n) {
        gyre_put(why, conf->zones.n ? GYRE_LIT("no zone is served: write zone = NAME")
                                    : GYRE_LIT("the folder is missing: write zones = FOLDER"));
        return false;
    }
    gyre_put(&want, GYRE_LIT("path:"));
    gyre_put(&want, conf->zones);
    loader.root = gyre->want(section, gyre_built(&want));
    if (loader.root < 0) {
        gyre_put(why, GYRE_LIT("the folder of zones may not be read"));
        return false;
    }
    gyre->random(&loader.builder.seed, sizeof loader.builder.seed);
    loader.builder.seed.second |= 1;
    for (size_t i = 0; i < conf->zone.n && !loader.builder.no_memory; i++)
        load_zone(&loader, &conf->zone.at[i]);
    const struct dns_zones *zones = &conf->compiled;
    bool packed = dns_builder_pack(&loader.builder, &loader.troubles, &conf->compiled);
    bool no_memory = loader.builder.no_memory;
    dns_builder_free(&loader.builder);
    if (packed)
        gyre->log(NULL, GYRE_INFO, "%s: %u zones, %llu records", section->name, zones->zones_n,
                  (unsigned long long)zones->records);
    if (no_memory) {
        why->n = 0;
        gyre_put(why, GYRE_LIT("the zones need more memory than memory_max"));
    }
    return packed;
}

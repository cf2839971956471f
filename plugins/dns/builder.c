/* SPDX-License-Identifier: GPL-3.0-or-later
 * builder.c - gathering (builder.h). Packing is in pack.c.
 *
 * Names are kept once each, by a table that doubles. A new name brings the names above it along,
 * so that each has its parent, with a smaller number.
 * Limits: 2^32 names and 4 GiB of text; past them it says no_memory.
 */
#include "builder.h"

#include <stdarg.h>
#include <stdio.h>

void dns_trouble(struct dns_troubles *troubles, gyre_view file, uint32_t line, const char *fmt,
                 ...)
{
    char text[512];
    va_list arguments;
    if (troubles->n++ >= DNS_TROUBLES_SHOWN) return;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    if (troubles->n > 1) gyre_put_byte(troubles->out, '\n');
    gyre_put(troubles->out, file);
    if (line) {
        gyre_put_byte(troubles->out, ':');
        gyre_put_dec(troubles->out, line);
    }
    gyre_put(troubles->out, GYRE_LIT(": "));
    gyre_put(troubles->out, gyre_str(text));
    if (troubles->n == DNS_TROUBLES_SHOWN) gyre_put(troubles->out, GYRE_LIT("\n…"));
}

bool dns_builder_grow(struct dns_builder *builder, void **vector, size_t *cap, size_t need,
                      size_t item_bytes)
{
    if (builder->no_memory) return false;
    if (need <= *cap) return true;
    size_t more = *cap + *cap / 2 + 64;
    if (more < need) more = need;
    void *bigger = more <= UINT32_MAX ? builder->memory(*vector, more * item_bytes) : NULL;
    if (!bigger) {
        builder->no_memory = true;
        return false;
    }
    *vector = bigger;
    *cap = more;
    return true;
}

static bool put_bytes(struct dns_builder *builder, gyre_view v, uint32_t *at)
{
    void *bytes = builder->bytes;
    bool room = dns_builder_grow(builder, &bytes, &builder->bytes_cap, builder->bytes_n + v.n, 1);
    builder->bytes = bytes;
    if (!room) return false;
    *at = (uint32_t)builder->bytes_n;
    if (v.n) memcpy(&builder->bytes[builder->bytes_n], v.p, v.n);
    builder->bytes_n += v.n;
    return true;
}

static void put_slot(struct dns_builder *builder, uint32_t number)
{
    size_t at = builder->names[number].hash & (builder->slots_n - 1);
    while (builder->slots[at]) at = (at + 1) & (builder->slots_n - 1);
    builder->slots[at] = number;
}

/* Keeps the table at most half full. */
static bool grow_slots(struct dns_builder *builder)
{
    if (builder->slots_n > builder->names_n * 2) return true;
    size_t n = builder->slots_n ? builder->slots_n * 2 : 1024;
    uint32_t *slots = builder->memory(NULL, n * sizeof *slots);
    if (!slots) {
        builder->no_memory = true;
        return false;
    }
    memset(slots, 0, n * sizeof *slots);
    if (builder->slots) builder->memory(builder->slots, 0);
    builder->slots = slots;
    builder->slots_n = n;
    for (size_t i = 1; i < builder->names_n; i++) put_slot(builder, (uint32_t)i);
    return true;
}

static uint32_t find(const struct dns_builder *builder, const struct dns_name *name, size_t label,
                     uint64_t hash)
{
    gyre_view wanted = dns_name_from(name, label);
    size_t at = hash & (builder->slots_n - 1);
    for (;; at = (at + 1) & (builder->slots_n - 1)) {
        uint32_t number = builder->slots[at];
        const struct dns_draft_name *draft = &builder->names[number];
        if (!number) return 0;
        if (draft->hash != hash) continue;
        if (gyre_eqi((gyre_view){&builder->bytes[draft->at], draft->n}, wanted)) return number;
    }
}

/* Adds the name that is the last bytes of wire, from that label on. */
static uint32_t add(struct dns_builder *builder, const struct dns_name *name, size_t label,
                    uint64_t hash, gyre_view wire, uint32_t parent)
{
    gyre_view lower = dns_name_from(name, label);
    struct dns_draft_name draft = {.hash = hash, .parent = parent, .n = (uint8_t)lower.n};
    (void)gyre_head(&wire, name->at[label]);
    draft.cased = !gyre_eq(wire, lower);
    void *names = builder->names;
    bool room = dns_builder_grow(builder, &names, &builder->names_cap, builder->names_n + 1,
                                 sizeof draft);
    builder->names = names;
    if (!room || !grow_slots(builder) || !put_bytes(builder, wire, &draft.at)) return 0;
    uint32_t number = (uint32_t)builder->names_n++;
    builder->names[number] = draft;
    if (number) put_slot(builder, number);
    return number;
}

uint32_t dns_builder_name(struct dns_builder *builder, gyre_view wire)
{
    struct dns_name name;
    gyre_view rest = wire;
    uint64_t hashes[DNS_LABELS + 1];
    uint32_t number = 0;
    size_t label = 0;
    if (!dns_name_cut(&rest, &name)) return 0;
    wire.n = name.n;
    if (!builder->names_n)
        (void)add(builder, &name, name.labels, 0, wire, 0); /* the root is number 0 */
    for (; label < name.labels && !builder->no_memory; label++) {
        hashes[label] = dns_name_hash(&builder->seed, &name, label);
        number = find(builder, &name, label, hashes[label]);
        if (number) break;
    }
    while (label-- > 0 && !builder->no_memory)
        number = add(builder, &name, label, hashes[label], wire, number);
    return builder->no_memory ? 0 : number;
}

bool dns_builder_zone(struct dns_builder *builder, gyre_view apex, gyre_view file,
                      uint32_t *number)
{
    void *zones = builder->zones;
    uint32_t name = dns_builder_name(builder, apex);
    bool room = dns_builder_grow(builder, &zones, &builder->zones_cap, builder->zones_n + 1,
                                 sizeof *builder->zones);
    builder->zones = zones;
    if (!room || builder->names[name].zone) return false;
    *number = (uint32_t)builder->zones_n++;
    builder->zones[*number] = (struct dns_draft_zone){name, file};
    builder->names[name].zone = *number + 1;
    return true;
}

void dns_builder_record(struct dns_builder *builder, struct dns_draft_record record,
                        gyre_view rdata)
{
    void *records = builder->records;
    bool room = dns_builder_grow(builder, &records, &builder->records_cap,
                                 builder->records_n + 1, sizeof record);
    builder->records = records;
    if (!room || !put_bytes(builder, rdata, &record.at)) return;
    record.n = (uint16_t)rdata.n;
    builder->records[builder->records_n++] = record;
}

bool dns_builder_below(const struct dns_builder *builder, uint32_t a, uint32_t b)
{
    while (a > b) a = builder->names[a].parent;
    return a == b;
}

void dns_builder_free(struct dns_builder *builder)
{
    void *blocks[] = {builder->names, builder->records, builder->zones, builder->bytes,
                      builder->slots};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (blocks[i]) builder->memory(blocks[i], 0);
    *builder = (struct dns_builder){.memory = builder->memory, .seed = builder->seed};
}

void dns_zones_free(struct dns_zones *zones, dns_memory *memory)
{
    void *blocks[] = {zones->slots, zones->zones, zones->blob};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (blocks[i]) memory(blocks[i], 0);
    *zones = (struct dns_zones){0};
}

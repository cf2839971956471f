/* SPDX-License-Identifier: GPL-3.0-or-later
 * files.c - the files that the sites of a scenario serve, and how to know them again.
 *
 * A file's text is made from its number and version, and says both in its first line: so any text
 * that ever was a file's is known, and nothing else is.
 */
#include <stdlib.h>

#include "scenario.h"

static const struct {
    const char *name; /* below the root of its site */
    size_t n;
} files[FILES] = {
    {"/www/index.html", 300},  {"/www/a.txt", 40},          {"/www/mid.bin", 40000},
    {"/www/big.bin", 150000},  {"/www/docs/index.html", 9}, {"/www/docs/b.txt", 4096},
    {"/www/docs/c.txt", 4097}, {"/zones/example.test.zone", 0},
};

static const char zone[] =
    "$TTL 1h\n"
    "@ SOA ns1 hostmaster %u 4h 1h 2w 5m\n"
    "  NS ns1\n"
    "ns1 A 192.0.2.53\n"
    "www A 192.0.2.80\n"
    "*.wild A 192.0.2.99\n"
    "text TXT \"some text\"\n";

const char *site_files_name(uint32_t file)
{
    return files[file].name;
}

/* Its text in that version; the caller frees it. */
static uint8_t *make(uint32_t file, uint32_t version, size_t *n)
{
    uint64_t random = (uint64_t)file << 32 | version;
    uint8_t *p = malloc(files[file].n + 512);
    if (!p) abort();
    int head = file == FILES - 1 ? snprintf((char *)p, 512, zone, version)
                                 : snprintf((char *)p, 64, "file %u version %u\n", file, version);
    *n = (size_t)head;
    /* other versions have other lengths */
    size_t more = file == FILES - 1 ? 0 : files[file].n + sim_random(&random) % 64;
    for (size_t i = 0; i < more; i++) p[(*n)++] = (uint8_t)("0123456789abcdef"[i * 7 % 13 % 16]);
    for (size_t i = (size_t)head; i + 8 < *n; i += 509) {
        uint64_t x = sim_random(&random);
        memcpy(p + i, &x, 8);
    }
    return p;
}

void site_files_change(struct run *r, uint32_t file)
{
    free(r->files[file]);
    r->files[file] = make(file, ++r->files_version[file], &r->files_n[file]);
    sim_say(r->sim, "%s changes: version %u", site_files_name(file), r->files_version[file]);
    sim_file(r->sim, site_files_name(file), r->files[file], r->files_n[file]);
}

bool site_files_was(const struct run *r, uint32_t file, gyre_view text)
{
    gyre_view rest = text, word;
    uint64_t number = 0, version = 0;
    size_t n = 0;
    if (!gyre_skip(&rest, GYRE_LIT("file ")) || !gyre_until(&rest, ' ', &word) ||
        !gyre_dec(word, FILES, &number) || number != file ||
        !gyre_skip(&rest, GYRE_LIT("version ")) || !gyre_until(&rest, '\n', &word) ||
        !gyre_dec(word, r->files_version[file], &version) || !version)
        return false;
    if (version == r->files_version[file])
        return gyre_eq(text, (gyre_view){r->files[file], r->files_n[file]});
    uint8_t *p = make(file, (uint32_t)version, &n);
    bool same = gyre_eq(text, (gyre_view){p, n});
    free(p);
    return same;
}

void site_files_free(struct run *r)
{
    for (uint32_t i = 0; i < FILES; i++) free(r->files[i]);
}

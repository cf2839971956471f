/* SPDX-License-Identifier: GPL-3.0-or-later
 * box.c - the target for the supervisor's reading of a black box (server/crash_read.c,
 * crash_show.c): the input is what a dead service left on the page, be it hostile.
 *
 * An input is pieces: where in the page (2 bytes, x 8), how long (1 byte), and the bytes; what is
 * too short is cut. The page is the end of a mapping, so that a reading past it is found.
 * Oracles: texts have their end, numbers are within what there is, lines have no control bytes.
 */
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "supervisor.h"

const char fuzz_past[] = "told of a crash";

enum { PAGE = 4096, MAPPED = (sizeof(struct black_box) + PAGE - 1) / PAGE * PAGE };

static struct black_box *page;

void fuzz_begin(const char *plugin)
{
    (void)plugin;
    uint8_t *all = mmap(NULL, MAPPED + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    if (all == MAP_FAILED || mprotect(all + MAPPED, PAGE, PROT_NONE) != 0)
        fuzz_wrong("start", "no memory");
    page = (struct black_box *)(void *)(all + MAPPED - sizeof *page);
}

void fuzz_end(void)
{
    (void)munmap((uint8_t *)page + sizeof *page - MAPPED, MAPPED + PAGE);
}

static void lay(gyre_view input)
{
    memset(page, 0, sizeof *page);
    while (input.n > 3) {
        gyre_view head = gyre_head(&input, 3);
        size_t at = (head.p[0] | (size_t)head.p[1] << 8) * 8 % sizeof *page;
        size_t n = head.p[2] < input.n ? head.p[2] : input.n;
        if (n > sizeof *page - at) n = sizeof *page - at;
        memcpy((uint8_t *)page + at, gyre_head(&input, n).p, n);
    }
}

static void look(void *user, const char *line)
{
    (void)user;
    for (const uint8_t *p = (const uint8_t *)line; *p; p++)
        if (*p < 0x20 || *p == 0x7f) fuzz_wrong("lines", "a control byte in: %s", line);
}

static void ends(const char *what, const char *text, size_t n)
{
    if (!memchr(text, 0, n)) fuzz_wrong("texts", "%s has no end", what);
}

void fuzz_one(gyre_view input)
{
    static struct crash c;
    static char json[128 * 1024];
    memset(&c, 0, sizeof c);
    lay(input);
    crash_read(page, 0, &c);
    if (fuzz_plants && c.bytes_n && c.bytes_n < BOX_BYTES) c.bytes_n = BOX_BYTES + 1;
    if (c.frames_n > BOX_FRAMES || c.bytes_n > BOX_BYTES || c.bytes_n > c.bytes_of ||
        c.doing_n > BOXES)
        fuzz_wrong("numbers", "%zu frames, %u of %u bytes, %zu threads", c.frames_n, c.bytes_n,
                   c.bytes_of, c.doing_n);
    ends("what it said", c.text, sizeof c.text);
    for (size_t i = 0; i < c.frames_n; i++)
        ends("a module", c.frames[i].module, sizeof c.frames[i].module);
    crash_lines(&c, fuzz_now_and_then(input, 2), look, NULL);
    FILE *f = fmemopen(json, sizeof json, "w");
    if (!f) fuzz_wrong("start", "no memory");
    crash_json(&c, f);
    fclose(f);
    fuzz_count.past += c.seen;
    fuzz_count.further += c.seen && c.frames_n > 1;
}

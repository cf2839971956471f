/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_crash.c - box.h, crash_read.c, crash_show.c, symbol.c: from the page of a dead service to a
 * report, whatever the page holds.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "supervisor.h"

static struct black_box *page;
static struct crash c;
static char *text;
static size_t text_n;
static FILE *out;

static void begin(void)
{
    page = aligned_alloc(64, sizeof *page);
    cr_assert_not_null(page);
    memset(page, 0, sizeof *page);
    memset(&c, 0, sizeof c);
}

static void end(void)
{
    free(page);
}

TestSuite(crash, .init = begin, .fini = end);

static void keep_line(void *user, const char *line)
{
    (void)user;
    fprintf(out, "%s\n", line);
}

/* All lines of the report; until the next call. */
static const char *told(bool whole)
{
    free(text);
    text = NULL;
    out = open_memstream(&text, &text_n);
    crash_lines(&c, whole, keep_line, NULL);
    fclose(out);
    return text;
}

/* The page of a service whose worker 1 has died in on_data. */
static struct box *one_that_died(void)
{
    struct box *b = &page->of[1];
    page->first = 2;
    page->modules_n = 2;
    page->modules[0] = (struct box_module){0x1000, 0x2000, ""};
    page->modules[1] = (struct box_module){0x7000, 0x8000, "http.so"};
    page->of[0].thread = 70;
    b->thread = 71;
    box_enter(b, CALL_ON_DATA, 9, 7);
    b->signal = SIGSEGV;
    b->code = 1;
    b->address = 0x10;
    b->connection = 0xabc;
    b->has_peer = 1;
    b->peer = (gyre_addr){.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 4711};
    b->bytes_n = b->bytes_of = 3;
    memcpy(b->bytes, "a\n\"", 3);
    b->frames_n = 3;
    b->frames[0] = 0x7010;
    b->frames[1] = 0x1101;
    b->frames[2] = 0x9999;
    return b;
}

Test(crash, who_died_first_is_told)
{
    one_that_died();
    crash_read(page, 0, &c);
    cr_expect(c.seen);
    cr_expect_str_eq(c.call, "on_data");
    cr_expect_eq(c.section, 7);
    cr_expect_eq(c.frames_n, 3);
    cr_expect_str_eq(c.frames[0].module, "http.so");
    cr_expect_eq(c.frames[0].at, 0x10);
    cr_expect_str_eq(c.frames[1].module, "gyre");
    cr_expect_eq(c.frames[1].at, 0x100, "a caller stands behind its call");
    cr_expect_str_eq(c.frames[2].module, "", "an address in nothing that was loaded");
    cr_expect_str_eq(told(true), "in on_data, peer 192.0.2.1:4711, connection abc, fault at 0x10\n"
                                 "it had 3 bytes: a\\x0a\"\n"
                                 "at http.so+0x10\n"
                                 "   called from gyre+0x100\n"
                                 "   called from 0x9999\n"
                                 "worker 0 was idle\n");
}

Test(crash, what_no_handler_saw_is_what_all_did)
{
    page->of[0].thread = page->of[1].thread = page->of[BOX_CONTROL].thread = 5;
    page->of[BOX_HELPERS + 1].thread = 6;
    box_enter(&page->of[1], CALL_ON_TIMER, 3, 7);
    box_enter(&page->of[BOX_HELPERS + 1], CALL_WORK, 0, 7);
    crash_read(page, 0, &c);
    cr_expect_not(c.seen);
    cr_expect_eq(c.doing_n, 3, "the control thread rests most of the time");
    cr_expect_eq(c.doing[1].section, 7);
    cr_expect_str_eq(told(false),
                     "worker 0 was idle, worker 1 was in on_timer, helper 1 was in work\n");
}

Test(crash, calls_are_counted_and_left)
{
    struct box *b = &page->of[0];
    box_enter(b, CALL_ON_DATA, 1, 2);
    uint64_t first = b->call;
    box_leave(b);
    cr_expect_eq(b->call & 0xff, CALL_NONE);
    box_enter(b, CALL_ON_DATA, 1, 2);
    cr_expect_neq(b->call, first, "another call");
    cr_expect_eq(b->call & 0xff, CALL_ON_DATA);
    cr_expect_str_eq(call_name(CALL_ON_CLOSE), "on_close", "the names are complete");
    cr_expect_str_eq(call_name(CALL_MAX), "");
}

/* ---- hostile pages ---- */

static void read_and_tell(void)
{
    FILE *f;
    memset(&c, 0, sizeof c);
    crash_read(page, 0, &c);
    cr_assert_leq(c.frames_n, BOX_FRAMES);
    cr_assert_leq(c.bytes_n, BOX_BYTES);
    cr_assert_leq(c.bytes_n, c.bytes_of);
    cr_assert_leq(c.doing_n, BOXES);
    cr_assert_not_null(memchr(c.text, 0, sizeof c.text));
    for (size_t i = 0; i < c.frames_n; i++)
        cr_assert_not_null(memchr(c.frames[i].module, 0, sizeof c.frames[i].module));
    for (const char *p = told(true); *p; p++)
        cr_assert(*p == '\n' || (uint8_t)*p >= 0x20, "a control byte in the report");
    free(text);
    f = open_memstream(&text, &text_n);
    crash_json(&c, f);
    fclose(f);
    cr_assert_lt(text_n, 64 * 1024);
}

Test(crash, a_page_of_one_byte)
{
    for (int byte = 0; byte < 256; byte++) {
        memset(page, byte, sizeof *page);
        read_and_tell();
        page->first = 1;
        read_and_tell();
    }
}

Test(crash, numbers_past_what_there_is)
{
    struct box *b = one_that_died();
    b->frames_n = b->bytes_n = UINT32_MAX;
    page->modules_n = UINT32_MAX;
    b->bytes_of = 0;
    b->call = UINT64_MAX;
    memset(b->text, 'x', sizeof b->text);
    memset(page->modules[1].name, 'y', sizeof page->modules[1].name);
    read_and_tell();
    page->first = UINT32_MAX;
    read_and_tell();
    cr_expect_not(c.seen, "nobody has that box");
}

Test(crash, a_page_of_chance)
{
    uint64_t x = 88172645463325252u;
    uint64_t *words = (uint64_t *)(void *)page;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof *page / sizeof *words; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            words[i] = round & 1 ? x : x & 0xff000000ffu;
        }
        page->first = (uint32_t)(x % BOXES) + 1;
        read_and_tell();
    }
}

/* ---- symbols ---- */

Test(symbol, a_function_of_this_program)
{
    char name[64] = "";
    extern const char __executable_start[];
    uint64_t at = (uint64_t)((uintptr_t)read_and_tell - (uintptr_t)__executable_start);
    cr_assert(symbol_at("/proc/self/exe", at + 4, name, sizeof name));
    cr_expect_str_eq(name, "read_and_tell");
    cr_expect_not(symbol_at("/proc/self/exe", UINT64_MAX, name, sizeof name));
}

/* Every byte of the head and of the tables' heads, set to what no file should have. */
Test(symbol, files_that_are_none)
{
    char path[] = "/tmp/gyre-symbol-XXXXXX", name[64];
    static uint8_t bytes[8192];
    int from = open("/proc/self/exe", O_RDONLY), to = mkstemp(path);
    cr_assert(from >= 0 && to >= 0);
    cr_expect_not(symbol_at("/nowhere", 1, name, sizeof name));
    cr_expect_not(symbol_at(path, 1, name, sizeof name), "an empty file");
    cr_assert_eq(read(from, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    for (size_t i = 0; i < 64; i++) {
        uint8_t was = bytes[i];
        bytes[i] = 0xff;
        cr_assert_eq(pwrite(to, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
        cr_expect_not(symbol_at(path, 1, name, sizeof name), "byte %zu", i);
        bytes[i] = was;
    }
    close(from);
    close(to);
    unlink(path);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_queue.c - queue.c: what is put comes out in order, and every byte is counted and given back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue.h"
#include "../plugins/say.h"

static struct worker w;
static struct section s;
static struct version v;
static struct stats_row row;
static struct queue q;

static void begin(void)
{
    w.pool = pool_make();
    v.limits.memory_max = 10 << 20;
    s.pub.workers = 1;
    s.current[0] = &v;
    s.stats[0] = &row;
}

static void end(void)
{
    queue_drop(&w, &s, &q);
    cr_expect_eq(q.bytes, 0);
    cr_expect_eq(q.files, 0);
    cr_expect_eq(row.v[STAT_MEMORY], 0, "%lld bytes are still counted",
                 (long long)row.v[STAT_MEMORY]);
    cr_expect_eq(pool_in_use(w.pool), 0);
    pool_free(w.pool);
}

TestSuite(queue, .init = begin, .fini = end);

static uint8_t bytes[1 << 20];

/* Puts n bytes of the pattern that goes on at `at`. */
static void put(size_t at, size_t n)
{
    pattern(bytes, at, n);
    cr_assert(queue_put(&w, &s, &q, (gyre_view){bytes, n}));
}

/* The next n bytes are the pattern from `at`, in whatever parts; takes `step` at once. */
static void expect(size_t at, size_t n, size_t step)
{
    struct iovec parts[16];
    for (size_t done = 0; done < n;) {
        size_t count = queue_parts(&q, parts, 16), some = 0;
        cr_assert_gt(count, 0, "nothing to send after %zu of %zu", done, n);
        for (size_t i = 0; i < count && some < step && done + some < n; i++) {
            uint8_t want[1 << 12];
            size_t part = parts[i].iov_len < sizeof want ? parts[i].iov_len : sizeof want;
            if (part > step - some) part = step - some;
            if (part > n - done - some) part = n - done - some;
            pattern(want, at + done + some, part);
            cr_assert_arr_eq(parts[i].iov_base, want, part, "wrong at %zu", done + some);
            some += part;
            if (part < parts[i].iov_len) break;
        }
        queue_sent(&w, &s, &q, some);
        done += some;
    }
}

Test(queue, small_puts_share_a_chunk)
{
    struct iovec parts[16];
    for (size_t i = 0; i < 1000; i++) put(i, 1);
    cr_expect_eq(q.bytes, 1000);
    cr_expect_eq(queue_parts(&q, parts, 16), 1);
    expect(0, 1000, 333);
    cr_expect_eq(queue_parts(&q, parts, 16), 0);
    cr_expect_null(q.first);
    cr_expect(queue_put(&w, &s, &q, GYRE_NOTHING));
    cr_expect_null(q.first);
}

Test(queue, any_sizes_in_any_steps)
{
    static const size_t steps[] = {1, 7, 100, 2048, 65536, 1 << 20};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        size_t total = 0;
        for (size_t n = 1; n < 40000; n = n * 3 + 1) {
            put(total, n);
            total += n;
            put(total, n + 1);
            total += n + 1;
        }
        cr_expect_eq(q.bytes, total);
        expect(0, total, steps[k]);
        cr_expect_null(q.first);
    }
}

Test(queue, more_is_appended_while_some_is_sent)
{
    size_t at = 0;
    for (size_t i = 0; i < 200; i++) {
        put(i * 5000, 5000);
        expect(at, 4000, 1500);
        at += 4000;
    }
    expect(at, 200 * 5000 - at, 65536);
    cr_expect_null(q.first);
}

Test(queue, parts_are_bounded)
{
    struct iovec parts[4];
    for (size_t i = 0; i < 10; i++) put(i * 65000, 65000);
    cr_expect_eq(queue_parts(&q, parts, 4), 4);
    expect(0, 650000, 1 << 20);
}

Test(queue, memory_max_refuses)
{
    v.limits.memory_max = 10000;
    put(0, 5000);
    cr_expect_not(queue_put(&w, &s, &q, (gyre_view){bytes, 50000}));
    cr_expect_eq(row.v[STAT_HIT_MEMORY], 1);
    queue_drop(&w, &s, &q);
    put(0, 5000);
}

Test(queue, shared_bytes_are_counted_not_copied)
{
    struct bytes_core *core = bytes_make((gyre_view){bytes, 10000});
    struct iovec parts[16];
    pattern(core->p, 0, 10000);
    put(0, 64);
    cr_assert(queue_put_shared(&w, &q, core, 64, 640));
    cr_assert(queue_put_shared(&w, &q, core, 704, 64));
    put(768, 64);
    cr_expect_eq(atomic_load(&core->count), 3);
    cr_expect_eq(q.bytes, 832);
    cr_expect_eq(queue_parts(&q, parts, 16), 4);
    cr_expect_eq(parts[1].iov_base, core->p + 64);
    expect(0, 832, 100);
    cr_expect_eq(atomic_load(&core->count), 1);
    cr_assert(queue_put_shared(&w, &q, core, 0, 10000));
    queue_drop(&w, &s, &q);
    cr_expect_eq(atomic_load(&core->count), 1);
    bytes_drop(core);
}

/* ---- files ---- */

static struct bytes_core *file_of_pattern(size_t n)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    for (size_t at = 0; at < n;) {
        size_t part = n - at < sizeof bytes ? n - at : sizeof bytes;
        pattern(bytes, at, part);
        cr_assert_eq(write(fd, bytes, part), (ssize_t)part);
        at += part;
    }
    return bytes_of_file(fd, n);
}

/* Reads the piece that is due, at most `most` bytes of it. */
static bool read_piece(size_t most)
{
    struct file_piece piece;
    cr_assert(queue_file_due(&q));
    cr_assert(queue_file_begin(&w, &s, &q, &piece));
    size_t n = piece.n < most ? piece.n : most;
    ssize_t got = pread(piece.fd, piece.p, n, (off_t)piece.at);
    bool going = queue_file_end(&w, &s, &q, &piece, (int32_t)got);
    cr_expect_null(piece.chunk);
    return going;
}

/* A file of n bytes from `from`, between 100 bytes on either side. */
static void send_file(size_t n, size_t from, size_t most, size_t step)
{
    struct bytes_core *core = file_of_pattern(from + n);
    put(from + 6400 - 100, 100);
    cr_assert(queue_put_shared(&w, &q, core, from, n));
    put(from + n, 100);
    cr_expect_eq(q.files, 1);
    cr_expect_eq(q.bytes, 200, "a file counts as nothing");
    size_t at = 0, total = n + 200;
    while (at < total) {
        if (queue_file_due(&q)) cr_assert(read_piece(most));
        size_t here = at < 100 ? 100 : q.files ? at + (size_t)q.bytes - 100 : total;
        size_t go = here - at < step ? here - at : step;
        if (go) expect(at < 100 ? from + 6300 + at : from + at - 100, go, go);
        at += go;
    }
    cr_expect_null(q.first);
    cr_expect_eq(q.files, 0);
    cr_expect_eq(atomic_load(&core->count), 1);
    bytes_drop(core);
}

Test(queue, files_come_in_pieces)
{
    send_file(1, 0, SIZE_MAX, 1000);
    send_file(LIMIT_FILE_CHUNK, 0, SIZE_MAX, 1000);
    send_file(LIMIT_FILE_CHUNK + 1, 0, SIZE_MAX, 70000);
    send_file(500000, 0, SIZE_MAX, 30000);
    send_file(500000, 6400, SIZE_MAX, 1 << 20);
}

Test(queue, short_reads_of_files)
{
    send_file(100000, 0, 1000, 700);
    send_file(5000, 640, 1, 1);
}

Test(queue, no_piece_is_due_while_enough_waits)
{
    struct bytes_core *core = file_of_pattern(1 << 20);
    put(0, LIMIT_FILE_CHUNK);
    cr_assert(queue_put_shared(&w, &q, core, 0, 1 << 20));
    cr_expect_not(queue_file_due(&q));
    expect(0, 64, 64);
    cr_expect(queue_file_due(&q));
    bytes_drop(core);
}

Test(queue, a_file_that_ends_early_cannot_go_on)
{
    struct bytes_core *core = file_of_pattern(1000);
    struct file_piece piece;
    cr_assert(queue_put_shared(&w, &q, core, 0, 1000));
    cr_assert_eq(ftruncate(core->fd, 10), 0);
    cr_assert(read_piece(SIZE_MAX));
    cr_assert_not(read_piece(SIZE_MAX));
    cr_assert(queue_file_begin(&w, &s, &q, &piece));
    cr_expect_not(queue_file_end(&w, &s, &q, &piece, -EIO));
    expect(0, 10, 10);
    bytes_drop(core);
}

Test(queue, dropped_while_a_piece_is_read)
{
    struct bytes_core *core = file_of_pattern(1000);
    struct file_piece piece;
    cr_assert(queue_put_shared(&w, &q, core, 0, 1000));
    cr_assert(queue_file_begin(&w, &s, &q, &piece));
    queue_drop(&w, &s, &q);
    cr_expect_not(queue_file_end(&w, &s, &q, &piece, 500));
    bytes_drop(core);
}

Test(queue, two_files_one_behind_the_other)
{
    struct bytes_core *core = file_of_pattern(6400);
    cr_assert(queue_put_shared(&w, &q, core, 0, 6400));
    cr_assert(queue_put_shared(&w, &q, core, 0, 6400));
    cr_expect_eq(q.files, 2);
    cr_assert(read_piece(SIZE_MAX));
    cr_expect_eq(q.files, 1);
    cr_assert(read_piece(SIZE_MAX));
    cr_expect_not(queue_file_due(&q));
    expect(0, 6400, 5000);
    expect(0, 6400, 5000);
    bytes_drop(core);
}

Test(queue, more_sent_than_queued_is_a_bug, .signal = SIGABRT)
{
    put(0, 10);
    queue_sent(&w, &s, &q, 11);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * table.c - records in a memfd, written by one program and read by the next (handover.h).
 *
 * Promise: the reader believes nothing: every length is checked, a descriptor must be open, and a
 * field that is missing makes the whole table wrong. Knows no meaning of any field.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handover.h"

static const char magic[] = "gyre handover";
static const uint64_t nothing = UINT64_MAX; /* in place of the length of a text: NULL */
enum { TABLE_BYTES = 256 * 1024 * 1024 };

/* ---- writing ---- */

static void put_number(FILE *f, uint64_t n)
{
    uint8_t bytes[8];
    gyre_out out = GYRE_OUT(bytes);
    gyre_put_be(&out, n, sizeof bytes);
    (void)fwrite(bytes, 1, sizeof bytes, f);
}

static void put_bytes(FILE *f, const void *bytes, size_t n)
{
    put_number(f, n);
    if (n) (void)fwrite(bytes, 1, n, f);
}

void table_open(struct table *t)
{
    *t = (struct table){0};
    t->all = need_memory(open_memstream(&t->all_bytes, &t->all_n));
    put_bytes(t->all, magic, sizeof magic - 1);
    put_number(t->all, HANDOVER_FORMAT);
}

void table_begin(struct table *t, enum handover_record record)
{
    t->record = record;
    t->body = need_memory(open_memstream(&t->body_bytes, &t->body_n));
}

void table_number(struct table *t, uint64_t n)
{
    put_number(t->body, n);
}

void table_bytes(struct table *t, gyre_view v)
{
    put_bytes(t->body, v.p, v.n);
}

void table_text(struct table *t, const char *text)
{
    if (text) put_bytes(t->body, text, strlen(text));
    else put_number(t->body, nothing);
}

void table_fd(struct table *t, int fd)
{
    put_number(t->body, (uint64_t)(int64_t)fd);
    if (fd < 0) return;
    t->fds = grow(t->fds, t->fds_n, sizeof *t->fds);
    t->fds[t->fds_n++] = fd;
}

void table_end(struct table *t)
{
    (void)fclose(t->body);
    put_number(t->all, t->record);
    put_bytes(t->all, t->body_bytes, t->body_n);
    explicit_bzero(t->body_bytes, t->body_n); /* values of the configuration may be secrets */
    free(t->body_bytes);
    t->body_bytes = NULL;
}

int table_seal(struct table *t)
{
    int fd = memfd_create("gyre-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)need_memory(fflush(t->all) == 0 ? t : NULL);
    size_t done = 0;
    while (fd >= 0 && done < t->all_n) {
        ssize_t n = write(fd, t->all_bytes + done, t->all_n - done);
        if (n <= 0) break;
        done += (size_t)n;
    }
    if (fd >= 0 && done == t->all_n && lseek(fd, 0, SEEK_SET) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
        return fd;
    int err = errno;
    if (fd >= 0) (void)close(fd);
    errno = err;
    return -1;
}

void table_fds(const struct table *t, bool outlive_exec)
{
    for (size_t i = 0; i < t->fds_n; i++)
        (void)fcntl(t->fds[i], F_SETFD, outlive_exec ? 0 : FD_CLOEXEC);
}

void table_free(struct table *t)
{
    (void)fclose(t->all);
    explicit_bzero(t->all_bytes, t->all_n);
    free(t->all_bytes);
    free(t->fds);
}

/* ---- reading ---- */

static bool read_all(struct table_in *t, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size < 0 || st.st_size > TABLE_BYTES) return false;
    t->bytes = need_memory(malloc((size_t)st.st_size + 1));
    while (t->n < (size_t)st.st_size) {
        ssize_t n = pread(fd, t->bytes + t->n, (size_t)st.st_size - t->n, (off_t)t->n);
        if (n <= 0) return false;
        t->n += (size_t)n;
    }
    return true;
}

/* A text's bytes; NULL ones as written. */
static gyre_view get_bytes(gyre_in *in)
{
    uint64_t n = gyre_be(in, 8);
    if (n == nothing && !in->bad) return GYRE_NOTHING;
    gyre_view v = gyre_bytes(in, n > SIZE_MAX ? SIZE_MAX : (size_t)n);
    return v.p ? v : GYRE_LIT("");
}

bool table_read(struct table_in *t, int fd, bool draft, char *why, size_t why_n)
{
    *t = (struct table_in){.draft = draft};
    bool whole = read_all(t, fd);
    t->all = gyre_in_of(GYRE_MAKE(gyre_view, (const uint8_t *)t->bytes, t->n));
    gyre_view word = whole ? get_bytes(&t->all) : GYRE_NOTHING;
    t->format = gyre_be(&t->all, 8);
    if (whole && !t->all.bad && gyre_eq(word, gyre_str(magic))) return true;
    (void)snprintf(why, why_n, "what the server before it left is no handover");
    table_in_free(t);
    return false;
}

bool table_next(struct table_in *t)
{
    if (t->body.bad || (t->record && !gyre_end(&t->body))) t->wrong = true;
    if (t->wrong || gyre_end(&t->all)) return false;
    uint64_t record = gyre_be(&t->all, 8);
    t->body = gyre_in_of(get_bytes(&t->all));
    t->wrong = t->all.bad;
    bool known = record >= H_PROGRAM && record <= H_LOG;
    t->record = known ? (enum handover_record)record : 0;
    return !t->wrong;
}

uint64_t table_get(struct table_in *t)
{
    return gyre_be(&t->body, 8);
}

char *table_get_text(struct table_in *t)
{
    gyre_view v = get_bytes(&t->body);
    return v.p ? need_memory(strndup((const char *)v.p, v.n)) : NULL;
}

int table_get_fd(struct table_in *t)
{
    int64_t n = (int64_t)gyre_be(&t->body, 8);
    if (n == -1 || t->draft) return -1;
    if (n < 0 || n > INT32_MAX || fcntl((int)n, F_GETFD) < 0) {
        t->body.bad = true;
        return -1;
    }
    t->fds = grow(t->fds, t->fds_n, sizeof *t->fds);
    t->fds[t->fds_n++] = (int)n;
    return (int)n;
}

void table_take_fds(struct table_in *t)
{
    for (size_t i = 0; i < t->fds_n; i++) (void)fcntl(t->fds[i], F_SETFD, FD_CLOEXEC);
}

void table_in_free(struct table_in *t)
{
    if (t->bytes) explicit_bzero(t->bytes, t->n);
    free(t->bytes);
    free(t->fds);
    *t = (struct table_in){0};
}

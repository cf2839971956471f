/* SPDX-License-Identifier: GPL-3.0-or-later
 * symbol.c - the function that stands at an offset of a plugin, from the table of symbols in its
 * file.
 *
 * The supervisor maps no plugin: the file is read as data, piece by piece, and nothing that it says
 * of itself is believed. Limits: SECTIONS_MOST sections, SYMBOLS_MOST symbols.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"

enum { SECTIONS_MOST = 4096, SYMBOLS_MOST = 1 << 20, SYMBOLS_A_PIECE = 256 };

static bool get(int fd, void *to, size_t n, uint64_t at)
{
    return at <= INT64_MAX && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

static bool section_at(int fd, const ElfW(Ehdr) *head, uint64_t i, ElfW(Shdr) *out)
{
    return i < head->e_shnum && get(fd, out, sizeof *out, head->e_shoff + i * sizeof *out);
}

/* The table of all symbols, or else of those that are exported, and their names. */
static bool find_tables(int fd, ElfW(Shdr) *symbols, ElfW(Shdr) *names)
{
    ElfW(Ehdr) head;
    ElfW(Shdr) s;
    bool found = false;
    if (!get(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        head.e_shentsize != sizeof s || head.e_shnum > SECTIONS_MOST)
        return false;
    for (uint64_t i = 0; i < head.e_shnum && section_at(fd, &head, i, &s); i++) {
        if (s.sh_type != SHT_SYMTAB && (s.sh_type != SHT_DYNSYM || found)) continue;
        found = s.sh_entsize == sizeof(ElfW(Sym)) && section_at(fd, &head, s.sh_link, names);
        *symbols = s;
        if (found && s.sh_type == SHT_SYMTAB) break;
    }
    return found;
}

static bool copy_name(int fd, const ElfW(Shdr) *names, uint32_t at, char *name, size_t name_n)
{
    if (at >= names->sh_size || names->sh_offset > (uint64_t)INT64_MAX - at) return false;
    ssize_t n = pread(fd, name, name_n - 1, (off_t)(names->sh_offset + at));
    name[n > 0 ? n : 0] = '\0';
    return n > 0 && name[0];
}

static bool find_symbol(int fd, uint64_t offset, char *name, size_t name_n)
{
    ElfW(Sym) piece[SYMBOLS_A_PIECE];
    ElfW(Shdr) symbols, names;
    if (!find_tables(fd, &symbols, &names)) return false;
    uint64_t all = symbols.sh_size / sizeof *piece;
    if (all > SYMBOLS_MOST) all = SYMBOLS_MOST;
    for (uint64_t i = 0; i < all; i += SYMBOLS_A_PIECE) {
        size_t n = all - i < SYMBOLS_A_PIECE ? (size_t)(all - i) : SYMBOLS_A_PIECE;
        if (!get(fd, piece, n * sizeof *piece, symbols.sh_offset + i * sizeof *piece)) return false;
        for (size_t j = 0; j < n; j++) {
            if (ELF64_ST_TYPE(piece[j].st_info) != STT_FUNC || offset < piece[j].st_value ||
                offset - piece[j].st_value >= piece[j].st_size)
                continue;
            return copy_name(fd, &names, piece[j].st_name, name, name_n);
        }
    }
    return false;
}

bool symbol_at(const char *file, uint64_t offset, char *name, size_t name_n)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found = fd >= 0 && find_symbol(fd, offset, name, name_n);
    if (fd >= 0) (void)close(fd);
    return found;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * metadata_child.c - the throwaway child that reads one plugin's metadata.
 *
 * Loading runs constructors, so it first gives away its user, its network and its limits; the
 * supervisor never maps plugin code. The ELF file is checked before it is loaded, so that a
 * truncated one is called that. It prints metadata and leaves with 0, or one sentence and 1.
 * Promise: nothing that the plugin prints gets into the answer by accident.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metadata_child.h"
#include "service.h"

enum { NOBODY = 65534, SAID_FD = 10, CPU_SECONDS = 5, SEGMENTS_MAX = 256 };

static void limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit l = {most, most};
    (void)setrlimit(what, &l);
}

/* Gives everything away. What a container or an unprivileged process may not give away stays as it
 * is: the file belongs to root or to us, and a service will run it with the same rights. */
static bool lock_in(void)
{
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    if (geteuid() == 0) {
        (void)unshare(CLONE_NEWNET | CLONE_NEWIPC);
        bool dropped = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                       setresuid(NOBODY, NOBODY, NOBODY) == 0;
        (void)dropped;
    }
    limit(RLIMIT_NPROC, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* not before: a change of user takes it away */
    /* Readable again after the change of user: the copy is opened through /proc/self/fd. */
    return prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static unsigned own_machine(void)
{
    ElfW(Ehdr) h = {.e_machine = EM_NONE};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return EM_NONE;
    ssize_t n = pread(fd, &h, sizeof h, 0);
    (void)close(fd);
    return n == (ssize_t)sizeof h ? h.e_machine : EM_NONE;
}

static bool past_end(uint64_t at, uint64_t n, uint64_t end)
{
    return at > end || n > end - at;
}

/* What keeps the loader from reading the file, or NULL. */
static const char *wrong_file(int fd)
{
    ElfW(Ehdr) h;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return "is no file";
    uint64_t end = (uint64_t)st.st_size;
    ssize_t n = pread(fd, &h, sizeof h, 0);
    if (n < SELFMAG || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return n == 0 ? "is empty" : "is no shared object (not an ELF file)";
    if (n < (ssize_t)sizeof h) return "is truncated";
    if (h.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        h.e_machine != own_machine())
        return "was built for another kind of machine";
    if (h.e_type != ET_DYN) return "is an ELF file, but no shared object: build it with -shared";
    if (h.e_phnum > SEGMENTS_MAX || h.e_phentsize != sizeof(ElfW(Phdr))) return "is damaged";
    if (past_end(h.e_shoff, (uint64_t)h.e_shnum * h.e_shentsize, end)) return "is truncated";
    for (size_t i = 0; i < h.e_phnum; i++) {
        ElfW(Phdr) segment;
        if (past_end(h.e_phoff, (i + 1) * sizeof segment, end) ||
            pread(fd, &segment, sizeof segment, (off_t)(h.e_phoff + i * sizeof segment)) !=
                (ssize_t)sizeof segment ||
            past_end(segment.p_offset, segment.p_filesz, end))
            return "is truncated";
    }
    return NULL;
}

static int say_loaded(int fd, FILE *said)
{
    char path[64], why[PROBLEM_TEXT] = "cannot be loaded";
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const struct gyre_plugin *p = plugin_descriptor(path, why, sizeof why);
    if (p && metadata_write(p, said)) return 0;
    if (!p) (void)fprintf(said, "%s\n", why);
    return 1;
}

_Noreturn void describe_main(const char *copy)
{
    int fd = open(copy, O_RDONLY | O_CLOEXEC);
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, SAID_FD);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    FILE *said = out >= 0 ? fdopen(out, "w") : NULL;
    int status = 1;
    if (!said) _exit(status);
    for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++) (void)dup2(null, i);
    const char *wrong = fd < 0 ? strerror(errno) : wrong_file(fd);
    if (wrong)
        (void)fprintf(said, "%s\n", wrong);
    else if (!lock_in())
        (void)fprintf(said, "cannot be looked at safely: %s\n", strerror(errno));
    else
        status = say_loaded(fd, said);
    (void)fflush(said);
    _exit(status);
}

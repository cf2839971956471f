/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_describer.c - describer.c and metadata_child.c: asking a child what a plugin is.
 *
 * The child is this program again (spawn.c starts /proc/self/exe): what it does is written in the
 * name of the "copy". metadata_child.c itself runs in a fork, over files damaged in one way each.
 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "conf_folder.h"
#include "few_fds.h"
#include "metadata_child.h"
#include "supervisor.h"

static char why[PROBLEM_TEXT];

/* ---- the child that a describer starts ---- */

static void say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(3);
}

/* Before main, so that Criterion does not see it. */
__attribute__((constructor)) static void be_described(int n, char **argument)
{
    static char much[65536];
    if (n != 3 || strcmp(argument[1], "--describe") != 0) return;
    const char *what = argument[2];
    memset(much, 'x', sizeof much - 1);
    if (strcmp(what, "flood") == 0)
        for (int i = 0; i < 40; i++) say(much);
    if (strcmp(what, "waits") == 0) (void)pause();
    if (strcmp(what, "crashes") == 0) (void)raise(SIGKILL);
    if (strcmp(what, "sentence") == 0) {
        say("is no plugin\nand more");
        _exit(1);
    }
    if (strcmp(what, "empty line") == 0) {
        say("\n");
        _exit(1);
    }
    if (strcmp(what, "nonsense") == 0) say("gyre-metadata\t9\n");
    if (strcmp(what, "closes") == 0) {
        close(STDOUT_FILENO);
        (void)pause();
    }
    _exit(0);
}

/* Waits for the child's end, or its words. */
static int ask(struct describer *d, const char *what)
{
    struct plugin_info *info = NULL;
    int answer;
    why[0] = '\0';
    cr_assert(describer_start(d, what, why, sizeof why), "%s", why);
    pid_t pid = d->pid;
    do {
        struct pollfd fd = {.fd = d->pipe, .events = POLLIN};
        if (!d->ended) (void)poll(&fd, 1, 100);
        answer = describer_turn(d, &info, why, sizeof why);
    } while (answer == 0);
    cr_expect_eq(waitpid(pid, NULL, WNOHANG), -1, "%s: the child was not reaped", what);
    cr_expect_eq(d->pipe, -1);
    return answer;
}

static void expect_says(const char *what, const char *because)
{
    struct describer d;
    size_t before = count_fds();
    cr_expect_eq(ask(&d, what), -1, "%s", what);
    cr_expect(strstr(why, because), "%s: %s", what, why);
    cr_expect_eq(count_fds(), before);
}

Test(describer, each_end_of_a_child_is_one_sentence)
{
    struct describer first;
    (void)ask(&first, "silent"); /* from here on this program has its own file open */
    expect_says("sentence", "is no plugin");
    cr_expect_null(strstr(why, "more"), "one line");
    expect_says("empty line", "crashes, or ends the program, when it is loaded");
    expect_says("silent", "crashes, or ends the program, when it is loaded");
    expect_says("crashes", "crashes when it is loaded (Killed)");
    expect_says("nonsense", "does not describe itself");
    expect_says("flood", "says too much about itself");
}

static void expect_late(const char *what)
{
    struct describer d;
    struct plugin_info *info = NULL;
    cr_assert(describer_start(&d, what, why, sizeof why));
    pid_t pid = d.pid;
    cr_expect_eq(describer_turn(&d, &info, why, sizeof why), 0, "it has time");
    d.deadline_ms = clock_ms();
    cr_expect_eq(describer_turn(&d, &info, why, sizeof why), -1);
    cr_expect(strstr(why, "does not finish loading"), "%s", why);
    cr_expect_eq(waitpid(pid, NULL, WNOHANG), -1, "the child lives on");
}

Test(describer, a_child_that_never_ends)
{
    expect_late("waits");
    expect_late("closes");
}

Test(describer, without_descriptors)
{
    struct describer d;
    size_t before = count_fds();
    for (int left = 0; left < 2; left++) {
        leave_fds(left);
        bool started = describer_start(&d, "silent", why, sizeof why);
        leave_fds(-1);
        cr_expect_not(started);
        cr_expect_str_eq(why, "cannot be looked at: Too many open files");
        cr_expect_eq(d.pipe, -1);
        cr_expect_eq(count_fds(), before);
    }
}

/* ---- the real child, over damaged files ---- */

static uint8_t good[1 << 20];
static size_t good_n;
static char said[8192];

static void read_good_file(void)
{
    char path[600] = "";
    conf_begin();
    cr_assert_gt(readlink("/proc/self/exe", path, sizeof path - 1), 0);
    snprintf(strrchr(path, '/'), 64, "/tests/plugins/odd.so");
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    good_n = fread(good, 1, sizeof good, f);
    fclose(f);
}

TestSuite(metadata_child, .init = read_good_file, .fini = conf_end);

/* Runs the child over a file; its exit status. user: who it is. */
static int describe(const char *path, uid_t user)
{
    int ends[2], status = -1;
    size_t n = 0;
    ssize_t got;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        if (dup2(ends[1], STDOUT_FILENO) < 0) _exit(99);
        if (user && setresuid(user, user, user) != 0) _exit(98);
        describe_main(path);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + n, sizeof said - 1 - n)) > 0) n += (size_t)got;
    said[n] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "it was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void write_file(const void *bytes, size_t n)
{
    FILE *f = fopen("x.so", "we");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, n, f), n);
    cr_assert_eq(fclose(f), 0);
}

static void expect_wrong(const char *path, const char *because)
{
    cr_expect_eq(describe(path, 0), 1, "%s", because);
    cr_expect(strstr(said, because), "'%s', not '%s'", said, because);
}

/* The head of the good file, changed in one place. */
static void expect_damage(const char *because, size_t at, size_t n, uint64_t value)
{
    uint8_t before[8];
    memcpy(before, good + at, n);
    memcpy(good + at, &value, n);
    write_file(good, good_n);
    memcpy(good + at, before, n);
    expect_wrong("x.so", because);
}

Test(metadata_child, a_good_file)
{
    write_file(good, good_n);
    cr_expect_eq(describe("x.so", 0), 0, "%s", said);
    cr_expect(strstr(said, "gyre-metadata\t1\nplugin\todd\t"), "%s", said);
    cr_expect(strstr(said, "\nend\n"), "%s", said);
}

Test(metadata_child, as_a_user_without_rights)
{
    if (geteuid() != 0) return;
    write_file(good, good_n);
    cr_assert_eq(chmod("..", 0755), 0);
    cr_expect_eq(describe("x.so", 65534), 0, "%s", said);
}

Test(metadata_child, what_is_no_object_file)
{
    expect_wrong("none.so", "No such file or directory");
    expect_wrong(".", "is no file");
    write_file("", 0);
    expect_wrong("x.so", "is empty");
    write_file("ab", 2);
    expect_wrong("x.so", "is no shared object (not an ELF file)");
    write_file("#!/bin/sh\n", 10);
    expect_wrong("x.so", "is no shared object (not an ELF file)");
    write_file(ELFMAG, SELFMAG);
    expect_wrong("x.so", "is truncated");
    write_file(good, sizeof(ElfW(Ehdr)) - 1);
    expect_wrong("x.so", "is truncated");
    write_file(good, good_n / 2);
    expect_wrong("x.so", "is truncated");
}

#define FIELD(member) offsetof(ElfW(Ehdr), member), sizeof((ElfW(Ehdr)){0}.member)
Test(metadata_child, a_head_that_is_damaged_in_one_field)
{
    expect_damage("another kind of machine", EI_CLASS, 1, ELFCLASSNONE);
    expect_damage("another kind of machine", FIELD(e_machine), EM_68K);
    expect_damage("build it with -shared", FIELD(e_type), ET_REL);
    expect_damage("build it with -shared", FIELD(e_type), ET_CORE);
    expect_damage("is damaged", FIELD(e_phnum), 257);
    expect_damage("is damaged", FIELD(e_phentsize), 1);
    expect_damage("is truncated", FIELD(e_shoff), UINT64_MAX);
    expect_damage("is truncated", FIELD(e_shoff), good_n - 1);
    expect_damage("is truncated", FIELD(e_phoff), UINT64_MAX - 8);
    expect_damage("is truncated", FIELD(e_phoff), good_n - sizeof(ElfW(Phdr)));
}

Test(metadata_child, a_segment_past_the_end_of_the_file)
{
    ElfW(Ehdr) head;
    memcpy(&head, good, sizeof head);
    size_t at = head.e_phoff;
    expect_damage("is truncated", at + offsetof(ElfW(Phdr), p_offset), 8, UINT64_MAX);
    expect_damage("is truncated", at + offsetof(ElfW(Phdr), p_filesz), 8, good_n + 1);
}

Test(metadata_child, what_the_loader_and_the_descriptor_say)
{
    char path[700] = "";
    cr_assert_gt(readlink("/proc/self/exe", path, sizeof path - 1), 0);
    char *name = strrchr(path, '/');
    snprintf(name, 64, "/tests/plugins/odd/NO_ENTRY.so");
    expect_wrong(path, "it exports no gyre_plugin_v1");
    snprintf(name, 64, "/tests/plugins/odd/SIZELESS.so");
    expect_wrong(path, "has a descriptor of a wrong size");
}

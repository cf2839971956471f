/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_blocking.c - blocking.c: what is opened lies beneath its root, whatever links and names say.
 *
 * Each case is run three times: with the kernel's own way (openat2), where there is none, and where
 * it is refused, as older containers do. Only links differ then: none is followed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blocking.h"

static char top[] = "/tmp/gyre-blocking-XXXXXX";
static int root = -1;
static bool links; /* are followed beneath the root */

static void file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static void begin(void)
{
    struct file_facts facts;
    cr_assert_not_null(mkdtemp(top));
    cr_assert_eq(chdir(top), 0);
    file("secret", "not for you");
    cr_assert_eq(mkdir("www", 0755) | mkdir("www/a", 0755) | mkdir("www/a/b", 0755), 0);
    file("www/front", "front");
    file("www/a/b/deep", "deep");
    cr_assert_eq(symlink("a/b/deep", "www/inside"), 0);
    cr_assert_eq(symlink("a/b", "www/folder"), 0);
    cr_assert_eq(symlink("../secret", "www/out"), 0);
    cr_assert_eq(symlink(top, "www/up"), 0);
    cr_assert_eq(symlink("round", "www/round"), 0);
    cr_assert_eq(mkfifo("www/pipe", 0600), 0);
    root = blocking->root("www", &facts);
    cr_assert_geq(root, 0);
    cr_expect(facts.folder);
    links = true;
}

static void end(void)
{
    char command[64];
    blocking->close(root);
    cr_assert_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", top);
    cr_expect_eq(system(command), 0);
}

TestSuite(blocking, .init = begin, .fini = end);

/* From now on openat2 fails so. */
static void refuse_openat2(unsigned err)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {.len = sizeof rules / sizeof *rules, .filter = rules};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all), 0);
    links = false;
}

#define THRICE(name) \
    static void name(void); \
    Test(blocking, name) { name(); } \
    Test(blocking, name##_without_openat2) \
    { \
        refuse_openat2(ENOSYS); \
        name(); \
    } \
    Test(blocking, name##_with_openat2_refused) \
    { \
        refuse_openat2(EPERM); \
        name(); \
    } \
    static void name(void)

static void opens(const char *path, const char *text, bool through_link)
{
    struct file_facts facts;
    char got[64] = "";
    int fd = blocking->open(root, path, &facts);
    cr_assert_geq(fd, 0, "%s: %s", path, strerror(-fd));
    cr_expect(facts.file);
    cr_expect_eq(facts.size, strlen(text));
    cr_expect_eq(facts.through_link, through_link, "%s", path);
    cr_expect_eq(blocking->read(fd, got, sizeof got, 0), (int64_t)strlen(text));
    cr_expect_str_eq(got, text);
    cr_expect_eq(blocking->read(fd, got, sizeof got, 1), (int64_t)strlen(text) - 1);
    cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    blocking->close(fd);
}

static int lowest_free(void)
{
    int fd = dup(root);
    close(fd);
    return fd;
}

/* err 0: any error. No descriptor is left behind. */
static void refuses(const char *path, int err)
{
    struct file_facts facts;
    int before = lowest_free(), fd = blocking->open(root, path, &facts);
    cr_expect_lt(fd, 0, "%s was opened", path);
    if (err) cr_expect_eq(fd, -err, "%s: %s", path, strerror(-fd));
    cr_expect_eq(lowest_free(), before);
}

THRICE(files_beneath_the_root)
{
    opens("front", "front", false);
    opens("a/b/deep", "deep", false);
    opens("a//b///deep", "deep", false);
    opens("./a/./b/deep", "deep", false);
    refuses("nothing", ENOENT);
    refuses("a/nothing/deep", ENOENT);
    refuses("front/deep", ENOTDIR);
    refuses("", ENOENT);
}

THRICE(nothing_above_the_root)
{
    refuses("../secret", EXDEV);
    refuses("..", EXDEV);
    refuses("a/../../secret", EXDEV);
    refuses("/etc/passwd", EXDEV);
    refuses("/", EXDEV);
    refuses("out", 0);
    refuses("up/secret", 0);
    refuses("round", ELOOP);
}

THRICE(links_beneath_the_root)
{
    if (links) {
        opens("inside", "deep", true);
        opens("folder/deep", "deep", true);
    } else {
        refuses("inside", ELOOP);
        refuses("folder/deep", 0);
    }
    cr_expect_lt(blocking->folder(root, "folder"), 0); /* to be watched: never through a link */
}

THRICE(names_that_are_too_long)
{
    char name[300], path[600];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    snprintf(path, sizeof path, "a/%s", name);
    refuses(name, ENAMETOOLONG);
    refuses(path, ENAMETOOLONG);
    refuses(name + sizeof name - 256, ENOENT); /* 255 is what a name may have */
}

THRICE(what_is_no_file)
{
    struct file_facts facts;
    int fd = blocking->open(root, "a", &facts);
    cr_expect_geq(fd, 0);
    cr_expect(facts.folder && !facts.file);
    cr_expect_eq(blocking->read(fd, &facts, 1, 0), -EISDIR);
    blocking->close(fd);
    fd = blocking->open(root, "pipe", &facts); /* whose other end nobody has: it does not hang */
    cr_expect_geq(fd, 0);
    cr_expect(!facts.folder && !facts.file);
    blocking->close(fd);
}

THRICE(folders_are_watched)
{
    char space[sizeof(struct inotify_event) + 256];
    int notify = blocking->notify(), folder = blocking->folder(root, "a/b");
    cr_assert_geq(notify, 0);
    cr_assert_geq(folder, 0);
    cr_expect_lt(blocking->folder(root, "front"), 0);
    cr_expect_lt(blocking->folder(root, ".."), 0);
    cr_assert_eq(blocking->watch(notify, folder, IN_CREATE), 0);
    blocking->close(folder);
    cr_expect_eq(blocking->changes(notify, space, sizeof space), -EAGAIN);
    file("www/a/b/new", "new");
    cr_expect_gt(blocking->changes(notify, space, sizeof space), 0);
    cr_expect_str_eq(((struct inotify_event *)(void *)space)->name, "new");
    cr_expect_lt(blocking->watch(notify, -1, IN_CREATE), 0);
    blocking->close(notify);
}

Test(blocking, roots_and_facts)
{
    struct file_facts facts;
    cr_expect_eq(blocking->root("front", &facts), -ENOENT);
    cr_expect_eq(blocking->root("www/front", &facts), -ENOTDIR);
    cr_expect_eq(blocking->facts(root, "front", &facts), 0);
    cr_expect_eq(facts.size, 5);
    cr_expect_eq(facts.names, 1);
    cr_expect_eq(blocking->facts(root, "nothing", &facts), -ENOENT);
}

Test(blocking, addresses_as_text)
{
    union ring_address at;
    socklen_t n = 0;
    cr_assert_eq(blocking->resolve("127.0.0.1", 80, true, &at, &n), 0);
    cr_expect_eq(n, sizeof at.in4);
    cr_expect_eq(ntohs(at.in4.sin_port), 80);
    cr_assert_eq(blocking->resolve("::1", 53, true, &at, &n), 0);
    cr_expect_eq(n, sizeof at.in6);
    cr_expect_eq(blocking->resolve("localhost", 80, true, &at, &n), EAI_NONAME);
}

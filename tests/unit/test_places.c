/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_places.c - places.c: where things are, and run folders that are not to be trusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "conf_folder.h"
#include "few_fds.h"
#include "places.h"

static struct places p;
static char why[1024];

TestSuite(places, .init = conf_begin, .fini = conf_end);

Test(places, what_is_configured_goes_first)
{
    cr_assert(places_find("/run/here", "/lib/there", &p, why, sizeof why), "%s", why);
    cr_expect_str_eq(p.run, "/run/here");
    cr_expect_str_eq(p.plugins, "/lib/there");
    cr_expect_str_eq(p.copies, "/run/here/plugins");
    cr_expect_str_eq(p.control, "/run/here/control");
}

Test(places, a_build_tree_is_found_by_the_program)
{
    char self[512] = "";
    cr_assert_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    *strrchr(self, '/') = '\0';
    cr_assert(places_find(NULL, NULL, &p, why, sizeof why), "%s", why);
    cr_expect_eq(strncmp(p.run, self, strlen(self)), 0, "%s", p.run);
    cr_expect_str_eq(p.run + strlen(self), "/run");
    cr_expect_str_eq(p.plugins + strlen(self), "/plugins");
}

/* As a user who may not look at the program's folder, and may not write to it. */
static void runs_in(const char *runtime_dir_or_null, const char *want)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        if (runtime_dir_or_null) setenv("XDG_RUNTIME_DIR", runtime_dir_or_null, 1);
        else unsetenv("XDG_RUNTIME_DIR");
        bool ok = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
                  places_find(NULL, NULL, &p, why, sizeof why) && strcmp(p.run, want) == 0;
        _exit(ok ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0, "not in %s", want);
}

Test(places, a_user_s_own_run_folder)
{
    if (geteuid() != 0) cr_skip_test("only root becomes another user");
    runs_in("/run/user/65534", "/run/user/65534/gyre");
    runs_in("nowhere", "/tmp/gyre-65534");
    runs_in(NULL, "/tmp/gyre-65534");
}

Test(places, paths_that_are_too_long)
{
    char path[600];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    cr_expect_not(places_find("/run/here", path, &p, why, sizeof why));
    cr_expect(strstr(why, "the path of the plugin folder is too long: /xxx"), "%s", why);
    cr_expect_not(places_find(path, "/lib/there", &p, why, sizeof why));
    cr_expect(strstr(why, "too long for a socket in it: /xxx"), "%s", why);
    /* A socket's path ends long before a folder's: 107 bytes with "/control". */
    path[100] = '\0';
    cr_expect_not(places_find(path, "/lib/there", &p, why, sizeof why));
    cr_expect(strstr(why, "set a shorter run = in [server]"), "%s", why);
    path[99] = '\0';
    cr_expect(places_find(path, "/lib/there", &p, why, sizeof why), "%s", why);
    path[99] = 'x';
    path[100] = 'x';
    cr_expect_eq(places_connect(path), -1);
    cr_expect_eq(errno, ENAMETOOLONG);
}

static void expect_refused(const char *because)
{
    cr_expect_not(places_make(&p, why, sizeof why), "%s was taken", p.run);
    cr_expect(strstr(why, because), "%s", why);
}

Test(places, folders_are_made_for_one_user)
{
    struct stat st;
    cr_assert(places_find("run", "there", &p, why, sizeof why));
    cr_assert(places_make(&p, why, sizeof why), "%s", why);
    cr_expect_eq(stat("run/plugins", &st), 0);
    cr_expect_eq(st.st_mode & 0777, geteuid() == 0 ? 0755 : 0700);
    cr_expect(places_make(&p, why, sizeof why), "it may be there already: %s", why);
}

Test(places, a_run_folder_that_another_could_have_prepared)
{
    cr_assert(places_find("none/run", "there", &p, why, sizeof why));
    expect_refused("cannot make the folder none/run: No such file");
    cr_assert(places_find("run", "there", &p, why, sizeof why));
    file("run", "a file");
    expect_refused("run is no folder");
    cr_assert_eq(unlink("run"), 0);
    cr_assert_eq(mkdir("elsewhere", 0755), 0);
    cr_assert_eq(symlink("elsewhere", "run"), 0);
    expect_refused("run is no folder");
    cr_assert_eq(unlink("run"), 0);
    cr_assert_eq(mkdir("run", 0755), 0);
    cr_assert_eq(chmod("run", 0775), 0);
    expect_refused("writable by nobody else");
    cr_assert_eq(chmod("run", 0757), 0);
    expect_refused("writable by nobody else");
    cr_assert_eq(chmod("run", 0755), 0);
    file("run/plugins", "a file");
    expect_refused("run/plugins is no folder");
    cr_assert_eq(unlink("run/plugins"), 0);
    if (geteuid() != 0) return;
    cr_assert_eq(chown("run", 65534, 65534), 0);
    expect_refused("must belong to the user that runs Gyre");
}

Test(places, connecting)
{
    cr_expect_eq(places_connect("control"), -1);
    cr_expect_eq(errno, ENOENT);
    leave_fds(0);
    cr_expect_eq(places_connect("control"), -1);
    cr_expect_eq(errno, EMFILE);
    leave_fds(-1);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_spawn.c - what the supervisor does when the kernel says no: processes that do not start,
 * copies that are not made, a control socket that is not to be had. Nothing may be left behind.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "conf_folder.h"
#include "few_fds.h"
#include "supervisor.h"

static struct supervisor s;
static char why[512];

/* The program that is started is this one again: it waits for its end. Before main, so that
 * Criterion does not see it. */
__attribute__((constructor)) static void be_a_service(int n, char **argument)
{
    if (n < 2 || strcmp(argument[1], "--service") != 0) return;
    (void)pause();
    _exit(0);
}

/* Pages of statistics that this process has. */
static size_t count_pages(void)
{
    char line[512];
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, f)) n += strstr(line, "gyre-stats") != NULL;
    fclose(f);
    return n;
}

Test(spawn, a_process_that_does_not_start_leaves_nothing, .timeout = 60)
{
    const struct crew crew = {.name = "unit", .workers = 1};
    const char *argv[] = {"unit", "--service", NULL};
    pid_t first = spawn_self(argv, NULL, NULL, 0); /* from here on it has its own file open */
    cr_assert_eq(kill(first, SIGKILL), 0);
    cr_assert_eq(waitpid(first, NULL, 0), first);
    size_t before = count_fds(), failed = 0;
    for (int left = 0; left < 20; left++) {
        struct process p = {.name = "unit", .generation = 1};
        why[0] = '\0';
        leave_fds(left);
        bool started = process_spawn(&s, &p, &crew, why, sizeof why);
        leave_fds(-1);
        if (started) {
            struct process *own = malloc(sizeof *own);
            process_kill(&p, SIGKILL);
            cr_expect(WIFSIGNALED(process_reap(&p)));
            *own = p;
            process_free(own);
            cr_expect_eq(count_fds(), before);
            cr_expect_eq(count_pages(), 0);
            cr_expect_gt(failed, 2);
            return;
        }
        failed++;
        cr_expect_str_eq(why, "Too many open files", "%d left: %s", left, why);
        cr_expect_eq(count_fds(), before, "%d left", left);
        cr_expect_eq(count_pages(), 0, "%d left: its page stays", left);
        cr_expect_eq(p.pid, 0);
    }
    cr_assert(false, "it does not start: %s", why);
}

TestSuite(spawn_files, .init = conf_begin, .fini = conf_end);

Test(spawn_files, copies_of_plugin_files)
{
    file("x.so", "bytes");
    cr_assert_eq(mkdir("copies", 0755), 0);
    for (int left = 0; left < 2; left++) {
        leave_fds(left);
        struct module *m = module_copy("x.so", "copies", why, sizeof why);
        leave_fds(-1);
        cr_expect_null(m);
        cr_expect(strstr(why, "Too many open files"), "%s", why);
    }
    cr_expect_null(module_copy("none.so", "copies", why, sizeof why));
    cr_expect_str_eq(why, "cannot be read: No such file or directory");
    cr_assert_eq(mkdir("dir.so", 0755), 0);
    cr_expect_null(module_copy("dir.so", "copies", why, sizeof why));
    cr_expect_str_eq(why, "is no file");
    cr_expect_null(module_copy("x.so", "nowhere", why, sizeof why));
    cr_expect(strstr(why, "cannot be copied to nowhere: No such file"), "%s", why);
    struct module *first = module_copy("x.so", "copies", why, sizeof why);
    struct module *again = module_copy("x.so", "copies", why, sizeof why);
    cr_assert(first && again, "%s", why);
    cr_expect_str_eq(first->copy, again->copy, "the same bytes are one file");
    cr_expect_eq(first->hash, hash_bytes(HASH_START, "bytes", 5));
    module_drop(first);
    cr_expect_eq(access(again->copy, R_OK), 0, "the other still holds it");
    char copy[256];
    snprintf(copy, sizeof copy, "%s", again->copy);
    module_drop(again);
    cr_expect_neq(access(copy, R_OK), 0, "the last one deletes it");
    cr_expect_neq(access("copies/.draft", R_OK), 0);
}

Test(spawn_files, a_file_larger_than_a_plugin_may_be)
{
    file("x.so", "");
    cr_assert_eq(mkdir("copies", 0755), 0);
    cr_assert_eq(truncate("x.so", LIMIT_PLUGIN_FILE + 1), 0);
    cr_expect_null(module_copy("x.so", "copies", why, sizeof why));
    cr_expect_str_eq(why, "cannot be copied to copies: File too large");
    cr_expect_neq(access("copies/.draft", R_OK), 0);
}

Test(spawn_files, copies_of_an_earlier_server_are_swept_away)
{
    cr_assert_eq(mkdir("copies", 0755), 0);
    file("x.so", "bytes");
    file("copies/old.0123456789abcdef.so", "of one that was killed");
    struct module *m = module_copy("x.so", "copies", why, sizeof why);
    cr_assert_not_null(m, "%s", why);
    modules_sweep("nowhere");
    modules_sweep("copies");
    cr_expect_neq(access("copies/old.0123456789abcdef.so", R_OK), 0);
    cr_expect_eq(access(m->copy, R_OK), 0, "what is held stays");
    module_drop(m);
}

Test(spawn_files, the_control_socket)
{
    struct control c = {.fd = -1}, other = {.fd = -1};
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) c.clients[i].fd = other.clients[i].fd = -1;
    cr_expect_not(control_open(&c, "none/control", why, sizeof why));
    cr_expect_str_eq(why, "cannot listen on none/control: No such file or directory");
    if (c.fd >= 0) close(c.fd);
    leave_fds(0);
    bool open = control_open(&c, "control", why, sizeof why);
    leave_fds(-1);
    cr_expect_not(open);
    cr_expect(strstr(why, "Too many open files"), "%s", why);
    cr_assert(control_open(&c, "control", why, sizeof why), "%s", why);
    cr_expect_not(control_open(&other, "control", why, sizeof why), "two servers share it");
    cr_expect(strstr(why, "another gyre runs with this run folder"), "%s", why);
    int fd = c.fd;
    close(fd); /* as if it had been killed: the file is left */
    cr_expect(control_open(&c, "control", why, sizeof why), "%s", why);
    control_close(&c);
    cr_expect_neq(access("control", F_OK), 0);
    control_close(&c); /* harmless */
}

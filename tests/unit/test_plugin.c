/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_plugin.c - plugin.c: files that are no plugins, wrong descriptors, needs and offers, and
 * statics that become read-only. The files are made of tests/plugins/odd.c.
 */
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

static char why[512];

/* Beside this program. */
static const char *file_of(const char *name)
{
    static char path[4200];
    char self[4096] = "";
    cr_assert_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    snprintf(path, sizeof path, "%s/tests/plugins/%s.so", dirname(self), name);
    return path;
}

static struct plugin *load(const char *name)
{
    why[0] = 0;
    return service_load(world.service, file_of(name), -1, why, sizeof why);
}

static void begin(void)
{
    world_begin(1);
}

TestSuite(plugin, .init = begin, .fini = world_end);

static void expect_refused(const char *name, const char *because)
{
    cr_expect_null(load(name), "%s was loaded", name);
    cr_expect(strstr(why, because), "%s: %s", name, why);
    cr_expect_null(world.service->plugins);
}

Test(plugin, a_good_one)
{
    struct plugin *p = load("odd");
    cr_assert_not_null(p, "%s", why);
    cr_expect_str_eq(p->name, "odd");
    cr_expect_eq(service_plugin(world.service, "odd"), p);
    cr_expect_null(service_plugin(world.service, "other"));
    cr_expect_eq(*p->declared->api, &host_api);
    cr_expect_eq(p->kinds[KIND_STREAM].p.message_max, LIMIT_MESSAGE);
    cr_expect_eq(p->kinds[KIND_STREAM].p.high_mark, LIMIT_HIGH_MARK);
    cr_expect_str_eq(p->kinds[KIND_STREAM].p.name, "odd");
    cr_expect_null(p->kinds[KIND_PORT].declared);
    cr_expect_eq(kind_of(p, p->declared->stream), &p->kinds[KIND_STREAM]);
    cr_expect_null(kind_of(p, NULL));
}

Test(plugin, the_same_name_twice)
{
    cr_assert_not_null(load("odd"));
    cr_expect_null(load("odd/WRITABLE"));
    cr_expect_str_eq(why, "a plugin named odd is loaded already");
}

Test(plugin, no_plugin_at_all)
{
    char path[] = "/tmp/gyre-plugin-XXXXXX";
    expect_refused("none", "cannot open");
    expect_refused("odd/NO_ENTRY", "it exports no gyre_plugin_v1");
    int fd = mkstemp(path), good = open(file_of("odd"), O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && good >= 0);
    cr_expect_null(service_load(world.service, path, -1, why, sizeof why), "an empty file");
    cr_expect_eq(write(fd, "no plugin\n", 10), 10);
    cr_expect_null(service_load(world.service, path, -1, why, sizeof why));
    cr_expect(strstr(why, path), "%s", why);
    /* Cut off in its head. Longer beginnings may be a SIGBUS in the loader: what the server loads
     * was loaded in a child before. */
    uint8_t bytes[64];
    cr_assert_eq(read(good, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    for (off_t n = 4; n < 64; n += 10) {
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, bytes, (size_t)n, 0), n);
        cr_expect_null(service_load(world.service, path, -1, why, sizeof why), "%lld",
                       (long long)n);
        cr_expect_neq(why[0], 0);
    }
    close(good);
    close(fd);
    unlink(path);
}

Test(plugin, descriptors_that_are_malformed)
{
    expect_refused("odd/SMALL", "its descriptor is malformed");
    expect_refused("odd/SIZELESS", "its descriptor is malformed");
    expect_refused("odd/HUGE", "its descriptor is malformed");
    expect_refused("odd/WITHOUT_API", "no place for the host's table: use GYRE_PLUGIN");
    expect_refused("odd/WITHOUT_ROWS", "does not say the size of its rows: use GYRE_PLUGIN");
    expect_refused("odd/NAME", "its name is missing, or not of [a-z0-9_-]");
    expect_refused("odd/LONG_NAME", "its name is missing, or not of [a-z0-9_-]");
    expect_refused("odd/WITHOUT_NAME", "its name is missing, or not of [a-z0-9_-]");
}

Test(plugin, a_newer_target)
{
    expect_refused("odd/NEWER", "odd wants host minor 99, this is 1");
}

Test(plugin, kinds_that_are_malformed)
{
    expect_refused("odd/KIND_WITHOUT_SIZE",
                   "a kind of actor is malformed: begin it with GYRE_PROTO");
    expect_refused("odd/KIND_OF_THE_FUTURE", "a kind of actor is malformed");
    expect_refused("odd/MANY_TIMERS", "odd: more than 16 timers");
    expect_refused("odd/LARGE_STATE", "more than 1 MiB belongs into mem");
}

Test(plugin, what_a_newer_one_does_not_use_is_no_matter)
{
    cr_expect_not_null(load("odd/KIND_OF_THE_FUTURE_UNUSED"), "%s", why);
}

/* ---- needs and offers ---- */

Test(plugin, needs_nobody_has)
{
    expect_refused("odd/NEEDS_NOBODY", "odd needs nobody/1, which nobody offers");
    expect_refused("odd/NEEDS_OTHER_REVISION", "odd needs bus/2, which nobody offers");
    expect_refused("odd/NEEDS_ODD", "needs-odd needs odd/1, which nobody offers");
}

Test(plugin, needs_of_one_loaded_before)
{
    struct gyre_need row;
    struct plugin *p;
    cr_assert_not_null(load("odd/OFFERS"), "%s", why);
    p = load("odd/NEEDS_ODD");
    cr_assert_not_null(p, "%s", why);
    descriptor_row(p->p.needs, p->p.need_size, 0, &row, sizeof row);
    const uint32_t *table = *(const uint32_t *const *)row.slot;
    cr_assert_not_null(table);
    cr_expect_eq(table[0], 8);
    cr_expect_eq(table[1], 42);
    descriptor_row(p->p.needs, p->p.need_size, 1, &row, sizeof row);
    cr_expect_null(*(void *const *)row.slot, "optional, and nobody has it");
}

Test(plugin, the_hosts_own)
{
    cr_expect_eq(host_service("bus/1"), &bus_table);
    cr_expect_eq(host_service("file/1"), &file_table);
    cr_expect_eq(host_service("work/1"), &work_table);
    cr_expect_eq(host_service("shared/1"), &shared_table);
    cr_expect_null(host_service("bus"));
    cr_expect_null(host_service("bus/10"));
    cr_expect_null(host_service(""));
}

/* ---- statics ---- */

static bool serve(const char *plugin)
{
    struct section *s = service_section(world.service, ++world.sections, plugin, plugin, NULL, 0,
                                        why, sizeof why);
    if (s) service_publish(s, s->newest);
    world_settle();
    return s != NULL;
}

/* Writes to the plugin's place for the host's table, which is a static of it: the signal, or 0. */
static int signal_of_writing(const struct plugin *p)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(const struct gyre_api *volatile *)p->declared->api = NULL;
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child) return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Statics stay locked, and exit would write to them: each of these tests is a child that leaves by
 * _exit, as services do. It tells the line of what is wrong; 0: nothing. */
#define RIGHT(condition) \
    do { \
        if (!(condition)) _exit(__LINE__ - FIRST_LINE); \
    } while (0)
enum { FIRST_LINE = __LINE__ };

static void in_child(void (*body)(struct plugin *), const char *name)
{
    struct plugin *p = load(name);
    int status = 0;
    cr_assert_not_null(p, "%s", why);
    if (p->instrumented) cr_skip_test("a sanitizer writes to statics");
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        body(p);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status), "signal %d", WTERMSIG(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "line %d", FIRST_LINE + WEXITSTATUS(status));
}

static void locked(struct plugin *p)
{
    RIGHT(signal_of_writing(p) == 0); /* before the first on_load */
    RIGHT(serve("odd"));
    RIGHT(signal_of_writing(p) == SIGSEGV);
    RIGHT(*p->declared->api == &host_api); /* and read */
}

Test(plugin, statics_are_locked_after_the_first_on_load)
{
    in_child(locked, "odd");
}

static void locked_when_refused(struct plugin *p)
{
    RIGHT(!serve("odd"));
    RIGHT(!strcmp(why, "it refuses"));
    RIGHT(signal_of_writing(p) == SIGSEGV);
}

Test(plugin, statics_are_locked_when_on_load_refused)
{
    in_child(locked_when_refused, "odd/REFUSES");
}

static void writable(struct plugin *p)
{
    RIGHT(serve("odd"));
    RIGHT(signal_of_writing(p) == 0);
    RIGHT(serve("odd"));
}

Test(plugin, statics_that_must_stay_writable)
{
    in_child(writable, "odd/WRITABLE");
}

/* odd.c writes to a static each time. */
static void second_on_load(struct plugin *p)
{
    int status = 0;
    (void)p;
    RIGHT(serve("odd"));
    pid_t child = fork();
    if (child == 0) {
        (void)serve("odd");
        _exit(0);
    }
    RIGHT(waitpid(child, &status, 0) == child);
    RIGHT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

Test(plugin, a_second_on_load_may_not_write)
{
    in_child(second_on_load, "odd");
}

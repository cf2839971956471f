/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_reload.c - plan.c, group.c, diff.c: what a change of the configuration or of plugin files
 * means for whom. Only what changed is touched.
 */
#include "conf_folder.h"
#include "supervisor.h"

TestSuite(reload, .init = conf_begin, .fini = conf_end);

/* Plugins as the folder would hold them: modules that nothing can drop to nobody. */
static struct need_info needs_chat[] = {{"bus/1", false, false}};
static struct need_info offers_http[] = {{"http/1", false, false}};
static struct need_info needs_doh[] = {{"http/1", false, false}};
static struct need_info offers_a[] = {{"a/1", false, false}}, offers_b[] = {{"b/1", false, false}};
static struct need_info needs_none[] = {{"none/1", false, false}};
static struct need_info maybe_none[] = {{"none/1", true, false}};
static struct need_info needs_old[] = {{"bus/9", false, false}};

#define INFO(plugin, ...) \
    { \
        .name = (char *)(uintptr_t)(plugin), .streams = true, .datagrams = true, __VA_ARGS__ \
    }
static struct plugin_info infos[] = {
    INFO("a", .needs = offers_b, .needs_n = 1, .offers = offers_a, .offers_n = 1),
    INFO("b", .needs = offers_a, .needs_n = 1, .offers = offers_b, .offers_n = 1),
    INFO("chat", .needs = needs_chat, .needs_n = 1),
    INFO("doh", .needs = needs_doh, .needs_n = 1),
    INFO("echo", .flags = 0),
    INFO("easy", .needs = maybe_none, .needs_n = 1),
    INFO("http", .offers = offers_http, .offers_n = 1),
    INFO("lone", .flags = GYRE_ONE_WORKER),
    INFO("lost", .needs = needs_none, .needs_n = 1),
    INFO("old", .needs = needs_old, .needs_n = 1),
};
enum { PLUGINS = sizeof infos / sizeof *infos };
static struct module modules[PLUGINS];
static struct plugin_file files[PLUGINS];
static const struct places places = {.plugins = "/plugins"};
static struct folder folder = {.places = &places, .files = files, .n = PLUGINS};

static const char *no_uring; /* NULL: it works */
static struct numbers numbers;

static struct plan *make(const struct plan *before)
{
    for (size_t i = 0; i < PLUGINS && !modules[i].uses; i++) {
        modules[i] = (struct module){.hash = i + 1, .info = &infos[i], .uses = 1};
        files[i] = (struct plugin_file){.name = infos[i].name, .module = &modules[i]};
    }
    struct config *config = config_read_all(conf, &problems);
    cr_assert_not_null(config);
    const struct plan_source from = {.config = config, .before = before, .folder = &folder,
                                     .no_uring = no_uring, .numbers = &numbers};
    return plan_make(&from, &problems);
}

static const struct crew *crew_of(const struct plan *plan, const char *section)
{
    const struct instance *in = plan_instance(plan, section);
    cr_assert_not_null(in, "[%s]", section);
    return in->crew;
}

static void expect_trouble(const struct plan *plan, const char *section, const char *text)
{
    const struct instance *in = plan_instance(plan, section);
    cr_assert_not_null(in);
    cr_expect_null(in->crew);
    cr_expect(in->trouble && strstr(in->trouble, text), "[%s]: %s", section,
              in->trouble ? in->trouble : "no trouble");
}

/* ---- who shares a process ---- */

Test(reload, a_process_for_each_plugin)
{
    file("a.ini", "[server]\nworkers = 3\n[echo]\n[echo two]\n[chat]\n[lone]\n");
    struct plan *plan = make(NULL);
    cr_expect_eq(problems.n, 0);
    cr_expect_eq(plan->crews_n, 3);
    cr_expect_eq(crew_of(plan, "echo"), crew_of(plan, "echo two"));
    cr_expect_str_eq(crew_of(plan, "echo")->name, "echo");
    cr_expect_eq(crew_of(plan, "echo")->instances_n, 2);
    cr_expect_eq(crew_of(plan, "echo")->workers, 3);
    cr_expect_eq(crew_of(plan, "lone")->workers, 1, "it asks for one worker");
    plan_drop(plan);
}

Test(reload, a_needed_table_shares_a_process_and_comes_first)
{
    file("a.ini", "[doh]\n");
    struct plan *plan = make(NULL);
    cr_expect_eq(problems.n, 0);
    const struct crew *crew = crew_of(plan, "doh");
    cr_assert_not_null(crew);
    cr_expect_str_eq(crew->name, "http+doh");
    cr_assert_eq(crew->modules_n, 2, "http is loaded without a section of its own");
    cr_expect_str_eq(crew->modules[0]->info->name, "http");
    cr_expect_str_eq(crew->modules[1]->info->name, "doh");
    plan_drop(plan);
}

Test(reload, groups)
{
    file("a.ini", "[chat]\ngroup = small\n[echo]\ngroup = small\n[http]\n[lone]\ngroup = http\n");
    struct plan *plan = make(NULL);
    cr_expect_eq(problems.n, 0);
    cr_expect_eq(crew_of(plan, "chat"), crew_of(plan, "echo"));
    cr_expect_str_eq(crew_of(plan, "chat")->name, "small");
    cr_expect_eq(crew_of(plan, "lone"), crew_of(plan, "http"),
                 "a group named like a plugin joins it");
    cr_expect_eq(plan->crews_n, 2);
    plan_drop(plan);
}

Test(reload, groups_that_contradict)
{
    file("a.ini", "[echo]\ngroup = x\n[echo two]\ngroup = y\n");
    plan_drop(make(NULL));
    cr_expect_eq(problems.errors, 1);
    cr_expect_not_null(strstr(problems.at[0].text, "a.ini:4"));
    cr_expect_not_null(strstr(problems.at[0].text, "a.ini:2"));
}

Test(reload, groups_that_contradict_a_need)
{
    file("a.ini", "[http]\ngroup = x\n[doh]\ngroup = y\n");
    plan_drop(make(NULL));
    cr_expect_eq(problems.errors, 1);
}

Test(reload, what_cannot_be_loaded_waits_alone)
{
    file("a.ini", "[lost]\n[easy]\n[old]\n[a]\n[echo]\n[ecco]\n[nobody]\n");
    struct plan *plan = make(NULL);
    cr_expect_eq(problems.errors, 0);
    cr_expect_eq(problems.n, 5, "one warning for each");
    expect_trouble(plan, "lost", "none/1");
    expect_trouble(plan, "old", "bus/9");
    expect_trouble(plan, "a", "needs");
    expect_trouble(plan, "ecco", "did you mean echo?");
    expect_trouble(plan, "nobody", "/plugins");
    cr_expect_not_null(crew_of(plan, "easy"), "an optional need binds nobody");
    cr_expect_not_null(crew_of(plan, "echo"));
    cr_expect_eq(plan->crews_n, 2);
    struct plan *again = make(plan);
    cr_expect_eq(problems.n, 5, "it is news once");
    plan_drop(plan);
    plan_drop(again);
}

Test(reload, a_wrong_section_is_left_out)
{
    file("a.ini", "[echo]\nidle_tme = 5m\n[chat]\n");
    struct plan *plan = make(NULL);
    cr_expect_eq(problems.errors, 1);
    cr_expect_null(crew_of(plan, "echo"));
    cr_expect_not_null(crew_of(plan, "chat"));
    plan_drop(plan);
}

/* ---- what changes ---- */

static struct plan *before, *after;

static void change(const char *old_text, const char *new_text)
{
    file("a.ini", old_text);
    before = make(NULL);
    file("a.ini", new_text);
    after = make(before);
    cr_assert_eq(problems.errors, 0);
}

static enum change of(const char *crew)
{
    return crew_change(plan_crew(before, crew), plan_crew(after, crew));
}

static void drop(void)
{
    plan_drop(before);
    plan_drop(after);
}

Test(reload, nothing)
{
    change("[echo]\nidle_time = 5m\n[chat]\n", "; a remark\n[echo]\n\nidle_time  =  5m\n[chat]\n");
    cr_expect_eq(of("echo"), CHANGE_NONE);
    cr_expect_eq(of("chat"), CHANGE_NONE);
    cr_expect_eq(plan_instance(before, "echo")->tally, plan_instance(after, "echo")->tally);
    drop();
}

Test(reload, the_order_of_sections_is_nothing)
{
    change("[doh]\n[echo]\ngroup = all\n[chat]\ngroup = all\n[http]\n",
           "[http]\n[chat]\ngroup = all\n[echo]\ngroup = all\n[doh]\n");
    cr_expect_eq(of("http+doh"), CHANGE_NONE);
    cr_expect_eq(of("all"), CHANGE_NONE);
    drop();
}

Test(reload, a_key)
{
    change("[echo]\nidle_time = 5m\n[echo two]\n[chat]\n",
           "[echo]\nidle_time = 6m\n[echo two]\n[chat]\n");
    const struct crew *has = plan_crew(before, "echo");
    cr_expect_eq(of("echo"), CHANGE_MESSAGES);
    cr_expect_eq(of("chat"), CHANGE_NONE);
    cr_expect(instance_changed(has, plan_instance(after, "echo")));
    cr_expect_not(instance_changed(has, plan_instance(after, "echo two")));
    cr_expect_eq(plan_instance(before, "echo")->tally->id, plan_instance(after, "echo")->tally->id);
    cr_expect_lt(plan_instance(before, "echo")->version, plan_instance(after, "echo")->version);
    drop();
}

Test(reload, a_new_section_and_a_removed_one)
{
    change("[echo]\n[echo two]\n", "[echo]\n[echo three]\n");
    const struct crew *has = plan_crew(before, "echo"), *wants = plan_crew(after, "echo");
    uint32_t two = plan_instance(before, "echo two")->tally->id;
    cr_expect_eq(of("echo"), CHANGE_MESSAGES);
    cr_expect_null(crew_instance(wants, two));
    cr_expect_not_null(crew_instance(has, two));
    cr_expect(instance_changed(has, plan_instance(after, "echo three")));
    cr_expect_neq(plan_instance(after, "echo three")->tally->id, two, "ids are not used again");
    drop();
}

Test(reload, a_removed_section_alone)
{
    change("[echo]\n[echo two]\n", "[echo]\n");
    cr_expect_eq(of("echo"), CHANGE_MESSAGES);
    drop();
}

Test(reload, workers)
{
    change("[server]\nworkers = 2\n[echo]\n[lone]\n", "[server]\nworkers = 3\n[echo]\n[lone]\n");
    cr_expect_eq(of("echo"), CHANGE_PROCESS);
    cr_expect_eq(of("lone"), CHANGE_NONE, "it has one worker before and after");
    drop();
}

Test(reload, the_ring)
{
    change("[server]\n[echo]\n", "[server]\nring = epoll\n[echo]\n");
    cr_expect_eq(before->ring, RING_AUTO);
    cr_expect_eq(crew_of(after, "echo")->ring, RING_EPOLL);
    cr_expect_eq(of("echo"), CHANGE_PROCESS);
    drop();
    no_uring = "it is off";
    change("[server]\n[echo]\n", "[server]\nring = epoll\n[echo]\n");
    cr_expect_eq(before->ring, RING_EPOLL);
    cr_expect_eq(of("echo"), CHANGE_NONE, "it was epoll before");
    cr_expect_eq(problems.n, 0, "that it had to be is no problem");
    drop();
    file("a.ini", "[server]\nring = io_uring\n[echo]\n");
    plan_drop(make(NULL));
    cr_assert_eq(problems.errors, 1);
    cr_expect_str_eq(problems.at[0].text, "a.ini:2: ring = io_uring: it is off");
}

Test(reload, a_plugin_file)
{
    file("a.ini", "[echo]\n[doh]\n[chat]\n");
    before = make(NULL);
    struct module fresh = modules[6];
    fresh.hash = 99;
    files[6].module = &fresh; /* http, which doh needs */
    after = make(before);
    files[6].module = &modules[6];
    cr_expect_eq(of("http+doh"), CHANGE_PROCESS);
    cr_expect_eq(of("echo"), CHANGE_NONE);
    cr_expect_eq(of("chat"), CHANGE_NONE);
    drop();
}

Test(reload, what_was_refused_is_tried_again)
{
    change("[echo]\n", "[echo]\n");
    plan_instance(before, "echo")->refused = text_of("no zone");
    cr_expect_eq(of("echo"), CHANGE_MESSAGES);
    drop();
}

Test(reload, a_process_that_is_not_there)
{
    change("[echo]\n", "[echo]\n");
    cr_expect_eq(crew_change(NULL, plan_crew(after, "echo")), CHANGE_PROCESS);
    cr_expect(instance_changed(NULL, plan_instance(after, "echo")));
    drop();
}

Test(reload, doors)
{
    struct socket_set open = {.n = 1};
    change("[echo]\nlisten = tcp:localhost:7\n", "[echo]\nlisten = tcp:localhost:7\n");
    struct instance *was = plan_instance(before, "echo"), *now = plan_instance(after, "echo");
    cr_assert_eq(was->doors_n, 2, "localhost is two addresses");
    cr_expect_eq(of("echo"), CHANGE_NONE, "both are closed in both");
    now->doors[0].sockets = &open;
    cr_expect_eq(of("echo"), CHANGE_MESSAGES, "one was taken before, and is open now");
    cr_expect(door_open(now, now->doors[0].endpoint.text));
    cr_expect_not(door_open(now, now->doors[1].endpoint.text));
    cr_expect_not(door_open(NULL, now->doors[0].endpoint.text));
    was->doors[0].sockets = &open;
    cr_expect_eq(of("echo"), CHANGE_NONE);
    now->doors[0].sockets = NULL;
    cr_expect_eq(of("echo"), CHANGE_MESSAGES, "one is closed");
    drop();
}

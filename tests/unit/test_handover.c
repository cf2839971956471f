/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_handover.c - table.c, handover.c, takeover.c: a supervisor's state as bytes, and back. Every
 * part of a table is refused as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "conf_folder.h"
#include "handover.h"

TestSuite(handover, .init = conf_begin, .fini = conf_end);

static const char metadata[] =
    "gyre-metadata\t1\nplugin\techo\t1\ts\t1\t0\t1\t0\t0\t0\t0\t0\nend\n";
static char why[512];

/* A supervisor lasts as long as its process: none is taken apart. */
static struct supervisor *lasting(void)
{
    static struct supervisor *all[2048];
    static size_t n;
    cr_assert_lt(n, sizeof all / sizeof *all);
    return all[n++] = calloc(1, sizeof *all[0]);
}

/* What hands over: one section that serves, one plugin, one client, one service, two processes. */
static struct supervisor *a_supervisor(void)
{
    struct supervisor *s = lasting();
    struct endpoint e[2];
    file("10.ini", "[server]\nworkers = 2\n[echo]\nlisten = tcp:127.0.0.1:7777\n");
    cr_assert(places_find("/run/unit", "/plugins", &s->places, why, sizeof why), "%s", why);
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) s->control.clients[i].fd = -1;
    s->control.fd = dup(2);
    s->control.clients[3] = (struct client){.fd = dup(2), .state = CLIENT_WAITS_UPGRADE};
    s->control.clients[4] = (struct client){.fd = dup(2), .answer = strdup("{}"),
                                            .answer_n = 2, .state = CLIENT_ANSWERED};
    s->folder.places = &s->places;
    struct plugin_file *f = folder_file(&s->folder, "echo.so");
    struct plugin_info *info = metadata_read(gyre_str(metadata), why, sizeof why);
    cr_assert_not_null(info, "%s", why);
    f->module = module_restore(17, strdup("/run/unit/plugins/echo.17.so"), info);
    f->module->proven = true;
    struct config *config = config_read_all(conf, &problems);
    const struct plan_source from = {.config = config, .folder = &s->folder,
                                     .numbers = &s->numbers};
    s->numbers = (struct numbers){40, 50};
    s->plan = plan_make(&from, &problems);
    cr_assert_eq(problems.n, 0, "%s", problems.n ? problems.at[0].text : "");
    s->plan->instances[0].tally->past[STAT_MESSAGES] = 1234;
    cr_assert_eq(endpoint_listen("tcp:127.0.0.1:7777", e, why, sizeof why), 1);
    int fds[2] = {dup(2), dup(2)};
    sockets_restore(&s->sockets, &e[0], fds, 2);
    service_of(s, "echo")->generation = 9;
    for (uint32_t i = 0; i < 2; i++) {
        struct process *p = calloc(1, sizeof *p);
        snprintf(p->name, sizeof p->name, "echo");
        *p = (struct process){.generation = 9 - i, .pid = 1000, .exit_fd = dup(2),
                              .channel = dup(2), .deadline_ms = INT64_MAX,
                              .state = i ? DRAINING : READY};
        snprintf(p->name, sizeof p->name, "echo");
        p->stats_fd = memfd_create("stats", MFD_CLOEXEC);
        /* the one that drains is of a program with another page */
        cr_assert_eq(ftruncate(p->stats_fd, (off_t)sizeof *p->stats - (off_t)i * 64), 0);
        p->next = s->processes;
        s->processes = p;
    }
    return s;
}

static struct supervisor *nobody(void)
{
    struct supervisor *s = lasting();
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) s->control.clients[i].fd = -1;
    s->folder.places = &s->places;
    return s;
}

static int table_of(const struct supervisor *s)
{
    struct table t;
    table_open(&t);
    handover_write(s, &t, -1);
    int fd = table_seal(&t);
    table_free(&t);
    cr_assert_geq(fd, 0);
    return fd;
}

Test(handover, what_serves_is_taken_over, .timeout = 30)
{
    const struct supervisor *before = a_supervisor();
    struct supervisor *s = nobody();
    struct table_in in;
    int fd = table_of(before);
    cr_assert(table_read(&in, fd, false, why, sizeof why), "%s", why);
    cr_assert(takeover_read(s, &in, why, sizeof why), "%s", why);
    cr_expect_str_eq(s->places.run, "/run/unit");
    cr_expect_str_eq(s->places.plugins, "/plugins");
    cr_expect_str_eq(s->upgrade.from, GYRE_VERSION);
    cr_expect_eq(s->control.clients[0].state, CLIENT_WAITS_UPGRADE);
    cr_expect_str_eq(s->control.clients[1].answer, "{}");
    const struct instance *in_force = plan_instance(s->plan, "echo");
    cr_assert_not_null(in_force);
    cr_expect_eq(in_force->tally->id, 41, "the id that its process knows");
    cr_expect_eq(in_force->version, 51);
    cr_expect_eq(in_force->tally->past[STAT_MESSAGES], 1234);
    cr_expect_eq(in_force->conf->hash, plan_instance(before->plan, "echo")->conf->hash);
    cr_expect_eq(in_force->doors[0].sockets->n, 2);
    cr_expect(in_force->module->proven);
    cr_expect_eq(s->numbers.section, 41);
    struct process *second = s->processes, *first = second->next;
    cr_expect_eq(first->state, READY);
    cr_expect_eq(second->state, DRAINING);
    cr_expect_eq(second->stats->rows, 0, "a page that is not understood is empty");
    cr_expect_eq(service_of(s, "echo")->live, first);
    cr_expect_eq(service_of(s, "echo")->generation, 9);
    cr_expect_eq(first->has->instances[0], in_force);
    cr_expect_eq(crew_change(first->has, before->plan->crews[0]), CHANGE_PROCESS,
                 "it runs another program");
}

Test(handover, no_part_of_it_is_believed, .timeout = 60)
{
    static uint8_t bytes[65536];
    int whole = table_of(a_supervisor());
    ssize_t n = pread(whole, bytes, sizeof bytes, 0);
    cr_assert(n > 500 && n < (ssize_t)sizeof bytes);
    for (ssize_t cut = 0; cut < n; cut++) {
        struct table_in in;
        int part = memfd_create("part", MFD_CLOEXEC);
        cr_assert_eq(write(part, bytes, (size_t)cut), cut);
        bool right = table_read(&in, part, true, why, sizeof why);
        if (right) { /* only a cut between two records leaves one that is read */
            (void)takeover_read(nobody(), &in, why, sizeof why);
            table_in_free(&in);
        }
        cr_expect(right || strstr(why, "is no handover"), "%zd: %s", cut, why);
        close(part);
    }
}

Test(handover, descriptors_that_are_not_open_are_refused)
{
    struct supervisor *before = a_supervisor(), *s = nobody();
    struct table_in in;
    int fd = table_of(before);
    close(before->processes->channel);
    cr_assert(table_read(&in, fd, false, why, sizeof why));
    cr_expect_not(takeover_read(s, &in, why, sizeof why));
    cr_expect_str_eq(why, "what the server before it left does not add up");
}

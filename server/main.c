/* SPDX-License-Identifier: GPL-3.0-or-later
 * main.c - the program's arguments. One binary: the supervisor, its services, its metadata
 * children.
 *
 * The modes --service, --describe and --takeover-check are for the supervisor alone: it starts this
 * file again, or the one that shall take its place.
 * Exit status: 0 done, 1 an error that was printed, 2 wrong arguments.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "message.h"
#include "metadata_child.h"
#include "places.h"
#include "selftest.h"
#include "start.h"

enum { CHANNEL_FD = 3, STATS_FD = 4 }; /* as spawn.c gives them */

static const char usage[] =
    "gyre CONF            serve what the folder (or one .ini file) CONF describes\n"
    "gyre --check CONF    report everything that is wrong with CONF, and end\n"
    "gyre --single CONF   everything in one process, for debuggers and benchmarks\n"
    "gyre --selftest      is the sandbox of services closed, on this machine?\n"
    "gyre --version       gyre --help\n"
    "gyrectl talks to a server that runs.\n";

static int wrong(const char *what)
{
    (void)fprintf(stderr, "gyre: %s\n%s", what, usage);
    return 2;
}

/* A number, or "-". */
static bool id_of(const char *text, uint32_t *id)
{
    uint64_t n = 0;
    bool ok = gyre_dec(gyre_str(text), UINT32_MAX - 1, &n);
    *id = (uint32_t)n;
    return ok;
}

/* --service NAME GENERATION WORKERS RING SANDBOX UID GID; the last two are "-" without a change */
static int run_service(int n, char **argument)
{
    uint64_t generation = 0, workers = 0;
    enum ring_kind ring;
    enum jail_mode sandbox;
    struct jail_ids ids = {.set = false};
    char why[160];
    if (n != 7 || !gyre_dec(gyre_str(argument[1]), UINT32_MAX, &generation) ||
        !gyre_dec(gyre_str(argument[2]), LIMIT_WORKERS, &workers) || !workers ||
        !ring_kind_of(argument[3], &ring) || !jail_mode_of(argument[4], &sandbox) ||
        (strcmp(argument[5], "-") != 0 &&
         !(ids.set = id_of(argument[5], &ids.uid) && id_of(argument[6], &ids.gid))) ||
        fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0 || fcntl(STATS_FD, F_SETFD, FD_CLOEXEC) != 0)
        return wrong("--service is for the supervisor");
    (void)prctl(PR_SET_NAME, "gyre");
    bool own = jail_user(&ids, sandbox == JAIL_OFF, why, sizeof why);
    const struct service_start start = {.name = argument[0],
                                        .generation = (uint32_t)generation,
                                        .workers = (uint32_t)workers,
                                        .ring = ring,
                                        .channel = CHANNEL_FD,
                                        .stats_fd = STATS_FD,
                                        .sandbox = sandbox,
                                        .lacks = own ? NULL : why};
    return service_main(&start);
}

/* Descriptors 0, 1 and 2 exist from here on, so that nothing else is ever given their numbers. */
static bool standard_descriptors(void)
{
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (!standard_descriptors()) return 1;
    if (strcmp(mode, "--service") == 0) return run_service(argc - 2, argv + 2);
    if (strcmp(mode, "--describe") == 0 && argc == 3) describe_main(argv[2]);
    if (strcmp(mode, "--selftest") == 0 && argc == 2) return selftest_main();
    if (strcmp(mode, "--help") == 0 || strcmp(mode, "-h") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (strcmp(mode, "--version") == 0) {
        (void)printf("gyre %s\n", GYRE_VERSION);
        return 0;
    }
    enum start_mode how = START_SERVE;
    if (argc < 2) return wrong("which configuration?");
    if (strcmp(mode, "--check") == 0) how = START_CHECK;
    else if (strcmp(mode, "--single") == 0) how = START_SINGLE;
    else if (strcmp(mode, "--takeover-check") == 0) how = START_TAKEOVER_CHECK;
    else if (mode[0] == '-') return wrong("unknown option");
    if (argc != (how == START_SERVE ? 2 : 3))
        return wrong("one configuration, a folder or a file");
    return supervisor_run(argv[argc - 1], how);
}

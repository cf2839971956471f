/* SPDX-License-Identifier: GPL-3.0-or-later
 * jail.h - what closes around a service before its first worker turns: jail.c has the steps in
 * order, landlock.c the files and ports, jail_filter.c the system calls; ring.c restricts rings.
 *
 * What is allowed follows from what the configuration granted (grant.c) and from nothing else.
 * Control thread, but for what is marked.
 */
#ifndef GYRE_JAIL_H
#define GYRE_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gyre.h"

struct service;

enum jail_mode { JAIL_AUTO, JAIL_REQUIRE, JAIL_OFF }; /* "sandbox =" of [server], in its order */
const char *jail_mode_name(enum jail_mode);
bool jail_mode_of(const char *name, enum jail_mode *);

/* What a service may do beside serving on its sockets, and the kernel that its rings are of. */
enum jail_grant {
    JAIL_FILES = 1,     /* read below its folders */
    JAIL_TCP = 2,       /* connect to its ports */
    JAIL_ANY_PORT = 4,  /* … to any: dial:* */
    JAIL_LOCAL = 8,     /* connect to unix sockets */
    JAIL_NAMES = 16,    /* look up names: the files and the UDP sockets of the C library */
    JAIL_URING = 32,
    JAIL_EPOLL = 64,
    JAIL_CONNECT = 128, /* … by a system call: the ring is no io_uring, or names are looked up */
    JAIL_NEVER = 256,   /* of the filter's table: only to have a name */
};

struct jail_ids { /* the user of a service */
    bool set; /* false: the supervisor's own */
    uint32_t uid, gid;
};
struct jail_root { /* a folder that may be read */
    uint64_t dev, ino;
    int fd; /* the grant's, or -1: looked up by path */
    const char *path;
};
enum { JAIL_PORTS = 256 }; /* more are JAIL_ANY_PORT */
struct jail {
    enum jail_mode mode;
    uint32_t grants;
    struct jail_root *roots;
    size_t roots_n;
    uint16_t ports[JAIL_PORTS];
    size_t ports_n;
    bool helpers;       /* somebody may need their threads */
    int landlock;       /* its ABI; 0: not in force */
    bool filter;        /* seccomp is in force */
    bool rings_shut;    /* every ring is restricted */
    bool no_privileges; /* PR_SET_NO_NEW_PRIVS */
    uint64_t capabilities; /* that it still has, or may get */
    bool no_files_size; /* RLIMIT_FSIZE is 0 */
    bool no_threads;    /* RLIMIT_NPROC is 0 */
    bool watched;       /* by sanitizers or valgrind, which need more than there would be left */
    char missing[256];  /* what is not in force, and why; "": nothing */
};

/* jail_user.c: before anything is loaded. false: why. */
bool jail_user(const struct jail_ids *, bool keep_capabilities, char *why, size_t why_n);
/* Of a service whose sections are prepared. NULL: no memory. */
struct jail *jail_make(const struct service *, enum jail_mode);
uint32_t jail_rings(const struct jail *); /* enum ring_may: what its rings may do */
/* The first half, while there is no other thread: what threads inherit. */
void jail_enter(struct jail *);
/* The second, when all threads and rings are there. kernels: JAIL_URING, JAIL_EPOLL. */
void jail_close(struct jail *, uint32_t kernels, bool rings_shut);
/* What a later version of the configuration wants is inside of it. */
bool jail_has_root(const struct jail *, uint64_t dev, uint64_t ino);
bool jail_may_dial(const struct jail *, gyre_view to);
void jail_free(struct jail *);
void jail_miss(struct jail *, const char *what); /* one more that is not in force */

/* jail_report.c: tells the supervisor what is in force. false: it is gone. */
bool jail_tell(const struct jail *, int channel);

/* landlock.c. false: why. The ABI is in j->landlock. */
bool landlock_close(struct jail *, char *why, size_t why_n);

/* jail_filter.c. false: errno. Of all threads; after it, what is not in the table ends the process
 * with SIGSYS. */
bool filter_close(uint32_t grants);
/* The names of what is allowed, one after another; NULL: no more. */
const char *filter_call(uint32_t grants, size_t i);
const char *filter_name(uint32_t number); /* "?": not in the table [any] */
#endif

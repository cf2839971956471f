/* SPDX-License-Identifier: GPL-3.0-or-later
 * jail_user.c - the first step of a service process: its own user, and no capability.
 *
 * Comes before any plugin is loaded, so that no code of a plugin ever runs as root; what it needs
 * of the world that only root may reach comes over the channel as descriptors (M_PLUGIN, M_OPENED).
 * Promise: all of it, or why not.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"

/* Whoever may not shrink the set of what can come back gets nothing back: no new privileges. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0}};
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &head, none) == 0;
}

bool jail_user(const struct jail_ids *ids, bool keep_capabilities, char *why, size_t why_n)
{
    bool ok = true;
    for (unsigned i = 0; !keep_capabilities && i < 64; i++)
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) break; /* no more of them, or not ours */
    if (ids->set)
        ok = setgroups(0, NULL) == 0 && setresgid(ids->gid, ids->gid, ids->gid) == 0 &&
             setresuid(ids->uid, ids->uid, ids->uid) == 0;
    if (ok && !keep_capabilities) ok = drop_capabilities();
    if (!ok) (void)snprintf(why, why_n, "its own user (uid %u): %s", ids->uid, strerror(errno));
    return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * user.c - which user each service runs as, where the supervisor is root.
 *
 * `user =` of a section, else of [server], else the user gyre if there is one, else a number of its
 * own out of those that systemd keeps for such services (61184 to 65519): by the hash of its name,
 * the same at every start, and no other service's. Promise: says what is wrong, and changes nothing
 * where the supervisor is not root.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

enum { DYNAMIC_FIRST = 61184, DYNAMIC_N = 65519 - 61184 + 1 };

static bool taken(const struct plan *plan, const struct crew *by, uint32_t uid)
{
    for (size_t i = 0; plan && i < plan->crews_n; i++) {
        const struct crew *c = plan->crews[i];
        if (c != by && c->ids.set && c->ids.uid == uid && strcmp(c->name, by->name) != 0)
            return true;
    }
    return false;
}

static void own_number(struct plan *plan, const struct plan *before, struct crew *crew)
{
    const struct crew *was = before ? plan_crew(before, crew->name) : NULL;
    uint64_t at = hash_bytes(HASH_START, crew->name, strlen(crew->name));
    uint32_t uid = 0;
    if (was && was->ids.set && was->ids.uid >= DYNAMIC_FIRST &&
        was->ids.uid < DYNAMIC_FIRST + DYNAMIC_N && !taken(plan, crew, was->ids.uid))
        uid = was->ids.uid;
    for (uint32_t i = 0; !uid && i < DYNAMIC_N; i++) {
        uint32_t next = DYNAMIC_FIRST + (uint32_t)((at + i) % DYNAMIC_N);
        if (!taken(plan, crew, next) && !taken(before, crew, next)) uid = next;
    }
    crew->ids = (struct jail_ids){uid != 0, uid, uid};
}

/* What its sections say; all that say something must agree. */
static const struct entry *named(const struct crew *crew, struct problems *problems)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < crew->instances_n; i++) {
        const struct entry *e = section_entry(crew->instances[i]->conf, "user");
        if (!e || !e->value[0]) continue;
        if (found && strcmp(found->value, e->value) != 0)
            problem_add(problems, false, e->where,
                        "user = %s, but %s says user = %s: these sections share one process",
                        e->value, found->where, found->value);
        found = e;
    }
    return found;
}

static void take_user(struct crew *crew, const char *name, const char *where,
                      struct problems *problems)
{
    const struct passwd *pw = getpwnam(name);
    if (!pw) problem_add(problems, false, where, "user = %s: there is no such user", name);
    else if (geteuid() == 0) crew->ids = (struct jail_ids){true, pw->pw_uid, pw->pw_gid};
    else if (pw->pw_uid != geteuid())
        problem_add(problems, false, where,
                    "user = %s: only root can run a service as another user", name);
}

void users_assign(struct plan *plan, const struct plan *before, bool single,
                  struct problems *problems)
{
    const struct conf_section *server = config_section(plan->config, "server");
    const struct entry *all = server ? section_entry(server, "user") : NULL;
    const struct passwd *pw;
    for (size_t i = 0; !single && i < plan->crews_n; i++) {
        struct crew *crew = plan->crews[i];
        const struct entry *e = named(crew, problems);
        if (!e) e = all;
        if (e && e->value[0]) take_user(crew, e->value, e->where, problems);
        else if (geteuid() != 0 || crew->sandbox == JAIL_OFF) continue;
        else if ((pw = getpwnam("gyre")))
            crew->ids = (struct jail_ids){true, pw->pw_uid, pw->pw_gid};
        else own_number(plan, before, crew);
        crew->fingerprint = hash_bytes(crew->fingerprint, &crew->ids.uid, sizeof crew->ids.uid);
        crew->fingerprint = hash_bytes(crew->fingerprint, &crew->ids.gid, sizeof crew->ids.gid);
    }
}

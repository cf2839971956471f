/* SPDX-License-Identifier: GPL-3.0-or-later
 * introduce.c - links between processes: who answers a message interface is introduced to all who
 * ask it.
 *
 * A process that has become READY gets a fresh socket pair with each other one: with the process
 * that answers what it asks, and with all that ask what it answers, those that drain too. The
 * supervisor keeps nothing of it: an end that breaks is told by the kernel to the other one.
 * Promise: a pair is handed out whole, or closed; a process that cannot take it is its own affair.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "introduce.h"

static bool has_message(const struct need_info *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].messages && strcmp(list[i].id, id) == 0) return true;
    return false;
}

/* Of two plugins that offer one id it is the one that the folder names. */
static bool answers(const struct supervisor *s, const struct process *p, const char *id)
{
    const struct module *chosen = folder_offer(&s->folder, id, true);
    for (size_t i = 0; chosen && i < p->has->modules_n; i++) {
        const struct plugin_info *info = p->has->modules[i]->info;
        if (strcmp(info->name, chosen->info->name) == 0)
            return has_message(info->offers, info->offers_n, id);
    }
    return false;
}

static bool asks(const struct process *p, const char *id)
{
    for (size_t i = 0; i < p->has->modules_n; i++) {
        const struct plugin_info *info = p->has->modules[i]->info;
        if (has_message(info->needs, info->needs_n, id)) return true;
    }
    return false;
}

static void give(struct supervisor *s, struct process *p, const char *id, bool answering, int fd)
{
    message_begin(&s->out, M_LINK);
    message_put_text(&s->out, gyre_str(id));
    message_put_number(&s->out, answering);
    process_tell(s, p, fd);
}

static void introduce_two(struct supervisor *s, struct process *asking, struct process *answering,
                          const char *id)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        log_error("service %s/%u cannot ask %s: there is no descriptor for a link", asking->name,
                  asking->generation, id);
        return;
    }
    give(s, answering, id, true, ends[1]);
    give(s, asking, id, false, ends[0]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static struct process *who_answers(struct supervisor *s, const char *id)
{
    for (struct service *v = s->services; v; v = v->next)
        if (v->live && v->live->state == READY && answers(s, v->live, id)) return v->live;
    return NULL;
}

static void introduce_offer(struct supervisor *s, struct process *fresh, const char *id)
{
    if (!answers(s, fresh, id)) return;
    for (struct process *p = s->processes; p; p = p->next)
        if (p->has && p->channel >= 0 && p->state != STARTING && asks(p, id))
            introduce_two(s, p, fresh, id);
}

void introduce(struct supervisor *s, struct process *fresh)
{
    for (size_t i = 0; i < fresh->has->modules_n; i++) {
        const struct plugin_info *info = fresh->has->modules[i]->info;
        for (size_t j = 0; j < info->offers_n; j++)
            if (info->offers[j].messages) introduce_offer(s, fresh, info->offers[j].id);
        for (size_t j = 0; j < info->needs_n; j++) {
            if (!info->needs[j].messages) continue;
            struct process *other = who_answers(s, info->needs[j].id);
            if (other && other != fresh) introduce_two(s, fresh, other, info->needs[j].id);
        }
    }
}

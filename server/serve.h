/* SPDX-License-Identifier: GPL-3.0-or-later
 * serve.h - one service process from within: what serve.c (its life) and draft.c (what it is told)
 * share. All of it belongs to the control thread.
 */
#ifndef GYRE_SERVE_H
#define GYRE_SERVE_H

#include "message.h"
#include "section.h"
#include "threads.h"

enum { EXIT_FATAL = 1, EXIT_CONFIG = 2 };

struct draft { /* a section, or a new version of one, that is being told */
    struct draft *next;
    uint32_t id;
    char *name, *plugin;
    struct entry *entries;
    size_t n, cap;
    struct section *section; /* set once prepared */
    struct version *version;
    bool fresh; /* the section itself is new */
};
struct socket_draft {
    struct socket_draft *next;
    uint32_t id, worker;
    int fd; /* -1: unlisten */
    bool datagrams;
    char text[128];
};
struct serve {
    const struct service_start *start;
    struct service *service;
    struct draft *drafts;
    struct socket_draft *sockets, **sockets_end;
    struct threads threads;
    bool failed, running, drained, channel_over;
    bool told; /* what it is closed in */
    int64_t drain_from_ms, drain_until_ms; /* 0: not draining */
    enum drain drain;
    int64_t hold_ms; /* until when leaving is put off; 0: not */
    int status;
};

void serve_say(struct serve *, enum message_type, const char *text_or_null);
char *serve_text(struct message *); /* the next field, allocated; NULL: no memory */

/* ---- draft.c: sections and sockets that are being told. false: the message makes no sense ---- */
bool draft_section(struct serve *, struct message *);
bool draft_entry(struct serve *, struct message *);
bool draft_prepare(struct serve *, struct message *);
bool draft_socket(struct serve *, struct message *, bool listen);
void drafts_publish(struct serve *); /* what was prepared begins to serve on every worker */
void drafts_listen(struct serve *);  /* … and sockets, once all workers know their sections */
void drafts_abandon(struct serve *);

/* ---- transfer.c. Both take the descriptor ---- */
void transfer_save(struct serve *, int fd);
size_t transfer_restore(struct serve *, int fd); /* how many have moved */

/* ---- observe.c: what the supervisor asks about streams. false: the message makes no sense ---- */
bool observe_list(struct serve *, struct message *);
bool observe_kill(struct serve *, struct message *);

/* ---- copy.c: lines of the log, for the supervisor ---- */
void copy_credit(struct serve *, uint64_t lines);
#endif

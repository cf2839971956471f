/* SPDX-License-Identifier: GPL-3.0-or-later
 * http.h - what the rooms of the plugin share: options, the state of a connection, the state of a
 * worker.
 *
 *   http        the descriptor and the options
 *   client      one connection: from bytes to one request
 *   parser, fields, body, target, date, range, mime    pure: no host, no files; unit tests
 *   condition   does the client have it already, and which parts does it want
 *   files       from a path to an answer
 *   response    the one place where response heads are built; plate keeps some, parts sends 206
 *   leave       last words: 408, and connections that outlive their process by a request
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "body.h"
#include "date.h"
#include "gyre.h"
#include "parser.h"
#include "services/file.h"

/* Space that is written before it is read: the compiler need not clear it for each request. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define HTTP_SPACE __attribute__((uninitialized))
#endif
#endif
#ifndef HTTP_SPACE
#define HTTP_SPACE
#endif

enum {
    OPTION_TEXT_MOST = 200, /* of server, charset, cache_control, index: a head stays small */
    PLATES = 64,            /* a power of two: files whose heads are kept, on each worker */
    PLATE_SPACE = 1280,     /* a head, at most about 900, and a small body */
};

enum metric { COUNT_REQUESTS, COUNT_CLIENT_ERRORS, COUNT_SERVER_ERRORS };

/* The options, and what on_load made of them. */
struct http_conf {
    gyre_view root, index, not_found, server, charset, cache_control;
    int64_t etag;
    int folder;    /* handle of root */
    uint64_t mark; /* differs between versions of the configuration; addresses come again */
};

/* What a request needs that cannot be answered when its head has come: it has a body, or its file
 * must be opened. Made for it, and freed with the answer. */
struct waiting {
    struct body_mark body; /* at: not 0 while its body is being read */
    size_t head_n;         /* the head, kept while a file is being opened */
    uint8_t head[];
};

/* One connection. Small: ten thousand of them are idle. */
struct client {
    struct waiting *waiting; /* or NULL */
    struct head_mark head;   /* how far its next request has been read */
    bool leaving;            /* the next answer is the last */
};
_Static_assert(sizeof(struct client) <= 16, "a step of the host's pool");

/* The answer to a plain GET of one file, ready to be sent. */
struct plate {
    uint64_t identity, size, key, mark;
    int64_t modified_ns;
    int64_t date_ns;        /* when the date in it was written */
    uint16_t date_at;       /* where */
    uint16_t head_n, all_n; /* all_n 0: the body did not fit */
    uint8_t bytes[PLATE_SPACE];
};

/* One worker. */
struct http_home {
    struct leaver *leavers;         /* leave.c */
    int64_t date_ns, date_until_ns; /* the second that `date` says, wall clock */
    uint8_t date[DATE_LENGTH];
    struct plate plates[PLATES];
};

extern const struct gyre_file *http_file;

extern const struct gyre_proto http_stream;

/* files.c: answers one request, now or when its file is open. */
void files_answer(struct gyre_actor *, const struct request *);

/* leave.c: the host ends a connection, or will; and what comes of it a little later. */
void leave_client(struct gyre_actor *, enum gyre_why);
void leave_later(struct gyre_actor *home, uint32_t slot);
#endif

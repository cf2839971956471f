/* SPDX-License-Identifier: GPL-3.0-or-later
 * stream.h - what stream.c (input) and send.c (output, end) share. Nobody else includes it. */
#ifndef GYRE_STREAM_H
#define GYRE_STREAM_H

#include "core.h"
#include "queue.h"

enum stream_flags {
    S_RECV = 1 << 0,      /* operations under way */
    S_SEND = 1 << 1,
    S_READ = 1 << 2,
    S_CONNECT = 1 << 3,
    S_UNDER_WAY = S_RECV | S_SEND | S_READ | S_CONNECT,
    S_CANCEL = 1 << 4,    /* recv is being cancelled: input rests */
    S_EOF = 1 << 5,       /* the peer sends no more */
    S_EOF_TOLD = 1 << 6,
    S_FIN = 1 << 7,       /* we send no more after what is queued */
    S_FIN_SENT = 1 << 8,
    S_DROP = 1 << 9,      /* broken, or closed NOW: nothing is sent any more */
    S_SHUT = 1 << 10,     /* shut down both ways, to end what is under way */
    S_OVER = 1 << 11,     /* output went past the high mark: on_room when it has gone */
    S_GREETED = 1 << 12,  /* the first whole message came: the handshake is over */
    S_MORE = 1 << 13,     /* on_data said MORE to all that is held */
    S_STARVED = 1 << 14,  /* waits for a receive buffer */
    S_COUNTED = 1 << 15,  /* in the section's streams and addresses */
    S_ENDED = 1 << 16,    /* closed and counted out */
    S_LATER = 1 << 17,    /* on_data said LATER */
};

enum { SENDING_PARTS = 16 };
struct sending {
    struct msghdr message;
    struct iovec parts[SENDING_PARTS];
    struct file_piece piece;
    union ring_address to; /* while it connects */
};
struct inbuf { /* bytes from … to are held */
    uint32_t from, to, cap;
    uint8_t bytes[];
};

void stream_recv(struct worker *, struct actor *);    /* arms recv, unless it is or must not be */
void stream_balance(struct worker *, struct actor *); /* goes on reading, or stops */
void stream_arm_deadline(struct worker *, struct actor *);
bool stream_hold(struct worker *, struct actor *, gyre_view); /* false: no memory */
void stream_discard(struct worker *, struct actor *); /* drops what is held */
struct sending *stream_sending(struct worker *, struct stream *); /* NULL: no memory */
void stream_sending_done(struct worker *, struct stream *);       /* frees it if nothing needs it */
void stream_broken(struct worker *, struct actor *, enum gyre_why);
void stream_sent(struct worker *, struct actor *, int32_t res);
void stream_read(struct worker *, struct actor *, int32_t res);
bool stream_over(struct actor *); /* no room: input rests */
#endif

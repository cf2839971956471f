/* SPDX-License-Identifier: GPL-3.0-or-later
 * stats.c - the names of the numbers on the statistics page, as status --json spells them.
 */
#include "stats.h"

const char *const stat_names[STAT_MAX] = {
    [STAT_STREAMS] = "streams",
    [STAT_ACTORS] = "actors",
    [STAT_STREAMS_TOTAL] = "streams_total",
    [STAT_MESSAGES] = "messages",
    [STAT_BYTES_IN] = "bytes_in",
    [STAT_BYTES_OUT] = "bytes_out",
    [STAT_DATAGRAMS_IN] = "datagrams_in",
    [STAT_DATAGRAMS_OUT] = "datagrams_out",
    [STAT_MAILS] = "mails",
    [STAT_MEMORY] = "memory",
    [STAT_HIT_STREAMS] = "hit_streams",
    [STAT_HIT_ADDRESS] = "hit_address",
    [STAT_HIT_REFUSED] = "hit_refused",
    [STAT_HIT_FDS] = "hit_fds",
    [STAT_HIT_MESSAGE] = "hit_message",
    [STAT_HIT_OUT] = "hit_out",
    [STAT_HIT_IN] = "hit_in",
    [STAT_HIT_MEMORY] = "hit_memory",
    [STAT_HIT_HANDSHAKE] = "hit_handshake",
    [STAT_HIT_MESSAGE_TIME] = "hit_message_time",
    [STAT_HIT_IDLE] = "hit_idle",
    [STAT_HIT_TOTAL] = "hit_total",
    [STAT_HIT_BOX] = "hit_box",
    [STAT_DROPPED] = "dropped",
    [STAT_BAD_INPUT] = "bad_input",
    [STAT_BUILD_FULL] = "build_full",
    [STAT_STALLS] = "stalls",
};

/* SPDX-License-Identifier: GPL-3.0-or-later
 * limits.h - every number that bounds something, with its reason and arithmetic. Limits that an
 * administrator may change are presets here and options of a section (options.c).
 */
#ifndef GYRE_LIMITS_H
#define GYRE_LIMITS_H

enum {
    /* ---- the ring of one worker ---- */
    RING_ENTRIES = 2048,        /* submissions a turn; a fuller turn submits twice */
    RING_COMPLETIONS = 16384,   /* >= operations under way in a bad turn; overflow is survived */
    RING_BUFFERS = 256,         /* x RING_BUFFER_SIZE = 1 MiB, stays in L2 */
    RING_BUFFER_SIZE = 4096,    /* most requests, and a datagram of an Ethernet path */
    RING_DATAGRAMS = 256,       /* x RING_DATAGRAM_SIZE of address space; a page each is touched */
    RING_DATAGRAM_SIZE = 65536 + 256, /* the longest datagram, its address and control data */
    RING_EVENTS = 512,          /* reaped at once, x 16 B on the worker */

    /* ---- a worker ---- */
    LIMIT_WORKERS = 64,
    LIMIT_SLOTS = 1 << 22,      /* actors of a worker: 4 Mi x 8 B = 32 MiB of table when full */
    LIMIT_DATAGRAMS_BATCH = 64, /* handed to on_datagrams at once */
    LIMIT_EMITS = 1024,         /* datagrams under way on a worker, x 2 KiB or their size */

    /* ---- a stream: presets of options ---- */
    LIMIT_MESSAGE = 64 * 1024,
    LIMIT_HIGH_MARK = 64 * 1024,
    LIMIT_OUT_MAX = 1024 * 1024,  /* pending output: what a stopped reader of a chat may cost */
    LIMIT_IN_MAX = 256 * 1024,    /* pending input: of a stream whose actor rests */
    LIMIT_STREAMS = 65536,        /* a section: x 256 B = 16 MiB before plugins */
    LIMIT_PER_ADDRESS = 1024,     /* a section: a NAT of an office, not one client alone */
    LIMIT_IDLE_MS = 5 * 60 * 1000,
    LIMIT_MESSAGE_MS = 30 * 1000, /* first byte to last of one message: slow senders */
    /* after close: for the peer to take some of the queue, or to end */
    LIMIT_LINGER_MS = 5 * 1000,
    LIMIT_MEMORY = 256 * 1024 * 1024, /* of a plugin, over all workers */

    /* ---- mail ---- */
    LIMIT_MAIL = 64 * 1024,       /* one mail */
    LIMIT_BOX = 4 * 1024 * 1024,  /* mail waiting for one worker; its senders rest past it */
    LIMIT_MAILS_A_TURN = 4096,    /* handled before the ring is looked at again */
    LIMIT_TOPIC = 255,            /* bytes of a topic's name */
    LIMIT_TOPICS_PER_ACTOR = 64,
    LIMIT_CELLS = 256,

    /* ---- wide/1: of one link to another process ---- */
    LIMIT_WIDE_OPEN = 256,           /* requests without an answer: x 48 B */
    LIMIT_WIDE_UNREAD = 1024 * 1024, /* sent, not taken yet by the other process */
    LIMIT_WIDE_WITHIN_MS = 3600 * 1000, /* for an answer: who asked may be gone, unseen */
    LIMIT_WIDE_LEAVE_MS = 250,       /* for those who ask to turn to the process that replaces it */

    /* ---- files and helpers ---- */
    /* larger ones are read in pieces, in step with the wire */
    LIMIT_FILE_CACHED = 64 * 1024,
    LIMIT_FILE_CACHE = 32 * 1024 * 1024,   /* a worker */
    LIMIT_FILE_OPEN = 512,                 /* a worker: larger files kept open */
    LIMIT_FILE_CHUNK = 64 * 1024,          /* one piece: x streams that send files */
    LIMIT_HELPERS = 4,                     /* threads a service */
    LIMIT_JOBS = 1024,                     /* waiting for a helper */
    LIMIT_DIAL_MS = 10 * 1000,

    /* ---- configuration and plugins ---- */
    LIMIT_CONF_FILE = 4 * 1024 * 1024,
    LIMIT_CONF_VALUE = 60 * 1024,  /* one logical line: fits one message to a service */
    LIMIT_SECTIONS = 1024,
    LIMIT_FOLDER = 2048,           /* the path of conf.d: goes into the same message */
    LIMIT_PROBLEMS = 200,          /* told at once: a file that is no INI has one in each line */
    LIMIT_HISTORY = 100,           /* changes of the configuration that are kept */
    LIMIT_HISTORY_BYTES = 16 * 1024 * 1024,
    LIMIT_OPTIONS = 256,
    LIMIT_INTERFACES = 64,         /* needs, and as many offers, of a plugin */
    LIMIT_TEXT = 2048,             /* help, summary, preset or range of a plugin */
    LIMIT_METADATA = 2 * 1024 * 1024, /* what a plugin says of itself: all of the above */
    LIMIT_METRICS = 32,            /* of a plugin: a row of the statistics page */
    LIMIT_PLUGIN_FILE = 64 * 1024 * 1024,
    LIMIT_NAME = 48,               /* of a plugin, a section */

    /* ---- the supervisor ---- */
    LIMIT_MESSAGE_BODY = 64 * 1024, /* supervisor to service and back */
    LIMIT_READY_MS = 10 * 1000,     /* start to READY */
    LIMIT_TOGETHER_MS = 1000,       /* a start waits so long to let all services begin together */
    LIMIT_DRAIN_MS = 30 * 1000,
    LIMIT_STAYING = 2,              /* such processes of a service */
    LIMIT_CRASHES = 5,              /* in LIMIT_CRASH_WINDOW_MS: then the breaker opens */
    LIMIT_CRASH_WINDOW_MS = 10 * 1000,
    LIMIT_BREAKER_MS = 10 * 1000,   /* between probes of an open breaker */
    LIMIT_BACKLOG_MS = 30 * 1000,   /* open so long: who waits is refused; [server] has it */
    LIMIT_BACKOFF_MS = 10 * 1000,   /* the longest wait between two restarts */
    LIMIT_HEALTHY_MS = 60 * 1000,   /* served that long: earlier crashes are forgotten */
    LIMIT_FRESH_MS = 10 * 60 * 1000, /* a new plugin file that crashes within is rolled back */
    LIMIT_NUDGE_MS = 50,            /* for a replaced process to stop accepting */
    LIMIT_GRACE_MS = 1000,          /* past its deadline, for a draining service to leave */
    LIMIT_KILL_MS = 5 * 1000,       /* SIGTERM to SIGKILL */
    LIMIT_CALLBACK_MS = 1000,       /* for one callback of an actor; [server] has it as an option */
    LIMIT_STALL_MS = 100,           /* a callback that takes longer is counted */
    LIMIT_ABORT_MS = 500,           /* for a crash to be reported: SIGABRT to SIGKILL */
    LIMIT_POISON_MS = 10 * 60 * 1000, /* a second crash of one kind within: its peer is refused */
    LIMIT_REFUSE_MS = 5 * 60 * 1000,  /* so long; [server] has it as an option */
    LIMIT_REFUSED = 64,             /* addresses a service */
    LIMIT_SEND_MS = 1000,           /* a service that does not read its channel is killed */
    LIMIT_MESSAGES_A_TURN = 64,     /* read from one service before the others are looked at */
    LIMIT_PLUGINS = 256,            /* files of the plugin folder */
    LIMIT_DESCRIBERS = 8,           /* children that read plugins at the same time */
    LIMIT_DESCRIBE_MS = 5 * 1000,   /* for one of them */
    LIMIT_DEBOUNCE_MS = 150,        /* after the last change of a watched folder */
    LIMIT_UPGRADE_MS = 60 * 1000,   /* for the new program to check, and for a change to end */
    LIMIT_LOG_LOOK_MS = 1000,       /* the log: has it grown, was it moved away? */
    LIMIT_NOTIFY_MS = 200,          /* a state that the service manager had no room for */
    LIMIT_LET_GO_MS = 500,          /* for a service to close a socket; the loop waits */
    LIMIT_PORT_RETRY_MS = 2000,     /* a port that was taken is tried again */
    LIMIT_CONTROL_CLIENTS = 16,
    LIMIT_CONTROL_LINE = 256 * 1024, /* one request: a value, each byte of it escaped by four */
    LIMIT_CONTROL_WORDS = 64,       /* of one request */
    LIMIT_CONNECTIONS = 4096,       /* rows of a list of connections, unless all are asked for */
    LIMIT_ANSWER_MS = 2000,         /* for a service to answer a question of gyrectl */
    LIMIT_LOG_LINE = 1024,          /* one line */
    LIMIT_LOG_LINES = 512,          /* that are kept for gyrectl log */
    LIMIT_LOG_CREDIT = 24,          /* of one service under way: they fit in its channel */
    LIMIT_FOLLOW = 256 * 1024,      /* waiting for one follower; what is more is lost to it */
    LIMIT_ROWS = 128,               /* of one message, x 64 B and three short texts */
    LIMIT_CONTROL_MS = 10 * 1000,   /* for a client to ask, and to take the answer */
};
_Static_assert((int)LIMIT_CONTROL_LINE > 4 * (int)LIMIT_CONF_VALUE, "any value can be asked for");
_Static_assert((RING_BUFFERS & (RING_BUFFERS - 1)) == 0, "buffer rings are powers of two");
_Static_assert((RING_DATAGRAMS & (RING_DATAGRAMS - 1)) == 0, "buffer rings are powers of two");
#endif

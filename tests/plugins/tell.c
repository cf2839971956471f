/* SPDX-License-Identifier: GPL-3.0-or-later
 * tell.c - a plugin for system tests: it tells what it is, and misbehaves when asked to.
 *
 * One word a line: "greeting" "code" "generation" "worker" are told; "quit" closes; "log TEXT"
 * is logged. It dies of
 * "crash" (writes to nowhere), "nowhere" (calls it), "deep" (its stack ends), "bug" (asks the host
 * for what there is not); it never comes back from "spin" and "wait". "late" crashes when its
 * stream is told to leave. Variants are compiled with
 *   CODE          a text: which code this is        NAME    what it is called
 *   TARGET_NEW    it wants a host that is to come   ENTRY_OTHER   its descriptor has another name
 *   LOAD_CRASH    its constructor crashes           REFUSE=1      on_load refuses every section
 *   LOAD_WAITS    its constructor never ends        LEAVES        on_load ends the process
 *   LOAD_FAULT    on_load crashes
 */
#ifdef TARGET_NEW
#define GYRE_TARGET 99
#endif
#ifdef ENTRY_OTHER
#define gyre_plugin_v1 gyre_plugin_v9
#endif
#include <unistd.h>

#include "gyre.h"

#ifndef CODE
#define CODE "one"
#endif
#ifndef NAME
#define NAME "tell"
#endif
#ifndef REFUSE
#define REFUSE 0
#endif

struct conf {
    gyre_view greeting;
    int64_t number;
};
static const struct gyre_option options[] = {
    GYRE_OPT_TEXT(conf, greeting, "hello", "What is told"),
    GYRE_OPT_INT(conf, number, "5", "1..10", "A number that nothing needs"),
    {0},
};

struct state {
    bool late;
};

static void crash(void)
{
    volatile uintptr_t nowhere = 8; /* so that no compiler sees it coming */
    *(volatile int *)nowhere = 1;
}

static int deep(volatile const char *from)
{
    volatile char here[4096];
    here[0] = from[0];
    return here[0] == 1 ? 0 : deep(here) + here[0];
}

static void spin(void)
{
    for (volatile int i = 0;; i = i + 1) {}
}

/* true: it was one of them, and did not kill. */
static bool misbehaves(struct gyre_actor *a, gyre_view word)
{
    static const char start[1] = {0};
    void (*volatile nowhere)(void) = NULL;
    if (gyre_eq(word, GYRE_LIT("crash"))) crash();
    else if (gyre_eq(word, GYRE_LIT("nowhere"))) nowhere();
    else if (gyre_eq(word, GYRE_LIT("deep"))) return deep(start) == 0;
    else if (gyre_eq(word, GYRE_LIT("bug"))) gyre->timer(a, 99, GYRE_MS(1));
    else if (gyre_eq(word, GYRE_LIT("spin"))) spin();
    else if (gyre_eq(word, GYRE_LIT("wait"))) for (;;) (void)pause();
    else if (gyre_eq(word, GYRE_LIT("late"))) GYRE_STATE(a, struct state)->late = true;
    else return false;
    return true;
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view word;
    uint8_t space[64];
    gyre_out number = GYRE_OUT(space);
    if (!gyre_line(in, &word)) return GYRE_MORE;
    if (misbehaves(a, word)) {
        gyre_put(&number, word);
    } else if (gyre_eq(word, GYRE_LIT("quit"))) {
        gyre->close(a, GYRE_FLUSH);
    } else if (gyre_eq(word, GYRE_LIT("greeting"))) {
        gyre->write(a, GYRE_CONF(a, struct conf)->greeting);
    } else if (gyre_eq(word, GYRE_LIT("code"))) {
        gyre->write(a, GYRE_LIT(CODE));
    } else if (gyre_eq(word, GYRE_LIT("generation"))) {
        gyre_put_dec(&number, a->section->generation);
    } else if (gyre_eq(word, GYRE_LIT("worker"))) {
        gyre_put_dec(&number, a->worker);
    } else if (word.n > 4 && gyre_eq(GYRE_MAKE(gyre_view, word.p, 4), GYRE_LIT("log "))) {
        gyre->log(a, GYRE_INFO, "%.*s", (int)word.n, word.p);
        gyre_put(&number, word);
    } else {
        return GYRE_BAD;
    }
    gyre_put(&number, GYRE_LIT("\n"));
    gyre->write(a, gyre_built(&number));
    return GYRE_TOOK;
}

#ifdef LOAD_CRASH
__attribute__((constructor)) static void crash_early(void)
{
    crash();
}
#endif

#ifdef LOAD_WAITS
__attribute__((constructor)) static void wait_early(void)
{
    for (;;) (void)pause();
}
#endif

static bool on_load(struct gyre_section *section, void *conf, gyre_out *why)
{
    (void)section;
    (void)conf;
#ifdef LEAVES
    _exit(7);
#endif
#ifdef LOAD_FAULT
    crash();
#endif
    if (REFUSE) gyre_put(why, GYRE_LIT("it refuses on principle"));
    return !REFUSE;
}

/* It stays as long as its peer and the host's patience. */
static void on_leave(struct gyre_actor *a, enum gyre_why why)
{
    (void)why;
    if (GYRE_STATE(a, struct state)->late) crash();
}

static const struct gyre_proto stream = {
    GYRE_PROTO, .state_size = sizeof(struct state), .message_max = 512, .on_data = on_data,
    .on_leave = on_leave};

GYRE_PLUGIN(.conf_size = sizeof(struct conf), .name = NAME, .version = "1.0",
            .summary = "Tells what it is", .stream = &stream, .options = options,
            .on_load = on_load);

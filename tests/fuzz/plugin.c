/* SPDX-License-Identifier: GPL-3.0-or-later
 * plugin.c - the target for plugins: what clients do (steps.h), in one piece and cut, and oracles.
 *
 * An input is played with what is sent in a row whole, or cut: both ways, in a world for each, when
 * it reaches something new; else by its hash, seldom both ways and mostly one. Oracles: the same
 * output and the same end both ways (SPLIT), no more output than promised (OUTPUT), memory within
 * the section's limit (MEMORY), turns and callbacks in step with the input (WORK), and nothing left
 * when the clients have gone (world.c). The worlds are made anew after RENEW inputs, and every
 * allocation must be back then.
 * Limits: one worker. Time passes only between steps, so a deadline never depends on cuts.
 */
#include <stdlib.h>

#include "alloc.h"
#include "talk.h"
#include "world.h"

enum {
    RENEW = 1 << 16, CUTS_MOST = 8, BYTES_MOST = 64, /* that go alone; the rest in one piece */
    BOTH_WAYS = 1, CUT_ALONE = 1, /* of 16 inputs that reach nothing new */
};

/* The plugin may be a part of this program. */
extern const struct gyre_plugin gyre_plugin_v1 __attribute__((weak));

const char fuzz_past[] = "took a message";

struct worlds {
    struct world whole, cut; /* they see the same: what a home counts is the same in both */
    struct world once;       /* sees what is played one way */
    bool made;
};
static struct {
    const struct promise *promise;
    struct plugin *plugin;
    struct worlds of[2]; /* usual limits, low ones */
    uint64_t alive;    /* allocations of the core before the first world */
    uint64_t since;    /* inputs, since the worlds are new */
    uint8_t first;     /* who sends when no step says so */
} all;

/* What one play of an input came to. */
struct outcome {
    struct sim_end *ends[ENDS];
    bool open[ENDS];               /* when the steps were over */
    bool dropped[ENDS];            /* after the client went, too */
    uint8_t why[ENDS];
    int64_t messages;
    size_t sent, got;
    uint64_t turns, calls;
};

/* ---- start and end ---- */

static void make(struct worlds *p, bool low)
{
    if (p->made) return;
    world_make(&p->whole, all.plugin, all.promise, low);
    world_make(&p->cut, all.plugin, all.promise, low);
    world_make(&p->once, all.plugin, all.promise, low);
    p->made = true;
}

static void renew(void)
{
    for (int i = 0; i < 2; i++) {
        if (!all.of[i].made) continue;
        world_free(&all.of[i].whole);
        world_free(&all.of[i].cut);
        world_free(&all.of[i].once);
        all.of[i].made = false;
    }
    all.since = 0;
    if (alloc_live() != all.alive)
        fuzz_wrong("given back", "%lld allocations are left of inputs since the worlds were made",
                   (long long)(alloc_live() - all.alive));
}

void fuzz_begin(const char *plugin)
{
    bool linked = &gyre_plugin_v1 != NULL;
    if (!plugin && !linked) fuzz_wrong("start", "say --plugin FILE");
    all.plugin = world_load(plugin);
    all.promise = promise_of(all.plugin->name);
    if (!all.promise) fuzz_wrong("start", "promises.c does not know %s", all.plugin->name);
    if (getenv("FUZZ_DATAGRAMS") && all.plugin->p.port) all.first = FIRST_SENDER;
    all.alive = alloc_live();
}

void fuzz_end(void)
{
    renew();
}

/* ---- playing ---- */

static struct sim_end *end_of(struct world *w, struct outcome *o, uint8_t who)
{
    if (o->ends[who]) return o->ends[who];
    if (who >= FIRST_SENDER && w->udp >= 0) o->ends[who] = sim_sender(w->sim, w->udp, NULL);
    if (who < FIRST_SENDER && w->tcp >= 0) o->ends[who] = sim_connect(w->sim, w->tcp, NULL);
    return o->ends[who];
}

/* A few cuts at random; seldom many. */
static size_t next_piece(uint64_t *random, size_t n)
{
    uint64_t x = fuzz_random(random);
    size_t most = x & 7 ? n : 4;
    return 1 + (size_t)((x >> 8) % (most < n ? most : n));
}

static void send_cut(struct sim_end *e, gyre_view v, bool every_byte, uint64_t *random)
{
    for (int cuts = 0; v.n; cuts++) {
        size_t n = v.n;
        if (every_byte && cuts < BYTES_MOST) n = 1;
        else if (!every_byte && cuts < CUTS_MOST) n = next_piece(random, v.n);
        sim_write(e, gyre_head(&v, n), true);
    }
}

/* The bytes of one step, or of several that go on, as often as it says. */
static gyre_view bytes_of(const struct steps *s, size_t *i, bool whole)
{
    static uint8_t repeated[SENT_MOST];
    const struct step *step = &s->at[*i];
    gyre_view v = step->bytes;
    if (step->times > 1) {
        for (size_t n = 0; n < step->times; n++) memcpy(repeated + n * v.n, v.p, v.n);
        return GYRE_MAKE(gyre_view, repeated, step->times * v.n);
    }
    for (; whole && s->at[*i].goes_on; (*i)++) v.n += s->at[*i + 1].bytes.n;
    return v;
}

/* Sends from step *i on what is sent in a row; *i: the last of these steps. */
static void play_send(struct world *w, struct outcome *o, const struct steps *s, size_t *i,
                      uint64_t *random_or_null)
{
    const struct step *step = &s->at[*i];
    struct sim_end *e = end_of(w, o, step->who);
    bool goes_on = true;
    while (goes_on) {
        bool datagrams = e && sim_is_datagrams(e);
        uint16_t times = datagrams ? step->times : 1;
        gyre_view v = datagrams ? step->bytes : bytes_of(s, i, !random_or_null);
        o->sent += v.n * times;
        for (uint16_t n = 0; e && datagrams && n < times; n++) {
            sim_write(e, v, false);
            if (random_or_null) world_settle(w); /* cut: batches of one */
        }
        if (e && !datagrams && random_or_null) send_cut(e, v, s->every_byte, random_or_null);
        else if (e && !datagrams) sim_write(e, v, true);
        goes_on = s->at[*i].goes_on;
        *i += goes_on;
    }
    world_settle(w);
}

static void play_other(struct world *w, struct outcome *o, const struct step *step)
{
    struct sim_end *e = step->verb == STEP_WAIT ? NULL : end_of(w, o, step->who);
    if (step->verb == STEP_WAIT) world_wait(w, step->wait_ns);
    if (!e || sim_is_datagrams(e)) return;
    switch (step->verb) {
    case STEP_EOF: sim_eof(e); break;
    case STEP_RESET: sim_reset(e); break;
    case STEP_SLOW: sim_slow(e, true); break;
    case STEP_FAST: sim_slow(e, false); break;
    default: break;
    }
    world_settle(w);
}

static void note_closes(struct outcome *o)
{
    for (uint8_t i = 0; i < FIRST_SENDER; i++) {
        const struct closed *closed = world_closed(o->ends[i] ? sim_fd(o->ends[i]) : -1);
        if (!closed) continue;
        o->why[i] = closed->why;
        o->dropped[i] = closed->dropped;
    }
}

/* The clients read what is there, and go: with an end; then, if that is no reason, with a reset. */
static void leave(struct world *w, struct outcome *o)
{
    bool slow = false;
    for (uint8_t i = 0; i < FIRST_SENDER; i++) {
        if (!o->ends[i] || !sim_is_slow(o->ends[i])) continue;
        slow = true;
        sim_slow(o->ends[i], false);
    }
    if (slow) world_settle(w);
    for (uint8_t i = 0; i < FIRST_SENDER; i++) {
        if (!o->ends[i]) continue;
        o->open[i] = sim_state(o->ends[i]) == SIM_OPEN;
        sim_eof(o->ends[i]);
    }
    world_settle(w);
    note_closes(o);
    if (!world_stat(w, STAT_STREAMS)) return;
    for (uint8_t i = 0; i < FIRST_SENDER; i++)
        if (o->ends[i]) sim_reset(o->ends[i]);
    world_settle(w);
}

static void check_memory(const struct world *w, const struct steps *s, size_t i)
{
    int64_t now = world_stat(w, STAT_MEMORY), most = w->section->newest->limits.memory_max;
    if (now > most || now < 0)
        fuzz_wrong("memory", "%lld bytes after step %zu of %zu; memory_max is %lld", (long long)now,
                   i, s->n, (long long)most);
}

static void play(struct world *w, const struct steps *s, uint64_t *random_or_null,
                 struct outcome *o)
{
    int64_t messages = world_stat(w, STAT_MESSAGES);
    uint8_t who = s->n ? s->at[0].who : 0;
    *o = (struct outcome){.sent = 0};
    for (size_t i = 0; i < s->n; i++) {
        /* Deadlines that fall together have no order: clients do nothing in the same tick. */
        if (s->at[i].who != who) world_wait(w, GYRE_MS(TICK_MS + 1));
        who = s->at[i].who;
        if (s->at[i].verb == STEP_SEND) play_send(w, o, s, &i, random_or_null);
        else play_other(w, o, &s->at[i]);
        check_memory(w, s, i);
    }
    leave(w, o);
    o->messages = world_stat(w, STAT_MESSAGES) - messages;
    for (uint8_t i = 0; i < ENDS; i++)
        if (o->ends[i]) o->got += sim_all(o->ends[i]).n;
    o->turns = w->turns;
    o->calls = seen.calls;
}

/* ---- judging ---- */

static void check_output(const struct promise *p, const struct outcome *o)
{
    uint64_t connections = 0;
    for (uint8_t i = 0; i < FIRST_SENDER; i++) connections += o->ends[i] != NULL;
    uint64_t most = connections * p->a_connection + (uint64_t)o->messages * p->a_message +
                    o->sent * p->a_byte;
    if (o->got > most)
        fuzz_wrong("output", "%zu bytes came back for %zu bytes in %lld messages on %llu "
                             "connections; promised are at most %llu", o->got, o->sent,
                   (long long)o->messages, (unsigned long long)connections,
                   (unsigned long long)most);
}

/* One turn for each byte if all come alone; each step may wait for one deadline and some turns. */
static void check_work(const struct steps *s, const struct outcome *o)
{
    uint64_t turns = 64 + 64 * s->n + 4 * o->sent, calls = 16 + 2 * s->n + 3 * o->sent;
    if (o->turns > turns)
        fuzz_wrong("work", "%llu turns for %zu bytes in %zu steps; at most %llu are in step",
                   (unsigned long long)o->turns, o->sent, s->n, (unsigned long long)turns);
    if (o->calls > calls)
        fuzz_wrong("work", "on_data was called %llu times for %zu bytes; at most %llu are in step",
                   (unsigned long long)o->calls, o->sent, (unsigned long long)calls);
}

static bool begins_with(gyre_view longer, gyre_view v)
{
    return v.n <= longer.n && (!v.n || !memcmp(longer.p, v.p, v.n));
}

/* A connection that is dropped loses what is not sent yet, and how much that is depends on turns:
 * then one may be the beginning of the other. */
static bool did(const struct steps *s, uint8_t who, enum step_verb verb)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].verb == verb && s->at[i].who == who) return true;
    return false;
}

/* What a plugin has not come to, because its client does not read, or reset, depends on its pieces:
 * it was told of the client's end before, or never. */
static bool same_end(const struct steps *s, uint8_t who, uint8_t whole, uint8_t cut)
{
    uint8_t other = whole == GYRE_EOF ? cut : whole;
    if (whole == cut) return true;
    if (whole != GYRE_EOF && cut != GYRE_EOF) return false;
    return (other == GYRE_RESET && did(s, who, STEP_RESET)) ||
           (other == GYRE_TIMEOUT && did(s, who, STEP_SLOW));
}

static void check_same(const struct steps *s, const struct outcome *whole,
                       const struct outcome *cut)
{
    for (uint8_t i = 0; i < ENDS; i++) {
        gyre_view a = whole->ends[i] ? sim_all(whole->ends[i]) : GYRE_NOTHING;
        gyre_view b = cut->ends[i] ? sim_all(cut->ends[i]) : GYRE_NOTHING;
        if (whole->open[i] != cut->open[i] || !same_end(s, i, whole->why[i], cut->why[i]))
            fuzz_wrong("split", "connection %u: in one piece it %s (%u), cut it %s (%u)", i,
                       whole->open[i] ? "stays open" : "ends", whole->why[i],
                       cut->open[i] ? "stays open" : "ends", cut->why[i]);
        bool dropped = whole->dropped[i] || cut->dropped[i];
        if (gyre_eq(a, b) || (dropped && (begins_with(a, b) || begins_with(b, a)))) continue;
        talk_show_difference(stderr, a, b);
        fuzz_wrong("split", "connection %u: another output when what it sends is cut", i);
    }
}

static void show(const char *name, const struct outcome *o)
{
    for (uint8_t i = 0; i < ENDS; i++) {
        if (!o->ends[i]) continue;
        printf("%s %c: ", name, "abcduv"[i]);
        talk_show(stdout, sim_all(o->ends[i]), 2000);
        if (i < FIRST_SENDER)
            printf(", %s, then closed (%u)", o->open[i] ? "open" : "ended", o->why[i]);
        putchar('\n');
    }
    printf("%s: %lld messages, %zu bytes in, %zu out, %llu turns, %llu calls\n", name,
           (long long)o->messages, o->sent, o->got, (unsigned long long)o->turns,
           (unsigned long long)o->calls);
    fflush(stdout);
}

static void count_taken(const struct outcome *o)
{
    /* What reads nothing takes no message: then its answer counts. */
    int64_t taken = o->messages ? o->messages : !all.plugin->kinds[KIND_STREAM].p.on_data && o->got;
    fuzz_count.past += taken > 0;
    fuzz_count.further += taken > 1;
    fuzz_count.bytes += o->sent;
    fuzz_count.turns += o->turns;
}

/* Plays it one way and judges that by itself. */
static void play_and_check(struct world *w, const struct steps *s, uint64_t *random_or_null,
                           struct outcome *o)
{
    memset(&seen, 0, sizeof seen);
    play(w, s, random_or_null, o);
    if (fuzz_shows) show(random_or_null ? "cut" : "whole", o);
    check_output(all.promise, o);
    check_work(s, o);
}

static void play_both(struct worlds *p, const struct steps *s, uint64_t random,
                      struct outcome *whole)
{
    static struct outcome cut;
    play_and_check(&p->whole, s, NULL, whole);
    play_and_check(&p->cut, s, &random, &cut);
    check_same(s, whole, &cut);
    world_rest(&p->whole);
    world_rest(&p->cut);
    fuzz_count.compared++;
}

void fuzz_one(gyre_view input)
{
    static struct steps s;
    static struct outcome o;
    uint64_t random = fuzz_hash(input), way = (random >> 7) % 16;
    if (++all.since > RENEW) renew();
    steps_read(input, all.first, &s);
    struct worlds *p = &all.of[s.low];
    make(p, s.low);
    if (fuzz_shows) steps_show(stdout, &s);
    if (way >= BOTH_WAYS) {
        uint64_t cuts = random;
        play_and_check(&p->once, &s, way < BOTH_WAYS + CUT_ALONE ? &cuts : NULL, &o);
        world_rest(&p->once);
    }
    if (way < BOTH_WAYS || fuzz_news()) play_both(p, &s, random, &o);
    count_taken(&o);
}

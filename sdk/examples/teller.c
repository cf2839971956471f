/* SPDX-License-Identifier: MIT
 * teller.c - an example: a plugin that asks another one by messages. A line "add 5" adds to the
 * number of counter.c, which has a process of its own, and gets the new number; "follow" shows it
 * whenever somebody adds. README.md shows the two at work.
 *
 * Promise: each "add" gets one line, also when the counter's process crashes, does not answer in
 * time or has too much to do. Answers come as they come, in the order of lines if all goes well.
 */
#include "services/wide.h"

enum { ADD = 1, TOTAL = 1 };
#ifndef COUNTER
#define COUNTER "counter/1"
#endif
#ifndef OPTIONAL
#define OPTIONAL 0
#endif

static const struct gyre_wide *wide;

struct conf {
    int64_t within;
};

static const char *name_of(int32_t err)
{
    switch (err) {
    case GYRE_GONE: return "gone";
    case GYRE_LATE: return "late";
    case GYRE_FULL: return "full";
    default: return "wrong";
    }
}

static void say(struct gyre_actor *a, const char *before, gyre_view bytes)
{
    gyre_out out = gyre->out(a, 64);
    gyre_in in = gyre_in_of(bytes);
    gyre_put(&out, gyre_str(before));
    gyre_put_dec(&out, gyre_be(&in, 8));
    gyre_put(&out, GYRE_LIT("\n"));
    gyre->write(a, gyre_end(&in) ? gyre_built(&out) : GYRE_LIT("wrong\n"));
}

static void say_err(struct gyre_actor *a, int32_t err)
{
    gyre->write(a, gyre_str(name_of(err)));
    gyre->write(a, GYRE_LIT("\n"));
}

static void on_answer(struct gyre_actor *a, const struct gyre_answer *answer)
{
    if (answer->err < 0) say_err(a, answer->err);
    else say(a, "", answer->value);
}

static void add(struct gyre_actor *a, uint64_t n)
{
    uint8_t bytes[8];
    gyre_out out = GYRE_OUT(bytes);
    gyre_put_be(&out, n, 8);
    int err = wide->ask(a, COUNTER, ADD, gyre_built(&out), GYRE_CONF(a, struct conf)->within, 0,
                        on_answer);
    if (err < 0) say_err(a, err); /* refused: no answer will come */
}

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    uint64_t n;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    if (gyre_skip(&line, GYRE_LIT("add ")) && gyre_dec(line, UINT32_MAX, &n)) add(a, n);
    else if (gyre_eq(line, GYRE_LIT("follow"))) wide->follow(a, COUNTER, true);
    else gyre->write(a, GYRE_LIT("add N, or follow\n"));
    return GYRE_TOOK;
}

/* Of what is followed. */
static void on_mail(struct gyre_actor *a, const struct gyre_mail *mail)
{
    if (mail->type == TOTAL) say(a, "= ", mail->bytes);
    if (mail->type == GYRE_WIDE_ANEW) gyre->write(a, GYRE_LIT("= there\n"));
    if (mail->type == GYRE_WIDE_LOST) gyre->write(a, GYRE_LIT("= lost\n"));
}

static const struct gyre_option options[] = {
    GYRE_OPT_TIME(conf, within, "5s", "1ms..1h", "How long the counter may take to answer."),
    {0},
};
/* Several lines may be asked at the same time. */
static const struct gyre_proto stream = {GYRE_PROTO, .message_max = 256, .flags = GYRE_OVERLAP,
                                         .on_data = on_data, .on_mail = on_mail};
static const struct gyre_need needs[] = {
    {"wide/1", &wide, 0}, {COUNTER, NULL, OPTIONAL}, {0}}; /* no slot: by messages */

GYRE_PLUGIN(.name = "teller", .version = "1.0", .summary = "Asks the counter",
            .conf_size = sizeof(struct conf), .stream = &stream, .options = options,
            .needs = needs);

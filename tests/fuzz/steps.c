/* SPDX-License-Identifier: GPL-3.0-or-later
 * steps.c - reads an input into steps; the language is in steps.h.
 *
 * Promise: defined for any bytes; the bytes of steps are views into the input, none twice.
 * Limits: STEPS_MOST steps, SENT_MOST bytes with their repetitions; what is past them is left out.
 */
#include "steps.h"

#include "talk.h"

const char steps_letters[] = ".:-=+$*x012345ersfmtly!%";

struct reading {
    struct steps *to;
    gyre_view left;
    uint8_t who;
    uint16_t times;
    size_t sent;
};

static struct step *add(struct reading *r, enum step_verb verb)
{
    if (r->to->n == STEPS_MOST) return NULL;
    struct step *s = &r->to->at[r->to->n++];
    *s = (struct step){.verb = verb, .who = r->who};
    return s;
}

/* The step before sends what lies just before these bytes, once, on the same stream. */
static bool follows(const struct reading *r, gyre_view bytes)
{
    const struct step *before = r->to->n ? &r->to->at[r->to->n - 1] : NULL;
    return before && before->verb == STEP_SEND && before->who == r->who && r->times == 1 &&
           before->times == 1 && r->who < FIRST_SENDER && bytes.n && before->bytes.n &&
           before->bytes.p + before->bytes.n == bytes.p;
}

static void send(struct reading *r, gyre_view bytes)
{
    bool on = follows(r, bytes);
    if (bytes.n * r->times > SENT_MOST - r->sent) r->times = 1;
    if (bytes.n > SENT_MOST - r->sent) bytes.n = SENT_MOST - r->sent;
    if (!bytes.n && r->who < FIRST_SENDER) return;
    struct step *s = add(r, STEP_SEND);
    if (!s) return;
    if (on) s[-1].goes_on = true;
    s->bytes = bytes;
    s->times = r->times;
    r->sent += bytes.n * r->times;
    r->times = 1;
}

static gyre_view through_line(gyre_view *left)
{
    const uint8_t *at = left->n ? memchr(left->p, '\n', left->n) : NULL;
    return at ? gyre_head(left, (size_t)(at - left->p) + 1) : gyre_all(left);
}

static void send_measured(struct reading *r)
{
    gyre_view both = r->left, length = gyre_head(&r->left, 2);
    size_t n = length.n == 2 ? (size_t)length.p[0] << 8 | length.p[1] : 0;
    if (r->who >= FIRST_SENDER) return send(r, gyre_head(&r->left, n));
    r->left = both;
    send(r, gyre_head(&r->left, 2 + n));
}

static void wait(struct reading *r, int64_t ns)
{
    struct step *s = add(r, STEP_WAIT);
    if (s) s->wait_ns = ns;
}

static void read_step(struct reading *r, uint8_t c)
{
    switch (c) {
    case '.': send(r, gyre_head(&r->left, 1)); break;
    case ':': send(r, gyre_head(&r->left, 3)); break;
    case '-': send(r, gyre_head(&r->left, 17)); break;
    case '+': send(r, gyre_head(&r->left, 300)); break;
    case '*': send(r, gyre_all(&r->left)); break;
    case '=': send(r, through_line(&r->left)); break;
    case '$': send_measured(r); break;
    case 'x': r->times = 16; break;
    case 'e': (void)add(r, STEP_EOF); break;
    case 'r': (void)add(r, STEP_RESET); break;
    case 's': (void)add(r, STEP_SLOW); break;
    case 'f': (void)add(r, STEP_FAST); break;
    case 'm': wait(r, GYRE_MS(20)); break;
    case 't': wait(r, GYRE_SECONDS(2)); break;
    case 'l': wait(r, GYRE_SECONDS(40)); break;
    case 'y': wait(r, GYRE_SECONDS(3600)); break;
    case '!': r->to->low = true; break;
    case '%': r->to->every_byte = true; break;
    default:
        if (c >= '0' && c < '0' + ENDS) r->who = (uint8_t)(c - '0');
        break;
    }
}

gyre_view steps_head(gyre_view input)
{
    return input.n && input.p[0] == '|' ? through_line(&input) : GYRE_NOTHING;
}

void steps_read(gyre_view input, uint8_t who, struct steps *to)
{
    struct reading r = {.to = to, .left = input, .who = who, .times = 1};
    gyre_view head = steps_head(input);
    to->n = 0;
    to->low = to->every_byte = false;
    (void)gyre_head(&r.left, head.n);
    for (size_t i = 1; i < head.n; i++) read_step(&r, head.p[i]);
    if (r.left.n || !to->n) send(&r, gyre_all(&r.left));
}

void steps_show(FILE *f, const struct steps *s)
{
    static const char *const verbs[] = {"send", "eof", "reset", "slow", "fast", "wait"};
    fprintf(f, "steps%s%s\n", s->low ? ", low limits" : "", s->every_byte ? ", every byte" : "");
    for (size_t i = 0; i < s->n; i++) {
        const struct step *step = &s->at[i];
        fprintf(f, "  %c %s ", "abcduv"[step->who], verbs[step->verb]);
        if (step->verb == STEP_WAIT) fprintf(f, "%lld ms", (long long)(step->wait_ns / 1000000));
        if (step->verb == STEP_SEND) talk_show(f, step->bytes, 400);
        if (step->times > 1) fprintf(f, " %u times", step->times);
        fputs(step->goes_on ? " …\n" : "\n", f);
    }
}

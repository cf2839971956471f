/* SPDX-License-Identifier: GPL-3.0-or-later
 * client_dns.c - asks dns, over UDP and TCP: the right answer to each question, over TCP in order.
 */
#include <stdlib.h>

#include "scenario.h"

static const struct question {
    const char *name; /* labels with their lengths */
    size_t name_n;
    uint16_t type;
    uint8_t rcode, answers;
    const char *data; /* of an answer's end, or NULL */
    size_t data_n;
} questions[] = {
#define NAME(labels) labels, sizeof labels
#define DATA(bytes) bytes, sizeof bytes - 1
    {NAME("\3www\7example\4test"), 1, 0, 1, DATA("\300\0\2\120")},
    {NAME("\1a\4wild\7example\4test"), 1, 0, 1, DATA("\300\0\2\143")},
    {NAME("\4nope\7example\4test"), 1, 3, 0, NULL, 0},
    {NAME("\4text\7example\4test"), 1, 0, 0, NULL, 0},
    {NAME("\4text\7example\4test"), 16, 0, 1, DATA("\11some text")},
    {NAME("\3www\5other\4test"), 1, 5, 0, NULL, 0},
};

struct dns {
    uint8_t asked[16]; /* which question */
};

static void put_query(struct client *c, gyre_out *o)
{
    uint8_t which = (uint8_t)(sim_random(&c->random) % (sizeof questions / sizeof *questions));
    const struct question *q = &questions[which];
    ((struct dns *)c->state)->asked[c->asked] = which;
    gyre_put_be(o, c->number << 8 | c->asked, 2);
    gyre_put_be(o, 0x0000, 2);
    gyre_put_be(o, 1, 2);
    gyre_put_be(o, 0, 6);
    gyre_put(o, (gyre_view){(const uint8_t *)q->name, q->name_n});
    gyre_put_be(o, q->type, 2);
    gyre_put_be(o, 1, 2);
}

static void check(struct run *r, struct client *c, gyre_view message)
{
    const struct question *q = &questions[((struct dns *)c->state)->asked[c->answered]];
    gyre_in in = gyre_in_of(message);
    uint64_t id = gyre_be(&in, 2), flags = gyre_be(&in, 2), qd = gyre_be(&in, 2);
    uint64_t an = gyre_be(&in, 2);
    (void)gyre_be(&in, 4);
    gyre_view name = gyre_bytes(&in, q->name_n);
    uint64_t type = gyre_be(&in, 2);
    (void)gyre_be(&in, 2);
    if (in.bad || id != (c->number << 8 | c->answered) || !(flags & 0x8000) || qd != 1 ||
        !gyre_eq(name, (gyre_view){(const uint8_t *)q->name, q->name_n}) || type != q->type)
        damage(r, "client %u (%s) got an answer to another question", c->number, c->kind->name);
    if ((flags & 15) != q->rcode || an != q->answers)
        damage(r, "client %u (%s) got rcode %llu and %llu answers for question %u", c->number,
               c->kind->name, (unsigned long long)(flags & 15), (unsigned long long)an,
               ((struct dns *)c->state)->asked[c->answered]);
    client_got(c, c->answered, message);
    if (!q->data) return;
    (void)gyre_be(&in, 2); /* a pointer to the question's name */
    (void)gyre_be(&in, 8);
    gyre_view data = gyre_bytes(&in, (size_t)gyre_be(&in, 2));
    if (!gyre_eq(data, (gyre_view){(const uint8_t *)q->data, q->data_n}))
        damage(r, "client %u (%s) got other data", c->number, c->kind->name);
}

static bool ask_tcp(struct run *r, struct client *c, gyre_out *o)
{
    (void)r;
    gyre_put_be(o, 0, 2);
    put_query(c, o);
    gyre_patch_be(o, 0, o->n - 2, 2);
    return true;
}

static bool answer_tcp(struct run *r, struct client *c, gyre_view *v)
{
    gyre_view rest = *v, length, message;
    if (!gyre_exact(&rest, 2, &length)) return false;
    if (!gyre_exact(&rest, (size_t)length.p[0] << 8 | length.p[1], &message)) return false;
    if (c->answered == c->asked) damage(r, "client %u (dns) got more than it asked", c->number);
    check(r, c, message);
    *v = rest;
    c->answered++;
    return true;
}

static bool ask_udp(struct run *r, struct client *c, gyre_out *o)
{
    (void)r;
    put_query(c, o);
    return true;
}

/* Of a question that was asked again, a second answer may come late. */
static bool answer_udp(struct run *r, struct client *c, gyre_view *v)
{
    gyre_view message = gyre_all(v);
    if (message.n >= 2 && message.p[0] != (uint8_t)c->number)
        damage(r, "client %u (%s) got an answer to another's question", c->number, c->kind->name);
    if (message.n < 2 || c->answered == c->asked || message.p[1] != (uint8_t)c->answered)
        return true;
    if (r->plan.per_million[FAULT_DATAGRAM_CUT] && message.n >= 4 && (message.p[3] & 15) == 1)
        return true; /* its question came cut */
    check(r, c, message);
    c->answered++;
    return true;
}

static bool through(const struct client *c)
{
    return c->answered == c->most;
}

const struct client_kind client_dns_tcp = {.site = SITE_DNS, .name = "dns over TCP",
                                           .state_size = sizeof(struct dns), .ask = ask_tcp,
                                           .answer = answer_tcp, .through = through};
const struct client_kind client_dns_udp = {.site = SITE_DNS, .name = "dns over UDP",
                                           .datagrams = true, .state_size = sizeof(struct dns),
                                           .ask = ask_udp, .answer = answer_udp,
                                           .through = through};

/* SPDX-License-Identifier: GPL-3.0-or-later
 * dns.c - authoritative DNS over UDP and TCP, from zone files.
 *
 * The way of a question: query.c reads it; zones.c finds its name; answer.c decides what to say;
 * reply.c puts it. The way of a zone: load.c, zonefile.c, rdata.c, builder.c, pack.c.
 * Datagrams come in batches: their look-ups wait for memory together, not one after the other.
 * Promise: any message gets an answer within its size, or silence, in bounded time.
 */
#include "gyre.h"

#include "answer.h"
#include "load.h"

enum { UDP_MOST = 4096, BATCH = 16 };

enum metric {
    UDP_QUERIES, TCP_QUERIES, ANSWERS, NODATA, NXDOMAIN, REFERRALS, REFUSED, FORMERR, OTHERS,
    TRUNCATED, SILENT, METRICS,
};
static const struct gyre_metric metrics[METRICS + 1] = {
    {"udp_queries", GYRE_COUNTER, "questions over UDP"},
    {"tcp_queries", GYRE_COUNTER, "questions over TCP"},
    {"answers", GYRE_COUNTER, "answered with records"},
    {"nodata", GYRE_COUNTER, "the name exists, but has nothing of the type"},
    {"nxdomain", GYRE_COUNTER, "the name does not exist"},
    {"referrals", GYRE_COUNTER, "sent on to the servers of a delegated zone"},
    {"refused", GYRE_COUNTER, "not for our zones, or a transfer"},
    {"formerr", GYRE_COUNTER, "malformed questions"},
    {"others", GYRE_COUNTER, "other errors: NOTIMP, BADVERS"},
    {"truncated", GYRE_COUNTER, "answers marked as cut, to be asked again over TCP"},
    {"silent", GYRE_COUNTER, "messages without an answer"},
    {0},
};

struct tally {
    int64_t of[METRICS];
};

struct home {
    struct dns_query queries[BATCH];
    bool asked[BATCH];
    struct dns_reply reply;
    uint8_t answer[UDP_MOST];
};

static const struct gyre_file *file;

static void note(struct tally *tally, const struct dns_outcome *outcome)
{
    enum metric metric = ANSWERS;
    if (outcome->rcode == DNS_NXDOMAIN) metric = NXDOMAIN;
    else if (outcome->rcode == DNS_REFUSED) metric = REFUSED;
    else if (outcome->rcode == DNS_FORMERR) metric = FORMERR;
    else if (outcome->rcode) metric = OTHERS;
    else if (outcome->referral) metric = REFERRALS;
    else if (outcome->nodata) metric = NODATA;
    tally->of[metric]++;
    if (outcome->truncated) tally->of[TRUNCATED]++;
}

static void count(struct gyre_actor *a, const struct tally *tally)
{
    for (uint32_t i = 0; i < METRICS; i++)
        if (tally->of[i]) gyre->count(a, i, tally->of[i]);
}

/* Reads a batch, and starts fetching what its look-ups will touch. */
static void cut_batch(struct home *home, const struct dns_zones *zones,
                      const struct gyre_datagram *const *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct dns_query *query = &home->queries[i];
        home->asked[i] = in[i]->path.peer.port && dns_query_cut(in[i]->data, &zones->seed, query);
        if (!home->asked[i]) continue;
        if (in[i]->cut) query->rcode = DNS_FORMERR;
        if (!query->rcode) dns_zones_fetch_slot(zones, query->hash);
    }
    for (size_t i = 0; i < n; i++)
        if (home->asked[i] && !home->queries[i].rcode)
            dns_zones_fetch_node(zones, home->queries[i].hash);
}

/* Answers a question, when it was one. */
static void answer(struct gyre_actor *a, struct tally *tally, const struct gyre_datagram *d,
                   const struct dns_query *query)
{
    const struct dns_conf *conf = a->conf;
    struct home *home = a->state;
    gyre_out out = GYRE_OUT(home->answer);
    struct dns_reply *reply = &home->reply;
    reply->zones = &conf->compiled;
    reply->query = query;
    reply->out = &out;
    reply->udp_size = (uint16_t)conf->udp_max;
    reply->most = query->udp_size < conf->udp_max ? query->udp_size : (size_t)conf->udp_max;
    struct dns_outcome outcome = dns_answer(reply);
    note(tally, &outcome);
    (void)gyre->emit(d->port, &d->path, gyre_built(&out), 0, 0);
}

static void datagrams(struct gyre_actor *a, const struct gyre_datagram *const *in, size_t n)
{
    const struct dns_conf *conf = gyre->conf(a);
    struct home *home = a->state;
    struct tally tally = {.of = {[UDP_QUERIES] = (int64_t)n}};
    for (size_t first = 0; first < n; first += BATCH) {
        size_t some = n - first < BATCH ? n - first : BATCH;
        cut_batch(home, &conf->compiled, &in[first], some);
        for (size_t i = 0; i < some; i++) {
            if (home->asked[i]) answer(a, &tally, in[first + i], &home->queries[i]);
            else tally.of[SILENT]++;
        }
    }
    count(a, &tally);
}

/* RFC 1035 section 4.2.2: each message has its length before it. */
static enum gyre_step stream_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view length, message;
    if (!gyre_exact(in, 2, &length)) return GYRE_MORE;
    if (!gyre_exact(in, (size_t)length.p[0] << 8 | length.p[1], &message)) return GYRE_MORE;
    const struct dns_conf *conf = gyre->conf(a);
    struct home *home = GYRE_HOME(a, struct home);
    struct dns_reply *reply = &home->reply;
    struct tally tally = {.of = {[TCP_QUERIES] = 1}};
    if (!dns_query_cut(message, &conf->compiled.seed, &home->queries[0])) {
        tally.of[SILENT]++;
        count(a, &tally);
        /* shorter than a header: this is no DNS; what was asked before is still answered */
        if (message.n < DNS_HEADER_BYTES) gyre->close(a, GYRE_FLUSH);
        return GYRE_TOOK;
    }
    gyre_out out = gyre->out(a, 2 + DNS_MESSAGE_BYTES);
    gyre_put_be(&out, 0, 2);
    reply->zones = &conf->compiled;
    reply->query = &home->queries[0];
    reply->out = &out;
    reply->udp_size = (uint16_t)conf->udp_max;
    reply->most = DNS_MESSAGE_BYTES;
    struct dns_outcome outcome = dns_answer(reply);
    gyre_patch_be(&out, 0, out.n - 2, 2);
    note(&tally, &outcome);
    count(a, &tally);
    return out.full || gyre->write(a, gyre_built(&out)) < 0 ? GYRE_BAD : GYRE_TOOK;
}

static bool load(struct gyre_section *section, void *conf, gyre_out *why)
{
    return dns_load(section, file, conf, why);
}

static const struct gyre_option options[] = {
    GYRE_OPT_PATH(dns_conf, zones, NULL, "folder of the zone files; required"),
    GYRE_OPT_LIST(dns_conf, zone,
                  "a zone: its name, and its file in that folder if it is not NAME.zone; required"),
    GYRE_OPT_SIZE(dns_conf, udp_max, "1232", "512..4096",
                  "longest answer over UDP; longer ones are asked for again over TCP"),
    {0},
};
static const struct gyre_need needs[] = {{"file/1", &file, 0}, {0}};

static const struct gyre_proto stream = {
    GYRE_PROTO,
    .message_max = 2 + DNS_MESSAGE_BYTES,
    .idle_ms = 30 * 1000,
    .handshake_ms = 10 * 1000,
    .on_data = stream_data,
};
static const struct gyre_proto port = {
    GYRE_PROTO,
    .message_max = UDP_MOST,
    .on_datagrams = datagrams,
};
static const struct gyre_proto home = {GYRE_PROTO, .state_size = sizeof(struct home)};

GYRE_PLUGIN(.name = "dns", .version = "1.0",
            .summary = "authoritative DNS over UDP and TCP, from zone files",
            .conf_size = sizeof(struct dns_conf), .stream = &stream, .port = &port, .home = &home,
            .options = options, .metrics = metrics, .needs = needs, .on_load = load);

/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_dgram.c - dgram.c: batches, trains and the address that an answer leaves from.
 */
#include <arpa/inet.h>
#include <netinet/udp.h>

#include "alloc.h"
#include "world.h"

static size_t batches[64], batches_n, seen;
static bool echoes = true;

static void on_datagrams(struct gyre_actor *h, const struct gyre_datagram *const *in, size_t n)
{
    cr_assert_eq(h, h->home);
    batches[batches_n++ % 64] = n;
    for (size_t i = 0; i < n; i++) {
        uint64_t number = 0;
        cr_assert(gyre_dec(in[i]->data, UINT32_MAX, &number));
        cr_assert_eq(number, seen, "%llu came, not %zu", (unsigned long long)number, seen);
        seen++;
        if (echoes) (void)host_api.emit(in[i]->port, &in[i]->path, in[i]->data, 0, 0);
    }
}

static const struct gyre_proto home = {GYRE_PROTO};
static const struct gyre_proto port = {GYRE_PROTO, .on_datagrams = on_datagrams};
static struct section *s;
static int fd;

static void begin_at(const char *ip)
{
    gyre_addr at;
    char text[64];
    snprintf(text, sizeof text, "%s:53", ip);
    cr_assert(sim_address(text, &at));
    world_begin(1);
    struct plugin *p = world_plugin("p", NULL, &home, NULL);
    world_kind(&p->kinds[KIND_PORT], p, &port);
    p->p.port = &port;
    s = world_section("p", NULL);
    fd = sim_listen(world.sim, 0, &at, true);
    cr_assert(service_listen(s, 0, fd, text, true));
    world_settle();
}

TestSuite(dgram, .fini = world_end);

static void send_numbers(struct sim_end *e, uint32_t from, uint32_t n)
{
    uint8_t space[16];
    for (uint32_t i = from; i < from + n; i++) {
        gyre_out o = GYRE_OUT(space);
        gyre_put_dec(&o, i);
        sim_write(e, gyre_built(&o), false);
    }
    world_settle();
}

static size_t read_numbers(struct sim_end *e)
{
    size_t n = 0;
    for (; sim_any(e); n++) {
        uint64_t number = 0;
        cr_assert(gyre_dec(sim_unread(e), UINT32_MAX, &number));
        cr_assert_eq(number, n);
        sim_consume(e, sim_unread(e).n);
    }
    return n;
}

Test(dgram, up_to_64_at_once)
{
    begin_at("127.0.0.1");
    struct sim_end *e = sim_sender(world.sim, fd, NULL);
    send_numbers(e, 0, 200);
    cr_expect_eq(seen, 200);
    cr_expect_eq(batches_n, 4);
    cr_expect_eq(batches[0], 64);
    cr_expect_eq(batches[3], 8);
    cr_expect_eq(read_numbers(e), 200);
    cr_expect_eq(world_stat(s, STAT_DATAGRAMS_IN), 200);
    cr_expect_eq(world_stat(s, STAT_DATAGRAMS_OUT), 200);
}

/* The ring has few buffers: it says so, gets them back and goes on. */
Test(dgram, more_than_there_are_buffers)
{
    begin_at("127.0.0.1");
    sim_set_buffers(world.sim, 3);
    struct sim_end *e = sim_sender(world.sim, fd, NULL);
    send_numbers(e, 0, 100);
    cr_expect_eq(seen, 100);
    cr_expect_eq(read_numbers(e), 100);
}

/* Without memory when it is to listen: the object of the listener itself is what it cannot begin
 * without; all else is had later. */
Test(dgram, without_memory_it_listens_later)
{
    uint32_t later = 0;
    pool_plain = true;
    begin_at("127.0.0.1");
    for (uint32_t n = 1; n < 10; n++) {
        gyre_addr at;
        char text[64];
        bool failed;
        snprintf(text, sizeof text, "127.0.0.1:%u", 100 + n);
        cr_assert(sim_address(text, &at));
        fd = sim_listen(world.sim, 0, &at, true);
        cr_assert(service_listen(s, 0, fd, text, true));
        alloc_reset();
        alloc_fail_at(n, true);
        world_settle();
        failed = alloc_failed();
        alloc_reset();
        if (!s->listeners[0] || strcmp(s->listeners[0]->text, text) != 0) {
            cr_expect_eq(n, 1);
            continue;
        }
        later += failed;
        world_wait(GYRE_MS(100));
        struct sim_end *e = sim_sender(world.sim, fd, NULL);
        seen = 0;
        send_numbers(e, 0, 3);
        cr_expect_eq(seen, 3, "call %u", n);
        cr_expect_eq(read_numbers(e), 3);
    }
    cr_expect_gt(later, 0);
}

/* More answers than may be under way in one turn are dropped, and counted. */
Test(dgram, so_many_under_way)
{
    begin_at("127.0.0.1");
    struct sim_end *e = sim_sender(world.sim, fd, NULL);
    struct gyre_actor *p = &s->listeners[0]->port->pub;
    gyre_path path = {.peer = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 9}};
    world_as(0);
    for (int i = 0; i < LIMIT_EMITS; i++)
        cr_assert_eq(host_api.emit(p, &path, GYRE_LIT("x"), 0, 0), GYRE_OK);
    cr_expect_eq(host_api.emit(p, &path, GYRE_LIT("x"), 0, 0), GYRE_FULL);
    cr_expect_eq(world_stat(s, STAT_DROPPED), 1);
    world_settle();
    cr_expect_eq(host_api.emit(p, &path, GYRE_LIT("x"), 0, 0), GYRE_OK);
    send_numbers(e, 0, 1);
    cr_expect_eq(read_numbers(e), 1);
}

/* ---- what the kernel is told ---- */

static struct ring_ops ops;
static const struct ring_ops *real;
static struct msghdr told;
static struct sockaddr_storage told_name;
static uint8_t control[256];
static int plain;

static void note_msg(struct ring *r, int to_fd, const struct msghdr *m, uint64_t user)
{
    told = *m;
    cr_assert_leq(m->msg_controllen, sizeof control);
    if (m->msg_controllen) memcpy(control, m->msg_control, m->msg_controllen);
    told.msg_control = control;
    cr_assert_leq(m->msg_namelen, sizeof told_name);
    if (m->msg_namelen) memcpy(&told_name, m->msg_name, m->msg_namelen);
    told.msg_name = &told_name;
    real->send_msg(r, to_fd, m, user);
}

static void note_to(struct ring *r, int to_fd, const void *p, size_t n, const union ring_address *a,
                    socklen_t a_n, uint64_t user)
{
    plain++;
    real->send_to(r, to_fd, p, n, a, a_n, user);
}

static void watch_ring(void)
{
    struct ring *r = world_worker(0)->ring;
    real = r->ops;
    ops = *real;
    ops.send_msg = note_msg;
    ops.send_to = note_to;
    r->ops = &ops;
    world_as(0);
}

static const void *control_of(int level, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&told); c; c = CMSG_NXTHDR(&told, c))
        if (c->cmsg_level == level && c->cmsg_type == type) return CMSG_DATA(c);
    return NULL;
}

static int emit(const char *peer, const char *local, uint32_t segment)
{
    gyre_path path;
    cr_assert(sim_address(peer, &path.peer) && sim_address(local, &path.local));
    int res = host_api.emit(&s->listeners[0]->port->pub, &path, GYRE_LIT("0123456789"), segment, 0);
    world_settle();
    return res;
}

Test(dgram, of_one_address_it_is_a_plain_send)
{
    begin_at("127.0.0.1");
    watch_ring();
    cr_expect_eq(emit("192.0.2.1:7", "127.0.0.1:53", 0), GYRE_OK);
    cr_expect_eq(emit("192.0.2.1:7", "127.0.0.1:53", 10), GYRE_OK, "one wagon is no train");
    cr_expect_eq(plain, 2);
    cr_expect_eq(emit("192.0.2.1:7", "127.0.0.1:53", 4), GYRE_OK);
    cr_expect_eq(plain, 2);
    uint16_t segment = 0;
    const void *found = control_of(IPPROTO_UDP, UDP_SEGMENT);
    cr_assert_not_null(found);
    memcpy(&segment, found, sizeof segment);
    cr_expect_eq(segment, 4);
    cr_expect_null(control_of(IPPROTO_IP, IP_PKTINFO));
}

Test(dgram, of_all_addresses_it_leaves_from_where_it_came_to)
{
    struct in_pktinfo info;
    begin_at("0.0.0.0");
    watch_ring();
    cr_expect_eq(emit("192.0.2.1:7", "192.0.2.9:53", 0), GYRE_OK);
    const void *found = control_of(IPPROTO_IP, IP_PKTINFO);
    cr_assert_not_null(found);
    memcpy(&info, found, sizeof info);
    cr_expect_eq(info.ipi_spec_dst.s_addr, inet_addr("192.0.2.9"));
    cr_expect_null(control_of(IPPROTO_UDP, UDP_SEGMENT));
    const struct sockaddr_in *name = told.msg_name;
    cr_expect_eq(name->sin_addr.s_addr, inet_addr("192.0.2.1"));
    cr_expect_eq(emit("192.0.2.1:7", "192.0.2.9:53", 3), GYRE_OK);
    cr_expect_not_null(control_of(IPPROTO_UDP, UDP_SEGMENT));
    cr_expect_not_null(control_of(IPPROTO_IP, IP_PKTINFO));
}

Test(dgram, the_same_of_ipv6)
{
    struct in6_pktinfo info;
    gyre_addr want;
    begin_at("[::]");
    watch_ring();
    cr_expect_eq(emit("[2001:db8::1]:7", "[2001:db8::9]:53", 4), GYRE_OK);
    const void *found = control_of(IPPROTO_IPV6, IPV6_PKTINFO);
    cr_assert_not_null(found);
    memcpy(&info, found, sizeof info);
    cr_assert(sim_address("[2001:db8::9]:1", &want));
    cr_expect_arr_eq(&info.ipi6_addr, want.ip, 16);
    cr_expect_not_null(control_of(IPPROTO_UDP, UDP_SEGMENT));
}

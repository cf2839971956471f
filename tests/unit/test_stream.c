/* SPDX-License-Identifier: GPL-3.0-or-later
 * test_stream.c - stream.c: what of a peer's bytes is held while its actor rests.
 */
#include "stream.h"
#include "world.h"

static struct actor *rests;

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    rests = (struct actor *)(void *)a;
    host_api.pause(a, true);
    (void)gyre_head(in, 1);
    return GYRE_TOOK;
}

static const struct gyre_proto stream = {GYRE_PROTO, .on_data = on_data};

/* The receive ends again and again for want of buffers: each time it must not begin anew. */
Test(stream, in_max_holds_where_buffers_are_few)
{
    enum { BUFFERS = 2, IN_MAX = 4096 };
    static const char *const options[] = {"in_max", "4k", "message_max", "4k", NULL};
    static uint8_t zeroes[100 * RING_BUFFER_SIZE];
    gyre_addr at;
    cr_assert(sim_address("127.0.0.1:7", &at));
    world_begin(1);
    sim_set_buffers(world.sim, BUFFERS);
    world_plugin("p", &stream, NULL, NULL);
    struct section *s = world_section("p", options);
    int fd = sim_listen(world.sim, 0, &at, false);
    cr_assert(service_listen(s, 0, fd, "127.0.0.1:7", false));
    world_settle();
    struct sim_end *e = sim_connect(world.sim, fd, NULL);
    sim_write(e, (gyre_view){zeroes, sizeof zeroes}, false);
    world_settle();
    cr_assert_not_null(rests);
    const struct inbuf *in = stream_of(rests)->in;
    cr_assert_not_null(in);
    cr_expect_leq(in->to - in->from, IN_MAX + BUFFERS * RING_BUFFER_SIZE);
    sim_eof(e);
    world_end();
}

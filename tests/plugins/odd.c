/* SPDX-License-Identifier: GPL-3.0-or-later
 * odd.c - a plugin that is wrong in one way, or special, for tests of loading. Each name behind
 * an #ifdef is one way, and becomes a file of its own, odd/NAME.so; without any it is right.
 */
#ifdef ODD_NEWER
#define GYRE_TARGET 99
#endif
#ifdef ODD_NO_ENTRY
#define gyre_plugin_v1 gyre_plugin_v9
#endif
#include "gyre.h"

static int changed = 1; /* a static that is written to */

#ifdef ODD_KIND_WITHOUT_SIZE
static const struct gyre_proto stream = {.name = "odd"};
#define STREAM &stream
#endif
#ifdef ODD_KIND_OF_THE_FUTURE
/* A member that this host does not know, and that is used. */
static const struct {
    struct gyre_proto known;
    void (*on_future)(void);
} newer = {{.size = sizeof newer}, (void (*)(void))&changed};
#define STREAM &newer.known
#endif
#ifdef ODD_KIND_OF_THE_FUTURE_UNUSED
static const struct {
    struct gyre_proto known;
    void (*on_future)(void);
} newer = {{.size = sizeof newer}, 0};
#define STREAM &newer.known
#endif
#ifdef ODD_MANY_TIMERS
static const struct gyre_proto stream = {GYRE_PROTO, .timers = 17};
#define STREAM &stream
#endif
#ifdef ODD_LARGE_STATE
static const struct gyre_proto stream = {GYRE_PROTO, .state_size = (1 << 20) + 1};
#define STREAM &stream
#endif
#ifndef STREAM
static const struct gyre_proto stream = {GYRE_PROTO};
#define STREAM &stream
#endif

#ifdef ODD_NEEDS_NOBODY
static const void *table;
static const struct gyre_need needs[] = {{"nobody/1", &table, 0}, {0}};
#define NEEDS .needs = needs,
#endif
#ifdef ODD_NEEDS_OTHER_REVISION
static const void *table;
static const struct gyre_need needs[] = {{"bus/2", &table, 0}, {0}};
#define NEEDS .needs = needs,
#endif
#ifdef ODD_NEEDS_ODD
static const void *table, *optional = &changed; /* not NULL: the host makes it so */
static const struct gyre_need needs[] = {{"odd/1", &table, 0}, {"nobody/1", &optional, 1}, {0}};
#define NEEDS .needs = needs,
#endif
#ifdef ODD_OFFERS
static const struct {
    uint32_t size, answer;
} offered = {sizeof offered, 42};
static const struct gyre_offer offers[] = {{"odd/1", &offered}, {0}};
#define OFFERS .offers = offers,
#endif
#ifndef NEEDS
#define NEEDS
#endif
#ifndef OFFERS
#define OFFERS
#endif

#ifdef ODD_NAME
#define NAME "Odd Name"
#endif
#ifdef ODD_LONG_NAME
#define NAME "a-name-that-is-longer-than-forty-seven-characters-"
#endif
#ifdef ODD_WITHOUT_NAME
#define NAME ((const char *)0)
#endif
#ifdef ODD_NEEDS_ODD
#define NAME "needs-odd"
#endif
#ifndef NAME
#define NAME "odd"
#endif

#ifdef ODD_WRITABLE
#define FLAGS .flags = GYRE_WRITABLE_STATICS,
#else
#define FLAGS
#endif

/* The first on_load may write to statics; what it says must not matter. */
static bool on_load(struct gyre_section *s, void *conf, gyre_out *why)
{
    (void)s;
    (void)conf;
    changed++;
#ifdef ODD_REFUSES
    gyre_put(why, GYRE_LIT("it refuses"));
    return changed == 0;
#else
    (void)why;
    return true;
#endif
}

#ifdef ODD_SMALL
#define OWN_DESCRIPTOR .size = 40, .target = 1,
#endif
#ifdef ODD_SIZELESS
#define OWN_DESCRIPTOR .size = 0, .target = 1,
#endif
#ifdef ODD_HUGE
#define OWN_DESCRIPTOR .size = 1 << 20, .target = 1,
#endif
#ifdef ODD_WITHOUT_ROWS
#define OWN_DESCRIPTOR .size = sizeof(struct gyre_plugin), .target = 1, .api = &gyre,
#endif
#ifdef ODD_WITHOUT_API
#define OWN_DESCRIPTOR \
    .size = sizeof(struct gyre_plugin), .target = 1, .option_size = sizeof(struct gyre_option), \
    .metric_size = sizeof(struct gyre_metric), .need_size = sizeof(struct gyre_need), \
    .offer_size = sizeof(struct gyre_offer),
#endif

#ifdef OWN_DESCRIPTOR
const struct gyre_api *gyre;
const struct gyre_plugin gyre_plugin_v1 = {OWN_DESCRIPTOR FLAGS.name = NAME, .version = "1.0",
                                           .summary = "Loads", .stream = STREAM,
                                           .on_load = on_load};
#else
GYRE_PLUGIN(FLAGS.name = NAME, .version = "1.0", .summary = "Loads", .stream = STREAM, NEEDS OFFERS
            .on_load = on_load);
#endif

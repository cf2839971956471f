/* SPDX-License-Identifier: GPL-3.0-or-later
 * chat.c - rooms of lines, for people with nothing but nc or telnet.
 *
 * A user is a stream; a room is a topic of the bus, so users of one room meet on all workers. What
 * a user types reaches the others as "nick: text"; lines of the server begin with "* ", answers to
 * a mistake with "! ": neither can be forged, as a nick has no space.
 * Promise: no control byte of one user reaches another's terminal; other bytes must be UTF-8.
 * Limits: NICK_MOST and ROOM_MOST bytes; a line is bounded by message_max, a reader who does not
 * read by out_max. Nicks need not be unique.
 */
#include "gyre.h"
#include "services/bus.h"

enum { NICK_MOST = 24, ROOM_MOST = 32, LINE_MOST = 1024, TOPIC_MOST = 255 };
enum { TIMER_SILENT };
enum { METRIC_LINES, METRIC_REFUSED };

struct chat_conf {
    gyre_view motd, room;
    int64_t idle;
};
struct chat_user {
    uint8_t nick[NICK_MOST], room[ROOM_MOST];
    uint8_t nick_n, room_n;
};
struct chat_home {
    uint64_t guests; /* so far, on this worker */
};

static const struct gyre_bus *bus;

static const struct gyre_option options[] = {
    GYRE_OPT_TEXT(chat_conf, motd, "Welcome.", "The first line that a new user sees"),
    GYRE_OPT_TEXT(chat_conf, room, "lobby", "The room that a new user is in"),
    GYRE_OPT_TIME(chat_conf, idle, "30m", "1s..30d|never",
                  "A user who types nothing for so long is closed"),
    {0},
};

static gyre_view nick_of(const struct chat_user *u)
{
    return GYRE_MAKE(gyre_view, u->nick, u->nick_n);
}

static gyre_view room_of(const struct chat_user *u)
{
    return GYRE_MAKE(gyre_view, u->room, u->room_n);
}

/* ---- what may be typed ---- */

/* The bytes of one UTF-8 character at the front of v, none of it a control character; 0: wrong. */
static size_t character(gyre_view v)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t c = v.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
    uint32_t code = n > 1 ? c & (0x7fu >> n) : c;
    if (!n || n > v.n) return 0;
    for (size_t i = 1; i < n; i++) {
        if ((v.p[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (v.p[i] & 0x3fu);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    if (code == '\t') return n;
    return code < ' ' || (code >= 0x7f && code < 0xa0) ? 0 : n;
}

static bool is_text(gyre_view v)
{
    for (size_t n; v.n; (void)gyre_head(&v, n))
        if (!(n = character(v))) return false;
    return true;
}

/* Does v begin with a space, of any width that Unicode has? On a screen all of them end a name. */
static bool begins_with_space(gyre_view v)
{
    static const char spaces[][4] = {" ", "\t", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\xa8",
                                     "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
                                     "\xe3\x80\x80"};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (gyre_skip(&v, gyre_str(spaces[i]))) return true;
    return gyre_skip(&v, GYRE_LIT("\xe2\x80")) && v.n && v.p[0] <= 0x8a; /* U+2000 to U+200A */
}

/* A nick or the name of a room: text without spaces. */
static bool is_name(gyre_view v, size_t most)
{
    if (!v.n || v.n > most || !is_text(v)) return false;
    for (; v.n; (void)gyre_head(&v, character(v)))
        if (begins_with_space(v)) return false;
    return true;
}

/* ---- what is said ---- */

static void tell(struct gyre_actor *a, gyre_view head, gyre_view text, gyre_view tail)
{
    gyre_out o = gyre->out(a, head.n + text.n + tail.n + 2);
    gyre_put(&o, head);
    gyre_put(&o, text);
    gyre_put(&o, tail);
    gyre_put(&o, GYRE_LIT("\r\n"));
    gyre->write(a, gyre_built(&o));
}

/* Sections do not hear each other: the topic begins with the section's name. */
static gyre_view topic(struct gyre_actor *a, gyre_out *o)
{
    gyre_put(o, gyre_str(a->section->name));
    gyre_put_byte(o, '\n');
    gyre_put(o, room_of(GYRE_STATE(a, struct chat_user)));
    return gyre_built(o);
}

/* To the others in the room: head, nick, middle, text. */
static int say(struct gyre_actor *a, gyre_view head, gyre_view middle, gyre_view text)
{
    const struct chat_user *u = GYRE_STATE(a, struct chat_user);
    uint8_t space[TOPIC_MOST];
    gyre_out name = GYRE_OUT(space), o = gyre->out(a, NICK_MOST + text.n + 64);
    if (!u->room_n) return GYRE_OK;
    gyre_put(&o, head);
    gyre_put(&o, nick_of(u));
    gyre_put(&o, middle);
    gyre_put(&o, text);
    gyre_put(&o, GYRE_LIT("\r\n"));
    return bus->send(a, topic(a, &name), 0, gyre_built(&o), NULL);
}

static void announce(struct gyre_actor *a, gyre_view what)
{
    (void)say(a, GYRE_LIT("* "), what, GYRE_NOTHING);
}

/* ---- rooms ---- */

/* false: there is no room for it, and u is in none. */
static bool sit_down(struct gyre_actor *a, gyre_view room)
{
    struct chat_user *u = GYRE_STATE(a, struct chat_user);
    uint8_t space[TOPIC_MOST];
    gyre_out name = GYRE_OUT(space);
    u->room_n = (uint8_t)room.n;
    memcpy(u->room, room.p, room.n);
    if (bus->join(a, topic(a, &name), true) == GYRE_OK) return true;
    u->room_n = 0;
    return false;
}

static bool enter(struct gyre_actor *a, gyre_view room)
{
    if (!sit_down(a, room)) return false;
    announce(a, GYRE_LIT(" joined"));
    return true;
}

static void leave(struct gyre_actor *a)
{
    struct chat_user *u = GYRE_STATE(a, struct chat_user);
    uint8_t space[TOPIC_MOST];
    gyre_out name = GYRE_OUT(space);
    if (!u->room_n) return;
    announce(a, GYRE_LIT(" left"));
    bus->join(a, topic(a, &name), false);
    u->room_n = 0;
}

/* ---- commands ---- */

static void command_nick(struct gyre_actor *a, gyre_view nick)
{
    struct chat_user *u = GYRE_STATE(a, struct chat_user);
    if (!is_name(nick, NICK_MOST))
        return tell(a, GYRE_LIT("! a nick is 1 to 24 bytes without spaces"), GYRE_NOTHING,
                    GYRE_NOTHING);
    (void)say(a, GYRE_LIT("* "), GYRE_LIT(" is now "), nick);
    u->nick_n = (uint8_t)nick.n;
    memcpy(u->nick, nick.p, nick.n);
    tell(a, GYRE_LIT("* you are now "), nick, GYRE_NOTHING);
}

static void command_join(struct gyre_actor *a, gyre_view room)
{
    if (!is_name(room, ROOM_MOST))
        return tell(a, GYRE_LIT("! a room is 1 to 32 bytes without spaces"), GYRE_NOTHING,
                    GYRE_NOTHING);
    if (gyre_eq(room, room_of(GYRE_STATE(a, struct chat_user))))
        return tell(a, GYRE_LIT("! you are in "), room, GYRE_LIT(" already"));
    leave(a);
    if (enter(a, room)) tell(a, GYRE_LIT("* you are in "), room, GYRE_NOTHING);
    else tell(a, GYRE_LIT("! there is no room in "), room, GYRE_LIT(" now"));
}

static void command_help(struct gyre_actor *a)
{
    gyre->write(a, GYRE_LIT("* /nick NAME   another name\r\n"
                            "* /join ROOM   another room\r\n"
                            "* /quit        the end\r\n"
                            "* /help        this\r\n"
                            "* Anything else is said to the room.\r\n"));
}

static void command(struct gyre_actor *a, gyre_view line)
{
    gyre_view word = line;
    const uint8_t *space = memchr(line.p, ' ', line.n);
    if (space) word.n = (size_t)(space - line.p);
    (void)gyre_head(&line, word.n);
    line = gyre_trim(line);
    if (gyre_eq(word, GYRE_LIT("/nick"))) return command_nick(a, line);
    if (gyre_eq(word, GYRE_LIT("/join"))) return command_join(a, line);
    if (gyre_eq(word, GYRE_LIT("/help"))) return command_help(a);
    if (!gyre_eq(word, GYRE_LIT("/quit")))
        return tell(a, GYRE_LIT("! no such command; /help names them"), GYRE_NOTHING, GYRE_NOTHING);
    tell(a, GYRE_LIT("* bye"), GYRE_NOTHING, GYRE_NOTHING);
    gyre->close(a, GYRE_FLUSH);
}

/* ---- the actor ---- */

static enum gyre_step chat_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    gyre->timer(a, TIMER_SILENT, GYRE_CONF(a, struct chat_conf)->idle);
    if (!is_text(line)) {
        gyre->count(a, METRIC_REFUSED, 1);
        tell(a, GYRE_LIT("! only text: control bytes, and what is not UTF-8, are not sent"),
             GYRE_NOTHING, GYRE_NOTHING);
    } else if (line.n && line.p[0] == '/') {
        command(a, line);
    } else if (line.n) {
        gyre->count(a, METRIC_LINES, 1);
        if (say(a, GYRE_NOTHING, GYRE_LIT(": "), line) < 0)
            tell(a, GYRE_LIT("! too busy: this did not reach everybody"), GYRE_NOTHING,
                 GYRE_NOTHING);
    }
    return GYRE_TOOK;
}

/* Guests of worker 0 of 2 are 1, 3, 5 …, those of worker 1 are 2, 4, 6 … */
static void name_guest(struct gyre_actor *a)
{
    struct chat_user *u = GYRE_STATE(a, struct chat_user);
    uint64_t number = GYRE_HOME(a, struct chat_home)->guests++ * a->section->workers + a->worker;
    gyre_out o = GYRE_OUT(u->nick);
    gyre_put(&o, GYRE_LIT("guest"));
    gyre_put_dec(&o, number % 1000000000 + 1);
    u->nick_n = (uint8_t)gyre_built(&o).n;
}

static bool chat_open(struct gyre_actor *a)
{
    const struct chat_conf *conf = GYRE_CONF(a, struct chat_conf);
    const struct chat_user *u = GYRE_STATE(a, struct chat_user);
    name_guest(a);
    gyre->timer(a, TIMER_SILENT, conf->idle);
    if (conf->motd.n) tell(a, conf->motd, GYRE_NOTHING, GYRE_NOTHING);
    if (!enter(a, conf->room)) return false;
    tell(a, GYRE_LIT("* you are "), nick_of(u), GYRE_LIT("; /help names the commands"));
    return true;
}

static void chat_mail(struct gyre_actor *a, const struct gyre_mail *mail)
{
    gyre->write(a, mail->bytes);
}

static void chat_timer(struct gyre_actor *a, uint32_t slot)
{
    (void)slot;
    tell(a, GYRE_LIT("* bye: you were silent for too long"), GYRE_NOTHING, GYRE_NOTHING);
    gyre->close(a, GYRE_FLUSH);
}

static void chat_leave(struct gyre_actor *a, enum gyre_why why)
{
    bool asked = why == GYRE_SHUTDOWN || why == GYRE_RELOAD;
    gyre_view text = why == GYRE_TOO_BIG   ? GYRE_LIT("! bye: this line is too long")
                     : why == GYRE_TIMEOUT ? GYRE_LIT("* bye: you took too long")
                                           : GYRE_LIT("* bye: the server is leaving");
    tell(a, text, GYRE_NOTHING, GYRE_NOTHING);
    if (asked) gyre->close(a, GYRE_FLUSH);
}

static void chat_close(struct gyre_actor *a, enum gyre_why why)
{
    if (why != GYRE_REFUSED) announce(a, GYRE_LIT(" left"));
}

/* ---- to the process that takes over: version, then nick and room, each behind its length ---- */

enum { SAVED_VERSION = 1 };

static bool chat_save(struct gyre_actor *a, gyre_out *state)
{
    const struct chat_user *u = GYRE_STATE(a, struct chat_user);
    gyre_put_byte(state, SAVED_VERSION);
    gyre_put_byte(state, u->nick_n);
    gyre_put(state, nick_of(u));
    gyre_put_byte(state, u->room_n);
    gyre_put(state, room_of(u));
    return true;
}

static bool chat_restore(struct gyre_actor *a, gyre_view state)
{
    struct chat_user *u = GYRE_STATE(a, struct chat_user);
    gyre_in in = gyre_in_of(state);
    uint64_t version = gyre_be(&in, 1);
    gyre_view nick = gyre_bytes(&in, (size_t)gyre_be(&in, 1));
    gyre_view room = gyre_bytes(&in, (size_t)gyre_be(&in, 1));
    if (!gyre_end(&in) || version != SAVED_VERSION || !is_name(nick, NICK_MOST)) return false;
    u->nick_n = (uint8_t)nick.n;
    memcpy(u->nick, nick.p, nick.n);
    gyre->timer(a, TIMER_SILENT, GYRE_CONF(a, struct chat_conf)->idle);
    return !room.n || (is_name(room, ROOM_MOST) && sit_down(a, room));
}

static bool chat_load(struct gyre_section *section, void *space, gyre_out *why)
{
    const struct chat_conf *conf = space;
    (void)section;
    if (conf->motd.n > LINE_MOST || !is_text(conf->motd))
        gyre_put(why, GYRE_LIT("motd must be one line of at most 1024 bytes"));
    else if (!is_name(conf->room, ROOM_MOST))
        gyre_put(why, GYRE_LIT("room must be 1 to 32 bytes without spaces"));
    else return true;
    return false;
}

static const struct gyre_metric metrics[] = {
    [METRIC_LINES] = {"lines", GYRE_COUNTER, "Lines said to rooms"},
    [METRIC_REFUSED] = {"lines_refused", GYRE_COUNTER, "Lines with control bytes or no UTF-8"},
    {0},
};
static const struct gyre_need needs[] = {{"bus/1", &bus, 0}, {0}};
static const struct gyre_proto chat_home = {GYRE_PROTO, .state_size = sizeof(struct chat_home)};
static const struct gyre_proto chat_stream = {
    GYRE_PROTO, .state_size = sizeof(struct chat_user), .message_max = LINE_MOST, .timers = 1,
    .idle_ms = 30u * 24 * 3600 * 1000, .on_open = chat_open, .on_data = chat_data,
    .on_mail = chat_mail, .on_timer = chat_timer, .on_leave = chat_leave,
    .on_close = chat_close, .on_save = chat_save, .on_restore = chat_restore};

GYRE_PLUGIN(.name = "chat", .version = "1.0", .summary = "Rooms of lines, for nc and telnet",
            .stream = &chat_stream, .home = &chat_home, .conf_size = sizeof(struct chat_conf),
            .options = options, .metrics = metrics, .needs = needs, .on_load = chat_load);

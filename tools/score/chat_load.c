/* SPDX-License-Identifier: GPL-3.0-or-later
 * chat_load.c - people who talk in rooms of chat, and hear whether each line comes once, in order.
 *
 *     chat_load PORT PEOPLE ROOM_SIZE LINES_PER_SECOND PROGRESS
 *
 * All of them connect, take a name and enter their room; then one after another says a numbered
 * line, whose text follows from who says it and its number. All others in the room must get each
 * line of each other once, in the order in which it was said, byte for byte. At SIGTERM nobody says
 * more, and what is under way is awaited: until nothing came for QUIET_NS. Prints one line:
 *
 *     said N due N heard N lost N twice N wrong N refused N closed N unsaid N seconds S
 *
 * due is heard by all who should; lost never came, or came after a later one; twice: a number that
 * had been there already; wrong: another text, or of who is not in the room; refused: "! " lines;
 * closed: connections that ended, whatever the reason; unsaid: turns without room to send.
 */
#include "score.h"

enum { PEOPLE_MOST = 4000, ROOM_MOST = 64, LINE_MOST = 512, IN_MOST = 65536, OUT_MOST = 16384 };
enum { EVENTS = 256, TOLD_MOST = 8 };
static const int64_t QUIET_NS = 5000000000, BEGIN_NS = 30000000000;

struct person {
    int fd;
    size_t id, have, out_n;
    bool in_room;
    uint64_t said, next[ROOM_MOST]; /* next: the number that is due of each in the room */
    char in[IN_MOST], out[OUT_MOST];
};

static struct {
    struct person *people;
    size_t people_n, room_size, speaker, in_rooms;
    int epoll, progress, told;
    bool ending;
    int64_t heard_at;
    uint64_t said, heard, lost, twice, wrong, refused, closed, unsaid;
} load;

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    va_list list;
    if (load.told++ >= TOLD_MOST)
        return;
    fprintf(stderr, "chat_load: %s ", clock_text());
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

/* What person `id` says as line `number`, without its end. */
static size_t text_of(char *out, size_t id, uint64_t number_of_line)
{
    uint64_t x = (id + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
                 number_of_line * UINT64_C(0xbf58476d1ce4e5b9);
    int n = snprintf(out, LINE_MOST, "%llu ", (unsigned long long)number_of_line);
    size_t length = (size_t)n, more = 1 + (x >> 33) % 200;
    for (size_t i = 0; i < more; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        out[length++] = (char)('a' + (x >> 40) % 26);
    }
    return length;
}

static void gone(struct person *p, const char *why)
{
    if (p->fd < 0)
        return;
    tell("u%zu is closed: %s", p->id, why);
    close(p->fd);
    p->fd = -1;
    load.closed++;
}

static void flush(struct person *p)
{
    if (p->fd < 0 || p->out_n == 0)
        return;
    ssize_t n = send(p->fd, p->out, p->out_n, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return gone(p, strerror(errno));
    if (n <= 0)
        return;
    memmove(p->out, p->out + n, p->out_n - (size_t)n);
    p->out_n -= (size_t)n;
}

static void put(struct person *p, const char *bytes, size_t n)
{
    if (p->out_n + n > OUT_MOST)
        fail("u%zu has no room to send", p->id);
    memcpy(p->out + p->out_n, bytes, n);
    p->out_n += n;
    flush(p);
}

static void heard_line(struct person *p, const char *line, size_t n)
{
    char wanted[LINE_MOST], *end = NULL;
    size_t first = p->id / load.room_size * load.room_size;
    unsigned long who = line[0] == 'u' ? strtoul(line + 1, &end, 10) : PEOPLE_MOST;
    if (!end || who < first || who >= first + load.room_size || who == p->id || end[0] != ':' ||
        end[1] != ' ') {
        load.wrong++;
        return tell("u%zu heard '%.*s'", p->id, (int)(n > 60 ? 60 : n), line);
    }
    const char *text = end + 2;
    uint64_t number_of_line = strtoull(text, NULL, 10), *due = &p->next[who - first];
    size_t text_n = n - (size_t)(text - line), wanted_n = text_of(wanted, who, number_of_line);
    if (wanted_n != text_n || memcmp(wanted, text, text_n) != 0) {
        load.wrong++;
        return tell("u%zu heard '%.*s'", p->id, (int)(n > 60 ? 60 : n), line);
    }
    if (number_of_line < *due) {
        load.twice++;
        return tell("u%zu heard line %llu of u%lu again, or late", p->id,
                    (unsigned long long)number_of_line, who);
    }
    if (number_of_line > *due) {
        load.lost += number_of_line - *due;
        tell("u%zu heard line %llu of u%lu in place of %llu", p->id,
             (unsigned long long)number_of_line, who, (unsigned long long)*due);
    }
    *due = number_of_line + 1;
    load.heard++;
    load.heard_at = now_ns();
}

static void take_line(struct person *p, const char *line, size_t n)
{
    static const char in_room[] = "* you are in ";
    if (n >= 2 && memcmp(line, "* ", 2) == 0) {
        if (n > sizeof in_room && memcmp(line, in_room, sizeof in_room - 1) == 0 && !p->in_room) {
            p->in_room = true;
            load.in_rooms++;
        }
        return;
    }
    if (n >= 2 && memcmp(line, "! ", 2) == 0) {
        load.refused++;
        return tell("u%zu is told '%.*s'", p->id, (int)n, line);
    }
    if (p->in_room)
        heard_line(p, line, n);
}

static void readable(struct person *p)
{
    while (p->fd >= 0) {
        ssize_t n = recv(p->fd, p->in + p->have, IN_MOST - p->have, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            return gone(p, n < 0 ? strerror(errno) : "the end came");
        p->have += (size_t)n;
        size_t at = 0;
        for (char *end; (end = memmem(p->in + at, p->have - at, "\r\n", 2)) != NULL;) {
            take_line(p, p->in + at, (size_t)(end - p->in) - at);
            at = (size_t)(end - p->in) + 2;
        }
        memmove(p->in, p->in + at, p->have - at);
        p->have -= at;
        if (p->have == IN_MOST)
            fail("a line without an end");
    }
}

static void turn(int wait_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(load.epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct person *p = events[i].data.ptr;
        flush(p);
        readable(p);
    }
    uint64_t bad = load.lost + load.twice + load.wrong + load.refused;
    tell_progress(load.progress, false, "%llu %llu %llu %llu", (unsigned long long)load.said,
                  (unsigned long long)bad, (unsigned long long)load.closed,
                  (unsigned long long)load.heard);
}

static void say_one(void)
{
    char line[LINE_MOST + 2];
    struct person *p = &load.people[load.speaker++ % load.people_n];
    if (p->fd < 0 || p->out_n > OUT_MOST / 2) {
        load.unsaid++;
        return;
    }
    size_t n = text_of(line, p->id, p->said++);
    line[n++] = '\r';
    line[n++] = '\n';
    load.said++;
    put(p, line, n);
}

/* All people come, a few at a time, so that no backlog overflows. */
static void come(long port)
{
    int64_t until = now_ns() + BEGIN_NS;
    for (size_t i = 0; i < load.people_n; i++) {
        struct person *p = &load.people[i];
        char words[64];
        p->id = i;
        p->fd = dial_begin(port, INADDR_LOOPBACK, 0);
        struct epoll_event wanted = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = p };
        if (p->fd < 0 || epoll_ctl(load.epoll, EPOLL_CTL_ADD, p->fd, &wanted) != 0)
            fail("person %zu cannot come: %s", i, strerror(errno));
        int n = snprintf(words, sizeof words, "/nick u%zu\r\n/join r%zu\r\n", i,
                         i / load.room_size);
        memcpy(p->out, words, (size_t)n);
        p->out_n = (size_t)n;
        while (load.in_rooms + 64 < i && now_ns() < until)
            turn(TICK_MS);
    }
    while (load.in_rooms < load.people_n && now_ns() < until && !told_to_end)
        turn(TICK_MS);
    if (load.in_rooms < load.people_n)
        fail("%zu of %zu are in their rooms", load.in_rooms, load.people_n);
}

static void talk(long each_second)
{
    int64_t began = now_ns();
    while (!told_to_end) {
        uint64_t due = (uint64_t)((double)(now_ns() - began) / 1e9 * (double)each_second);
        if (due > load.said + load.unsaid + (uint64_t)each_second) { /* no catching up for ever */
            began = now_ns() - (int64_t)((double)(load.said + load.unsaid) * 1e9 /
                                         (double)each_second);
            due = load.said + load.unsaid;
        }
        for (int burst = 0; burst < 64 && load.said + load.unsaid < due; burst++)
            say_one();
        turn(TICK_MS);
    }
}

/* Until everybody has all, or nothing more comes. Returns the lines that were due in all. */
static uint64_t listen_on(void)
{
    uint64_t due = 0;
    for (size_t i = 0; i < load.people_n; i++)
        due += load.people[i].said * (load.room_size - 1);
    load.heard_at = now_ns();
    while (load.heard < due && now_ns() - load.heard_at < QUIET_NS)
        turn(TICK_MS);
    for (size_t i = 0; i < load.people_n; i++) {
        const struct person *p = &load.people[i];
        size_t first = i / load.room_size * load.room_size;
        for (size_t other = 0; other < load.room_size; other++)
            if (first + other != i)
                load.lost += load.people[first + other].said - p->next[other];
    }
    return due;
}

int main(int argc, char **argv)
{
    bench_name = "chat_load";
    if (argc != 6)
        fail("usage: chat_load PORT PEOPLE ROOM_SIZE LINES_PER_SECOND PROGRESS");
    long port = number(argv[1], 1, 65535, "port");
    load.people_n = (size_t)number(argv[2], 2, PEOPLE_MOST, "people");
    load.room_size = (size_t)number(argv[3], 2, ROOM_MOST, "room size");
    if (load.people_n % load.room_size != 0)
        fail("%zu people do not fill rooms of %zu", load.people_n, load.room_size);
    long each_second = number(argv[4], 1, 100000, "lines");
    load.progress = begin_load(argv[5]);
    load.people = must(calloc(load.people_n, sizeof *load.people));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    come(port);
    int64_t began = now_ns();
    talk(each_second);
    uint64_t due = listen_on();
    printf("said %llu due %llu heard %llu lost %llu twice %llu wrong %llu refused %llu closed %llu "
           "unsaid %llu seconds %.3f\n",
           (unsigned long long)load.said, (unsigned long long)due, (unsigned long long)load.heard,
           (unsigned long long)load.lost, (unsigned long long)load.twice,
           (unsigned long long)load.wrong, (unsigned long long)load.refused,
           (unsigned long long)load.closed, (unsigned long long)load.unsaid,
           (double)(now_ns() - began) / 1e9);
    return 0;
}

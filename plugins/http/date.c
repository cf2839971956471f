/* SPDX-License-Identifier: GPL-3.0-or-later
 * date.c - writes the one form that is sent, and reads the three that may come; see date.h.
 *
 * Days are counted from 0000-03-01: with the leap day at the end of a year, a month begins after
 * (153 m + 2) / 5 days of it, and 400 years are 146,097 days.
 */
#include "date.h"

enum {
    DAY = 86400,
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    ERA = 146097,          /* days of 400 years */
};

static const char days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct calendar {
    int64_t year;
    unsigned month, day; /* from 1 */
};

static int64_t floor_divide(int64_t x, int64_t by)
{
    return x / by - (x % by < 0);
}

static int64_t day_of(struct calendar c)
{
    int64_t year = c.month <= 2 ? c.year - 1 : c.year, era = floor_divide(year, 400);
    int64_t of_era = year - era * 400, month = (c.month + 9) % 12;
    int64_t of_year = (153 * month + 2) / 5 + c.day - 1;
    return era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

static struct calendar calendar_of(int64_t day)
{
    struct calendar c;
    int64_t since = day + DAYS_TO_1970, era = floor_divide(since, ERA), of_era = since - era * ERA;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t month = (5 * of_year + 2) / 153;
    c.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1);
    c.month = (unsigned)(month < 10 ? month + 3 : month - 9);
    c.year = years + era * 400 + (c.month <= 2);
    return c;
}

static void two_digits(uint8_t *out, int64_t x)
{
    out[0] = (uint8_t)('0' + x / 10 % 10);
    out[1] = (uint8_t)('0' + x % 10);
}

void date_write(int64_t second, uint8_t out[DATE_LENGTH])
{
    const int64_t first = -62167219200, last = 253402300799; /* 0000-01-01 … 9999-12-31 */
    int64_t day, rest;
    struct calendar c;
    if (second < first) second = first;
    if (second > last) second = last;
    day = floor_divide(second, DAY);
    rest = second - day * DAY;
    c = calendar_of(day);
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", DATE_LENGTH);
    memcpy(out, days[((day + 4) % 7 + 7) % 7], 3);
    two_digits(out + 5, c.day);
    memcpy(out + 8, months + (size_t)3 * (c.month - 1), 3);
    two_digits(out + 12, c.year / 100);
    two_digits(out + 14, c.year);
    two_digits(out + 17, rest / 3600);
    two_digits(out + 20, rest / 60 % 60);
    two_digits(out + 23, rest % 60);
}

/* ---- reading ---- */

static bool read_number(gyre_view *in, size_t digits, int64_t *x)
{
    gyre_view text;
    uint64_t value;
    if (!gyre_exact(in, digits, &text) || !gyre_dec(text, 9999, &value)) return false;
    *x = (int64_t)value;
    return true;
}

static bool read_month(gyre_view *in, unsigned *month)
{
    gyre_view name;
    if (!gyre_exact(in, 3, &name)) return false;
    for (unsigned i = 0; i < 12; i++) {
        if (memcmp(name.p, months + (size_t)3 * i, 3)) continue;
        *month = i + 1;
        return true;
    }
    return false;
}

static bool read_clock(gyre_view *in, int64_t *of_day)
{
    int64_t hour, minute, second;
    if (!read_number(in, 2, &hour) || !gyre_skip(in, GYRE_LIT(":"))) return false;
    if (!read_number(in, 2, &minute) || !gyre_skip(in, GYRE_LIT(":"))) return false;
    if (!read_number(in, 2, &second)) return false;
    *of_day = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60; /* 60: a leap second */
}

/* The name of a day, whole or its first three letters; which one is not compared with the date. */
static bool skip_day_name(gyre_view *in, bool whole)
{
    for (size_t i = 0; i < 7; i++) {
        gyre_view name = gyre_str(days[i]);
        if (!whole) name.n = 3;
        if (gyre_skip(in, name)) return true;
    }
    return false;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(gyre_view in, struct calendar *c, int64_t *of_day)
{
    int64_t day;
    if (!skip_day_name(&in, false) || !gyre_skip(&in, GYRE_LIT(" "))) return false;
    if (!read_month(&in, &c->month) || !gyre_skip(&in, GYRE_LIT(" "))) return false;
    if (!read_number(&in, gyre_skip(&in, GYRE_LIT(" ")) ? 1 : 2, &day)) return false;
    c->day = (unsigned)day;
    if (!gyre_skip(&in, GYRE_LIT(" ")) || !read_clock(&in, of_day)) return false;
    return gyre_skip(&in, GYRE_LIT(" ")) && read_number(&in, 4, &c->year) && !in.n;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", or with dashes "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_dated(gyre_view in, bool old, int64_t now, struct calendar *c, int64_t *of_day)
{
    gyre_view gap = old ? GYRE_LIT("-") : GYRE_LIT(" ");
    int64_t day;
    if (!skip_day_name(&in, old) || !gyre_skip(&in, GYRE_LIT(", "))) return false;
    if (!read_number(&in, 2, &day) || !gyre_skip(&in, gap)) return false;
    if (!read_month(&in, &c->month) || !gyre_skip(&in, gap)) return false;
    if (!read_number(&in, old ? 2 : 4, &c->year)) return false;
    c->day = (unsigned)day;
    if (old) {
        int64_t this_year = calendar_of(floor_divide(now, DAY)).year;
        c->year += this_year - this_year % 100;
        if (c->year > this_year + 50) c->year -= 100;
        else if (c->year <= this_year - 50) c->year += 100; /* 00 in 1999 */
    }
    return gyre_skip(&in, GYRE_LIT(" ")) && read_clock(&in, of_day) &&
           gyre_eq(in, GYRE_LIT(" GMT"));
}

bool date_read(gyre_view text, int64_t now, int64_t *second)
{
    struct calendar c = {0, 0, 0}, same;
    int64_t of_day = 0, day;
    if (!read_dated(text, false, now, &c, &of_day) && !read_dated(text, true, now, &c, &of_day) &&
        !read_asctime(text, &c, &of_day))
        return false;
    day = day_of(c);
    same = calendar_of(day);
    if (same.day != c.day || same.month != c.month) return false; /* 31 February */
    *second = day * DAY + of_day;
    return true;
}

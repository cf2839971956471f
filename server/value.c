/* SPDX-License-Identifier: GPL-3.0-or-later
 * value.c - one value of one option: from text to a number or a text, within its range, and back.
 *
 * Promise: exact or refused: no number wraps, no unit is guessed, nothing after a value is passed
 * over; why says what would be right. Options may come from an untrusted description: a range that
 * makes no sense refuses every value.
 */
#include <linux/limits.h> /* <limits.h> would find ours */
#include <stdlib.h>
#include <strings.h>

#include "config.h"

#define KIND(option) ((option)->kind & ~(uint32_t)GYRE_LIST)

struct unit {
    const char *name;
    int64_t scale;
};
static const struct unit size_units[] = {{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1},
                                         {NULL, 0}};
static const struct unit time_units[] = {
    {"d", GYRE_SECONDS(86400)}, {"h", GYRE_SECONDS(3600)}, {"m", GYRE_SECONDS(60)},
    {"s", GYRE_SECONDS(1)},     {"ms", GYRE_MS(1)},        {NULL, 0}};

/* ---- numbers ---- */

enum number { NUMBER_GOOD, NUMBER_NONE, NUMBER_HUGE };

static const struct unit *units_of(uint32_t kind)
{
    return kind == GYRE_SIZE ? size_units : kind == GYRE_TIME ? time_units : NULL;
}

/* The whole of text: digits and a unit; only a plain number may be below 0. */
static enum number read_number(uint32_t kind, gyre_view text, int64_t *number)
{
    const struct unit *unit = units_of(kind);
    bool negative = !unit && gyre_skip(&text, GYRE_LIT("-"));
    uint64_t most = INT64_MAX - 1, x; /* INT64_MAX is GYRE_NEVER */
    gyre_view digits = {text.p, 0};
    uint8_t letter;
    while (digits.n < text.n && text.p[digits.n] >= '0' && text.p[digits.n] <= '9') digits.n++;
    (void)gyre_head(&text, digits.n);
    if (kind == GYRE_SIZE && text.n == 1) { /* 64K is as clear as 64k; 5M as a time is not */
        letter = gyre_lower(text.p[0]);
        text.p = &letter;
    }
    while (unit && unit->name && !gyre_eq(gyre_str(unit->name), text)) unit++;
    if (!digits.n || (unit ? !unit->name : text.n > 0)) return NUMBER_NONE;
    if (unit) most /= (uint64_t)unit->scale;
    if (!gyre_dec(digits, most, &x)) return NUMBER_HUGE;
    *number = (int64_t)x * (unit ? unit->scale : 1) * (negative ? -1 : 1);
    return NUMBER_GOOD;
}

void option_number_text(uint32_t kind, int64_t number, char *out, size_t n)
{
    const struct unit *unit = units_of(kind);
    if (kind == GYRE_TIME && number == GYRE_NEVER) {
        (void)snprintf(out, n, "never");
        return;
    }
    while (unit && unit[1].name && (!number || number % unit->scale)) unit++;
    (void)snprintf(out, n, "%lld%s", (long long)(unit ? number / unit->scale : number),
                   unit ? unit->name : "");
}

/* ---- ranges ---- */

struct range {
    gyre_view low_text, high_text;
    int64_t low, high;
    const char *word; /* "never", "auto" or NULL */
    int64_t word_is;
};

/* "1s..1d|never". false: it makes no sense. */
static bool read_range(const struct option_info *o, struct range *r)
{
    gyre_view text = gyre_str(o->range);
    uint32_t kind = KIND(o);
    const char *word = kind == GYRE_TIME ? "never" : kind == GYRE_INT ? "auto" : NULL;
    *r = (struct range){.high = INT64_MAX - 1, .word_is = kind == GYRE_TIME ? GYRE_NEVER : 0};
    if (!o->range) {
        if (kind == GYRE_TIME) r->word = word;
        return true;
    }
    if (gyre_until(&text, '|', &r->high_text)) {
        if (!word || !gyre_eq(text, gyre_str(word))) return false;
        r->word = word;
        text = r->high_text;
    }
    if (!gyre_until(&text, '.', &r->low_text) || !gyre_skip(&text, GYRE_LIT("."))) return false;
    r->high_text = text;
    return read_number(kind, r->low_text, &r->low) == NUMBER_GOOD &&
           read_number(kind, r->high_text, &r->high) == NUMBER_GOOD && r->low <= r->high;
}

static void range_text(const struct range *r, char *out, size_t n)
{
    int used = 0;
    out[0] = 0;
    if (r->low_text.n)
        used = snprintf(out, n, "%.*s to %.*s", (int)r->low_text.n, (const char *)r->low_text.p,
                        (int)r->high_text.n, (const char *)r->high_text.p);
    if (r->word && used >= 0 && (size_t)used < n)
        (void)snprintf(out + used, n - (size_t)used, "%s%s", used ? ", or " : "", r->word);
}

static bool number_value(const struct option_info *o, const char *text, int64_t *number, char *why,
                         size_t why_n)
{
    static const char *const none[] = {
        [GYRE_INT] = "not a whole number", [GYRE_SIZE] = "not a size; write 512, 64k, 10m, 2g",
        [GYRE_TIME] = "not a time; write 500ms, 30s, 5m, 12h, 7d"};
    struct range r;
    char form[96];
    enum number what;
    if (!read_range(o, &r)) {
        (void)snprintf(why, why_n, "the option's range makes no sense");
        return false;
    }
    range_text(&r, form, sizeof form);
    if (r.word && !strcmp(text, r.word)) {
        *number = r.word_is;
        return true;
    }
    what = read_number(KIND(o), gyre_str(text), number);
    if (what == NUMBER_GOOD && *number >= r.low && *number <= r.high) return true;
    if (what == NUMBER_NONE && strcmp(text, "never") != 0)
        (void)snprintf(why, why_n, "%s%s%s", none[KIND(o)], r.word ? ", or " : "",
                       r.word ? r.word : "");
    else if (o->range)
        (void)snprintf(why, why_n, "must be %s", form);
    else
        (void)snprintf(why, why_n, what == NUMBER_HUGE ? "too large" : "must be 0 or more");
    return false;
}

/* ---- words ---- */

static bool bool_value(const char *text, int64_t *number, char *why, size_t why_n)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i])) continue;
        *number = (int64_t)(i & 1);
        return true;
    }
    (void)snprintf(why, why_n, "write yes or no");
    return false;
}

/* "off|basic|full" becomes "off, basic or full". */
static void choice_text(const char *range, char *out, size_t n)
{
    gyre_view words = gyre_str(range), word;
    size_t used = 0;
    out[0] = 0;
    for (bool more = true, first = true; more && used < n; first = false) {
        const char *joint = ", ";
        more = gyre_until(&words, '|', &word);
        if (!more) {
            word = words;
            joint = " or ";
        }
        int got = snprintf(out + used, n - used, "%s%.*s", first ? "" : joint, (int)word.n,
                           (const char *)word.p);
        used += got > 0 ? (size_t)got : n;
    }
}

static bool choice_value(const struct option_info *o, const char *text, int64_t *number, char *why,
                         size_t why_n)
{
    gyre_view words = gyre_str(o->range), word, wanted = gyre_str(text);
    char form[256];
    *number = 0;
    while (gyre_until(&words, '|', &word)) {
        if (gyre_eq(word, wanted)) return true;
        ++*number;
    }
    if (words.n && gyre_eq(words, wanted)) return true;
    choice_text(o->range ? o->range : "", form, sizeof form);
    (void)snprintf(why, why_n, "must be %s", form);
    return false;
}

static bool path_value(const char *text, const char *folder, char **path, char *why, size_t why_n)
{
    if (!text[0]) {
        (void)snprintf(why, why_n, "a path is missing");
        return false;
    }
    if (text[0] == '"' || text[0] == '\'') {
        (void)snprintf(why, why_n, "write the path without quotes");
        return false;
    }
    while (text[0] == '.' && text[1] == '/') text += 1 + strspn(text + 1, "/");
    if (text[0] != '/' && !folder) {
        (void)snprintf(why, why_n, "must begin with /");
        return false;
    }
    if (strlen(text) + (text[0] == '/' ? 0 : strlen(folder) + 1) >= PATH_MAX) {
        (void)snprintf(why, why_n, "too long for a path");
        return false;
    }
    if (text[0] == '/') *path = strdup(text);
    else if (asprintf(path, "%s/%s", strcmp(folder, "/") ? folder : "", text) < 0) *path = NULL;
    if (!*path) (void)snprintf(why, why_n, "no memory");
    return *path != NULL;
}

/* ---- any kind ---- */

bool option_value(const struct option_info *o, const char *text, const char *folder,
                  struct option_value *value, char *why, size_t why_n)
{
    *value = (struct option_value){0};
    switch (KIND(o)) {
    case GYRE_BOOL: return bool_value(text, &value->number, why, why_n);
    case GYRE_INT:
    case GYRE_SIZE:
    case GYRE_TIME: return number_value(o, text, &value->number, why, why_n);
    case GYRE_CHOICE: return choice_value(o, text, &value->number, why, why_n);
    case GYRE_PATH: return path_value(text, folder, &value->text, why, why_n);
    case GYRE_STRING:
    case GYRE_SECRET:
        value->text = strdup(text);
        if (!value->text) (void)snprintf(why, why_n, "no memory");
        return value->text != NULL;
    default:
        (void)snprintf(why, why_n, "the option has no kind that is known");
        return false;
    }
}

/* A value as far as a message may show it: 40 bytes, none of them a control character. */
static void show(const char *text, char out[48])
{
    size_t n = strlen(text), most = n <= 40 ? n : 40;
    for (size_t i = 0; i < most; i++) {
        uint8_t c = (uint8_t)text[i];
        out[i] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    (void)snprintf(out + most, 48 - most, "%s", n > most ? "..." : "");
}

bool option_entry(const struct option_info *o, const struct entry *e, struct option_value *value,
                  char *why, size_t why_n)
{
    char text[PROBLEM_TEXT], shown[48];
    if (option_value(o, e->value, e->folder, value, text, sizeof text)) return true;
    show(e->value, shown);
    if (KIND(o) == GYRE_SECRET) (void)snprintf(why, why_n, "%s: %s", e->key, text);
    else (void)snprintf(why, why_n, "%s = %s: %s", e->key, shown, text);
    return false;
}

bool option_given(const struct option_info *o, const struct entry *entries, size_t n,
                  const char *preset, struct option_value *value, char *why, size_t why_n)
{
    const struct entry *given = NULL;
    char text[PROBLEM_TEXT];
    bool good;
    for (size_t i = n; i-- > 0;)
        if (!strcmp(entries[i].key, o->name)) given = &entries[i];
    *value = (struct option_value){0};
    if (!given && !preset) return true;
    if (given) good = option_entry(o, given, value, text, sizeof text);
    else good = option_value(o, preset, n ? entries[0].folder : NULL, value, text, sizeof text);
    if (good) return true;
    if (given) (void)snprintf(why, why_n, "%s: %s", given->where, text);
    else (void)snprintf(why, why_n, "the preset %s = %.40s: %s", o->name, preset, text);
    return false;
}

/* ---- options themselves ---- */

void option_form(const struct option_info *o, char *out, size_t n)
{
    static const char *const names[] = {
        [GYRE_BOOL] = "yes or no", [GYRE_INT] = "number", [GYRE_SIZE] = "size",
        [GYRE_TIME] = "time", [GYRE_STRING] = "text", [GYRE_PATH] = "path",
        [GYRE_SECRET] = "text or @file, kept secret", [GYRE_CHOICE] = "one of"};
    uint32_t kind = KIND(o);
    char form[256] = "";
    struct range r;
    if (kind == GYRE_CHOICE && o->range) choice_text(o->range, form, sizeof form);
    else if ((units_of(kind) || kind == GYRE_INT) && read_range(o, &r))
        range_text(&r, form, sizeof form);
    (void)snprintf(out, n, "%s%s%s%s", kind <= GYRE_CHOICE ? names[kind] : "?",
                   !form[0] ? "" : kind == GYRE_CHOICE ? " " : ", ", form,
                   o->kind & GYRE_LIST ? ", may be given more than once" : "");
}

/* Words between bars: at least one, none empty, none twice, no blanks or control characters. */
static bool choice_is_sound(const struct option_info *o)
{
    gyre_view words = gyre_str(o->range), word;
    char text[LIMIT_NAME + 1], why[PROBLEM_TEXT];
    int64_t at, n = 0;
    for (bool more = true; more; n++) {
        more = gyre_until(&words, '|', &word);
        if (!more) word = words;
        if (!word.n || word.n > LIMIT_NAME) return false;
        for (size_t i = 0; i < word.n; i++)
            if (word.p[i] <= ' ' || word.p[i] == 0x7f) return false;
        memcpy(text, word.p, word.n);
        text[word.n] = 0;
        if (!choice_value(o, text, &at, why, sizeof why) || at != n) return false;
    }
    return true;
}

/* Can stand behind "name = " and is read back as it is. */
static bool preset_is_plain(const char *preset)
{
    size_t n = strlen(preset);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)preset[i];
        if (c < 0x20 || c == 0x7f || (c == ';' && (!i || preset[i - 1] == ' '))) return false;
    }
    return !n || (preset[0] != ' ' && preset[n - 1] != ' ');
}

bool option_is_sound(const struct option_info *o, char *why, size_t why_n)
{
    uint32_t kind = KIND(o);
    bool number = units_of(kind) || kind == GYRE_INT, list = (o->kind & GYRE_LIST) != 0;
    struct option_value value;
    struct range r;
    char text[PROBLEM_TEXT];
    const char *wrong = NULL;
    if (kind > GYRE_CHOICE) wrong = "its kind is unknown";
    else if (list && kind != GYRE_STRING && kind != GYRE_PATH)
        wrong = "only texts and paths can be lists";
    else if (number && !read_range(o, &r)) wrong = "its range makes no sense: write LOW..HIGH";
    else if (kind == GYRE_CHOICE && !choice_is_sound(o))
        wrong = "its range makes no sense: write the words like off|basic|full";
    else if (o->range && !number && kind != GYRE_CHOICE) wrong = "its kind has no range";
    else if (o->preset && (list || kind == GYRE_SECRET)) wrong = "its kind has no preset";
    else if (o->preset && !preset_is_plain(o->preset))
        wrong = "its preset could not stand in a file: control characters, or blanks at its ends "
                "or before a ;";
    if (wrong) (void)snprintf(why, why_n, "%s", wrong);
    if (wrong || !o->preset) return !wrong;
    if (!option_value(o, o->preset, "/", &value, text, sizeof text)) {
        (void)snprintf(why, why_n, "its preset '%.40s': %s", o->preset, text);
        return false;
    }
    free(value.text);
    return true;
}

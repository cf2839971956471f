/* SPDX-License-Identifier: GPL-3.0-or-later
 * check.c - is a section right? Every key and value, all told, each with file, line and remedy.
 *
 * It also fetches what @file names, since a service may not read files by itself.
 * Promise: after a check without errors, filling the section in its service fails only for want of
 * memory. A secret is never in a message, and comes only from a file that nobody else may read.
 */
#include <stdlib.h>

#include "config.h"
#include "safe.h"

struct table { /* of options that a section may have */
    const struct option_info *host, *own;
    size_t host_n, own_n;
};

static const struct option_info *option_of(const struct table *t, const char *key)
{
    const struct option_info *o = option_named(t->host, t->host_n, key);
    return o ? o : option_named(t->own, t->own_n, key);
}

/* "@secret.txt" becomes the text of that file, "@@x" becomes "@x". */
static bool fetch(struct entry *e, bool secret, char *why, size_t why_n)
{
    const struct option_info path_option = {.kind = GYRE_PATH};
    struct option_value path;
    struct stat st;
    gyre_view text;
    char *value;
    e->is_file = false;
    if (e->value[1] == '@') {
        memmove(e->value, e->value + 1, strlen(e->value));
        return true;
    }
    if (!option_value(&path_option, e->value + 1, e->folder, &path, why, why_n)) return false;
    bool good = safe_read(path.text, LIMIT_CONF_VALUE, &st, &text, why, why_n);
    if (good && secret && (st.st_mode & (S_IRGRP | S_IROTH))) {
        (void)snprintf(why, why_n, "%s can be read by other users: chmod go-r it", path.text);
        safe_free(text);
        good = false;
    }
    if (good && memchr(text.p, 0, text.n)) {
        (void)snprintf(why, why_n, "%s has a NUL byte, so it is no text", path.text);
        safe_free(text);
        good = false;
    }
    free(path.text);
    if (!good) return false;
    value = (char *)(uintptr_t)text.p;
    if (text.n && value[text.n - 1] == '\n') value[--text.n] = 0;
    if (text.n && value[text.n - 1] == '\r') value[--text.n] = 0;
    free(e->value);
    e->value = value;
    return true;
}

static void check_listen(const struct entry *e, const struct plugin_info *info,
                         struct problems *problems)
{
    struct endpoint ends[2];
    char why[PROBLEM_TEXT];
    if (!endpoint_listen(e->value, ends, why, sizeof why)) {
        problem_add(problems, false, e->where, "listen = %.80s: %s", e->value, why);
        return;
    }
    if (!info || (ends[0].kind == ENDPOINT_UDP ? info->datagrams : info->streams)) return;
    problem_add(problems, false, e->where, "listen = %s: %s", e->value,
                info->streams ? "the plugin has no datagrams: write tcp:HOST:PORT or unix:/path"
                : info->datagrams ? "the plugin has no streams: write udp:HOST:PORT"
                                  : "the plugin listens on nothing: take the line out");
}

static void unknown_key(const struct conf_section *s, const struct entry *e, const struct table *t,
                        struct problems *problems)
{
    const char *near = option_nearest(e->key, t->host, t->host_n, t->own, t->own_n);
    if (near)
        problem_add(problems, false, e->where, "unknown key '%s' in [%s], did you mean '%s'?",
                    e->key, s->name, near);
    else
        problem_add(problems, false, e->where, "unknown key '%s' in [%s]: 'gyrectl describe %s' "
                                               "shows all", e->key, s->name, s->plugin);
}

static const struct entry *given_before(const struct conf_section *s, const struct entry *e)
{
    for (const struct entry *before = s->entries; before < e; before++)
        if (!strcmp(before->key, e->key)) return before;
    return NULL;
}

static void check_entry(const struct conf_section *s, struct entry *e, const struct option_info *o,
                        const struct plugin_info *info, struct problems *problems)
{
    const struct entry *before = o->kind & GYRE_LIST ? NULL : given_before(s, e);
    struct option_value value;
    char why[PROBLEM_TEXT];
    if (before) {
        problem_add(problems, false, e->where, "'%s' is given twice in [%s], first at %s", e->key,
                    s->name, before->where);
        return;
    }
    if (e->is_file && (o->kind == GYRE_SECRET || o->kind == GYRE_STRING) &&
        !fetch(e, o->kind == GYRE_SECRET, why, sizeof why)) {
        problem_add(problems, false, e->where, "%s: %s", e->key, why);
        return;
    }
    if (!option_entry(o, e, &value, why, sizeof why)) {
        problem_add(problems, false, e->where, "%s", why);
        return;
    }
    free(value.text);
    if (o->kind != GYRE_STRING && o->kind != (GYRE_STRING | GYRE_LIST)) return;
    if (o == option_named(host_options, option_count(host_options), "listen"))
        check_listen(e, info, problems);
    if (o == option_named(host_options, option_count(host_options), "group") &&
        !name_is_valid(e->value))
        problem_add(problems, false, e->where, "group = %.48s: a name has lower case letters, "
                                               "digits, _ and -, at most %d", e->value,
                    LIMIT_NAME - 1);
}

/* A relative preset starts at the folder of the first entry: a section without one has none. */
static void check_presets(const struct conf_section *s, const struct table *t,
                          struct problems *problems)
{
    struct option_value value;
    char why[PROBLEM_TEXT];
    for (size_t i = 0; !s->entries_n && i < t->own_n; i++) {
        const struct option_info *o = &t->own[i];
        if (o->kind & GYRE_LIST) continue;
        if (option_given(o, NULL, 0, o->preset, &value, why, sizeof why)) free(value.text);
        else
            problem_add(problems, false, s->where, "[%s] has no key, and %s: write %s = …",
                        s->name, why, o->name);
    }
}

void config_check(struct conf_section *s, const struct plugin_info *info,
                  struct problems *problems)
{
    bool server = !strcmp(s->plugin, "server");
    const struct option_info *host = server ? server_options : host_options;
    struct table t = {.host = host, .host_n = option_count(host)};
    if (info && !server) {
        t.own = info->options;
        t.own_n = info->options_n;
    }
    for (size_t i = 0; i < s->entries_n; i++) {
        struct entry *e = &s->entries[i];
        const struct option_info *o = option_of(&t, e->key);
        if (o) check_entry(s, e, o, info, problems);
        else if (info || server) unknown_key(s, e, &t, problems);
    }
    check_presets(s, &t, problems);
    s->hash = config_hash(s);
}

/* ---- all sections together ---- */

struct claim { /* one address that a section listens on */
    struct endpoint endpoint;
    const struct conf_section *section;
    const struct entry *entry;
};

static uint16_t port_of(const struct endpoint *e)
{
    return e->address.any.sa_family == AF_INET ? e->address.in4.sin_port
                                               : e->address.in6.sin6_port;
}

/* One takes all addresses of the family of the other. */
static bool takes_all(const struct endpoint *e)
{
    return e->address.any.sa_family == AF_INET
               ? e->address.in4.sin_addr.s_addr == htonl(INADDR_ANY)
               : IN6_IS_ADDR_UNSPECIFIED(&e->address.in6.sin6_addr);
}

static bool clash(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind || a->address.any.sa_family != b->address.any.sa_family) return false;
    if (!strcmp(a->text, b->text)) return true;
    if (a->kind == ENDPOINT_UNIX || port_of(a) != port_of(b)) return false;
    return takes_all(a) || takes_all(b);
}

/* Appends what one listen line claims. false: no memory. */
static bool claim(struct claim **claims, size_t *n, const struct conf_section *s,
                  const struct entry *e)
{
    struct endpoint ends[2];
    char why[PROBLEM_TEXT];
    size_t ends_n = endpoint_listen(e->value, ends, why, sizeof why);
    struct claim *more = reallocarray(*claims, *n + 2, sizeof *more);
    if (!more) return false;
    *claims = more;
    for (size_t i = 0; i < ends_n; i++) more[(*n)++] = (struct claim){ends[i], s, e};
    return true;
}

/* Tells the first clash between the claims of one line (from `had` on) and those before. */
static void tell_clash(const struct claim *claims, size_t had, size_t n, struct problems *problems)
{
    for (size_t new = had; new < n; new++)
        for (size_t old = 0; old < had; old++) {
            const struct claim *a = &claims[old], *b = &claims[new];
            if (!clash(&a->endpoint, &b->endpoint)) continue;
            problem_add(problems, false, b->entry->where,
                        "listen = %s: [%s] at %s listens on %s already", b->entry->value,
                        a->section->name, a->entry->where, a->endpoint.text);
            return;
        }
}

void config_check_listens(const struct config *c, struct problems *problems)
{
    struct claim *claims = NULL;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct conf_section *s = &c->sections[i];
        for (size_t j = 0; j < s->entries_n && strcmp(s->plugin, "server") != 0; j++) {
            size_t had = n;
            if (strcmp(s->entries[j].key, "listen") != 0) continue;
            if (claim(&claims, &n, s, &s->entries[j])) tell_clash(claims, had, n, problems);
            else problem_add(problems, false, s->entries[j].where, "no memory");
        }
    }
    free(claims);
}

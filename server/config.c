/* SPDX-License-Identifier: GPL-3.0-or-later
 * config.c - from a folder of *.ini files to sections.
 *
 * Owns: the sections, entries and texts of a struct config, until config_free.
 * Promise: files are read in the order of their names' bytes, whatever the locale. A file or folder
 * that somebody else may write is not read. Nothing is guessed: all problems are told, and with
 * one error there is no configuration. What keys mean is not known here: see check.c.
 * Limits: LIMIT_CONF_FILE, LIMIT_CONF_VALUE, LIMIT_SECTIONS, LIMIT_FOLDER.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "safe.h"

/* ---- sections ---- */

bool name_is_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return n && n < LIMIT_NAME && !name[n];
}

/* FNV-1a over the text and its NUL, so that borders between texts count. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    while (*text++);
    return hash;
}

uint64_t config_hash(const struct conf_section *s)
{
    uint64_t hash = hash_text(0xcbf29ce484222325, s->name);
    for (size_t i = 0; i < s->entries_n; i++) {
        hash = hash_text(hash, s->entries[i].key);
        hash = hash_text(hash, s->entries[i].value);
        hash = hash_text(hash, s->entries[i].folder);
    }
    return hash;
}

void entry_free(struct entry *e)
{
    if (e->value) explicit_bzero(e->value, strlen(e->value));
    free(e->key);
    free(e->value);
    free(e->folder);
}

void conf_section_free(struct conf_section *s)
{
    for (size_t i = 0; i < s->entries_n; i++) entry_free(&s->entries[i]);
    free(s->entries);
    free(s->name);
    free(s->plugin);
    free(s->instance);
}

void config_free(struct config *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n; i++) conf_section_free(&c->sections[i]);
    for (size_t i = 0; i < c->files_n; i++) {
        free(c->files[i].name);
        safe_free(c->files[i].text);
    }
    free(c->sections);
    free(c->files);
    free(c);
}

const struct conf_section *config_section(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (!strcmp(c->sections[i].name, name)) return &c->sections[i];
    return NULL;
}

const struct conf_file *config_file(const struct config *c, const char *name)
{
    for (size_t i = 0; c && i < c->files_n; i++)
        if (!strcmp(c->files[i].name, name)) return &c->files[i];
    return NULL;
}

/* ---- one file, key by key ---- */

struct building {
    struct config *config;
    const struct conf_draft *draft; /* or NULL */
    struct problems *problems;
    struct conf_section *section; /* NULL: the section line was wrong, its keys mean nothing */
    size_t entries_cap;           /* of section */
    const char *file;             /* "20-http.ini" */
    char *folder;                 /* absolute */
};

static bool no_memory(struct building *b)
{
    problem_add(b->problems, false, b->file, "no memory to read it");
    return false;
}

const char *conf_section_split(const char *text, struct conf_section *s)
{
    size_t plugin_n = strcspn(text, " \t");
    const char *instance = text + plugin_n + strspn(text + plugin_n, " \t");
    s->plugin = strndup(text, plugin_n);
    s->instance = strdup(instance);
    if (!s->plugin || !s->instance) return "no memory";
    if (asprintf(&s->name, "%s%s%s", s->plugin, instance[0] ? " " : "", instance) < 0) {
        s->name = NULL;
        return "no memory";
    }
    if (!name_is_valid(s->plugin))
        return "a section is named like its plugin, in lower case letters, digits, _ and -: "
               "[http] or [http blog.example.org]";
    if (instance[strcspn(instance, " \t[")])
        return "the second part of a section's name is one word";
    if (!strcmp(s->plugin, "server") && instance[0]) return "[server] has no second part";
    return NULL;
}

/* false: no memory. */
static bool begin_section(struct building *b, const char *text, uint32_t line)
{
    struct config *c = b->config;
    struct conf_section s = {0}, *sections;
    const struct conf_section *other;
    const char *wrong = conf_section_split(text, &s);
    (void)snprintf(s.where, sizeof s.where, "%s:%u", b->file, line);
    b->section = NULL;
    b->entries_cap = 0;
    if (wrong) {
        problem_add(b->problems, false, s.where, "[%s]: %s", text, wrong);
    } else if ((other = config_section(c, s.name))) {
        problem_add(b->problems, false, s.where, "[%s] stands at %s already: put its keys there, "
                                                 "or name this one [%s NAME]",
                    s.name, other->where, s.plugin);
        wrong = "twice";
    } else if (c->n >= LIMIT_SECTIONS) {
        problem_add(b->problems, false, s.where, "more than %d sections", LIMIT_SECTIONS);
        wrong = "many";
    }
    if (wrong) {
        conf_section_free(&s);
        return true;
    }
    sections = realloc(c->sections, (c->n + 1) * sizeof *sections);
    if (!sections) {
        conf_section_free(&s);
        return no_memory(b);
    }
    c->sections = sections;
    b->section = &sections[c->n++];
    *b->section = s;
    return true;
}

static bool put_variable(gyre_out *out, gyre_view name, char *why, size_t why_n)
{
    char word[256];
    const char *value;
    bool good = name.n > 0 && name.n < sizeof word;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = gyre_lower(name.p[i]);
        good = good && ((c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9'));
    }
    if (!good) {
        (void)snprintf(why, why_n, "${…} takes the name of a variable; write $${ for a plain ${");
        return false;
    }
    memcpy(word, name.p, name.n);
    word[name.n] = 0;
    value = getenv(word);
    if (!value) {
        (void)snprintf(why, why_n, "${%s} is not set in the environment", word);
        return false;
    }
    gyre_put(out, gyre_str(value));
    return true;
}

/* Replaces ${NAME}; $${ becomes ${. NULL: why. */
static char *expand(const char *value, char *why, size_t why_n)
{
    gyre_view text = gyre_str(value), name;
    gyre_out out = {malloc(LIMIT_CONF_VALUE + 1), 0, LIMIT_CONF_VALUE, false, NULL, NULL};
    char *fitting;
    (void)snprintf(why, why_n, "no memory");
    if (!out.p) return NULL;
    while (text.n) {
        if (gyre_skip(&text, GYRE_LIT("$${"))) {
            gyre_put(&out, GYRE_LIT("${"));
        } else if (gyre_skip(&text, GYRE_LIT("${"))) {
            if (!gyre_until(&text, '}', &name)) name = GYRE_NOTHING;
            if (!put_variable(&out, name, why, why_n)) goto failed;
        } else {
            gyre_put(&out, gyre_head(&text, 1));
        }
    }
    if (out.full) {
        (void)snprintf(why, why_n, "longer than %d bytes", LIMIT_CONF_VALUE);
        goto failed;
    }
    out.p[out.n] = 0;
    fitting = realloc(out.p, out.n + 1);
    return fitting ? fitting : (char *)out.p;
failed:
    free(out.p);
    return NULL;
}

static bool add_entry(struct building *b, const char *key, const char *value, uint32_t line)
{
    struct conf_section *s = b->section;
    struct entry e = {.is_file = value[0] == '@'};
    char why[PROBLEM_TEXT];
    (void)snprintf(e.where, sizeof e.where, "%s:%u", b->file, line);
    e.value = expand(value, why, sizeof why);
    if (!e.value) {
        problem_add(b->problems, false, e.where, "%s: %s", key, why);
        return true;
    }
    if (s->entries_n == b->entries_cap) {
        size_t cap = b->entries_cap ? 2 * b->entries_cap : 8;
        struct entry *entries = reallocarray(s->entries, cap, sizeof *entries);
        if (!entries) goto failed;
        s->entries = entries;
        b->entries_cap = cap;
    }
    e.key = strdup(key);
    e.folder = strdup(b->folder);
    if (!e.key || !e.folder) goto failed;
    s->entries[s->entries_n++] = e;
    return true;
failed:
    entry_free(&e);
    return no_memory(b);
}

static bool take_key(void *user, const char *section, uint32_t section_line, const char *key,
                     const char *value, uint32_t line)
{
    struct building *b = user;
    if (!key) return begin_section(b, section, section_line);
    return b->section ? add_entry(b, key, value, line) : true;
}

/* ---- files ---- */

/* Takes the text, which stays with the configuration. */
static void read_text(struct building *b, gyre_view text)
{
    struct config *c = b->config;
    struct conf_file *files = reallocarray(c->files, c->files_n + 1, sizeof *files);
    if (files) c->files = files;
    char *name = files ? strdup(b->file) : NULL;
    if (!name) {
        safe_free(text);
        (void)no_memory(b);
        return;
    }
    c->files[c->files_n++] = (struct conf_file){name, text};
    (void)ini_read(b->file, text, take_key, b, b->problems);
}

static void read_draft(struct building *b)
{
    gyre_view from = b->draft->text;
    uint8_t *copy = malloc(from.n + 1);
    if (b->draft->gone) {
        free(copy);
    } else if (copy) {
        if (from.n) memcpy(copy, from.p, from.n);
        copy[from.n] = 0;
        read_text(b, GYRE_MAKE(gyre_view, copy, from.n));
    } else {
        (void)no_memory(b);
    }
}

static bool is_draft(const struct building *b, const char *file)
{
    return b->draft && !strcmp(b->draft->file, file);
}

static void read_file(struct building *b, const char *path)
{
    char why[PROBLEM_TEXT];
    gyre_view text;
    const char *slash = strrchr(path, '/');
    b->file = slash ? slash + 1 : path;
    b->section = NULL;
    if (is_draft(b, b->file)) {
        read_draft(b);
    } else if (strlen(b->file) >= LIMIT_NAME) {
        problem_add(b->problems, false, path, "its name has more than %d bytes", LIMIT_NAME - 1);
    } else if (!safe_read(path, LIMIT_CONF_FILE, NULL, &text, why, sizeof why)) {
        problem_add(b->problems, false, b->file, "%s", why);
    } else {
        read_text(b, text);
    }
}

static int is_ini(const struct dirent *file)
{
    size_t n = strlen(file->d_name);
    return n > 4 && file->d_name[0] != '.' && !strcmp(file->d_name + n - 4, ".ini");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct building *b)
{
    struct dirent **files = NULL;
    char why[PROBLEM_TEXT];
    int n;
    if (!path_is_safe(b->folder, why, sizeof why)) {
        problem_add(b->problems, false, NULL, "%s", why);
        return;
    }
    n = scandir(b->folder, &files, is_ini, by_bytes);
    if (n < 0) problem_add(b->problems, false, b->folder, "%s", strerror(errno));
    bool waits = b->draft; /* it may be a file that is not there yet: it has a place in the order */
    if (n == 0 && !waits) problem_add(b->problems, true, b->folder, "no file here ends in .ini");
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        int order = waits ? strcmp(files[i]->d_name, b->draft->file) : -1;
        if (order > 0) read_file(b, b->draft->file);
        if (order >= 0) waits = false;
        b->file = files[i]->d_name; /* it was a part of a path that is freed by now */
        if (asprintf(&path, "%s/%s", b->folder, b->file) < 0) {
            no_memory(b);
        } else {
            read_file(b, path);
            free(path);
        }
        free(files[i]);
    }
    if (waits) read_file(b, b->draft->file);
    free(files);
}

/* The absolute path of the folder of a file. NULL: errno. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *copy = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    char *folder = copy ? realpath(copy, NULL) : NULL;
    free(copy);
    return folder;
}

struct config *config_read_all(const char *path, struct problems *problems)
{
    return config_read_draft(path, NULL, problems);
}

struct config *config_read_draft(const char *path, const struct conf_draft *draft,
                                 struct problems *problems)
{
    struct building b = {.problems = problems, .draft = draft};
    struct stat st;
    bool is_folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    b.folder = is_folder ? realpath(path, NULL) : folder_of(path);
    if (!b.folder) {
        problem_add(problems, false, path, "%s", strerror(errno));
        return NULL;
    }
    b.config = calloc(1, sizeof *b.config);
    if (!b.config) no_memory(&b);
    else if (strlen(b.folder) > LIMIT_FOLDER)
        problem_add(problems, false, path, "its path has more than %d bytes", LIMIT_FOLDER);
    else if (is_folder) read_folder(&b);
    else read_file(&b, path);
    free(b.folder);
    for (size_t i = 0; b.config && i < b.config->n; i++)
        b.config->sections[i].hash = config_hash(&b.config->sections[i]);
    return b.config;
}

struct config *config_read(const char *path, struct problems *problems)
{
    size_t errors = problems->errors;
    struct config *config = config_read_all(path, problems);
    if (problems->errors == errors) return config;
    config_free(config);
    return NULL;
}

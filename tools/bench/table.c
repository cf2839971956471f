/* SPDX-License-Identifier: GPL-3.0-or-later
 * table.c - from samples to medians, spreads and ratios.
 *
 *     table FILE                  a table for people
 *     table --json FILE           the same as one JSON object
 *     table --unsettled GATE FILE the rows that need more rounds, one a line
 *
 * FILE holds "ROW SERVER ROUND METRIC NUMBER" a line, and "# NAME TEXT" about the run. A ratio is
 * taken between two servers of the same round, then the median of those: what slows a whole round
 * down cancels out. A row is unsettled while the middle half of its deciding ratio (gyre over
 * floor; without gyre nginx over floor) is wider than GATE of its median.
 */
#include <ctype.h>

#include "bench.h"

enum { NAMES_MOST = 64, NAME_MOST = 48, SAMPLES_MOST = 8192, NOTES_MOST = 16, ROUNDS_MOST = 64 };

struct names {
    size_t n;
    char at[NAMES_MOST][NAME_MOST];
};
struct sample {
    size_t row, server, metric;
    long round;
    double value;
};
struct summary {
    size_t n;
    double median, low, high, quarter, three_quarters;
};

static struct names rows, servers, metrics;
static struct sample samples[SAMPLES_MOST];
static size_t samples_n, notes_n;
static char notes[NOTES_MOST][2][160];

/* What the project wants to reach. Against oneself a goal is a number, else a ratio. */
static const struct goal {
    const char *row, *server, *metric;
    double most;
} goals[] = {
    { "http-64", "floor", "cpu_us", 1.10 },    { "http-1000", "floor", "cpu_us", 1.10 },
    { "http-64", "nginx", "cpu_us", 1.0 },     { "http-1000", "nginx", "cpu_us", 1.0 },
    { "pipe-16", "nginx", "cpu_us", 0.125 },   { "udp-1x16", "floor", "cpu_us", 1.10 },
    { "udp-64x16", "floor", "cpu_us", 1.10 },  { "idle-10000", "gyre", "bytes_each", 256 },
    { "start", "gyre", "ready_ms", 50 },       { "service", "gyre", "private_kib", 3072 },
};

static const struct unit {
    const char *metric, *text;
    int digits;
} units[] = {
    { "cpu_us", "us CPU a request", 2 }, { "bytes_each", "bytes each", 0 },
    { "ready_ms", "ms to ready", 1 },    { "says_ms", "ms, as it says", 1 },
    { "private_kib", "KiB private", 0 },
};

static size_t intern(struct names *names, const char *text)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->at[i], text) == 0)
            return i;
    if (names->n == NAMES_MOST)
        fail("more than %d names", NAMES_MOST);
    snprintf(names->at[names->n], NAME_MOST, "%s", text);
    return names->n++;
}

static void add_note(const char *line)
{
    size_t name_bytes = strcspn(line, " \n");
    const char *text = line + name_bytes + (line[name_bytes] == ' ');
    if (notes_n == NOTES_MOST)
        fail("more than %d notes", NOTES_MOST);
    snprintf(notes[notes_n][0], sizeof notes[0][0], "%.*s", (int)name_bytes, line);
    snprintf(notes[notes_n++][1], sizeof notes[0][1], "%.*s", (int)strcspn(text, "\n"), text);
}

static void read_samples(const char *path)
{
    char line[256], row[NAME_MOST], server[NAME_MOST], metric[NAME_MOST];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file) != NULL) {
        struct sample *s = &samples[samples_n];
        if (line[0] == '#') {
            add_note(line + 1 + (line[1] == ' '));
            continue;
        }
        if (samples_n == SAMPLES_MOST ||
            sscanf(line, "%47s %47s %ld %47s %lf", row, server, &s->round, metric,
                   &s->value) != 5 ||
            s->round < 1 || s->round > ROUNDS_MOST)
            fail("%s: not a sample: %s", path, line);
        s->row = intern(&rows, row);
        s->server = intern(&servers, server);
        s->metric = intern(&metrics, metric);
        samples_n++;
    }
    fclose(file);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (sorted[above] - sorted[below]) * (at - (double)below);
}

static struct summary summarize(double *values, size_t n)
{
    struct summary s = { .n = n };
    if (n == 0)
        return s;
    qsort(values, n, sizeof *values, compare);
    s.low = values[0];
    s.high = values[n - 1];
    s.median = quantile(values, n, 0.5);
    s.quarter = quantile(values, n, 0.25);
    s.three_quarters = quantile(values, n, 0.75);
    return s;
}

static const struct sample *find(size_t row, size_t server, size_t metric, long round)
{
    for (size_t i = 0; i < samples_n; i++)
        if (samples[i].row == row && samples[i].server == server && samples[i].metric == metric &&
            samples[i].round == round)
            return &samples[i];
    return NULL;
}

static struct summary values_of(size_t row, size_t server, size_t metric)
{
    double values[ROUNDS_MOST];
    size_t n = 0;
    for (long round = 1; round <= ROUNDS_MOST; round++) {
        const struct sample *s = find(row, server, metric, round);
        if (s != NULL)
            values[n++] = s->value;
    }
    return summarize(values, n);
}

/* Of `over` divided by `under`, round by round. */
static struct summary ratios_of(size_t row, size_t over, size_t under, size_t metric)
{
    double values[ROUNDS_MOST];
    size_t n = 0;
    for (long round = 1; round <= ROUNDS_MOST; round++) {
        const struct sample *a = find(row, over, metric, round);
        const struct sample *b = find(row, under, metric, round);
        if (a != NULL && b != NULL && b->value > 0)
            values[n++] = a->value / b->value;
    }
    return summarize(values, n);
}

static const struct goal *goal_of(size_t row, size_t server, size_t metric)
{
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
        if (strcmp(goals[i].row, rows.at[row]) == 0 &&
            strcmp(goals[i].server, servers.at[server]) == 0 &&
            strcmp(goals[i].metric, metrics.at[metric]) == 0)
            return &goals[i];
    return NULL;
}

/* One line of the result: a metric of a server in a row, and what gyre is beside it. */
struct line {
    size_t row, server, metric;
    struct summary value, ratio; /* ratio.n 0: none */
    const struct goal *goal;
    double reached; /* what the goal is compared with */
};

static bool make_line(size_t row, size_t server, size_t metric, struct line *line)
{
    size_t gyre = intern(&servers, "gyre");
    *line = (struct line){ .row = row, .server = server, .metric = metric };
    line->value = values_of(row, server, metric);
    if (line->value.n == 0)
        return false;
    if (server != gyre)
        line->ratio = ratios_of(row, gyre, server, metric);
    line->goal = goal_of(row, server, metric);
    line->reached = server == gyre ? line->value.median : line->ratio.median;
    if (server != gyre && line->ratio.n == 0)
        line->goal = NULL;
    return true;
}

static const struct unit *unit_of(size_t metric)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].metric, metrics.at[metric]) == 0)
            return &units[i];
    return NULL; /* a detail: JSON has it, the table not */
}

static void print_line(const struct line *l, bool first)
{
    const struct unit *unit = unit_of(l->metric);
    char spread[64], rate[32] = "", ratio[64] = "", goal[48] = "";
    struct summary rates = values_of(l->row, l->server, intern(&metrics, "rate"));
    snprintf(spread, sizeof spread, "%.*f..%.*f", unit->digits, l->value.low, unit->digits,
             l->value.high);
    if (rates.n > 0)
        snprintf(rate, sizeof rate, "%.0f", rates.median);
    if (l->ratio.n > 0)
        snprintf(ratio, sizeof ratio, "%.3f (%.2f..%.2f)", l->ratio.median, l->ratio.low,
                 l->ratio.high);
    if (l->goal != NULL)
        snprintf(goal, sizeof goal, "at most %g: %s", l->goal->most,
                 l->reached <= l->goal->most ? "met" : "MISSED");
    printf("%-10s %-10s %2zu %8.*f %-16s  %-14s %10s  %-18s %s\n",
           first ? rows.at[l->row] : "", servers.at[l->server], l->value.n, unit->digits,
           l->value.median, unit->text, spread, rate, ratio, goal);
}

static void print_table(void)
{
    for (size_t i = 0; i < notes_n; i++)
        printf("%-8s %s\n", notes[i][0], notes[i][1]);
    printf("\n%-10s %-10s %2s %8s %-16s  %-14s %10s  %-18s %s\n", "row", "server", "n", "median",
           "of", "min..max", "requests/s", "gyre / this one", "goal");
    for (size_t row = 0; row < rows.n; row++) {
        bool first = true;
        for (size_t metric = 0; metric < metrics.n; metric++) {
            for (size_t server = 0; server < servers.n; server++) {
                struct line line;
                if (unit_of(metric) == NULL || !make_line(row, server, metric, &line))
                    continue;
                print_line(&line, first);
                first = false;
            }
        }
    }
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(iscntrl((unsigned char)*text) ? ' ' : *text);
    }
    putchar('"');
}

static void print_summary(const char *name, const struct summary *s)
{
    printf(", \"%s\": {\"n\": %zu, \"median\": %.4f, \"min\": %.4f, \"max\": %.4f}", name, s->n,
           s->median, s->low, s->high);
}

static void print_json(void)
{
    const char *between = "";
    printf("{\"about\": {");
    for (size_t i = 0; i < notes_n; i++) {
        printf("%s", i == 0 ? "" : ", ");
        print_text(notes[i][0]);
        printf(": ");
        print_text(notes[i][1]);
    }
    printf("},\n\"results\": [");
    for (size_t row = 0; row < rows.n; row++) {
        for (size_t metric = 0; metric < metrics.n; metric++) {
            for (size_t server = 0; server < servers.n; server++) {
                struct line line;
                if (!make_line(row, server, metric, &line))
                    continue;
                printf("%s\n{\"row\": \"%s\", \"server\": \"%s\", \"metric\": \"%s\"", between,
                       rows.at[row], servers.at[server], metrics.at[metric]);
                print_summary("value", &line.value);
                if (line.ratio.n > 0)
                    print_summary("gyre_over_this", &line.ratio);
                if (line.goal != NULL)
                    printf(", \"at_most\": %g, \"met\": %s", line.goal->most,
                           line.reached <= line.goal->most ? "true" : "false");
                printf("}");
                between = ",";
            }
        }
    }
    printf("\n]}\n");
}

static void print_unsettled(double gate)
{
    size_t floor = intern(&servers, "floor"), cpu = intern(&metrics, "cpu_us");
    for (size_t row = 0; row < rows.n; row++) {
        struct summary s = ratios_of(row, intern(&servers, "gyre"), floor, cpu);
        if (s.n == 0)
            s = ratios_of(row, intern(&servers, "nginx"), floor, cpu);
        if (s.n == 0)
            s = values_of(row, floor, cpu);
        if (s.n > 0 && s.three_quarters - s.quarter > gate * s.median)
            printf("%s\n", rows.at[row]);
    }
}

int main(int argc, char **argv)
{
    bench_name = "table";
    bool unsettled = argc == 4 && strcmp(argv[1], "--unsettled") == 0;
    bool json = argc == 3 && strcmp(argv[1], "--json") == 0;
    if (!unsettled && !json && argc != 2)
        fail("usage: table [--json | --unsettled GATE] FILE");
    read_samples(argv[argc - 1]);
    if (unsettled)
        print_unsettled(seconds(argv[2]));
    else if (json)
        print_json();
    else
        print_table();
    return 0;
}

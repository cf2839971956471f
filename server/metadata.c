/* SPDX-License-Identifier: GPL-3.0-or-later
 * metadata.c - what a plugin says of itself, as text.
 *
 * It is written by a throwaway child in which the plugin's code may have run; metadata_read.c reads
 * it. One record a line, fields behind tabs, \\ \t \n escaped, \N for a missing text:
 *
 *   gyre-metadata 1
 *   plugin   name version summary target flags streams datagrams message_max high_mark idle_ms
 *            handshake_ms
 *   option   name kind preset range help          need   id optional
 *   metric   name                                 offer  id
 *   ask      id optional                          answer id          by messages, in place of those
 *   end                                           or, instead of all that:   refused: why
 *
 * Promise: copes with any descriptor that can be read at all: it takes sizes and strides of older
 * and newer headers, and ends. What is in it is judged by the reader. Limits: one row and one byte
 * more than the reader takes, so that it sees what was too much.
 */
#include "config.h"

enum { ROW_MAX = 4096 }; /* bytes of a row of a plugin's table: far more than any minor will need */

void descriptor_row(const void *rows, uint32_t stride, size_t i, void *row, size_t row_n)
{
    size_t known = stride < row_n ? stride : row_n;
    memset(row, 0, row_n);
    memcpy(row, (const uint8_t *)rows + i * stride, known);
}

/* ---- writing ---- */

static bool refuse(FILE *to, const char *why)
{
    (void)fprintf(to, "refused: %s\n", why);
    return false;
}

static void put_text(FILE *to, const char *text)
{
    size_t n = text ? strnlen(text, LIMIT_TEXT + 1) : 0;
    (void)fputs(text ? "\t" : "\t\\N", to);
    for (size_t i = 0; i < n; i++)
        switch (text[i]) {
        case '\\': (void)fputs("\\\\", to); break;
        case '\t': (void)fputs("\\t", to); break;
        case '\n': (void)fputs("\\n", to); break;
        default: (void)fputc(text[i], to);
        }
}

/* Is row i there? rows end with a row whose first pointer is NULL. */
static bool row_at(const void *rows, uint32_t stride, size_t i, void *row, size_t row_n)
{
    const void *first;
    if (!rows) return false;
    descriptor_row(rows, stride, i, row, row_n);
    memcpy(&first, row, sizeof first);
    return first != NULL;
}

/* NULL: the tables can be walked. */
static const char *malformed(const struct gyre_plugin *p)
{
    const struct {
        const void *rows;
        uint32_t stride;
        size_t least;
    } tables[] = {{p->options, p->option_size, sizeof(struct gyre_option)},
                  {p->metrics, p->metric_size, sizeof(struct gyre_metric)},
                  {p->needs, p->need_size, sizeof(struct gyre_need)},
                  {p->offers, p->offer_size, sizeof(struct gyre_offer)}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].rows && (tables[i].stride < tables[i].least || tables[i].stride > ROW_MAX))
            return "has tables with rows of a wrong size: is it built with gyre.h?";
    return NULL;
}

static void put_rows(const struct gyre_plugin *p, FILE *to)
{
    struct gyre_option option;
    struct gyre_metric metric;
    struct gyre_need need;
    struct gyre_offer offer;
    size_t i;
    for (i = 0; i <= LIMIT_OPTIONS; i++) {
        if (!row_at(p->options, p->option_size, i, &option, sizeof option)) break;
        (void)fputs("option", to);
        put_text(to, option.name);
        (void)fprintf(to, "\t%u", option.kind);
        put_text(to, option.preset);
        put_text(to, option.range);
        put_text(to, option.help ? option.help : "");
        (void)fputc('\n', to);
    }
    for (i = 0; i <= LIMIT_METRICS; i++) {
        if (!row_at(p->metrics, p->metric_size, i, &metric, sizeof metric)) break;
        (void)fputs("metric", to);
        put_text(to, metric.name);
        (void)fputc('\n', to);
    }
    for (i = 0; i <= LIMIT_INTERFACES; i++) {
        if (!row_at(p->needs, p->need_size, i, &need, sizeof need)) break;
        (void)fputs(need.slot ? "need" : "ask", to);
        put_text(to, need.id);
        (void)fprintf(to, "\t%u\n", need.optional != 0);
    }
    for (i = 0; i <= LIMIT_INTERFACES; i++) {
        if (!row_at(p->offers, p->offer_size, i, &offer, sizeof offer)) break;
        (void)fputs(offer.table ? "offer" : "answer", to);
        put_text(to, offer.id);
        (void)fputc('\n', to);
    }
}

bool metadata_write(const struct gyre_plugin *declared, FILE *to)
{
    struct gyre_plugin p;
    struct gyre_proto stream = {0};
    const char *wrong;
    if (declared->size < sizeof p || declared->size > ROW_MAX)
        return refuse(to, "has a descriptor of a wrong size: is it built with gyre.h?");
    descriptor_row(declared, declared->size, 0, &p, sizeof p);
    wrong = malformed(&p);
    if (wrong) return refuse(to, wrong);
    if (p.stream) {
        if (p.stream->size < sizeof stream || p.stream->size > ROW_MAX)
            return refuse(to, "has a stream of a wrong size: does it begin with GYRE_PROTO?");
        descriptor_row(p.stream, p.stream->size, 0, &stream, sizeof stream);
    }
    (void)fputs("gyre-metadata\t1\nplugin", to);
    put_text(to, p.name ? p.name : "");
    put_text(to, p.version ? p.version : "");
    put_text(to, p.summary ? p.summary : "");
    (void)fprintf(to, "\t%u\t%u\t%d\t%d\t%u\t%u\t%u\t%u\n", p.target, p.flags, p.stream != NULL,
                  p.port != NULL, stream.message_max, stream.high_mark, stream.idle_ms,
                  stream.handshake_ms);
    put_rows(&p, to);
    (void)fputs("end\n", to);
    return fflush(to) == 0 && !ferror(to);
}

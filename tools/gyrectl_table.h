/* SPDX-License-Identifier: GPL-3.0-or-later
 * gyrectl_table.h - aligned tables on standard output; colour only on a terminal.
 */
#ifndef GYRE_GYRECTL_TABLE_H
#define GYRE_GYRECTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLE_COLUMNS = 12 };
enum table_look { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD };

struct table {
    size_t columns, cells_n;
    struct table_cell {
        char *text;
        enum table_look look;
    } * cells; /* row after row; the first row is the head */
    bool right[TABLE_COLUMNS];
};
/* head: names of columns, "|" between them; ">" before one that holds numbers. */
void table_begin(struct table *, const char *head);
void table_text(struct table *, const char *text); /* the next cell */
void table_state(struct table *, const char *text, enum table_look);
void table_number(struct table *, int64_t);
void table_bytes(struct table *, int64_t); /* "4.2 MiB" */
/* Prints and frees it; a table without rows prints nothing. */
void table_end(struct table *);

/* "2d 3h", "4m 5s", "12 ms" */
void duration_text(int64_t ms, char *out, size_t n);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * json.h - a small strict reader of JSON for gyrectl.
 *
 * Reads one whole document or nothing. Depth and size are bounded, nothing recurses. Text is
 * decoded and ends with NUL (a NUL inside is an error); a number stays as it is written.
 */
#ifndef GYRE_JSON_H
#define GYRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };
enum { JSON_DEPTH = 32, JSON_BYTES = 64 * 1024 * 1024 };

struct json {
    enum json_kind kind;
    const char *key;           /* of a member, else NULL */
    const char *text;          /* of text and numbers, else "" */
    struct json *first, *next; /* of lists and objects; among siblings */
};

/* The document; json_free frees all of it. NULL: why, with the place. */
struct json *json_read(const char *bytes, size_t n, char *why, size_t why_n);
void json_free(struct json *document);

/* A member of an object; a JSON_NULL when there is none or it is no object. Never NULL. */
const struct json *json_at(const struct json *, const char *key);
int64_t json_number(const struct json *); /* 0 when it is no whole number that fits */
bool json_true(const struct json *);
#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * date.h - the dates of HTTP (RFC 9110, 5.6.7). Seconds since 1970; no locale, no time zone.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "bytes.h"

enum { DATE_LENGTH = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes exactly DATE_LENGTH bytes. Outside of the years 0 … 9999: the nearest that fits. */
void date_write(int64_t second, uint8_t out[DATE_LENGTH]);

/* Reads any of the three forms. now: a year of two digits is never more than 50 years ahead of it.
 * false: no date, and *second is untouched. */
bool date_read(gyre_view text, int64_t now, int64_t *second);
#endif

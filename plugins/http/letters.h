/* SPDX-License-Identifier: GPL-3.0-or-later
 * letters.h - which bytes may stand where in a request, as one table.
 *
 * IN_TOKEN    RFC 9110, 5.6.2: methods, names of fields.
 * IN_TARGET   what RFC 3986 allows in a path or query, and the few that browsers send beside it
 *             (the URL standard leaves ' [ ] ^ ` { | } as they are in places). Not # " < > \ and
 *             nothing outside of ASCII.
 * IN_HOST     a host with its port: letters, digits, - . _ ~ ! $ & ' ( ) * + , ; = : [ ] %
 * IN_PATH     what stays as it is when a path is encoded: unreserved, and the slash.
 */
#ifndef HTTP_LETTERS_H
#define HTTP_LETTERS_H

#include <stdint.h>

enum { IN_TOKEN = 1, IN_TARGET = 2, IN_HOST = 4, IN_PATH = 8, IN_COLON = 16 };

extern const uint8_t letters[256];
#endif

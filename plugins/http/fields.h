/* SPDX-License-Identifier: GPL-3.0-or-later
 * fields.h - the fields of a request's head, and what follows from them for its framing.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "parser.h"

/* Reads r->fields_n lines, of which begin and end are noted, and decides body, length, keep and
 * host. 0, or the status to refuse with. */
int fields_read(struct request *r);

/* host or host:port, as in Host and in an absolute target. May be empty. more: how many bytes
 * behind it may be looked at too. */
bool host_is_right(gyre_view host, size_t more);
#endif

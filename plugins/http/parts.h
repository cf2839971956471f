/* SPDX-License-Identifier: GPL-3.0-or-later
 * parts.h - answers with parts of a file: 206 and 416.
 */
#ifndef HTTP_PARTS_H
#define HTTP_PARTS_H

#include "http.h"

/* Answers what the Range of r asks for. false: nothing was sent, the whole file is due. */
bool parts_answer(struct gyre_actor *, const struct request *r, struct gyre_buf *file,
                  gyre_view path);
#endif

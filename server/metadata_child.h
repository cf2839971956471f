/* SPDX-License-Identifier: GPL-3.0-or-later
 * metadata_child.h - `gyre --describe COPY`: a child of the supervisor that prints a plugin's
 * metadata to standard output. It does not return to its caller's plans: it ends the process.
 */
#ifndef GYRE_METADATA_CHILD_H
#define GYRE_METADATA_CHILD_H

_Noreturn void describe_main(const char *copy);
#endif

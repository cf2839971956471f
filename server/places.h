/* SPDX-License-Identifier: GPL-3.0-or-later
 * places.h - where a running Gyre keeps its things; the server and gyrectl find them the same way.
 *
 * The run folder (control socket, private copies of plugins) is, in this order: what [server] run
 * says; `run` beside the program, when it lies beside a `plugins` folder (a build tree) and that is
 * ours to write; /run/gyre for root; $XDG_RUNTIME_DIR/gyre; /tmp/gyre-UID.
 */
#ifndef GYRE_PLACES_H
#define GYRE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#ifndef GYRE_PLUGIN_DIR
#define GYRE_PLUGIN_DIR "/usr/lib/gyre/plugins"
#endif
#ifndef GYRE_VERSION
#define GYRE_VERSION "0.1.0"
#endif

struct places {
    char run[512], plugins[512], copies[520], control[520];
};
/* run, plugins: as configured, or NULL. false: a path is too long, and why says which. */
bool places_find(const char *run, const char *plugins, struct places *, char *why, size_t why_n);

/* Makes the run folder, for nobody else to write, and the folder of private copies in it. */
bool places_make(const struct places *, char *why, size_t why_n);

/* Connects to a control socket. -1: errno says why. */
int places_connect(const char *control);
#endif

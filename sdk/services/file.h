/* SPDX-License-Identifier: MIT
 * file.h - "file/1": files below granted roots, never a descriptor.
 *
 * A root is a handle of gyre->want(section, "path:/srv") in on_load. Paths are relative to it,
 * resolved by the kernel beneath it (openat2, RESOLVE_BENEATH): "..", absolute names and symbolic
 * links that lead outside are GYRE_DENIED. No byte is decoded or folded; a NUL is GYRE_INVALID.
 */
#ifndef GYRE_FILE_H
#define GYRE_FILE_H
#include "../gyre.h"

struct gyre_file {
    uint32_t size;

    /* answer.file: its bytes when it is small (64 KiB), else a file with bytes.p NULL
     * and bytes.n its size, for write_buf: it is the file as it was opened, also if the name is
     * given to another meanwhile; one that shrinks breaks the stream it is sent on. err: ABSENT,
     * DENIED, FOLDER, IO, FULL: no memory. Refused: INVALID, FULL. flags: 0. [worker] */
    int (*open)(struct gyre_actor *, int root, gyre_view path, uint32_t flags, uint64_t tag,
                gyre_done *);

    /* The same, if it is in this worker's cache and has not changed since; else NULL: open it.
     * The cache sees a changed file by itself. Valid until the callback returns: write_buf it, or
     * keep it with buf_share. [worker] */
    struct gyre_buf *(*cached)(struct gyre_actor *, int root, gyre_view path);

    /* The whole of a file of at most `most` bytes, for on_load: zones, maps, templates. GYRE_FULL
     * when it is larger, or there is no memory; else the errors of open. The bytes belong to the
     * configuration version, like mem(NULL). [load] */
    int (*load)(struct gyre_section *, int root, gyre_view path, uint64_t most, gyre_view *bytes);
};
#endif

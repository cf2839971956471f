/* SPDX-License-Identifier: GPL-3.0-or-later
 * plate.c - 200 answers that are ready to be sent: head, and the body where it is small.
 *
 * Owns: the plates of a worker, a fixed table. Two files that fall on one plate take turns.
 * Promise: a plate is used only for the version of the file, the ending of the name and the
 * configuration that it was made for; a body on it is compared too, since a file may change twice
 * within one tick of its clock. Only the date is written anew, once a second.
 */
#include "mime.h"
#include "response.h"

/* The body on the plate, if there is one, is that of the file. */
static bool body_fits(const struct plate *plate, gyre_view body)
{
    gyre_view kept = {plate->bytes + plate->head_n, (size_t)plate->all_n - plate->head_n};
    return !plate->all_n || ((body.p || !body.n) && gyre_eq(kept, body));
}

static bool plate_fits(const struct plate *plate, const struct gyre_buf *file, uint64_t key,
                       const struct http_conf *conf)
{
    return plate->identity == file->identity && plate->size == file->bytes.n && plate->key == key &&
           plate->modified_ns == file->modified_ns && plate->mark == conf->mark &&
           body_fits(plate, file->bytes);
}

/* Everything but the field Connection. */
static void plate_fill(struct gyre_actor *a, struct plate *plate, const struct gyre_buf *file,
                       gyre_view path)
{
    gyre_out out = GYRE_OUT(plate->bytes);
    response_begin(a, &out, 200);
    /* the date is the last field so far */
    plate->date_at = (uint16_t)(out.n - DATE_LENGTH - 2);
    response_type(a, &out, path);
    response_length(&out, file->bytes.n);
    response_file(a, &out, file);
    gyre_put(&out, GYRE_LIT("\r\n"));
    plate->head_n = (uint16_t)gyre_built(&out).n;
    if (file->bytes.p || !file->bytes.n) gyre_put(&out, file->bytes);
    else out.full = true;
    plate->all_n = (uint16_t)gyre_built(&out).n;
}

static struct plate *plate_for(struct gyre_actor *a, const struct gyre_buf *file, gyre_view path)
{
    struct http_home *home = GYRE_HOME(a, struct http_home);
    const struct http_conf *conf = GYRE_CONF(a, struct http_conf);
    uint64_t key = mime_key(path), mixed = file->identity * 0x9e3779b97f4a7c15;
    struct plate *plate = &home->plates[mixed >> 58 & (PLATES - 1)];
    int64_t now = response_now(a);
    if (plate->date_ns == home->date_ns && plate_fits(plate, file, key, conf)) return plate;
    if (plate_fits(plate, file, key, conf) && file->modified_ns < plate->date_ns) {
        memcpy(plate->bytes + plate->date_at, home->date, DATE_LENGTH);
    } else {
        plate_fill(a, plate, file, path);
        plate->identity = file->identity;
        plate->size = file->bytes.n;
        plate->key = key;
        plate->modified_ns = file->modified_ns;
        plate->mark = conf->mark;
    }
    plate->date_ns = file->modified_ns < now ? home->date_ns : 0;
    return plate;
}

void response_whole(struct gyre_actor *a, const struct request *r, struct gyre_buf *file,
                    gyre_view path)
{
    HTTP_SPACE uint8_t space[PLATE_SPACE + 64];
    const struct plate *plate = plate_for(a, file, path);
    gyre_view ready = {plate->bytes, plate->all_n ? plate->all_n : plate->head_n};
    gyre_out out = GYRE_OUT(space);
    bool body = r->method == METHOD_GET;
    if (!body || !r->keep || !r->minor) {
        gyre_put(&out, gyre_head(&ready, (size_t)plate->head_n - 2));
        response_end(&out, r);
        (void)gyre_head(&ready, 2);
        if (body) gyre_put(&out, ready);
        ready = gyre_built(&out);
    }
    (void)gyre->write(a, ready);
    if (body && !plate->all_n) (void)gyre->write_buf(a, file, 0, file->bytes.n);
}

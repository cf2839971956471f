/* SPDX-License-Identifier: GPL-3.0-or-later
 * mime.c - endings of file names and their media types; see mime.h. Sorted by ending, so that a
 * reader finds a row; read only when a response head is built, so a plain search will do.
 */
#include "mime.h"

static const struct mime table[] = {
    {"7z", "application/x-7z-compressed", false},
    {"aac", "audio/aac", false},
    {"apng", "image/apng", false},
    {"atom", "application/atom+xml", false},
    {"avi", "video/x-msvideo", false},
    {"avif", "image/avif", false},
    {"bin", "application/octet-stream", false},
    {"bmp", "image/bmp", false},
    {"bz2", "application/x-bzip2", false},
    {"c", "text/plain", true},
    {"cjs", "text/javascript", true},
    {"css", "text/css", true},
    {"csv", "text/csv", true},
    {"deb", "application/vnd.debian.binary-package", false},
    {"doc", "application/msword", false},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false},
    {"eot", "application/vnd.ms-fontobject", false},
    {"epub", "application/epub+zip", false},
    {"flac", "audio/flac", false},
    {"gif", "image/gif", false},
    {"gz", "application/gzip", false},
    {"h", "text/plain", true},
    {"heic", "image/heic", false},
    {"htm", "text/html", true},
    {"html", "text/html", true},
    {"ico", "image/vnd.microsoft.icon", false},
    {"ics", "text/calendar", true},
    {"ini", "text/plain", true},
    {"iso", "application/x-iso9660-image", false},
    {"jar", "application/java-archive", false},
    {"jpeg", "image/jpeg", false},
    {"jpg", "image/jpeg", false},
    {"js", "text/javascript", true},
    {"json", "application/json", false},
    {"jsonld", "application/ld+json", false},
    {"jxl", "image/jxl", false},
    {"log", "text/plain", true},
    {"m3u8", "application/vnd.apple.mpegurl", false},
    {"m4a", "audio/mp4", false},
    {"m4v", "video/mp4", false},
    {"map", "application/json", false},
    {"md", "text/markdown", true},
    {"mid", "audio/midi", false},
    {"mjs", "text/javascript", true},
    {"mkv", "video/matroska", false},
    {"mov", "video/quicktime", false},
    {"mp3", "audio/mpeg", false},
    {"mp4", "video/mp4", false},
    {"mpd", "application/dash+xml", false},
    {"mpeg", "video/mpeg", false},
    {"odp", "application/vnd.oasis.opendocument.presentation", false},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet", false},
    {"odt", "application/vnd.oasis.opendocument.text", false},
    {"oga", "audio/ogg", false},
    {"ogg", "audio/ogg", false},
    {"ogv", "video/ogg", false},
    {"opus", "audio/ogg", false},
    {"otf", "font/otf", false},
    {"pdf", "application/pdf", false},
    {"png", "image/png", false},
    {"ppt", "application/vnd.ms-powerpoint", false},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", false},
    {"rss", "application/rss+xml", false},
    {"rtf", "application/rtf", false},
    {"svg", "image/svg+xml", true},
    {"svgz", "image/svg+xml", false},
    {"tar", "application/x-tar", false},
    {"tgz", "application/gzip", false},
    {"tif", "image/tiff", false},
    {"tiff", "image/tiff", false},
    {"ts", "video/mp2t", false},
    {"ttf", "font/ttf", false},
    {"txt", "text/plain", true},
    {"vtt", "text/vtt", true},
    {"wasm", "application/wasm", false},
    {"wav", "audio/wav", false},
    {"weba", "audio/webm", false},
    {"webm", "video/webm", false},
    {"webmanifest", "application/manifest+json", false},
    {"webp", "image/webp", false},
    {"woff", "font/woff", false},
    {"woff2", "font/woff2", false},
    {"xhtml", "application/xhtml+xml", true},
    {"xls", "application/vnd.ms-excel", false},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    {"xml", "application/xml", true},
    {"xz", "application/x-xz", false},
    {"zip", "application/zip", false},
    {"zst", "application/zstd", false},
};

static const struct mime unknown = {"", "application/octet-stream", false};

enum { ENDING_MOST = 16 }; /* longer ones are none */

static gyre_view ending_of(gyre_view path)
{
    size_t n = 0;
    while (n < path.n && n <= ENDING_MOST) {
        uint8_t byte = path.p[path.n - 1 - n];
        if (byte == '/') break;
        if (byte == '.') return GYRE_MAKE(gyre_view, path.p + path.n - n, n);
        n++;
    }
    return GYRE_NOTHING;
}

/* Up to 7 bytes are packed from the end, so short endings cannot collide. Longer ones are mixed:
 * that two of them, on two names of one file, give one number is not a thing that happens. */
uint64_t mime_key(gyre_view path)
{
    uint64_t key = 0;
    size_t most = path.n < ENDING_MOST + 1 ? path.n : ENDING_MOST + 1;
    for (size_t n = 1; n <= most; n++) {
        uint8_t byte = path.p[path.n - n];
        if (byte == '.') return key;
        if (byte == '/') return 0;
        if (n > 7) key *= 0x9e3779b97f4a7c15;
        key = (key << 8 | key >> 56) ^ byte;
    }
    return 0;
}

const struct mime *mime_of(gyre_view path)
{
    gyre_view ending = ending_of(path);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (gyre_eqi(ending, gyre_str(table[i].ending))) return &table[i];
    return &unknown;
}

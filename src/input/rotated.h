/* rotated.h - the names that rotation gives to a log: by logrotate, newsyslog and savelog.
 *
 * FILE.1, FILE.2.gz, FILE-20261124.xz, FILE.2026-11-24, FILE-1764000000, and with the extension kept
 * behind (logrotate's `extension`) kern-20261124.log, kern.1.log. Pure. */
#ifndef SCANTIDE_INPUT_ROTATED_H
#define SCANTIDE_INPUT_ROTATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the path has a part that glob(7) would expand. */
bool rotated_is_pattern(const char *path);

/* Whether the name ends as compressed files do. */
bool rotated_is_packed(const char *path);

/* Whether `path` is a rotated form of `log`, in the same folder. */
bool rotated_is_of(const char *log, const char *path);

/* A rotated form of a log, as a folder has it. */
struct rotated {
    char *path;
    int64_t mtime_ns;
};

/* Sorts forms of one log, the newest first: those with numbers by number, those with dates by date,
 * others by when they were written; of two such kinds that one first which was written last. */
void rotated_sort(const char *log, struct rotated *list, size_t n);

#endif

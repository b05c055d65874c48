/* rrdfile.h - one RRD file: make it, see whether it is ours, give it rows. The one place in this
 * folder that knows librrd.
 *
 * Any thread, as long as no two write the same file. A fault is a sentence that the caller
 * frees. */
#ifndef SCANTIDE_SERIES_RRDFILE_H
#define SCANTIDE_SERIES_RRDFILE_H

#include "series/rows.h"
#include "series/schema.h"

/* Makes an empty file, over another if there is one; nothing at or before `last_up` can be
 * written to it. */
int rrdfile_make(const char *path, const struct schema *sc, bool pair, int64_t last_up,
                 char **fault);

/* Whether the file is whole and has the schema's shape, and up to when it has been written.
 * Returns 0, -ENOENT, or -EINVAL for one that must be made again. */
int rrdfile_check(const char *path, const struct schema *sc, bool pair, int64_t *last_up);

/* Gives the file rows; what it has already is skipped without a word. On failure some may have
 * been taken. */
int rrdfile_update(const char *path, const struct rows *rows, char **fault);

#endif

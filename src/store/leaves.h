/* leaves.h - segments found without their table's tree, where its pages are damaged: every page of
 * the file that reads as a leaf of a table (SQLite's file format, 1.6 and 2) is asked for rows of
 * the form of a segment.
 *
 * Leaves that were given up still lie about in the file. They are passed over where the list of free
 * pages can be read; as that may be damaged, too, a row that is found need not be one of the facts:
 * whoever takes it must know from elsewhere that it is. */
#ifndef SCANTIDE_STORE_LEAVES_H
#define SCANTIDE_STORE_LEAVES_H

#include <stddef.h>
#include <stdint.h>

struct leaf_row {
    int64_t id, kind, sensor, start, events;
    const void *data; /* valid in the callback */
    size_t n;
};

/* A non-zero answer of the callback ends it and is returned; a negative errno: the file can't be
 * read. */
int leaves_read(const char *path, int (*cb)(void *ctx, const struct leaf_row *row), void *ctx);

#endif

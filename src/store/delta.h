/* delta.h - the delta rows of one start as bytes in memory; for the store's own files. */
#ifndef SCANTIDE_STORE_DELTA_H
#define SCANTIDE_STORE_DELTA_H

#include "store/db.h"
#include "store/merge.h"

/* Zero-initialised is empty. */
struct delta {
    struct blob *list;
    size_t n, cap;
    int64_t start;
};

/* Adds a copy of bytes, or of a column. */
void delta_add_bytes(struct delta *r, const void *data, size_t n);
void delta_add(struct delta *r, sqlite3_stmt *q, int column);

/* Forgets all; keeps room for as many. */
void delta_clear(struct delta *r);
void delta_fini(struct delta *r);

/* Adds all rows of (kind, sensor, start). 0 or -EIO. `kind` is one of enum fact_kind or of the
 * margins' (store/facts.h). */
int delta_load(struct store *s, int kind, uint16_t sensor, int64_t start, struct delta *r);

/* Puts one row in the place of all of (kind, sensor, start). */
int delta_replace(struct store *s, int kind, uint16_t sensor, int64_t start, uint64_t events,
                  const struct buf *data);

/* Says that the segment can't be read, and by what to mend it; -EIO. */
int delta_damaged(struct store *s, int kind, int64_t start);

#endif

/* rows.h - counts by bin as the rows of one RRD update: few of them, and exact.
 *
 * An RRD that is told `T:c` spreads c over the time since the row before. So a run of zeros or
 * of unknown bins needs one row at its end, before the next count; a run of zeros one a
 * heartbeat, since a known value that covers more is taken for unknown. A run of unknown bins
 * may have any length. See rrdupdate(1) and rrdcreate(1), "The HEARTBEAT and the STEP".
 *
 * One thread at a time per object. */
#ifndef SCANTIDE_SERIES_ROWS_H
#define SCANTIDE_SERIES_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct rows {
    struct buf text;   /* the rows, each with its terminator */
    const char **args; /* n pointers into it */
    size_t *at;        /* their offsets, while the text still moves */
    size_t n, cap;
};

/* Fills r with the rows of `bins` bins, the first of which starts at `from`, where the file's
 * last update must stand. known[i] is 0 for an unknown bin; `sources` is NULL for a file without
 * that data source; `heartbeat` is a multiple of BIN_S. The last row ends with the last bin. */
void rows_make(struct rows *r, int64_t from, size_t bins, const uint8_t *known,
               const uint64_t *events, const uint32_t *sources, uint32_t heartbeat);

/* Zero-initialised is empty; frees what rows_make has taken. */
void rows_fini(struct rows *r);

#endif

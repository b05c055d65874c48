/* merge.h - delta rows of one (kind, sensor, start) added up, entry by entry, in the order of their
 * keys. Pure; streams. */
#ifndef SCANTIDE_STORE_MERGE_H
#define SCANTIDE_STORE_MERGE_H

#include "store/segment.h"

union fact {
    struct bin_fact bin;
    struct source_fact source;
    struct target_fact target;
};

struct blob {
    uint8_t *p;
    size_t n;
};

/* Calls back once for each key. Returns 0, -EBADMSG for a damaged segment, or the callback's
 * non-zero answer. */
int merge_segments(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *rows,
                   size_t n, int (*cb)(void *ctx, const union fact *f), void *ctx);

#endif

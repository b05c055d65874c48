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

/* Pulled: merge_next gives one entry (1), the end (0) or -EBADMSG for a damaged segment. The rows
 * must outlive the merge; a target's sketch is valid until the next call. */
struct merge;
int merge_open(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *rows,
               size_t n, struct merge **out);
int merge_next(struct merge *m, union fact *f);
void merge_close(struct merge *m);

/* Calls back once for each key. Returns 0, -EBADMSG for a damaged segment, or the callback's
 * non-zero answer. */
int merge_segments(enum fact_kind kind, uint16_t sensor, int64_t start, const struct blob *rows,
                   size_t n, int (*cb)(void *ctx, const union fact *f), void *ctx);

#endif

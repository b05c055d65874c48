/* upkeep.h - what is done to the facts when they are over: hours are folded, what is long past is
 * thinned, and the data folder is kept below its greatest size.
 *
 * A slice at a time, since whoever commits waits meanwhile: a daemon calls it while it says that
 * there is more. Knows no clock; writes to the store, so not from the loop's thread.
 *
 *     struct upkeep u = {.data = data, .max_size = max_size};
 *     do
 *         rc = upkeep_slice(&u, store, now, UPKEEP_BYTES, &more, &err);
 *     while (rc == 0 && more);
 *     free(u.said); */
#ifndef SCANTIDE_PIPELINE_UPKEEP_H
#define SCANTIDE_PIPELINE_UPKEEP_H

#include "base/error.h"
#include "base/fault.h"
#include "store/store.h"

enum {
    UPKEEP_FOLD_AFTER_S = 600, /* an hour is folded so long after its end */
    /* Of facts that a daemon's slice reads: some tenths of a second. */
    UPKEEP_BYTES = FAULT_LIMIT(16 << 20, 1)
};

struct upkeep {
    const char *data;  /* the folder */
    uint64_t max_size; /* of it, in bytes, without what facts.db has free; 0: no limit */
    bool compact;      /* facts.db shrinks where its file alone is too large: nobody waits */

    /* A sentence for the operator, where room was made or couldn't be; the caller's to free and to
     * set NULL. */
    char *said;

    int64_t thinned_day; /* since 1970, when all was done; 0: not yet */
    bool thinned, shedding, warned;
    uint64_t size; /* before room was made */
    struct store_shed shed;
    uint64_t pairs;
};

/* Folds what ended UPKEEP_FOLD_AFTER_S before `now`; then thins and makes room, once on each day.
 * Ends when about so many bytes have been read; *more: call again. 0, or -EIO with a fault in
 * err. */
int upkeep_slice(struct upkeep *u, struct store *s, int64_t now, size_t bytes, bool *more,
                 struct error *err);

/* All of it. */
int upkeep_all(struct upkeep *u, struct store *s, int64_t now, struct error *err);

#endif

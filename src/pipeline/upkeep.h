/* upkeep.h - what is done to the facts when they are over: hours are folded, what is long past is
 * thinned.
 *
 * A slice at a time, since whoever commits waits meanwhile: a daemon calls it while it says that
 * there is more. Knows no clock; writes to the store, so not from the loop's thread.
 *
 *     struct upkeep u = {0};
 *     do
 *         rc = upkeep_slice(&u, store, now, UPKEEP_BYTES, &more, &err);
 *     while (rc == 0 && more); */
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

/* Zero-initialised: nothing has been done yet. */
struct upkeep {
    int64_t thinned_day; /* since 1970, when all was thinned */
};

/* Folds what ended UPKEEP_FOLD_AFTER_S before `now`, and then thins, once on each day. Ends when
 * about so many bytes have been read; *more: call again. 0, or -EIO with a fault in err. */
int upkeep_slice(struct upkeep *u, struct store *s, int64_t now, size_t bytes, bool *more,
                 struct error *err);

/* All of it. */
int upkeep_all(struct upkeep *u, struct store *s, int64_t now, struct error *err);

#endif

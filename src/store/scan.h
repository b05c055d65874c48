/* scan.h - the entries of a span, pulled one by one and merged; for the store's own files.
 *
 * Delta rows are added up, so a key comes once a (sensor, start). Ordered by sensor, start and key.
 * Memory doesn't grow with the span, only with the bytes of one start. Any number of scans may be
 * open at once. */
#ifndef SCANTIDE_STORE_SCAN_H
#define SCANTIDE_STORE_SCAN_H

#include "store/db.h"
#include "store/merge.h"

struct scan;

/* `sensors` is copied; the span is half-open and of the starts of segments. 0 or -EIO. */
int scan_open(struct store *s, enum fact_kind kind, const uint16_t *sensors, size_t n, int64_t from,
              int64_t to, struct scan **out);

/* 1: an entry (a target's sketch is valid until the next call), 0: the end, -EIO. */
int scan_next(struct scan *sc, union fact *f);
void scan_close(struct scan *sc);

#endif

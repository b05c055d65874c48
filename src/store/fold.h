/* fold.h - an hour's rows kept within their bounds while it lasts; for the store's own files. */
#ifndef SCANTIDE_STORE_FOLD_H
#define SCANTIDE_STORE_FOLD_H

#include "store/store.h"

/* Where the hour's rows have grown past the bounds of store/bound.h, one smaller row takes their
 * place, in the open transaction, and what sources are dropped is kept as sketches. */
int fold_within_bounds(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t hour);

#endif

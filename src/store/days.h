/* days.h - the margins of a day (UTC) as one row: what rankings of months read in place of 24; for
 * the store's own files.
 *
 * A day's row adds its hours' margins up, so it tells exactly what they tell. It is made once all
 * hours of the day that have facts are folded, and the database drops it by a trigger as soon as
 * one of their margins changes, so whoever changes one needn't know of it. Its parts are columns,
 * those that are read often first, each in the margin's bytes (store/margin.h). */
#ifndef SCANTIDE_STORE_DAYS_H
#define SCANTIDE_STORE_DAYS_H

#include "store/margin.h"
#include "store/store.h"

enum { DAY_S = 24 * HOUR_S };

/* Makes rows of days that ended before `before` and have none, until about so many bytes were read;
 * a transaction a day. *more: there are others. 0 or -EIO. */
int days_make(struct store *s, int64_t before, size_t bytes, bool *more);

#endif

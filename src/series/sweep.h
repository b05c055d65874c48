/* sweep.h - removes the files of series that are no more: a port that fell below the cap, what a
 * killed writer left. */
#ifndef SCANTIDE_SERIES_SWEEP_H
#define SCANTIDE_SERIES_SWEEP_H

#include "series/name.h"

/* `folder`: a sensor's. Removes each series' file that isn't among the n sorted keys, and each
 * `.NAME.new`; any other file stays. The holder of series.lock alone may call it. Returns how
 * many it removed. */
size_t sweep(const char *folder, const struct series_key *keys, size_t n);

#endif

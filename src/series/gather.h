/* gather.h - facts to counts by bin, for a set of series and a window of time.
 *
 * Reads each fact of the window once. Distinct sources are counted in one pass, without a set:
 * the facts of an hour come sorted by source and port, so the bins of a source are the OR over
 * its entries, and likewise for its ports and country. One thread at a time per object;
 * over many hours it starts threads of its own, each of which reads some of them. */
#ifndef SCANTIDE_SERIES_GATHER_H
#define SCANTIDE_SERIES_GATHER_H

#include "series/name.h"
#include "store/store.h"

struct gather;

enum { GATHER_BYTES = 24 << 20 }; /* a window's counts, at most, where one hour doesn't need more */

/* For n series, whose keys are copied. */
struct gather *gather_new(const struct series_key *keys, size_t n);
void gather_free(struct gather *g);

/* The end of the longest window that begins at `from`, a bin's start: at most `to`, else a clock
 * hour's end. */
int64_t gather_reach(const struct gather *g, int64_t from, int64_t to);

/* Reads the window [from, to), bins' starts. Returns 0 or what the store returned. */
int gather_read(struct gather *g, struct store *s, uint16_t sensor, int64_t from, int64_t to);

/* Of the window last read, one entry a bin; the gather's own, valid until it reads again. */
size_t gather_bins(const struct gather *g);
const uint8_t *gather_known(const struct gather *g);
const uint64_t *gather_events(const struct gather *g, size_t series);
const uint32_t *gather_sources(const struct gather *g, size_t series);

#endif

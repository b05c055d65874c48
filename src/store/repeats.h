/* repeats.h - what is kept of an hour's sources when they go, so that distinct sources stay exact:
 * repeats, which are events of a source beyond its first in a bin, of the total, by country and by
 * port.
 *
 * A bin's distinct sources are its events less its repeats. The bins tell the events for as long as
 * they are kept; the repeats are those of the sources that are still there and those that were put
 * down here when sources went. So a port that is told nothing of here had each of its events from
 * another source, which most have: they cost nothing, whether a series is made of them or not. Rows
 * of one hour are added up.
 *
 *   exact        whatever the hour's sources did before they went; so are those that are still
 *                there, whatever rule moves them
 *   at most      where a source that went comes again, late, in a bin that it was in before: it is
 *                counted once more
 *   as it was    what an exclusion that changed afterwards would have done to sources that went
 *
 * Layout (LEB128, version byte 1 first): by hour (0 or 1), then entries: difference of the key to
 * that of the entry before << 1 | one. If one: the bin that has the single repeat; else the bins
 * that have any, as a mask << 1 | many, and, if many, the repeats of each. The first is the total's
 * and always there. By hour: all stands in the first bin, since the bins were thinned to hours. */
#ifndef SCANTIDE_STORE_REPEATS_H
#define SCANTIDE_STORE_REPEATS_H

#include "base/buf.h"
#include "base/country.h"
#include "base/port.h"
#include "store/facts.h"

enum {
    REPEATS_TOTAL = 0, /* keys */
    REPEATS_COUNTRY = 1,
    REPEATS_PORT = REPEATS_COUNTRY + COUNTRY_MAX,
    REPEATS_KEYS = REPEATS_PORT + PORT_KEY_MAX
};

struct repeats;
struct store;

struct repeats *repeats_new(void);
void repeats_free(struct repeats *r);

/* Empties it; keeps its memory. */
void repeats_begin(struct repeats *r);

/* The repeats of a fact, which don't count where its source is excluded; facts come in the order of
 * an hour's. `sign` 1: they go; -1: of these that went before, they are there still. */
void repeats_take(struct repeats *r, const struct source_fact *f, int sign);

/* The last fact of a pass over an hour's was taken. */
void repeats_end(struct repeats *r);

/* Adds a row's. 0 or -EBADMSG. */
int repeats_join(struct repeats *r, const void *data, size_t n);

void repeats_sum_hour(struct repeats *r);

/* Takes out what happened in the bins of a mask. */
void repeats_cut(struct repeats *r, unsigned bins);

/* The row, valid until the next call, and the sum of its numbers. */
struct buf *repeats_finish(struct repeats *r, uint64_t *sum);

/* Adds what the facts hold of the hour, *any: whether they do; puts all in its place. */
int repeats_load(struct store *s, struct repeats *r, uint16_t sensor, int64_t hour, bool *any);
int repeats_save(struct store *s, struct repeats *r, uint16_t sensor, int64_t hour);

/* ---- reading ---- */

struct repeats_reader {
    struct bytes in;
    uint64_t key;
    bool by_hour, any;
};

int repeats_open(struct repeats_reader *x, const void *data, size_t n);

/* The next entry: 1, 0 at the end, or -EBADMSG. */
int repeats_next(struct repeats_reader *x, uint32_t *key, uint64_t n[HOUR_BINS]);

/* Whether it can be read to its end, and its numbers' sum is this. */
bool repeats_are_whole(const void *data, size_t n, uint64_t sum);

#endif

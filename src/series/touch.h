/* touch.h - which series of a sensor what came late touches, and in which hours it lies. One
 * thread at a time per object. */
#ifndef SCANTIDE_SERIES_TOUCH_H
#define SCANTIDE_SERIES_TOUCH_H

#include "base/country.h"
#include "series/name.h"
#include "store/store.h"

/* Zero-initialised touches nothing. */
struct touch {
    bool all, any;  /* every series; at least the total */
    uint8_t *ports; /* a bit for each */
    bool countries[COUNTRY_MAX];
    int64_t *hours; /* their starts, each once in a row */
    size_t hour_count;
    int64_t last; /* of what was read: as store_read_late has it */
};

/* Adds what was noted after `after`. Returns 0 or what the store returned. */
int touch_read(struct touch *t, struct store *s, uint16_t sensor, int64_t after);

bool touch_hits(const struct touch *t, const struct series_key *key);

void touch_fini(struct touch *t);

#endif

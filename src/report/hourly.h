/* hourly.h - totals of each hour by port and country: what `scantide export` writes.
 *
 * Exact, over all rules and classes but for excluded networks. One thread at a time per store;
 * memory is that of one hour. */
#ifndef SCANTIDE_REPORT_HOURLY_H
#define SCANTIDE_REPORT_HOURLY_H

#include "store/store.h"

struct hourly_row {
    int64_t hour;
    uint32_t port;
    uint16_t country;
    int64_t events;
};

struct hourly_query {
    uint16_t sensor;
    int64_t from, to;   /* half-open, whole bins: an hour that they cut is told by its part */
    bool with_excluded; /* also events of excluded networks */
};

/* Calls back for each (hour, port, country) with events, in that order. A non-zero answer ends it
 * and is returned. */
int hourly_read(struct store *s, const struct hourly_query *q,
                int (*cb)(void *ctx, const struct hourly_row *row), void *ctx);

#endif

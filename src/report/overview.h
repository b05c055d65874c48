/* overview.h - all that a report says of a span, before it is written: rankings of the span and of
 * the three days that end with it, findings, gaps. One thread at a time per store.
 *
 *     struct overview o;
 *     if (overview_make(store, &query, &o) == 0)
 *         overview_json(&o, stdout);
 *     overview_fini(&o); */
#ifndef SCANTIDE_REPORT_OVERVIEW_H
#define SCANTIDE_REPORT_OVERVIEW_H

#include <stdio.h>

#include "base/zone.h"
#include "report/findings.h"
#include "report/rank.h"
#include "store/gap.h"

struct overview_query {
    int64_t from, to; /* whole bins, half-open */
    const struct zone *zone;
    const uint16_t *sensors;
    size_t sensor_count; /* 0: all */
};

/* Its texts are the overview's. */
struct overview_gap {
    uint16_t sensor;        /* 0: all */
    enum gap_reason reason; /* GAP_REASON_COUNT: nobody watched, and nothing says why */
    int64_t from, to;       /* half-open */
    uint64_t lost;
    char *input, *text;
};

enum { OVERVIEW_DAY, OVERVIEW_DAYS, OVERVIEW_SPANS };

struct overview {
    struct overview_query query;
    struct ranking ports[OVERVIEW_SPANS],
        countries[OVERVIEW_SPANS]; /* the span's, the three days' */
    struct findings findings;
    struct overview_gap *gaps;
    size_t gap_n;
    struct sensor *sensors; /* those it is about */
    size_t sensor_n;
};

/* 0, or the store's negative code with *out empty. */
int overview_make(struct store *s, const struct overview_query *q, struct overview *out);
void overview_fini(struct overview *o);

/* The name of a finding's or gap's sensor; "": of all. */
const char *overview_sensor(const struct overview *o, uint16_t id);

/* How many events of the port or country findings tell of that came at once: a row that has most of
 * its events from them owes its rank to them. */
uint64_t overview_burst_events(const struct overview *o, const struct rank_row *row, bool country);

/* Writes it as JSON, rankings up to `rows` rows (0: all). */
void overview_json(const struct overview *o, size_t rows, FILE *out);

#endif

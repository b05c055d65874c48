/* series.h - the RRD files: a view of the facts that can be made again at any time.
 *
 * `<data>/rrd/<sensor>/total.rrd`, `port/23-tcp.rrd`, `country/CN.rrd`, `pair/23-tcp/CN.rrd`. Data sources `events`
 * (ABSOLUTE: events per second; times the step it is events) and, but for pairs, `sources` (GAUGE: distinct sources of
 * the 5-minute bin). Steps, archives, heartbeat and admission stand in `rrd/schema.yaml`.
 *
 * All series of a sensor know and don't know the same bins: a bin with an event or a watched second is known (the count
 * or zero), any other is U. What has no series is in a chart's `other`.
 *
 * Nothing here reads a clock: `now` is an argument. Not from the loop thread: it writes files. Takes
 * `<data>/series.lock` while it writes. */
#ifndef SCANTIDE_SERIES_SERIES_H
#define SCANTIDE_SERIES_SERIES_H

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct series;

struct series_limits {          /* from the configuration */
    unsigned port_events;       /* a port with so many events in some clock hour has a series (10) */
    unsigned max_ports;         /* at most so many ports have one, those with the busiest hour first */
    const uint32_t *ports;      /* always admitted */
    size_t port_count;
};

struct series_stats {
    uint64_t files_made, files_updated, rows; /* of this call */
};

/* `data`: the data folder; `schema`: path of rrd/schema.yaml. */
int series_open(const char *data, const char *schema, const struct series_limits *limits, struct series **out,
                struct error *err);
void series_close(struct series *se);

/* Brings all series of all sensors up to date with the facts: every bin whose end is at or before `until` (seconds; an
 * import passes the wall clock, a daemon the wall clock less 90 s). New series are made, stale sensors are made again beside the
 * old files and renamed over them, the others get what they lack, many rows a call. Missing, truncated or foreign files
 * are made again. Waits for another writer if `wait`, else returns -EWOULDBLOCK. */
int series_sync(struct series *se, struct store *s, int64_t until, bool wait, struct series_stats *stats,
                struct error *err);

/* Makes the pairs that a chart needs and notes that they were drawn at `now`; they are kept up from then on. */
int series_want_pairs(struct series *se, struct store *s, uint16_t sensor, const struct series_pair *pairs, size_t n,
                      int64_t now, struct error *err);

/* `<data>/rrd/<sensor>` */
char *series_folder(const struct series *se, const char *sensor);

#endif

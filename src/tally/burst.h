/* burst.h - finds bursts among the records of a commit and the trace of the minutes before it; for
 * the encoder only.
 *
 * Each (sensor, hour) of a commit is scanned together with the trace: the last TRACE_S seconds of
 * the sensor's events, in the order of their lines. So a burst is found however lines are cut into
 * commits. Two passes over the records count into small tables that only ever count too much, by
 * key and window; what may be in a burst is then sorted by its key and judged exactly.
 *
 * Whoever counts on in the same process remembers the whole trace. The store gets of it what has a
 * quarter of a burst, or half of a sequence, and all of a few when the process ends: so a crash can cost a
 * burst that has only begun its first events.
 *
 * Where more than TRACE_MAX records are younger than TRACE_S, a flood, only those of sources with
 * several events are carried over, and of these the newest. */
#ifndef SCANTIDE_TALLY_BURST_H
#define SCANTIDE_TALLY_BURST_H

#include "tally/records.h"

struct burst_scan;

struct burst_scan *burst_scan_new(void);
void burst_scan_free(struct burst_scan *b);

/* An encoding begins. `v6`: the addresses that records with source6 or target6 mean, by their
 * number. */
void burst_scan_use(struct burst_scan *b, const struct tally_sink *sink, const struct ip *v6);

/* A sensor's records come, hour by hour; its trace begins with n records from earlier commits. */
void burst_scan_begin(struct burst_scan *b, uint16_t sensor, const struct record *trace, size_t n);
int burst_scan_hour(struct burst_scan *b, struct record *records, size_t n);

/* Gives what is to be stored of the trace to the sink, and all of it to the caller, until the next
 * burst_scan_begin. */
int burst_scan_end(struct burst_scan *b, const struct record **trace, size_t *n);

/* Appends a piece's records to a tally, with the sensor's id in the place of its name's. Pieces that
 * can't be read are passed over. */
void trace_read(struct tally *t, uint16_t sensor, const void *data, size_t n);

#endif

/* bound.h - how much one hour of facts may hold: a flood from ten million sources must fill neither
 * the disk nor the memory. Pure: a segment in, a smaller one out.
 *
 *   bins     A bin of more than BIN_ENTRIES_MAX entries keeps its largest pairs, and the rest is
 *            told apart: its events by port as (port, COUNTRY_OTHER), by country as (PORT_OTHER,
 *            country), and, since that tells them twice, their negative as (PORT_OTHER,
 *            COUNTRY_OTHER), in arithmetic modulo 2^64. So the sums of all entries, of a port's
 *            and of a country's are exact for whoever adds entries up without a thought; those of
 *            (PORT_OTHER, *) and of (*, COUNTRY_OTHER) are nothing.
 *   targets  The TARGETS_MAX largest (target, port) stay; the rest of the TARGETS_MAX largest
 *            targets becomes (target, PORT_OTHER), all else (0.0.0.0, PORT_OTHER). Sums are exact,
 *            sketches are joined.
 *   sources  Of more than SOURCE_ENTRIES_MAX, the sources with the most events stay,
 *            SOURCES_KEPT of them, where need be with their 16 largest ports and the rest as
 *            PORT_OTHER. The others are dropped: they live on in bins and in the margin's sketches.
 *            Once that has happened in an hour, it does at SOURCE_ENTRIES_LEAN: its sources aren't
 *            all there any more, so room comes first.
 */
#ifndef SCANTIDE_STORE_BOUND_H
#define SCANTIDE_STORE_BOUND_H

#include "store/margin.h"
#include "store/segment.h"

enum {
    BIN_ENTRIES_MAX = 100000,
    BIN_PAIRS_KEPT = 20000,
    TARGETS_MAX = 4096,
    SOURCE_ENTRIES_MAX = 2000000,
    SOURCE_ENTRIES_LEAN = 1000000, /* in an hour that has dropped some already */
    SOURCES_KEPT = 50000,
    SOURCE_ENTRIES_KEPT = 500000, /* more, and ports are cut */
    SOURCE_PORTS_KEPT = 16
};

/* Each takes one whole segment and writes the smaller one to `w`, begun anew: 1; or 0, with nothing
 * written: it is within its bounds; or -EBADMSG. */
int bound_bin(const void *data, size_t n, struct segment_writer *w);
int bound_targets(const void *data, size_t n, struct segment_writer *w);

/* `max`: entries that may stay as they are. */
int bound_sources(const void *data, size_t n, size_t max, struct segment_writer *w);

/* Keeps the `kept` sources with the most events. */
int bound_heaviest(const void *data, size_t n, size_t kept, struct segment_writer *w);

#endif

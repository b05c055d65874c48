/* segment.h - one row of facts as bytes: sorted entries, differences of their keys, variable-length
 * integers.
 *
 * Pure: bytes in, entries out. The writer takes the entries of one (kind, sensor, start) in
 * ascending order of their keys; the reader gives them back in that order. Foreign bytes are read
 * safely: what can't be an entry, or isn't in order, ends with -EBADMSG.
 *
 * Layout (all integers LEB128; version byte 1 first):
 *   bin     key = (rule << 2 | class) << 29 | port << 10 | country, as the difference to the entry
 *           before << 1 | many; if many: events
 *   source  bytes of the IPv4 part, the IPv4 part, the IPv6 part. An entry: address difference << 1
 *           | new (IPv6: 0, or 1 and 16 bytes for the difference); if new: country, AS << 1 |
 *           anonymous, if anonymous the rule;
 *           (port << 2 | class) << 1 | many; first second; if many: events, last - first; the
 *           counts of all bins from the first's to the one before the last's, where events > 2 and
 *           they differ
 *   target  the same parts. An entry: address difference; port << 1 | many; events if many; number
 *           of marks, marks (two bytes each)
 */
#ifndef SCANTIDE_STORE_SEGMENT_H
#define SCANTIDE_STORE_SEGMENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/facts.h"

struct segment_writer {
    enum fact_kind kind;
    struct buf head, v4, v6; /* bins use v4 */
    uint64_t key;            /* of the entry before */
    struct ip address;
    uint16_t country;
    uint32_t as, kept_rule;
    bool any4, any6;
    uint64_t events;
    size_t entries;
};

/* A zero-initialised writer, or one used before, begins anew; it keeps its memory. */
void segment_begin(struct segment_writer *w, enum fact_kind kind);
void segment_put_bin(struct segment_writer *w, uint16_t rule, uint8_t class, uint32_t port,
                     uint16_t country, uint64_t events);
void segment_put_source(struct segment_writer *w, const struct source_fact *f);
void segment_put_target(struct segment_writer *w, const struct target_fact *f);

/* The whole segment, valid until the next call on the writer; w->events is the sum, w->entries how
 * many. */
struct buf *segment_finish(struct segment_writer *w);
void segment_writer_fini(struct segment_writer *w);

struct segment_reader {
    enum fact_kind kind;
    struct bytes in;    /* up to the end of the part that is being read */
    const uint8_t *end; /* of the segment */
    uint64_t key;       /* of the entry before; sources and targets: behind the address */
    struct ip address;
    uint16_t country;
    uint32_t as, kept_rule;
    bool in6;
    int64_t start;
    uint16_t sensor;
};

/* `data` must outlive the reader. -EBADMSG: not a segment of this version. */
int segment_open(struct segment_reader *r, enum fact_kind kind, uint16_t sensor, int64_t start,
                 const void *data, size_t len);

/* The next entry: 1, or 0 at the end, or -EBADMSG. */
int segment_next_bin(struct segment_reader *r, struct bin_fact *f);
int segment_next_source(struct segment_reader *r, struct source_fact *f);
int segment_next_target(struct segment_reader *r,
                        struct target_fact *f); /* the sketch points into the data */

/* How many entries there are, up to the first that can't be read. */
size_t segment_entries(enum fact_kind kind, const void *data, size_t len);

#endif

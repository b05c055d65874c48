/* margin.h - the sums of one (sensor, hour) and its sketches of sources, as bytes: what rankings of
 * long spans read in place of bins and sources. Pure.
 *
 * A margin holds events by (rule, port) and by (rule, country), and a sketch (struct hll) of the
 * sources of all, of each country, and of each admitted port: with at least 10 events in the hour,
 * the busiest 1,024.
 *
 *     struct margin *m = margin_new();
 *     margin_add_bin(m, ...);    all bins, in any order
 *     margin_admit(m);
 *     margin_add_source(m, ...); all sources, in any order
 *     margin_join(m, data, n);   sketches of an earlier margin
 *     struct buf *b = margin_finish(m);
 *
 * Layout (LEB128, version byte 1 first): five parts, each behind its length:
 *   ports      events by key = rule << 19 | port: difference to the entry before << 1 | many; if
 *              many: events
 *   countries  the same, key = rule << 10 | country
 *   total      a sketch
 *   sketches of countries, and of ports: difference to the key before, length, sketch */
#ifndef SCANTIDE_STORE_MARGIN_H
#define SCANTIDE_STORE_MARGIN_H

#include "base/buf.h"
#include "base/sketch.h"
#include "store/facts.h"

enum { MARGIN_PORT_EVENTS = 10, MARGIN_PORTS_MAX = 1024, COUNTRY_KEY_BITS = 10 };

struct margin;

struct margin_parts {
    struct bytes ports, countries, total, country_sketches, port_sketches;
    struct bytes untold; /* of a day: events at ports in hours in which these had few */
};

struct margin *margin_new(void);
void margin_free(struct margin *m);

/* Empties it; keeps its memory. */
void margin_clear(struct margin *m);

void margin_add_events(struct margin *m, uint16_t rule, uint32_t port, uint16_t country,
                       uint64_t events);

/* Chooses the ports that get a sketch, by the events so far. */
void margin_admit(struct margin *m);

void margin_add_source(struct margin *m, const struct ip *source, uint32_t port, uint16_t country);

/* Adds the sketches of a written margin; its ports become admitted. 0 or -EBADMSG. */
int margin_join(struct margin *m, const void *data, size_t n);

/* Adds a written margin whole; what it has of ports without a sketch, for having had few events, is
 * added apart. 0 or -EBADMSG. */
int margin_join_hour(struct margin *m, const void *data, size_t n);

/* The margin, valid until the next call. */
struct buf *margin_finish(struct margin *m);

/* The parts of all that was joined by margin_join_hour, valid until the next call. */
const struct margin_parts *margin_finish_day(struct margin *m);

/* Appends the same margin without its sketches. 0 or -EBADMSG. */
int margin_strip(const void *data, size_t n, struct buf *out);

/* ---- reading ---- */

int margin_open(struct margin_parts *parts, const void *data, size_t n);

/* The next sum of `ports` (shift: PORT_KEY_BITS) or `countries` (COUNTRY_KEY_BITS): 1, 0 at the end
 * or -EBADMSG. *key is 0 before the first call. */
int margin_next_sum(struct bytes *in, uint64_t *key, uint64_t *events);

/* The next of `country_sketches` or `port_sketches`, the same way. */
int margin_next_sketch(struct bytes *in, uint64_t *key, struct bytes *sketch);

#endif

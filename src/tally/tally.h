/* tally.h - events counted: taken in one by one, given out as sorted segments of facts.
 *
 * A tally keeps one small record an event (32 bytes) in the order of arrival; sorting and adding up
 * come once, when it is encoded. So the cost of an event doesn't depend on how many different
 * sources and ports there are, and workers fill tallies of their own that are encoded together.
 * Pure. One thread at a time per tally.
 *
 *     struct tally *t = tally_new();
 *     tally_add(t, sensor_name, &event, country);
 *     tally_encode(&t, 1, &sink);
 *     tally_reset(t);
 */
#ifndef SCANTIDE_TALLY_TALLY_H
#define SCANTIDE_TALLY_TALLY_H

#include "base/str.h"
#include "parse/event.h"
#include "store/burst.h"
#include "store/facts.h"
#include "tally/loss.h"

struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *t);

/* Empties it; keeps its memory. */
void tally_reset(struct tally *t);

/* Counts one event. `sensor`: the name as the log gives it. event->when must be within [0,
 * 2^32). */
void tally_add(struct tally *t, struct str sensor, const struct event *e, uint16_t country);

/* Tells the countries of the events from the n-th on, many at a time. */
typedef void (*tally_countries_cb)(const void *ctx, const struct ip *sources, size_t n,
                                   uint16_t *countries);
void tally_set_countries(struct tally *t, size_t from, tally_countries_cb find, const void *ctx);

/* Lines that couldn't be taken in, since the last reset. Not a part of what is encoded. */
struct losses *tally_losses(struct tally *t);

/* Records since the last reset: what encoding will cost. */
size_t tally_records(const struct tally *t);

/* The names of the sensors that have events, in the order of their first. */
size_t tally_sensors(const struct tally *t);
struct str tally_sensor(const struct tally *t, size_t i);

/* A piece of the trace, and what of it is forgotten: as store_put_trace and store_cut_trace. */
struct trace_piece {
    const void *data;
    size_t n; /* 0: nothing new */
    int64_t oldest, newest, before, keep_from, keep_to;
};

/* The last minutes' events of all sensors. */
struct trace *trace_new(void);
void trace_free(struct trace *t);

/* Where the facts go. All functions return 0 or a negative code that ends the encoding. */
struct tally_sink {
    void *ctx;
    int (*sensor)(void *ctx, struct str name, uint16_t *id);
    uint32_t (*as)(void *ctx, const struct ip *source); /* AS number; NULL: none is known */
    /* The number of the rule that the source falls under; NULL: there is no rule. Asked here and
     * not when an event is added, so that a commit counts by the rules that the facts hold then. */
    uint16_t (*rule)(void *ctx, const struct ip *source);
    /* The address that is stored in the source's place; NULL: its own. Asked for the other two
     * before, which are of the true one; the facts then keep the rule. */
    struct ip (*hide)(void *ctx, const struct ip *source);
    int (*segment)(void *ctx, const struct segment *g);
    /* Bursts: what is found, as store_put_burst takes it; NULL: they aren't looked for. */
    int (*burst)(void *ctx, const struct burst_fact *f, const struct burst_second *seconds,
                 size_t n);
    /* The last minutes' events, remembered from one encoding to the next, and what of them is stored
     * as bytes: see store/burst.h. `store_all`: all, since nothing of it may be remembered. */
    struct trace *trace;
    bool store_all;
    int (*trace_serial)(void *ctx, uint16_t sensor, int64_t *serial);
    int (*read_trace)(void *ctx, uint16_t sensor, int (*take)(void *taker, const void *, size_t),
                      void *taker);
    int (*put_trace)(void *ctx, uint16_t sensor, const struct trace_piece *piece);
};

/* Gives all tallies' facts to the sink, ordered by sensor and hour: one segment a (kind, sensor, bin
 * or hour), of hidden sources one more for each rule. The tallies are left as they are. Returns 0, or what the sink returned. */
int tally_encode(struct tally *const *tallies, size_t n, const struct tally_sink *sink);

#endif

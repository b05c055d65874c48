/* burst.h - bursts: much of one kind from, or to, one place within a short time.
 *
 * A burst is all events of its key from the first to the last window that holds so many; windows
 * that overlap make one burst. The tally finds them (tally/burst.h) while it counts; here they are
 * kept, and one that goes on in a later commit stays one. */
#ifndef SCANTIDE_STORE_BURST_H
#define SCANTIDE_STORE_BURST_H

#include "store/store.h"

enum burst_key {
    BY_SOURCE = 1,
    BY_TARGET = 2,
    BY_PORT = 4,
    BY_SOURCE_PORT = 8,
    BY_STEP = 16 /* of ports or of source ports */
};

/* Name, as it is stored and shown; events within seconds; what makes it one burst. */
#define BURST_KINDS(X)                                                              \
    X(FLOOD, "flood", 500, 600, BY_SOURCE | BY_TARGET)                              \
    X(MICRO, "micro-burst", 1000, 10, BY_SOURCE)                                    \
    X(TARGET, "target-burst", 1000, 10, BY_TARGET | BY_PORT)                        \
    X(REFLECTION, "reflection", 100, 600, BY_SOURCE)              /* backscatter */ \
    X(REFLECTED_PORT, "reflected-port", 100, 600, BY_SOURCE_PORT) /* backscatter */ \
    X(SEQUENTIAL, "sequential", 32, 600, BY_SOURCE | BY_STEP)     /* events that step evenly */

enum burst_kind {
#define X(id, name, events, within, key) BURST_##id,
    BURST_KINDS(X)
#undef X
        BURST_KIND_COUNT
};

struct rules;

struct burst_rule {
    const char *name;
    uint32_t events, within_s;
    unsigned key; /* enum burst_key */
};

extern const struct burst_rule burst_rules[BURST_KIND_COUNT];

enum { PORT_SEVERAL = 0xffffffff, COUNTRY_SEVERAL = 0xffff };

/* What isn't the same in all events of the burst is several: an address without a family, or one of
 * the above. */
struct burst_fact {
    enum burst_kind kind;
    uint16_t sensor, rule; /* rule: of its source, where that is one */
    uint16_t country;
    int64_t from, to; /* first and last event */
    uint64_t events;
    uint64_t peak;  /* events of its fullest second */
    bool anonymous; /* its source is, and so its rule stays */
    struct ip source, target;
    uint32_t port, source_port;          /* port.h's keys */
    int32_t port_step, source_port_step; /* 0: none, or not asked for */
};

/* The events of one second of a burst: all that are known by now, and those that came with this
 * commit. */
struct burst_second {
    uint32_t when;
    uint64_t events, fresh;
};

/* A burst of which something is new: its part that can be seen now, with the seconds in order. Joins
 * it with what is there of it, no event counted twice. In the open transaction. */
int store_put_burst(struct store *s, const struct burst_fact *f, const struct burst_second *seconds,
                    size_t n);

typedef int (*store_burst_cb)(void *ctx, const struct burst_fact *f);

/* Calls back for each burst with a second in [from, to), whole, ordered by their beginning; sensor
 * 0: of all. A non-zero answer ends it and is returned. */
int store_read_bursts(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_burst_cb cb,
                      void *ctx);

/* ---- the trace: the last minutes' events, so that a burst may begin in one commit and end in
 * another; opaque bytes of tally/burst.c ---- */

/* Changes with each piece that is added, and when the trace is pruned. */
int store_trace_serial(struct store *s, uint16_t sensor, int64_t *serial);

int store_read_trace(struct store *s, uint16_t sensor,
                     int (*cb)(void *ctx, const void *data, size_t n), void *ctx);

/* Adds a piece with events of [oldest, newest]; forgets, now and then, pieces that end before
 * `before`, but for those that reach into [keep_from, keep_to]. */
int store_put_trace(struct store *s, uint16_t sensor, int64_t oldest, int64_t newest,
                    const void *data, size_t n);
int store_cut_trace(struct store *s, uint16_t sensor, int64_t before, int64_t keep_from,
                    int64_t keep_to);

/* ---- for the store's own files ---- */

/* Bursts of the span go, and so does the sensor's trace. */
int burst_prune(struct store *s, uint16_t sensor, int64_t from, int64_t to);

/* Each burst of one source gets the number of the rule that its source falls under now. */
int burst_apply_rules(struct store *s, const struct rules *rules);

#endif

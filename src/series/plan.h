/* plan.h - which series a sensor has, by the rule of admission: a function of the facts, never
 * of the order of arrival.
 *
 * The total; every country with an event; every port with `port_events` events in some clock
 * hour, those with the busiest hour first up to `max_ports`, ties by key; listed ports; pairs
 * that a chart has asked for. A plan remembers what it has read, so that a daemon reads each
 * hour once. One thread at a time per object. */
#ifndef SCANTIDE_SERIES_PLAN_H
#define SCANTIDE_SERIES_PLAN_H

#include "base/country.h"
#include "series/name.h"
#include "series/series.h"

struct plan_port {
    uint32_t port;
    uint32_t busiest; /* events of its busiest clock hour so far, at most UINT32_MAX */
};

/* Zero-initialised has read nothing. */
struct plan {
    int64_t until; /* bins before this have been read; 0: none */
    bool countries[COUNTRY_MAX];
    struct plan_port *ports; /* those that are admitted but for the cap, by port */
    size_t n, cap;
};

/* A table by port that plan_read needs while it runs and leaves zeroed; one serves all plans. */
struct plan_scratch;
struct plan_scratch *plan_scratch_new(void);
void plan_scratch_free(struct plan_scratch *x);

/* Reads on up to `until`, a bin's start: from where it stood, or from `from` if it has read
 * nothing. Returns 0 or what the store returned; then forget the plan with plan_fini. */
int plan_read(struct plan *p, struct plan_scratch *x, struct store *s, uint16_t sensor,
              int64_t from, int64_t until, unsigned port_events);

/* Reads those clock hours again, to which facts have been added since. For facts that were taken
 * away a plan has to be read anew. Errors as plan_read. */
int plan_read_again(struct plan *p, struct plan_scratch *x, struct store *s, uint16_t sensor,
                    const int64_t *hours, size_t n, unsigned port_events);

/* The keys of all series, sorted, in an array that is the caller's. */
size_t plan_keys(const struct plan *p, const struct series_limits *limits,
                 const struct series_pair *pairs, size_t pair_count, struct series_key **out);

/* The plan is empty and usable afterwards. */
void plan_fini(struct plan *p);

#endif

/* rank.h - rankings from the facts: ports, countries, sources, pairs, targets or autonomous
 * systems of a span, with
 * distinct sources and the period before.
 *
 * Events are exact always. Distinct sources are exact up to RANK_EXACT_S or where it is asked for;
 * for ports and countries of longer spans, and for targets always, sketches are joined: the
 * standard error is 0.8% in all, 1.6% for a country, 2.3% for a port, 3.3% for a target.
 * Groups of ports are counted by their sources as long as all of these are there.
 * Spans are whole bins; sources are told by their spread within the hour, targets are kept by the
 * hour, so their span is rounded outward to hours. One thread at a time per store.
 *
 *     struct rank_query q = {
 *         .what = RANK_PORTS, .from = a, .to = b, .before_from = a - (b - a), .before_to = a};
 *     struct ranking r;
 *     if (rank_make(store, &q, &r) == 0)
 *         print(r.rows, r.n);
 *     rank_fini(&r);
 */
#ifndef SCANTIDE_REPORT_RANK_H
#define SCANTIDE_REPORT_RANK_H

#include <stdbool.h>

#include "base/port.h"
#include "store/store.h"

enum rank_what { RANK_PORTS, RANK_COUNTRIES, RANK_SOURCES, RANK_PAIRS, RANK_TARGETS, RANK_AS };

enum { RANK_EXACT_S = 3 * 24 * 3600, RANK_QUICK_EVENTS = 500000 };

struct rank_query {
    enum rank_what what;
    int64_t from, to;               /* whole bins, half-open */
    int64_t before_from, before_to; /* the period before; equal: none is asked for */
    const uint16_t *sensors;
    size_t sensor_count;      /* 0: all */
    bool by_port, by_country; /* only events of this port, from this country */
    uint32_t port;
    const struct port_group *ports; /* with by_port, in the place of `port`: only at these */
    uint16_t country;
    /* Of ports and pairs: these count as one port each, whose sources are those of any of them. */
    const struct port_group *groups;
    size_t group_count;
    bool with_excluded, without_scanners; /* else no excluded source is ranked, and scanners are */
    bool no_sources;                      /* don't count distinct sources: quicker */
    bool exact;                           /* count them exactly whatever the span: slower */
    /* Count them by sketches whatever the span, and where there are none not at all if the span has
     * more than RANK_QUICK_EVENTS: `untold`. */
    bool quick;
};

struct rank_row {
    uint32_t port;                  /* of ports and pairs; of a group the first */
    const struct port_group *group; /* of ports and pairs, or NULL */
    uint16_t country;               /* of countries, pairs and sources */
    struct ip ip;                   /* of sources and targets; of an autonomous system one source */
    uint32_t as; /* of sources, as tagged last, and autonomous systems; 0: unknown */
    uint64_t events;
    uint64_t sources; /* distinct */
    bool untold;      /* `sources` isn't known: most events fell into hours that keep no sketch of
                         the port, since it wasn't busy */
    bool anonymous;   /* of sources: `ip` is a network or a hash (tag/anonymizer.h) */
    uint16_t rule;    /* of sources: the number of the rule that it falls under; 0: none */
    uint64_t ports;   /* of sources: distinct ports */
    int64_t first,
        last; /* of sources: to the second, or the edge of the span where it cuts the hour */
    unsigned rank;
    unsigned before_rank; /* 0: it had no events then */
    uint64_t before_events;
};

struct ranking {
    struct rank_row *rows; /* most events first, ties by key */
    size_t n;
    uint64_t events;  /* of all rows */
    uint64_t sources; /* distinct in all; 0 for targets */
    bool sources_exact;
    bool untold;   /* distinct sources weren't counted, to be quick */
    bool networks; /* sources were read that are whole networks: distinct ones are counted so */
    bool
        partial; /* of sources and autonomous systems: in hours long past, or of a flood, only the heaviest are known */
    /* Events that were asked for and are in no row, since their sources are excluded, or scanners
     * that were to be left out. Targets have none: they are kept for all sources together. */
    uint64_t hidden;
    int64_t from, to; /* as asked, rounded as it had to be */
};

/* 0, or the store's negative code. */
int rank_make(struct store *s, const struct rank_query *q, struct ranking *out);
void rank_fini(struct ranking *r);

/* Several of one span and the same sensors, none of targets: the facts are read once for all.
 * Those that are `quick` have no_sources, too. All of `out` are the caller's, or empty. */
int rank_make_all(struct store *s, const struct rank_query *q, size_t n, struct ranking *out);

/* The text of a row's key: "23/tcp", "CN", "198.51.100.7", "23/tcp CN", "AS64500". */
enum { RANK_KEY_MAX = 64 };
const char *rank_key(enum rank_what what, const struct rank_row *row, char out[RANK_KEY_MAX]);

#endif

/* prune.h - facts of a span removed, so that a wrong import can be repeated.
 *
 * Bins go whole. Of an hour that the span cuts, each source keeps what it did in the other bins;
 * targets, which are kept by the hour, go only where nothing else is left of it. What was watched
 * is cut, and so are gaps but for notes; bursts go that reach into it; series become stale, and logs whose lines all lie in the span are forgotten, so that
 * they can be taken in again. */
#ifndef SCANTIDE_STORE_PRUNE_H
#define SCANTIDE_STORE_PRUNE_H

#include "store/store.h"

struct prune_query {
    const uint16_t *sensors;
    size_t n;
    int64_t from, to; /* half-open, whole bins */
};

struct prune_report {
    uint64_t events, bins; /* that are removed; bins: those with events */
    int64_t watched_s;     /* seconds that are no longer watched */
    uint64_t hours_cut;    /* hours whose targets stay, since there is more in them */
};

/* A log with lines in the span. It is forgotten, or stays known: then `others` says why, since it
 * has sensors that aren't pruned, or else its lines reach beyond the span. */
struct prune_log {
    int64_t id;
    const char *path;
    int64_t first, last; /* of its lines */
    bool forgotten, others;
};

/* What prune_facts would do. A non-zero answer of the callback ends it and is returned. */
int prune_look(struct store *s, const struct prune_query *q, struct prune_report *out,
               int (*log)(void *ctx, const struct prune_log *l), void *ctx);

/* Does it, in one transaction: 0, or -EIO with nothing changed. */
int prune_facts(struct store *s, const struct prune_query *q);

#endif

/* finder.h - what the parts of findings.c share: one sensor's day, and what was found of it. For
 * these files only. */
#ifndef SCANTIDE_REPORT_FINDER_H
#define SCANTIDE_REPORT_FINDER_H

#include "base/iptable.h"
#include "report/findings.h"
#include "store/rules.h"

struct finder {
    struct store *store;
    const struct rules *rules;
    uint16_t sensor;
    int64_t from, to; /* whole hours; the day that is judged */
    struct finding *list;
    size_t n, cap;
};

/* A new finding of the finder's sensor, at the list's end; valid until the next. */
struct finding *finder_add(struct finder *x, enum verdict_kind verdict, int64_t from, int64_t to);

void finding_add_port(struct finding *f, uint32_t port);
void finding_add_country(struct finding *f, uint16_t country);
void finding_add_source(struct finding *f, const struct ip *ip);
void finding_add_target(struct finding *f, const struct ip *ip);

/* ---- what one source does: flood, micro-burst, sequential, reflection, vertical and horizontal
 * scans ---- */

/* Adds them to the list; each source's happenings are one. */
int find_by_source(struct finder *x);

/* How many events of the entry, by bin of its hour, the findings by source tell; false: none. */
struct told;
struct told *told_new(const struct finder *x);
void told_free(struct told *t);
bool told_of(const struct told *t, const struct source_fact *f, uint64_t by_bin[HOUR_BINS]);

/* ---- what series do: distributed, lockstep, burst, newcomer, rhythm, sensor-fall ---- */

int find_by_series(struct finder *x, const struct told *told);

#endif

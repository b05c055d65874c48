/* series_of_day.h - a day's series of ports, countries and pairs with the 48 hours before, as the
 * finders of series look at them. A part of findings.h; use that.
 *
 * find_series.c reads them and finds falls, newcomers and bursts; find_rhythm.c and
 * find_lockstep.c find what their names say. One thread at a time. */
#ifndef SCANTIDE_REPORT_SERIES_OF_DAY_H
#define SCANTIDE_REPORT_SERIES_OF_DAY_H

#include "base/iptable.h"
#include "report/finder.h"

enum {
    PAST = 48, /* hours before the one judged, of which the band is made */
    DAY = 24,
    HOURS = PAST + DAY,
    BINS = DAY * HOUR_BINS,
    PAIR_DAY_MIN = 24, /* events a day */
    LOCK_BINS = 6,     /* that make a lockstep, of at least */
    LOCK_BIN_MIN = 5   /* events each */
};

#define BAND 1.645 /* standard deviations: 90% of a normal distribution */

enum kind { PORT, COUNTRY, PAIR };

/* Who made it: of one series, in some hours of the day. */
struct who {
    uint32_t hours; /* a bit each */
    struct ip_table sources;
    uint64_t *events; /* by source */
    size_t cap;
    uint64_t all;
    struct {
        uint32_t key;
        uint64_t events;
    } parts[64]; /* a port's countries, a country's ports */
    size_t part_n;
};

struct band {
    bool is;
    double mean, sd, low, high;
};

struct series {
    enum kind kind;
    uint32_t port;
    uint16_t country;
    uint32_t n[HOURS];  /* events; of the day: those that no finding by source tells */
    uint32_t raw;       /* events of the day, all */
    uint32_t *bins;     /* of a port's day, where it may be in lockstep */
    bool above[DAY];    /* its band, by whatever it is */
    double excess[DAY]; /* above the mean, of an hour that left its band upward; else 0 */
    bool used[DAY];     /* a finding tells that hour */
    double burst;       /* above the means, of all hours that bursts tell */
    struct who *who;
};

/* What there was of a key, before it is decided whether it is a series. */
struct sum {
    uint64_t key;
    uint32_t day, hour, hour_n, most, most_today, all;
};

struct table {
    struct sum *sums;
    size_t n, cap;
    uint32_t *slots; /* sum + 1 */
    size_t slot_count;
    int32_t *series; /* by sum: its series, or -1 */
};

struct by_series {
    struct finder *x;
    const struct told *told;
    int64_t base;         /* where the past begins */
    size_t day;           /* hours of the day */
    uint8_t known[HOURS]; /* bins */
    struct table table;
    struct series *list;
    size_t n, cap;
    uint32_t total[HOURS];
};

/* The band by which an hour of the day is judged, from the hours before it. `n` as struct series
 * has it. */
struct band series_band(const struct by_series *b, const uint32_t *n, size_t hour);

/* Who made that hour is to be told. */
void series_want_who(struct series *s, size_t hour);

/* The pairs of a port or country that a finding is about, in its hours, are told by it. */
void series_use_pairs(struct by_series *b, const struct series *of, size_t hour, size_t n);

void series_find_rhythms(struct by_series *b);
void series_find_lockstep(struct by_series *b);

#endif

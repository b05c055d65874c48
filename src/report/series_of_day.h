/* series_of_day.h - a day's series of ports, countries and pairs with the 48 hours before, and after
 * it where that is known, as the finders of series look at them. A part of findings.h; use that.
 *
 * find_series.c reads them and finds falls and newcomers; find_rhythm.c, find_lockstep.c and
 * find_burst.c find what their names say; who.c tells who made it. One thread at a time. */
#ifndef SCANTIDE_REPORT_SERIES_OF_DAY_H
#define SCANTIDE_REPORT_SERIES_OF_DAY_H

#include "base/iptable.h"
#include "report/finder.h"

enum {
    PAST = 48, /* hours before the one judged, of which the band is made */
    DAY = 24,
    AHEAD = 48, /* hours after the day: a rhythm that begins in it is known by them */
    HOURS = PAST + DAY,
    ALL_HOURS = HOURS + AHEAD,
    BINS = DAY * HOUR_BINS,
    BURST_MIN = 30,    /* events above the mean */
    PAIR_DAY_MIN = 24, /* events a day */
    LOCK_BINS = 6,     /* that make a lockstep, of at least */
    LOCK_BIN_MIN = 5   /* events each */
};

#define BAND 1.645 /* standard deviations: 90% of a normal distribution */

enum kind { PORT, COUNTRY, PAIR };

/* Who made a finding: of one series, in some hours of the day. */
struct who {
    struct who *next; /* of the series */
    struct series *of;
    size_t finding;   /* in the finder's list */
    uint32_t hours;   /* a bit each */
    uint16_t only[8]; /* of a port's countries; none: all count */
    size_t only_n;
    bool port_out; /* its port lies above its band, too */
    double burst;  /* events above the means */
    struct ip_table sources;
    struct who_source {
        uint64_t events, other; /* in those hours, and in the day's others */
    } * of_source;
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
    size_t hours; /* it is made of */
    double mean, sd, low, high;
};

struct series {
    enum kind kind;
    uint32_t port;
    uint16_t country;
    uint32_t n[ALL_HOURS]; /* events; without what a rhythm tells, and of the day without what
                              findings by source tell */
    uint32_t raw;          /* events of the day, all */
    uint32_t *bins;        /* of a port's day, where it may be in lockstep */
    double over[DAY];      /* above the mean, of an hour above its band; else 0 */
    double excess[DAY];    /* the same, where that is sure and nothing else tells it */
    bool used[DAY];        /* a finding tells that hour */
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
    uint32_t of_country[1 << 10]; /* sum + 1, by country */
    uint64_t last_port;           /* the key that was asked for last, and its sum + 1 */
    uint32_t last;
    int32_t *series; /* by sum: its series, or -1 */
};

struct by_series {
    struct finder *x;
    const struct told *told;
    int64_t base;             /* where the past begins */
    size_t day;               /* hours of the day */
    uint8_t known[ALL_HOURS]; /* bins */
    struct table table;
    struct series *list;
    size_t n, cap;
    uint32_t total[ALL_HOURS];
    struct who **whos;
    size_t who_n, who_cap;
};

/* NULL: too little of it for a series. */
struct series *series_of(const struct by_series *b, enum kind kind, uint32_t port,
                         uint16_t country);

/* The band by which an hour of the day is judged, from the hours before it. `n` as struct series
 * has it. */
struct band series_band(const struct by_series *b, const uint32_t *n, size_t hour);

/* How much an excess must be, for a series of such a band, so that chance made none in weeks. */
double series_sure(const struct band *band);

/* What the pair has above its mean in that hour is told, of its port and country, too. */
void series_use_pair(struct by_series *b, struct series *pair, size_t hour);

/* The pairs of a port or country that a finding is about, in its hours, are told by it. */
void series_use_pairs(struct by_series *b, const struct series *of, size_t hour, size_t n);

void series_find_rhythms(struct by_series *b);
void series_find_lockstep(struct by_series *b);
void series_find_bursts(struct by_series *b);

/* ---- who.c ---- */

/* Who made that hour of the series is to be told in the finding of that number. */
struct who *series_want_who(struct by_series *b, struct series *s, size_t finding, size_t hour);

/* Only sources of the countries that are named so count. */
void who_only(struct who *w, uint16_t country);

void who_add(struct who *w, const struct source_fact *f, uint64_t events, bool in_hours);

/* Whether few sources make most of what lies above the means, beside the many that are always
 * there. */
bool who_are_few(const struct by_series *b, const struct who *w);

/* The sources that brought most beyond what they bring all day, the part of the first of them, and
 * the countries of a port, or ports of a country, that make up at least a tenth. */
void who_give(const struct by_series *b, const struct who *w, struct finding *f);

void whos_free(struct by_series *b);

#endif

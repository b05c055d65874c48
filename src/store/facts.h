/* facts.h - what the facts say, entry by entry: the records that the store gives to its readers.
 *
 * Times are seconds since 1970, UTC. Counts are events (dropped packets). */
#ifndef SCANTIDE_STORE_FACTS_H
#define SCANTIDE_STORE_FACTS_H

#include <stdint.h>

#include "base/ip.h"

enum {
    BIN_S = 300,         /* a bin's length, seconds; bins are aligned to the epoch */
    HOUR_S = 3600,       /* sources and targets are kept by the hour */
    HOUR_BINS = 12,      /* bins an hour */
    SENSORS_MAX = 256,   /* and one more, `other` */
    SENSOR_NAME_MAX = 65 /* with its terminator */
};

/* The kinds of segment, with the keys of DESIGN: numbers are stored, so they never change. */
enum fact_kind { FACT_BIN = 1, FACT_SOURCE = 2, FACT_TARGET = 3 };

/* Of the same table, but not made of entries: see store/margin.h and repeats.h. */
enum {
    FACT_MARGIN = 4, /* of an hour */
    FACT_DAY = 5,    /* the sketches of a day (UTC) whose margins have none any more */
    FACT_REPEATS = 6 /* of an hour whose sources aren't all there any more: store/repeats.h */
};

enum event_class { CLASS_SCAN, CLASS_BACKSCATTER, CLASS_OTHER, CLASS_COUNT };

/* A name that a sensor has taken over. */
struct sensor_alias {
    char *name, *sensor;
};

struct bin_fact {
    int64_t bin; /* start of the bin */
    uint64_t events;
    uint32_t port;
    uint16_t sensor;
    uint16_t country;
    uint16_t rule;
    uint8_t class;
};

struct source_fact {
    int64_t hour; /* start of the hour */
    struct ip source;
    uint32_t port;
    uint16_t sensor;
    uint16_t country;
    uint32_t as;        /* AS number as tagged then; 0: unknown */
    uint32_t kept_rule; /* 0: its address tells the rule; else the source is anonymous, and this is
                           one more than the rule that it was counted with */
    uint8_t class;
    uint16_t first, last; /* seconds into the hour, both inclusive */
    uint64_t events;
    uint64_t spread[HOUR_BINS]; /* events by bin of the hour; they sum to `events` */
};

struct target_fact {
    int64_t hour;
    struct ip target;
    uint32_t port;
    uint16_t sensor;
    uint64_t events;
    const uint8_t *sketch; /* of the sources: see base/sketch.h */
    uint32_t sketch_len;   /* bytes */
};

#endif

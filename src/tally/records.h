/* records.h - how a tally keeps its events; for the tally and its encoder only. */
#ifndef SCANTIDE_TALLY_RECORDS_H
#define SCANTIDE_TALLY_RECORDS_H

#include "base/iptable.h"
#include "tally/tally.h"

/* Of an event of the last minutes (trace.h). */
enum trace_state {
    TRACE_STORED = 1, /* in the store, from an earlier commit */
    TRACE_WARM = 2    /* of a sequence that has begun */
};

/* An event in 32 bytes. An IPv6 address is its place in the tally's table of them. */
struct record {
    uint32_t when;
    uint32_t source, target;
    uint32_t port;
    uint32_t count;
    uint16_t country;
    uint16_t rule;
    uint16_t sensor; /* its place among the tally's names */
    uint16_t source_port;
    uint8_t class;
    bool source6, target6;
    uint8_t trace; /* enum trace_state */
};

struct name {
    char text[SENSOR_NAME_MAX];
    uint8_t len;
};

struct tally {
    struct record *records;
    size_t n, cap;
    struct name *names;
    size_t name_count, name_cap, last_name;
    uint32_t *name_slots; /* open addressing: place + 1, 0 free */
    size_t name_slot_count;
    struct ip_table v6;
    struct losses losses;
};

#endif

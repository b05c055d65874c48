/* event.h - one dropped packet as the log tells it: the record that the parse stage gives.
 *
 * Slices point into the line that was parsed and live as long as it does. */
#ifndef SCANTIDE_PARSE_EVENT_H
#define SCANTIDE_PARSE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "store/facts.h"

/* What became of a line. Every line has exactly one outcome, so lines = the sum of the four. */
enum outcome {
    OUTCOME_EVENT,     /* counted */
    OUTCOME_IGNORED,   /* understood, and no drop: accepted or audited */
    OUTCOME_UNMATCHED, /* known to no parser */
    OUTCOME_LOST,      /* could not be taken in: too long, cut by a gap */
    OUTCOMES
};

const char *outcome_name(enum outcome o);

enum action { ACTION_DROP, ACTION_REJECT, ACTION_ACCEPT, ACTION_IGNORE, ACTIONS };

const char *action_name(enum action a);

/* TCP flags by their header bits. */
enum {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    TCP_URG = 32,
    TCP_ECE = 64,
    TCP_CWR = 128
};

struct event {
    int64_t when; /* seconds since 1970, UTC */
    struct ip source, destination;
    uint32_t port;  /* port.h's key */
    uint32_t count; /* packets that the line stands for */
    uint16_t source_port, destination_port;
    uint8_t protocol; /* IANA number */
    uint8_t class;    /* enum event_class */
    uint8_t action;   /* enum action */
    uint8_t tcp_flags;
    uint8_t icmp_type, icmp_code;
    bool has_ports; /* the destination's, at least */
    bool has_source_port, has_flags, has_icmp_type, has_icmp_code, is_fragment;
    struct str host, in, out, prefix;
};

/* Sets port and class from the other fields. Backscatter is an answer to a packet that the sensor
 * never sent: SYN+ACK or RST, an ICMP error or reply, UDP from a service port that reflects. */
void event_classify(struct event *e);

#endif

/* words.h - what firewalls write for numbers: protocols, ports, ICMP types, TCP flags.
 *
 * Names are compared without regard to case. The tables are in words.c. Pure; any thread. */
#ifndef SCANTIDE_PARSE_WORDS_H
#define SCANTIDE_PARSE_WORDS_H

#include <stdint.h>

#include "base/str.h"

/* All of `s` as a decimal number up to `max`; -1 otherwise. */
static inline long word_number(struct str s, long max)
{
    long v = 0;

    if (s.n == 0 || s.n > 10)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9)
            return -1;
        v = v * 10 + d;
    }
    return v <= max ? v : -1;
}

/* IANA's number of a protocol's name or number; -1: neither. */
int word_protocol(struct str s);

/* "tcp", "ipv6-icmp", or the number; ECS's network.transport. */
const char *protocol_name(uint8_t protocol, char out[8]);

/* A port's number, or that of the name of a service as Cisco, pf and ipfilter print it; -1:
 * neither. */
long word_port(struct str s);

/* An ICMP type's number, or that of its name; `v6`: of ICMPv6. -1: neither. */
long word_icmp_type(struct str s, bool v6);

/* The header bits of flags as words ("SYN ACK", "syn,ack"), as letters ("SA", pf's "S", tcpdump's
 * "S."), or in hexadecimal ("0x12"); what else stands between is passed over. */
uint8_t word_flags(struct str s);

#endif

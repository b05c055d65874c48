/* simline.h - writes packets as the kernel's LOG target and a syslog daemon do: RFC 3164 stamp,
 * host, uptime.
 *
 * Only a writer: what is written is simworld.h's business. The text follows the kernel's
 * nf_log_syslog.c. One thread.
 *
 *     struct sim_out *out = sim_out_new(1, "gw", zone);
 *     sim_out_packet(out, when_ns, uptime_ns, &packet);
 *     if (sim_out_close(out) < 0) ...
 */
#ifndef SCANTIDE_COMMAND_SIMLINE_H
#define SCANTIDE_COMMAND_SIMLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"

enum { SIM_SYN = 1, SIM_ACK = 2, SIM_RST = 4, SIM_FIN = 8, SIM_PSH = 16 };

struct sim_packet {
    bool v6, accepted, df, mf;
    uint8_t protocol;        /* IANA number */
    uint8_t tos, ttl, flags; /* flags: SIM_* */
    uint16_t length;         /* of the IP packet */
    uint16_t fragment;       /* offset in 8 bytes; a later fragment shows no ports */
    uint16_t id;
    uint16_t source_port, port, window;
    uint8_t type, code; /* ICMP */
    uint16_t sequence;
    uint8_t inner_protocol; /* of the packet that an ICMP error quotes; 0: no error */
    uint16_t inner_source,
        inner_port; /* and its ports; its addresses are this packet's, exchanged */
    uint32_t source, target;
    uint8_t source6[16], target6[16];
};

struct sim_out;

/* `fd` stays the caller's. `host` must outlive the object. */
struct sim_out *sim_out_new(int fd, const char *host, const struct zone *zone);

/* `when_ns`: nanoseconds since 1970, UTC; written in the zone to the second, so the seconds must
 * not go back. */
void sim_out_packet(struct sim_out *out, int64_t when_ns, int64_t uptime_ns,
                    const struct sim_packet *p);

/* A line of something else: "kernel" gets the uptime in front, any other program none. */
void sim_out_text(struct sim_out *out, int64_t when_ns, int64_t uptime_ns, const char *program,
                  const char *text);

/* 0, or the negative errno of the first write that failed; what comes after one is discarded. */
int sim_out_error(const struct sim_out *out);

/* Writes what is left, frees; as sim_out_error. */
int sim_out_close(struct sim_out *out);

#endif

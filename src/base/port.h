/* port.h - what was knocked at, as one number: `23/tcp`, `53/udp`, `8/icmp`, `128/icmp6`, `47/ip`,
 * `frag/tcp`.
 *
 * A key is kind << 16 | number, below PORT_KEY_MAX, so it indexes tables and sorts by kind and
 * number. Any thread. */
#ifndef SCANTIDE_BASE_PORT_H
#define SCANTIDE_BASE_PORT_H

#include <stdint.h>

#include "base/str.h"

enum port_kind {
    PORT_TCP,
    PORT_UDP,
    PORT_ICMP,  /* number: the ICMP type */
    PORT_ICMP6, /* number: the ICMPv6 type */
    PORT_IP,    /* number: the IP protocol, for all that has no finer key */
    PORT_FRAG,  /* number: 0 TCP, 1 UDP, without ports since it is a later fragment */
    PORT_KINDS
};

enum {
    PORT_KEY_BITS = 19,
    PORT_KEY_MAX = PORT_KINDS << 16,
    PORT_TEXT_MAX = 16,
    /* "other": events whose ports are told together (store/bound.h); sorts after every port. */
    PORT_OTHER = PORT_FRAG << 16 | 0xffff,
};

/* Ports of one kind under a name, "smb". */
struct port_group {
    char *name;
    uint32_t *ports; /* n >= 1 of them */
    size_t n;
};

enum { PORT_GROUP_NAME_MAX = 24 };

static inline uint32_t port_key(enum port_kind kind, uint32_t number)
{
    return (uint32_t)kind << 16 | number;
}

static inline enum port_kind port_kind(uint32_t key)
{
    return (enum port_kind)(key >> 16);
}

static inline uint32_t port_number(uint32_t key)
{
    return key & 0xffff;
}

/* "23/tcp" with its terminator; returns the length. */
size_t port_format(uint32_t key, char out[PORT_TEXT_MAX]);

/* The same with '-' for '/', for file names: "23-tcp". */
size_t port_slug(uint32_t key, char out[PORT_TEXT_MAX]);

/* Reads what port_format writes; also a bare "23" as 23/tcp. Returns 0, or -EINVAL with *key
 * untouched. */
int port_parse(struct str text, uint32_t *key);

#endif

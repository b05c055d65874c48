/* proxy.h - the PROXY protocol's second version: whom a proxy speaks for.
 *
 * A load balancer or TLS terminator writes a binary header before a connection's own bytes
 * (haproxy's doc/proxy-protocol.txt, 2.2). Only its addresses matter here. Pure; any thread. */
#ifndef SCANTIDE_INPUT_PROXY_H
#define SCANTIDE_INPUT_PROXY_H

#include "base/ip.h"

enum { PROXY_MAX_BYTES = 16 + 4096 }; /* of a header with all it may carry; more is no header */

/* Reads the header that the bytes begin with. Returns its length, with *peer the client's address,
 * or of family 0 where the proxy speaks for itself (LOCAL) or names no address; 0: more bytes are
 * needed; -EINVAL: this is none. */
int proxy_read(struct str bytes, struct ip *peer);

#endif

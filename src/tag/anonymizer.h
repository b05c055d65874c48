/* anonymizer.h - sources made anonymous before anything of them is stored.
 *
 * prefix: the address's network, its last bits zero: /24 of IPv4, /48 of IPv6. What was a host is a
 * network from then on, and what is counted are networks.
 *
 * hash: an address of fd5c:a471:de04::/64 (it was IPv4) or fd5c:a471:de06::/64 (IPv6) whose last 64
 * bits are a keyed hash of the whole address (SipHash-2-4). Those networks are unique local ones
 * (RFC 4193): the result reads as an address wherever one is taken, but no host of the internet has
 * it, so nobody is blocked or blamed for it. One source is one hash for as long as the key is the
 * same, and two sources share one with a probability of less than one in 100,000 among 10 million:
 * distinct counts stay right. Without the key the address can't be found, though it is only one of
 * 2^32: whoever has the key can try them all.
 *
 * Once opened it may be used by any number of threads. */
#ifndef SCANTIDE_TAG_ANONYMIZER_H
#define SCANTIDE_TAG_ANONYMIZER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/siphash.h"

enum anonymize { ANONYMIZE_NONE, ANONYMIZE_PREFIX, ANONYMIZE_HASH };

enum { ANONYMOUS_TEXT_MAX = IP_TEXT_MAX + 4 };

struct anonymizer {
    enum anonymize how;
    uint8_t key[SIPHASH_KEY_BYTES];
};

/* Reads the key from the folder's file `anonymize.key`, which is made where it is missing and a key
 * is needed (*made), readable for its owner alone. A negative errno with a fault on failure. */
int anonymizer_open(enum anonymize how, const char *folder, struct anonymizer *out, bool *made,
                    struct error *err);

struct ip anonymizer_hide(const struct anonymizer *a, const struct ip *source);

/* Whether the address is a hash. */
bool anonymous_is_hash(const struct ip *ip);

/* The text of an address that was made anonymous: a network with its prefix, or a hash. */
size_t anonymous_format(const struct ip *ip, char out[ANONYMOUS_TEXT_MAX]);

#endif

/* asn.h - the autonomous system of an address and its name, from a MaxMind DB file.
 *
 * Reads `autonomous_system_number` and `autonomous_system_organization`, the keys of GeoLite2-ASN,
 * DB-IP and ip-location-db alike. The number is stored with the facts; the name is looked up when it
 * is shown. 0 is the number of addresses that no database answers for.
 *
 * asn_number and asn_find may be called from any number of threads, the others from one at a
 * time. NULL is a database that knows nothing. */
#ifndef SCANTIDE_TAG_ASN_H
#define SCANTIDE_TAG_ASN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/ip.h"

struct asn;

enum { AS_TEXT_MAX = 16, AS_NAME_MAX = 120 };

/* Opens and tries the file. Returns 0, or -EINVAL with a fault that says what is wrong and what to
 * do. */
int asn_open(const char *path, struct asn **out, struct error *err);
void asn_close(struct asn *a);

uint32_t asn_number(const struct asn *a, const struct ip *ip);

/* The number and the name as valid UTF-8 without control characters, cut to fit; "" where the
 * database has none. Returns the number. */
uint32_t asn_find(const struct asn *a, const struct ip *ip, char name[AS_NAME_MAX]);

/* The name of a number. `hint` is an address that had it (NULL: none): where the database still
 * says so, that is quick; else the database is walked through once, which takes some tenths of a
 * second, and all names are known from then on. False, with "", where it has none. */
bool asn_name(struct asn *a, uint32_t number, const struct ip *hint, char name[AS_NAME_MAX]);

/* Whether another file stands where it was opened. */
bool asn_replaced(const struct asn *a);

/* NULL and 0 without a database. */
const char *asn_path(const struct asn *a);
const char *asn_type(const struct asn *a);
int64_t asn_built(const struct asn *a); /* seconds since 1970, UTC */

/* "AS64500", or "unknown" for 0. */
const char *asn_format(uint32_t number, char out[AS_TEXT_MAX]);

#endif

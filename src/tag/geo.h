/* geo.h - the country of an address, from a MaxMind DB file.
 *
 * Reads `country.iso_code`, else `registered_country.iso_code` (MaxMind, DB-IP), else
 * `country_code` (the flat databases). Addresses that aren't global are `--` and never looked up;
 * what no database answers is `ZZ`. Without a database every global address is `ZZ`.
 *
 * geo_country may be called from any number of threads. geo_expand unfolds the IPv4 tree into a
 * table by /16 and, where a /16 is mixed, by /24 (about 10 MB) in a thread of its own; look-ups go
 * through the tree until it stands, with the same answers. */
#ifndef SCANTIDE_TAG_GEO_H
#define SCANTIDE_TAG_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/country.h"
#include "base/error.h"
#include "base/ip.h"

struct geo;

/* Opens and tries the file. Returns 0, or -EINVAL with a fault that says what is wrong and what to
 * do. */
int geo_open(const char *path, struct geo **out, struct error *err);

/* A geo without a database. */
struct geo *geo_none(void);
void geo_close(struct geo *g);

uint16_t geo_country(const struct geo *g, const struct ip *ip);

/* Those of n addresses: the table is larger than the caches, and so many waits become one. */
void geo_countries(const struct geo *g, const struct ip *list, size_t n, uint16_t *countries);

/* Begins to build the flat table; a second call does nothing. */
void geo_expand(struct geo *g);

/* Whether that table stands. */
bool geo_is_expanded(const struct geo *g);

/* Whether another file stands where it was opened. */
bool geo_replaced(const struct geo *g);

/* NULL without a database. */
const char *geo_path(const struct geo *g);
const char *geo_type(const struct geo *g);
int64_t geo_built(const struct geo *g); /* seconds since 1970, UTC; 0 without a database */

#endif

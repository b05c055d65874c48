/* name.h - which series there are, and their paths. Only what passes here becomes part of a
 * path. Any thread. */
#ifndef SCANTIDE_SERIES_NAME_H
#define SCANTIDE_SERIES_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum series_kind { SERIES_TOTAL, SERIES_PORT, SERIES_COUNTRY, SERIES_PAIR };

/* One series of a sensor. What the kind doesn't use is zero. */
struct series_key {
    uint8_t kind;
    uint16_t country;
    uint32_t port;
};

enum { SERIES_PATH_MAX = 48 };

/* By kind, port, country. */
int series_key_compare(const struct series_key *a, const struct series_key *b);

/* Whether a sensor's name may be a folder's name: 1 to 64 of [A-Za-z0-9._-], the first no dot. */
bool series_name(struct str name);

/* The path below the sensor's folder, "pair/23-tcp/CN.rrd", with its terminator; returns the
 * length. */
size_t series_path(const struct series_key *key, char out[SERIES_PATH_MAX]);

/* Reads what series_path writes. Returns 0, or -EINVAL with *key untouched. */
int series_path_parse(struct str path, struct series_key *key);

#endif

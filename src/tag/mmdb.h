/* mmdb.h - addresses in MaxMind DB files; a part of geo.h and asn.h, use those. */
#ifndef SCANTIDE_TAG_MMDB_H
#define SCANTIDE_TAG_MMDB_H

#include <maxminddb.h>

#include "base/error.h"
#include "base/ip.h"

/* The entry of an address; *code tells whether the file could be read. */
MMDB_lookup_result_s mmdb_look_up(const MMDB_s *db, const struct ip *ip, int *code);

/* Adds the fault that a database can't be used; `what`: "country database"; `key`: of the
 * configuration. */
void mmdb_fault(const char *path, int code, const char *what, const char *key, struct error *err);

#endif

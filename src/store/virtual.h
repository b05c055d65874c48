/* virtual.h - the facts as SQL tables, for the store's own files: what `scantide sql` asks.
 *
 * bins, sources and targets are virtual tables over the segments; coverage, logs, sensors and rules
 * are temporary views. Ports, countries, addresses and times are text as people write them; times
 * are UTC as SQLite's own functions write it ("2026-11-24 10:05:00"), beside them stand seconds
 * since 1970. A comparison of sensor, time or epoch with a value is pushed down, so that a day's
 * query reads a day. */
#ifndef SCANTIDE_STORE_VIRTUAL_H
#define SCANTIDE_STORE_VIRTUAL_H

#include "store/db.h"

/* Adds the tables to the connection. 0 or -EIO. */
int virtual_register(struct store *s);

#endif

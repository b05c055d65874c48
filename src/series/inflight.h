/* inflight.h - which files are being written this moment, told to whoever comes after us if we
 * are killed.
 *
 * librrd writes through a shared mapping, in place: a process that is killed between two stores
 * leaves a row counted in one archive and not yet in the next, and its last update from before.
 * Nothing in the file shows that, and the row would be counted again. So the name of each file
 * is put into a small mapped file, `<data>/rrd/.inflight`, for as long as it is being written;
 * the mapping outlives the process. Whoever writes next removes the files that are named there,
 * and makes them again. (After a crash of the whole machine this says nothing; the series are
 * then to be made again anyway.)
 *
 * The holder of series.lock alone may use it; each thread has a slot of its own. */
#ifndef SCANTIDE_SERIES_INFLIGHT_H
#define SCANTIDE_SERIES_INFLIGHT_H

#include <stddef.h>

#include "base/error.h"

struct inflight;

enum { INFLIGHT_SLOTS = 4 };

/* `folder`: `<data>/rrd`. Returns 0 or a negative errno with a fault in err. */
int inflight_open(const char *folder, struct inflight **out, struct error *err);
void inflight_close(struct inflight *f);

/* Removes what a killed writer was at, and frees its slots. Returns how many files that were. */
size_t inflight_mend(struct inflight *f);

/* Around a write: `path` is below the folder, "gw/port/23-tcp.rrd". */
void inflight_begin(struct inflight *f, unsigned slot, const char *path);
void inflight_end(struct inflight *f, unsigned slot);

#endif

/* salvage.h - what can still be read of damaged facts, in a new database; the damaged one is set
 * aside. Segments that a damaged tree hides are looked for on every page; a damaged schema is known.
 *
 * Rows that can't be reached or aren't whole are left out and counted; nothing is guessed. The
 * facts must not be open anywhere. Blocks. */
#ifndef SCANTIDE_STORE_SALVAGE_H
#define SCANTIDE_STORE_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct salvage_report {
    bool whole;                 /* nothing is damaged, so nothing was touched */
    uint64_t kept, lost;        /* segments; lost: at least so many where `unsure` */
    int64_t lost_from, lost_to; /* the hours they were of, half-open; 0: unknown */
    uint64_t positions, positions_lost;
    uint64_t unnamed; /* sensors whose names are lost: `salvaged-1` and so on */
    bool unsure;
    char *aside; /* where the damaged file lies now; the caller frees it */
};

/* `day`: "2026-11-24", for the name of what is set aside. 0, or a negative errno with a fault:
 * -ENOENT no facts, -EBUSY somebody has them open, -EINVAL another program's or version's, -EIO;
 * then nothing was changed. */
int salvage_facts(const char *data, const char *day, struct salvage_report *out, struct error *err);

#endif

/* clock.h - when a line was written: the stamps of a log, in their order, to UTC.
 *
 * A log's stamps often lack the year and nearly always the zone. A clock resolves them by order:
 * the first takes the latest year that is not more than a day past the file's time (or a given
 * year), each next one the year nearest to the line before; a wall time that happens twice is the
 * one not before the line before (but for a minute's disorder). A line without a stamp has the time
 * of the line before, or the file's before the first stamp.
 *
 * A clock can start in the middle of a log with a guessed line before, so that blocks of a file can
 * be parsed in parallel: it notes the first stamp that depended on the guess, and clock_confirm()
 * tells whether the true line before gives the same. Pure: asks no system clock. One thread a
 * clock. */
#ifndef SCANTIDE_PARSE_CLOCK_H
#define SCANTIDE_PARSE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"
#include "parse/stamp.h"

/* How a log's times are to be read. */
struct clock_rule {
    const struct zone *zone;
    int64_t file_time; /* the log's modification time; stdin: now */
    int year;          /* of the first line; 0: by the file's time */
};

struct clock {
    struct clock_rule rule;
    int64_t before;     /* UTC of the line before that had a time; INT64_MIN: none had */
    int64_t guess;      /* the same as given at init */
    bool depends;       /* some stamp was resolved by `before` as given at init */
    bool settled;       /* a stamp has been resolved since init, whatever its kind */
    struct stamp first; /* the stamp that depended */
    int64_t first_when;
    int64_t midnight;   /* of the last yearless stamp's day, on the wall, as if that were UTC */
    uint8_t month, day; /* that day; 0: none is known */
};

/* `before`: UTC of the line before the first that will come, INT64_MIN at a log's start. */
void clock_init(struct clock *c, const struct clock_rule *rule, int64_t before);

/* The UTC time of the next line. A February 29th in no near year gives the time of the line
 * before. */
int64_t clock_resolve(struct clock *c, const struct stamp *stamp);

/* Whether all that was resolved since clock_init stays true when the line before was at
 * `before`. */
bool clock_confirm(const struct clock *c, int64_t before);

#endif

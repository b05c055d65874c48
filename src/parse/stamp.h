/* stamp.h - times as firewalls and loggers write them, read into what they say; clock.h makes UTC
 * of it.
 *
 * Pure; any thread. */
#ifndef SCANTIDE_PARSE_STAMP_H
#define SCANTIDE_PARSE_STAMP_H

#include <stdint.h>

#include "base/str.h"

/* What a line says of its time, before it is resolved. */
enum stamp_kind {
    STAMP_NONE,     /* no time at all */
    STAMP_YEARLESS, /* month, day and time of day */
    STAMP_LOCAL,    /* with the year, in the sensor's zone */
    STAMP_UTC       /* with its offset, or an epoch */
};

struct stamp {
    enum stamp_kind kind;
    int64_t seconds;    /* UTC: since 1970; LOCAL: the same of the wall; YEARLESS: of the day */
    uint8_t month, day; /* YEARLESS, from 1 */
    bool is_utc;        /* YEARLESS: not in the sensor's zone, but in UTC */
};

/* Reads a time at the text's start and gives its length; 0, with `out` of kind STAMP_NONE, where
 * there is none. The fractions of a second are read over. Forms, d meaning one or two digits:
 *
 *     Nov d 10:00:01[.5]            RFC 3164; the year may stand before, behind the day, or behind
 *     2026-11-24T10:00:01[.5][Z]    RFC 3339; a blank for the T, slashes, an offset with or without
 *                                   its colon
 *     [Tue ]Nov d 10:00:01 2026     asctime
 *     d/Nov/2026:10:00:01 +0900     also with blanks, hyphens or nothing between
 *     1795514401[.5]                since 1970 in seconds, or 13, 16, 19 digits: ms, us, ns */
size_t stamp_read(struct str text, struct stamp *out);

/* A time in parts: date and time, or all in `time`; `zone`: "+0900", "UTC", what else it holds says
 * nothing. Any may be empty. The whole of date and time must be one of the forms above. */
void stamp_of_parts(struct str date, struct str time, struct str zone, struct stamp *out);

#endif

/* when.h - days, times and spans as the reader writes them (base/language.h), in a zone. Any thread. */
#ifndef SCANTIDE_BASE_WHEN_H
#define SCANTIDE_BASE_WHEN_H

#include "base/zone.h"

enum { WHEN_TEXT_MAX = 80 };

/* "2026-11-24" (zone NULL: in UTC), "2026-11-24 16:02", and that as short as a table wants it; return out. */
const char *when_day(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX]);
const char *when_time(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX]);
const char *when_cell(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX]);

/* "2026-11-24 16:00 – 17:00": half-open, outward to whole minutes, the second date only where it differs. */
const char *when_span(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX]);

/* The same, but dates alone where they say it: "2026-11-23", "2026-11-17 – 2026-11-23". */
const char *when_period(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX]);

/* A day (since 1970) in a list of them, "Mon, 23 Nov", and its month, "November 2026". */
const char *when_listed(int64_t day, char out[WHEN_TEXT_MAX]);
const char *when_month(int64_t day, char out[WHEN_TEXT_MAX]);

/* when_span within a page that has said what year it is. */
const char *when_told(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX]);

#endif

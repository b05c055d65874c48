/* zone.h - time zones: local wall time to UTC and back, with the fold told, not guessed.
 *
 * A zone is read once from the system's TZ database (through the C library) into a table of its
 * changes between 2000 and 2070, and is immutable afterwards: any thread may use it, no TZ variable
 * is consulted. zone_open itself sets TZ for a moment: call it before threads start, or from one
 * thread.
 *
 *     struct zone *z;
 *     if (zone_open("Asia/Tokyo", &z) < 0) ...
 *     int64_t when = zone_to_utc(z, civil_seconds(2026, 11, 24, 10, 0, 1), INT64_MIN);
 */
#ifndef SCANTIDE_BASE_ZONE_H
#define SCANTIDE_BASE_ZONE_H

#include <stdint.h>

struct zone;

/* `name`: an IANA name ("Europe/Berlin"), "UTC", or "local" (TZ, else /etc/localtime). Zones are
 * kept: the same name gives the same pointer, never freed. Returns 0, or -ENOENT where the TZ
 * database has no such name. */
int zone_open(const char *name, const struct zone **out);

const char *zone_name(const struct zone *z);

/* Seconds east of UTC at `when`. */
int zone_offset(const struct zone *z, int64_t when);

/* Local wall time (as seconds since 1970 read as if it were UTC) to UTC. A wall time that happened
 * twice (a fold) takes the first that isn't before `after`, the UTC time of the line before
 * (INT64_MIN: none, so the first); one that never happened (a gap) is taken with the offset before
 * the gap. */
int64_t zone_to_utc(const struct zone *z, int64_t local, int64_t after);

/* Days since 1970-01-01 of a proleptic Gregorian date; month 1 to 12. */
static inline int64_t civil_days(int year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static inline int64_t civil_seconds(int year, unsigned month, unsigned day, unsigned hour,
                                    unsigned minute, unsigned second)
{
    return civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

struct civil {
    int year;
    unsigned month, day, hour, minute, second; /* month and day from 1 */
};

struct civil civil_from_seconds(int64_t seconds);

enum { TIME_TEXT_MAX = 48 };

/* "2026-11-24T10:00:01Z"; returns out. */
const char *time_format_utc(int64_t when, char out[TIME_TEXT_MAX]);

/* "2026-11-24 10:00" in the zone (":SS" added where the seconds are not zero); returns out. */
const char *time_format_local(const struct zone *z, int64_t when, char out[TIME_TEXT_MAX]);

/* Reads RFC 3339 ("2026-11-24T10:00:01Z", an offset, a blank for the T), or "YYYY-MM-DD[
 * HH:MM[:SS]]" in the zone. Returns 0, or -EINVAL with *when untouched. */
int time_parse(const char *text, const struct zone *z, int64_t *when);

#endif

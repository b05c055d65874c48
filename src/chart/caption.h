/* caption.h - the words of a chart: title, subtitle and the note that says where its figures are
 * from.
 *
 * Pure but for caption_zone_variable. Any thread. All strings are the caller's to free.
 */
#ifndef SCANTIDE_CHART_CAPTION_H
#define SCANTIDE_CHART_CAPTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/zone.h"
#include "chart/definition.h"

/* "23/tcp (telnet)", "China (CN)"; the key alone where the definition has no name for it. */
char *caption_key(const struct chart_definition *def, const char *key);

/* "events per hour · 2026-11-23": the unit of bars of step_s seconds, and the span: dates
 * where it is of whole days in the zone, else times. `step_s` 0: there are no bars but ports. */
char *caption_subtitle(const struct chart_definition *def, const struct zone *zone, int64_t from,
                       int64_t to, unsigned step_s);

/* The reader's zone for TZ, so that whoever runs a printed command has the same: what TZ says,
 * else the name behind /etc/localtime, else that file. Reads the environment and the disk. */
char *caption_zone_variable(void);

/* "UTC", "Asia/Tokyo (UTC+09:00)", "UTC+09:00" where it has no name; the offset is that of `when`. */
char *caption_zone(const struct zone *zone, const char *variable, int64_t when);

/* What a note says of the figures' source. */
struct caption_source {
    const struct zone *zone;
    const char *zone_variable; /* of caption_zone_variable */
    int64_t when;              /* whose offset from UTC is told */
    const char *country_path;  /* NULL: there is no country database */
    int64_t country_built;     /* seconds */
    const char *const *sensors;
    size_t sensor_count;
};

/* "Times in Asia/Tokyo (UTC+09:00) · countries by GeoLite2-Country, 2026-11-03 · sensor gw". */
char *caption_note(const struct chart_definition *def, const struct caption_source *source);

#endif

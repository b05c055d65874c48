#include "chart/caption.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { SENSORS_TOLD = 4, DAY_S = 86400 };

char *caption_key(const struct chart_definition *def, const char *key)
{
    const char *name = chart_definition_name(def, key);

    return name ? xasprintf("%s (%s)", key, name) : xstrdup(key);
}

static bool is_midnight(const struct zone *zone, int64_t when)
{
    return (when + zone_offset(zone, when)) % DAY_S == 0;
}

static char *span_text(const struct zone *zone, int64_t from, int64_t to)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
    bool days = is_midnight(zone, from) && is_midnight(zone, to);

    time_format_local(zone, from, a);
    time_format_local(zone, days ? to - 1 : to, b);
    if (!days)
        return xasprintf("%s – %s", a, b);
    a[strlen("2026-11-23")] = b[strlen("2026-11-23")] = 0;
    return strcmp(a, b) == 0 ? xstrdup(a) : xasprintf("%s – %s", a, b);
}

char *caption_subtitle(const struct chart_definition *def, const struct zone *zone, int64_t from,
                       int64_t to, unsigned step_s)
{
    const struct chart_words *w = &def->words;
    const char *unit = step_s < 3600 ? w->per_5_minutes : w->per_hour;
    char *span = span_text(zone, from, to);
    char *text = step_s > 3600
                     ? xasprintf("%s, %s %u h · %s", unit, w->means_of, step_s / 3600, span)
                     : xasprintf("%s · %s", unit, span);

    free(span);
    return text;
}

char *caption_zone_variable(void)
{
    static const char folder[] = "/zoneinfo/", system_zone[] = "/etc/localtime";
    const char *tz = getenv("TZ");
    char target[256];

    if (tz && *tz)
        return xstrdup(tz);
    ssize_t n = readlink(system_zone, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    const char *name = strstr(target, folder);
    if (name)
        return xstrdup(name + strlen(folder));
    return access(system_zone, R_OK) == 0 ? xasprintf(":%s", system_zone) : xstrdup("UTC");
}

/* "UTC", "Asia/Tokyo (UTC+09:00)", "UTC+09:00" where it has no name. */
static char *zone_text(const struct caption_source *s)
{
    int offset = zone_offset(s->zone, s->when) / 60;
    unsigned minutes = (unsigned)abs(offset);
    char *hours = xasprintf("UTC%c%02u:%02u", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    size_t n = strlen(s->zone_variable);

    if (s->zone_variable[0] == ':')
        return hours;
    char *text = n >= 3 && strcmp(s->zone_variable + n - 3, "UTC") == 0
                     ? xstrdup("UTC")
                     : xasprintf("%s (%s)", s->zone_variable, hours);
    free(hours);
    return text;
}

/* The database by its file's name, which tells more than the type that it claims. */
static char *country_text(const struct chart_words *w, const struct caption_source *s)
{
    char date[TIME_TEXT_MAX];

    if (!s->country_path)
        return xstrdup(w->no_countries);
    const char *slash = strrchr(s->country_path, '/');
    const char *name = slash ? slash + 1 : s->country_path, *dot = strrchr(name, '.');
    int length = (int)(dot ? (size_t)(dot - name) : strlen(name));
    return xasprintf("%s %.*s, %.10s", w->countries_by, length, name,
                     time_format_utc(s->country_built, date));
}

/* Takes `list` over. */
static char *append(char *list, const char *separator, const char *more)
{
    char *longer = xasprintf("%s%s%s", list, separator, more);

    free(list);
    return longer;
}

/* All of a few; three and the number of the others, where there are many. */
static char *sensor_text(const struct chart_words *w, const struct caption_source *s)
{
    bool many = s->sensor_count > SENSORS_TOLD;
    size_t told = many ? SENSORS_TOLD - 1 : s->sensor_count;
    char *list = xstrdup(s->sensor_count == 1 ? w->sensor : w->sensors);

    for (size_t i = 0; i < told; i++)
        list = append(list, i ? ", " : " ", s->sensors[i]);
    if (many) {
        char *rest = xasprintf("+%zu", s->sensor_count - told);
        list = append(list, ", ", rest);
        free(rest);
    }
    return list;
}

char *caption_note(const struct chart_definition *def, const struct caption_source *source)
{
    const struct chart_words *w = &def->words;
    char *zone = zone_text(source), *countries = country_text(w, source);
    char *sensors = sensor_text(w, source);
    char *note = xasprintf("%s %s · %s · %s", w->times, zone, countries, sensors);

    free(zone);
    free(countries);
    free(sensors);
    return note;
}

#include "chart/caption.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/country.h"
#include "base/language.h"
#include "base/when.h"

enum { SENSORS_TOLD = 4 };

char *caption_key(const struct chart_definition *def, const char *key)
{
    const char *name = chart_definition_name(def, key);
    uint16_t country;

    if (name && country_parse(str_from(key), &country) == 0)
        return xasprintf(_("%s (%s)"), name, key);
    return name ? xasprintf(_("%s (%s)"), key, name) : xstrdup(key);
}

char *caption_subtitle(const struct chart_definition *def, const struct zone *zone, int64_t from,
                       int64_t to, unsigned step_s)
{
    const struct chart_words *w = &def->words;
    const char *unit = step_s == 0 ? w->per_port : step_s < 3600 ? w->per_5_minutes : w->per_hour;
    char span[WHEN_TEXT_MAX];

    when_period(zone, from, to, span);
    return step_s > 3600 ? xasprintf(_("%s, %s %u h · %s"), unit, w->means_of, step_s / 3600, span)
                         : xasprintf(_("%s · %s"), unit, span);
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
char *caption_zone(const struct zone *zone, const char *variable, int64_t when)
{
    int offset = zone_offset(zone, when) / 60;
    unsigned minutes = (unsigned)abs(offset);
    char *hours = xasprintf("UTC%c%02u:%02u", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    size_t n = strlen(variable);

    if (variable[0] == ':')
        return hours;
    char *text = n >= 3 && strcmp(variable + n - 3, "UTC") == 0
                     ? xstrdup("UTC")
                     : xasprintf("%s (%s)", variable, hours);
    free(hours);
    return text;
}

/* The database by its file's name, which tells more than the type that it claims. */
static char *country_text(const struct chart_words *w, const struct caption_source *s)
{
    char day[WHEN_TEXT_MAX];

    if (!s->country_path)
        return xstrdup(w->no_countries);
    const char *slash = strrchr(s->country_path, '/');
    const char *name = slash ? slash + 1 : s->country_path, *dot = strrchr(name, '.');
    int length = (int)(dot ? (size_t)(dot - name) : strlen(name));
    return xasprintf(_("%s %.*s, %s"), w->countries_by, length, name,
                     when_day(NULL, s->country_built, day));
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
    char *zone = caption_zone(source->zone, source->zone_variable, source->when),
         *countries = country_text(w, source);
    char *sensors = sensor_text(w, source);
    char *note = xasprintf("%s %s · %s · %s", w->times, zone, countries, sensors);

    free(zone);
    free(countries);
    free(sensors);
    return note;
}

#include "base/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/language.h"

enum { DAY_S = 86400 };

/* strftime with what no locale changes. */
static void put(char out[WHEN_TEXT_MAX], const char *format, int64_t local)
{
    struct civil c = civil_from_seconds(local);
    struct tm tm = {.tm_year = c.year - 1900,
                    .tm_mon = (int)c.month - 1,
                    .tm_mday = (int)c.day,
                    .tm_hour = (int)c.hour,
                    .tm_min = (int)c.minute,
                    .tm_sec = (int)c.second};

    if (strftime(out, WHEN_TEXT_MAX, format, &tm) == 0)
        out[0] = 0;
}

const char *when_day(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX])
{
    /* A day, for strftime. xgettext:no-c-format */
    put(out, _("%Y-%m-%d"), zone ? when + zone_offset(zone, when) : when);
    return out;
}

const char *when_time(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX])
{
    /* A time, for strftime. xgettext:no-c-format */
    put(out, _("%Y-%m-%d %H:%M"), when + zone_offset(zone, when));
    return out;
}

const char *when_cell(const struct zone *zone, int64_t when, char out[WHEN_TEXT_MAX])
{
    /* A time in a table, for strftime. xgettext:no-c-format */
    put(out, _x("table", "%Y-%m-%d %H:%M"), when + zone_offset(zone, when));
    return out;
}

/* The end of a day is 24:00, not 00:00 of the next. */
static const char *span(const struct zone *zone, int64_t from, int64_t to, const char *format,
                        char out[WHEN_TEXT_MAX])
{
    char a[WHEN_TEXT_MAX], b[WHEN_TEXT_MAX];

    from -= from % 60;
    to += (60 - to % 60) % 60;
    from += zone_offset(zone, from);
    to += zone_offset(zone, to);
    put(a, format, from);
    if (from / DAY_S == to / DAY_S)
        put(b, "%H:%M", to);
    else if (to % DAY_S == 0 && from / DAY_S == to / DAY_S - 1)
        snprintf(b, sizeof b, "24:00");
    else
        put(b, format, to);
    /* From one time to another. */
    snprintf(out, WHEN_TEXT_MAX, _("%s – %s"), a, b);
    return out;
}

const char *when_span(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX])
{
    return span(zone, from, to, _("%Y-%m-%d %H:%M"), out);
}

static bool is_midnight(const struct zone *zone, int64_t when)
{
    return (when + zone_offset(zone, when)) % DAY_S == 0;
}

const char *when_period(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX])
{
    char a[WHEN_TEXT_MAX], b[WHEN_TEXT_MAX];

    if (!is_midnight(zone, from) || !is_midnight(zone, to))
        return when_span(zone, from, to, out);
    when_day(zone, from, a);
    when_day(zone, to - 1, b);
    if (strcmp(a, b) == 0)
        snprintf(out, WHEN_TEXT_MAX, "%s", a);
    else
        snprintf(out, WHEN_TEXT_MAX, _("%s – %s"), a, b);
    return out;
}

const char *when_told(const struct zone *zone, int64_t from, int64_t to, char out[WHEN_TEXT_MAX])
{
    /* A time in a page that has said what year it is, for strftime. xgettext:no-c-format */
    return span(zone, from, to, _x("no year", "%Y-%m-%d %H:%M"), out);
}

const char *when_listed(int64_t day, char out[WHEN_TEXT_MAX])
{
    static const char *const weekdays[] = {
        Nx_("weekday", "Sun"), Nx_("weekday", "Mon"), Nx_("weekday", "Tue"), Nx_("weekday", "Wed"),
        Nx_("weekday", "Thu"), Nx_("weekday", "Fri"), Nx_("weekday", "Sat")};
    char date[WHEN_TEXT_MAX];

    /* A day in the list of reports, for strftime. xgettext:no-c-format */
    put(date, _x("list of days", "%-d %b"), day * DAY_S);
    /* 1970-01-01 was a Thursday. Weekday and day: */
    snprintf(out, WHEN_TEXT_MAX, _x("list of days", "%1$s, %2$s"),
             _x("weekday", weekdays[((day + 4) % 7 + 7) % 7]), date);
    return out;
}

const char *when_month(int64_t day, char out[WHEN_TEXT_MAX])
{
    /* A month, for strftime. xgettext:no-c-format */
    put(out, _("%B %Y"), day * DAY_S);
    return out;
}

#include "parse/clock.h"

enum {
    DAY_S = 86400,
    YEARS_AROUND = 8,
    /* Loggers with several threads swap neighbours: a line this much before the line before it is
     * late, not an hour ahead. */
    DISORDER_S = 60
};

void clock_init(struct clock *c, const struct clock_rule *rule, int64_t before)
{
    *c = (struct clock){.rule = *rule, .before = before, .guess = before};
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool date_exists(int year, const struct stamp *s)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return s->day <= days[s->month - 1] || (s->month == 2 && s->day == 29 && is_leap(year));
}

/* Wall time to UTC; a fold goes by the line before. */
static int64_t in_order(const struct clock *c, int64_t local, int64_t before)
{
    return zone_to_utc(c->rule.zone, local, before == INT64_MIN ? INT64_MIN : before - DISORDER_S);
}

static int64_t in_year(const struct clock *c, const struct stamp *s, int year, int64_t after)
{
    int64_t at = civil_seconds(year, s->month, s->day, 0, 0, 0) + s->seconds;
    return s->is_utc ? at : in_order(c, at, after);
}

/* The first line: the given year, else the latest that isn't more than a day past the file's
 * time. */
static bool first_year(const struct clock *c, const struct stamp *s, int64_t *when)
{
    int year = c->rule.year;

    if (year) {
        if (!date_exists(year, s))
            return false;
        *when = in_year(c, s, year, INT64_MIN);
        return true;
    }
    int latest = civil_from_seconds(c->rule.file_time + 2 * DAY_S).year;
    for (year = latest; year > latest - YEARS_AROUND; year--) {
        if (!date_exists(year, s))
            continue;
        *when = in_year(c, s, year, INT64_MIN);
        if (*when <= c->rule.file_time + DAY_S)
            return true;
    }
    return false;
}

/* A later line: the year nearest to the line before. */
static bool nearest_year(const struct clock *c, const struct stamp *s, int64_t before,
                         int64_t *when)
{
    int around = civil_from_seconds(before).year;
    int64_t best = INT64_MAX;
    bool found = false;

    for (int year = around - 1; year <= around + 1; year++) {
        if (!date_exists(year, s))
            continue;
        int64_t t = in_year(c, s, year, before);
        int64_t distance = t > before ? t - before : before - t;
        if (distance < best) {
            best = distance;
            *when = t;
            found = true;
        }
    }
    return found;
}

static int64_t resolve(const struct clock *c, const struct stamp *s, int64_t before)
{
    int64_t when = before == INT64_MIN ? c->rule.file_time : before;

    switch (s->kind) {
    case STAMP_UTC: return s->seconds;
    case STAMP_LOCAL: return in_order(c, s->seconds, before);
    case STAMP_YEARLESS:
        /* The first one, and no line before it; what has no year keeps the time before. */
        (void)(before == INT64_MIN ? first_year(c, s, &when) : nearest_year(c, s, before, &when));
        return when;
    case STAMP_NONE: break;
    }
    return when;
}

/* Whether a stamp is of the day that is kept, and that day is of the year nearest to the line
 * before: it lies a few days from it. */
static bool is_kept_day(const struct clock *c, const struct stamp *s)
{
    return s->kind == STAMP_YEARLESS && s->month == c->month && s->day == c->day &&
           c->before > c->midnight - 3 * DAY_S && c->before < c->midnight + 3 * DAY_S;
}

/* Nearly all stamps are of the day of the stamp before: what it took to find its year is kept. */
static void keep_day(struct clock *c, const struct stamp *s, int64_t when)
{
    int64_t local = s->is_utc ? when : when + zone_offset(c->rule.zone, when),
            midnight = local - s->seconds;
    struct civil day = civil_from_seconds(midnight);

    c->month = 0;
    if (midnight % DAY_S || day.month != s->month || day.day != s->day)
        return; /* in a gap, or a date that isn't */
    c->midnight = midnight;
    c->month = s->month;
    c->day = s->day;
}

int64_t clock_resolve(struct clock *c, const struct stamp *stamp)
{
    int64_t when;

    if (is_kept_day(c, stamp)) {
        when = c->midnight + stamp->seconds;
        if (!stamp->is_utc)
            when = in_order(c, when, c->before);
    } else {
        when = resolve(c, stamp, c->before);
        if (stamp->kind == STAMP_YEARLESS)
            keep_day(c, stamp, when);
    }

    if (!c->settled && stamp->kind != STAMP_UTC) {
        c->depends = true;
        c->first = *stamp;
        c->first_when = when;
    }
    c->settled = true;
    /* The file's time, for want of a better, says nothing of the next line's year. */
    if (stamp->kind != STAMP_NONE)
        c->before = when;
    return when;
}

bool clock_confirm(const struct clock *c, int64_t before)
{
    if (!c->depends || before == c->guess)
        return true;
    /* Without a time of its own the first line handed the guess on to the next. */
    return c->first.kind != STAMP_NONE && resolve(c, &c->first, before) == c->first_when;
}

#include "parse/stamp.h"

#include <strings.h>

#include "base/zone.h"
#include "parse/cursor.h"

static int month_number(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int m = 0; m < 12; m++)
        if (p[0] == names[m * 3] && p[1] == names[m * 3 + 1] && p[2] == names[m * 3 + 2])
            return m + 1;
    return 0;
}

/* "hh:mm:ss" at `at`; seconds of the day, or -1. */
static int time_of_day(const struct cursor *c, size_t at)
{
    int h = cursor_number(c, at, 2), m = cursor_number(c, at + 3, 2),
        s = cursor_number(c, at + 6, 2);

    if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 || peek(c, at + 2) != ':' ||
        peek(c, at + 5) != ':')
        return -1;
    return h * 3600 + m * 60 + s;
}

static size_t skip_fraction(const struct cursor *c, size_t at)
{
    if ((peek(c, at) != '.' && peek(c, at) != ',') || !is_digit(peek(c, at + 1)))
        return at;
    for (at++; is_digit(peek(c, at)); at++)
        ;
    return at;
}

static bool valid_day(int month, int day)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return day >= 1 && day <= days[month - 1];
}

/* "[yyyy ]Mmm [d]d[ yyyy] hh:mm:ss[.frac][:]"; the length read, or 0. */
static size_t bsd_stamp(const struct cursor *c, struct stamp *out)
{
    size_t at = 0;
    int year = 0;

    if (peek(c, 4) == ' ' && (year = cursor_number(c, 0, 4)) >= 1970)
        at = 5;
    else
        year = 0;
    if ((size_t)(c->end - c->p) < at + 14 || peek(c, at + 3) != ' ')
        return 0;
    int month = month_number(c->p + at);
    if (!month)
        return 0;
    at += 4;
    while (peek(c, at) == ' ')
        at++;
    int day = cursor_number(c, at, 2);
    if (day >= 0)
        at += 2;
    else if ((day = cursor_number(c, at, 1)) >= 0)
        at += 1;
    if (day < 0 || !valid_day(month, day) || peek(c, at) != ' ')
        return 0;
    at++;
    if (!year && peek(c, at + 4) == ' ' && (year = cursor_number(c, at, 4)) >= 1970)
        at += 5;
    else if (year < 1970)
        year = 0;
    int seconds = time_of_day(c, at);
    if (seconds < 0)
        return 0;
    at = skip_fraction(c, at + 8);
    out->month = (uint8_t)month;
    out->day = (uint8_t)day;
    out->seconds = seconds;
    out->kind = STAMP_YEARLESS;
    if (year) {
        int64_t date = civil_seconds(year, (unsigned)month, (unsigned)day, 0, 0, 0);
        if (civil_from_seconds(date).day != (unsigned)day) { /* no leap year */
            out->kind = STAMP_NONE;
            return 0;
        }
        out->kind = STAMP_LOCAL;
        out->seconds += date;
    }
    return at;
}

/* What stands between a date's parts and before its time: RFC 3339, with a blank for the T, with
 * slashes (Yamaha, Huawei) or with colons (Sophos UTM: "2026:11:24-10:00:01"). */
static bool date_signs(const struct cursor *c)
{
    char sign = peek(c, 4), before_time = peek(c, 10);

    if (peek(c, 7) != sign)
        return false;
    if (sign == ':')
        return before_time == '-';
    return (sign == '-' || sign == '/') && (before_time == 'T' || before_time == ' ');
}

/* RFC 3339 and its like, the offset optional, with or without its colon; the length read, or 0. */
static size_t iso_stamp(const struct cursor *c, struct stamp *out)
{
    int year = cursor_number(c, 0, 4), month = cursor_number(c, 5, 2), day = cursor_number(c, 8, 2);

    if (year < 1970 || month < 1 || month > 12 || day < 1 || !date_signs(c))
        return 0;
    int seconds = time_of_day(c, 11);
    int64_t date = civil_seconds(year, (unsigned)month, (unsigned)day, 0, 0, 0);
    if (seconds < 0 || civil_from_seconds(date).day != (unsigned)day)
        return 0;
    size_t at = skip_fraction(c, 19);
    out->kind = STAMP_LOCAL;
    out->seconds = date + seconds;
    char sign = peek(c, at);
    if (sign == 'Z') {
        out->kind = STAMP_UTC;
        return at + 1;
    }
    if (sign != '+' && sign != '-')
        return at;
    size_t colon = peek(c, at + 3) == ':';
    int hours = cursor_number(c, at + 1, 2), minutes = cursor_number(c, at + 3 + colon, 2);
    if (hours < 0 || minutes < 0)
        return at;
    if (hours > 23 || minutes > 59) { /* RFC 3339 5.6 */
        out->kind = STAMP_NONE;
        return 0;
    }
    out->kind = STAMP_UTC;
    out->seconds -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return at + 5 + colon;
}

/* ---- the rarer forms ---- */

struct date {
    int year, month, day; /* year 0: none */
};

static bool valid_date(const struct date *d)
{
    if (d->month < 1 || d->month > 12 || !valid_day(d->month, d->day))
        return false;
    if (!d->year)
        return true;
    int64_t s = civil_seconds(d->year, (unsigned)d->month, (unsigned)d->day, 0, 0, 0);
    return d->year >= 1970 && civil_from_seconds(s).day == (unsigned)d->day;
}

static bool is_date_mark(char ch)
{
    return ch == '/' || ch == '-' || ch == ' ' || ch == '.';
}

static int month_at(const struct cursor *c, size_t at)
{
    return (size_t)(c->end - c->p) >= at + 3 ? month_number(c->p + at) : 0;
}

/* One or two digits; moves *at behind them. */
static int short_number(const struct cursor *c, size_t *at)
{
    size_t n = is_digit(peek(c, *at + 1)) ? 2 : 1;
    int v = cursor_number(c, *at, n);

    if (v >= 0)
        *at += n;
    return v;
}

/* "2026/11/24", "2026-11-24". */
static bool year_first(const struct cursor *c, size_t *at, struct date *d)
{
    size_t i = *at + 5;

    d->year = cursor_number(c, *at, 4);
    char mark = peek(c, *at + 4);
    if (d->year < 0 || (mark != '/' && mark != '-' && mark != '.'))
        return false;
    d->month = short_number(c, &i);
    if (d->month < 0 || peek(c, i++) != mark)
        return false;
    d->day = short_number(c, &i);
    *at = i;
    return true;
}

/* "24/Nov/2026", "24-Nov-2026", "24 Nov 2026", "24Nov2026". */
static bool day_first(const struct cursor *c, size_t *at, struct date *d)
{
    size_t i = *at;

    d->day = short_number(c, &i);
    i += is_date_mark(peek(c, i));
    d->month = month_at(c, i);
    if (d->day < 0 || !d->month)
        return false;
    i += 3;
    i += is_date_mark(peek(c, i));
    d->year = cursor_number(c, i, 4);
    *at = i + 4;
    return d->year >= 0;
}

/* "Nov 24", "Nov 24 2026"; else the year may stand behind the time. */
static bool month_first(const struct cursor *c, size_t *at, struct date *d)
{
    size_t i = *at + 3;

    d->year = 0;
    d->month = month_at(c, *at);
    if (!d->month || peek(c, i) != ' ')
        return false;
    while (peek(c, i) == ' ')
        i++;
    d->day = short_number(c, &i);
    if (peek(c, i) == ' ' && peek(c, i + 5) == ' ' && cursor_number(c, i + 1, 4) >= 1970) {
        d->year = cursor_number(c, i + 1, 4);
        i += 5;
    }
    *at = i;
    return d->day >= 0;
}

static size_t weekday(const struct cursor *c)
{
    static const char names[] = "MonTueWedThuFriSatSun";

    if ((size_t)(c->end - c->p) < 5)
        return 0;
    for (int i = 0; i < 7; i++)
        if (memcmp(c->p, names + (size_t)i * 3, 3) == 0) {
            size_t at = peek(c, 3) == ',' ? 4 : 3;
            return peek(c, at) == ' ' ? at + 1 : 0;
        }
    return 0;
}

/* "Z", "UTC", "GMT", "+09:00", "-0500"; seconds east of UTC. The length, or 0. */
static size_t offset_at(const struct cursor *c, size_t at, int *seconds)
{
    char sign = peek(c, at);

    *seconds = 0;
    if (sign == 'Z')
        return 1;
    if ((size_t)(c->end - c->p) >= at + 3 &&
        (memcmp(c->p + at, "UTC", 3) == 0 || memcmp(c->p + at, "GMT", 3) == 0) &&
        !is_letter(peek(c, at + 3)) && peek(c, at + 3) != '+' && peek(c, at + 3) != '-')
        return 3;
    if (sign != '+' && sign != '-')
        return 0;
    size_t colon = peek(c, at + 3) == ':';
    int hours = cursor_number(c, at + 1, 2), minutes = cursor_number(c, at + 3 + colon, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return 0;
    *seconds = (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return 5 + colon;
}

static void stamp_of_date(const struct date *d, int seconds, struct stamp *out)
{
    out->month = (uint8_t)d->month;
    out->day = (uint8_t)d->day;
    out->seconds = seconds;
    out->kind = STAMP_YEARLESS;
    if (d->year) {
        out->kind = STAMP_LOCAL;
        out->seconds += civil_seconds(d->year, (unsigned)d->month, (unsigned)d->day, 0, 0, 0);
    }
}

/* Behind the time of day: the year of asctime, or an offset. Gives the whole's length. */
static size_t behind_time(const struct cursor *c, size_t at, struct date *d, int *offset,
                          bool *has_offset)
{
    size_t blank = peek(c, at) == ' ';
    size_t n = offset_at(c, at + blank, offset);

    *has_offset = n > 0 && d->year;
    if (*has_offset)
        return at + blank + n;
    if (!d->year && blank) {
        int year = cursor_number(c, at + 1, 4);
        char next = peek(c, at + 5);
        if (year >= 1970 && (next == ' ' || next == ']' || (next == 0 && weekday(c)))) {
            d->year = year;
            return at + 5;
        }
    }
    return at;
}

static size_t odd_stamp(const struct cursor *c, struct stamp *out)
{
    size_t at = weekday(c);
    struct date d = {0};
    int offset;
    bool has_offset;

    if (!year_first(c, &at, &d) && !day_first(c, &at, &d) && !month_first(c, &at, &d))
        return 0;
    if (peek(c, at) == ',')
        at++;
    char mark = peek(c, at);
    if (mark != ' ' && mark != 'T' && mark != ':' && mark != '-')
        return 0;
    while (peek(c, ++at) == ' ')
        ;
    int seconds = time_of_day(c, at);
    if (seconds < 0)
        return 0;
    at = behind_time(c, skip_fraction(c, at + 8), &d, &offset, &has_offset);
    bool cut = (peek(c, at) == '+' || peek(c, at) == '-') && is_digit(peek(c, at + 1));
    if (!valid_date(&d) || cut)
        return 0;
    stamp_of_date(&d, seconds, out);
    if (has_offset) {
        out->kind = STAMP_UTC;
        out->seconds -= offset;
    }
    return at;
}

/* Seconds since 1970, or their thousandths, millionths, milliardths. */
static size_t epoch_stamp(const struct cursor *c, struct stamp *out)
{
    int64_t v = 0;
    size_t n = 0;

    for (; n < 20 && is_digit(peek(c, n)); n++)
        if (n < 10)
            v = v * 10 + (peek(c, n) - '0');
    if (n != 10 && n != 13 && n != 16 && n != 19 && (n != 9 || peek(c, n) != '.'))
        return 0;
    if (peek(c, n) == '.' && n <= 10)
        for (n++; is_digit(peek(c, n)); n++)
            ;
    if (is_letter(peek(c, n)) || peek(c, n) == '-' || peek(c, n) == ':')
        return 0;
    out->kind = STAMP_UTC;
    out->seconds = v;
    return n;
}

/* Whether a year or an offset may stand behind the `n` bytes of "Nov 24 [2026 ]10:00:01". */
static bool may_go_on(const struct cursor *c, size_t n)
{
    char next = peek(c, n);

    if (!is_letter(peek(c, 0)))
        return false;
    return next == '+' || next == '-' || next == 'Z' ||
           (next == ' ' && is_digit(peek(c, n + 1)) && peek(c, n + 5) == ' ');
}

size_t stamp_read(struct str text, struct stamp *out)
{
    struct cursor c = cursor_over(text);
    size_t n = 0;

    out->kind = STAMP_NONE;
    out->is_utc = false;
    if (text.n < 10)
        return 0;
    if (is_digit(text.p[0])) {
        n = iso_stamp(&c, out);
        if (n == 0)
            n = epoch_stamp(&c, out);
    }
    if (n == 0)
        n = bsd_stamp(&c, out);
    if (n == 0 || may_go_on(&c, n)) {
        struct stamp longer; /* with the year or an offset behind the time */
        size_t m = odd_stamp(&c, &longer);
        if (m > n) {
            *out = longer;
            n = m;
        }
    }
    if (n == 0)
        out->kind = STAMP_NONE;
    return n;
}

void stamp_of_parts(struct str date, struct str time, struct str zone, struct stamp *out)
{
    char text[96];
    struct cursor z = cursor_over(zone);
    int offset;

    out->kind = STAMP_NONE;
    if (date.n + time.n + 1 > sizeof text)
        return;
    struct str all = time.n ? time : date;
    if (date.n && time.n) {
        memcpy(text, date.p, date.n);
        text[date.n] = ' ';
        memcpy(text + date.n + 1, time.p, time.n);
        all = (struct str){text, date.n + 1 + time.n};
    }
    if (stamp_read(all, out) != all.n) {
        out->kind = STAMP_NONE;
        return;
    }
    if (out->kind == STAMP_LOCAL && offset_at(&z, 0, &offset) == zone.n && zone.n) {
        out->kind = STAMP_UTC;
        out->seconds -= offset;
    }
}

/* Local time to UTC and back: by hand around the changes that hurt, and against the C library. */
#include "base/zone.h"

#include <time.h>

#include "helper.h"

static void test_to_utc(void **state)
{
    static const struct {
        const char *zone, *local, *after, *utc;
    } cases[] = {
        {"UTC", "2026-11-24T10:00:01", NULL, "2026-11-24T10:00:01Z"},
        {"Asia/Tokyo", "2026-11-24T10:00:01", NULL, "2026-11-24T01:00:01Z"},
        {"Asia/Kathmandu", "2026-01-01T00:00:00", NULL, "2025-12-31T18:15:00Z"},
        {"America/New_York", "2026-07-01T00:00:00", NULL, "2026-07-01T04:00:00Z"},
        /* the fold: without a line before, the first; else the first that isn't before it */
        {"Europe/Berlin", "2026-10-25T01:59:59", NULL, "2026-10-24T23:59:59Z"},
        {"Europe/Berlin", "2026-10-25T02:00:00", NULL, "2026-10-25T00:00:00Z"},
        {"Europe/Berlin", "2026-10-25T02:30:00", NULL, "2026-10-25T00:30:00Z"},
        {"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"},
        {"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:01Z", "2026-10-25T01:30:00Z"},
        {"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T01:30:01Z", "2026-10-25T01:30:00Z"},
        {"Europe/Berlin", "2026-10-25T02:59:59", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"},
        {"Europe/Berlin", "2026-10-25T03:00:00", NULL, "2026-10-25T02:00:00Z"},
        {"America/New_York", "2026-11-01T01:30:00", NULL, "2026-11-01T05:30:00Z"},
        {"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:59:59Z", "2026-11-01T06:30:00Z"},
        /* half an hour only: 02:00 becomes 01:30 */
        {"Australia/Lord_Howe", "2026-04-05T01:29:59", NULL, "2026-04-04T14:29:59Z"},
        {"Australia/Lord_Howe", "2026-04-05T01:45:00", NULL, "2026-04-04T14:45:00Z"},
        {"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:46:00Z",
         "2026-04-04T15:15:00Z"},
        {"Australia/Lord_Howe", "2026-04-05T02:00:00", NULL, "2026-04-04T15:30:00Z"},
        /* the gap: the offset before it, so that the order stays */
        {"Europe/Berlin", "2026-03-29T01:59:59", NULL, "2026-03-29T00:59:59Z"},
        {"Europe/Berlin", "2026-03-29T02:00:00", NULL, "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-03-29T02:30:00", NULL, "2026-03-29T01:30:00Z"},
        {"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"},
        {"Europe/Berlin", "2026-03-29T03:00:00", NULL, "2026-03-29T01:00:00Z"},
        {"America/New_York", "2026-03-08T02:30:00", NULL, "2026-03-08T07:30:00Z"},
        {"Australia/Lord_Howe", "2026-10-04T02:15:00", NULL, "2026-10-03T15:45:00Z"},
        {"Australia/Lord_Howe", "2026-10-04T02:30:00", NULL, "2026-10-03T15:30:00Z"},
        /* a whole day that never was: Samoa crossed the date line */
        {"Pacific/Apia", "2011-12-29T23:59:59", NULL, "2011-12-30T09:59:59Z"},
        {"Pacific/Apia", "2011-12-30T12:00:00", NULL, "2011-12-30T22:00:00Z"},
        {"Pacific/Apia", "2011-12-31T00:00:00", NULL, "2011-12-30T10:00:00Z"},
        /* a fold without a saving: Caracas 2007, half an hour back for good */
        {"America/Caracas", "2007-12-09T02:45:00", NULL, "2007-12-09T06:45:00Z"},
        {"America/Caracas", "2007-12-09T02:45:00", "2007-12-09T07:00:00Z", "2007-12-09T07:15:00Z"},
    };
    char text[TIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t after = cases[i].after ? utc(cases[i].after) : INT64_MIN;
        int64_t when = zone_to_utc(open_zone(cases[i].zone), utc(cases[i].local), after);
        same_text(cases[i].local, time_format_utc(when, text), cases[i].utc);
    }
}

static int libc_offset(int64_t when)
{
    time_t t = (time_t)when;
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    return (int)tm.tm_gmtoff;
}

/* The first instant that shows `local` on the wall, by trying the offsets that the zone has near it. */
static int64_t first_showing(int64_t local, int64_t when)
{
    int64_t first = when;

    for (int64_t near = when - 2 * 86400; near <= when + 2 * 86400; near += 3600) {
        int64_t t = local - libc_offset(near);
        if (t < first && t + libc_offset(t) == local)
            first = t;
    }
    return first;
}

static void check_instant(const struct zone *z, int64_t when)
{
    int offset = libc_offset(when);

    assert_int_equal(zone_offset(z, when), offset);
    assert_int_equal(zone_to_utc(z, when + offset, when), when);
    assert_int_equal(zone_to_utc(z, when + offset, INT64_MIN), first_showing(when + offset, when));
}

static void test_against_libc(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",      "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
        "Africa/Cairo",       "Pacific/Apia",     "America/Caracas",     "Asia/Pyongyang",
        "Antarctica/Troll",   "America/St_Johns", "Europe/Dublin",       "America/Sao_Paulo",
        "Pacific/Kiritimati", "Asia/Kolkata",     "Etc/GMT+12",          "Europe/Volgograd",
    };
    static const int around[] = {-86400, -7201, -3600, -1800, -1, 0, 1, 1799, 3599, 3600, 86400};
    size_t changes = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct zone *z = open_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = utc("2000-01-08"); t < utc("2069-12-01"); t += 86400) {
            if (libc_offset(t) == libc_offset(t + 86400))
                continue;
            int64_t lo = t, hi = t + 86400;
            while (hi - lo > 1) {
                int64_t mid = (lo + hi) / 2;
                *(libc_offset(mid) == libc_offset(t) ? &lo : &hi) = mid;
            }
            for (size_t k = 0; k < COUNT(around); k++)
                check_instant(z, hi + around[k]);
            changes++;
        }
    }
    unsetenv("TZ");
    tzset();
    assert_true(changes > 800); /* or the loop above has looked at nothing */
}

static void test_names(void **state)
{
    static const char *const bad[] = {
        "",       "Mars/Olympus",   "/etc/localtime", "../zoneinfo/UTC",
        "Europe", "europe/berlin ", "Europe/../UTC"};
    const struct zone *z = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(zone_open(bad[i], &z), -ENOENT);
    assert_null(z);
    assert_ptr_equal(open_zone("Europe/Berlin"), open_zone("Europe/Berlin"));
    assert_string_equal(zone_name(open_zone("Asia/Tokyo")), "Asia/Tokyo");

    /* the process's own zone is as it was */
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    open_zone("America/Lima");
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    assert_int_equal(libc_offset(0), 9 * 3600);
    assert_int_equal(zone_offset(open_zone("local"), 0), 9 * 3600);
    unsetenv("TZ");
    tzset();
}

static void test_civil(void **state)
{
    static const struct {
        int year;
        unsigned month, day;
        int64_t days;
    } cases[] = {
        {1970, 1, 1, 0},      {1969, 12, 31, -1},  {1972, 2, 29, 789},
        {2000, 2, 29, 11016}, {2000, 3, 1, 11017}, {2026, 11, 24, 20781},
        {2100, 2, 28, 47540}, {2100, 3, 1, 47541}, {1600, 1, 1, -135140},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(civil_days(cases[i].year, cases[i].month, cases[i].day), cases[i].days);
        struct civil c = civil_from_seconds(cases[i].days * 86400 + 86399);
        assert_int_equal(c.year, cases[i].year);
        assert_int_equal(c.month, cases[i].month);
        assert_int_equal(c.day, cases[i].day);
        assert_int_equal(c.hour * 10000 + c.minute * 100 + c.second, 235959);
    }
}

static void test_parse(void **state)
{
    static const struct {
        const char *text, *utc; /* NULL: refused */
    } cases[] = {
        {"2026-11-24T10:00:01Z", "2026-11-24T10:00:01Z"},
        {"2026-11-24t10:00:01z", "2026-11-24T10:00:01Z"},
        {"2026-11-24 10:00:01.999Z", "2026-11-24T10:00:01Z"},
        {"2026-11-24T10:00:01+09:00", "2026-11-24T01:00:01Z"},
        {"2026-11-24T10:00:01-0330", "2026-11-24T13:30:01Z"},
        {"2026-11-24", "2026-11-23T23:00:00Z"}, /* in the zone: Berlin */
        {"2026-11-24 10:00", "2026-11-24T09:00:00Z"},
        {"2026-07-24 10:00:30", "2026-07-24T08:00:30Z"},
        {"2024-02-29", "2024-02-28T23:00:00Z"},
        {"2026-02-29", NULL},
        {"2026-13-01", NULL},
        {"2026-00-10", NULL},
        {"2026-04-31", NULL},
        {"2026-11-24 24:00", NULL},
        {"2026-11-24 10", NULL},
        {"2026-11-24 10:60", NULL},
        {"2026-11-24T10:00:01Zx", NULL},
        {"2026-11-24T10:00:01+24:00", NULL},
        {"2026-11-24 ", NULL},
        {"26-11-24", NULL},
        {"yesterday", NULL},
        {"", NULL},
    };
    const struct zone *z = open_zone("Europe/Berlin");
    char text[TIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t when = 4711;
        int rc = time_parse(cases[i].text, z, &when);
        same_number(cases[i].text, rc, cases[i].utc ? 0 : -EINVAL);
        if (cases[i].utc)
            same_text(cases[i].text, time_format_utc(when, text), cases[i].utc);
        else
            assert_int_equal(when, 4711);
    }
}

static void test_format_local(void **state)
{
    char text[TIME_TEXT_MAX];
    const struct zone *z = open_zone("Europe/Berlin");

    (void)state;
    assert_string_equal(time_format_local(z, utc("2026-11-24T10:00:00"), text), "2026-11-24 11:00");
    assert_string_equal(time_format_local(z, utc("2026-07-24T22:00:05"), text),
                        "2026-07-25 00:00:05");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_utc), cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_names),  cmocka_unit_test(test_civil),
        cmocka_unit_test(test_parse),  cmocka_unit_test(test_format_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When the report of which day is due. */
#include "pipeline/reports_uv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t at(const struct zone *zone, int year, unsigned month, unsigned day, unsigned hour,
                  unsigned minute)
{
    return zone_to_utc(zone, civil_seconds(year, month, day, hour, minute, 0), INT64_MIN);
}

static const struct zone *zone_of(const char *name)
{
    const struct zone *zone;

    assert_int_equal(zone_open(name, &zone), 0);
    return zone;
}

static void a_day_is_due_at_the_hour_after_it(void **state)
{
    static const char *const zones[] = {"UTC", "Asia/Tokyo", "America/St_Johns", "Europe/Berlin"};

    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        struct report_order o = {.zone = zone_of(zones[i]), .at_s = 6 * 3600 + 30 * 60};
        /* 2026-10-25 has 25 hours in Berlin. */
        assert_int_equal(reports_due(&o, at(o.zone, 2026, 10, 26, 6, 29)),
                         civil_days(2026, 10, 24));
        assert_int_equal(reports_due(&o, at(o.zone, 2026, 10, 26, 6, 30)),
                         civil_days(2026, 10, 25));
        assert_int_equal(reports_due(&o, at(o.zone, 2026, 10, 26, 23, 59)),
                         civil_days(2026, 10, 25));
        o.at_s = 0;
        assert_int_equal(reports_due(&o, at(o.zone, 2026, 1, 1, 0, 0)), civil_days(2025, 12, 31));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_day_is_due_at_the_hour_after_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

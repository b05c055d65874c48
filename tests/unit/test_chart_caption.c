/* The words of a chart: units, spans in the reader's zone, and where the figures are from. */
#include "chart/caption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MIDNIGHT = 1795392000, HOUR = 3600, DAY = 86400 }; /* 2026-11-23 in UTC */

static struct chart_definition *definition;

static int load_definition(void **state)
{
    struct error err = {0};

    (void)state;
    return chart_definition_load("rrd/chart.yaml", &definition, &err);
}

static int free_definition(void **state)
{
    (void)state;
    chart_definition_free(definition);
    return 0;
}

static const struct zone *zone_of(const char *name)
{
    const struct zone *zone;
    assert_int_equal(zone_open(name, &zone), 0);
    return zone;
}

/* Takes `text` over. */
static void assert_text(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void a_key_has_its_service(void **state)
{
    (void)state;
    assert_text(caption_key(definition, "23/tcp"), "23/tcp (telnet)");
    assert_text(caption_key(definition, "24/tcp"), "24/tcp");
    assert_text(caption_key(definition, "CN"), "China (CN)");
    assert_text(caption_key(definition, "ZZ"), "unknown (ZZ)");
}

static void whole_days_are_dates(void **state)
{
    static const struct {
        const char *zone;
        int64_t from, to;
        unsigned step_s;
        const char *text;
    } cases[] = {
        {"UTC", MIDNIGHT, MIDNIGHT + DAY, HOUR, "events per hour · 2026-11-23"},
        {"UTC", MIDNIGHT, MIDNIGHT + 3 * DAY, HOUR, "events per hour · 2026-11-23 – 2026-11-25"},
        {"UTC", MIDNIGHT, MIDNIGHT + HOUR, 300, "events per 5 minutes · 2026-11-23 00:00 – 01:00"},
        {"UTC", MIDNIGHT, MIDNIGHT + DAY, DAY, "events per hour, means of 24 h · 2026-11-23"},
        {"Asia/Tokyo", MIDNIGHT, MIDNIGHT + DAY, HOUR,
         "events per hour · 2026-11-23 09:00 – 2026-11-24 09:00"},
        {"Asia/Tokyo", MIDNIGHT - 9 * HOUR, MIDNIGHT + 15 * HOUR, HOUR,
         "events per hour · 2026-11-23"},
        /* 2026-10-25 has 25 hours in Berlin. */
        {"Europe/Berlin", 1792879200, 1792879200 + 25 * HOUR, HOUR, "events per hour · 2026-10-25"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(caption_subtitle(definition, zone_of(cases[i].zone), cases[i].from, cases[i].to,
                                     cases[i].step_s),
                    cases[i].text);
}

static void a_note_tells_zone_countries_and_sensors(void **state)
{
    static const char *const sensors[] = {"a", "b", "c", "d", "e"};
    struct caption_source source = {.zone = zone_of("Asia/Tokyo"),
                                    .zone_variable = "Asia/Tokyo",
                                    .when = MIDNIGHT,
                                    .country_path = "/usr/share/GeoIP/GeoLite2-Country.mmdb",
                                    .country_built = MIDNIGHT,
                                    .sensors = sensors,
                                    .sensor_count = 1};

    (void)state;
    assert_text(caption_note(definition, &source),
                "Times in Asia/Tokyo (UTC+09:00) · countries by GeoLite2-Country, 2026-11-23 · "
                "sensor a");
    source.country_path = NULL;
    source.sensor_count = 4;
    source.zone = zone_of("America/St_Johns");
    source.zone_variable = ":/etc/localtime";
    assert_text(caption_note(definition, &source),
                "Times in UTC-03:30 · without a country database · sensors a, b, c, d");
    source.sensor_count = 5;
    source.zone = zone_of("UTC");
    source.zone_variable = "Etc/UTC";
    assert_text(caption_note(definition, &source),
                "Times in UTC · without a country database · sensors a, b, c, +2");
}

static void the_zone_is_what_tz_says(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    assert_text(caption_zone_variable(), "Europe/Berlin");
    unsetenv("TZ");
    char *own = caption_zone_variable();
    assert_true(*own != 0);
    free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_its_service),
        cmocka_unit_test(whole_days_are_dates),
        cmocka_unit_test(a_note_tells_zone_countries_and_sensors),
        cmocka_unit_test(the_zone_is_what_tz_says),
    };

    return cmocka_run_group_tests(tests, load_definition, free_definition);
}

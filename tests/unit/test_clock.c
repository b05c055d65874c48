/* Years, folds and gaps told by the order of lines and the log's own time. */
#include "parse/clock.h"

#include "helper.h"
#include "parse/envelope.h"

enum { LINES_MAX = 8 };

/* The stamp at the head of a text. */
static struct stamp stamp_of(const char *text)
{
    struct envelope env;
    envelope_parse(str_from(text), NULL, &env);
    return env.stamp;
}

/* A log: when it was last written, its stamps (those of lines without one are "-"), and what they must become. */
struct log {
    const char *zone, *file_time;
    int year;
    const char *stamps[LINES_MAX], *utc[LINES_MAX];
};

static const struct log logs[] = {
    /* the first line: the latest year that isn't more than a day past the file's time */
    {"UTC", "2026-11-24T10:00:00", 0, {"Nov 24 09:59:59"}, {"2026-11-24T09:59:59Z"}},
    {"UTC", "2026-11-24T10:00:00", 0, {"Nov 25 10:00:00"}, {"2026-11-25T10:00:00Z"}},
    {"UTC", "2026-11-24T10:00:00", 0, {"Nov 25 10:00:01"}, {"2025-11-25T10:00:01Z"}},
    {"UTC", "2026-01-01T00:00:05", 0, {"Dec 31 23:59:59"}, {"2025-12-31T23:59:59Z"}},
    {"UTC", "2025-12-31T23:59:00", 0, {"Jan  1 00:00:10"}, {"2026-01-01T00:00:10Z"}},
    {"Asia/Tokyo", "2025-12-31T20:00:00", 0, {"Jan  1 05:00:00"}, {"2025-12-31T20:00:00Z"}},
    {"UTC", "2027-03-01T00:00:00", 0, {"Feb 29 12:00:00"}, {"2024-02-29T12:00:00Z"}},
    {"UTC", "2026-11-24T10:00:00", 2019, {"Dec 31 00:00:00"}, {"2019-12-31T00:00:00Z"}},
    /* a year in which the date isn't: the file's time */
    {"UTC", "2026-11-24T10:00:00", 2025, {"Feb 29 00:00:00"}, {"2026-11-24T10:00:00Z"}},

    /* each next line: the year nearest to the line before */
    {"UTC",
     "2026-02-01T00:00:00",
     0,
     {"Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58", "Jan  1 00:00:01"},
     {"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:58Z",
      "2026-01-01T00:00:01Z"}},
    {"UTC",
     "2026-12-01T00:00:00",
     2023,
     {"Oct  1 00:00:00", "Mar  1 00:00:00", "Aug  1 00:00:00", "Jan  1 00:00:00"},
     {"2023-10-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-08-01T00:00:00Z",
      "2025-01-01T00:00:00Z"}},
    {"UTC",
     "2025-03-01T00:00:00",
     2024,
     {"Feb 28 23:00:00", "Feb 29 00:00:00", "Mar  1 00:00:00"},
     {"2024-02-28T23:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"}},
    /* February 29th where no year around has one: the time of the line before */
    {"UTC",
     "2026-11-24T00:00:00",
     2026,
     {"Mar  1 00:00:00", "Feb 29 00:00:00", "Mar  1 00:00:02"},
     {"2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:02Z"}},
    /* the day of the stamp before is kept, but not into another year */
    {"Asia/Tokyo",
     "2025-11-25T00:00:00",
     0,
     {"Nov 24 23:10:00", "Nov 24 23:10:01", "2026-11-24T22:00:00", "Nov 24 23:10:02",
      "Nov 25 00:00:01"},
     {"2025-11-24T14:10:00Z", "2025-11-24T14:10:01Z", "2026-11-24T13:00:00Z",
      "2026-11-24T14:10:02Z", "2026-11-24T15:00:01Z"}},
    /* New Year by the sensor's clock, not by UTC's */
    {"America/New_York",
     "2026-01-01T12:00:00",
     0,
     {"Dec 31 23:59:59", "Jan  1 00:00:00"},
     {"2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z"}},
    {"Asia/Tokyo",
     "2026-01-01T12:00:00",
     0,
     {"Dec 31 23:59:59", "Jan  1 00:00:00"},
     {"2025-12-31T14:59:59Z", "2025-12-31T15:00:00Z"}},

    /* the fold by order */
    {"Europe/Berlin",
     "2026-10-26T00:00:00",
     0,
     {"Oct 25 01:59:59", "Oct 25 02:10:00", "Oct 25 02:59:59", "Oct 25 02:00:00", "Oct 25 02:10:00",
      "Oct 25 03:00:00"},
     {"2026-10-24T23:59:59Z", "2026-10-25T00:10:00Z", "2026-10-25T00:59:59Z",
      "2026-10-25T01:00:00Z", "2026-10-25T01:10:00Z", "2026-10-25T02:00:00Z"}},
    {"America/New_York",
     "2026-11-02T00:00:00",
     0,
     {"2026-11-01T01:59:59", "2026-11-01T01:00:00", "2026-11-01T01:01:01", "2026-11-01T01:59:59",
      "2026-11-01T02:00:00"},
     {"2026-11-01T05:59:59Z", "2026-11-01T06:00:00Z", "2026-11-01T06:01:01Z",
      "2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z"}},
    {"Australia/Lord_Howe",
     "2026-04-06T00:00:00",
     0,
     {"Apr  5 01:30:00", "Apr  5 01:59:59", "Apr  5 01:30:00", "Apr  5 02:00:00"},
     {"2026-04-04T14:30:00Z", "2026-04-04T14:59:59Z", "2026-04-04T15:00:00Z",
      "2026-04-04T15:30:00Z"}},
    /* lines a little out of order don't jump the hour, in neither pass */
    {"Europe/Berlin",
     "2026-10-26T00:00:00",
     0,
     {"Oct 25 02:10:01", "Oct 25 02:10:00", "Oct 25 02:59:59", "Oct 25 02:00:01", "Oct 25 02:59:58",
      "Oct 25 02:00:02", "Oct 25 02:00:01"},
     {"2026-10-25T00:10:01Z", "2026-10-25T00:10:00Z", "2026-10-25T00:59:59Z",
      "2026-10-25T01:00:01Z", "2026-10-25T00:59:58Z", "2026-10-25T01:00:02Z",
      "2026-10-25T01:00:01Z"}},
    /* the gap */
    {"Europe/Berlin",
     "2026-03-30T00:00:00",
     0,
     {"Mar 29 01:59:59", "Mar 29 02:30:00", "Mar 29 03:31:00"},
     {"2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z", "2026-03-29T01:31:00Z"}},
    {"America/New_York",
     "2026-03-09T00:00:00",
     0,
     {"Mar  8 01:59:59", "Mar  8 03:00:00"},
     {"2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z"}},

    /* a line without a time has that of the line before, and changes nothing */
    {"UTC",
     "2026-02-01T00:00:00",
     0,
     {"Dec 31 23:59:59", "-", "Jan  1 00:00:00", "-"},
     {"2025-12-31T23:59:59Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z",
      "2026-01-01T00:00:00Z"}},
    /* before the first time: the file's, which says nothing of the first line's year */
    {"UTC",
     "2026-06-01T00:00:00",
     0,
     {"-", "-", "Jul  1 00:00:00", "May 31 00:00:00"},
     {"2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "2025-07-01T00:00:00Z",
      "2025-05-31T00:00:00Z"}},
    {"UTC",
     "2026-06-01T00:00:00",
     2019,
     {"-", "Jul  1 00:00:00"},
     {"2026-06-01T00:00:00Z", "2019-07-01T00:00:00Z"}},

    /* kinds mixed: what has its year or its offset leads the others */
    {"Asia/Tokyo",
     "2026-06-01T00:00:00",
     0,
     {"2021-12-31T23:59:59Z", "Jan  1 09:00:00", "2022-01-01T10:00:00", "Dec 31 23:00:00"},
     {"2021-12-31T23:59:59Z", "2022-01-01T00:00:00Z", "2022-01-01T01:00:00Z",
      "2021-12-31T14:00:00Z"}},
};

static void test_logs(void **state)
{
    char text[TIME_TEXT_MAX], row[64];

    (void)state;
    for (size_t i = 0; i < COUNT(logs); i++) {
        const struct log *log = &logs[i];
        struct clock_rule rule = {open_zone(log->zone), utc(log->file_time), log->year};
        struct clock c;
        clock_init(&c, &rule, INT64_MIN);
        for (size_t k = 0; k < LINES_MAX && log->stamps[k]; k++) {
            struct stamp s = stamp_of(log->stamps[k]);
            snprintf(row, sizeof row, "log %zu, line %zu (%s)", i, k + 1, log->stamps[k]);
            same_text(row, time_format_utc(clock_resolve(&c, &s), text), log->utc[k]);
        }
    }
}

/* A block parsed from a guess is confirmed exactly when the truth gives the same times. */
static void test_confirm(void **state)
{
    static const struct {
        const char *zone, *guess; /* NULL: none */
        const char *stamps[LINES_MAX];
        const char *truth;
        bool confirmed;
    } cases[] = {
        {"UTC", "2026-11-24T10:00:00", {"Nov 24 11:00:00"}, "2026-11-24T10:00:00", true},
        {"UTC", "2026-11-24T10:00:00", {"Nov 24 11:00:00"}, "2026-07-01T00:00:00", true},
        {"UTC", "2026-11-24T10:00:00", {"Nov 24 11:00:00"}, "2025-11-24T10:00:00", false},
        {"UTC", "2026-11-24T10:00:00", {"Jan  2 11:00:00"}, "2027-01-01T00:00:00", true},
        {"UTC", "2026-06-01T00:00:00", {"Dec 30 11:00:00"}, "2027-01-01T00:00:00", false},
        {"UTC", NULL, {"Nov 24 11:00:00"}, "2026-11-24T10:00:00", true},
        {"UTC", NULL, {"Nov 25 11:00:00"}, "2026-11-25T10:00:00", false}, /* guessed 2025 */
        {"UTC", NULL, {"Nov 24 11:00:00"}, "2024-11-24T10:00:00", false},
        /* what has its offset depends on nothing, and all behind it on that alone */
        {"UTC", "1999-01-01T00:00:00", {"2026-11-24T11:00:00Z", "Nov 24 12:00:00"}, NULL, true},
        /* the fold: only where the guess lies on the other side of it */
        {"Europe/Berlin",
         "2026-10-25T00:50:00",
         {"2026-10-25T02:55:00"},
         "2026-10-25T00:54:00",
         true},
        {"Europe/Berlin",
         "2026-10-25T00:50:00",
         {"2026-10-25T02:45:00"},
         "2026-10-25T00:40:00",
         false},
        {"Europe/Berlin",
         "2026-10-25T00:30:00",
         {"2026-10-25T02:45:00"},
         "2026-10-25T01:00:00",
         false},
        {"Europe/Berlin",
         "2026-10-25T00:30:00",
         {"2026-10-25T12:00:00"},
         "2026-10-25T01:00:00",
         true},
        {"Europe/Berlin", NULL, {"Oct 25 02:45:00"}, "2026-10-25T00:00:00", true},
        {"Europe/Berlin", NULL, {"Oct 25 02:45:00"}, "2026-10-25T00:50:00", false},
        /* a first line without a time takes the guess itself, and hands it on */
        {"UTC", "2026-11-24T10:00:00", {"-", "Nov 24 11:00:00"}, "2026-11-24T10:00:00", true},
        {"UTC", "2026-11-24T10:00:00", {"-", "Nov 24 11:00:00"}, "2026-11-24T10:00:01", false},
        {"UTC", NULL, {"-", "Dec 31 11:00:00"}, "2026-11-24T10:00:00", false},
        {"UTC", NULL, {"-"}, NULL, true},
        /* no line at all */
        {"UTC", "2026-11-24T10:00:00", {NULL}, "2020-11-24T10:00:00", true},
    };
    char row[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clock_rule rule = {open_zone(cases[i].zone), utc("2026-11-24T10:00:00"), 0};
        int64_t guess = cases[i].guess ? utc(cases[i].guess) : INT64_MIN;
        int64_t truth = cases[i].truth ? utc(cases[i].truth) : INT64_MIN;
        struct clock guessed, right;
        bool same = true;

        clock_init(&guessed, &rule, guess);
        clock_init(&right, &rule, truth);
        for (size_t k = 0; k < LINES_MAX && cases[i].stamps[k]; k++) {
            struct stamp s = stamp_of(cases[i].stamps[k]);
            same &= clock_resolve(&guessed, &s) == clock_resolve(&right, &s);
        }
        snprintf(row, sizeof row, "case %zu", i);
        same_number(row, clock_confirm(&guessed, truth), cases[i].confirmed);
        same_number(row, same, cases[i].confirmed);
    }
}

/* The same at random: a confirmed block's times are always those of the true line before. */
static void test_confirm_random(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "Australia/Lord_Howe", "UTC"};
    const int64_t fold = utc("2026-10-25T01:00:00"), new_year = utc("2027-01-01T00:00:00");
    unsigned confirmed = 0, rejected = 0;
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const struct zone *z = open_zone(zones[random_below(&seed, 3)]);
        struct clock_rule rule = {z, new_year, 0};
        int64_t around = random_below(&seed, 2) ? fold : new_year;
        int64_t spread = random_below(&seed, 2) ? 3 * 3600 : 400 * 86400;
        int64_t guess = around + (int64_t)random_below(&seed, (uint32_t)spread) - spread / 2;
        int64_t truth = around + (int64_t)random_below(&seed, (uint32_t)spread) - spread / 2;
        if (random_below(&seed, 8) == 0)
            guess = INT64_MIN;
        struct clock a, b;
        bool same = true;
        clock_init(&a, &rule, guess);
        clock_init(&b, &rule, truth);
        int64_t at = around - spread / 2;
        for (int line = 0; line < 4; line++) {
            at += (int64_t)random_below(&seed, (uint32_t)spread / 4);
            struct civil c = civil_from_seconds(at);
            struct stamp s = {.kind = (enum stamp_kind)random_below(&seed, 4),
                              .month = (uint8_t)c.month,
                              .day = (uint8_t)c.day};
            s.seconds =
                s.kind == STAMP_YEARLESS ? (int64_t)(c.hour * 3600 + c.minute * 60 + c.second) : at;
            same &= clock_resolve(&a, &s) == clock_resolve(&b, &s);
        }
        bool said = clock_confirm(&a, truth);
        if (said)
            assert_true(same);
        confirmed += said;
        rejected += !said;
    }
    assert_true(confirmed > 1000 && rejected > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_confirm),
        cmocka_unit_test(test_confirm_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

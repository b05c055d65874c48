/* Findings: what each verdict takes, what is one less, and that one happening is told once. */
#include "report/findings.h"

#include <limits.h>

#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "pipeline/commit.h"
#include "store/burst.h"

enum { DAY = 24 * HOUR_S, T0 = 1764028800 /* 2025-11-25 00:00 UTC */, NOON = 12 * HOUR_S };
enum { SCAN = CLASS_SCAN, BACK = CLASS_BACKSCATTER };
enum { ODD = -9999 }; /* a step of no pattern */

/* n events over so many seconds; a step goes on from each event to the next. */
struct plant {
    int n, from, seconds;
    int source, source_step, target, target_step; /* of the address's last 16 bits, last byte */
    int port, port_step, sport, sport_step;
    int class;
};

static uint16_t stepped(int base, int step, int i)
{
    return (uint16_t)(step == ODD ? base + (int)((int64_t)i * i * 31 % 9973) : base + i * step);
}

static void plant(struct tally *t, const struct plant *p, const char *country)
{
    uint16_t cc = COUNTRY_UNKNOWN;

    assert_int_equal(country_parse(str_from(country), &cc), 0);
    for (int i = 0; i < p->n; i++) {
        struct event e = {
            .when = T0 + p->from + (int64_t)i * p->seconds / p->n,
            .source = ip_from_v4(0x2d000000U + (unsigned)(p->source + i * p->source_step)),
            .destination =
                ip_from_v4(0xc0000200U + (unsigned)(p->target + i * p->target_step) % 50),
            .count = 1,
            .has_ports = true,
            .class = (uint8_t)p->class,
            .source_port = stepped(p->sport, p->sport_step, i),
            .port = port_key(PORT_TCP, stepped(p->port, p->port_step, i))};
        tally_add(t, STR("gw"), &e, cc);
    }
}

static struct store *fresh_store(void)
{
    static char path[PATH_MAX];
    static unsigned n;
    struct error err = {0};
    struct store *s;

    snprintf(path, sizeof path, "%s/facts%u", temp_folder, n++);
    if (store_open(path, STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

/* All in one commit, the whole of days 0 to `days` watched. */
static void commit(struct store *s, struct tally *t, int days)
{
    struct log_state log = {.is_stream = true, .mark = true, .watched_to = T0 + days * DAY - 1};
    struct commit_part part = {.log = &log, .tallies = &t, .n = 1};
    struct error err = {0};

    log.position.first_when = T0;
    if (commit_write(s, &(struct commit_tags){0}, &part, 1, &err) < 0)
        fail_msg("%s", faults_text(&err));
}

/* ---- as text ---- */

static void print_lists(FILE *out, const struct finding *f)
{
    char port[PORT_TEXT_MAX], country[3], ip[IP_TEXT_MAX];

    for (size_t i = 0; f->ports.all <= 2 && i < f->ports.n; i++) {
        port_format(f->ports.list[i], port);
        fprintf(out, " %s", port);
    }
    fprintf(out, f->ports.all > 2 ? " %zu ports" : "", f->ports.all);
    for (size_t i = 0; i < f->countries.n; i++)
        fprintf(out, " %s", country_format(f->countries.list[i], country));
    if (f->sources.all == 1) {
        ip_format(&f->sources.list[0], ip);
        fprintf(out, " from %s", ip);
    } else if (f->sources.all) {
        fprintf(out, " from %zu", f->sources.all);
    }
    if (f->targets.all)
        fprintf(out, " at %zu", f->targets.all);
}

static char *found(struct store *s, int from, int to)
{
    struct findings_query q = {.from = T0 + from, .to = T0 + to};
    struct findings list;
    char *text;
    size_t size;

    assert_int_equal(findings_make(s, &q, &list), 0);
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < list.n; i++) {
        const struct finding *f = &list.list[i];
        fprintf(out, "%s%s %d-%d %d", i ? "; " : "", verdict_name(f->verdict), (int)(f->from - T0),
                (int)(f->to - T0), (int)f->events);
        print_lists(out, f);
        for (int v = 0; v < VERDICT_COUNT; v++)
            if (f->also >> v & 1)
                fprintf(out, ", also %s", verdict_name((enum verdict_kind)v));
    }
    fclose(out);
    findings_fini(&list);
    return text;
}

/* ---- what one source does ---- */

/* A sensor has 50 targets, so 10 of them make a horizontal scan. */
static const struct row {
    const char *name;
    struct plant plants[2];
    int count;
    const char *want;
} rows[] = {
    {"a flood",
     {{510, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 100-600 510 23/tcp CA from 45.0.0.1 at 1"},
    {"one less", {{499, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}}, 1, ""},
    {"two targets flooded at once are one happening",
     {{510, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN},
      {510, 300, 500, 1, 0, 8, 0, 23, 0, 4000, ODD, SCAN}},
     2,
     "flood 100-800 1020 23/tcp CA from 45.0.0.1 at 2"},
    {"an hour later it is another",
     {{510, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN},
      {510, 4300, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     2,
     "flood 100-600 510 23/tcp CA from 45.0.0.1 at 1; flood 4300-4800 510 23/tcp CA from 45.0.0.1 "
     "at 1"},
    {"a micro-burst of one target is no flood besides",
     {{1200, 100, 9, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "micro-burst 100-109 1200 23/tcp CA from 45.0.0.1 at 1, also flood"},
    {"one that goes on for minutes is a flood",
     {{20000, 100, 150, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 100-250 20000 23/tcp CA from 45.0.0.1 at 1, also micro-burst"},
    {"a hundred ports",
     {{101, 100, 3000, 1, 0, 9, 7, 500, ODD, 4000, ODD, SCAN}},
     1,
     "vertical-scan 100-3071 101 101 ports CA from 45.0.0.1"},
    {"ninety-nine", {{99, 100, 3000, 1, 0, 9, 7, 500, ODD, 4000, ODD, SCAN}}, 1, ""},
    {"a hundred ports over the hour's turn",
     {{110, 2000, 3300, 1, 0, 9, 7, 500, ODD, 4000, ODD, SCAN}},
     1,
     "vertical-scan 2000-5271 110 110 ports CA from 45.0.0.1"},
    {"a hundred ports, but slower",
     {{110, 0, 2 * HOUR_S, 1, 0, 9, 7, 500, ODD, 4000, ODD, SCAN}},
     1,
     ""},
    {"ports in a row are a sequence, and wide",
     {{300, 100, 500, 1, 0, 9, 0, 500, 1, 4000, ODD, SCAN}},
     1,
     "sequential 100-599 300 300 ports CA from 45.0.0.1 at 1, also vertical-scan"},
    {"a wide scan of one target at speed is no flood",
     {{900, 100, 500, 1, 0, 9, 0, 500, ODD, 4000, ODD, SCAN}},
     1,
     "vertical-scan 100-600 900 900 ports CA from 45.0.0.1 at 1, also flood"},
    {"ten of fifty targets",
     {{10, 100, 3000, 1, 0, 9, 1, 23, 0, 4000, ODD, SCAN}},
     1,
     "horizontal-scan 100-2801 10 23/tcp CA from 45.0.0.1 at 10"},
    {"nine", {{9, 100, 3000, 1, 0, 9, 1, 23, 0, 4000, ODD, SCAN}}, 1, ""},
    {"ten, five on either side of the hour",
     {{10, 2000, 3300, 1, 0, 9, 1, 23, 0, 4000, ODD, SCAN}},
     1,
     "horizontal-scan 2000-4971 10 23/tcp CA from 45.0.0.1 at 10"},
    {"answers of one source",
     {{105, 100, 500, 1, 0, 9, 1, 4000, ODD, 443, 0, BACK}},
     1,
     "reflection 100-596 105 443/tcp CA from 45.0.0.1"},
    {"answers of one service by many",
     {{105, 100, 500, 1, 1, 9, 1, 4000, ODD, 123, 0, BACK}},
     1,
     "reflection 100-596 105 123/tcp CA from 105"},
};

/* The sensor's fifty targets, each touched by a stranger of its own. */
static const struct plant background = {50, 0, DAY, 5000, 1, 0, 1, 22, 0, 4000, ODD, SCAN};

static void test_one_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct store *s = fresh_store();
        struct tally *t = tally_new();
        plant(t, &background, "DE");
        for (int k = 0; k < rows[i].count; k++)
            plant(t, &rows[i].plants[k], "CA");
        commit(s, t, 1);
        char *text = found(s, 0, DAY);
        same_text(rows[i].name, text, rows[i].want);
        free(text);
        tally_free(t);
        store_close(s);
    }
}

/* ---- what series do ---- */

enum { DAYS = 3, JUDGED = 2 * DAY };

/* Three quiet days: 22/tcp and 443/tcp from DE and FR, 40 an hour each, never the same source twice. */
static void quiet_days(struct tally *t, int lull_from, int lull_to)
{
    static const char *const countries[] = {"DE", "FR"};

    for (int h = 0; h < DAYS * 24; h++)
        for (int k = 0; k < 4; k++) {
            struct plant p = {.n = h >= lull_from && h < lull_to ? 4 : 40,
                              .from = h * HOUR_S,
                              .seconds = HOUR_S,
                              .source = 100000 + (h * 4 + k) * 41,
                              .source_step = 1,
                              .target_step = 1,
                              .port = k & 1 ? 443 : 22,
                              .sport = 4000,
                              .sport_step = ODD};
            plant(t, &p, countries[k >> 1]);
        }
}

static const struct series_row {
    const char *name;
    struct plant plants[2];
    int count;
    const char *country;
    int lull_from, lull_to;
    const char *want;
} series_rows[] = {
    {"quiet days", {{0}}, 0, "NL", 0, 0, ""},
    {"a pair's hour, by three sources",
     {{150, JUDGED + NOON, 3000, 9000, 0, 9, 0, 23, 0, 4000, ODD, SCAN},
      {150, JUDGED + NOON, 3000, 9001, 0, 8, 0, 23, 0, 4000, ODD, SCAN}},
     2,
     "NL",
     0,
     0,
     "burst 216000-219600 300 23/tcp NL from 2"},
    {"what is less than sure",
     {{28, JUDGED + NOON, 3000, 9000, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "NL",
     0,
     0,
     ""},
    {"two hours are one burst",
     {{150, JUDGED + NOON, 3600, 9000, 0, 9, 0, 23, 0, 4000, ODD, SCAN},
      {150, JUDGED + NOON + HOUR_S, 3600, 9000, 0, 8, 0, 23, 0, 4000, ODD, SCAN}},
     2,
     "NL",
     0,
     0,
     "burst 216000-223200 300 23/tcp NL from 45.0.35.40"},
    {"many sources, none heavy",
     {{400, JUDGED + NOON, 3600, 9000, 1, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "NL",
     0,
     0,
     "distributed 216000-219600 400 23/tcp NL from 400"},
    {"three sources at one port beside many at it two hours later are two happenings",
     {{400, JUDGED + NOON, 3600, 9000, 1, 9, 0, 23, 0, 4000, ODD, SCAN},
      {300, JUDGED + NOON + 2 * HOUR_S, 3600, 20000, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     2,
     "NL",
     0,
     0,
     "distributed 216000-219600 400 23/tcp NL from 400; burst 223200-226800 300 23/tcp NL from "
     "45.0.78.32"},
    {"two ports at one rate",
     {{300, JUDGED + NOON, 2400, 9000, 1, 9, 3, 80, 0, 4000, ODD, SCAN},
      {300, JUDGED + NOON, 2400, 20000, 1, 8, 3, 8080, 0, 4000, ODD, SCAN}},
     2,
     "NL",
     0,
     0,
     "lockstep 216000-218400 600 80/tcp 8080/tcp NL from 300"},
    {"a port that was never there, all the day",
     {{240, JUDGED, DAY, 9000, 1, 9, 3, 9001, 0, 4000, ODD, SCAN}},
     1,
     "NL",
     0,
     0,
     "newcomer 172800-259200 240 9001/tcp NL from 240"},
    {"the line is down for two hours", {{0}}, 0, "NL", 60, 62, "sensor-fall 216000-223200 32"},
    {"a flood isn't told again as a burst",
     {{700, JUDGED + NOON, 500, 9000, 0, 9, 0, 22, 0, 4000, ODD, SCAN}},
     1,
     "NL",
     0,
     0,
     "flood 216000-216500 700 22/tcp NL from 45.0.35.40 at 1"},
};

static void test_series(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(series_rows); i++) {
        const struct series_row *row = &series_rows[i];
        struct store *s = fresh_store();
        struct tally *t = tally_new();
        quiet_days(t, row->lull_from, row->lull_to);
        for (int k = 0; k < row->count; k++)
            plant(t, &row->plants[k], row->country);
        commit(s, t, DAYS);
        char *text = found(s, JUDGED, JUDGED + DAY);
        same_text(row->name, text, row->want);
        free(text);
        tally_free(t);
        store_close(s);
    }
}

/* Brazil's noon is 15:00 UTC. */
static char *rhythm_of(int days, int day)
{
    struct store *s = fresh_store();
    struct tally *t = tally_new();

    quiet_days(t, 0, 0);
    for (int d = 0; d < days; d++) {
        plant(t,
              &(struct plant){90, d * DAY + 10 * HOUR_S, 12 * HOUR_S, 9000 + 200 * d, 1, 9, 1, 5555,
                              0, 4000, ODD, SCAN},
              "BR");
        plant(t,
              &(struct plant){20, d * DAY + 22 * HOUR_S, (d == days - 1 ? 2 : 12) * HOUR_S,
                              12000 + 200 * d, 1, 9, 1, 5555, 0, 4000, ODD, SCAN},
              "BR");
    }
    commit(s, t, DAYS);
    char *text = found(s, day * DAY, (day + 1) * DAY);
    tally_free(t);
    store_close(s);
    return text;
}

static void test_rhythm(void **state)
{
    (void)state;
    char *text = rhythm_of(DAYS, 2);
    same_text("by day", text, "rhythm 0-259200 330 5555/tcp BR");
    free(text);
    text = rhythm_of(DAYS, 0);
    same_text("the first day's, told by the days after it", text,
              "rhythm 0-259200 330 5555/tcp BR");
    free(text);
    text = rhythm_of(2, 1);
    same_text("two days are not three", text, "");
    free(text);
}

/* Each day tells all of it, and both days together tell it once. */
static void test_midnight(void **state)
{
    static const char *const want = "vertical-scan 84600-87871 110 110 ports CA from 45.0.0.1";
    struct store *s = fresh_store();
    struct tally *t = tally_new();

    (void)state;
    plant(t, &(struct plant){110, DAY - 1800, 3300, 1, 0, 9, 7, 500, ODD, 4000, ODD, SCAN}, "CA");
    commit(s, t, 2);
    for (int day = 0; day < 3; day++) {
        char *text = found(s, day == 1 ? DAY : 0, day == 0 ? DAY : 2 * DAY);
        same_text("over midnight", text, want);
        free(text);
    }
    tally_free(t);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_source),
                                       cmocka_unit_test(test_series), cmocka_unit_test(test_rhythm),
                                       cmocka_unit_test(test_midnight)};

    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

/* A data folder kept below its size: what goes, in which order, and what is said. */
#include "pipeline/upkeep.h"

#include "base/port.h"
#include "base/usage.h"
#include "helper.h"
#include "store/segment.h"

enum { DAY = 24 * HOUR_S, DAYS = 60, SOURCES = 1500 };

static const int64_t day0 = 1764028800; /* 2025-11-25 */

static void put(struct store *s, enum fact_kind kind, int64_t start, struct segment_writer *w)
{
    struct buf *b = segment_finish(w);
    assert_int_equal(store_put_segment(s, kind, 1, start, w->events, b->p, b->n), 0);
}

/* A day's first hour: many sources, in two bins. */
static void fill_day(struct store *s, int64_t day)
{
    struct segment_writer w = {0};

    for (int i = 0; i < 2; i++) {
        segment_begin(&w, FACT_BIN);
        segment_put_bin(&w, 0, 0, 23, 1, SOURCES / 2);
        put(s, FACT_BIN, day + i * BIN_S, &w);
    }
    segment_begin(&w, FACT_SOURCE);
    for (uint32_t i = 0; i < SOURCES; i++) {
        struct source_fact f = {
            .source = ip_from_v4(i * 65521 + 1), .port = 23, .country = 1, .events = 1};
        f.spread[0] = 1;
        segment_put_source(&w, &f);
    }
    put(s, FACT_SOURCE, day, &w);
    assert_int_equal(store_put_watched(s, 1, day, day + HOUR_S - 1), 0);
    segment_writer_fini(&w);
}

static struct store *fill(const char *data)
{
    struct error err = {0};
    struct store *s;
    uint16_t id;

    assert_int_equal(store_open(data, STORE_WRITE, &s, &err), 0);
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("gw"), &id), 0);
    for (int i = 0; i < DAYS; i++)
        fill_day(s, day0 + i * DAY);
    assert_int_equal(store_commit(s), 0);
    return s;
}

static int64_t ask(const char *data, const char *sql)
{
    char *command = xasprintf("sqlite3 -readonly '%s/facts.db' \"%s\"", data, sql), text[64] = "";
    FILE *f = popen(command, "r");

    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    pclose(f);
    free(command);
    return strtoll(text, NULL, 10);
}

/* Days whose sources are all there, hours of 5 minutes, days. */
static void expect_left(const char *data, int64_t whole, int64_t bins, int64_t days)
{
    assert_int_equal(
        ask(data,
            "SELECT count(*) FROM segment WHERE kind = 2 AND start NOT IN (SELECT hour FROM lean)"),
        whole);
    assert_int_equal(ask(data, "SELECT count(*) FROM segment WHERE kind = 1 AND start % 3600 <> 0"),
                     bins);
    assert_int_equal(ask(data, "SELECT count(DISTINCT start / 86400) FROM segment"), days);
}

static void run(struct upkeep *u, struct store *s, int64_t now)
{
    struct error err = {0};
    bool more = true;

    u->thinned_day = 0;
    while (more)
        assert_int_equal(upkeep_slice(u, s, now, 1, &more, &err), 0);
    assert_int_equal(err.n, 0);
}

static void test_order(void **state)
{
    const char *data = temp_path("order");
    struct store *s = fill(data);
    struct upkeep u = {.data = data};
    int64_t now = day0 + DAYS * DAY, young = KEEP_SOURCES_DAYS;

    (void)state;
    run(&u, s, now);
    assert_int_equal(store_sync(s), 0);
    assert_null(u.said);
    expect_left(data, young, DAYS, DAYS);
    u.max_size = usage_of(data, "").bytes + (1 << 20);
    run(&u, s, now);
    assert_null(u.said);
    expect_left(data, young, DAYS, DAYS);
    /* A little too much: of the oldest that are whole some go, and no bin. */
    struct store_size size;
    assert_int_equal(store_size(s, &size), 0);
    u.max_size = (usage_of(data, "").bytes - size.unused) * 99 / 100;
    run(&u, s, now);
    assert_non_null(strstr(u.said, "sources before"));
    assert_null(strstr(u.said, "5 minutes"));
    int64_t left =
        ask(data,
            "SELECT count(*) FROM segment WHERE kind = 2 AND start NOT IN (SELECT hour FROM lean)");
    assert_in_range(left, SHED_SOURCES_DAYS, young - 1);
    assert_int_equal(ask(data, "SELECT min(start) FROM segment WHERE kind = 2 AND start NOT IN "
                               "(SELECT hour FROM lean)"),
                     now - left * DAY);
    expect_left(data, left, DAYS, DAYS);
    /* Far too much: all that may, and it is said that it's not enough, once. */
    u.max_size = 1000;
    run(&u, s, now);
    assert_non_null(strstr(u.said, "5 minutes before"));
    assert_non_null(strstr(u.said, "nothing is left that may go"));
    expect_left(data, SHED_SOURCES_DAYS, SHED_BINS_DAYS, SHED_ALL_DAYS);
    assert_int_equal(ask(data, "SELECT min(first) FROM coverage"), now - SHED_ALL_DAYS * DAY);
    free(u.said);
    u.said = NULL;
    run(&u, s, now + 60);
    assert_null(u.said);
    store_close(s);
}

/* The file shrinks where nobody waits for it. */
static void test_compact(void **state)
{
    const char *data = temp_path("compact");
    struct store *s = fill(data);
    struct upkeep u = {.data = data};
    struct store_size before, after;

    (void)state;
    run(&u, s, day0 + DAYS * DAY);
    assert_int_equal(store_size(s, &before), 0);
    assert_true(before.unused > 0);
    u.max_size = 1000;
    u.compact = true;
    run(&u, s, day0 + DAYS * DAY);
    assert_int_equal(store_size(s, &after), 0);
    assert_int_equal(after.unused, 0);
    assert_true(after.used < before.used);
    free(u.said);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_compact),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

/* Folding and thinning change no sum: random commits over years, folded and thinned at several times, against what was put
 * in. */
#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "report/rank.h"
#include "series/gather.h"
#include "store/segment.h"
#include "store/store.h"

enum {
    DAY = 24 * HOUR_S,
    DAY0 = 1764028800, /* 2025-11-25 00:00 UTC */
    HOURS = 20,
    PORTS = 4,
    COUNTRIES = 3,
    SOURCES = 40
};

static uint64_t seed = 7;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((seed >> 33) % n);
}

static struct store *fresh_store(const char *name)
{
    struct error err = {0};
    struct store *s = NULL;
    uint16_t id;

    if (store_open(temp_path(name), STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("fw"), &id), 0);
    assert_int_equal(store_commit(s), 0);
    return s;
}

/* Events of one source at one port, as a commit's three deltas. */
static void put(struct store *s, int64_t bin, uint32_t port, uint32_t source, uint64_t events)
{
    struct segment_writer w = {0};
    int64_t hour = bin - bin % HOUR_S;
    uint16_t country = (uint16_t)(source % COUNTRIES), second = (uint16_t)(bin - hour);
    struct source_fact f = {.source = ip_from_v4(source),
                            .port = port,
                            .country = country,
                            .first = second,
                            .last = second,
                            .events = events};

    f.spread[second / BIN_S] = events;
    assert_int_equal(store_begin(s), 0);
    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, port, country, events);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, 1, bin, events, b->p, b->n), 0);
    segment_begin(&w, FACT_SOURCE);
    segment_put_source(&w, &f);
    b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_SOURCE, 1, hour, events, b->p, b->n), 0);
    segment_begin(&w, FACT_TARGET);
    segment_put_target(
        &w, &(struct target_fact){.target = ip_from_v4(1), .port = port, .events = events});
    b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_TARGET, 1, hour, events, b->p, b->n), 0);
    assert_int_equal(store_put_watched(s, 1, bin, bin + BIN_S - 1), 0);
    assert_int_equal(store_commit(s), 0);
    segment_writer_fini(&w);
}

/* The clock is believed by days with events: the last four before `now`, of another sensor. */
static void bear_out(struct store *s, int64_t now)
{
    struct segment_writer w = {0};
    uint16_t id;

    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("witness"), &id), 0);
    for (int i = 0; i < 4; i++) {
        int64_t bin = now - now % DAY - i * DAY;
        segment_begin(&w, FACT_BIN);
        segment_put_bin(&w, 0, 0, 1, 1, 1);
        struct buf *b = segment_finish(&w);
        assert_int_equal(store_put_segment(s, FACT_BIN, id, bin, 1, b->p, b->n), 0);
    }
    assert_int_equal(store_commit(s), 0);
    segment_writer_fini(&w);
}

struct truth {
    uint64_t port[HOURS][PORTS], country[HOURS][COUNTRIES];
};

static int64_t hour_of(int h)
{
    return DAY0 + (h % 2) * DAY + (int64_t)h * HOUR_S;
}

static void fill(struct store *s, struct truth *t, int n)
{
    for (int i = 0; i < n; i++) {
        int h = (int)below(HOURS);
        uint32_t port = below(PORTS), source = 1000 + below(SOURCES);
        uint64_t events = 1 + below(20);
        put(s, hour_of(h) + below(HOUR_BINS) * BIN_S, port, source, events);
        t->port[h][port] += events;
        t->country[h][source % COUNTRIES] += events;
    }
}

struct reading {
    uint64_t port[PORTS], country[COUNTRIES];
};

static int add_bin(void *ctx, const struct bin_fact *f)
{
    struct reading *r = ctx;

    r->port[f->port] += f->events;
    r->country[f->country] += f->events;
    return 0;
}

static int add_port(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told)
{
    (void)rule;
    (void)told;
    ((struct reading *)ctx)->port[key] += events;
    return 0;
}

static int add_country(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told)
{
    (void)rule;
    (void)told;
    ((struct reading *)ctx)->country[key] += events;
    return 0;
}

static void expect(struct store *s, const struct truth *t)
{
    for (int h = 0; h < HOURS; h++) {
        struct reading bins = {0}, margins = {0};
        struct margin_take ports = {.ctx = &margins, .sum = add_port},
                           countries = {.ctx = &margins, .by_country = true, .sum = add_country};
        int64_t from = hour_of(h), to = from + HOUR_S;
        assert_int_equal(store_read_bins(s, 1, from, to, add_bin, &bins), 0);
        assert_int_equal(store_read_margins(s, 1, from, to, &ports), 0);
        assert_int_equal(store_read_margins(s, 1, from, to, &countries), 0);
        assert_memory_equal(bins.port, t->port[h], sizeof bins.port);
        assert_memory_equal(bins.country, t->country[h], sizeof bins.country);
        assert_memory_equal(&margins, &bins, sizeof bins);
    }
}

static int count_source(void *ctx, const struct source_fact *f)
{
    (void)f;
    ++*(size_t *)ctx;
    return 0;
}

static int count_target(void *ctx, const struct target_fact *f)
{
    (void)f;
    ++*(size_t *)ctx;
    return 0;
}

static int count_bin(void *ctx, const struct bin_fact *f)
{
    assert_int_equal(f->bin % HOUR_S, 0);
    ++*(size_t *)ctx;
    return 0;
}

static void test_sums(void **state)
{
    static const int after_days[] = {0, 3, 31, 33, 100, 397, 400, 1000};
    struct store *s = fresh_store("sums");
    struct truth t = {0};
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(after_days); i++) {
        int64_t now = DAY0 + 2 * DAY + after_days[i] * DAY;
        fill(s, &t, 150);
        bear_out(s, now);
        expect(s, &t);
        if (i % 2)
            assert_int_equal(store_thin(s, now), 0); /* hours that aren't folded wait */
        assert_int_equal(store_fold(s, now), 0);
        expect(s, &t);
        assert_int_equal(store_thin(s, now), 0);
        assert_int_equal(store_thin(s, now), 0);
        expect(s, &t);
    }
    /* after three years: hours, no targets, sources */
    assert_int_equal(store_read_targets(s, 1, DAY0, DAY0 + 5 * DAY, count_target, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_read_bins(s, 1, DAY0, DAY0 + 5 * DAY, count_bin, &n), 0);
    assert_true(n > 0);
    /* after five all goes */
    bear_out(s, DAY0 + (KEEP_HOURS_DAYS + 5) * (int64_t)DAY);
    assert_int_equal(store_thin(s, DAY0 + (KEEP_HOURS_DAYS + 5) * (int64_t)DAY), 0);
    t = (struct truth){0};
    expect(s, &t);
    int64_t from, to;
    assert_int_equal(store_extent(s, 1, &from, &to), -ENOENT);
    store_close(s);
}

/* Sketches with anything in them. */
static int count_sketch(void *ctx, const uint8_t *sketch, size_t n)
{
    (void)sketch;
    *(size_t *)ctx += n > 1;
    return 0;
}

static void expect_sketches(struct store *s, size_t n)
{
    size_t found = 0;
    struct margin_take take = {.ctx = &found, .total = count_sketch};

    /* not the whole day, of which there is one row */
    assert_int_equal(store_read_margins(s, 1, DAY0, DAY0 + 3 * HOUR_S, &take), 0);
    assert_int_equal(found, n);
}

/* A day of 900 sources, the first 500 of which have two events: these stay, their number is still known. */
static void test_sources(void **state)
{
    struct store *s = fresh_store("sources");
    struct rank_query q = {.what = RANK_PORTS, .from = DAY0, .to = DAY0 + DAY};
    struct ranking r;
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 900; i++)
        put(s, DAY0 + i % 3 * HOUR_S, 23, 5000 + i, i < 500 ? 2 : 1);
    assert_int_equal(store_fold(s, DAY0 + DAY), 0);
    bear_out(s, DAY0 + (KEEP_SOURCES_DAYS + 1) * DAY);
    assert_int_equal(store_thin(s, DAY0 + (KEEP_SOURCES_DAYS + 1) * DAY - 1), 0);
    assert_int_equal(store_read_sources(s, 1, DAY0, DAY0 + DAY, count_source, &n), 0);
    assert_int_equal(n, 900); /* the day isn't 30 days old yet */
    expect_sketches(s, 3);    /* of its hours */
    assert_int_equal(rank_make(s, &q, &r), 0);
    assert_true(r.sources_exact);
    assert_int_equal(r.sources, 900);
    rank_fini(&r);
    assert_int_equal(store_thin(s, DAY0 + (KEEP_SOURCES_DAYS + 1) * DAY), 0);
    n = 0;
    assert_int_equal(store_read_sources(s, 1, DAY0, DAY0 + DAY, count_source, &n), 0);
    assert_int_equal(n, KEEP_DAY_SOURCES);
    expect_sketches(s, 1); /* of the day */
    bear_out(s, DAY0 + 40 * DAY);
    for (int late = 0; late < 2; late++) {
        assert_int_equal(rank_make(s, &q, &r), 0);
        assert_false(r.sources_exact);
        assert_in_range(r.sources, 900 * 95 / 100, 910 * 105 / 100);
        assert_in_range(r.rows[0].sources, 900 * 85 / 100, 910 * 115 / 100);
        assert_int_equal(r.events, 1400 + late * 100);
        rank_fini(&r);
        /* late, of ten that weren't there, each with more events than any */
        for (uint32_t i = 0; !late && i < 10; i++)
            put(s, DAY0 + HOUR_S, 23, 7000 + i, 10);
        assert_int_equal(store_fold(s, DAY0 + 40 * DAY), 0);
        assert_int_equal(store_thin(s, DAY0 + 40 * DAY), 0);
    }
    store_close(s);
}

/* ---- distinct sources of bins ---- */

enum { CROWD = 2000, CROWD_PORTS = 300, CROWD_HOURS = 4, CROWD_BINS = CROWD_HOURS * HOUR_BINS };

/* Two ports of three that are busy, the others quiet; some sources are heavy, most come a few times. */
static void crowd(struct store *s, uint32_t first_source, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t source = first_source + (below(4) ? below(CROWD) : below(30));
        uint32_t port = below(3) ? below(2) : below(CROWD_PORTS);
        put(s, DAY0 + below(CROWD_BINS) * BIN_S, port, source, below(3) ? 1 : 1 + below(5));
    }
}

struct series_sources {
    size_t n;
    uint32_t list[1 + COUNTRIES + CROWD_PORTS][CROWD_BINS];
};

static struct series_sources *distinct(struct store *s, size_t window)
{
    struct series_sources *out = test_calloc(1, sizeof *out);
    struct series_key keys[1 + COUNTRIES + CROWD_PORTS] = {{.kind = SERIES_TOTAL}};

    out->n = 1;
    for (uint16_t c = 0; c < COUNTRIES; c++)
        keys[out->n++] = (struct series_key){.kind = SERIES_COUNTRY, .country = c};
    for (uint32_t p = 0; p < CROWD_PORTS; p++)
        keys[out->n++] = (struct series_key){.kind = SERIES_PORT, .port = p};
    struct gather *g = gather_new(keys, out->n);
    for (size_t at = 0, bins; at < CROWD_BINS; at += bins) {
        bins = CROWD_BINS - at < window ? CROWD_BINS - at : window;
        int64_t from = DAY0 + (int64_t)at * BIN_S;
        assert_int_equal(gather_read(g, s, 1, from, from + (int64_t)bins * BIN_S), 0);
        for (size_t i = 0; i < out->n; i++)
            memcpy(&out->list[i][at], gather_sources(g, i), bins * sizeof(uint32_t));
    }
    gather_free(g);
    return out;
}

static void expect_distinct(struct store *s, const struct series_sources *want)
{
    struct series_sources *got = distinct(s, 17); /* which begins and ends within hours */

    for (size_t i = 0; i < want->n; i++)
        for (size_t b = 0; b < CROWD_BINS; b++)
            if (got->list[i][b] != want->list[i][b])
                fail_msg("series %zu, bin %zu: %u, not %u", i, b, got->list[i][b],
                         want->list[i][b]);
    test_free(got);
}

/* Of 2,000 sources 500 are left, and none of the 5 minutes: the distinct sources of every series are what they were. */
static void test_distinct(void **state)
{
    struct store *s = fresh_store("distinct");
    int64_t now = DAY0 + (KEEP_SOURCES_DAYS + 2) * DAY, later = DAY0 + (KEEP_BINS_DAYS + 40) * DAY;
    size_t n = 0;

    (void)state;
    crowd(s, 1000, 4000);
    assert_int_equal(store_fold(s, DAY0 + DAY), 0);
    struct series_sources *want = distinct(s, CROWD_BINS);
    bear_out(s, now);
    assert_int_equal(store_thin(s, now), 0);
    assert_int_equal(store_read_sources(s, 1, DAY0, DAY0 + DAY, count_source, &n), 0);
    assert_in_range(n, KEEP_DAY_SOURCES, 3000);
    expect_distinct(s, want);
    /* late ones that nobody has seen before, until they are thinned and afterwards */
    crowd(s, 100000, 500);
    test_free(want);
    want = distinct(s, CROWD_BINS);
    assert_int_equal(store_fold(s, now), 0);
    assert_int_equal(store_thin(s, now), 0);
    expect_distinct(s, want);
    /* hours */
    bear_out(s, later);
    assert_int_equal(store_thin(s, later), 0);
    struct series_sources *hours = distinct(s, 2 * HOUR_BINS);
    for (size_t i = 0; i < want->n; i++)
        for (size_t b = 0; b < CROWD_BINS; b += HOUR_BINS) {
            uint32_t sum = 0;
            for (size_t k = 0; k < HOUR_BINS; k++)
                sum += want->list[i][b + k];
            assert_int_equal(hours->list[i][b], sum);
            assert_int_equal(hours->list[i][b + 1], 0);
        }
    test_free(hours);
    test_free(want);
    store_close(s);
}

/* The facts end on day 9: a clock that is years ahead removes what it would remove a week past the fourth-newest day. */
static void test_clock_ahead(void **state)
{
    static const struct {
        int64_t now, believed;
    } table[] = {
        {DAY0 + 3 * DAY, 0}, /* three days with events by then */
        {DAY0 + 4 * DAY, DAY0 + 4 * DAY},
        {DAY0 + 13 * DAY, DAY0 + 13 * DAY},
        {DAY0 + 13 * DAY + 1, DAY0 + 13 * DAY},
        {DAY0 + 4000 * (int64_t)DAY, DAY0 + 13 * DAY},
    };
    struct store *s = fresh_store("clock");
    int64_t believed, from, to;

    (void)state;
    for (int day = 1; day < 10; day++)
        put(s, DAY0 + day * DAY, 23, 1, 1);
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(store_believe(s, table[i].now, &believed), 0);
        assert_int_equal(believed, table[i].believed);
    }
    assert_int_equal(store_fold(s, DAY0 + 4000 * (int64_t)DAY), 0);
    assert_int_equal(store_thin(s, DAY0 + 4000 * (int64_t)DAY), 0);
    assert_int_equal(store_extent(s, 1, &from, &to), 0);
    assert_int_equal(from, DAY0 + DAY);
    /* The wrong clock's own events, of three days, are believed no more. */
    for (int day = 0; day < 3; day++)
        put(s, DAY0 + (4000 + day) * (int64_t)DAY, 23, 1, 1);
    assert_int_equal(store_fold(s, DAY0 + 4010 * (int64_t)DAY), 0);
    assert_int_equal(store_thin(s, DAY0 + 4003 * (int64_t)DAY), 0);
    assert_int_equal(store_extent(s, 1, &from, &to), 0);
    assert_int_equal(from, DAY0 + DAY);
    put(s, DAY0 + 4003 * (int64_t)DAY, 23, 1, 1);
    assert_int_equal(store_thin(s, DAY0 + 4004 * (int64_t)DAY), 0);
    assert_int_equal(store_extent(s, 1, &from, &to), 0);
    assert_int_equal(from, DAY0 + 4000 * (int64_t)DAY);
    store_close(s);
}

/* Slices do a day each, and between two of them others may commit. */
static void test_slices(void **state)
{
    struct store *s = fresh_store("slices");
    int64_t now = DAY0 + 100 * DAY;
    int slices = 1;
    bool more;

    (void)state;
    for (int day = 0; day < 5; day++)
        put(s, DAY0 + day * DAY, 23, 1, 1);
    bear_out(s, now);
    for (assert_int_equal(store_fold_slice(s, now, 1, &more), 0); more; slices++)
        assert_int_equal(store_fold_slice(s, now, 1, &more), 0);
    assert_true(slices >= 5);
    slices = 1;
    for (assert_int_equal(store_thin_slice(s, now, 1, &more), 0); more; slices++) {
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(store_commit(s), 0);
        assert_int_equal(store_thin_slice(s, now, 1, &more), 0);
    }
    assert_in_range(slices, 5, 6);
    size_t n = 0;
    assert_int_equal(store_read_targets(s, 1, DAY0, DAY0 + 5 * DAY, count_target, &n), 0);
    assert_int_equal(n, 0);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),     cmocka_unit_test(test_sources),
        cmocka_unit_test(test_distinct), cmocka_unit_test(test_clock_ahead),
        cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

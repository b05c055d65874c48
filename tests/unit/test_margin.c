/* Margins: the same sums as the bins they are made of, before, after and again after facts that come late; sketches that
 * count as sources do. */
#include "store/margin.h"

#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "report/rank.h"
#include "store/segment.h"
#include "store/store.h"

enum { HOUR0 = 1764000000 - 1764000000 % HOUR_S, DAY = 24 * HOUR_S, CN = 2 * 26 + 13 };

static struct store *fresh_store(void)
{
    static unsigned n;
    char name[32];
    struct error err = {0};
    struct store *s = NULL;

    snprintf(name, sizeof name, "margin%u", n++);
    if (store_open(temp_path(name), STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    uint16_t id;
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("fw"), &id), 0);
    assert_int_equal(store_commit(s), 0);
    assert_int_equal(id, 1);
    return s;
}

/* One event each at `port` from `n` sources from `first` on, all in the hour's second bin, as one commit's deltas. */
static void put(struct store *s, int64_t hour, uint32_t port, uint32_t first, uint32_t n)
{
    struct segment_writer w = {0};

    assert_int_equal(store_begin(s), 0);
    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, port, CN, n);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, 1, hour + BIN_S, n, b->p, b->n), 0);
    segment_begin(&w, FACT_SOURCE);
    for (uint32_t i = 0; i < n; i++) {
        struct source_fact f = {.source = ip_from_v4(first + i),
                                .port = port,
                                .country = CN,
                                .first = BIN_S,
                                .last = BIN_S,
                                .events = 1};
        f.spread[1] = 1;
        segment_put_source(&w, &f);
    }
    b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_SOURCE, 1, hour, n, b->p, b->n), 0);
    assert_int_equal(store_commit(s), 0);
    segment_writer_fini(&w);
}

struct seen {
    uint64_t events, totals, sources;
    uint32_t port;
};

static int see_sum(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told)
{
    struct seen *x = ctx;

    (void)rule;
    (void)told;
    x->events += key == x->port ? events : 0;
    return 0;
}

static int see_total(void *ctx, const uint8_t *sketch, size_t n)
{
    (void)sketch;
    (void)n;
    ((struct seen *)ctx)->totals++;
    return 0;
}

static int see_source(void *ctx, const struct source_fact *f)
{
    (void)f;
    ((struct seen *)ctx)->sources++;
    return 0;
}

static void expect(struct store *s, int64_t from, int64_t to, uint64_t events, uint64_t totals,
                   uint64_t sources)
{
    struct seen x = {.port = 23};
    struct margin_take take = {.ctx = &x, .sum = see_sum, .total = see_total, .source = see_source};

    assert_int_equal(store_read_margins(s, 1, from, to, &take), 0);
    same_number("events", (long long)x.events, (long long)events);
    same_number("totals", (long long)x.totals, (long long)totals);
    same_number("sources", (long long)x.sources, (long long)sources);
    take.by_country = true;
    x = (struct seen){.port = CN};
    assert_int_equal(store_read_margins(s, 1, from, to, &take), 0);
    same_number("country", (long long)x.events, (long long)events);
}

static void test_folded_and_late(void **state)
{
    struct store *s = fresh_store();
    const int64_t next = HOUR0 + HOUR_S, end = HOUR0 + 2 * HOUR_S;

    (void)state;
    put(s, HOUR0, 23, 1000, 20);
    put(s, HOUR0, 23, 1010, 20);
    put(s, next, 23, 1000, 5);
    expect(s, HOUR0, end, 45, 0, 35); /* nothing is folded: a source comes once an hour */
    assert_int_equal(store_fold(s, next), 0);
    expect(s, HOUR0, end, 45, 1, 5);          /* the first hour by its margin */
    expect(s, HOUR0 + BIN_S, end, 45, 0, 35); /* but not where the span cuts it */
    put(s, HOUR0, 23, 5000, 7);
    expect(s, HOUR0, end, 52, 0, 42); /* late: the margin is no longer believed */
    assert_int_equal(store_fold(s, end), 0);
    expect(s, HOUR0, end, 52, 2, 0);
    assert_int_equal(store_fold(s, end), 0); /* nothing to do */
    expect(s, HOUR0, end, 52, 2, 0);
    expect(s, end, end + DAY, 0, 0, 0);
    store_close(s);
}

static struct ranking ranked(struct store *s, enum rank_what what, int days, bool exact)
{
    struct rank_query q = {.what = what, .from = HOUR0, .to = HOUR0 + days * DAY, .exact = exact};
    struct ranking r;

    assert_int_equal(rank_make(s, &q, &r), 0);
    return r;
}

/* Of a whole day one row is read, which tells what its hours do, as long as none of them changes. */
static void test_days(void **state)
{
    struct store *s = fresh_store();
    const int64_t day = HOUR0 - HOUR0 % DAY + DAY, end = day + 2 * DAY;

    (void)state;
    for (int h = 0; h < 48; h++)
        put(s, day + h * HOUR_S, 23, (uint32_t)(1000 + 10 * h), h % 2 ? 50 : 3);
    assert_int_equal(store_fold(s, end - 1), 0); /* but the last hour */
    expect(s, day, end, 24 * 53, 1 + 23, 50);
    assert_int_equal(store_fold(s, end), 0);
    expect(s, day, end, 24 * 53, 2, 0);
    expect(s, day + HOUR_S, end, 24 * 53 - 3, 23 + 1, 0);
    expect(s, day, end - HOUR_S, 24 * 53 - 50, 1 + 23, 0);
    struct ranking r = ranked(s, RANK_PORTS, 4, false);
    assert_false(r.rows[0].untold); /* 24 * 3 events aren't told, 24 * 50 are */
    rank_fini(&r);
    put(s, day + 4 * HOUR_S, 23, 9000, 4); /* late */
    expect(s, day, end, 24 * 53 + 4, 1 + 23, 3 + 4);
    assert_int_equal(store_fold(s, end), 0);
    expect(s, day, end, 24 * 53 + 4, 2, 0);
    store_close(s);
}

static void test_ranked(void **state)
{
    struct store *s = fresh_store();

    (void)state;
    for (int h = 0; h < 96; h++) {
        put(s, HOUR0 + h * HOUR_S, 23, (uint32_t)(1000 + 10 * h), 50);
        put(s, HOUR0 + h * HOUR_S, 80, 77, 1); /* never busy */
    }
    assert_int_equal(store_fold(s, HOUR0 + 95 * HOUR_S), 0); /* all but the last hour */
    for (int exact = 0; exact < 2; exact++) {
        struct ranking r = ranked(s, RANK_PORTS, 4, exact);
        assert_int_equal(r.n, 2);
        assert_int_equal(r.rows[0].port, 23);
        assert_int_equal(r.rows[0].events, 96 * 50);
        assert_int_equal(r.rows[1].events, 96);
        assert_int_equal(r.sources_exact, exact);
        /* 1000 to 1999 are 1,000 sources: 8 errors of the sketches are allowed for */
        if (exact) {
            assert_int_equal(r.rows[0].sources, 1000);
            assert_int_equal(r.sources, 1001);
            assert_int_equal(r.rows[1].sources, 1);
        } else {
            assert_in_range(r.rows[0].sources, 820, 1180);
            assert_in_range(r.sources, 940, 1060);
        }
        assert_int_equal(r.rows[1].untold, !exact);
        rank_fini(&r);
        r = ranked(s, RANK_COUNTRIES, 4, exact);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.rows[0].events, 97 * 50 - 50 + 96);
        assert_in_range(r.rows[0].sources, exact ? 1001 : 870, exact ? 1001 : 1130);
        rank_fini(&r);
        r = ranked(s, RANK_PORTS, 3, false); /* short enough to be exact */
        assert_true(r.sources_exact);
        assert_int_equal(r.rows[0].sources, 71 * 10 + 50);
        rank_fini(&r);
    }
    store_close(s);
}

/* Sketches of every size, written and read, count what was put in; a union counts no source twice. */
static void test_hll(void **state)
{
    static const uint32_t sizes[] = {0, 1, 30, 1000, 5000, 40000, 1000000};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct hll *h = hll_new(HLL_BITS_TOTAL), *back = hll_new(HLL_BITS_TOTAL);
        struct buf b = {0};
        for (uint32_t k = 0; k < sizes[i]; k++) {
            struct ip ip = ip_from_v4(k * 7);
            hll_add(h, sketch_hash(&ip));
        }
        hll_write(h, &b);
        assert_int_equal(hll_join(back, b.p, b.n), 0);
        assert_int_equal(hll_join(back, b.p, b.n), 0);
        same_number("count", (long long)hll_count(back), (long long)hll_count(h));
        double share = sizes[i] ? (double)hll_count(back) / sizes[i] : 1;
        if (share < 0.98 || share > 1.02)
            fail_msg("%u addresses counted as %llu", sizes[i], (unsigned long long)hll_count(back));
        struct hll *other = hll_new(HLL_BITS_PORT);
        assert_int_equal(hll_join(other, b.p, b.n), -EBADMSG);
        free(other);
        free(h);
        free(back);
        buf_fini(&b);
    }
}

/* Whatever byte is broken or missing: no crash, and mostly it is noticed. */
static void test_damaged(void **state)
{
    struct margin *m = margin_new(), *reader = margin_new();
    struct buf copy = {0};

    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        margin_add_events(m, i % 3 ? 0 : 65535, i % 20, CN, i + 1);
    margin_admit(m);
    for (uint32_t i = 0; i < 200; i++)
        margin_add_source(m, &(struct ip){4, {1, 2, 3, (uint8_t)i}}, i % 20, CN);
    struct buf *b = margin_finish(m);
    assert_int_equal(margin_join(reader, b->p, b->n), 0);
    for (size_t n = 0; n < b->n; n++) {
        uint8_t *cut = malloc(n + 1); /* so that the sanitizer sees its end */
        memcpy(cut, b->p, n);
        assert_int_equal(margin_join(reader, cut, n), -EBADMSG);
        free(cut);
    }
    for (size_t i = 0; i < b->n; i++) {
        struct margin_parts parts;
        uint64_t key = 0, events;
        copy.n = 0;
        buf_put(&copy, b->p, b->n);
        copy.p[i] ^= 0xff;
        margin_join(reader, copy.p, copy.n);
        if (margin_open(&parts, copy.p, copy.n) == 0)
            while (margin_next_sum(&parts.ports, &key, &events) > 0)
                assert_true(key < 1ULL << (16 + PORT_KEY_BITS));
    }
    buf_fini(&copy);
    margin_free(m);
    margin_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folded_and_late), cmocka_unit_test(test_days),
        cmocka_unit_test(test_ranked),          cmocka_unit_test(test_hll),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

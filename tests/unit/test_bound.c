/* What a flood leaves of an hour: sums by port, by country and in all stay exact, the heaviest stay themselves. */
#include "store/bound.h"

#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "report/hourly.h"

enum { PORTS = 2000, COUNTRIES = 60, CN = 2 * 26 + 13 };

struct sums {
    uint64_t all, port[PORT_KEY_MAX], country[COUNTRY_MAX];
    size_t entries;
};

static void add_up(const struct buf *b, struct sums *x)
{
    struct segment_reader r;
    struct bin_fact f;
    int rc;

    memset(x, 0, sizeof *x);
    assert_int_equal(segment_open(&r, FACT_BIN, 1, 0, b->p, b->n), 0);
    while ((rc = segment_next_bin(&r, &f)) > 0) {
        x->all += f.events;
        x->port[f.port] += f.events;
        x->country[f.country] += f.events;
        x->entries++;
    }
    assert_int_equal(rc, 0);
}

/* 120,000 pairs in two classes; one in 17 is large. Bounded, and what is left with more bounded again. */
static void test_bin(void **state)
{
    static struct sums before, after, again;
    struct segment_writer w = {0}, out = {0}, more = {0};

    (void)state;
    segment_begin(&w, FACT_BIN);
    for (uint32_t class = 0; class < 2; class ++)
        for (uint32_t p = 1; p <= PORTS / 2; p++)
            for (uint16_t c = 0; c < COUNTRIES; c++)
                segment_put_bin(&w, (uint16_t) class, (uint8_t) class, p, c,
                                (p * 61 + c) % 17 ? 1 + (p + c) % 3 : 500);
    struct buf *b = segment_finish(&w);
    add_up(b, &before);
    assert_int_equal(before.entries, PORTS * COUNTRIES);
    assert_int_equal(bound_bin(b->p, b->n, &out), 1);
    struct buf *o = segment_finish(&out);
    add_up(o, &after);
    same_number("all", (long long)after.all, (long long)before.all);
    same_number("of the segment", (long long)out.events, (long long)w.events);
    assert_memory_equal(after.port, before.port, sizeof after.port);
    assert_memory_equal(after.country, before.country, sizeof after.country);
    assert_in_range(after.entries, PORTS * COUNTRIES / 17, PORTS * COUNTRIES / 17 + 2122);
    assert_int_equal(bound_bin(o->p, o->n, &more), 0); /* small enough */

    /* the same bin gets as much once more: entries of what is told together add up like any */
    struct segment_reader r;
    struct bin_fact f;
    segment_begin(&more, FACT_BIN);
    segment_open(&r, FACT_BIN, 1, 0, o->p, o->n);
    while (segment_next_bin(&r, &f) > 0)
        segment_put_bin(&more, f.rule, f.class, f.port, f.country, 2 * f.events);
    add_up(segment_finish(&more), &again);
    same_number("twice", (long long)again.all, (long long)(2 * before.all));
    segment_writer_fini(&w);
    segment_writer_fini(&out);
    segment_writer_fini(&more);
}

/* 5,000 entries of 50 targets; the target .7 has the largest. */
static void test_targets(void **state)
{
    struct segment_writer w = {0}, out = {0};
    struct segment_reader r;
    struct target_fact f;
    uint64_t rest = 0, seven = 0, all = 0;
    size_t entries = 0;

    (void)state;
    segment_begin(&w, FACT_TARGET);
    for (uint32_t t = 1; t <= 50; t++)
        for (uint32_t p = 1; p <= 100; p++)
            segment_put_target(&w, &(struct target_fact){.target = ip_from_v4(0xc0000200u + t),
                                                         .port = p,
                                                         .events = t == 7   ? 1000 + p
                                                                   : p < 80 ? 5
                                                                            : 1,
                                                         .sketch = (uint8_t[]){0x41, 0},
                                                         .sketch_len = 2});
    struct buf *b = segment_finish(&w);
    assert_int_equal(bound_targets(b->p, b->n, &out), 1);
    struct buf *o = segment_finish(&out);
    assert_int_equal(segment_open(&r, FACT_TARGET, 1, 0, o->p, o->n), 0);
    int rc;
    while ((rc = segment_next_target(&r, &f)) > 0) {
        entries++;
        all += f.events;
        seven += ip_v4(&f.target) == 0xc0000207u ? f.events : 0;
        rest += f.port == PORT_OTHER ? f.events : 0;
        assert_int_equal(f.sketch_len, 2);
    }
    assert_int_equal(rc, 0);
    same_number("all", (long long)all, (long long)w.events);
    same_number("the largest target", (long long)seven, 100 * 1000 + 5050);
    /* 100 + 49 * 79 are larger than 1; 125 of the ones stay, the other 904 are told by target */
    same_number("told together", (long long)rest, 49 * 100 - 49 * 79 - 125);
    assert_in_range(entries, TARGETS_MAX, TARGETS_MAX + 50);
    assert_int_equal(bound_targets(o->p, o->n, &w), 0);
    segment_writer_fini(&w);
    segment_writer_fini(&out);
}

static void put_source(struct segment_writer *w, uint32_t ip, uint32_t port, uint64_t events)
{
    struct source_fact f = {.source = ip_from_v4(ip),
                            .port = port,
                            .country = CN,
                            .first = 10,
                            .last = 10,
                            .events = events};
    f.spread[0] = events;
    segment_put_source(w, &f);
}

/* Of 1,000 sources the 10 heaviest stay: .5 by one port, the vertical scanner .9 by 30 ports, the first of equals. */
static void test_sources(void **state)
{
    struct segment_writer w = {0}, out = {0};
    struct segment_reader r;
    struct source_fact f;
    uint64_t five = 0, nine = 0;
    size_t sources = 0, nine_ports = 0;
    uint32_t before = 0;

    (void)state;
    segment_begin(&w, FACT_SOURCE);
    for (uint32_t i = 0; i < 1000; i++) {
        if (i == 9)
            for (uint32_t p = 1; p <= 30; p++)
                put_source(&w, i, p, 1);
        else
            put_source(&w, i, 23, i == 5 ? 100000 : 2);
    }
    struct buf *b = segment_finish(&w);
    assert_int_equal(bound_sources(b->p, b->n, 5000, &out), 0);
    assert_int_equal(bound_heaviest(b->p, b->n, 10, &out), 1);
    struct buf *o = segment_finish(&out);
    assert_int_equal(segment_open(&r, FACT_SOURCE, 1, 0, o->p, o->n), 0);
    while (segment_next_source(&r, &f) > 0) {
        sources += sources == 0 || ip_v4(&f.source) != before;
        before = ip_v4(&f.source);
        five += before == 5 ? f.events : 0;
        nine += before == 9 ? f.events : 0;
        nine_ports += before == 9;
    }
    assert_int_equal(sources, 10);
    assert_int_equal(five, 100000);
    assert_int_equal(nine, 30);
    assert_int_equal(nine_ports, 30);
    segment_writer_fini(&w);
    segment_writer_fini(&out);
}

/* 40,000 sources with 20 ports each are too many entries even when they are the heaviest: 16 ports stay. */
static void test_ports_cut(void **state)
{
    struct segment_writer w = {0}, out = {0};
    struct segment_reader r;
    struct source_fact f;
    uint64_t all = 0, other = 0;
    size_t entries = 0;

    (void)state;
    segment_begin(&w, FACT_SOURCE);
    for (uint32_t i = 0; i < 40000; i++)
        for (uint32_t p = 1; p <= 20; p++)
            put_source(&w, i, p, p);
    struct buf *b = segment_finish(&w);
    assert_int_equal(bound_sources(b->p, b->n, 1000, &out), 1);
    struct buf *o = segment_finish(&out);
    assert_int_equal(segment_open(&r, FACT_SOURCE, 1, 0, o->p, o->n), 0);
    while (segment_next_source(&r, &f) > 0) {
        entries++;
        all += f.events;
        other += f.port == PORT_OTHER ? f.events : 0;
    }
    assert_int_equal(entries, 40000 * 17);
    assert_int_equal(all, 40000 * 210);
    assert_int_equal(other, 40000 * (1 + 2 + 3 + 4)); /* the four smallest ports */
    segment_writer_fini(&w);
    segment_writer_fini(&out);
}

static int take_hourly(void *ctx, const struct hourly_row *row)
{
    struct sums *x = ctx;

    assert_in_range(row->events, 1, 1 << 30); /* nothing negative is written for others */
    x->all += (uint64_t)row->events;
    x->port[row->port] += (uint64_t)row->events;
    return 0;
}

static void test_hourly(void **state)
{
    static struct sums want, got;
    struct segment_writer w = {0};
    struct error err = {0};
    struct store *s;

    (void)state;
    segment_begin(&w, FACT_BIN);
    for (uint32_t p = 1; p <= PORTS; p++)
        for (uint16_t c = 0; c < COUNTRIES; c++)
            segment_put_bin(&w, 0, 0, p, c, 1 + (p + c) % 3);
    struct buf *b = segment_finish(&w);
    add_up(b, &want);
    assert_int_equal(store_open(temp_path("facts"), STORE_WRITE, &s, &err), 0);
    assert_int_equal(store_put_segment(s, FACT_BIN, 1, 3600, w.events, b->p, b->n), 0);
    struct hourly_query q = {1, 0, 7200, true};
    assert_int_equal(hourly_read(s, &q, take_hourly, &got), 0);
    same_number("all", (long long)got.all, (long long)want.all);
    assert_memory_equal(got.port, want.port, sizeof got.port);
    segment_writer_fini(&w);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bin),     cmocka_unit_test(test_targets),
        cmocka_unit_test(test_sources), cmocka_unit_test(test_ports_cut),
        cmocka_unit_test(test_hourly),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

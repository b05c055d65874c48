/* Segments: what is written comes back, damage ends them, and merged rows add up. */
#include "store/segment.h"

#include "base/country.h"
#include "base/port.h"
#include "base/sketch.h"
#include "helper.h"
#include "store/merge.h"

enum { HOUR = 490000, START = HOUR * HOUR_S, SENSOR = 7, ENTRIES_MAX = 4096 };

static struct ip ip(const char *text)
{
    struct ip x = {0};
    assert_int_equal(ip_parse(str_from(text), &x), 0);
    return x;
}

/* ---- bins ---- */

static const struct bin_fact bins[] = {
    {.rule = 0, .class = 0, .port = 0, .country = 0, .events = 1},
    {.rule = 0, .class = 0, .port = 23, .country = 53, .events = 127},
    {.rule = 0, .class = 0, .port = 23, .country = COUNTRY_UNKNOWN, .events = 128},
    {.rule = 0, .class = 0, .port = 23, .country = COUNTRY_LOCAL, .events = 1},
    {.rule = 0, .class = 0, .port = PORT_KEY_MAX - 1, .country = 0, .events = UINT64_MAX / 2},
    {.rule = 0, .class = 1, .port = 0, .country = 0, .events = 2},
    {.rule = 0, .class = 2, .port = 1 << 16 | 53, .country = 1, .events = 3},
    {.rule = 1, .class = 0, .port = 0, .country = 0, .events = 4},
    {.rule = 65535, .class = 2, .port = PORT_KEY_MAX - 1, .country = COUNTRY_LOCAL, .events = 5},
};

static void put_bins(struct segment_writer *w)
{
    segment_begin(w, FACT_BIN);
    for (size_t i = 0; i < COUNT(bins); i++)
        segment_put_bin(w, bins[i].rule, bins[i].class, bins[i].port, bins[i].country,
                        bins[i].events);
}

static void test_bins(void **state)
{
    struct segment_writer w = {0};
    struct segment_reader r;
    struct bin_fact f;
    uint64_t sum = 0;

    (void)state;
    for (int again = 0; again < 2; again++) { /* a writer is used again and again */
        put_bins(&w);
        struct buf *b = segment_finish(&w);
        assert_int_equal(segment_open(&r, FACT_BIN, SENSOR, START, b->p, b->n), 0);
        for (size_t i = 0; i < COUNT(bins); i++) {
            assert_int_equal(segment_next_bin(&r, &f), 1);
            assert_int_equal(f.bin, START);
            assert_int_equal(f.sensor, SENSOR);
            assert_int_equal(f.rule, bins[i].rule);
            assert_int_equal(f.class, bins[i].class);
            assert_int_equal(f.port, bins[i].port);
            assert_int_equal(f.country, bins[i].country);
            assert_int_equal(f.events, bins[i].events);
        }
        assert_int_equal(segment_next_bin(&r, &f), 0);
        assert_int_equal(segment_next_bin(&r, &f), 0);
    }
    for (size_t i = 0; i < COUNT(bins); i++)
        sum += bins[i].events;
    assert_int_equal(w.events, sum);
    segment_writer_fini(&w);
}

/* The layout is stored for years: these bytes mean this, for ever. */
static void test_bytes(void **state)
{
    /* version; 23/tcp CN (key 23 << 10 | 65) once: 2 * 23617; 23/tcp DE, 64 further, 300 times: 2 * 17 + 1, 300 */
    static const uint8_t bytes[] = {1, 0x82, 0xf1, 0x02, 0x1f, 0xac, 0x02};
    struct segment_writer w = {0};
    uint16_t cn, de;

    (void)state;
    country_parse(STR("CN"), &cn); /* 2 * 26 + 13 = 65 */
    country_parse(STR("DE"), &de); /* 3 * 26 + 4 = 82 */
    assert_int_equal(cn, 65);
    assert_int_equal(de, 82);
    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, 23, 65, 1);
    segment_put_bin(&w, 0, 0, 23, 80, 300);
    struct buf *b = segment_finish(&w);
    assert_int_equal(b->n, sizeof bytes);
    assert_memory_equal(b->p, bytes, sizeof bytes);
    segment_writer_fini(&w);
}

/* ---- sources ---- */

struct source_row {
    const char *source;
    uint32_t port;
    uint8_t class;
    uint16_t country, first, last;
    uint64_t events;
    uint64_t spread[HOUR_BINS];
};

static const struct source_row sources[] = {
    {"0.0.0.0", 0, 0, COUNTRY_LOCAL, 0, 0, 1, {1}},
    {"1.2.3.4", 23, 0, 65, 299, 300, 2, {1, 1}},
    {"1.2.3.4", 23, 1, 65, 0, 3599, 3, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}},
    {"1.2.3.4", PORT_KEY_MAX - 1, 2, 66, 1200, 1499, 400000, {0, 0, 0, 0, 400000}},
    {"1.2.3.5", 80, 0, 66, 0, 3599, 12, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"255.255.255.255", 80, 0, 0, 3599, 3599, 1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"::", 80, 0, 0, 5, 5, 1, {1}},
    {"2001:db8::1", 80, 0, COUNTRY_UNKNOWN, 5, 5, 9, {9}},
    {"2001:db8::1", 81, 0, COUNTRY_UNKNOWN, 5, 5, 1, {1}},
    {"2001:db8::2", 81, 0, COUNTRY_UNKNOWN, 5, 5, 1, {1}},
};

/* Scans' sources are no anonymous ones, others were under rule 0, and 65535. */
static uint32_t kept_rule_of(const struct source_row *row)
{
    return row->class == CLASS_OTHER ? UINT16_MAX + 1 : row->class;
}

static struct source_fact source_fact(const struct source_row *row)
{
    struct source_fact f = {.source = ip(row->source),
                            .port = row->port,
                            .class = row->class,
                            .country = row->country,
                            .as = row->port ? UINT32_MAX - row->port : 0,
                            .kept_rule = kept_rule_of(row),
                            .first = row->first,
                            .last = row->last,
                            .events = row->events};
    memcpy(f.spread, row->spread, sizeof row->spread);
    return f;
}

static void put_sources(struct segment_writer *w, size_t from, size_t n)
{
    segment_begin(w, FACT_SOURCE);
    for (size_t i = from; i < from + n; i++) {
        struct source_fact f = source_fact(&sources[i]);
        segment_put_source(w, &f);
    }
}

static void check_source(const struct source_fact *f, const struct source_row *row)
{
    char text[IP_TEXT_MAX];

    ip_format(&f->source, text);
    assert_string_equal(text, row->source);
    same_number(row->source, f->hour, START);
    same_number(row->source, f->sensor, SENSOR);
    same_number(row->source, f->port, row->port);
    same_number(row->source, f->class, row->class);
    same_number(row->source, f->country, row->country);
    same_number(row->source, f->as, row->port ? UINT32_MAX - row->port : 0);
    same_number(row->source, f->kept_rule, kept_rule_of(row));
    same_number(row->source, f->first, row->first);
    same_number(row->source, f->last, row->last);
    same_number(row->source, f->events, row->events);
    for (int b = 0; b < HOUR_BINS; b++)
        same_number(row->source, f->spread[b], row->spread[b]);
}

static void test_sources(void **state)
{
    struct segment_writer w = {0};

    (void)state;
    for (size_t from = 0; from < COUNT(sources); from++) /* with each of them as the first */
        for (size_t n = 0; from + n <= COUNT(sources); n++) {
            struct segment_reader r;
            struct source_fact f;
            put_sources(&w, from, n);
            struct buf *b = segment_finish(&w);
            assert_int_equal(segment_open(&r, FACT_SOURCE, SENSOR, START, b->p, b->n), 0);
            for (size_t i = from; i < from + n; i++) {
                assert_int_equal(segment_next_source(&r, &f), 1);
                check_source(&f, &sources[i]);
            }
            assert_int_equal(segment_next_source(&r, &f), 0);
        }
    segment_writer_fini(&w);
}

/* ---- targets ---- */

static const struct target_row {
    const char *target;
    uint32_t port;
    uint64_t events;
    uint32_t sketch_len;
    uint8_t sketch[8];
} targets[] = {
    {"0.0.0.0", 1, 1, 2, {0x01, 0x00}},
    {"192.0.2.1", 23, 1, 2, {0x41, 0x10}},
    {"192.0.2.1", 24, 1000000, 6, {0x41, 0x00, 0x42, 0x01, 0xff, 0xff}},
    {"192.0.2.200", 24, 2, 0, {0}},
    {"2001:db8::1", 24, 2, 4, {0x41, 0x00, 0x42, 0x01}},
    {"2001:db8::1", 25, 3, 2, {0x41, 0x00}},
    {"2001:db8::ffff", 25, 3, 2, {0x41, 0x00}},
};

static void put_targets(struct segment_writer *w)
{
    segment_begin(w, FACT_TARGET);
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct target_fact f = {.target = ip(targets[i].target),
                                .port = targets[i].port,
                                .events = targets[i].events,
                                .sketch = targets[i].sketch,
                                .sketch_len = targets[i].sketch_len};
        segment_put_target(w, &f);
    }
}

static void test_targets(void **state)
{
    struct segment_writer w = {0};
    struct segment_reader r;
    struct target_fact f;
    char text[IP_TEXT_MAX];

    (void)state;
    put_targets(&w);
    struct buf *b = segment_finish(&w);
    assert_int_equal(segment_open(&r, FACT_TARGET, SENSOR, START, b->p, b->n), 0);
    for (size_t i = 0; i < COUNT(targets); i++) {
        assert_int_equal(segment_next_target(&r, &f), 1);
        ip_format(&f.target, text);
        assert_string_equal(text, targets[i].target);
        assert_int_equal(f.hour, START);
        assert_int_equal(f.sensor, SENSOR);
        assert_int_equal(f.port, targets[i].port);
        assert_int_equal(f.events, targets[i].events);
        assert_int_equal(f.sketch_len, targets[i].sketch_len);
        assert_memory_equal(f.sketch, targets[i].sketch, f.sketch_len);
    }
    assert_int_equal(segment_next_target(&r, &f), 0);
    segment_writer_fini(&w);
}

/* ---- damage ---- */

static int put_again(void *ctx, const union fact *f)
{
    struct segment_writer *w = ctx;

    switch (w->kind) {
    case FACT_BIN:
        assert_true(f->bin.class < CLASS_COUNT);
        segment_put_bin(w, f->bin.rule, f->bin.class, f->bin.port, f->bin.country, f->bin.events);
        break;
    case FACT_SOURCE:
        assert_true(f->source.class < CLASS_COUNT);
        segment_put_source(w, &f->source);
        break;
    case FACT_TARGET: segment_put_target(w, &f->target); break;
    }
    return 0;
}

/* Reads a damaged segment and writes what it gives, as folding does: it may be other entries, but never a fall. The bytes
 * stand in memory of exactly their size, so that a sanitizer sees a step outside. */
static int read_damaged(enum fact_kind kind, const uint8_t *bytes, size_t n)
{
    struct segment_writer w = {0};
    uint8_t *exact = malloc(n ? n : 1);
    struct blob rows[2] = {{exact, n}, {exact, n}};

    assert_non_null(exact);
    memcpy(exact, bytes, n);
    segment_begin(&w, kind);
    int one = merge_segments(kind, SENSOR, START, rows, 1, put_again, &w);
    segment_begin(&w, kind);
    int two = merge_segments(kind, SENSOR, START, rows, 2, put_again, &w);
    assert_true(one == 0 || one == -EBADMSG);
    assert_true(two == 0 || two == -EBADMSG);
    segment_writer_fini(&w);
    free(exact);
    return one;
}

static void damage(enum fact_kind kind, struct segment_writer *w)
{
    struct buf *b = segment_finish(w);
    size_t bad = 0;
    uint64_t seed = (uint64_t)kind;

    assert_int_equal(read_damaged(kind, b->p, b->n), 0);
    for (size_t n = 0; n < b->n; n++)
        bad += read_damaged(kind, b->p, n) != 0;
    assert_true(bad > 0);
    for (size_t i = 0; i < b->n; i++) {
        uint8_t was = b->p[i];
        for (unsigned v = 0; v < 256; v++) {
            b->p[i] = (uint8_t)v;
            read_damaged(kind, b->p, b->n);
        }
        b->p[i] = was;
    }
    for (int round = 0; round < 20000; round++) { /* any bytes at all behind a right head */
        uint8_t noise[64];
        size_t n = 1 + random_below(&seed, sizeof noise - 1);
        for (size_t i = 0; i < n; i++)
            noise[i] = (uint8_t)random_next(&seed);
        noise[0] = 1;
        if (kind != FACT_BIN && n > 1)
            noise[1] = (uint8_t)random_below(&seed, (uint32_t)n);
        read_damaged(kind, noise, n);
    }
    b->p[0] = 2; /* another version */
    assert_int_equal(read_damaged(kind, b->p, b->n), -EBADMSG);
    segment_writer_fini(w);
}

static void test_damage(void **state)
{
    struct segment_writer w = {0};

    (void)state;
    put_bins(&w);
    damage(FACT_BIN, &w);
    put_sources(&w, 0, COUNT(sources));
    damage(FACT_SOURCE, &w);
    put_targets(&w);
    damage(FACT_TARGET, &w);
}

/* What can't be an entry is told, not passed on. */
static void test_impossible(void **state)
{
    static const struct {
        const char *what;
        enum fact_kind kind;
        size_t n;
        uint8_t bytes[48];
    } cases[] = {
        {"no bytes", FACT_BIN, 0, {0}},
        {"class 3", FACT_BIN, 6, {1, 0x80, 0x80, 0x80, 0x80, 0x0c}}, /* 3 << 29 */
        {"country 678", FACT_BIN, 3, {1, 0xcc, 0x0a}},
        {"port kind 6", FACT_BIN, 6, {1, 0x80, 0x80, 0x80, 0x80, 0x03}}, /* 6 << 26 */
        {"no events", FACT_BIN, 3, {1, 0x01, 0x00}},
        {"rule 65536", FACT_BIN, 8, {1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40}},
        {"a key that wraps",
         FACT_BIN,
         13,
         {1, 0x80, 0x01, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
        {"a cut number", FACT_BIN, 2, {1, 0x80}},
        {"an IPv4 part past the end", FACT_SOURCE, 3, {1, 2, 0}},
        {"an entry past the IPv4 part", FACT_SOURCE, 6, {1, 2, 1, 0, 0, 0}},
        {"class 3 of a source", FACT_SOURCE, 7, {1, 5, 1, 0, 0, 6, 0}},
        {"second 3600", FACT_SOURCE, 8, {1, 6, 1, 0, 0, 0, 0x90, 0x1c}},
        {"country 65536", FACT_SOURCE, 9, {1, 7, 1, 0x80, 0x80, 0x04, 0, 0, 0}},
        {"AS 2^32", FACT_SOURCE, 11, {1, 9, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x20, 0, 0}},
        {"rule 65536", FACT_SOURCE, 10, {1, 8, 1, 0, 1, 0x80, 0x80, 0x04, 0, 0}},
        {"an address that wraps",
         FACT_SOURCE,
         14,
         {1, 12, 3, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x1f, 0, 0}},
        {"IPv6 addresses that go down", FACT_SOURCE, 42, {1, 0, 3, 1, [23] = 2}},
        {"a port that goes down", FACT_SOURCE, 10, {1, 8, 1, 0, 0, 8, 0, 0, 0, 0}},
        {"more in the bins than events", FACT_SOURCE, 11, {1, 9, 1, 0, 0, 1, 0, 3, 0xac, 0x02, 4}},
        {"1025 marks", FACT_TARGET, 6, {1, 4, 0, 0, 0x81, 0x08}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        same_number(cases[i].what, read_damaged(cases[i].kind, cases[i].bytes, cases[i].n),
                    -EBADMSG);
}

/* ---- merging ---- */

struct collected {
    union fact list[64];
    uint8_t marks[64][64];
    size_t n;
    size_t stop_at; /* answers 42 there */
};

static int collect(void *ctx, const union fact *f)
{
    struct collected *c = ctx;

    if (c->n == c->stop_at)
        return 42;
    assert_true(c->n < COUNT(c->list));
    c->list[c->n++] = *f;
    return 0;
}

static int collect_target(void *ctx, const union fact *f)
{
    struct collected *c = ctx;

    assert_true(f->target.sketch_len <= sizeof c->marks[0]);
    memcpy(c->marks[c->n], f->target.sketch, f->target.sketch_len);
    return collect(ctx, f);
}

static struct blob copy_of(struct segment_writer *w)
{
    struct buf *b = segment_finish(w);
    struct blob copy = {malloc(b->n), b->n};
    assert_non_null(copy.p);
    memcpy(copy.p, b->p, b->n);
    return copy;
}

static void test_merge_sources(void **state)
{
    static const struct source_row rows[4][3] = {
        {{"1.2.3.4", 23, 0, 65, 100, 100, 1, {1}}, {"2001:db8::1", 80, 0, 65, 7, 7, 1, {1}}},
        {{"1.2.3.4", 23, 0, 65, 10, 3599, 3, {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
         {"1.2.3.4", 24, 0, 65, 10, 10, 1, {1}}},
        {{"1.2.3.4", 23, 1, 65, 50, 50, 1, {1}},
         {"9.9.9.9", 23, 0, 65, 50, 50, 1, {1}},
         {"2001:db8::1", 80, 0, 65, 900, 900, 2, {0, 0, 0, 2}}},
        {{.source = NULL}}, /* a row without an entry */
    };
    static const struct source_row sums[] = {
        {"1.2.3.4", 23, 0, 65, 10, 3599, 4, {2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
        {"1.2.3.4", 23, 1, 65, 50, 50, 1, {1}},
        {"1.2.3.4", 24, 0, 65, 10, 10, 1, {1}},
        {"9.9.9.9", 23, 0, 65, 50, 50, 1, {1}},
        {"2001:db8::1", 80, 0, 65, 7, 900, 3, {1, 0, 0, 2}},
    };
    struct segment_writer w = {0};
    struct blob blobs[4];
    struct collected c = {.stop_at = SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        segment_begin(&w, FACT_SOURCE);
        for (size_t k = 0; k < 3 && rows[i][k].source; k++) {
            struct source_fact f = source_fact(&rows[i][k]);
            segment_put_source(&w, &f);
        }
        blobs[i] = copy_of(&w);
    }
    for (int turn = 0; turn < 4; turn++) { /* whatever their order */
        c.n = 0;
        assert_int_equal(merge_segments(FACT_SOURCE, SENSOR, START, blobs, 4, collect, &c), 0);
        assert_int_equal(c.n, COUNT(sums));
        for (size_t i = 0; i < COUNT(sums); i++)
            check_source(&c.list[i].source, &sums[i]);
        struct blob last = blobs[3];
        memmove(blobs + 1, blobs, 3 * sizeof *blobs);
        blobs[0] = last;
    }

    c = (struct collected){.stop_at = 2};
    assert_int_equal(merge_segments(FACT_SOURCE, SENSOR, START, blobs, 4, collect, &c), 42);
    assert_int_equal(c.n, 2);
    assert_int_equal(merge_segments(FACT_SOURCE, SENSOR, START, blobs, 0, collect, &c), 0);
    for (size_t i = 0; i < 4; i++)
        free(blobs[i].p);
    segment_writer_fini(&w);
}

/* Registers keep the highest rank; one row's marks pass through as they are. */
static void test_merge_targets(void **state)
{
    static const uint8_t marks[3][4] = {
        {3 << 6 | 5, 0, 0x01, 0x04}, /* register 3 rank 5, register 16 rank 1 */
        {3 << 6 | 2, 0, 0x02, 0x08}, /* register 3 rank 2, register 32 rank 2 */
        {3 << 6 | 9, 0, 0x01, 0x04}, /* register 3 rank 9, register 16 rank 1 */
    };
    static const uint8_t joined[] = {3 << 6 | 9, 0, 0x01, 0x04, 0x02, 0x08};
    struct segment_writer w = {0};
    struct blob blobs[3];
    struct collected c = {.stop_at = SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct target_fact f = {.target = ip("192.0.2.1"),
                                .port = 23,
                                .events = 10 + i,
                                .sketch = marks[i],
                                .sketch_len = 4};
        segment_begin(&w, FACT_TARGET);
        segment_put_target(&w, &f);
        f.port = 24 + (uint32_t)i;
        segment_put_target(&w, &f);
        f.port = 99;
        f.sketch_len = 2;
        segment_put_target(&w, &f);
        blobs[i] = copy_of(&w);
    }
    assert_int_equal(merge_segments(FACT_TARGET, SENSOR, START, blobs, 3, collect_target, &c), 0);
    assert_int_equal(c.n, 5);
    assert_int_equal(c.list[4].target.sketch_len, 2); /* nothing of the key before */
    assert_memory_equal(c.marks[4], joined, 2);
    assert_int_equal(c.list[0].target.events, 33);
    assert_int_equal(c.list[0].target.sketch_len, sizeof joined);
    assert_memory_equal(c.marks[0], joined, sizeof joined);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(c.list[i + 1].target.port, 24 + i);
        assert_memory_equal(c.marks[i + 1], marks[i], 4);
        free(blobs[i].p);
    }
    segment_writer_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bins),          cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_sources),       cmocka_unit_test(test_targets),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_merge_sources), cmocka_unit_test(test_merge_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

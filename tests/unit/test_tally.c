/* Events at random through tally, segments, store and back: all that is read equals a naive count. */
#include "tally/tally.h"

#include "base/country.h"
#include "base/port.h"
#include "base/sketch.h"
#include "base/sort.h"
#include "helper.h"
#include "store/segment.h"
#include "store/store.h"

enum { COMMITS = 5, TALLIES = 3, EVENTS = 700, KEY_TEXT = 160 };

/* One key of one kind of fact, as text, with what was counted of it. */
struct row {
    char key[KEY_TEXT];
    uint64_t events;
    unsigned first, last;
    uint64_t spread[HOUR_BINS];
    struct sketch *sketch;
};

struct rows {
    struct row *list;
    size_t n, cap;
};

static struct row *add_row(struct rows *rows)
{
    if (rows->n == rows->cap) {
        rows->cap = rows->cap * 2 + 64;
        rows->list = realloc(rows->list, rows->cap * sizeof *rows->list);
        assert_non_null(rows->list);
    }
    struct row *r = &rows->list[rows->n++];
    memset(r, 0, sizeof *r);
    return r;
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        free(rows->list[i].sketch);
    free(rows->list);
    *rows = (struct rows){0};
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

/* Sorts by key and adds equal ones up. */
static void add_up(struct rows *rows)
{
    size_t n = 0;

    qsort(rows->list, rows->n, sizeof *rows->list, by_key);
    for (size_t i = 0; i < rows->n; i++) {
        struct row *r = &rows->list[i], *sum = n ? &rows->list[n - 1] : NULL;
        if (!sum || strcmp(sum->key, r->key) != 0) {
            rows->list[n++] = *r;
            continue;
        }
        sum->events += r->events;
        sum->first = r->first < sum->first ? r->first : sum->first;
        sum->last = r->last > sum->last ? r->last : sum->last;
        for (int b = 0; b < HOUR_BINS; b++)
            sum->spread[b] += r->spread[b];
        for (int k = 0; r->sketch && k < SKETCH_REGISTERS; k++)
            if (r->sketch->rank[k] > sum->sketch->rank[k])
                sum->sketch->rank[k] = r->sketch->rank[k];
        free(r->sketch);
    }
    rows->n = n;
}

static void compare_rows(const char *when, const struct rows *got, const struct rows *want)
{
    for (size_t i = 0; i < got->n && i < want->n; i++) {
        const struct row *g = &got->list[i], *w = &want->list[i];
        same_text(when, g->key, w->key);
        same_number(g->key, g->events, w->events);
        same_number(g->key, g->first, w->first);
        same_number(g->key, g->last, w->last);
        assert_memory_equal(g->spread, w->spread, sizeof g->spread);
        assert_int_equal(!g->sketch, !w->sketch);
        if (g->sketch)
            assert_memory_equal(g->sketch, w->sketch, sizeof *g->sketch);
    }
    same_number(when, got->n, want->n);
}

/* ---- what goes in ---- */

/* Names as logs give them, and what they are called in the store. */
static const struct {
    const char *given, *stored;
} names[] = {{"gw", "gw"},
             {"a b", "a_b"},
             {"a_b", "a_b"}, /* two names, one sensor */
             {"", "local"},
             {"../x", "_._x"}};

struct made {
    struct event e;
    size_t name;
    uint16_t country;
};

static struct ip random_ip(uint64_t *seed)
{
    struct ip x;

    switch (random_below(seed, 4)) {
    case 0: /* few, so that they meet again */
        return ip_from_v4(0xc0000200 + random_below(seed, 8));
    case 1: return ip_from_v4((uint32_t)random_next(seed));
    case 2:
        x = (struct ip){6, {0x20, 0x01, 0x0d, 0xb8}};
        x.b[15] = (uint8_t)random_below(seed, 8);
        return x;
    default:
        x = (struct ip){.family = 6};
        for (int i = 0; i < 16; i++)
            x.b[i] = (uint8_t)random_next(seed);
        return x;
    }
}

static struct made make_event(uint64_t *seed)
{
    static const uint16_t countries[] = {0, 65, COUNTRY_UNKNOWN, COUNTRY_LOCAL};
    static const uint32_t ports[] = {0, 23, 65535, 1 << 16 | 53, 2 << 16 | 8, PORT_KEY_MAX - 1};
    struct made m = {.name = random_below(seed, COUNT(names))};

    m.e.when = utc("2026-11-24T08:00:00") + random_below(seed, 3 * HOUR_S);
    if (random_below(seed, 50) == 0)
        m.e.when = random_below(seed, 2) ? 0 : UINT32_MAX;
    m.e.source = random_ip(seed);
    m.e.destination = random_below(seed, 20) ? random_ip(seed) : (struct ip){0};
    m.e.port = ports[random_below(seed, COUNT(ports))];
    m.e.class = (uint8_t)random_below(seed, CLASS_COUNT);
    m.e.count = random_below(seed, 4)    ? 1
                : random_below(seed, 10) ? 1 + random_below(seed, 1000)
                                         : 1000000000;
    m.country =
        countries[m.e.source.b[3] % COUNT(countries)]; /* one a source, as a database gives */
    return m;
}

/* ---- the naive count ---- */

struct expected {
    struct rows bins, sources, targets;
};

static void ip_key(const struct ip *ip, char *out)
{
    struct ip x = ip->family ? *ip : ip_from_v4(0); /* no address counts as 0.0.0.0 */
    out += sprintf(out, "%d:", x.family);
    for (int i = 0; i < 16; i++)
        out += sprintf(out, "%02x", x.b[i]);
}

static void expect(struct expected *x, const struct made *m)
{
    const char *sensor = names[m->name].stored;
    const struct event *e = &m->e;
    long long hour = e->when - e->when % HOUR_S;
    char source[48], target[48];

    ip_key(&e->source, source);
    ip_key(&e->destination, target);
    struct row *r = add_row(&x->bins);
    snprintf(r->key, KEY_TEXT, "%s %010lld %d %06u %u", sensor,
             (long long)(e->when - e->when % BIN_S), e->class, e->port, m->country);
    r->events = e->count;

    r = add_row(&x->sources);
    snprintf(r->key, KEY_TEXT, "%s %010lld %s %06u %d %u", sensor, hour, source, e->port, e->class,
             m->country);
    r->events = e->count;
    r->first = r->last = (unsigned)(e->when - hour);
    r->spread[(e->when - hour) / BIN_S] = e->count;

    r = add_row(&x->targets);
    snprintf(r->key, KEY_TEXT, "%s %010lld %s %06u", sensor, hour, target, e->port);
    r->events = e->count;
    r->sketch = calloc(1, sizeof *r->sketch);
    assert_non_null(r->sketch);
    uint16_t mark = sketch_mark(&e->source);
    r->sketch->rank[mark >> SKETCH_RANK_BITS] = mark & ((1 << SKETCH_RANK_BITS) - 1);
}

/* ---- what comes out ---- */

struct reading {
    struct rows *rows;
    const char *sensor;
};

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct reading *x = ctx;
    struct row *r = add_row(x->rows);
    assert_int_equal(f->rule, 0);
    snprintf(r->key, KEY_TEXT, "%s %010lld %d %06u %u", x->sensor, (long long)f->bin, f->class,
             f->port, f->country);
    r->events = f->events;
    return 0;
}

static int take_source(void *ctx, const struct source_fact *f)
{
    struct reading *x = ctx;
    struct row *r = add_row(x->rows);
    char source[48];
    ip_key(&f->source, source);
    snprintf(r->key, KEY_TEXT, "%s %010lld %s %06u %d %u", x->sensor, (long long)f->hour, source,
             f->port, f->class, f->country);
    r->events = f->events;
    r->first = f->first;
    r->last = f->last;
    memcpy(r->spread, f->spread, sizeof r->spread);
    return 0;
}

static int take_target(void *ctx, const struct target_fact *f)
{
    struct reading *x = ctx;
    struct row *r = add_row(x->rows);
    char target[48];
    ip_key(&f->target, target);
    snprintf(r->key, KEY_TEXT, "%s %010lld %s %06u", x->sensor, (long long)f->hour, target,
             f->port);
    r->events = f->events;
    r->sketch = calloc(1, sizeof *r->sketch);
    assert_non_null(r->sketch);
    sketch_join(r->sketch, f->sketch, f->sketch_len);
    return 0;
}

/* Within a sensor the merged kinds come in the order of their keys, each once. */
static void check_order(const struct rows *rows, size_t from)
{
    for (size_t i = from + 1; i < rows->n; i++)
        if (strcmp(rows->list[i - 1].key, rows->list[i].key) >= 0)
            fail_msg("'%s' comes before '%s'", rows->list[i - 1].key, rows->list[i].key);
}

static void check_store(const char *when, struct store *s, const struct expected *want, bool folded)
{
    const int64_t end = (int64_t)UINT32_MAX + HOUR_S;
    struct rows bins = {0}, sources = {0}, targets = {0};
    const struct sensor *list;
    size_t n;

    assert_int_equal(store_sensors(s, &list, &n), 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        struct reading b = {&bins, list[i].name}, c = {&sources, list[i].name},
                       d = {&targets, list[i].name};
        size_t from = sources.n, from_target = targets.n, from_bin = bins.n;
        assert_int_equal(store_read_bins(s, list[i].id, 0, end, take_bin, &b), 0);
        assert_int_equal(store_read_sources(s, list[i].id, 0, end, take_source, &c), 0);
        assert_int_equal(store_read_targets(s, list[i].id, 0, end, take_target, &d), 0);
        check_order(&sources, from);
        check_order(&targets, from_target);
        if (folded)
            for (size_t k = from_bin + 1; k < bins.n; k++)
                assert_string_not_equal(bins.list[k].key, bins.list[k - 1].key);
    }
    size_t raw_bins = bins.n;
    add_up(&bins);
    add_up(&sources);
    add_up(&targets);
    compare_rows(when, &bins, &want->bins);
    compare_rows(when, &sources, &want->sources);
    compare_rows(when, &targets, &want->targets);
    if (folded)
        assert_int_equal(raw_bins, bins.n);
    free_rows(&bins);
    free_rows(&sources);
    free_rows(&targets);
}

static int give_sensor(void *ctx, struct str name, uint16_t *id)
{
    return store_sensor(ctx, name, id);
}

static int give_segment(void *ctx, const struct segment *g)
{
    assert_int_equal(g->start % (g->kind == FACT_BIN ? BIN_S : HOUR_S), 0);
    assert_int_equal(g->entries, segment_entries(g->kind, g->data, g->len));
    return store_put(ctx, g);
}

static void test_round_trip(void **state)
{
    struct error err = {0};
    struct expected want = {0};
    struct tally *tallies[TALLIES];
    struct store *s;
    uint64_t seed = 42;
    char when[64];

    (void)state;
    assert_int_equal(store_open(temp_path("round"), STORE_WRITE, &s, &err), 0);
    for (int t = 0; t < TALLIES; t++)
        tallies[t] = tally_new();
    for (size_t c = 0; c < COMMITS; c++) {
        struct tally_sink sink = {.ctx = s, .sensor = give_sensor, .segment = give_segment};
        for (size_t t = 0; t < TALLIES; t++) {
            tally_reset(tallies[t]);
            uint32_t n = c == 1 && t == 0 ? 0 : EVENTS; /* one of them stays empty once */
            for (uint32_t i = 0; i < n; i++) {
                struct made m = make_event(&seed);
                tally_add(tallies[t], str_from(names[m.name].given), &m.e, m.country);
                expect(&want, &m);
            }
            assert_int_equal(tally_records(tallies[t]), n);
        }
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(tally_encode(tallies, c % TALLIES + 1, &sink), 0);
        for (size_t t = c % TALLIES + 1; t < TALLIES; t++) /* the rest one by one */
            assert_int_equal(tally_encode(&tallies[t], 1, &sink), 0);
        assert_int_equal(store_commit(s), 0);
        add_up(&want.bins);
        add_up(&want.sources);
        add_up(&want.targets);
        snprintf(when, sizeof when, "after commit %zu", c + 1);
        check_store(when, s, &want, false);
        if (c == 2) {
            assert_int_equal(store_fold(s, utc("2026-11-24T10:00:00")), 0);
            check_store("after folding some", s, &want, false);
        }
    }
    assert_int_equal(store_fold(s, (int64_t)UINT32_MAX + HOUR_S), 0);
    check_store("after folding all", s, &want, true);
    assert_int_equal(store_fold(s, (int64_t)UINT32_MAX + HOUR_S), 0);
    check_store("after folding again", s, &want, true);
    store_close(s);
    assert_int_equal(store_open(temp_path("round"), STORE_READ, &s, &err), 0);
    check_store("opened again", s, &want, true);
    store_close(s);
    for (int t = 0; t < TALLIES; t++)
        tally_free(tallies[t]);
    free_rows(&want.bins);
    free_rows(&want.sources);
    free_rows(&want.targets);
}

/* ---- the sink ---- */

struct sink_log {
    size_t segments, stop_at;
    uint64_t events[4];
    uint16_t last_sensor;
    int64_t last_hour;
};

static int count_sensor(void *ctx, struct str name, uint16_t *id)
{
    (void)ctx;
    if (str_eq(name, STR("bad")))
        return -ENOSPC;
    *id = (uint16_t)(name.n + 1);
    return 0;
}

static int count_segment(void *ctx, const struct segment *g)
{
    struct sink_log *x = ctx;
    int64_t hour = g->start - g->start % HOUR_S;

    assert_true(g->len > 0);
    assert_true(g->sensor > x->last_sensor ||
                (g->sensor == x->last_sensor && hour >= x->last_hour));
    x->last_sensor = g->sensor;
    x->last_hour = hour;
    x->events[g->kind] += g->events;
    return ++x->segments == x->stop_at ? -EDQUOT : 0;
}

static void test_sink(void **state)
{
    struct tally *t = tally_new();
    struct sink_log log = {0};
    struct tally_sink sink = {.ctx = &log, .sensor = count_sensor, .segment = count_segment};
    struct event e = {.count = 3, .port = 23, .source = ip_from_v4(1), .destination.family = 6};

    (void)state;
    assert_int_equal(tally_encode(&t, 1, &sink), 0); /* nothing */
    assert_int_equal(tally_encode(NULL, 0, &sink), 0);
    assert_int_equal(log.segments, 0);
    e.when = 7200;
    tally_add(t, STR("long"), &e, 0);
    e.when = 3600;
    tally_add(t, STR("a"), &e, 0);
    tally_add(t, STR("long"), &e, 0);
    e.when = 3900;
    tally_add(t, STR("long"), &e, 0);
    assert_int_equal(tally_sensors(t), 2);
    assert_true(str_eq(tally_sensor(t, 1), STR("a")));
    assert_int_equal(tally_encode(&t, 1, &sink), 0);
    assert_int_equal(log.segments, 3 + 4 + 3); /* a; long's first hour has two bins; its second */
    assert_int_equal(log.events[FACT_BIN], 12);
    assert_int_equal(log.events[FACT_SOURCE], 12);
    assert_int_equal(log.events[FACT_TARGET], 12);

    log = (struct sink_log){.stop_at = 2};
    assert_int_equal(tally_encode(&t, 1, &sink), -EDQUOT);
    assert_int_equal(log.segments, 2);
    log = (struct sink_log){0};
    tally_add(t, STR("bad"), &e, 0);
    assert_int_equal(tally_encode(&t, 1, &sink), -ENOSPC);
    assert_int_equal(log.segments, 0);

    tally_reset(t);
    assert_int_equal(tally_records(t), 0);
    assert_int_equal(tally_sensors(t), 0);
    tally_free(t);
    tally_free(NULL);
}

/* Hosts by the ten thousand: names are found again through growing tables, and past the last number they share one. */
static void test_many_names(void **state)
{
    struct tally *t = tally_new();
    struct event e = {.when = 1, .count = 1};
    char name[100];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 70000; i++) {
            int n = snprintf(name, sizeof name, "host-%d", i);
            tally_add(t, (struct str){name, (size_t)n}, &e, 0);
        }
    assert_int_equal(tally_sensors(t), UINT16_MAX);
    assert_true(str_eq(tally_sensor(t, 0), STR("host-0")));
    assert_true(str_eq(tally_sensor(t, 65534), STR("host-65534")));

    tally_reset(t);
    memset(name, 'x', sizeof name);
    for (size_t n = 60; n < 100; n++) /* cut to what a name may have: one name from there on */
        tally_add(t, (struct str){name, n}, &e, 0);
    assert_int_equal(tally_sensors(t), 5);
    assert_int_equal(tally_sensor(t, 4).n, SENSOR_NAME_MAX - 1);
    tally_free(t);
}

/* ---- sorting ---- */

static void test_sort(void **state)
{
    static struct item items[3000], copy[3000], spare[3000];
    static const uint64_t masks[] = {0, 0xff, 0xff00, ~0ULL, 0xff000000000000ffULL, 0x7};
    uint64_t seed = 7;

    (void)state;
    for (size_t k = 0; k < COUNT(masks); k++)
        for (size_t n = 0; n < COUNT(items); n = n < 60 ? n + 1 : n * 2) {
            uint64_t sum = 0;
            for (size_t i = 0; i < n; i++) {
                items[i] = (struct item){random_next(&seed) & masks[k], (uint32_t)i,
                                         (uint16_t)random_next(&seed), 0};
                sum += items[i].a;
            }
            memcpy(copy, items, n * sizeof *items);
            struct item *out = sort_items(items, spare, n);
            assert_true(out == items || out == spare);
            for (size_t i = 0; i < n; i++) {
                if (i)
                    assert_true(out[i - 1].key < out[i].key ||
                                (out[i - 1].key == out[i].key && out[i - 1].count < out[i].count));
                assert_memory_equal(&out[i], &copy[out[i].count], sizeof *out);
                sum -= out[i].a;
            }
            assert_int_equal(sum, 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

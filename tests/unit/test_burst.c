/* Bursts: what makes one, and that it doesn't depend on how lines were cut into commits. */
#include "store/burst.h"

#include <limits.h>

#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "pipeline/commit.h"
#include "store/prune.h"
#include "store/rules.h"

enum { T0 = 1764000000 - 1764000000 % HOUR_S };

static const char *folder; /* of the store that was made last */

static struct store *open_again(void)
{
    struct error err = {0};
    struct store *s;

    if (store_open(folder, STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

static struct store *fresh_store(void)
{
    static unsigned n;
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/burst%u", temp_folder, n++);
    folder = path;
    return open_again();
}

/* ---- events, and commits of them ---- */

struct events {
    struct event *list;
    size_t n, cap;
};

static void add(struct events *x, const struct event *e)
{
    if (x->n == x->cap) {
        x->list = realloc(x->list, (x->cap = x->cap * 2 + 256) * sizeof *x->list);
        assert_non_null(x->list);
    }
    x->list[x->n++] = *e;
}

/* `last`: of its process. */
static void commit_as(struct store *s, const struct event *list, size_t n, bool last)
{
    struct tally *t = tally_new();
    struct log_state log = {.is_stream = true, .mark = last, .watched_to = INT64_MIN};
    struct error err = {0};

    log.position.first_when = INT64_MAX;
    for (size_t i = 0; i < n; i++)
        tally_add(t, STR("gw"), &list[i], COUNTRY_LOCAL);
    struct commit_part part = {.log = &log, .tallies = &t, .n = 1};
    if (commit_write(s, &(struct commit_tags){0}, &part, 1, &err) < 0)
        fail_msg("%s", faults_text(&err));
    tally_free(t);
}

static void commit(struct store *s, const struct event *list, size_t n)
{
    commit_as(s, list, n, false);
}

/* ---- as text ---- */

static int print_burst(void *ctx, const struct burst_fact *f)
{
    char source[IP_TEXT_MAX], target[IP_TEXT_MAX], port[PORT_TEXT_MAX] = "-",
                                                   sport[PORT_TEXT_MAX] = "-";

    ip_format(&f->source, source);
    ip_format(&f->target, target);
    if (f->port != PORT_SEVERAL)
        port_format(f->port, port);
    if (f->source_port != PORT_SEVERAL)
        port_format(f->source_port, sport);
    fprintf(ctx, "%s %d-%d %d peak %d %s>%s %s from %s", burst_rules[f->kind].name,
            (int)(f->from - T0), (int)(f->to - T0), (int)f->events, (int)f->peak,
            *source ? source : "-", *target ? target : "-", port, sport);
    if (f->port_step || f->source_port_step)
        fprintf(ctx, " steps %d/%d", f->port_step, f->source_port_step);
    if (f->rule)
        fprintf(ctx, " rule %d", f->rule);
    fprintf(ctx, "\n");
    return 0;
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All bursts, a line each, sorted. The caller frees it. */
static char *bursts(struct store *s)
{
    char *text, *lines[1000], *sorted;
    size_t size, n = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(store_read_bursts(s, 0, 0, (int64_t)1 << 32, print_burst, out), 0);
    fclose(out);
    for (char *p = strtok(text, "\n"); p && n < COUNT(lines); p = strtok(NULL, "\n"))
        lines[n++] = p;
    qsort(lines, n, sizeof *lines, by_line);
    out = open_memstream(&sorted, &size);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s\n", lines[i]);
    fclose(out);
    free(text);
    return sorted;
}

/* Fails at the first line that differs. */
static void same_lines(const char *row, const char *got, const char *want)
{
    while (*got || *want) {
        size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");
        if (g != w || memcmp(got, want, g) != 0)
            fail_msg("%s: got '%.*s', want '%.*s'", row, (int)g, got, (int)w, want);
        got += g + (got[g] != 0);
        want += w + (want[w] != 0);
    }
}

/* ---- what makes one ---- */

/* n events over so many seconds; a step goes on from each event to the next. */
struct plant {
    int n, from, seconds;
    int source, source_step, target, target_step; /* last byte of the address */
    int port, port_step, sport, sport_step;
    int class;
};

/* Steps of no pattern: none of them repeats. */
enum { ODD = -9999 };

static uint16_t stepped(int base, int step, int i)
{
    return (uint16_t)(step == ODD ? base + i * i * 31 % 9973 : base + i * step);
}

static void plant(struct events *x, const struct plant *p)
{
    for (int i = 0; i < p->n; i++) {
        struct event e = {
            .when = T0 + p->from + (int64_t)i * p->seconds / p->n,
            .source = ip_from_v4(0xc6336400U + (unsigned)(p->source + i * p->source_step)),
            .destination =
                ip_from_v4(0xc0000200U + (unsigned)(p->target + i * p->target_step) % 256),
            .count = 1,
            .has_ports = true,
            .class = (uint8_t)p->class,
            .source_port = stepped(p->sport, p->sport_step, i),
            .port = port_key(PORT_TCP, stepped(p->port, p->port_step, i))};
        add(x, &e);
    }
}

enum { SCAN = CLASS_SCAN, BACK = CLASS_BACKSCATTER };

static const struct row {
    const char *name;
    struct plant plants[3];
    int count;
    const char *want;
} rows[] = {
    {"a flood",
     {{510, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 100-599 510 peak 2 198.51.100.1>192.0.2.9 23/tcp from -\n"},
    {"one less than a flood", {{499, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}}, 1, ""},
    {"too slow", {{500, 0, 605, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}}, 1, ""},
    {"just fast enough",
     {{500, 0, 600, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 0-598 500 peak 1 198.51.100.1>192.0.2.9 23/tcp from -\n"},
    {"over the hour",
     {{520, 3300, 590, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 3300-3888 520 peak 1 198.51.100.1>192.0.2.9 23/tcp from -\n"},
    {"an hour long",
     {{6000, 600, 3600, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "flood 600-4199 6000 peak 2 198.51.100.1>192.0.2.9 23/tcp from -\n"},
    {"two, apart",
     {{500, 0, 100, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN},
      {500, 2000, 100, 1, 0, 9, 0, 80, 0, 4000, ODD, SCAN}},
     2,
     "flood 0-99 500 peak 5 198.51.100.1>192.0.2.9 23/tcp from -\n"
     "flood 2000-2099 500 peak 5 198.51.100.1>192.0.2.9 80/tcp from -\n"},
    {"of two ports",
     {{500, 0, 100, 1, 0, 9, 0, 23, 0, 4000, 0, SCAN},
      {5, 50, 10, 1, 0, 9, 0, 80, 0, 4000, 0, SCAN}},
     2,
     "flood 0-99 505 peak 6 198.51.100.1>192.0.2.9 - from 4000/tcp\n"},
    {"of two sources",
     {{300, 0, 100, 1, 0, 9, 0, 23, 0, 4000, 0, SCAN},
      {300, 0, 100, 2, 0, 9, 0, 23, 0, 4000, 0, SCAN}},
     2,
     ""},
    {"a micro-burst",
     {{1000, 9, 10, 1, 0, 0, 1, 23, 0, 4000, ODD, SCAN}},
     1,
     "micro-burst 9-18 1000 peak 100 198.51.100.1>- 23/tcp from -\n"},
    {"none", {{1000, 9, 11, 1, 0, 0, 1, 23, 0, 4000, ODD, SCAN}}, 1, ""},
    {"at a target's port",
     {{1001, 9, 10, 0, 1, 9, 0, 23, 0, 4000, ODD, SCAN}},
     1,
     "target-burst 9-18 1001 peak 101 ->192.0.2.9 23/tcp from -\n"},
    {"answers of a source",
     {{100, 3550, 500, 1, 0, 0, 1, 9000, ODD, 80, 0, BACK}},
     1,
     "reflected-port 3550-4045 100 peak 1 198.51.100.1>- - from 80/tcp\n"
     "reflection 3550-4045 100 peak 1 198.51.100.1>- - from 80/tcp\n"},
    {"the same as scans", {{100, 3550, 500, 1, 0, 0, 1, 9000, ODD, 80, 0, SCAN}}, 1, ""},
    {"answers of many",
     {{101, 0, 500, 0, 1, 0, 1, 9000, ODD, 53, 0, BACK}},
     1,
     "reflected-port 0-495 101 peak 1 ->- - from 53/tcp\n"},
    {"ports in sequence",
     {{32, 0, 590, 1, 0, 0, 1, 100, 1, 4000, ODD, SCAN}},
     1,
     "sequential 0-571 32 peak 1 198.51.100.1>- - from - steps 1/0\n"},
    {"one less", {{31, 0, 590, 1, 0, 0, 1, 100, 1, 4000, ODD, SCAN}}, 1, ""},
    {"downwards, past zero",
     {{40, 0, 590, 1, 0, 0, 1, 200, -10, 4000, ODD, SCAN}},
     1,
     "sequential 0-575 40 peak 1 198.51.100.1>- - from - steps -10/0\n"},
    {"source ports in sequence",
     {{33, 0, 100, 1, 0, 9, 0, 23, 0, 65530, 2, SCAN}},
     1,
     "sequential 0-96 33 peak 1 198.51.100.1>192.0.2.9 23/tcp from - steps 0/2\n"},
    {"two sequences",
     {{40, 0, 100, 1, 0, 0, 1, 100, 1, 4000, ODD, SCAN},
      {40, 100, 100, 1, 0, 0, 1, 900, 3, 4000, ODD, SCAN}},
     2,
     "sequential 0-97 40 peak 1 198.51.100.1>- - from - steps 1/0\n"
     "sequential 100-197 40 peak 1 198.51.100.1>- - from - steps 3/0\n"},
    {"of no pattern", {{200, 0, 500, 1, 0, 0, 1, 100, ODD, 4000, ODD, SCAN}}, 1, ""},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct events x = {0};
        for (int k = 0; k < rows[i].count; k++)
            plant(&x, &rows[i].plants[k]);
        struct store *s = fresh_store();
        commit(s, x.list, x.n);
        char *got = bursts(s);
        same_text(rows[i].name, got, rows[i].want);
        free(got);
        store_close(s);
        /* the same in commits of a few lines each */
        s = fresh_store();
        size_t step = x.n / 40 + 1;
        for (size_t at = 0; at < x.n; at += step)
            commit(s, x.list + at, at + step < x.n ? step : x.n - at);
        got = bursts(s);
        same_text(rows[i].name, got, rows[i].want);
        free(got);
        store_close(s);
        free(x.list);
    }
}

/* ---- however they are cut ---- */

static uint32_t random_number(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Two hours in which now these, now those do much; IPv6 among them; a little out of order. */
static void make_noise(struct events *x, uint32_t seed)
{
    int64_t when = T0 + 1000;
    uint16_t sequence = 0;

    for (int i = 0; i < 12000; i++) {
        unsigned phase = (unsigned)(when - T0) / 700 % 4, who = random_number(&seed) % 8;
        struct event e = {.when = when - random_number(&seed) % 3,
                          .source = ip_from_v4(0xc6336400U + random_number(&seed) % 200),
                          .destination = ip_from_v4(0xc0000200U + random_number(&seed) % 16),
                          .count = 1 + (random_number(&seed) % 50 == 0),
                          .has_ports = true,
                          .source_port = (uint16_t)random_number(&seed),
                          .port = port_key(PORT_TCP, random_number(&seed) % 1000)};
        if (who < 5 && phase == 1)
            e.source = ip_from_v4(0xcb007107);
        if (who < 4 && phase == 1)
            e.destination = ip_from_v4(0xc0000209);
        if (who < 3 && phase == 2) {
            e.class = CLASS_BACKSCATTER;
            assert_int_equal(ip_parse(STR("2001:db8::7"), &e.source), 0);
        }
        if (who == 6) {
            assert_int_equal(ip_parse(STR("2001:db8::9"), &e.source), 0);
            e.source_port = sequence += 3;
            e.when = when; /* out of order at the turn of an hour, it might be told one longer */
        }
        if (random_number(&seed) % 2500 == 0)
            for (int k = 0; k < 1200; k++) {
                e.source = ip_from_v4(0x05060708);
                add(x, &e);
            }
        add(x, &e);
        when += random_number(&seed) % 10 < 6;
    }
}

static void test_cuts(void **state)
{
    (void)state;
    /* now and then another process goes on */
    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct events x = {0};
        make_noise(&x, seed * 77);
        struct store *whole = fresh_store();
        commit(whole, x.list, x.n);
        char *want = bursts(whole);
        assert_non_null(strstr(want, "flood"));
        assert_non_null(strstr(want, "reflection"));
        assert_non_null(strstr(want, "micro-burst"));
        assert_non_null(strstr(want, "steps 0/3"));
        store_close(whole);
        for (size_t most = 60; most < 10000; most *= 12) {
            struct store *s = fresh_store();
            char row[60];
            uint32_t cut = seed;
            for (size_t at = 0, n; at < x.n; at += n) {
                n = 1 + random_number(&cut) % most;
                n = n < x.n - at ? n : x.n - at;
                bool last = random_number(&cut) % 4 == 0;
                commit_as(s, x.list + at, n, last);
                if (last) {
                    store_close(s);
                    s = open_again();
                }
            }
            snprintf(row, sizeof row, "seed %u, up to %zu lines", seed, most);
            char *got = bursts(s);
            same_lines(row, got, want);
            free(got);
            store_close(s);
        }
        free(want);
        free(x.list);
    }
}

/* A crash forgets what was far from a burst, and nothing of one that is under way. */
static void test_crash(void **state)
{
    static const struct row crashes[] = {
        {"a flood",
         {{600, 0, 590, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN}},
         1,
         "flood 0-589 600 peak 2 198.51.100.1>192.0.2.9 23/tcp from -\n"},
        {"a sequence",
         {{40, 0, 580, 1, 0, 0, 1, 100, 1, 4000, ODD, SCAN}},
         1,
         "sequential 0-565 40 peak 1 198.51.100.1>- - from - steps 1/0\n"},
        {"answers",
         {{120, 0, 580, 1, 0, 0, 1, 9000, ODD, 80, 0, BACK}},
         1,
         "reflected-port 0-575 120 peak 1 198.51.100.1>- - from 80/tcp\n"
         "reflection 0-575 120 peak 1 198.51.100.1>- - from 80/tcp\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(crashes); i++) {
        struct events x = {0};
        plant(&x, &crashes[i].plants[0]);
        struct store *s = fresh_store();
        for (size_t at = 0, n = x.n / 20; at < x.n; at += n) {
            commit(s, x.list + at, n);
            if (at == x.n / 2 || at == x.n / 4 * 3) {
                store_close(s);
                s = open_again();
            }
        }
        char *got = bursts(s);
        same_text(crashes[i].name, got, crashes[i].want);
        free(got);
        free(x.list);
        store_close(s);
    }
}

/* A log of another year in between leaves what goes on now alone. */
static void test_two_logs(void **state)
{
    const struct plant now = {600, 0, 600, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN};
    struct plant then = now;
    struct events a = {0}, b = {0};
    struct store *s = fresh_store();

    (void)state;
    then.from = -10000000;
    then.source = 2;
    plant(&a, &now);
    plant(&b, &then);
    for (size_t i = 0; i < 600; i += 100) {
        commit(s, a.list + i, 100);
        commit(s, b.list + i, 100);
    }
    char *got = bursts(s);
    assert_string_equal(got,
                        "flood -10000000--9999401 600 peak 1 198.51.100.2>192.0.2.9 23/tcp from -\n"
                        "flood 0-599 600 peak 1 198.51.100.1>192.0.2.9 23/tcp from -\n");
    free(got);
    free(a.list);
    free(b.list);
    store_close(s);
}

/* A rule that comes later reaches back, and what is pruned is gone. */
static void test_rules_and_pruning(void **state)
{
    const struct plant p = {510, 100, 500, 1, 0, 9, 0, 23, 0, 4000, ODD, SCAN};
    struct network net;
    struct rule rule = {.kind = RULE_EXCLUDE, .name = "us", .networks = &net, .n = 1};
    struct rules_change change;
    struct events x = {0};
    struct store *s = fresh_store();

    (void)state;
    plant(&x, &p);
    commit(s, x.list, x.n);
    assert_int_equal(network_parse(STR("198.51.100.0/30"), &net), 0);
    assert_int_equal(store_set_rules(s, &rule, 1, &change), 0);
    char *got = bursts(s);
    assert_string_equal(got,
                        "flood 100-599 510 peak 2 198.51.100.1>192.0.2.9 23/tcp from - rule 1\n");
    free(got);
    assert_int_equal(store_set_rules(s, NULL, 0, &change), 0);
    got = bursts(s);
    assert_null(strstr(got, "rule"));
    free(got);
    struct prune_query q = {(uint16_t[]){1}, 1, T0 + 300, T0 + 600};
    assert_int_equal(prune_facts(s, &q), 0);
    got = bursts(s);
    assert_string_equal(got, "");
    free(got);
    free(x.list);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_two_logs),
        cmocka_unit_test(test_rules_and_pruning),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

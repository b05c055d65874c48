/* Rules that come afterwards give the facts that rules from the start give; and
 * taking them out gives back those that never had one. With several hours and
 * sensors, IPv6, folding, commits in between, and another country database
 * half-way. */
#include "base/country.h"
#include "base/port.h"
#include "facts_dump.h"
#include "pipeline/commit.h"
#include "report/rank.h"
#include "store/rules.h"
#include "store/segment.h"

enum { HOUR0 = 1764000000 - 1764000000 % HOUR_S, COMMITS = 6, EVENTS = 4000 };

/* ---- rules ---- */

struct list {
    struct rule rules[4];
    size_t n;
};

static void add_rule(struct list *l, enum rule_kind kind, const char *name, const char *networks)
{
    struct rule *rule = &l->rules[l->n++];

    *rule = (struct rule){0, kind, strdup(name), calloc(8, sizeof *rule->networks), 0};
    for (const char *p = networks; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        assert_int_equal(network_parse((struct str){p, n}, &rule->networks[rule->n++]), 0);
        p += n;
    }
}

/* "kind name: network network; ..." */
static struct rules_change try_rules(struct store *s, const char *text)
{
    struct rules_change asked, change;
    struct list l = {0};
    char copy[512], *save, *part;

    snprintf(copy, sizeof copy, "%s", text);
    for (part = strtok_r(copy, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
        char *name = part + strspn(part, " "), *networks = strchr(name, ':');
        *networks = 0;
        bool scanner = strncmp(name, "scanner ", 8) == 0;
        add_rule(&l, scanner ? RULE_SCANNER : RULE_EXCLUDE, scanner ? name + 8 : name,
                 networks + 2);
    }
    assert_int_equal(store_compare_rules(s, l.rules, l.n, &asked), 0);
    assert_int_equal(store_set_rules(s, l.rules, l.n, &change), 0);
    assert_int_equal(asked.differ, change.differ);
    assert_int_equal(asked.reach, change.reach);
    assert_int_equal(asked.older, change.older);
    assert_int_equal(store_compare_rules(s, l.rules, l.n, &asked), 0);
    assert_false(asked.differ);
    for (size_t i = 0; i < l.n; i++)
        rule_fini(&l.rules[i]);
    return change;
}

static struct rules_change set_rules(struct store *s, const char *text)
{
    struct rules_change change = try_rules(s, text);

    assert_int_equal(change.stuck, 0);
    return change;
}

/* ---- commits ---- */

static struct store *open_store(const char *data)
{
    struct error err = {0};
    struct store *s = NULL;

    if (store_open(data, STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

/* The same events for the same number of the commit. */
static void commit(struct store *s, unsigned number)
{
    static const int hours[] = {0, 1, 2, 50, 99};
    static const uint32_t ports[] = {22, 23, 445, 3389};
    struct tally *t = tally_new();
    struct log_state log = {.is_stream = true, .watched_to = -1};
    struct error err = {0};
    uint64_t seed = number + 1;

    log.position.first_when = INT64_MAX;
    for (int i = 0; i < EVENTS; i++) {
        struct event e = {.count = random_below(&seed, 5) ? 1 : 7};
        uint32_t host = random_below(&seed, 60), port = ports[random_below(&seed, COUNT(ports))];
        e.when = HOUR0 + hours[random_below(&seed, COUNT(hours))] * HOUR_S +
                 (int)random_below(&seed, HOUR_S);
        e.port = port_key(PORT_TCP, (uint16_t)port);
        if (host % 5 == 0) { /* three IPv6 ones */
            host %= 3;
            e.source = (struct ip){6, {0x20, 1, 0x0d, 0xb8, 0, (uint8_t)host}};
        } else {
            e.source = ip_from_v4(0x0a000000 + host);
        }
        e.destination = ip_from_v4(0xc0000200 + random_below(&seed, 9));
        e.class = host % 7 == 0 ? CLASS_BACKSCATTER : CLASS_SCAN;
        /* From the fourth commit on a database gives other countries to some. */
        uint16_t country = (uint16_t)(100 + host % 4 + (number > 3 && host % 2));
        tally_add(t, random_below(&seed, 3) ? STR("gate") : STR("dmz"), &e, country);
    }
    if (commit_write(s, &(struct commit_tags){0},
                     &(struct commit_part){.log = &log, .tallies = &t, .n = 1}, 1, &err) < 0)
        fail_msg("%s", faults_text(&err));
    tally_free(t);
}

/* Every ranking of all there is, sketched where a ranking of days is. */
static char *rankings(const char *data)
{
    char *text, key[RANK_KEY_MAX];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct store *s = open_store(data);

    assert_int_equal(store_fold(s, (int64_t)1 << 32), 0);
    for (int what = RANK_PORTS; what <= RANK_TARGETS; what++) {
        struct rank_query q = {
            .what = (enum rank_what)what, .from = HOUR0, .to = HOUR0 + 100 * HOUR_S};
        struct ranking r;
        assert_int_equal(rank_make(s, &q, &r), 0);
        fprintf(out, "%d: %llu events, %llu sources, %llu hidden\n", what,
                (unsigned long long)r.events, (unsigned long long)r.sources,
                (unsigned long long)r.hidden);
        for (size_t i = 0; i < r.n; i++)
            fprintf(out, "%s %llu %llu\n", rank_key(q.what, &r.rows[i], key),
                    (unsigned long long)r.rows[i].events, (unsigned long long)r.rows[i].sources);
        rank_fini(&r);
    }
    fclose(out);
    store_close(s);
    return text;
}

static void same_all(const char *row, const char *got_folder, const char *want_folder)
{
    same_facts(row, got_folder, want_folder);
    char *got = rankings(got_folder), *want = rankings(want_folder);
    same_text(row, got, want);
    free(got);
    free(want);
}

/* ---- the tests ---- */

static const char first[] =
    "exclude: 10.0.0.0/28 2001:db8:1::/48; scanner lab: 10.0.0.8/29 10.0.0.40";
static const char second[] =
    "exclude: 10.0.0.12/30; scanner other: 10.0.0.32/27 2001:db8::/32; scanner "
    "lab: 10.0.0.0/8";

/* A folder that has had the rules from before the first commit. */
static const char *from_the_start(const char *name, const char *const *rules, size_t n,
                                  unsigned commits)
{
    const char *data = temp_path(name);
    struct store *s = open_store(data);

    for (size_t i = 0; i < n; i++)
        set_rules(s, rules[i]);
    for (unsigned i = 0; i < commits; i++)
        commit(s, i);
    store_close(s);
    return data;
}

static void afterwards_is_as_from_the_start(void **state)
{
    static const char *const rules[] = {first, second};
    const char *plain = from_the_start("plain", NULL, 0, COMMITS),
               *one = from_the_start("one", rules, 1, COMMITS),
               *two = from_the_start("two", rules, 2, COMMITS), *data = temp_path("data");
    struct store *s = open_store(data);
    (void)state;

    for (unsigned i = 0; i < 3; i++)
        commit(s, i);
    assert_int_equal(store_fold(s, HOUR0 + 2 * HOUR_S), 0);
    struct rules_change change = set_rules(s, first);
    assert_true(change.differ && change.events > 0 && !change.older);
    assert_int_equal(change.reach, HOUR0);
    for (unsigned i = 3; i < COMMITS; i++)
        commit(s, i);
    store_close(s);
    same_all("added half-way", data, one);

    s = open_store(data);
    set_rules(s, second);
    store_close(s);
    same_all("others in their place", data, two);

    s = open_store(data);
    set_rules(s, "");
    store_close(s);
    same_all("taken out", data, plain);

    s = open_store(data);
    set_rules(s, first);
    store_close(s);
    same_all("put in again: the numbers are the same", data, one);
}

/* What an hour's margin and its sources tell is of the same sources. */
static void sketches_are_of_all_but_the_excluded(void **state)
{
    struct store *s = open_store(temp_path("one")); /* of the test above */
    (void)state;

    for (int what = RANK_PORTS; what <= RANK_COUNTRIES; what++) {
        struct rank_query q = {
            .what = (enum rank_what)what, .from = HOUR0, .to = HOUR0 + 100 * HOUR_S};
        struct ranking sketched, exact;
        assert_int_equal(rank_make(s, &q, &sketched), 0);
        q.exact = true;
        assert_int_equal(rank_make(s, &q, &exact), 0);
        assert_true(exact.sources_exact && !sketched.sources_exact);
        assert_int_equal(exact.sources, 48 + 3 - 7); /* IPv4, IPv6, excluded */
        assert_in_range(sketched.sources, 43, 45);
        assert_int_equal(exact.events, sketched.events);
        assert_int_equal(exact.hidden, sketched.hidden);
        rank_fini(&sketched);
        rank_fini(&exact);
    }
    store_close(s);
}

/* ---- bounded hours ---- */

enum { CN = 2 * 26 + 13, NL = 13 * 26 + 11 };

static uint32_t tcp(uint32_t port)
{
    return port_key(PORT_TCP, port);
}

static void put_source(struct segment_writer *w, uint32_t source, uint32_t port, uint16_t country,
                       uint64_t events)
{
    struct source_fact f = {.source = ip_from_v4(source),
                            .port = port,
                            .country = country,
                            .events = events,
                            .spread = {events}};

    segment_put_source(w, &f);
}

/* A bin in which one pair is told alone, and the others by port and by country
 * only; of one source it isn't known at which ports it knocked. */
static void put_flood(struct store *s)
{
    struct segment_writer w = {0};
    uint16_t id;

    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("gate"), &id), 0);
    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, tcp(22), CN, 5);
    segment_put_bin(&w, 0, 0, tcp(23), COUNTRY_OTHER, 10);
    segment_put_bin(&w, 0, 0, tcp(24), COUNTRY_OTHER, 3);
    segment_put_bin(&w, 0, 0, PORT_OTHER, CN, 9);
    segment_put_bin(&w, 0, 0, PORT_OTHER, NL, 4);
    segment_put_bin(&w, 0, 0, PORT_OTHER, COUNTRY_OTHER, -(uint64_t)13);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, id, HOUR0, 18, b->p, b->n), 0);
    segment_begin(&w, FACT_SOURCE);
    put_source(&w, 0x0a000001, tcp(22), CN, 5);
    put_source(&w, 0x0a000001, tcp(23), CN, 6);
    put_source(&w, 0x0a000002, tcp(23), NL, 4);
    put_source(&w, 0x0a000003, PORT_OTHER, CN, 3);
    b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_SOURCE, id, HOUR0, 18, b->p, b->n), 0);
    assert_int_equal(store_commit(s), 0);
    segment_writer_fini(&w);
}

static const char *ranked(struct store *s, enum rank_what what)
{
    static char text[256];
    struct rank_query q = {.what = what, .from = HOUR0, .to = HOUR0 + HOUR_S, .no_sources = true};
    struct ranking r;
    char key[RANK_KEY_MAX];
    size_t n = 0;

    assert_int_equal(rank_make(s, &q, &r), 0);
    *text = 0;
    for (size_t i = 0; i < r.n; i++)
        n +=
            (size_t)snprintf(text + n, sizeof text - n, "%s %llu, ",
                             rank_key(what, &r.rows[i], key), (unsigned long long)r.rows[i].events);
    snprintf(text + n, sizeof text - n, "hidden %llu", (unsigned long long)r.hidden);
    rank_fini(&r);
    return text;
}

static void what_a_flood_left(void **state)
{
    struct store *s = open_store(temp_path("flood"));
    (void)state;

    put_flood(s);
    same_text("ports", ranked(s, RANK_PORTS), "23/tcp 10, 22/tcp 5, 24/tcp 3, hidden 0");
    same_text("countries", ranked(s, RANK_COUNTRIES), "CN 14, NL 4, hidden 0");
    struct rules_change change = set_rules(s, "exclude: 10.0.0.1");
    assert_int_equal(change.events, 11);
    same_text("ports, excluded", ranked(s, RANK_PORTS), "23/tcp 4, 24/tcp 3, hidden 11");
    same_text("countries, excluded", ranked(s, RANK_COUNTRIES), "NL 4, CN 3, hidden 11");
    set_rules(s, "");
    same_text("ports again", ranked(s, RANK_PORTS), "23/tcp 10, 22/tcp 5, 24/tcp 3, hidden 0");
    same_text("countries again", ranked(s, RANK_COUNTRIES), "CN 14, NL 4, hidden 0");

    /* Nothing tells which ports to take that source's events from. */
    change = try_rules(s, "exclude: 10.0.0.3");
    assert_int_equal(change.events, 0);
    assert_int_equal(change.stuck, 3);
    same_text("stuck", ranked(s, RANK_PORTS), "23/tcp 10, 22/tcp 5, 24/tcp 3, hidden 0");
    store_close(s);
}

/* Long past, bins are summed up by the hour; sources still tell the five minutes. */
static void what_is_kept_by_the_hour(void **state)
{
    struct store *s = open_store(temp_path("thin"));
    struct segment_writer w = {0};
    struct source_fact f = {.source = ip_from_v4(0x0a000001),
                            .port = tcp(22),
                            .country = CN,
                            .first = 400,
                            .last = 3000,
                            .events = 6,
                            .spread = {[1] = 4, [10] = 2}};
    uint16_t id;
    (void)state;

    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("gate"), &id), 0);
    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, tcp(22), CN, 9);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, id, HOUR0, 9, b->p, b->n), 0);
    segment_begin(&w, FACT_SOURCE);
    segment_put_source(&w, &f);
    b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_SOURCE, id, HOUR0, 6, b->p, b->n), 0);
    assert_int_equal(store_commit(s), 0);
    segment_writer_fini(&w);

    struct rules_change change = set_rules(s, "exclude: 10.0.0.1");
    assert_int_equal(change.events, 6);
    same_text("excluded", ranked(s, RANK_PORTS), "22/tcp 3, hidden 6");
    set_rules(s, "");
    same_text("again", ranked(s, RANK_PORTS), "22/tcp 9, hidden 0");
    store_close(s);
}

/* ---- more ---- */

static void only_the_order(void **state)
{
    struct store *s = open_store(temp_path("order"));
    (void)state;

    commit(s, 0);
    set_rules(s, "scanner a: 10.0.0.0/8; scanner b: 10.0.0.0/8 10.0.0.1");
    struct rules_change change =
        set_rules(s, "scanner a: 10.0.0.0/8; scanner b: 10.0.0.1 10.0.0.0/8");
    assert_false(change.differ);
    change = set_rules(s, "scanner b: 10.0.0.0/8 10.0.0.1; scanner a: 10.0.0.0/8");
    assert_true(change.differ && change.events > 0);
    change = set_rules(s, "scanner b: 10.0.0.0/8 10.0.0.1; scanner a: 10.0.0.0/8; scanner c: ");
    assert_false(change.differ);
    store_close(s);
}

static void nothing_is_counted_yet(void **state)
{
    struct store *s = open_store(temp_path("empty"));
    (void)state;

    struct rules_change change = set_rules(s, first);
    assert_true(change.differ && !change.older);
    assert_int_equal(change.events, 0);
    assert_true(change.reach == INT64_MAX);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(afterwards_is_as_from_the_start),
        cmocka_unit_test(sketches_are_of_all_but_the_excluded),
        cmocka_unit_test(what_a_flood_left),
        cmocka_unit_test(what_is_kept_by_the_hour),
        cmocka_unit_test(only_the_order),
        cmocka_unit_test(nothing_is_counted_yet),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

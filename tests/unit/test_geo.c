/* Countries from a MaxMind DB, through its tree and through the table that is made of it: the same. */
#include "tag/geo.h"

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#include "helper.h"

static const char networks[] = "8.0.0.0/8 US\n"
                               "8.8.8.0/24 NL\n"
                               "8.8.4.4/32 DE\n" /* finer than a /24 */
                               "9.9.0.0/16 FR\n"
                               "9.9.9.128/25 JP\n"
                               "9.10.0.0/17 GB\n" /* a /16 that is mixed */
                               "128.0.0.0/1 BR\n"
                               "203.0.113.0/24 CN\n" /* nobody's, whatever a database says */
                               "10.0.0.0/8 CN\n"
                               "2a00::/16 SE\n"
                               "2a00:1450::/32 IE\n"
                               "2001:db8::/32 CN\n";

static const struct {
    const char *ip, *country;
} rows[] = {
    {"8.0.0.0", "US"},        {"8.255.255.255", "US"}, {"8.8.8.8", "NL"},
    {"8.8.7.255", "US"},      {"8.8.9.0", "US"},       {"8.8.4.4", "DE"},
    {"8.8.4.3", "US"},        {"8.8.4.5", "US"},       {"9.9.0.1", "FR"},
    {"9.9.9.127", "FR"},      {"9.9.9.128", "JP"},     {"9.10.0.1", "GB"},
    {"9.10.127.1", "GB"},     {"9.10.128.1", "ZZ"},    {"9.8.0.1", "ZZ"},
    {"1.1.1.1", "ZZ"},        {"127.255.0.1", "--"},   {"128.0.0.1", "BR"},
    {"223.255.255.1", "BR"},  {"224.0.0.1", "--"},     {"203.0.113.7", "--"},
    {"203.0.112.7", "BR"},    {"10.1.2.3", "--"},      {"192.168.1.1", "--"},
    {"172.15.0.1", "BR"},     {"172.16.0.1", "--"},    {"172.32.0.1", "BR"},
    {"2a00::1", "SE"},        {"2a00:1450::1", "IE"},  {"2a01::1", "ZZ"},
    {"2001:db8::1", "--"},    {"fe80::1", "--"},       {"::1", "--"},
    {"::ffff:8.8.8.8", "NL"},
};

/* Makes a database of the networks with tests/tools/mkmmdb, which is built beside this test. */
static void make_database(const char *path, const char *schema, const char *text)
{
    char self[400], command[1200];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    snprintf(command, sizeof command, "%s/mkmmdb --schema %s >%s", self, schema, path);
    FILE *tool = popen(command, "w");
    assert_non_null(tool);
    fputs(text, tool);
    if (pclose(tool) != 0)
        fail_msg("'%s' failed: `make tests` builds it", command);
}

static struct geo *open_geo(const char *path)
{
    struct error err = {0};
    struct geo *g = NULL;

    if (geo_open(path, &g, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return g;
}

static const char *country_of(const struct geo *g, const char *text)
{
    static char out[3];
    struct ip ip;

    assert_int_equal(ip_parse(str_from(text), &ip), 0);
    return country_format(geo_country(g, &ip), out);
}

static void expand(struct geo *g)
{
    geo_expand(g);
    geo_expand(g);
    while (!geo_is_expanded(g))
        sched_yield();
}

static void test_rows(void **state)
{
    static const char *const schemas[] = {"iso", "registered", "flat"};

    (void)state;
    for (size_t k = 0; k < COUNT(schemas); k++) {
        const char *path = temp_path(schemas[k]);
        make_database(path, schemas[k], networks);
        struct geo *g = open_geo(path);
        assert_string_equal(geo_path(g), path);
        assert_true(geo_type(g) && *geo_type(g));
        for (int expanded = 0; expanded < 2; expanded++) {
            assert_int_equal(geo_is_expanded(g), expanded);
            for (size_t i = 0; i < COUNT(rows); i++)
                same_text(rows[i].ip, country_of(g, rows[i].ip), rows[i].country);
            if (!expanded)
                expand(g);
        }
        struct ip none = {0};
        assert_int_equal(geo_country(g, &none), COUNTRY_LOCAL);
        geo_close(g);
    }
}

/* Networks at random: the tree and the table say the same of any address. */
static void test_same_answers(void **state)
{
    const char *path = temp_path("random");
    char *text = NULL;
    size_t size;
    uint64_t seed = 4;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (int i = 0; i < 3000; i++) {
        uint32_t v = (uint32_t)random_next(&seed);
        unsigned bits = 4 + random_below(&seed, 29);
        v &= 0xffffffffu << (32 - bits);
        fprintf(out, "%u.%u.%u.%u/%u %c%c\n", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255, bits,
                'A' + (int)random_below(&seed, 26), 'A' + (int)random_below(&seed, 26));
    }
    fclose(out);
    make_database(path, "iso",
                  text); /* 22 bytes a country: places in the table of seen ones meet */
    free(text);
    struct geo *tree = open_geo(path), *table = open_geo(path);
    unsigned countries = 0;
    expand(table);
    for (int i = 0; i < 400000; i++) {
        struct ip ip = ip_from_v4((uint32_t)random_next(&seed));
        uint16_t want = geo_country(tree, &ip);
        assert_int_equal(geo_country(table, &ip), want);
        countries += want != COUNTRY_LOCAL && want != COUNTRY_UNKNOWN;
    }
    assert_true(countries > 40000);
    assert_false(geo_is_expanded(tree));
    geo_close(tree);
    geo_close(table);
}

/* One record for all of IPv4: the tree has no node to begin at. */
static void test_no_ipv4_tree(void **state)
{
    static const struct {
        const char *networks, *country;
    } cases[] = {{"::/0 SE\n", "SE"}, {"2a00::/16 SE\n", "ZZ"}, {"0.0.0.0/0 SE\n", "SE"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *path = temp_path("one");
        make_database(path, "iso", cases[i].networks);
        struct geo *g = open_geo(path);
        same_text(cases[i].networks, country_of(g, "8.8.8.8"), cases[i].country);
        expand(g);
        same_text(cases[i].networks, country_of(g, "8.8.8.8"), cases[i].country);
        same_text(cases[i].networks, country_of(g, "10.0.0.1"), "--");
        geo_close(g);
    }
}

static void test_without(void **state)
{
    struct geo *g = geo_none();

    (void)state;
    for (int expanded = 0; expanded < 2; expanded++) {
        assert_string_equal(country_of(g, "8.8.8.8"), "ZZ");
        assert_string_equal(country_of(g, "10.1.1.1"), "--");
        assert_string_equal(country_of(g, "2a00::1"), "ZZ");
        expand(g);
    }
    assert_null(geo_path(g));
    assert_null(geo_type(g));
    assert_int_equal(geo_built(g), 0);
    geo_close(g);
    geo_close(NULL);
}

static void test_unusable(void **state)
{
    const char *good = temp_path("good"), *bad = temp_path("bad");
    struct error err = {0};
    struct geo *g = NULL;
    struct stat st;

    (void)state;
    make_database(good, "iso", networks);
    assert_int_equal(stat(good, &st), 0);
    char *bytes = malloc((size_t)st.st_size);
    FILE *f = fopen(good, "r");
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
    fclose(f);
    for (int i = 0; i < 4;
         i++) { /* no file, empty, cut in half, the tree overwritten behind ::/96 */
        size_t n = i < 2 ? 0 : i == 2 ? (size_t)st.st_size / 2 : (size_t)st.st_size;
        if (i > 0) {
            if (i == 3)
                memset(bytes + 700, 0xff, 600);
            f = fopen(bad, "w");
            fwrite(bytes, 1, n, f);
            fclose(f);
        }
        assert_int_equal(geo_open(bad, &g, &err), -EINVAL);
        assert_null(g);
        assert_int_equal(err.n, 1);
        assert_string_equal(err.items[0].file, bad);
        assert_non_null(strstr(faults_text(&err), "can't be used"));
    }
    free(bytes);
}

/* Closed at once, the table's thread is waited for; many may ask while it is being made. */
static void *ask(void *arg)
{
    for (int i = 0; i < 30000; i++)
        for (size_t k = 0; k < 4; k++) {
            char got[3];
            struct ip ip;
            ip_parse(str_from(rows[k].ip), &ip);
            country_format(geo_country(arg, &ip), got);
            if (strcmp(got, rows[k].country) != 0)
                return arg;
        }
    return NULL;
}

static void test_threads(void **state)
{
    const char *path = temp_path("threads");
    pthread_t threads[3];

    (void)state;
    make_database(path, "iso", networks);
    for (int round = 0; round < 20; round++) {
        struct geo *g = open_geo(path);
        geo_expand(g);
        geo_close(g);
    }
    struct geo *g = open_geo(path);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, g), 0);
    geo_expand(g);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    geo_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_no_ipv4_tree), cmocka_unit_test(test_without),
        cmocka_unit_test(test_unusable),     cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

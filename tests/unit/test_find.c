/* The first place of a literal, against a search byte by byte. */
#include "base/find.h"

#include "helper.h"

static long naive(struct str hay, size_t from, struct str needle)
{
    for (size_t i = from; i + needle.n <= hay.n; i++)
        if (memcmp(hay.p + i, needle.p, needle.n) == 0)
            return (long)i;
    return -1;
}

static void test_rows(void **state)
{
    static const struct {
        const char *hay, *needle;
        size_t from;
        long at;
    } rows[] = {
        {"DROP IN=eth0 OUT=", "IN=", 0, 5},
        {"DROP IN=eth0 OUT=", "IN=", 5, 5},
        {"DROP IN=eth0 OUT=", "IN=", 6, -1},
        {"DROP IN=eth0 OUT=", "OUT=", 0, 13},
        {"IN=", "IN=", 0, 0},
        {"IN", "IN=", 0, -1},
        {"", "x", 0, -1},
        {"x", "x", 0, 0},
        {"x", "x", 1, -1},
        {"x", "x", 9, -1},
        {"abababababababababababababababababababac", "abac", 0, 36},
        {"IxxxxxxxxxxxxxxxxxxxxxxxxxxxxxN=IN=", "IN=", 0, 32},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        same_number(rows[i].hay,
                    find_literal(str_from(rows[i].hay), rows[i].from, str_from(rows[i].needle)),
                    rows[i].at);
}

static void test_random(void **state)
{
    uint64_t seed = 9;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        size_t n = random_below(&seed, 70), m = 1 + random_below(&seed, 5);
        char *hay = malloc(n ? n : 1), needle[5]; /* of exactly its size */
        assert_non_null(hay);
        for (size_t i = 0; i < n; i++)
            hay[i] = (char)('a' + (int)random_below(&seed, 3));
        for (size_t i = 0; i < m; i++)
            needle[i] = (char)('a' + (int)random_below(&seed, 3));
        size_t from = random_below(&seed, (uint32_t)n + 3);
        struct str h = {hay, n}, x = {needle, m};
        assert_int_equal(find_literal(h, from, x), naive(h, from, x));
        free(hay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

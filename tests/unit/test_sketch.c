/* How many different addresses: near enough, whatever the order, and joined as if counted together. Also the hash and the
 * table of addresses underneath. */
#include "base/sketch.h"

#include "base/iptable.h"
#include "helper.h"

/* Different addresses that are neighbours, which a bad hash would not tell apart. */
static struct ip nth(uint32_t i, bool six)
{
    if (!six)
        return ip_from_v4(0x0a000000 + i);
    struct ip x = {6, {0x20, 0x01, 0x0d, 0xb8}};
    for (int b = 0; b < 4; b++)
        x.b[15 - b] = (uint8_t)(i >> (8 * b));
    return x;
}

static void test_counts(void **state)
{
    static const struct {
        uint32_t n;
        double error; /* allowed share */
    } rows[] = {{0, 0},       {1, 0},      {2, 0},       {10, 0.1},     {100, 0.06},
                {1000, 0.08}, {5000, 0.1}, {20000, 0.1}, {1000000, 0.1}};

    (void)state;
    for (int six = 0; six < 2; six++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct sketch s = {0};
            for (uint32_t k = 0; k < rows[i].n; k++) {
                struct ip ip = nth(k, six);
                sketch_add(&s, sketch_mark(&ip));
                sketch_add(&s, sketch_mark(&ip)); /* again: nothing */
            }
            double got = (double)sketch_count(&s), n = rows[i].n;
            if (got < n * (1 - rows[i].error) || got > n * (1 + rows[i].error))
                fail_msg("%u addresses counted as %.0f", rows[i].n, got);
        }
}

static void test_join(void **state)
{
    struct sketch a = {0}, b = {0}, both = {0}, alone = {0};
    uint8_t marks[2 * SKETCH_REGISTERS];
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        struct ip ip = nth(i, i % 2);
        uint16_t mark = sketch_mark(&ip);
        assert_true((mark & ((1 << SKETCH_RANK_BITS) - 1)) >= 1);
        sketch_add(i % 3 ? &a : &b, mark);
        sketch_add(&both, mark);
    }
    for (unsigned r = 0; r < SKETCH_REGISTERS; r++)
        if (b.rank[r]) {
            marks[n++] = (uint8_t)(r << SKETCH_RANK_BITS | b.rank[r]);
            marks[n++] = (uint8_t)((r << SKETCH_RANK_BITS | b.rank[r]) >> 8);
        }
    sketch_join(&alone, marks, n);
    assert_memory_equal(&alone, &b, sizeof b);
    sketch_join(&a, marks, n);
    assert_memory_equal(&a, &both, sizeof a);
    sketch_join(&a, marks, n);
    sketch_join(&a, marks, 0);
    sketch_join(&a, marks, 1); /* half a mark is none */
    assert_memory_equal(&a, &both, sizeof a);
}

/* Stored for years: the same bytes give the same number. Worked out apart from the code, by its description. */
static void test_hash(void **state)
{
    (void)state;
    assert_int_equal(hash_mix(0), 0);
    assert_true(hash_mix(1) == 0xb456bcfc34c2cb2cULL); /* MurmurHash3's fmix64 of 1 */
    assert_true(hash_bytes("abc", 3, 0) == 0xa5efcb6500a8413fULL);
    assert_true(hash_bytes("abc", 3, 1) == 0x68f3b5a9619c8476ULL);
    assert_true(hash_bytes("abcdefgh", 8, 0) == 0xe51c3a9c3b9b767cULL);
    assert_true(hash_bytes("192.0.2.1 is seventeen", 22, 0x5ca9) == 0x82788682ab38bf31ULL);
    assert_true(hash_bytes("", 0, 0) != hash_bytes("", 0, 1));
    assert_true(hash_bytes("\0", 1, 0) != hash_bytes("\0\0", 2, 0));
    assert_true(hash_bytes("abcdefgh", 8, 0) != hash_bytes("abcdefgh\0", 9, 0));
    uint64_t bits = 0; /* one bit of the input moves about half of the output's */
    for (int i = 0; i < 64; i++) {
        uint8_t bytes[17] = {0};
        bytes[i / 4] = (uint8_t)(1 << i % 8);
        bits += (uint64_t)__builtin_popcountll(hash_bytes(bytes, 17, 0) ^
                                               hash_bytes((uint8_t[17]){0}, 17, 0));
    }
    assert_in_range(bits, 64 * 28, 64 * 36);
}

static void test_table(void **state)
{
    struct ip_table t = {0};

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            struct ip four = nth(i, false), six = nth(i, true);
            assert_int_equal(ip_table_add(&t, &four), 2 * i);
            assert_int_equal(ip_table_add(&t, &six), 2 * i + 1);
            if (i % 100 == 0) {
                struct ip first = nth(0, false), again = nth(i / 2, true);
                assert_int_equal(ip_table_add(&t, &first), 0);
                assert_int_equal(ip_table_add(&t, &again), i / 2 * 2 + 1);
            }
        }
        assert_int_equal(t.n, 10000);
        for (uint32_t i = 0; i < 10000; i++) {
            struct ip want = nth(i / 2, i % 2);
            assert_int_equal(ip_compare(&t.list[i], &want), 0);
            assert_int_equal(ip_table_add(&t, &want), i);
        }
        ip_table_clear(&t);
        assert_int_equal(t.n, 0);
    }
    ip_table_fini(&t);
    ip_table_clear(&t);
    ip_table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

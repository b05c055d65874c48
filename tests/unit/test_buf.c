/* Bytes that grow and numbers of variable length, from friends and from strangers. */
#include "base/buf.h"

#include "helper.h"

static void test_varints(void **state)
{
    static const struct {
        uint64_t v;
        size_t n;
        uint8_t bytes[VARINT_MAX];
    } rows[] = {
        {0, 1, {0}},
        {127, 1, {0x7f}},
        {128, 2, {0x80, 0x01}},
        {300, 2, {0xac, 0x02}},
        {16383, 2, {0xff, 0x7f}},
        {16384, 3, {0x80, 0x80, 0x01}},
        {UINT32_MAX, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
        {(uint64_t)1 << 63, 10, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
        {UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
    };
    struct buf b = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        b.n = 0;
        buf_reserve(&b, VARINT_MAX);
        buf_varint(&b, rows[i].v);
        assert_int_equal(b.n, rows[i].n);
        assert_memory_equal(b.p, rows[i].bytes, b.n);
        struct bytes r = {b.p, b.p + b.n, false};
        assert_true(bytes_varint(&r) == rows[i].v);
        assert_false(r.bad);
        assert_true(r.p == r.end);
        for (size_t n = 0; n < b.n; n++) { /* cut short */
            r = (struct bytes){b.p, b.p + n, false};
            assert_int_equal(bytes_varint(&r), 0);
            assert_true(r.bad);
        }
    }
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x01};
    struct bytes r = {endless, endless + sizeof endless, false};
    assert_int_equal(bytes_varint(&r), 0);
    assert_true(r.bad);
    buf_fini(&b);
}

static void test_bytes(void **state)
{
    struct buf b = {0};
    char text[1000];

    (void)state;
    buf_put(&b, NULL, 0);
    assert_int_equal(b.n, 0);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < 100; i++)
        buf_put(&b, text, i);
    assert_int_equal(b.n, 99 * 100 / 2);
    assert_true(b.cap >= b.n);
    struct bytes r = {b.p, b.p + b.n, false};
    for (size_t i = 0; i < 100; i++) {
        const uint8_t *p = bytes_take(&r, i);
        assert_non_null(p);
        assert_memory_equal(p, text, i);
    }
    assert_false(r.bad);
    assert_null(bytes_take(&r, 1));
    assert_true(r.bad);
    buf_fini(&b);
    assert_null(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_varints),
                                       cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

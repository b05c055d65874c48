/* Addresses read and written, and which of them a country can own. */
#include "base/ip.h"

#include <arpa/inet.h>

#include "helper.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text, *written; /* NULL: refused */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"256.0.0.1", NULL},
        {"1.2.3", NULL},
        {"1.2.3.", NULL},
        {".1.2.3.4", NULL},
        {"1..2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.4 ", NULL},
        {" 1.2.3.4", NULL},
        {"1.2.3.0004", NULL},
        {"1.2.3.4/32", NULL},
        {"1.2.3.-4", NULL},
        {"", NULL},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:DB8::A", "2001:db8::a"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2: not one group alone */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* 4.2.3: the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of equal ones */
        {"::", "::"},
        {"::1", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, /* one host has one key */
        {"::ffff:c000:201", "192.0.2.1"},
        {"::ffff:0:192.0.2.1", "::ffff:0:c000:201"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"fe80::1%eth0", NULL},
        {"2001:db8::1/64", NULL},
        {"2001:db8::1::2", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345::", NULL},
        {":", NULL},
        {"2001:db8:0000:0000:0000:0000:192.168.100.100.1", NULL},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL},
    };
    char text[IP_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ip ip = {99, {0}};
        size_t n = strlen(rows[i].text);
        char *exact = malloc(n ? n : 1); /* not terminated: nothing behind it is read */
        assert_non_null(exact);
        memcpy(exact, rows[i].text, n);
        same_number(rows[i].text, ip_parse((struct str){exact, n}, &ip),
                    rows[i].written ? 0 : -EINVAL);
        free(exact);
        if (!rows[i].written) {
            assert_int_equal(ip.family, 99);
            continue;
        }
        same_number(rows[i].text, ip_format(&ip, text), strlen(rows[i].written));
        same_text(rows[i].text, text, rows[i].written);
    }
    struct ip ip, none = {0};
    assert_int_equal(ip_parse((struct str){"::1\0junk", 8}, &ip), -EINVAL);
    assert_int_equal(ip_format(&none, text), 0);
    assert_string_equal(text, "");
}

static void test_order(void **state)
{
    static const char *const ascending[] = {
        "0.0.0.0", "1.2.3.4", "1.2.4.0",     "128.0.0.1", "255.255.255.255",
        "::",      "::2",     "2001:db8::1", "ff02::1"};

    (void)state;
    for (size_t i = 0; i + 1 < COUNT(ascending); i++) {
        struct ip a, b;
        assert_int_equal(ip_parse(str_from(ascending[i]), &a), 0);
        assert_int_equal(ip_parse(str_from(ascending[i + 1]), &b), 0);
        assert_true(ip_compare(&a, &b) < 0);
        assert_true(ip_compare(&b, &a) > 0);
        assert_int_equal(ip_compare(&a, &a), 0);
        if (a.family == 4) {
            struct ip again = ip_from_v4(ip_v4(&a));
            assert_int_equal(ip_compare(&a, &again), 0);
        }
    }
    struct ip a;
    assert_int_equal(ip_parse(STR("1.2.3.4"), &a), 0);
    assert_int_equal(ip_v4(&a), 0x01020304);
}

/* Both ends of each block, and their neighbours. */
static void test_global(void **state)
{
    static const char *const local[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.0.0",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.2.255",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.0",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fdff::1",
        "ff02::1",
        "2001:db8::",
        "2001:db8:ffff::1",
        "2001:2::1",
        "3fff::1",
        "3fff:fff::1",
        "1fff::1",
        "4000::1",
    };
    static const char *const global[] = {
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.0.0.1",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "2000::1",
        "2001:4860:4860::8888",
        "2001:db7::1",
        "2001:db9::1",
        "2001:2:1::1",
        "2001:3::1",
        "3fff:1000::1",
        "2a00::1",
    };
    struct ip ip = {0};

    (void)state;
    assert_false(ip_is_global(&ip));
    for (size_t i = 0; i < COUNT(local); i++) {
        assert_int_equal(ip_parse(str_from(local[i]), &ip), 0);
        same_number(local[i], ip_is_global(&ip), false);
    }
    for (size_t i = 0; i < COUNT(global); i++) {
        assert_int_equal(ip_parse(str_from(global[i]), &ip), 0);
        same_number(global[i], ip_is_global(&ip), true);
    }
}

/* The blocks are those that aren't global, each of a /24 or more, without bits behind its length. */
static void test_blocks(void **state)
{
    uint32_t net;
    unsigned bits;
    size_t n = 0;

    (void)state;
    for (; ip_local_block(n, &net, &bits); n++) {
        struct ip first = ip_from_v4(net), last = ip_from_v4(net | 0xffffffffu >> bits);
        assert_true(bits >= 1 && bits <= 24);
        assert_int_equal(net & 0xffffffffu >> bits, 0);
        assert_false(ip_is_global(&first) || ip_is_global(&last));
    }
    assert_int_equal(n, 13);
}

/* Texts that are addresses nearly always, and what the C library makes of them. */
static void test_as_libc(void **state)
{
    uint64_t random = 1;
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        char text[32];
        int n = 0;
        for (int k = 0; k < 4; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            unsigned v = (unsigned)(random >> 40);
            n += snprintf(text + n, sizeof text - (size_t)n, "%u%s",
                          v % 1000 < 950 ? v % 256 : v % 1000, k < 3 ? "." : "");
        }
        if (random >> 60 == 0) /* spoilt */
            text[(random >> 33) % (uint64_t)n] = "./:0 a"[(random >> 20) % 6];
        uint8_t bytes[4];
        struct ip ip = {0};
        char *exact = malloc((size_t)n);
        assert_non_null(exact);
        memcpy(exact, text, (size_t)n);
        bool ours = ip_parse((struct str){exact, (size_t)n}, &ip) == 0;
        free(exact);
        bool zeros =
            text[0] == '0' || strstr(text, ".0"); /* inet_pton refuses 01, which logs hold */
        if (!zeros && ours != (inet_pton(AF_INET, text, bytes) == 1))
            fail_msg("'%s'", text);
        if (ours && !zeros)
            assert_memory_equal(ip.b, bytes, 4);
        taken += ours;
    }
    assert_true(taken > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),  cmocka_unit_test(test_as_libc), cmocka_unit_test(test_order),
        cmocka_unit_test(test_global), cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What may become part of a path, and the paths of series. */
#include "series/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/country.h"
#include "base/port.h"

static void only_harmless_names_are_folders(void **state)
{
    static const char *const good[] = {"gw", "gw-1.example.org", "192.0.2.1", "a_b", "-x", "A"};
    static const char *const bad[] = {
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a b",
        "a\nb",
        "gw\xc3",
        "a:b",
        "../../etc",
        "a\\b",
        "\x7f",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(series_name(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(series_name(str_from(bad[i])));
    assert_false(series_name((struct str){"a\0b", 3}));
}

static void a_path_is_read_as_it_is_written(void **state)
{
    static const struct {
        struct series_key key;
        const char *path;
    } cases[] = {
        {{SERIES_TOTAL, 0, 0}, "total.rrd"},
        {{SERIES_PORT, 0, 23}, "port/23-tcp.rrd"},
        {{SERIES_PORT, 0, PORT_UDP << 16 | 53}, "port/53-udp.rrd"},
        {{SERIES_PORT, 0, PORT_ICMP << 16 | 8}, "port/8-icmp.rrd"},
        {{SERIES_PORT, 0, PORT_FRAG << 16}, "port/frag-tcp.rrd"},
        {{SERIES_COUNTRY, 'C' - 'A', 0}, "country/AC.rrd"},
        {{SERIES_COUNTRY, 2 * 26 + 13, 0}, "country/CN.rrd"},
        {{SERIES_COUNTRY, COUNTRY_LOCAL, 0}, "country/--.rrd"},
        {{SERIES_PAIR, 2 * 26 + 13, 65535}, "pair/65535-tcp/CN.rrd"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[SERIES_PATH_MAX];
        struct series_key key = {9, 9, 9};
        assert_int_equal(series_path(&cases[i].key, path), strlen(cases[i].path));
        assert_string_equal(path, cases[i].path);
        assert_int_equal(series_path_parse(str_from(path), &key), 0);
        assert_int_equal(series_key_compare(&key, &cases[i].key), 0);
    }
}

static void what_is_no_series_is_left_alone(void **state)
{
    static const char *const others[] = {
        "",          ".rrd",           "total.rrd.old",      "port/23.rrd",      "port/023-tcp.rrd",
        "total",     "country/cn.rrd", "country/CNN.rrd",    "pair/23-tcp.rrd",  "port/..-tcp.rrd",
        "Total.rrd", "port/-tcp.rrd",  "port/65536-tcp.rrd", "pair/23-tcp/.rrd", "other/23-tcp.rrd",
        "port/.rrd", "../total.rrd"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct series_key key = {7, 7, 7};
        assert_int_not_equal(series_path_parse(str_from(others[i]), &key), 0);
        assert_int_equal(key.kind, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_harmless_names_are_folders),
        cmocka_unit_test(a_path_is_read_as_it_is_written),
        cmocka_unit_test(what_is_no_series_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

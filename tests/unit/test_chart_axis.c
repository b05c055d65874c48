/* Where axes end, what is cut, how wide bars are, and which colour is whose. */
#include "chart/axis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "chart/definition.h"

enum { FROM = 1795392000, BARS = 24 };

static void fill(double *values, double v)
{
    for (size_t i = 0; i < BARS; i++)
        values[i] = v;
}

static void an_axis_ends_at_a_round_number_above_the_bars(void **state)
{
    static const struct {
        double most, top, grid;
    } cases[] = {{0, 1, 1},         {1, 2, 1},           {3, 4, 1},
                 {9, 10, 2},        {97, 100, 20},       {99, 120, 20},
                 {1443, 1500, 250}, {7866, 10000, 2000}, {123456, 140000, 20000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double values[BARS];
        struct chart_axis axis;
        fill(values, cases[i].most);
        chart_axis_fit(values, BARS, FROM, 3600, CHART_CUT, 300, &axis);
        if (axis.top != cases[i].top || axis.grid != cases[i].grid)
            fail_msg("%g: %g by %g", cases[i].most, axis.top, axis.grid);
        assert_false(axis.cut);
        assert_true(axis.known);
        assert_false(axis.unknown);
    }
}

static void a_flood_is_cut_and_told(void **state)
{
    double values[BARS];
    struct chart_axis axis;

    (void)state;
    fill(values, 1000);
    values[3] = 5000;
    values[4] = 15509;
    values[9] = NAN;
    chart_axis_fit(values, BARS, FROM, 3600, CHART_CUT, 300, &axis);
    assert_true(axis.cut);
    assert_true(axis.unknown);
    assert_true(axis.top == 1200);
    assert_int_equal(axis.cut_count, 1); /* side by side: one */
    assert_int_equal(axis.cuts[0].from, FROM + 3 * 3600);
    assert_int_equal(axis.cuts[0].to, FROM + 5 * 3600);
    assert_true(axis.cuts[0].value == 15509);

    chart_axis_fit(values, BARS, FROM, 3600, CHART_FULL, 300, &axis);
    assert_false(axis.cut);
    assert_true(axis.top >= 15509);
}

static void where_the_rest_is_next_to_nothing_the_flood_is_the_picture(void **state)
{
    double values[BARS];
    struct chart_axis axis;

    (void)state;
    fill(values, 9);
    values[4] = 500;
    chart_axis_fit(values, BARS, FROM, 3600, CHART_CUT, 300, &axis);
    assert_false(axis.cut);
    fill(values, 10);
    values[4] = 500;
    chart_axis_fit(values, BARS, FROM, 3600, CHART_CUT, 300, &axis);
    assert_true(axis.cut);
}

static void the_tallest_cuts_are_kept_by_time(void **state)
{
    double values[100];
    struct chart_axis axis;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        values[i] = 100;
    for (size_t i = 0; i < 6; i++)
        values[10 * i] = 1000 + 100 * (double)((i * 5) % 6); /* 0 5 4 3 2 1 */
    chart_axis_fit(values, 100, FROM, 3600, CHART_CUT, 300, &axis);
    assert_int_equal(axis.cut_count, CHART_CUTS_MAX);
    for (size_t i = 0; i < CHART_CUTS_MAX; i++) {
        assert_true(axis.cuts[i].value == 1500 - 100 * (double)i);
        assert_int_equal(axis.cuts[i].from, FROM + 36000 * (int64_t)(i + 1));
    }
}

static void nothing_known_is_no_zero(void **state)
{
    double values[BARS];
    struct chart_axis axis;

    (void)state;
    fill(values, NAN);
    chart_axis_fit(values, BARS, FROM, 3600, CHART_CUT, 300, &axis);
    assert_false(axis.known);
    assert_true(axis.unknown);
    assert_true(axis.top == 1);
    chart_axis_fit(values, 0, FROM, 3600, CHART_CUT, 300, &axis);
    assert_false(axis.known);
}

static void a_bar_is_an_hour_unless_there_is_no_room(void **state)
{
    (void)state;
    assert_int_equal(chart_axis_step(300, 900), 300);
    assert_int_equal(chart_axis_step(6 * 3600, 900), 300);
    assert_int_equal(chart_axis_step(6 * 3600 + 300, 900), 3600);
    assert_int_equal(chart_axis_step(900 * 3600, 900), 3600);
    assert_int_equal(chart_axis_step(901 * 3600, 900), 3 * 3600);
    assert_int_equal(chart_axis_step(2701 * 3600, 900), 86400);
}

static void has_grid(int64_t span_s, unsigned width, const char *want)
{
    char *grid = chart_axis_x_grid(span_s, width);

    assert_string_equal(grid, want);
    free(grid);
}

static void labels_have_room(void **state)
{
    (void)state;
    has_grid(86400, 900, "HOUR:1:HOUR:3:HOUR:3:0:%a %H:%M");
    has_grid(3 * 86400, 900, "HOUR:2:HOUR:6:HOUR:6:0:%a %H:%M");
    has_grid(3 * 86400, 300, "HOUR:6:DAY:1:DAY:1:86400:%a %-d %b");
    has_grid(50LL * 366 * 86400, 100, "MONTH:3:YEAR:1:YEAR:1:31536000:%Y");
}

/* ---- colours ---- */

static struct chart_definition *load(const char *path, struct error *err)
{
    struct chart_definition *def;
    return chart_definition_load(path, &def, err) == 0 ? def : NULL;
}

static void a_colour_stays_with_its_key(void **state)
{
    struct error err = {0};
    struct chart_definition *def = load("rrd/chart.yaml", &err);
    const char *const some[] = {"CN", "SE", "US", "23/tcp"};
    const char *const others[] = {"UA", "23/tcp", "SE"};
    const char *a[4], *b[3];

    (void)state;
    assert_non_null(def);
    const struct chart_theme *theme = chart_definition_theme(def, "light");
    chart_definition_colours(def, theme, some, 4, a);
    chart_definition_colours(def, theme, others, 3, b);
    assert_string_equal(a[0], "332288");
    assert_string_equal(a[2], "88CCEE");
    assert_string_equal(a[1], b[2]);
    assert_string_equal(a[3], b[1]);
    assert_null(chart_definition_theme(def, "pink"));
    assert_ptr_equal(chart_definition_theme(def, NULL), theme);
    assert_string_equal(chart_definition_name(def, "23/tcp"), "telnet");
    assert_null(chart_definition_name(def, "24/tcp"));
    chart_definition_free(def);
}

static void no_two_layers_share_a_colour(void **state)
{
    struct error err = {0};
    struct chart_definition *def = load("rrd/chart.yaml", &err);
    char keys[CHART_LAYERS_MAX][32];
    const char *names[CHART_LAYERS_MAX], *colours[CHART_LAYERS_MAX];

    (void)state;
    assert_non_null(def);
    for (size_t t = 0; t < def->theme_count; t++) {
        for (size_t i = 0; i < CHART_LAYERS_MAX; i++) {
            snprintf(keys[i], sizeof keys[i], "%zu/udp", 40000 + i); /* all of them hashed */
            names[i] = keys[i];
        }
        chart_definition_colours(def, &def->themes[t], names, CHART_LAYERS_MAX, colours);
        for (size_t i = 0; i < CHART_LAYERS_MAX; i++)
            for (size_t k = i + 1; k < CHART_LAYERS_MAX; k++)
                assert_string_not_equal(colours[i], colours[k]);
    }
    chart_definition_free(def);
}

static void a_wrong_colour_is_told_with_its_line(void **state)
{
    char path[] = "/tmp/test_chart_axis.XXXXXX", line[256];
    int fd = mkstemp(path);
    FILE *in = fopen("rrd/chart.yaml", "r"), *out = fdopen(fd, "w");
    struct error err = {0};
    int n = 0, wrong = 0;

    (void)state;
    while (fgets(line, sizeof line, in)) {
        n++;
        if (!wrong && strcmp(line, "    back: FFFFFF\n") == 0) {
            fputs("    back: white\n", out);
            wrong = n;
        } else {
            fputs(line, out);
        }
    }
    fclose(in);
    fclose(out);
    assert_true(wrong > 0);
    assert_null(load(path, &err));
    unlink(path);
    assert_int_equal(err.n, 1);
    assert_int_equal(err.items[0].line, wrong);
    assert_int_equal(err.items[0].column, 11);
    assert_non_null(strstr(err.items[0].text, "'white' is no colour"));
    error_fini(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_axis_ends_at_a_round_number_above_the_bars),
        cmocka_unit_test(a_flood_is_cut_and_told),
        cmocka_unit_test(where_the_rest_is_next_to_nothing_the_flood_is_the_picture),
        cmocka_unit_test(the_tallest_cuts_are_kept_by_time),
        cmocka_unit_test(nothing_known_is_no_zero),
        cmocka_unit_test(a_bar_is_an_hour_unless_there_is_no_room),
        cmocka_unit_test(labels_have_room),
        cmocka_unit_test(a_colour_stays_with_its_key),
        cmocka_unit_test(no_two_layers_share_a_colour),
        cmocka_unit_test(a_wrong_colour_is_told_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

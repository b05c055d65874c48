/* The rrdtool command of a chart, from values alone: what is summed, what is left over, what
 * is drawn, how it is quoted. */
#include "chart/chart.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chart/markup.h"

enum { FROM = 1795392000, TO = FROM + 86400 }; /* 2026-11-23, whole, in UTC */

static struct chart_definition *definition;

static int load_definition(void **state)
{
    struct error err = {0};

    (void)state;
    if (chart_definition_load("rrd/chart.yaml", &definition, &err) < 0)
        error_print(&err, stderr);
    error_fini(&err);
    return definition ? 0 : -1;
}

static int free_definition(void **state)
{
    (void)state;
    chart_definition_free(definition);
    return 0;
}

static const char *const one_sensor[] = {"data/rrd/gw"};
static const char *const two_sensors[] = {"data/rrd/a", "data/rrd/b"};
static const struct chart_part two_layers[] = {{"CN", "pair/23-tcp/CN.rrd", NULL, NULL, 0},
                                               {"IN", "pair/23-tcp/IN.rrd", NULL, NULL, 0}};

static struct chart_request request(void)
{
    return (struct chart_request){.definition = definition,
                                  .theme = chart_definition_theme(definition, "light"),
                                  .title = "23/tcp",
                                  .subtitle = "events",
                                  .from = FROM,
                                  .to = TO,
                                  .step_s = 3600,
                                  .width = 900,
                                  .height = 300,
                                  .zoom = 1,
                                  .sensors = one_sensor,
                                  .sensor_count = 1,
                                  .series = {"23/tcp", "port/23-tcp.rrd", NULL, NULL, 0},
                                  .layers = two_layers,
                                  .layer_count = 2,
                                  .zone = "UTC",
                                  .output = "out.png"};
}

static const struct chart_axis plain_axis = {.top = 100, .grid = 20, .known = true};

static struct args build(const struct chart_request *req, const struct chart_axis *axis)
{
    struct args cmd;
    struct error err = {0};

    assert_int_equal(chart_build(req, axis, &(struct chart_place){50, 1300}, &cmd, &err), 0);
    assert_int_equal(err.n, 0);
    return cmd;
}

/* The place of an argument, or -1. */
static int find(const struct args *cmd, const char *arg)
{
    for (size_t i = 0; i < cmd->n; i++)
        if (strcmp(cmd->v[i], arg) == 0)
            return (int)i;
    return -1;
}

static int find_start(const struct args *cmd, const char *start)
{
    for (size_t i = 0; i < cmd->n; i++)
        if (strncmp(cmd->v[i], start, strlen(start)) == 0)
            return (int)i;
    return -1;
}

static void assert_has(const struct args *cmd, const char *arg)
{
    if (find(cmd, arg) < 0)
        fail_msg("no argument '%s'", arg);
}

static void other_is_the_line_less_the_layers(void **state)
{
    struct chart_request req = request();
    struct args cmd = build(&req, &plain_axis);

    (void)state;
    assert_string_equal(cmd.v[0], "rrdtool");
    assert_string_equal(cmd.v[1], "graph");
    assert_string_equal(cmd.v[2], "out.png");
    assert_has(&cmd, "DEF:bars_total_0=data/rrd/gw/port/23-tcp.rrd:events:AVERAGE:step=3600:"
                     "end=1795478399");
    assert_has(&cmd, "CDEF:bars_total=bars_total_0,3600,*");
    /* A pair's file may be younger than the series: what it doesn't know is nothing, and in
     * other. */
    assert_has(&cmd, "CDEF:bars_CN=bars_file_CN,UN,bars_total,0,*,bars_file_CN,IF");
    assert_has(&cmd, "CDEF:bars_other=bars_total,bars_CN,-,bars_IN,-,0,MAX");
    assert_true(find_start(&cmd, "AREA:bars_CN#332288:CN\\g") <
                find_start(&cmd, "GPRINT:last_CN:"));
    int other = find_start(&cmd, "AREA:bars_other#CDD3DB:other\\g:STACK");
    assert_true(other > find_start(&cmd, "AREA:bars_IN#CC6677:IN\\g:STACK"));
    assert_true(find_start(&cmd, "LINE1:bars_total#1F2933:total") > other);
    assert_has(&cmd, "AREA:unknown#F1E7D3");
    assert_int_equal(find_start(&cmd, "DEF:past"), -1);
    args_fini(&cmd);
}

static void sensors_are_summed_and_unknown_only_together(void **state)
{
    struct chart_request req = request();
    req.sensors = two_sensors;
    req.sensor_count = 2;
    struct args cmd = build(&req, &plain_axis);

    (void)state;
    assert_has(&cmd, "CDEF:bars_total=bars_total_0,bars_total_1,ADDNAN,3600,*");
    assert_true(find_start(&cmd, "DEF:bars_total_1=data/rrd/b/port/23-tcp.rrd:") > 0);
    args_fini(&cmd);
}

static bool only_b_has_cn(const char *path)
{
    return strstr(path, "IN.rrd") == NULL && strcmp(path, "data/rrd/a/pair/23-tcp/CN.rrd") != 0;
}

static bool none_exists(const char *path)
{
    (void)path;
    return false;
}

static void a_missing_file_is_left_out(void **state)
{
    struct chart_request req = request();
    req.sensors = two_sensors;
    req.sensor_count = 2;
    req.exists = only_b_has_cn;
    struct args cmd = build(&req, &plain_axis);
    struct error err = {0};

    (void)state;
    assert_int_equal(find_start(&cmd, "DEF:bars_file_CN_0="), -1);
    assert_has(&cmd, "CDEF:bars_file_CN=bars_file_CN_1,3600,*");
    assert_has(&cmd, "CDEF:bars_other=bars_total,bars_CN,-,0,MAX"); /* IN has gone to other */
    args_fini(&cmd);

    req.exists = none_exists;
    assert_int_equal(chart_build(&req, &plain_axis, &(struct chart_place){50, 1300}, &cmd, &err),
                     -ENOENT);
    assert_int_equal(err.n, 1);
    error_fini(&err);
}

static void the_band_has_its_own_two_days_before(void **state)
{
    struct chart_request req = request();
    req.band = true;
    struct args cmd = build(&req, &plain_axis);

    (void)state;
    assert_has(&cmd, "DEF:past_0=data/rrd/gw/port/23-tcp.rrd:events:AVERAGE:step=3600:"
                     "start=1795219200:end=1795478399");
    assert_has(&cmd, "CDEF:mean_any=past,172800,TRENDNAN");
    /* 24 of the 48 hours must be known. */
    assert_has(&cmd,
               "CDEF:mean=known_part,172800,*,86400,GE,bars_total,UN,UNKN,mean_any,IF,UNKN,IF");
    assert_has(&cmd, "CDEF:spread=mean_square,mean,mean,*,-,0,MAX,SQRT,1.645,*");
    assert_has(&cmd, "CDEF:band_low=mean,spread,-,0,MAX");
    assert_true(find_start(&cmd, "AREA:band_width#") < find_start(&cmd, "AREA:bars_CN#"));
    assert_true(find_start(&cmd, "LINE0.8:band_high#") > find_start(&cmd, "LINE1:bars_total#"));
    args_fini(&cmd);

    req.step_s = 86400;
    cmd = build(&req, &plain_axis);
    assert_int_equal(find_start(&cmd, "DEF:past"), -1);
    args_fini(&cmd);
}

static void the_bar_that_is_not_over_has_its_rate_so_far(void **state)
{
    struct chart_request req = request();
    req.known_until = TO - 3600 + 1200;
    struct args cmd = build(&req, &plain_axis);

    (void)state;
    assert_has(&cmd, "DEF:open_total_0=data/rrd/gw/port/23-tcp.rrd:events:AVERAGE:step=300:"
                     "start=1795474800:end=1795475999");
    assert_has(&cmd, "CDEF:bars_total=full_total,UN,TIME,1795474800,GT,TIME,1795478400,LE,*,"
                     "rate_open_total,UNKN,IF,full_total,IF");
    args_fini(&cmd);

    req.known_until = TO - 3600; /* a whole hour */
    cmd = build(&req, &plain_axis);
    assert_int_equal(find_start(&cmd, "DEF:open"), -1);
    args_fini(&cmd);
}

static void a_cut_has_slits_and_says_how_tall(void **state)
{
    struct chart_request req = request();
    struct chart_axis axis = plain_axis;
    axis.cut = true;
    axis.cuts[axis.cut_count++] = (struct chart_cut){FROM, FROM + 3600, 4321};
    struct args cmd = build(&req, &axis);

    (void)state;
    assert_has(&cmd, "CDEF:slit1=bars_total,100,GT,92.5,UNKN,IF");
    assert_non_null(strstr(cmd.v[find(&cmd, "--title") + 1], "▲4321"));
    assert_true(find_start(&cmd, "COMMENT:▲ taller, cut off at 100") > 0);
    args_fini(&cmd);
}

static void foreign_text_changes_nothing_but_itself(void **state)
{
    static const struct {
        const char *text, *markup;
    } cases[] = {
        {"telnet", "telnet"}, {"a:b\\l", "a&#58;b&#92;l"},
        {"50%", "50&#37;"},   {"<b>&\"'=", "&#60;b&#62;&#38;&#34;&#39;&#61;"},
        {"a\nb\x7f", "a?b?"}, {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xff\xc3", "??"},   {"\xe2\x82", "??"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *m = markup_text(cases[i].text, 100);
        assert_string_equal(m, cases[i].markup);
        free(m);
    }
    char *m = markup_text("abcdef", 4);
    assert_string_equal(m, "abc\xe2\x80\xa6");
    free(m);
}

static void a_path_with_colons_is_one_path(void **state)
{
    static const char *const folders[] = {"/srv/a:b"};
    struct chart_request req = request();
    req.sensors = folders;
    struct args cmd = build(&req, &plain_axis);

    (void)state;
    assert_true(find_start(&cmd, "DEF:bars_total_0=/srv/a\\:b/port/23-tcp.rrd:events:") > 0);
    args_fini(&cmd);
}

static void a_shell_reads_back_each_argument(void **state)
{
    static const char *const hostile[] = {"plain", "two words", "it's", "$(false)", "`x`",
                                          "\\",    "*",         "a\nb", "!!",       "\"",
                                          ";",     "&",         "#",    ""};
    enum { N = sizeof hostile / sizeof *hostile };
    struct args cmd = {0};
    char read_back[256];

    (void)state;
    args_add(&cmd, "printf");
    args_add(&cmd, "%%s|");
    for (size_t i = 0; i < N; i++)
        args_add(&cmd, "%s", hostile[i]);
    char *text = args_shell(&cmd, "Europe/Berlin");
    const char start[] = "TZ=Europe/Berlin LC_ALL=C.UTF-8 printf '%s|' plain";
    assert_memory_equal(text, start, sizeof start - 1);
    FILE *f = popen(text, "r");
    assert_non_null(f);
    size_t n = fread(read_back, 1, sizeof read_back - 1, f);
    read_back[n] = 0;
    pclose(f);
    char *p = read_back;
    for (size_t i = 0; i < N; i++) {
        size_t len = strlen(hostile[i]);
        assert_int_equal(strncmp(p, hostile[i], len), 0);
        assert_int_equal(p[len], '|');
        p += len + 1;
    }
    assert_int_equal(*p, 0);
    free(text);
    args_fini(&cmd);
}

static void an_ending_decides_the_format(void **state)
{
    struct chart_request req = request();
    struct error err = {0};
    struct args cmd;

    (void)state;
    req.output = "x.svg";
    req.zoom = 2;
    cmd = build(&req, &plain_axis);
    assert_string_equal(cmd.v[find(&cmd, "--imgformat") + 1], "SVG");
    assert_string_equal(cmd.v[find(&cmd, "--zoom") + 1], "1");
    args_fini(&cmd);
    req.output = "x.gif";
    assert_int_equal(chart_build(&req, &plain_axis, &(struct chart_place){50, 1300}, &cmd, &err),
                     -EINVAL);
    error_fini(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_is_the_line_less_the_layers),
        cmocka_unit_test(sensors_are_summed_and_unknown_only_together),
        cmocka_unit_test(a_missing_file_is_left_out),
        cmocka_unit_test(the_band_has_its_own_two_days_before),
        cmocka_unit_test(the_bar_that_is_not_over_has_its_rate_so_far),
        cmocka_unit_test(a_cut_has_slits_and_says_how_tall),
        cmocka_unit_test(foreign_text_changes_nothing_but_itself),
        cmocka_unit_test(a_path_with_colons_is_one_path),
        cmocka_unit_test(a_shell_reads_back_each_argument),
        cmocka_unit_test(an_ending_decides_the_format),
    };

    return cmocka_run_group_tests(tests, load_definition, free_definition);
}

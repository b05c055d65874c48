/* Why nobody watched, or what was lost: joined, cut by what was watched, pruned, read back. */
#include "store/gap.h"

#include "helper.h"
#include "store/prune.h"
#include "store/segment.h"

enum { T0 = 1764000000, NOBODY = 9 };

static struct store *fresh_store(uint16_t ids[2])
{
    static unsigned n;
    struct error err = {0};
    struct store *s;
    char name[32];

    snprintf(name, sizeof name, "gap%u", n++);
    if (store_open(temp_path(name), STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_sensor(s, STR("a"), &ids[0]), 0);
    assert_int_equal(store_sensor(s, STR("b"), &ids[1]), 0);
    assert_int_equal(store_commit(s), 0);
    return s;
}

static int print_gap(void *ctx, const struct gap *g)
{
    char *out = ctx;
    size_t n = strlen(out);

    n += (size_t)sprintf(out + n, "%s%u %s %d-%d", n ? "; " : "", g->sensor,
                         gap_reason_name(g->reason), (int)(g->from - T0), (int)(g->to - T0));
    if (g->lost)
        n += (size_t)sprintf(out + n, " %d", (int)g->lost);
    if (*g->input)
        n += (size_t)sprintf(out + n, " <%s>", g->input);
    if (*g->text)
        sprintf(out + n, " '%s'", g->text);
    return 0;
}

static const char *gaps(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    static char text[4096];
    text[0] = 0;
    assert_int_equal(store_read_gaps(s, sensor, T0 + from, T0 + to, print_gap, text), 0);
    return text;
}

/* A step: a gap of a reason, or of GAP_REASON_COUNT: a watched span, or PRUNE. */
enum { WATCH = GAP_REASON_COUNT, PRUNE };

struct step {
    int what, sensor, from, to, lost;
    const char *input, *text;
};

static void take_step(struct store *s, const uint16_t ids[2], const struct step *x)
{
    int64_t from = T0 + x->from, to = T0 + x->to;
    uint16_t id = x->sensor ? ids[x->sensor - 1] : 0;

    if (x->what == WATCH) {
        assert_int_equal(store_put_watched(s, id, from, to), 0);
    } else if (x->what == PRUNE) {
        struct prune_query q = {&id, 1, from, to};
        assert_int_equal(prune_facts(s, &q), 0);
    } else {
        struct gap g = {.sensor = id,
                        .reason = (enum gap_reason)x->what,
                        .from = from,
                        .to = to,
                        .lost = (uint64_t)x->lost,
                        .input = x->input,
                        .text = x->text};
        assert_int_equal(store_put_gap(s, &g), 0);
    }
}

static const struct row {
    const char *name;
    struct step steps[5];
    int n;
    const char *want; /* what store_read_gaps gives of sensor 1 */
} rows[] = {
    {"one", {{GAP_STOPPED, 1, 10, 20, 0, "", ""}}, 1, "1 stopped 10-20"},
    {"a second", {{GAP_STOPPED, 1, 10, 10, 0, "", ""}}, 1, "1 stopped 10-10"},
    {"none", {{GAP_STOPPED, 1, 10, 9, 0, "", ""}}, 1, ""},
    {"another sensor's", {{GAP_STOPPED, 2, 10, 20, 0, "", ""}}, 1, ""},
    {"said twice",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {GAP_STOPPED, 1, 10, 20, 0, 0, 0}},
     2,
     "1 stopped 10-20"},
    {"touching",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {GAP_STOPPED, 1, 21, 30, 0, 0, 0}},
     2,
     "1 stopped 10-30"},
    {"apart",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {GAP_STOPPED, 1, 22, 30, 0, 0, 0}},
     2,
     "1 stopped 10-20; 1 stopped 22-30"},
    {"over both",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0},
      {GAP_STOPPED, 1, 30, 40, 0, 0, 0},
      {GAP_STOPPED, 1, 15, 32, 0, 0, 0}},
     3,
     "1 stopped 10-40"},
    {"of another reason",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {GAP_CRASHED, 1, 15, 30, 0, 0, 0}},
     2,
     "1 stopped 10-20; 1 crashed 15-30"},
    {"counts add up, near enough",
     {{GAP_LOST, 1, 10, 10, 3, "log", ""},
      {GAP_LOST, 1, 310, 320, 4, "log", ""},
      {GAP_LOST, 1, 621, 621, 5, "log", ""}},
     3,
     "1 lost 10-320 7 <log>; 1 lost 621-621 5 <log>"},
    {"of two inputs",
     {{GAP_LOST, 1, 10, 10, 3, "x", ""}, {GAP_LOST, 1, 10, 10, 4, "y", ""}},
     2,
     "1 lost 10-10 3 <x>; 1 lost 10-10 4 <y>"},
    {"two notes",
     {{GAP_NOTE, 0, 10, 20, 0, "", "patching"}, {GAP_NOTE, 1, 15, 20, 0, "", "moving"}},
     2,
     "0 note 10-20 'patching'; 1 note 15-20 'moving'"},
    {"a blind one of all", {{GAP_STOPPED, 0, 10, 20, 0, "", ""}}, 1, "1 stopped 10-20"},
    {"another of all", {{GAP_LOST, 0, 10, 20, 1, "udp", ""}}, 1, "0 lost 10-20 1 <udp>"},
    /* quiet is not blind */
    {"read on", {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {WATCH, 1, 0, 30, 0, 0, 0}}, 2, ""},
    {"was watched", {{WATCH, 1, 0, 30, 0, 0, 0}, {GAP_STOPPED, 1, 10, 20, 0, 0, 0}}, 2, ""},
    {"by another sensor",
     {{GAP_STOPPED, 1, 10, 20, 0, 0, 0}, {WATCH, 2, 0, 30, 0, 0, 0}},
     2,
     "1 stopped 10-20"},
    {"read on in part",
     {{GAP_CRASHED, 1, 10, 20, 0, 0, 0}, {WATCH, 1, 15, 30, 0, 0, 0}},
     2,
     "1 crashed 10-14"},
    {"watched within",
     {{GAP_CRASHED, 1, 10, 20, 2, 0, 0}, {WATCH, 1, 13, 15, 0, 0, 0}},
     2,
     "1 crashed 10-12 2; 1 crashed 16-20"},
    {"was watched within",
     {{WATCH, 1, 13, 15, 0, 0, 0}, {GAP_CRASHED, 1, 10, 20, 2, 0, 0}},
     2,
     "1 crashed 10-12 2; 1 crashed 16-20"},
    {"was watched at its beginning",
     {{WATCH, 1, 5, 15, 0, 0, 0}, {GAP_CRASHED, 1, 10, 20, 0, 0, 0}},
     2,
     "1 crashed 16-20"},
    {"between two watches",
     {{WATCH, 1, 0, 9, 0, 0, 0}, {WATCH, 1, 21, 30, 0, 0, 0}, {GAP_STOPPED, 0, 0, 30, 0, 0, 0}},
     3,
     "1 stopped 10-20"},
    {"losses stand beside it",
     {{GAP_LOST, 1, 10, 20, 1, 0, 0}, {WATCH, 1, 0, 30, 0, 0, 0}},
     2,
     "1 lost 10-20 1"},
    {"and so does silence",
     {{WATCH, 1, 0, 30, 0, 0, 0}, {GAP_SILENT, 1, 10, 20, 0, 0, 0}},
     2,
     "1 silent 10-20"},
    /* pruned: half-open spans */
    {"pruned",
     {{GAP_LOST, 1, 10, 99, 7, 0, 0},
      {GAP_STOPPED, 1, 40, 50, 0, 0, 0},
      {PRUNE, 1, 30, 60, 0, 0, 0}},
     3,
     "1 lost 10-29 7; 1 lost 60-99"},
    {"notes stay",
     {{GAP_NOTE, 1, 40, 50, 0, 0, "x"}, {PRUNE, 1, 30, 60, 0, 0, 0}},
     2,
     "1 note 40-50 'x'"},
    {"another sensor's stay",
     {{GAP_LOST, 1, 40, 50, 1, 0, 0}, {PRUNE, 2, 30, 60, 0, 0, 0}},
     2,
     "1 lost 40-50 1"},
};

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint16_t ids[2];
        struct store *s = fresh_store(ids);
        for (int k = 0; k < rows[i].n; k++)
            take_step(s, ids, &rows[i].steps[k]);
        same_text(rows[i].name, gaps(s, ids[0], 0, 10000), rows[i].want);
        store_close(s);
    }
}

static void test_text(void **state)
{
    static const struct {
        const char *given, *kept;
    } texts[] = {
        {"patching the collector", "patching the collector"},
        {"\x1b[2J\n\x7f", "?[2J??"},
        {"gr\xc3\xbc\xc3\x9f"
         "e \xe3\x82\xb9",
         "gr\xc3\xbc\xc3\x9f"
         "e \xe3\x82\xb9"},
        {"\xff\xc3 \xc0\x80\xed\xa0\x80\xc2\x9b", "?? ???????"},
        {"\xe3\x82", "??"},
    };
    uint16_t ids[2];
    struct store *s = fresh_store(ids);
    char want[300], text[1000];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct gap g = {.sensor = ids[0], .reason = GAP_NOTE, .from = T0, .to = T0};
        g.text = texts[i].given;
        assert_int_equal(store_put_gap(s, &g), 0);
        snprintf(want, sizeof want, "1 note 0-0 '%s'", texts[i].kept);
        same_text(texts[i].given, gaps(s, ids[0], 0, 1), want);
        assert_int_equal(store_cut_gap(s, ids[0], GAP_NOTE, NULL, T0, T0), 0);
        assert_string_equal(gaps(s, 0, 0, 1), "");
    }
    /* cut between characters */
    memset(text, 0, sizeof text);
    for (size_t i = 0; i < 100; i++)
        strcat(text, "\xe3\x82\xb9");
    struct gap g = {.sensor = ids[0], .reason = GAP_NOTE, .from = T0, .to = T0, .text = text};
    assert_int_equal(store_put_gap(s, &g), 0);
    assert_int_equal(strlen(gaps(s, ids[0], 0, 1)), strlen("1 note 0-0 ''") + 198);
    store_close(s);
}

static int stop_at(void *ctx, const struct gap *g)
{
    (void)ctx;
    return g->lost == 2 ? 7 : 0;
}

static void test_reading(void **state)
{
    uint16_t ids[2];
    struct store *s = fresh_store(ids);
    static const struct step steps[] = {{GAP_LOST, 2, 700, 700, 2, 0, 0},
                                        {GAP_LOST, 1, 10, 20, 1, 0, 0},
                                        {GAP_NOTE, 0, 30, 1000, 0, 0, "n"}};
    (void)state;
    /* in one transaction or none: what is rolled back never was */
    assert_int_equal(store_begin(s), 0);
    for (size_t i = 0; i < COUNT(steps); i++)
        take_step(s, ids, &steps[i]);
    assert_string_equal(gaps(s, 0, 0, 2000),
                        "1 lost 10-20 1; 0 note 30-1000 'n'; 2 lost 700-700 2");
    store_rollback(s);
    assert_string_equal(gaps(s, 0, 0, 2000), "");
    for (size_t i = 0; i < COUNT(steps); i++)
        take_step(s, ids, &steps[i]);
    assert_string_equal(gaps(s, ids[1], 0, 2000), "0 note 30-1000 'n'; 2 lost 700-700 2");
    assert_string_equal(gaps(s, NOBODY, 0, 2000), "0 note 30-1000 'n'");
    assert_string_equal(gaps(s, ids[0], 20, 30), "1 lost 10-20 1");
    assert_string_equal(gaps(s, ids[0], 21, 30), "");
    assert_int_equal(store_read_gaps(s, 0, 0, T0 + 2000, stop_at, NULL), 7);
    /* taken back in part, and of another input not at all */
    assert_int_equal(store_cut_gap(s, 0, GAP_NOTE, "x", T0, T0 + 2000), 0);
    assert_int_equal(store_cut_gap(s, 0, GAP_NOTE, NULL, T0 + 500, T0 + 2000), 0);
    assert_string_equal(gaps(s, 0, 400, 2000), "0 note 30-499 'n'; 2 lost 700-700 2");
    store_close(s);

    enum gap_reason reason;
    assert_int_equal(gap_reason_parse(STR("journal-gap"), &reason), 0);
    assert_int_equal(reason, GAP_JOURNAL_GAP);
    assert_int_equal(gap_reason_parse(STR("watched"), &reason), -EINVAL);
}

static void put_event(struct store *s, uint16_t id, int64_t when)
{
    struct segment_writer w = {0};

    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, 23, 0, 1);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, id, when - when % BIN_S, 1, b->p, b->n), 0);
    segment_writer_fini(&w);
}

/* What is five years past goes; what reaches past it is cut. */
static void test_thinned(void **state)
{
    uint16_t ids[2];
    struct store *s = fresh_store(ids);
    static const struct step steps[] = {{GAP_STOPPED, 1, 10, 20, 0, 0, 0},
                                        {GAP_NOTE, 0, 10, 20, 0, 0, "old"},
                                        {GAP_STOPPED, 1, 3 * 86400, 4 * 86400, 0, 0, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++)
        take_step(s, ids, &steps[i]);
    int64_t now = T0 + ((int64_t)KEEP_HOURS_DAYS + 1) * 86400;
    for (int i = 0; i < 7; i++) /* days that bear the clock out */
        put_event(s, ids[1], now - i * 86400);
    assert_int_equal(store_thin(s, now), 0);
    assert_string_equal(gaps(s, 0, 0, 10 * 86400), "1 stopped 259200-345600");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_thinned),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

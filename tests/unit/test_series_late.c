/* Which series what came late touches, as the store notes it in the commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "series/touch.h"
#include "store/segment.h"

enum { T = 1700002800 /* an hour's start */, CN = 2 * 26 + 13, NL = 13 * 26 + 11 };

struct fixture {
    char data[64];
    struct store *s;
    uint16_t gw, other;
    struct error err;
};

static void open_store(struct fixture *f)
{
    assert_int_equal(store_open(f->data, STORE_WRITE, &f->s, &f->err), 0);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    strcpy(f->data, "/tmp/series-late-XXXXXX");
    assert_non_null(mkdtemp(f->data));
    open_store(f);
    assert_int_equal(store_sensor(f->s, STR("gw"), &f->gw), 0);
    assert_int_equal(store_sensor(f->s, STR("other"), &f->other), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command = xasprintf("rm -rf %s", f->data);

    store_close(f->s);
    error_fini(&f->err);
    assert_int_equal(system(command), 0);
    free(command);
    free(f);
    return 0;
}

static void put(struct fixture *f, int64_t bin, uint32_t port, uint16_t country)
{
    struct segment_writer w = {0};

    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, CLASS_SCAN, port, country, 3);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(f->s, FACT_BIN, f->gw, bin, 3, b->p, b->n), 0);
    segment_writer_fini(&w);
}

static void written_to(struct fixture *f, int64_t when)
{
    struct series_state state;

    assert_int_equal(store_series_state(f->s, f->gw, &state), 0);
    state.written = when;
    assert_int_equal(store_set_series_state(f->s, f->gw, &state), 0);
}

/* "all", or the touched of total, 23/tcp, 80/tcp, CN, NL and the hours. */
static const char *touched(struct fixture *f, int64_t after, int64_t *last)
{
    static const struct {
        const char *name;
        struct series_key key;
    } series[] = {
        {"total", {.kind = SERIES_TOTAL}},
        {" 23", {.kind = SERIES_PORT, .port = 23}},
        {" 80", {.kind = SERIES_PORT, .port = 80}},
        {" CN", {.kind = SERIES_COUNTRY, .country = CN}},
        {" NL", {.kind = SERIES_COUNTRY, .country = NL}},
        {" 23/NL", {SERIES_PAIR, NL, 23}},
    };
    static char text[100];
    struct touch t = {0};
    size_t n = 0;

    assert_int_equal(touch_read(&t, f->s, f->gw, after), 0);
    text[0] = 0;
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        if (touch_hits(&t, &series[i].key))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", series[i].name);
    if (t.all)
        strcpy(text, "all");
    *last = t.last;
    touch_fini(&t);
    return text;
}

static void only_what_lies_before_the_mark_is_late(void **state)
{
    struct fixture *f = *state;
    int64_t last;

    put(f, T, 23, CN);
    assert_string_equal(touched(f, 0, &last), "");
    written_to(f, T + 300);
    put(f, T + 300, 23, CN);
    assert_string_equal(touched(f, 0, &last), "");
    put(f, T, 80, NL);
    assert_string_equal(touched(f, 0, &last), "total 80 NL");
    /* It outlives the process, and is dropped when the series have it. */
    store_close(f->s);
    open_store(f);
    assert_string_equal(touched(f, 0, &last), "total 80 NL");
    put(f, T, 23, NL);
    int64_t first = last;
    assert_string_equal(touched(f, first, &last), "total 23 NL 23/NL");
    assert_int_equal(store_drop_late(f->s, f->gw, first, 1), 0);
    assert_string_equal(touched(f, 0, &last), "total 23 NL 23/NL");
    struct series_state st;
    assert_int_equal(store_series_state(f->s, f->gw, &st), 0);
    assert_true(st.late == 2 && st.rebuilt == 1);
}

static void a_bin_that_becomes_known_touches_all(void **state)
{
    struct fixture *f = *state;
    int64_t last;

    put(f, T, 23, CN);
    assert_int_equal(store_put_watched(f->s, f->gw, T + 600, T + 700), 0);
    written_to(f, T + 1800);
    put(f, T, 80, CN);       /* there was an event */
    put(f, T + 600, 80, CN); /* it was watched */
    assert_string_equal(touched(f, 0, &last), "total 80 CN");
    put(f, T + 300, 80, CN);
    assert_string_equal(touched(f, 0, &last), "all");
    assert_int_equal(store_drop_late(f->s, f->gw, last, 3), 0);
    /* The log grew within the bin: nothing new is known. */
    assert_int_equal(store_put_watched(f->s, f->gw, T + 600, T + 800), 0);
    assert_string_equal(touched(f, 0, &last), "");
    assert_int_equal(store_put_watched(f->s, f->gw, T + 600, T + 900), 0);
    assert_string_equal(touched(f, 0, &last), "all");
}

static void a_flood_of_late_facts_touches_all(void **state)
{
    struct fixture *f = *state;
    int64_t last, middle = 0;

    put(f, T, 23, CN);
    written_to(f, T + 300);
    for (int i = 0; i < 256; i++) {
        put(f, T, 80, CN);
        if (i == 100)
            touched(f, 0, &middle);
    }
    assert_string_equal(touched(f, 0, &last), "total 80 CN");
    put(f, T, 80, CN);
    /* Also for one that had read some of them. */
    assert_string_equal(touched(f, middle, &last), "all");
    assert_string_equal(touched(f, last, &last), "");
    /* And what comes after the one that was read. */
    put(f, T, 23, CN);
    assert_string_equal(touched(f, last, &last), "all");
}

static void touched_from_outside(void **state)
{
    struct fixture *f = *state;
    struct series_state st;
    int64_t last;

    assert_int_equal(store_touch_series(f->s, f->gw), 0);
    assert_string_equal(touched(f, 0, &last), "all");
    assert_int_equal(store_series_state(f->s, f->gw, &st), 0);
    assert_true(st.late == 1 && st.rebuilt == 0 && st.written == 0);
    assert_int_equal(store_series_state(f->s, f->other, &st), 0);
    assert_int_equal(st.late, 0);
}

static void notes_of_another_boot(void **state)
{
    struct fixture *f = *state;
    int64_t last;
    size_t n;

    written_to(f, T);
    assert_int_equal(store_note_unsynced(f->s, f->gw, "one"), 0);
    assert_int_equal(store_touch_unsynced(f->s, "one", &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_note_synced(f->s), 0);
    assert_int_equal(store_touch_unsynced(f->s, "two", &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_note_unsynced(f->s, f->gw, "two"), 0);
    store_close(f->s);
    open_store(f);
    assert_int_equal(store_touch_unsynced(f->s, "three", &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(touched(f, 0, &last), "all");
    assert_int_equal(store_touch_unsynced(f->s, "four", &n), 0);
    assert_int_equal(n, 0);
}

#define T_(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(only_what_lies_before_the_mark_is_late),
        T_(a_bin_that_becomes_known_touches_all),
        T_(a_flood_of_late_facts_touches_all),
        T_(touched_from_outside),
        T_(notes_of_another_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

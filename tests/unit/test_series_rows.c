/* Counts by bin as few rows: zeros and unknown spans in one, no known value over more than a
 * heartbeat. */
#include "series/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { U = -1, T = 1500000000, DAY = 288 };

/* Bins from a list of counts, U for unknown; sources are the counts plus one. */
static void expect(const int *counts, size_t n, uint32_t heartbeat, bool sources,
                   const char *wanted)
{
    uint8_t *known = xcalloc(n, 1);
    uint64_t *events = xcalloc(n, sizeof *events);
    uint32_t *distinct = xcalloc(n, sizeof *distinct);
    struct rows r = {0};
    char text[4096] = "";

    for (size_t i = 0; i < n; i++) {
        known[i] = counts[i] != U;
        events[i] = counts[i] > 0 ? (uint64_t)counts[i] : 0;
        distinct[i] = counts[i] > 0 ? (uint32_t)counts[i] + 1 : 0;
    }
    /* Twice: an object is used again. */
    for (int pass = 0; pass < 2; pass++)
        rows_make(&r, T, n, known, events, sources ? distinct : NULL, heartbeat);
    for (size_t i = 0; i < r.n; i++) {
        strcat(text, r.args[i]);
        strcat(text, " ");
    }
    assert_string_equal(text, wanted);
    rows_fini(&r);
    free(known);
    free(events);
    free(distinct);
}

static void counts_zeros_and_gaps(void **state)
{
    (void)state;
    expect((int[]){5}, 1, 86400, false, "1500000300:5 ");
    expect((int[]){5, 6}, 2, 86400, true, "1500000300:5:6 1500000600:6:7 ");
    expect((int[]){0, 0, 0, 7, 0, 0}, 6, 86400, false, "1500000900:0 1500001200:7 1500001800:0 ");
    expect((int[]){U, U, 7, U, 0, U, U}, 7, 86400, true,
           "1500000600:U:U 1500000900:7:8 1500001200:U:U 1500001500:0:0 1500002100:U:U ");
    expect((int[]){0, U, 0}, 3, 86400, false, "1500000300:0 1500000600:U 1500000900:0 ");
    expect(NULL, 0, 86400, false, "");
}

static void zeros_never_span_more_than_a_heartbeat(void **state)
{
    static int quiet[2 * DAY + 2], blind[3 * DAY];

    (void)state;
    expect((int[]){0, 0, 0, 0, 0, 1}, 6, 600, false,
           "1500000600:0 1500001200:0 1500001500:0 1500001800:1 ");
    quiet[2 * DAY + 1] = 4;
    expect(quiet, 2 * DAY + 2, 86400, false,
           "1500086400:0 1500172800:0 1500173100:0 1500173400:4 ");
    for (int i = 0; i < 3 * DAY; i++)
        blind[i] = U;
    expect(blind, 3 * DAY, 86400, false, "1500259200:U ");
}

static void the_largest_numbers_are_whole(void **state)
{
    struct rows r = {0};

    (void)state;
    rows_make(&r, T, 1, &(uint8_t){1}, &(uint64_t){UINT64_MAX}, &(uint32_t){UINT32_MAX}, 86400);
    assert_string_equal(r.args[0], "1500000300:18446744073709551615:4294967295");
    rows_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_zeros_and_gaps),
        cmocka_unit_test(zeros_never_span_more_than_a_heartbeat),
        cmocka_unit_test(the_largest_numbers_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

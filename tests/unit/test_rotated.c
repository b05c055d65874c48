/* Which names rotation gives to a log. */
#include "input/rotated.h"

#include "helper.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *log, *path;
        bool is;
    } cases[] = {
        {"/l/kern.log", "/l/kern.log.1", true},
        {"/l/kern.log", "/l/kern.log.12.gz", true},
        {"/l/kern.log", "/l/kern.log-20261124", true},
        {"/l/kern.log", "/l/kern.log-20261124.xz", true},
        {"/l/kern.log", "/l/kern.log-2026-11-24_10", true},
        {"/l/kern.log", "/l/kern.log.2026-11-24.zst", true},
        {"/l/kern.log", "/l/kern.log-1764000000", true},
        {"/l/kern.log", "/l/kern-20261124.log", true},
        {"/l/kern.log", "/l/kern.1.log.gz", true},
        {"/l/kern.log", "/l/kern.log.gz", true},
        {"/l/messages", "/l/messages.0.bz2", true},
        {"/l/kern.log", "/l/kern.log", false},
        {"/l/kern.log", "/l/kern.log.old", false},
        {"/l/kern.log", "/l/kern.log.1.swp", false},
        {"/l/kern.log", "/l/kern.log2", false},
        {"/l/kern.log", "/l/kernel.log", false},
        {"/l/kern.log", "/l/kern.log.-", false},
        {"/l/kern.log", "/l/kern.log.1/x", false},
        {"/l/kern.log", "/m/kern.log.1", false},
        {"/l/gw-1.log", "/l/gw-2.log", false},
        {"/l/gw.log", "/l/gw-2.log", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (rotated_is_of(cases[i].log, cases[i].path) != cases[i].is)
            fail_msg("%s of %s", cases[i].path, cases[i].log);
    assert_true(rotated_is_packed("/l/kern.log.zst"));
    assert_false(rotated_is_packed("/l/kern.log"));
    assert_true(rotated_is_pattern("/l/*.log"));
    assert_false(rotated_is_pattern("/l/kern.log"));
}

/* In each row from the newest to the oldest. */
static void test_order(void **state)
{
    static const struct rotated rows[][6] = {
        {{"/l/f.log.1", 5}, {"/l/f.log.2.gz", 9}, {"/l/f.log.10.gz", 2}},
        {{"/l/f.log-20261124", 1}, {"/l/f.log-20261123.gz", 7}, {"/l/f.log-20251224.xz", 3}},
        {{"/l/f.log-2026112411", 1}, {"/l/f.log-2026112410.gz", 1}, {"/l/f.log-20261123", 1}},
        {{"/l/f.log.2026-11-24", 1}, {"/l/f.log.2026-11-23.zst", 2}},
        {{"/l/f-20261124.log", 1}, {"/l/f-20261123.log.gz", 2}},
        {{"/l/f.log-1764000001", 1}, {"/l/f.log-1764000000.gz", 2}},
        {{"/l/f.log-20261124-1764000001", 1}, {"/l/f.log-20261124-1764000000", 2}},
        {{"/l/f.log-24112026", 9}, {"/l/f.log-23112026", 8}}, /* by when they were written */
        {{"/l/f.log-20261124", 9}, {"/l/f.log-20261123", 8}, {"/l/f.log.1", 7}, {"/l/f.log.2", 6}},
        {{"/l/f.log.1", 9}, {"/l/f.log.2", 8}, {"/l/f.log-20261123", 7}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rotated list[6];
        size_t n = 0;
        while (n < 6 && rows[i][n].path)
            n++;
        for (size_t k = 0; k < n; k++)
            list[k] = rows[i][n - 1 - k];
        rotated_sort("/l/f.log", list, n);
        for (size_t k = 0; k < n; k++)
            same_text(rows[i][0].path, list[k].path, rows[i][k].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

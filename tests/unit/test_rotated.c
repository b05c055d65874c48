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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

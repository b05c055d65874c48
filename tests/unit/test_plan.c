/* Which series there are: excluded events admit none, whether read at first or again. */
#include "series/plan.h"

#include "base/port.h"
#include "helper.h"
#include "series_fake.h"

enum {
    HOUR0 = 1764000000 - 1764000000 % HOUR_S,
    EXCLUDED = 3,
    CN = 2 * 26 + 13,
    NL = 13 * 26 + 11
};

static void put(struct store *s, int64_t when, uint32_t port, uint16_t country, uint16_t rule)
{
    fake_event(s, when, 1, port_key(PORT_TCP, port), country, 20);
    s->bins[s->bin_count - 1].rule = rule;
}

static bool has_port(const struct plan *p, uint32_t port)
{
    size_t i = 0;

    while (i < p->n && p->ports[i].port != port_key(PORT_TCP, port))
        i++;
    return i < p->n;
}

static void excluded_events_admit_nothing(void **state)
{
    const int64_t hours[] = {HOUR0};
    struct rule rule = {EXCLUDED, RULE_EXCLUDE, (char *)"exclude", NULL, 0};
    struct rules *rules = rules_new(&rule, 1);
    struct store *s = fake_new();
    struct plan_scratch *x = plan_scratch_new();
    struct plan p = {0};
    (void)state;

    s->rules = rules;
    put(s, HOUR0, 22, CN, 0);
    put(s, HOUR0 + BIN_S, 23, NL, EXCLUDED);
    assert_int_equal(plan_read(&p, x, s, 1, HOUR0, HOUR0 + HOUR_S, 10), 0);
    assert_true(has_port(&p, 22) && p.countries[CN]);
    assert_false(has_port(&p, 23) || p.countries[NL]);

    put(s, HOUR0 + 2 * BIN_S, 445, CN, 0);
    put(s, HOUR0 + 3 * BIN_S, 3389, NL, EXCLUDED);
    assert_int_equal(plan_read_again(&p, x, s, 1, hours, 1, 10), 0);
    assert_true(has_port(&p, 22) && has_port(&p, 445));
    assert_false(has_port(&p, 3389) || p.countries[NL]);

    plan_fini(&p);
    plan_scratch_free(x);
    fake_free(s);
    rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(excluded_events_admit_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* rrd/schema.yaml: the shipped file is right, and each wrong value is named. */
#include "series/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

static void the_shipped_file(void **state)
{
    struct error err = {0};
    struct schema *sc;

    (void)state;
    assert_int_equal(schema_load("rrd/schema.yaml", &sc, &err), 0);
    assert_int_equal(err.n, 0);
    assert_int_equal(sc->step, 300);
    assert_int_equal(sc->heartbeat, 86400);
    assert_int_equal(sc->archives_count, 4);
    assert_int_equal(sc->archives[2].function, SCHEMA_MAX);
    assert_int_equal(schema_reach(sc), 3653 * 86400LL);
    assert_string_equal(schema_function_name(sc->archives[2].function), "MAX");
    assert_string_equal(schema_type_name(sc->sources[1].type), "GAUGE");
    schema_free(sc);
}

static const char good[] = "step: 300\n"
                           "heartbeat: 86400\n"
                           "unknown: 0.5\n"
                           "data_sources:\n"
                           "  - {name: events, type: ABSOLUTE, pairs: yes}\n"
                           "  - {name: sources, type: GAUGE, pairs: no}\n"
                           "archives:\n"
                           "  - {function: AVERAGE, step: 300, days: 10}\n"
                           "  - {function: MAX, step: 3600, days: 400}\n";

/* The good file with one text replaced by another. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(good, from);

    assert_non_null(at);
    return xasprintf("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static int load(const char *text, struct error *err)
{
    char path[] = "/tmp/schema-XXXXXX";
    int fd = mkstemp(path);
    struct schema *sc = NULL;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int rc = schema_load(path, &sc, err);
    unlink(path);
    schema_free(sc);
    return rc;
}

static void each_wrong_value_is_named(void **state)
{
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"step: 300\nheart", "step: 60\nheart", 1, "must be 300"},
        {"heartbeat: 86400", "heartbeat: 100", 2, "multiple of 300"},
        {"heartbeat: 86400", "heartbeat: 0", 2, "multiple of 300"},
        {"unknown: 0.5", "unknown: 1.0", 3, "less than 1"},
        {"name: events", "name: drops", 5, "must be 'events'"},
        {"type: ABSOLUTE", "type: GAUGE", 5, "written as ABSOLUTE"},
        {"pairs: no", "pairs: yes", 6, "no sources"},
        {"step: 300, days", "step: 3600, days", 8, "the first must be"},
        {"step: 3600", "step: 1000", 9, "multiple of the step"},
        {"step: 3600", "step: 0", 9, "multiple of the step"},
        {"step: 3600", "step: 25200", 9, "multiple of the step"},
        {"days: 400", "days: 0", 9, "from 1 to"},
        {"days: 10", "days: 36000", 8, "rows together"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        char *text = changed(cases[i].from, cases[i].to);
        assert_int_not_equal(load(text, &err), 0);
        assert_int_equal(err.n, 1);
        assert_int_equal(err.items[0].line, cases[i].line);
        assert_non_null(strstr(err.items[0].text, cases[i].says));
        error_fini(&err);
        free(text);
    }
    struct error none = {0};
    assert_int_equal(load(good, &none), 0);
}

/* Faults of the schema hide none of meaning, and what stands in for a faulty value is not at fault
 * itself. */
static void all_faults_at_once(void **state)
{
    static const struct {
        int line;
        const char *says;
    } wanted[] = {
        {1, "'heartbeat' is missing"}, {1, "must be 300"},      {2, "'unknown' must be a number"},
        {4, ".type' must be"},         {4, "must be 'events'"}, {7, "'archives[0].step' must be"},
        {7, "the first must be"},      {7, "from 1 to"},        {8, "'stepp' is unknown"},
        {8, "'step' is missing"},
    };
    struct error err = {0};

    (void)state;
    assert_int_not_equal(load("step: 60\n"
                              "unknown: much\n"
                              "data_sources:\n"
                              "  - {name: drops, type: RATE, pairs: yes}\n"
                              "  - {name: sources, type: GAUGE, pairs: no}\n"
                              "archives:\n"
                              "  - {function: MAX, step: x, days: 0}\n"
                              "  - {function: MAX, stepp: 3600, days: 400}\n",
                              &err),
                         0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t found = 0;
        for (size_t j = 0; j < err.n; j++)
            found += err.items[j].line == wanted[i].line &&
                     strstr(err.items[j].text, wanted[i].says) != NULL;
        assert_int_equal(found, 1);
    }
    assert_int_equal(err.n, sizeof wanted / sizeof *wanted);
    error_fini(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_file),
        cmocka_unit_test(each_wrong_value_is_named),
        cmocka_unit_test(all_faults_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is advised where a file can't be written. */
#include "base/access.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/check.h"

static void a_file_is_given_away_a_folder_is_made(void **state)
{
    char folder[] = "/tmp/access-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(folder));
    char *file = xasprintf("%s/total.rrd", folder), *missing = xasprintf("%s/data", folder),
         *command = xasprintf("touch %s", file), *clean = xasprintf("rm -r %s", folder);
    assert_int_equal(system(command), 0);
    const struct {
        const char *path, *advised, *not_advised;
    } rows[] = {
        {file, "`sudo chown ", "install -d"},
        {missing, "`sudo install -d -o ", "chown"},
        {folder, "`sudo install -d -o ", "chown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = access_advice(rows[i].path, ACCESS_WRITE, -EACCES);
        if (!strstr(text, rows[i].advised) || !strstr(text, rows[i].path) ||
            strstr(text, rows[i].not_advised))
            fail_msg("%s: %s", rows[i].path, text);
        free(text);
    }
    assert_int_equal(system(clean), 0);
    free(clean);
    free(command);
    free(missing);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_given_away_a_folder_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

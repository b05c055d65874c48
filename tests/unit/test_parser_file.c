/* A parser file's faults - those of its schema and those of its patterns - are said in one go. */
#include "parse/parser.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

/* The faults of a folder that holds only this text as mine.yaml, each a line without its path. */
static char *faults_of(const char *text)
{
    char folder[] = "/tmp/test_parser_file.XXXXXX", *faults, *shown = NULL;
    struct parser_set *set = parser_set_new();
    struct error err = {0};
    size_t size;

    assert_non_null(mkdtemp(folder));
    char *path = xasprintf("%s/mine.yaml", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(parser_set_add_folder(set, folder, &err), -EINVAL);
    FILE *out = open_memstream(&faults, &size);
    error_print(&err, out);
    fclose(out);
    out = open_memstream(&shown, &size);
    for (char *line = strtok(faults, "\n"); line; line = strtok(NULL, "\n"))
        fprintf(out, "%s\n", line + strlen(path) + 1);
    fclose(out);
    error_fini(&err);
    parser_set_free(set);
    unlink(path);
    rmdir(folder);
    free(path);
    free(faults);
    return shown;
}

static void all_faults_at_once(void **state)
{
    static const struct {
        const char *yaml, *faults;
    } cases[] = {
        {"name: mine\n"
         "about: x\n"
         "litteral: 'IN='\n"
         "patterns:\n"
         "  - [x]\n"
         "  - 'SRC=(?<src>\\S+'\n"
         "  - 'SRC=(?<src>\\S+) PROTO=(?<proto>\\S+) DPT=(?<dporrt>\\d+)'\n"
         "  - 'SRC=(?<src>\\S+)'\n"
         "verdict:\n"
         "  from: prefix\n"
         "  rules:\n"
         "    - {match: '[', action: block}\n"
         "    - {match: DROP, action: rejct}\n"
         "    - {match: '('}\n"
         "  otherwise: pass\n"
         "samples:\n"
         "  - {line: x, gives: {scr: 192.0.2.1}}\n",
         "1:1: a parser needs `literal:` or `literals:`, bytes that each of its lines "
         "holds, or `tags:`, the names of its logger\n"
         "3:1: key 'litteral' is unknown; did you mean 'literal'?\n"
         "5:5: 'patterns[0]' must be one value, not a list\n"
         "6:5: the pattern is wrong at character 15 (''): missing closing parenthesis\n"
         "7:5: group 'dporrt' is no event field; did you mean 'dport'?\n"
         "8:5: the pattern needs the groups 'src' and 'proto'\n"
         "12:15: the pattern is wrong at character 2 (''): missing terminating ] for character "
         "class\n"
         "12:28: 'verdict.rules[0].action' must be drop, reject, accept or ignore, not 'block'\n"
         "13:29: 'verdict.rules[1].action' must be drop, reject, accept or ignore, not 'rejct'; "
         "did you mean 'reject'?\n"
         "14:7: key 'action' is missing\n"
         "14:15: the pattern is wrong at character 2 (''): missing closing parenthesis\n"
         "15:14: 'verdict.otherwise' must be drop, reject, accept or ignore, not 'pass'\n"
         "17:23: key 'scr' is unknown; did you mean 'src'?\n"},
        /* a wrong name hides nothing either; what stands in for a missing list isn't tried */
        {"name: yours\n"
         "about: x\n"
         "literal: 'x:'\n"
         "verdict: {from: actoin, rules: [{match: '(', action: drop}]}\n",
         "1:1: key 'patterns' is missing\n"
         "1:1: key 'samples' is missing\n"
         "1:7: the file is called mine.yaml, so the name must be 'mine'\n"
         "4:17: 'verdict.from' must be prefix, action, kind or reason, not 'actoin'; did you mean "
         "'action'?\n"
         "4:41: the pattern is wrong at character 2 (''): missing closing parenthesis\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *faults = faults_of(cases[i].yaml);
        assert_string_equal(faults, cases[i].faults);
        free(faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_faults_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

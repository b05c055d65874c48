/* The text that a pattern needs, read from the pattern. */
#include "parse/needs.h"

#include "helper.h"

static void same_needs(const char *pattern, const char *expected)
{
    char text[NEEDS_MAX + 1];
    size_t n = needs_of(pattern, text);

    text[n] = 0;
    if (strcmp(text, expected) != 0)
        fail_msg("'%s' needs '%s', not '%s'", pattern, text, expected);
}

static void test_needs(void **state)
{
    static const struct {
        const char *pattern, *needs;
    } rows[] = {
        {"abc", "abc"},
        {"ab c # d(e\n f", "abcf"}, /* extended syntax */
        {"\\ src\\ (?<src>\\S++)\\ dst=", " src "},
        {"abcd?e", "abc"},
        {"abcd*+ef", "abc"},
        {"abcd+ef", "abcd"},
        {"abcd{2}e", "abc"},
        {"abcd ++ ef", "abcd"}, /* blanks may stand before it */
        {"ab[c-e]fgh", "fgh"},
        {"ab[]cdefgh]fgh", "fgh"},
        {"ab[^]cdefgh]fgh", "fgh"},
        {"ab[\\]cdefgh]fgh", "fgh"},
        {"a|bcd", ""},
        {"(?:a|bcd)ef", "ef"},
        {"(?:abcd)?ef", "ef"},
        {"(?:abcd)*+ef", "ef"},
        {"(?:abcd)++ef", "abcd"},
        {"(?:abcd){0}ef", "ef"},
        {"(?<name>abcd)ef", "abcd"},
        {"(?>abcd)ef", "abcd"},
        {"(?=abcd)ef", "abcd"},
        {"ef(?<=abcd)", "abcd"},
        {"(?!abcd)ef", "ef"},
        {"(?<!abcd)ef", "ef"},
        {"(?i:abcd)ef", "ef"},
        {"(a(b(cde)f)|g)h", "h"},
        {"(a(b(cde)f)g)h", "cde"},
        {"a(?:#)bcd\n)ef", "ef"}, /* a comment's parenthesis doesn't close */
        {"a\\db\\.\\[c", "b.[c"},
        {"\\(ab\\)", "(ab)"},
        {"a.bc$", "bc"},
        {"^abc", "abc"},
        /* what it doesn't read */
        {"(?i)abcd", ""},
        {"\\Qabcd\\E", ""},
        {"abcd\\k<x>", ""},
        {"(?|abcd)", ""},
        {"(?(?=a)b|c)abcd", ""},
        {"(*ACCEPT)abcd", ""},
        {"abcd{x}", ""},
        {"abcd[[:alpha:]]", ""},
        {"abcd\\x41", ""},
        {"", ""},
        {"(abcd", ""},
        {"abcd[", ""},
        {"abcd\\", ""},
        {"(?<abcd", ""},
        {"[", ""},
        {"[^", ""},
        {"[\\", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        same_needs(rows[i].pattern, rows[i].needs);
}

static void test_long(void **state)
{
    char pattern[200], text[NEEDS_MAX];

    (void)state;
    memset(pattern, 'x', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = 0;
    assert_int_equal(needs_of(pattern, text), NEEDS_MAX);
    memset(pattern, '(', 100);
    memset(pattern + 100, ')', 99);
    assert_int_equal(needs_of(pattern, text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_needs), cmocka_unit_test(test_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

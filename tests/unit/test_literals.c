/* Many literals in one pass find what each alone finds, wherever it stands and however long the text is: the last places of a
 * text, and texts shorter than a step, are looked at one by one. */
#include "base/literals.h"

#include "base/find.h"
#include "helper.h"

enum { WORDS = 150 };

static void test_as_one_by_one(void **state)
{
    static struct str words[WORDS];
    static char bytes[WORDS][8];
    static struct literals_found found;
    uint64_t seed = 11;
    size_t hits = 0;

    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = (struct str){bytes[i], 1 + random_below(&seed, 8)};
        for (size_t k = 0; k < words[i].n; k++)
            bytes[i][k] = "abcdeXY="[random_below(&seed, 8)];
    }
    words[7] = words[3]; /* two parsers may look for the same */
    struct literals *l = literals_new(words, WORDS);
    for (int round = 0; round < 4000; round++) {
        size_t n = random_below(&seed, round % 2 ? 40 : 300);
        char *text = malloc(n + 1); /* of its size: a sanitizer sees a step past it */
        assert_non_null(text);
        for (size_t k = 0; k < n; k++)
            text[k] = "abcdeXY=fgh"[random_below(&seed, 11)];
        struct str s = {text, n};
        text = realloc(text, n ? n : 1);
        s.p = text;
        literals_find(l, s, &found);
        for (size_t i = 0; i < WORDS; i++) {
            long want = find_literal(s, 0, words[i]);
            assert_int_equal(literals_has(&found, i), want >= 0);
            if (want >= 0)
                assert_int_equal(found.at[i], want);
            hits += want >= 0;
        }
        free(text);
    }
    assert_true(hits > 10000);
    literals_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_one_by_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

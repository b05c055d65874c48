/* The fuzzer's target over the corpus that is kept, over the parsers' samples, and over both with some noise: what once broke it
 * stays mended. `make fuzz` goes on from there. */
#include "../fuzz/line.c"
#include "corpus.h"

static void test_corpus(void **state)
{
    (void)state;
    corpus_run_folder("tests/fuzz/corpus");
}

static void test_samples(void **state)
{
    (void)state;
    corpus_run(STR("x"), 1);
    for (size_t p = 0; p < parser_set_count(set); p++) {
        const struct parser_file *file = parser_set_file(set, p);
        for (unsigned i = 0; i < file->samples_count; i++)
            corpus_run(str_from(file->samples[i].line), ROUNDS);
        for (unsigned i = 0; i < file->refuses_count; i++)
            corpus_run(str_from(file->refuses[i]), ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

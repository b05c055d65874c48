/* The same for what a connection of syslog may carry: however the kept streams are cut, they give the same messages. */
#include "../fuzz/stream.c"
#include "corpus.h"

static void test_corpus(void **state)
{
    (void)state;
    corpus_run_folder("tests/fuzz/corpus-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

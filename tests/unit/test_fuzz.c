/* The fuzzer's target over the corpus that is kept, over the parsers' samples, and over both with some noise: what once broke it
 * stays mended. `make fuzz` goes on from there. */
#include <dirent.h>

#include "../fuzz/line.c"
#include "helper.h"

enum { INPUT_MAX = 16384, ROUNDS = 40 };

static uint64_t seed = 3;

/* As it is, cut, and with bytes exchanged: memory of its size each time. */
static void run(struct str input, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        size_t n = round ? random_below(&seed, (uint32_t)input.n + 1) : input.n;
        uint8_t *bytes = malloc(n ? n : 1);
        assert_non_null(bytes);
        memcpy(bytes, input.p, n);
        for (int i = 1; n && i < round % 8; i++)
            bytes[random_below(&seed, (uint32_t)n)] = (uint8_t)random_next(&seed);
        LLVMFuzzerTestOneInput(bytes, n);
        free(bytes);
    }
}

static void test_corpus(void **state)
{
    static char bytes[INPUT_MAX];
    DIR *folder = opendir("tests/fuzz/corpus");
    struct dirent *entry;
    int files = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "tests/fuzz/corpus/%s", entry->d_name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        run((struct str){bytes, n}, ROUNDS);
        files++;
    }
    closedir(folder);
    assert_true(files > 0);
}

static void test_samples(void **state)
{
    (void)state;
    run(STR("x"), 1);
    for (size_t p = 0; p < parser_set_count(set); p++) {
        const struct parser_file *file = parser_set_file(set, p);
        for (unsigned i = 0; i < file->samples_count; i++)
            run(str_from(file->samples[i].line), ROUNDS);
        for (unsigned i = 0; i < file->refuses_count; i++)
            run(str_from(file->refuses[i]), ROUNDS);
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

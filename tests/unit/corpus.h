/* corpus.h - a fuzzer's target over inputs that are kept: as they are, cut, and with bytes exchanged. Include it after the target. */
#ifndef SCANTIDE_CORPUS_H
#define SCANTIDE_CORPUS_H

#include <dirent.h>

#include "helper.h"

enum { INPUT_MAX = 16384, ROUNDS = 40 };

/* Memory of its size each time, so that a sanitizer sees what reads past it. The first round takes the input as it is. */
static void corpus_run(struct str input, int rounds)
{
    static uint64_t seed = 3;

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

/* Each file of folder; it must have some. */
static void corpus_run_folder(const char *folder)
{
    static char bytes[INPUT_MAX];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int files = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        corpus_run((struct str){bytes, n}, ROUNDS);
        files++;
    }
    closedir(dir);
    assert_true(files > 0);
}

#endif

/* helper.h - what several unit tests share: a comparison that names its row, a folder of their own, zones and times. */
#ifndef SCANTIDE_TESTS_HELPER_H
#define SCANTIDE_TESTS_HELPER_H

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/zone.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Fails with the row's own words where two texts differ. */
#define same_text(row, got, want)                                    \
    do {                                                             \
        const char *got_ = (got), *want_ = (want);                   \
        if (strcmp(got_, want_) != 0)                                \
            fail_msg("%s: got '%s', want '%s'", (row), got_, want_); \
    } while (0)

#define same_number(row, got, want)                                   \
    do {                                                              \
        long long got_ = (long long)(got), want_ = (long long)(want); \
        if (got_ != want_)                                            \
            fail_msg("%s: got %lld, want %lld", (row), got_, want_);  \
    } while (0)

static inline const struct zone *open_zone(const char *name)
{
    const struct zone *z = NULL;
    assert_int_equal(zone_open(name, &z), 0);
    return z;
}

/* "2026-11-24T10:00:01" as UTC. */
static inline int64_t utc(const char *text)
{
    int64_t when = 0;
    assert_int_equal(time_parse(text, open_zone("UTC"), &when), 0);
    return when;
}

/* All faults as they are printed; the text lives until the next call. Empties the object. */
static inline const char *faults_text(struct error *err)
{
    static char *text;
    size_t size;

    free(text);
    FILE *out = open_memstream(&text, &size);
    error_print(err, out);
    fclose(out);
    error_fini(err);
    return text;
}

/* A folder that is removed with all it holds when the group ends: temp_make as the group's set-up, temp_remove as its end. */
static char temp_folder[64];

static inline int temp_make(void **state)
{
    (void)state;
    strcpy(temp_folder, "/tmp/scantide-test.XXXXXX");
    return mkdtemp(temp_folder) ? 0 : -1;
}

static inline int temp_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int temp_remove(void **state)
{
    (void)state;
    return nftw(temp_folder, temp_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in that folder; lives until the end. */
static inline const char *temp_path(const char *name)
{
    static char *paths[256];
    static size_t n;

    assert_true(n < COUNT(paths));
    assert_true(asprintf(&paths[n], "%s/%s", temp_folder, name) > 0);
    return paths[n++];
}

/* A generator of numbers that is the same everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(random_next(state) % n);
}

#endif

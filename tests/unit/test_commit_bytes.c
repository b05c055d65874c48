/* What an hour of commits gives to the disk: every write to facts.db and its write-ahead log, whether or not the page cache would
 * have joined it with another (wchar of /proc/self/io). */
#include "pipeline/commit.h"

#include <sys/mman.h>

#include "helper.h"
#include "input/identity.h"

enum { COMMIT_S = 5, LOG_BYTES = 1 << 20, HOURS = 4 };

static uint64_t seed = 11;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((seed >> 33) % n);
}

static uint64_t bytes_written(void)
{
    FILE *f = fopen("/proc/self/io", "r");
    char line[100];
    unsigned long long n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f) && sscanf(line, "wchar: %llu", &n) != 1)
        ;
    fclose(f);
    return n;
}

/* As on a darknet of 256 addresses: half of the events are of a few hundred busy sources at twenty ports, of the others nearly
 * each has a source and a port of its own. */
static struct event event_at(int64_t when)
{
    bool busy = below(2);
    uint32_t source = busy ? 0x51000000 + below(300) * 7919 : 0x20000000 + below(0x40000000);

    return (struct event){.when = when,
                          .source = ip_from_v4(source),
                          .destination = ip_from_v4(0xc0000200 + below(256)),
                          .port = busy ? 20 + source % 20 : below(65536),
                          .count = 1};
}

/* Commits every COMMIT_S seconds, for some hours and the one before, which fills the caches; what one of them writes, in the mean
 * that the write-ahead log's way into the database has its share. */
static uint64_t hour_of_commits(const char *name, uint32_t rate)
{
    struct error err = {0};
    struct store *s;
    struct log_state state = {0};
    struct tally *tally = tally_new();
    int64_t begin = utc("2026-11-24T08:00:00");
    uint64_t before = 0, written = 0;
    int fd = memfd_create("log", 0);

    assert_int_equal(ftruncate(fd, LOG_BYTES * 16), 0);
    assert_int_equal(store_open(temp_path(name), STORE_WRITE, &s, &err), 0);
    assert_int_equal(log_state_find(s, fd, LOG_BYTES, "gw", &state), 0);
    state.position.path = "/var/log/kern.log";
    state.position.first_when = begin;
    for (int i = 0; i < (HOURS + 1) * HOUR_S / COMMIT_S; i++) {
        int64_t when = begin + i * COMMIT_S;
        if (i % (HOUR_S / COMMIT_S) == 0) { /* folding isn't counted */
            written += i > HOUR_S / COMMIT_S ? bytes_written() - before : 0;
            assert_int_equal(store_fold(s, when), 0);
            before = bytes_written();
        }
        for (uint32_t k = 0; k < rate * COMMIT_S; k++) {
            struct event e = event_at(when + k / rate);
            tally_add(tally, STR("gw"), &e, (uint16_t)below(60));
        }
        state.position.offset += rate * COMMIT_S * 200;
        state.position.last_when = state.watched_to = when + COMMIT_S - 1;
        state.head = (struct str){"", 0};
        struct commit_part part = {.log = &state, .tallies = &tally, .n = 1};
        assert_int_equal(commit_write(s, &(struct commit_tags){0}, &part, 1, &err), 0);
        tally_reset(tally);
    }
    written += bytes_written() - before;
    store_close(s);
    tally_free(tally);
    close(fd);
    return written / HOURS;
}

static void expect_at_most(const char *name, uint32_t rate, uint64_t most)
{
    uint64_t written = hour_of_commits(name, rate);

    print_message("# %u events/s: %.1f MB an hour\n", rate, (double)written / 1e6);
    assert_in_range(written, 1, most);
}

static void test_ten(void **state)
{
    (void)state;
    expect_at_most("ten", 10, 10 * 1000 * 1000);
}

static void test_hundred(void **state)
{
    (void)state;
    expect_at_most("hundred", 100, 20 * 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten),
        cmocka_unit_test(test_hundred),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

/* The store alone: who may open it, what a commit holds, what is watched, known and late. */
#include "store/store.h"

#include <fcntl.h>
#include <grp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/sketch.h"
#include "helper.h"
#include "store/segment.h"

enum { HOUR0 = 1764000000 - 1764000000 % HOUR_S, NOBODY = 65534 };

static struct store *open_store(const char *folder, enum store_mode mode)
{
    struct error err = {0};
    struct store *s = NULL;

    if (store_open(folder, mode, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

static const char *refused(const char *folder, enum store_mode mode, int code)
{
    struct error err = {0};
    struct store *s = NULL;

    same_number(folder, store_open(folder, mode, &s, &err), code);
    assert_null(s);
    assert_int_equal(err.n, 1);
    return faults_text(&err);
}

static struct store *fresh_store(void)
{
    static unsigned n;
    char name[32];
    snprintf(name, sizeof name, "store%u", n++);
    return open_store(temp_path(name), STORE_WRITE);
}

static void put_bin(struct store *s, uint16_t sensor, int64_t start, uint32_t port, uint64_t events)
{
    struct segment_writer w = {0};

    segment_begin(&w, FACT_BIN);
    segment_put_bin(&w, 0, 0, port, 0, events);
    struct buf *b = segment_finish(&w);
    assert_int_equal(store_put_segment(s, FACT_BIN, sensor, start, events, b->p, b->n), 0);
    segment_writer_fini(&w);
}

static int add_events(void *ctx, const struct bin_fact *f)
{
    *(uint64_t *)ctx += f->events;
    return 0;
}

static int count_entries(void *ctx, const struct bin_fact *f)
{
    (void)f;
    ++*(uint64_t *)ctx;
    return 0;
}

static uint64_t events_of(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    uint64_t sum = 0;
    assert_int_equal(store_read_bins(s, sensor, from, to, add_events, &sum), 0);
    return sum;
}

/* ---- opening ---- */

static void copy_file(const char *from, const char *to, const char *change, size_t at, size_t n)
{
    static char bytes[1 << 20];
    FILE *f = fopen(from, "r");
    assert_non_null(f);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    memcpy(bytes + at, change, n);
    f = fopen(to, "w");
    assert_non_null(f);
    fwrite(bytes, 1, size, f);
    fclose(f);
}

static void test_open(void **state)
{
    const char *good = temp_path("good/deep/er"), *foreign = temp_path("foreign"),
               *later = temp_path("later"), *noise = temp_path("noise");

    (void)state;
    assert_non_null(strstr(refused(temp_path("none"), STORE_READ, -ENOENT), "scantide import"));
    struct store *s = open_store(good, STORE_WRITE); /* folders are made */
    assert_int_equal(store_sync(s), 0);
    store_close(s);
    store_close(open_store(good, STORE_READ));
    store_close(open_store(good, STORE_WRITE));

    /* SQLite's header holds the application id at byte 68, the user version at byte 60 */
    mkdir(foreign, 0755);
    copy_file(temp_path("good/deep/er/facts.db"), temp_path("foreign/facts.db"), "\1\2\3\4", 68, 4);
    assert_non_null(strstr(refused(foreign, STORE_WRITE, -EINVAL), "another program's"));
    assert_non_null(strstr(refused(foreign, STORE_READ, -EINVAL), "another program's"));
    mkdir(later, 0755);
    copy_file(temp_path("good/deep/er/facts.db"), temp_path("later/facts.db"), "\0\0\0\7", 60, 4);
    assert_non_null(strstr(refused(later, STORE_WRITE, -EINVAL), "version 7"));

    /* the same version of another build, before a release: never half read */
    sqlite3 *db;
    mkdir(temp_path("older"), 0755);
    for (int i = 0; i < 2; i++) {
        static const char *const changes[] = {"DROP TABLE alias", "ALTER TABLE gap ADD extra"},
                                 *const words[] = {"they have no alias.name",
                                                   "this one knows no gap.extra"};
        copy_file(temp_path("good/deep/er/facts.db"), temp_path("older/facts.db"), "", 0, 0);
        assert_int_equal(sqlite3_open(temp_path("older/facts.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_non_null(strstr(refused(temp_path("older"), STORE_READ, -EINVAL), words[i]));
        assert_non_null(strstr(refused(temp_path("older"), STORE_WRITE, -EINVAL), words[i]));
    }

    mkdir(noise, 0755);
    FILE *f = fopen(temp_path("noise/facts.db"), "w");
    for (int i = 0; i < 3000; i++)
        fputs("noise", f);
    fclose(f);
    assert_non_null(strstr(refused(noise, STORE_WRITE, -EBADMSG), "--salvage"));
    f = fopen(temp_path("file"), "w");
    fclose(f);
    refused(temp_path("file/in"), STORE_WRITE, -ENOTDIR);

    /* an empty file is an empty database: to read there is nothing, to write it is made */
    const char *empty = temp_path("empty");
    mkdir(empty, 0755);
    fclose(fopen(temp_path("empty/facts.db"), "w"));
    refused(empty, STORE_READ, -ENOENT);
    store_close(open_store(empty, STORE_WRITE));
    store_close(NULL);
}

/* As somebody who may only read. */
static void as_nobody(void (*check)(void))
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
            _exit(99);
        check();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_said(const char *folder, enum store_mode mode, int code, const char *words,
                        int exit_code)
{
    struct error err = {0};
    struct store *s = NULL;
    int rc = store_open(folder, mode, &s, &err);

    if (rc != code || (code < 0 && (err.n != 1 || !strstr(err.items[0].text, words)))) {
        fprintf(stderr, "%s: got %d: %s\n", folder, rc, err.n ? err.items[0].text : "");
        _exit(exit_code);
    }
    store_close(s);
}

static void check_read_only(void)
{
    expect_said(temp_path("locked"), STORE_WRITE, -EACCES, "chown", 10);
    expect_said(temp_path("locked/new"), STORE_WRITE, -EACCES, "--data", 20);
    expect_said(temp_path("secret"), STORE_READ, -EACCES, "can't be", 30);
    expect_said(temp_path("locked"), STORE_READ, -EACCES, "of its group", 40);
}

static void test_permissions(void **state)
{
    uint16_t id;

    (void)state;
    assert_int_equal(chmod(temp_folder, 0755), 0);
    static const char *const folders[] = {"locked", "secret"};
    for (size_t i = 0; i < COUNT(folders); i++) {
        struct store *s = open_store(temp_path(folders[i]), STORE_WRITE);
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(store_sensor(s, STR("gw"), &id), 0);
        assert_int_equal(store_commit(s), 0);
        store_close(s);
    }
    assert_int_equal(chmod(temp_path("locked"), 0555), 0);
    assert_int_equal(chmod(temp_path("locked/facts.db"), 0444), 0);
    assert_int_equal(chmod(temp_path("secret"), 0700), 0);
    as_nobody(check_read_only);
    chmod(temp_path("locked"), 0755);
}

/* ---- two at once ---- */

enum { COMMITS = 60, WRITERS = 2 };

/* Each adds one event to a bin in each of many commits; one of them makes the database, whoever is quicker. */
static void commit_many(const char *folder, int seed)
{
    struct error err = {0};
    struct store *s = NULL;

    if (store_open(folder, STORE_WRITE, &s, &err) < 0) {
        error_print(&err, stderr);
        _exit(1);
    }
    for (int i = 0; i < COMMITS; i++) {
        struct segment_writer w = {0};
        uint16_t id;
        char name[16];
        segment_begin(&w, FACT_BIN);
        segment_put_bin(&w, 0, 0, (uint32_t)seed, 0, 1);
        struct buf *b = segment_finish(&w);
        snprintf(name, sizeof name, "gw%d", i % 3);
        if (store_begin(s) < 0 || store_sensor(s, str_from(name), &id) < 0 ||
            store_put_segment(s, FACT_BIN, id, HOUR0, 1, b->p, b->n) < 0 || store_commit(s) < 0) {
            fprintf(stderr, "commit %d: %s\n", i, store_error(s));
            _exit(2);
        }
        segment_writer_fini(&w);
    }
    store_close(s);
    _exit(0);
}

static void open_only(const char *folder, int seed)
{
    struct error err = {0};
    struct store *s = NULL;

    (void)seed;
    if (store_open(folder, STORE_WRITE, &s, &err) < 0)
        error_print(&err, stderr);
    store_close(s);
    _exit(err.n > 0);
}

static void run_at_once(const char *folder, int n, void (*child)(const char *folder, int seed))
{
    pid_t pids[8];

    for (int i = 0; i < n; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            child(folder, i);
    }
    for (int i = 0; i < n; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* Whoever makes the database, the others find it. */
static void test_made_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        char name[32];
        snprintf(name, sizeof name, "at-once%d", round);
        run_at_once(temp_path(name), 4, open_only);
    }
}

static void test_two_writers(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        char name[16];
        snprintf(name, sizeof name, "two%d", round);
        const char *folder = temp_path(name);
        run_at_once(folder, WRITERS, commit_many);
        struct store *s = open_store(folder, STORE_READ);
        const struct sensor *list;
        size_t n;
        uint64_t sum = 0;
        assert_int_equal(store_sensors(s, &list, &n), 0);
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++)
            sum += events_of(s, list[i].id, 0, HOUR0 + HOUR_S);
        assert_int_equal(sum, WRITERS * COMMITS);
        store_close(s);
    }
}

/* A reader sees whole commits only; what is rolled back never was. */
static void test_transactions(void **state)
{
    const char *folder = temp_path("transactions");
    struct store *w = open_store(folder, STORE_WRITE), *r;
    const struct sensor *list;
    uint16_t id, other;
    size_t n;

    (void)state;
    assert_int_equal(store_begin(w), 0);
    assert_int_equal(store_sensor(w, STR("gw"), &id), 0);
    put_bin(w, id, HOUR0, 23, 1);
    r = open_store(folder, STORE_READ);
    assert_int_equal(store_sensors(r, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_commit(w), 0);
    assert_int_equal(store_sensors(r, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(events_of(r, id, HOUR0, HOUR0 + 1), 1);

    assert_int_equal(store_begin(w), 0);
    assert_int_equal(store_sensor(w, STR("never"), &other), 0);
    put_bin(w, id, HOUR0, 23, 10);
    store_rollback(w);
    assert_int_equal(events_of(r, id, HOUR0, HOUR0 + 1), 1);
    assert_int_equal(store_sensors(w, &list, &n), 0);
    assert_int_equal(n, 1);
    /* its number may be given again, to another */
    assert_int_equal(store_begin(w), 0);
    assert_int_equal(store_sensor(w, STR("second"), &id), 0);
    assert_int_equal(store_sensor(w, STR("never"), &other), 0);
    assert_true(other != id);
    assert_int_equal(store_commit(w), 0);
    /* one who may only read is told so */
    assert_int_equal(store_put_watched(r, id, HOUR0, HOUR0), -EIO);
    assert_non_null(strstr(store_error(r), "readonly"));
    store_close(r);
    store_close(w);
}

/* ---- sensors ---- */

static void test_sensors(void **state)
{
    static const struct {
        const char *given, *kept;
    } rows[] = {
        {"gw", "gw"},
        {"GW-1_x.example", "GW-1_x.example"},
        {"", "local"},
        {"..", "_."},
        {".hidden", "_hidden"},
        {"../../etc", "_._.._etc"},
        {"a/b c\n", "a_b_c_"},
        {"\xc3\xa4", "__"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "0123456789012345678901234567890123456789012345678901234567890123"},
    };
    struct store *s = fresh_store();
    const struct sensor *list;
    char name[32];
    uint16_t id, again;
    size_t n;

    (void)state;
    assert_int_equal(store_begin(s), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(store_sensor(s, str_from(rows[i].given), &id), 0);
        assert_int_equal(store_sensor(s, str_from(rows[i].kept), &again), 0);
        same_number(rows[i].given, again, id);
        assert_int_equal(store_sensors(s, &list, &n), 0);
        assert_int_equal(n, i + 1);
        assert_int_equal(list[i].id, id);
        same_text(rows[i].given, list[i].name, rows[i].kept);
    }
    /* up to 256; the next is `other`, and so are all after it */
    for (size_t i = COUNT(rows); i < SENSORS_MAX; i++) {
        snprintf(name, sizeof name, "sensor-%zu", i);
        assert_int_equal(store_sensor(s, str_from(name), &id), 0);
    }
    assert_int_equal(store_sensors(s, &list, &n), 0);
    assert_int_equal(n, SENSORS_MAX);
    uint16_t last = id, other;
    assert_int_equal(store_sensor(s, STR("one-more"), &other), 0);
    assert_true(other != last);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "flood-%d", i);
        assert_int_equal(store_sensor(s, str_from(name), &id), 0);
        assert_int_equal(id, other);
    }
    assert_int_equal(store_sensors(s, &list, &n), 0);
    assert_int_equal(n, SENSORS_MAX + 1);
    assert_string_equal(list[n - 1].name, "other");
    assert_int_equal(store_sensor(s, STR("sensor-255"), &id), 0);
    assert_int_equal(id, last);
    assert_int_equal(store_sensor(s, STR("gw"), &id), 0);
    assert_true(id != other);
    assert_int_equal(store_commit(s), 0);
    store_close(s);
}

/* ---- what is watched and what is late ---- */

/* The known bins of the two hours from HOUR0 on, as text: '#' known, '.' not. */
static const char *known_text(struct store *s, uint16_t id)
{
    static char text[2 * HOUR_BINS + 1];
    uint8_t known[2 * HOUR_BINS];

    assert_int_equal(store_known(s, id, HOUR0, HOUR0 + 2 * HOUR_S, known), 0);
    for (int i = 0; i < 2 * HOUR_BINS; i++)
        text[i] = known[i] ? '#' : '.';
    return text;
}

static void test_watched(void **state)
{
    /* seconds from HOUR0; written: bins before this are in the RRDs */
    static const struct {
        const char *name;
        int spans[4][2], n, written;
        int late; /* what the last span adds */
        const char *known;
    } rows[] = {
        {"a second", {{0, 0}}, 1, 0, 0, "#......................."},
        {"its bin was written", {{0, 0}}, 1, 300, 1, "#......................."},
        {"its bin wasn't", {{300, 300}}, 1, 300, 0, ".#......................"},
        {"both ends", {{299, 300}}, 1, 0, 0, "##......................"},
        {"apart", {{0, 299}, {900, 1000}}, 2, 900, 0, "#..#...................."},
        {"between", {{0, 299}, {900, 1000}, {400, 700}}, 3, 900, 1, "####...................."},
        {"over all", {{300, 400}, {900, 1000}, {0, 1200}}, 3, 7200, 1, "#####..................."},
        {"nothing new", {{0, 1000}, {0, 1000}}, 2, 7200, 0, "####...................."},
        {"within", {{0, 1000}, {300, 600}}, 2, 7200, 0, "####...................."},
        {"on from there", {{0, 999}, {1000, 1100}}, 2, 7200, 0, "####...................."},
        {"on, overlapping", {{0, 999}, {900, 1100}}, 2, 7200, 0, "####...................."},
        {"on, into the next bin", {{0, 999}, {1000, 1200}}, 2, 7200, 1, "#####..................."},
        {"on at a bin's end", {{0, 899}, {900, 901}}, 2, 7200, 1, "####...................."},
        {"backwards", {{900, 1000}, {600, 899}}, 2, 7200, 1, "..##...................."},
        {"a bridge", {{0, 899}, {1200, 1500}, {900, 1199}}, 3, 7200, 1, "######.................."},
        {"more than there is", {{-7200, -1}, {7200, 9000}}, 2, 0, 0, "........................"},
        {"from before to after", {{-7200, 9000}}, 1, 0, 0, "########################"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct store *s = fresh_store();
        struct series_state st, was;
        uint16_t id, other;
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(store_sensor(s, STR("other-one"), &other), 0);
        assert_int_equal(store_sensor(s, STR("gw"), &id), 0);
        assert_int_equal(store_commit(s), 0);
        st = (struct series_state){.written = rows[i].written ? HOUR0 + rows[i].written : 0};
        assert_int_equal(store_set_series_state(s, id, &st), 0);
        assert_int_equal(store_set_series_state(s, other, &st), 0);
        for (int k = 0; k < rows[i].n; k++) {
            assert_int_equal(store_series_state(s, id, &was), 0);
            assert_int_equal(
                store_put_watched(s, id, HOUR0 + rows[i].spans[k][0], HOUR0 + rows[i].spans[k][1]),
                0);
        }
        assert_int_equal(store_series_state(s, id, &st), 0);
        same_number(rows[i].name, st.late - was.late, rows[i].late);
        same_text(rows[i].name, known_text(s, id), rows[i].known);
        assert_int_equal(store_series_state(s, other, &st), 0);
        same_number(rows[i].name, st.late, 0);
        same_text(rows[i].name, known_text(s, other), "........................");
        store_close(s);
    }
}

/* Any spans in any order: known is what a line of seconds says. */
static void test_watched_random(void **state)
{
    static uint8_t seconds[2 * HOUR_S];
    struct store *s = fresh_store();
    char want[2 * HOUR_BINS + 1] = "";
    uint64_t seed = 11;

    (void)state;
    for (uint16_t id = 1; id <= 60; id++) {
        memset(seconds, 0, sizeof seconds);
        assert_int_equal(store_begin(s), 0);
        for (int k = 0; k < 12; k++) {
            uint32_t from = random_below(&seed, 2 * HOUR_S),
                     n = random_below(&seed, random_below(&seed, 4) ? 60 : 1500);
            uint32_t to = from + n < 2 * HOUR_S ? from + n : 2 * HOUR_S - 1;
            memset(seconds + from, 1, to - from + 1);
            assert_int_equal(store_put_watched(s, id, HOUR0 + from, HOUR0 + to), 0);
        }
        assert_int_equal(store_commit(s), 0);
        for (int b = 0; b < 2 * HOUR_BINS; b++)
            want[b] = memchr(seconds + b * BIN_S, 1, BIN_S) ? '#' : '.';
        assert_string_equal(known_text(s, id), want);
        int64_t from, to, first = -1, last = -1;
        for (int i = 0; i < 2 * HOUR_S; i++)
            if (seconds[i]) {
                first = first < 0 ? i : first;
                last = i;
            }
        assert_int_equal(store_extent(s, id, &from, &to), 0);
        assert_int_equal(from, HOUR0 + first);
        assert_int_equal(to, HOUR0 + last);
    }
    store_close(s);
}

/* Events make a bin known, and late where it was written. */
static void test_late_events(void **state)
{
    struct store *s = fresh_store();
    struct series_state st = {.written = HOUR0 + 600, .late = 99, .rebuilt = 7};
    int64_t from, to;
    const uint16_t id = 1;

    (void)state;
    assert_int_equal(store_extent(s, id, &from, &to), -ENOENT);
    assert_int_equal(store_set_series_state(s, id, &st), 0);
    assert_int_equal(store_series_state(s, id, &st), 0);
    assert_int_equal(st.written, HOUR0 + 600);
    assert_int_equal(st.late, 0); /* never set from outside */
    assert_int_equal(st.rebuilt, 7);
    put_bin(s, id, HOUR0 + 600, 23, 1); /* not written yet */
    store_series_state(s, id, &st);
    assert_int_equal(st.late, 0);
    put_bin(s, id, HOUR0 + 300, 23, 1);
    store_series_state(s, id, &st);
    assert_int_equal(st.late, 1);
    put_bin(s, 2, HOUR0 + 300, 23, 1); /* of another sensor */
    /* sources and targets are drawn from the same events: they aren't counted again */
    assert_int_equal(store_put_segment(s, FACT_SOURCE, id, HOUR0, 1, "\1\0", 2), 0);
    store_series_state(s, id, &st);
    assert_int_equal(st.late, 1);
    st.rebuilt = 1;
    assert_int_equal(store_set_series_state(s, id, &st), 0);
    store_series_state(s, id, &st);
    assert_int_equal(st.late, 1);
    assert_int_equal(st.rebuilt, 1);
    assert_string_equal(known_text(s, id), ".##.....................");
    assert_int_equal(store_extent(s, id, &from, &to), 0);
    assert_int_equal(from, HOUR0 + 300);
    assert_int_equal(to, HOUR0 + 899);
    /* rolled back, it isn't late either */
    assert_int_equal(store_begin(s), 0);
    put_bin(s, id, HOUR0, 23, 1);
    store_rollback(s);
    store_series_state(s, id, &st);
    assert_int_equal(st.late, 1);
    store_close(s);
}

/* ---- spans, folding, damage ---- */

static void test_spans(void **state)
{
    struct store *s = fresh_store();
    const uint16_t id = 1;
    uint64_t n = 0;

    (void)state;
    for (int b = 0; b < 24; b++)
        put_bin(s, id, HOUR0 + b * BIN_S, 23, (uint64_t)1 << b);
    assert_int_equal(events_of(s, id, HOUR0, HOUR0 + 2 * HOUR_S), 0xffffff);
    assert_int_equal(events_of(s, id, HOUR0 + 300, HOUR0 + 600), 2);
    assert_int_equal(events_of(s, id, HOUR0 + 301, HOUR0 + 900), 4);
    assert_int_equal(events_of(s, id, HOUR0, HOUR0), 0);
    assert_int_equal(events_of(s, 2, HOUR0, HOUR0 + 2 * HOUR_S), 0);

    /* two rows become one, once their hour is over; the sum stays, and what was late isn't so again */
    struct series_state st = {.written = HOUR0 + HOUR_S};
    assert_int_equal(store_set_series_state(s, id, &st), 0);
    put_bin(s, id, HOUR0 + HOUR_S, 23, 5);
    put_bin(s, id, HOUR0, 23, 5);
    store_series_state(s, id, &st);
    uint64_t late = st.late;
    assert_int_equal(store_fold(s, HOUR0 + HOUR_S - 1), 0);
    assert_int_equal(store_read_bins(s, id, HOUR0, HOUR0 + 300, count_entries, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_fold(s, HOUR0 + HOUR_S), 0);
    n = 0;
    assert_int_equal(store_read_bins(s, id, HOUR0, HOUR0 + 300, count_entries, &n), 0);
    assert_int_equal(n, 1);
    n = 0;
    assert_int_equal(
        store_read_bins(s, id, HOUR0 + HOUR_S, HOUR0 + HOUR_S + 300, count_entries, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(events_of(s, id, HOUR0, HOUR0 + 300), 6);
    store_series_state(s, id, &st);
    assert_int_equal(st.late, late);
    store_close(s);
}

static int stop_at_once(void *ctx, const struct bin_fact *f)
{
    (void)f;
    return *(int *)ctx;
}

static int take_no_source(void *ctx, const struct source_fact *f)
{
    (void)ctx;
    (void)f;
    return 0;
}

static void test_damage(void **state)
{
    struct store *s = fresh_store();
    const uint16_t id = 1;
    uint64_t n = 0;
    int answer = 17;

    (void)state;
    put_bin(s, id, HOUR0, 23, 1);
    assert_int_equal(store_read_bins(s, id, HOUR0, HOUR0 + 1, stop_at_once, &answer), 17);
    assert_int_equal(store_put_segment(s, FACT_BIN, id, HOUR0, 1, "\1\200", 2), 0);
    assert_int_equal(store_put_segment(s, FACT_SOURCE, id, HOUR0, 1, "\2\0", 2), 0);
    assert_int_equal(store_read_bins(s, id, HOUR0, HOUR0 + 1, count_entries, &n), -EIO);
    assert_non_null(strstr(store_error(s), "damaged"));
    assert_int_equal(store_read_sources(s, id, HOUR0, HOUR0 + 1, take_no_source, NULL), -EIO);
    assert_int_equal(store_fold(s, HOUR0 + HOUR_S), -EIO);
    n = 0; /* and nothing of it was kept */
    store_read_bins(s, id, HOUR0, HOUR0 + 1, count_entries, &n);
    assert_int_equal(n, 1);
    store_close(s);
}

/* ---- positions and pairs ---- */

static int take_position(void *ctx, const struct position *p)
{
    struct position *out = ctx;
    static char path[64];

    *out = *p;
    snprintf(path, sizeof path, "%s", p->path);
    out->path = path;
    return 1;
}

static void test_positions(void **state)
{
    struct store *s = fresh_store();
    struct position p = {.sensor = "gw",
                         .head_len = 1024,
                         .head_hash = UINT64_MAX,
                         .offset = 5000,
                         .tail_hash = (uint64_t)1 << 63,
                         .first_when = INT64_MAX,
                         .last_when = INT64_MIN,
                         .path = "/var/log/kern.log",
                         .marks = {{2048, 7}, {4096, UINT64_MAX}},
                         .mark_count = 2};
    struct position other = {.sensor = "gw", .offset = 9000, .path = "x"},
                    none = {.sensor = "", .offset = 1, .path = NULL};
    struct position got;
    uint64_t mark = 0, tail = 0;
    uint16_t ids[4];
    size_t n;

    (void)state;
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_put_position(s, &p, false), 0);
    assert_int_equal(store_put_position(s, &other, true), 0);
    assert_int_equal(store_put_position(s, &none, false), 0);
    assert_true(p.id && other.id && p.id != other.id);
    assert_int_equal(store_commit(s), 0);

    /* the largest offset first */
    assert_int_equal(store_read_positions(s, "gw", take_position, &got), 1);
    assert_int_equal(got.id, other.id);
    assert_int_equal(store_read_positions(s, "nobody", take_position, &got), 0);
    p.offset = 10000;
    p.path = "/var/log/kern.log.1";
    p.mark_count = 0;
    assert_int_equal(store_put_position(s, &p, true), 0);
    assert_int_equal(store_read_positions(s, "gw", take_position, &got), 1);
    assert_int_equal(got.id, p.id);
    assert_string_equal(got.sensor, "gw");
    assert_int_equal(got.head_len, 1024);
    assert_true(got.head_hash == UINT64_MAX && got.tail_hash == (uint64_t)1 << 63);
    assert_true(got.first_when == INT64_MAX && got.last_when == INT64_MIN);
    assert_int_equal(got.offset, 10000);
    assert_string_equal(got.path, "/var/log/kern.log.1");
    assert_int_equal(store_read_positions(s, "", take_position, &got), 1);
    assert_string_equal(got.path, "");

    assert_int_equal(store_position_mark(s, p.id, 2047, &mark, &tail), -ENOENT);
    assert_int_equal(store_position_mark(s, p.id, 4095, &mark, &tail), 0);
    assert_true(mark == 2048 && tail == 7);
    assert_int_equal(store_position_mark(s, p.id, 9999, &mark, &tail), 0);
    assert_true(mark == 4096 && tail == UINT64_MAX);
    assert_int_equal(store_position_mark(s, p.id, 10000, &mark, &tail), 0);
    assert_true(mark == 10000 && tail == (uint64_t)1 << 63);

    for (int again = 0; again < 2; again++)
        for (uint16_t id = 9; id > 6; id--)
            assert_int_equal(store_put_position_sensor(s, p.id, id), 0);
    assert_int_equal(store_position_sensors(s, p.id, ids, COUNT(ids), &n), 0);
    assert_int_equal(n, 3);
    assert_true(ids[0] == 7 && ids[1] == 8 && ids[2] == 9);
    assert_int_equal(store_position_sensors(s, p.id, ids, 2, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_position_sensors(s, other.id, ids, COUNT(ids), &n), 0);
    assert_int_equal(n, 0);
    store_close(s);
}

static void test_pairs(void **state)
{
    static const struct series_pair pairs[] = {
        {23, 65, 1000}, {23, 66, 2000}, {1 << 16 | 53, 1, 5}};
    struct store *s = fresh_store();
    struct series_pair *list, newer = {23, 66, 3000};
    size_t n;

    (void)state;
    for (size_t i = COUNT(pairs); i-- > 0;)
        assert_int_equal(store_put_pair(s, 1, &pairs[i]), 0);
    assert_int_equal(store_put_pair(s, 2, &pairs[0]), 0);
    assert_int_equal(store_pairs(s, 1, &list, &n), 0);
    assert_int_equal(n, COUNT(pairs));
    for (size_t i = 0; i < n; i++)
        assert_true(list[i].port == pairs[i].port && list[i].country == pairs[i].country &&
                    list[i].used == pairs[i].used);
    free(list);
    assert_int_equal(store_put_pair(s, 1, &newer), 0);
    assert_int_equal(store_drop_pair(s, 1, 23, 65), 0);
    assert_int_equal(store_pairs(s, 1, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].used, 3000);
    free(list);
    assert_int_equal(store_pairs(s, 2, &list, &n), 0);
    assert_int_equal(n, 1);
    free(list);
    store_close(s);
}

/* An hour to which every commit adds as much once more: what they have in common is there once, not a
 * hundred times, long before the hour is over. */
static void test_busy_hour(void **state)
{
    enum { COMMITS_OF_HOUR = 100, TARGETS = 250, MARKS = 200, PORTS = 20000 };
    struct store *s = fresh_store();
    struct segment_writer targets = {0}, bins = {0};
    struct store_size size;
    uint8_t marks[2 * MARKS];

    (void)state;
    for (unsigned i = 0; i < MARKS; i++) {
        marks[2 * i] = (uint8_t)(i << SKETCH_RANK_BITS | 1);
        marks[2 * i + 1] = (uint8_t)(i << SKETCH_RANK_BITS >> 8);
    }
    segment_begin(&targets, FACT_TARGET);
    for (uint32_t i = 0; i < TARGETS; i++)
        segment_put_target(&targets, &(struct target_fact){.target = ip_from_v4(0xc0000200 + i),
                                                           .port = 23,
                                                           .events = MARKS,
                                                           .sketch = marks,
                                                           .sketch_len = sizeof marks});
    segment_begin(&bins, FACT_BIN);
    for (uint32_t port = 1; port <= PORTS; port++)
        segment_put_bin(&bins, 0, 0, port, 0, 1);
    struct buf *t = segment_finish(&targets), *b = segment_finish(&bins);
    for (int i = 0; i < COMMITS_OF_HOUR; i++) {
        assert_int_equal(store_put_segment(s, FACT_TARGET, 1, HOUR0, targets.events, t->p, t->n),
                         0);
        assert_int_equal(store_put_segment(s, FACT_BIN, 1, HOUR0, bins.events, b->p, b->n), 0);
    }
    same_number("events", (long long)events_of(s, 1, HOUR0, HOUR0 + BIN_S),
                COMMITS_OF_HOUR * PORTS);
    assert_int_equal(store_size(s, &size), 0);
    assert_in_range(size.used, 1, 6 << 20); /* of 16 MB that were put */
    segment_writer_fini(&targets);
    segment_writer_fini(&bins);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),         cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_made_at_once), cmocka_unit_test(test_two_writers),
        cmocka_unit_test(test_transactions), cmocka_unit_test(test_sensors),
        cmocka_unit_test(test_watched),      cmocka_unit_test(test_watched_random),
        cmocka_unit_test(test_late_events),  cmocka_unit_test(test_spans),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_positions),
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_busy_hour),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

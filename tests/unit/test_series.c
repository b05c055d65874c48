/* The whole stage: facts from a store in memory, the RRDs read back by the real rrdtool. */
#include "series/series.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/country.h"
#include "base/port.h"
#include "series/name.h"
#include "series_fake.h"

enum {
    T = 1700002800 /* an hour's start */,
    DAY = 86400,
    CN = 2 * 26 + 13,
    NL = 13 * 26 + 11,
    ROWS = 4000
};

struct fixture {
    char data[64];
    const char *schema;
    struct store *s;
    struct series *se;
    struct series_options o;
    struct series_stats stats;
    struct error err;
};

static void open_series(struct fixture *f)
{
    assert_int_equal(series_open(f->data, f->schema, &f->o, &f->se, &f->err), 0);
}

/* A new process: nothing is remembered. */
static void reopen(struct fixture *f)
{
    series_close(f->se);
    open_series(f);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    strcpy(f->data, "/tmp/series-XXXXXX");
    assert_non_null(mkdtemp(f->data));
    f->s = fake_new();
    f->schema = "rrd/schema.yaml";
    f->o.limits = (struct series_limits){.port_events = 10, .max_ports = 100};
    open_series(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command = xasprintf("rm -rf %s", f->data);

    series_close(f->se);
    fake_free(f->s);
    error_fini(&f->err);
    assert_int_equal(system(command), 0);
    free(command);
    free(f);
    return 0;
}

static void sync_to(struct fixture *f, int64_t until)
{
    f->stats = (struct series_stats){0};
    int rc = series_sync(f->se, f->s, until, SERIES_WAIT, &f->stats, &f->err);
    if (rc)
        error_print(&f->err, stderr);
    assert_int_equal(rc, 0);
}

/* ---- what rrdtool says ---- */

struct fetched {
    size_t n;
    int64_t end[ROWS];
    double events[ROWS], sources[ROWS]; /* events: of the row, rounded; -1: unknown */
};

static double to_count(double rate, int step)
{
    return rate != rate ? -1 : (double)(int64_t)(rate * step + 0.5);
}

static struct fetched fetch(const struct fixture *f, const char *path, int64_t from, int64_t to,
                            const char *function, int step)
{
    static struct fetched r;
    char *command = xasprintf("rrdtool fetch %s/rrd/gw/%s %s -r %d -s %lld -e %lld 2>&1", f->data,
                              path, function, step, (long long)from, (long long)to - step);
    FILE *p = popen(command, "r");
    char line[256];
    double events, sources;
    long long end;

    r.n = 0;
    while (fgets(line, sizeof line, p)) {
        int n = sscanf(line, "%lld: %lf %lf", &end, &events, &sources);
        if (n < 2)
            continue;
        assert_true(r.n < ROWS);
        r.end[r.n] = end;
        r.events[r.n] = to_count(events, step);
        r.sources[r.n++] = n < 3 || sources != sources ? -1 : sources;
    }
    assert_int_equal(pclose(p), 0);
    free(command);
    assert_int_equal(r.n, (to - from) / step);
    return r;
}

static double sum(const struct fetched *r)
{
    double n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->events[i] > 0 ? r->events[i] : 0;
    return n;
}

static double sum_of(const struct fixture *f, const char *path, int64_t from, int64_t to)
{
    struct fetched r = fetch(f, path, from, to, "AVERAGE", BIN_S);

    return sum(&r);
}

static void expect(const struct fixture *f, const char *path, int64_t from, const double *events,
                   size_t n)
{
    struct fetched r = fetch(f, path, from, from + (int64_t)n * BIN_S, "AVERAGE", BIN_S);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(r.end[i], from + (int64_t)(i + 1) * BIN_S);
        if (r.events[i] != events[i])
            fail_msg("%s, bin %zu: %g, not %g", path, i, r.events[i], events[i]);
    }
}
#define EXPECT(f, path, from, ...) \
    expect(f, path, from, (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))

static bool exists(const struct fixture *f, const char *path)
{
    char *whole = xasprintf("%s/rrd/gw/%s", f->data, path);
    bool yes = access(whole, F_OK) == 0;

    free(whole);
    return yes;
}

static void run(const struct fixture *f, const char *shell)
{
    char *command = xasprintf("cd %s/rrd/gw && %s", f->data, shell);

    assert_int_equal(system(command), 0);
    free(command);
}

/* Everything that rrdtool would print of every file, but for what differs by chance. */
static char *snapshot(const struct fixture *f)
{
    char *command =
        xasprintf("cd %s/rrd/gw && for f in $(find . -name '*.rrd' | sort); do echo $f; "
                  "rrdtool dump $f; done | md5sum; find . -name '*.new'",
                  f->data);
    char *text = xcalloc(1, 256);
    FILE *p = popen(command, "r");

    assert_true(fread(text, 1, 255, p) > 0);
    assert_int_equal(pclose(p), 0);
    free(command);
    return text;
}

static int want_pairs(struct fixture *f, uint16_t sensor, const struct series_pair *pairs, size_t n,
                      int64_t now)
{
    struct series_key keys[8];

    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct series_key){SERIES_PAIR, pairs[i].country, pairs[i].port};
    return series_want(f->se, f->s, sensor, keys, n, 0, now, &f->err);
}

/* ---- exactness ---- */

static void counts_zeros_and_unknown_by_hand(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T + 10, 1, 23, CN, 7);
    fake_event(f->s, T + 20, 2, 23, CN, 1);
    fake_event(f->s, T + 299, 2, 80, NL, 2);
    fake_event(f->s, T + 900, 3, 23, NL, 5);
    fake_watched(f->s, T + 10, T + 700); /* bins 0 to 2 */
    sync_to(f, T + DAY);
    EXPECT(f, "total.rrd", T, 10, 0, 0, 5);
    EXPECT(f, "country/CN.rrd", T, 8, 0, 0, 0);
    EXPECT(f, "country/NL.rrd", T, 2, 0, 0, 5);
    EXPECT(f, "port/23-tcp.rrd", T, 8, 0, 0, 5);
    assert_false(exists(f, "port/80-tcp.rrd"));
    EXPECT(f, "total.rrd", T - 600, -1, -1, 10, 0);
    EXPECT(f, "total.rrd", T + 900, 5, -1, -1);

    /* A bin with an event but no watcher is known, between two that aren't. */
    fake_event(f->s, T + 1500, 4, 23, CN, 3);
    sync_to(f, T + DAY);
    EXPECT(f, "port/23-tcp.rrd", T, 8, 0, 0, 5, -1, 3, -1);
    EXPECT(f, "country/NL.rrd", T, 2, 0, 0, 5, -1, 0, -1);
}

static void distinct_sources_by_hand(void **state)
{
    struct fixture *f = *state;
    struct fetched r;

    /* Source 1: two ports, two classes, in bins 0 and 2; source 2: port 23 in bin 0; source 3,
     * of NL, in all. */
    fake_event(f->s, T, 1, 23, CN, 10);
    fake_event_class(f->s, T + 1, 1, 23, CN, CLASS_BACKSCATTER, 1);
    fake_event(f->s, T + 2, 1, 80, CN, 10);
    fake_event(f->s, T + 600, 1, 80, CN, 1);
    fake_event(f->s, T + 5, 2, 23, CN, 4);
    for (int bin = 0; bin < 14; bin++)
        fake_event(f->s, T + bin * 300, 3, 23, NL, 1);
    sync_to(f, T + DAY);
    r = fetch(f, "total.rrd", T, T + 900, "AVERAGE", BIN_S);
    assert_true(r.sources[0] == 3 && r.sources[1] == 1 && r.sources[2] == 2);
    r = fetch(f, "port/23-tcp.rrd", T, T + 900, "AVERAGE", BIN_S);
    assert_true(r.sources[0] == 3 && r.sources[1] == 1 && r.sources[2] == 1);
    r = fetch(f, "port/80-tcp.rrd", T, T + 900, "AVERAGE", BIN_S);
    assert_true(r.sources[0] == 1 && r.sources[1] == 0 && r.sources[2] == 1);
    r = fetch(f, "country/CN.rrd", T, T + 900, "AVERAGE", BIN_S);
    assert_true(r.sources[0] == 2 && r.sources[1] == 0 && r.sources[2] == 1);
    r = fetch(f, "country/NL.rrd", T + 3600, T + 4200, "AVERAGE", BIN_S);
    assert_true(r.sources[0] == 1 && r.sources[1] == 1);
    /* In the hour: the mean of its steps, and the highest. */
    r = fetch(f, "total.rrd", T, T + 3600, "MAX", 3600);
    assert_true(r.sources[0] == 3);
}

/* A source whose country changed while the hour ran counts once for each, however its ports lie. */
static void a_source_with_two_countries(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T, 1, 21, CN, 1);
    fake_event(f->s, T, 1, 22, NL, 1);
    fake_event(f->s, T, 1, 23, CN, 1);
    sync_to(f, T + DAY);
    struct fetched r = fetch(f, "country/CN.rrd", T, T + 300, "AVERAGE", BIN_S);
    assert_true(r.events[0] == 2 && r.sources[0] == 1);
    r = fetch(f, "total.rrd", T, T + 300, "AVERAGE", BIN_S);
    assert_true(r.events[0] == 3 && r.sources[0] == 1);
}

/* Nine days of scattered events, counted beside in plain arrays. */
static uint32_t chance;
static uint32_t draw(uint32_t below)
{
    chance = chance * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)chance * below >> 32);
}

static void scatter(struct fixture *f, int events, double *total, double *port_23, double *china)
{
    chance = 7;
    fake_watched(f->s, T, T + 9 * DAY - 1);
    for (int i = 0; i < events; i++) {
        uint32_t bin = draw(9 * 288), n = 1 + draw(3);
        uint32_t port = draw(3) ? 20 + draw(8) : 1000 + draw(60000);
        uint16_t country = draw(2) ? CN : (uint16_t)draw(30);
        fake_event(f->s, T + bin * 300 + draw(300), draw(1000) + 1, port, country, n);
        total[bin] += n;
        port_23[bin] += port == 23 ? n : 0;
        china[bin] += country == CN ? n : 0;
    }
}

static void nine_days_are_exact_to_the_event(void **state)
{
    struct fixture *f = *state;
    static double total[9 * 288], port_23[9 * 288], china[9 * 288];

    scatter(f, 20000, total, port_23, china);
    sync_to(f, T + 9 * DAY);
    expect(f, "total.rrd", T, total, 9 * 288);
    expect(f, "port/23-tcp.rrd", T, port_23, 9 * 288);
    expect(f, "country/CN.rrd", T, china, 9 * 288);
    /* The coarser archives hold the same sums. */
    struct fetched hours = fetch(f, "total.rrd", T, T + 216 * 3600, "AVERAGE", 3600);
    double all = 0;
    for (int i = 0; i < 9 * 288; i++)
        all += total[i];
    assert_true(sum(&hours) == all);
    for (int h = 0; h < 216; h++) {
        double highest = 0;
        for (int i = 0; i < 12; i++)
            highest = total[h * 12 + i] > highest ? total[h * 12 + i] : highest;
        total[h] = highest;
    }
    struct fetched tops = fetch(f, "total.rrd", T, T + 216 * 3600, "MAX", 3600);
    for (int h = 0; h < 216; h++)
        assert_true(tops.events[h] == (double)(int64_t)(total[h] * 12 + 0.5));
}

static void the_order_of_syncs_makes_no_difference(void **state)
{
    struct fixture *f = *state;
    static double unused[3][9 * 288];

    scatter(f, 4000, unused[0], unused[1], unused[2]);
    sync_to(f, T + 9 * DAY);
    struct fetched whole = fetch(f, "total.rrd", T, T + 9 * DAY, "AVERAGE", BIN_S);
    double port = sum_of(f, "port/23-tcp.rrd", T, T + 9 * DAY);

    /* The same facts bin by bin, with a new process now and then: ports and countries join on
     * the way. */
    run(f, "rm -rf ../gw");
    f->s->shared->state = (struct series_state){0};
    reopen(f);
    for (int64_t until = T + 300; until <= T + 9 * DAY; until += until < T + 4000 ? 300 : 23400) {
        sync_to(f, until + 17);
        if (until % 7 == 0)
            reopen(f);
    }
    sync_to(f, T + 9 * DAY);
    struct fetched parts = fetch(f, "total.rrd", T, T + 9 * DAY, "AVERAGE", BIN_S);
    for (size_t i = 0; i < whole.n; i++)
        assert_true(parts.events[i] == whole.events[i] && parts.sources[i] == whole.sources[i]);
    assert_true(sum_of(f, "port/23-tcp.rrd", T, T + 9 * DAY) == port);
}

static void gaps_longer_than_a_day(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T + 3 * DAY, 1, 23, CN, 12);
    fake_event(f->s, T, 1, 23, CN, 5);
    fake_event(f->s, T + 7 * DAY + 300, 1, 23, CN, 4);
    fake_watched(f->s, T + 3 * DAY, T + 7 * DAY + 899); /* then four quiet days */
    sync_to(f, T + 9 * DAY);
    EXPECT(f, "port/23-tcp.rrd", T, 5, -1);
    EXPECT(f, "port/23-tcp.rrd", T + 3 * DAY - 600, -1, -1, 12, 0);
    EXPECT(f, "port/23-tcp.rrd", T + 7 * DAY - 300, 0, 0, 4, 0, -1);
    struct fetched r = fetch(f, "total.rrd", T + 3 * DAY, T + 7 * DAY, "AVERAGE", BIN_S);
    for (size_t i = 1; i < r.n; i++)
        assert_true(r.events[i] == 0);
    /* Few rows for many bins: 5, U, 12, four days of zeros, 4, 0. */
    assert_int_equal(f->stats.rows, 3 * (3 + 4 + 2));
}

static void years_of_silence_cost_little(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T, 1, 23, CN, 3);
    fake_event(f->s, T + 3000LL * DAY, 1, 23, CN, 12);
    sync_to(f, T + 3001LL * DAY);
    EXPECT(f, "port/23-tcp.rrd", T + 3000LL * DAY - 300, -1, 12, -1);
    /* Older than the longest archive: the files begin as far back as it reaches. */
    fake_event(f->s, T + 9000LL * DAY, 1, 23, CN, 2);
    sync_to(f, T + 9001LL * DAY);
    EXPECT(f, "port/23-tcp.rrd", T + 9000LL * DAY - 300, -1, 2);
}

static void nothing_past_until_or_the_last_known_bin(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T, 1, 23, CN, 3);
    fake_event(f->s, T + 300, 1, 23, CN, 4);
    fake_event(f->s, T + 40 * DAY, 1, 99, NL, 40); /* a stamp from the future */
    sync_to(f, T + 599);
    EXPECT(f, "total.rrd", T, 3, -1);
    assert_false(exists(f, "country/NL.rrd"));
    assert_int_equal(f->s->shared->state.written, T + 300);
    sync_to(f, T + 600);
    EXPECT(f, "total.rrd", T, 3, 4, -1);
    sync_to(f, T + 41 * DAY);
    EXPECT(f, "port/99-tcp.rrd", T + 40 * DAY - 300, -1, 40);
    /* Not up to `until`: what the log goes on with tomorrow isn't late. */
    assert_int_equal(f->s->shared->state.written, T + 40 * DAY + 300);
}

/* ---- admission ---- */

static void ports_by_their_busiest_clock_hour(void **state)
{
    struct fixture *f = *state;
    static const uint32_t listed[] = {4444, 23};

    fake_watched(f->s, T - 3600, T + 3 * 3600);
    fake_event(f->s, T - 1, 1, 1, CN, 5); /* ten within an hour, but not within a clock hour */
    fake_event(f->s, T, 1, 1, CN, 5);
    for (int i = 0; i < 10; i++)
        fake_event(f->s, T + i * 300, 1, 2, CN, 1);
    for (int i = 0; i < 9; i++)
        fake_event(f->s, T + i * 300, 1, 3, CN, 1);
    fake_event(f->s, T + 4000, 1, 3, CN, 9);
    fake_event(f->s, T + 7300, 1, 4, CN, 11);
    f->o.limits.ports = listed;
    f->o.limits.port_count = 2;
    reopen(f);
    sync_to(f, T + 4 * 3600);
    assert_false(exists(f, "port/1-tcp.rrd"));
    assert_true(exists(f, "port/2-tcp.rrd"));
    assert_false(exists(f, "port/3-tcp.rrd"));
    assert_true(exists(f, "port/4-tcp.rrd"));
    EXPECT(f, "port/4444-tcp.rrd", T, 0, 0);

    /* The cap keeps the busiest; of equals the lower key. */
    f->o.limits.max_ports = 1;
    reopen(f);
    sync_to(f, T + 4 * 3600);
    assert_false(exists(f, "port/2-tcp.rrd"));
    assert_true(exists(f, "port/4-tcp.rrd"));
    assert_true(exists(f, "port/4444-tcp.rrd"));
    fake_event(f->s, T + 9000, 1, 3, CN, 11);
    sync_to(f, T + 4 * 3600);
    EXPECT(f, "port/3-tcp.rrd", T, 1, 1, 1);
    assert_false(exists(f, "port/4-tcp.rrd"));
}

static void the_tenth_event_brings_the_whole_history(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 7199);
    fake_event(f->s, T, 1, 7, CN, 2);
    fake_event(f->s, T + 3600, 1, 7, CN, 9);
    sync_to(f, T + 3900);
    assert_false(exists(f, "port/7-tcp.rrd"));
    /* The same hour goes on, after bins of it were written; nothing is late. */
    fake_event(f->s, T + 3900, 1, 7, CN, 1);
    sync_to(f, T + 4200);
    assert_int_equal(f->s->shared->state.late, f->s->shared->state.rebuilt);
    EXPECT(f, "port/7-tcp.rrd", T, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1);
}

/* ---- late facts ---- */

static void late_events_make_the_series_again(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 899);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    fake_event(f->s, T + 300, 1, 23, NL, 2);
    fake_event(f->s, T - 900, 1, 23, NL, 3); /* before the first known bin */
    sync_to(f, T + 900);
    EXPECT(f, "total.rrd", T - 900, 3, -1, -1, 12, 2, 0);
    EXPECT(f, "country/NL.rrd", T - 900, 3, -1, -1, 0, 2, 0);
    assert_int_equal(f->s->shared->state.rebuilt, f->s->shared->state.late);
    sync_to(f, T + 900);
    assert_int_equal(f->stats.files_made + f->stats.files_updated, 0);
}

static ino_t inode(const struct fixture *f, const char *path)
{
    char *whole = xasprintf("%s/rrd/gw/%s", f->data, path);
    struct stat st;

    assert_int_equal(stat(whole, &st), 0);
    free(whole);
    return st.st_ino;
}

static void late_events_touch_their_own_series_only(void **state)
{
    struct fixture *f = *state;
    struct series_pair pairs[] = {{23, CN, 0}, {23, NL, 0}};

    fake_watched(f->s, T, T + 3599);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T, 1, 80, NL, 12);
    fake_event(f->s, T + 300, 1, 7, NL, 9);
    sync_to(f, T + 900);
    assert_int_equal(want_pairs(f, 1, pairs, 2, T + 900), 0);
    ino_t nl = inode(f, "country/NL.rrd"), port = inode(f, "port/80-tcp.rrd");

    fake_event(f->s, T + 300, 2, 23, CN, 2);
    sync_to(f, T + 1200);
    assert_int_equal(f->stats.files_made, 4); /* the total, 23/tcp, CN and their pair */
    assert_int_equal(f->stats.files_updated, 3);
    EXPECT(f, "total.rrd", T, 24, 11, 0, 0, -1);
    EXPECT(f, "port/23-tcp.rrd", T, 12, 2, 0, 0, -1);
    EXPECT(f, "pair/23-tcp/CN.rrd", T, 12, 2, 0, 0, -1);
    EXPECT(f, "country/NL.rrd", T, 12, 9, 0, 0, -1);
    assert_true(inode(f, "country/NL.rrd") == nl && inode(f, "port/80-tcp.rrd") == port);
    assert_int_equal(f->s->shared->late_count, 0);

    /* The tenth of its hour: a port is admitted by a late event. */
    assert_false(exists(f, "port/7-tcp.rrd"));
    fake_event(f->s, T, 3, 7, CN, 1);
    sync_to(f, T + 1200);
    EXPECT(f, "port/7-tcp.rrd", T, 1, 9, 0, 0, -1);
    assert_true(inode(f, "country/NL.rrd") == nl);

    /* The same, in an hour that was read long ago. */
    fake_event(f->s, T + 600, 3, 9, CN, 9);
    fake_watched(f->s, T + 3600, T + 7200 + 299);
    sync_to(f, T + 7500);
    fake_event(f->s, T, 3, 9, CN, 1);
    sync_to(f, T + 7500);
    EXPECT(f, "port/9-tcp.rrd", T, 1, 0, 9, 0);
}

/* ---- another boot ---- */

static void files_that_another_boot_did_not_sync_are_made_again(void **state)
{
    struct fixture *f = *state;

    f->o.boot = "one";
    reopen(f);
    fake_watched(f->s, T, T + DAY);
    fake_event(f->s, T, 1, 23, CN, 12);
    assert_int_equal(series_sync(f->se, f->s, T + 600, SERIES_PACED, &f->stats, &f->err), 0);
    assert_string_equal(f->s->shared->unsynced, "one");
    /* Half of what was written is lost, and nothing in the file shows it. */
    run(f, "cp total.rrd ../old");
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_PACED, &f->stats, &f->err), 0);
    run(f, "cp country/CN.rrd total.rrd && rrdtool update country/CN.rrd 1700003998:99:99");
    reopen(f); /* the same boot: only what can be seen is mended */
    assert_int_equal(series_sync(f->se, f->s, T + 1200, SERIES_PACED, &f->stats, &f->err), 0);
    assert_int_equal(f->stats.files_made, 1);
    f->o.boot = "two";
    reopen(f);
    assert_int_equal(series_sync(f->se, f->s, T + 1500, SERIES_PACED, &f->stats, &f->err), 0);
    assert_int_equal(f->stats.files_made, 3);
    assert_string_equal(f->s->shared->unsynced, "two");
}

static void files_that_were_synced_outlive_the_boot(void **state)
{
    struct fixture *f = *state;

    f->o.boot = "one";
    reopen(f);
    fake_watched(f->s, T, T + DAY);
    fake_event(f->s, T, 1, 23, CN, 12);
    assert_int_equal(series_sync(f->se, f->s, T + 600, SERIES_PACED, &f->stats, &f->err), 0);
    assert_int_equal(series_settle(f->se, f->s, &f->err), 0);
    assert_string_equal(f->s->shared->unsynced, "");
    f->o.boot = "two";
    reopen(f);
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_PACED, &f->stats, &f->err), 0);
    assert_int_equal(f->stats.files_made, 0);
    assert_int_equal(f->stats.files_updated, 3);
    /* A daemon syncs once an hour, all others when they are done. */
    for (int64_t until = T + 1200; until <= T + 4500; until += 300) {
        assert_string_equal(f->s->shared->unsynced, "two");
        assert_int_equal(series_sync(f->se, f->s, until, SERIES_PACED, &f->stats, &f->err), 0);
    }
    assert_string_equal(f->s->shared->unsynced, "");
    sync_to(f, T + 4800);
    assert_string_equal(f->s->shared->unsynced, "");
    assert_int_equal(f->stats.files_updated, 3);
}

/* ---- in slices ---- */

static unsigned sync_in_slices(struct fixture *f, int64_t until)
{
    unsigned slices = 0;

    do {
        assert_int_equal(series_sync(f->se, f->s, until, SERIES_PACED, &f->stats, &f->err), 0);
        assert_true(slices++ < 1000);
    } while (f->stats.more);
    return slices;
}

static void many_ports(struct fixture *f)
{
    fake_watched(f->s, T, T + 2 * DAY);
    for (uint32_t port = 1; port <= 40; port++)
        for (uint32_t hour = 0; hour < 20; hour++)
            fake_event(f->s, T + hour * 3600 + port * 30, port, port, CN, 10 + port);
}

static void slices_come_to_the_same_files(void **state)
{
    struct fixture *f = *state;

    many_ports(f);
    sync_to(f, T + DAY);
    char *whole = snapshot(f);
    run(f, "rm -rf ../gw");
    f->o.slice_files = 7;
    reopen(f);
    assert_int_equal(series_sync(f->se, f->s, T + DAY, SERIES_PACED, &f->stats, &f->err), 0);
    assert_true(f->stats.more);
    assert_int_equal(f->stats.files, 42);
    assert_int_equal(f->stats.left, 42 - 7);
    /* A file that is being made is not to be seen, and one that vanishes is begun again. */
    run(f, "test $(find . -name '*.rrd' | wc -l) = 7");
    assert_int_equal(sync_in_slices(f, T + DAY), 5);
    assert_int_equal(f->stats.left, 0);
    char *parts = snapshot(f);
    assert_string_equal(parts, whole);
    free(parts);
    free(whole);
}

/* Months of facts are more than one slice, even of one file. */
static void files_are_made_over_several_slices(void **state)
{
    struct fixture *f = *state;

    fake_event(f->s, T - 70 * DAY, 1, 1, CN, 11);
    many_ports(f);
    sync_to(f, T + DAY);
    char *whole = snapshot(f);
    run(f, "rm -rf ../gw");
    f->o.slice_files = 7;
    reopen(f);
    assert_int_equal(series_sync(f->se, f->s, T + DAY, SERIES_PACED, &f->stats, &f->err), 0);
    assert_true(f->stats.more);
    /* Begun, none is done; one vanishes, another hand is at the next. */
    run(f, "test $(find . -name '*.rrd' | wc -l) = 0 && test $(find . -name '*.new' | wc -l) = 7");
    run(f, "rm .total.rrd.new && cp port/.3-tcp.rrd.new x && mv x port/.2-tcp.rrd.new && "
           "rrdtool update port/.2-tcp.rrd.new N:9:9");
    sync_in_slices(f, T + DAY);
    char *parts = snapshot(f);
    assert_string_equal(parts, whole);
    free(parts);
    free(whole);
}

static void another_schema_makes_all_files_again(void **state)
{
    struct fixture *f = *state;
    char *schema = xasprintf("%s/schema.yaml", f->data),
         *command = xasprintf("sed 's/days: 10$/days: 30/' rrd/schema.yaml >%s", schema);

    many_ports(f);
    sync_to(f, T + DAY);
    assert_int_equal(system(command), 0);
    f->schema = schema;
    f->o.slice_files = 10;
    reopen(f);
    for (int i = 1; i <= 4; i++) {
        /* The day goes on meanwhile; old files stay whole until the new ones take their place. */
        assert_int_equal(
            series_sync(f->se, f->s, T + DAY + i * 300, SERIES_PACED, &f->stats, &f->err), 0);
        assert_true(f->stats.more);
        EXPECT(f, "port/40-tcp.rrd", T + 1200, 50);
    }
    sync_in_slices(f, T + DAY + 1500);
    assert_int_equal(f->stats.left, 0);
    run(f, "for f in total.rrd port/*.rrd country/*.rrd; do rrdtool info $f | grep -q "
           "'rra.0..rows = 8640' || exit 1; done");
    char *parts = snapshot(f);
    run(f, "rm -rf ../gw");
    reopen(f);
    sync_to(f, T + DAY + 1500);
    char *whole = snapshot(f);
    assert_string_equal(parts, whole);
    free(whole);
    free(parts);
    free(command);
    f->schema = "rrd/schema.yaml";
    free(schema);
}

static void late_facts_between_slices_are_not_forgotten(void **state)
{
    struct fixture *f = *state;

    many_ports(f);
    sync_to(f, T + DAY);
    run(f, "rm -rf ../gw");
    f->o.slice_files = 7;
    reopen(f);
    for (uint32_t port = 1; port <= 5; port++) {
        assert_int_equal(series_sync(f->se, f->s, T + DAY, SERIES_PACED, &f->stats, &f->err), 0);
        assert_true(f->stats.more);
        fake_event(f->s, T + 7200, 99, port, CN, 1);
        run(f, "rm -f port/.3[0-9]*.new");
    }
    sync_in_slices(f, T + DAY);
    sync_in_slices(f, T + DAY + SERIES_PACE_S);
    assert_int_equal(f->s->shared->late_count, 0);
    char *parts = snapshot(f);
    run(f, "rm -rf ../gw");
    reopen(f);
    sync_to(f, T + DAY + SERIES_PACE_S);
    char *whole = snapshot(f);
    assert_string_equal(parts, whole);
    free(whole);
    free(parts);
}

static void come_late(struct store *s)
{
    fake_event(s, T + 300, 9, 23, CN, 100);
}

static void an_event_that_comes_during_the_rebuild_is_not_forgotten(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 899);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    fake_event(f->s, T, 1, 23, CN, 1);
    f->s->at_bins = come_late;
    sync_to(f, T + 900);
    assert_int_not_equal(f->s->shared->state.rebuilt, f->s->shared->state.late);
    sync_to(f, T + 900);
    EXPECT(f, "port/23-tcp.rrd", T, 13, 100, 0);
}

static void a_rebuild_that_fails_is_done_again(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 899);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    fake_event(f->s, T + 300, 1, 23, CN, 5);
    f->s->fail_bins = 2;
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_WAIT, &f->stats, &f->err), -EIO);
    assert_non_null(strstr(f->err.items[0].text, "the fake was told to fail"));
    EXPECT(f, "port/23-tcp.rrd", T, 12, 0, 0); /* the old file still */
    reopen(f);
    sync_to(f, T + 900);
    EXPECT(f, "port/23-tcp.rrd", T, 12, 5, 0);
}

static void a_daemon_rebuilds_every_quarter_of_an_hour(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 7199);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    fake_event(f->s, T + 300, 1, 23, CN, 5);
    for (int64_t until = T + 1200; until <= T + 1800; until += 300) {
        assert_int_equal(series_sync(f->se, f->s, until, SERIES_PACED, &f->stats, &f->err), 0);
        if (until < T + 1800)
            EXPECT(f, "port/23-tcp.rrd", T, 12, 0, 0);
    }
    EXPECT(f, "port/23-tcp.rrd", T, 12, 5, 0, 0, 0, 0, -1);
    fake_event(f->s, T + 600, 1, 23, CN, 6);
    assert_int_equal(series_sync(f->se, f->s, T + 2100, SERIES_PACED, &f->stats, &f->err), 0);
    EXPECT(f, "port/23-tcp.rrd", T, 12, 5, 0, 0, 0, 0, 0, -1);
    /* A chart doesn't wait for that. */
    sync_to(f, T + 2100);
    EXPECT(f, "port/23-tcp.rrd", T, 12, 5, 6, 0, 0, 0, 0, -1);
}

static void another_process_rebuilt_in_between(void **state)
{
    struct fixture *f = *state;
    struct series *other;

    fake_watched(f->s, T, T + 7199);
    fake_event(f->s, T, 1, 23, CN, 9);
    sync_to(f, T + 900);
    fake_event(f->s, T, 1, 23, CN, 1); /* the tenth: the other process sees it first */
    assert_int_equal(series_open(f->data, f->schema, &f->o, &other, &f->err), 0);
    assert_int_equal(series_sync(other, f->s, T + 1200, SERIES_WAIT, &f->stats, &f->err), 0);
    series_close(other);
    fake_event(f->s, T + 1200, 1, 23, CN, 2);
    sync_to(f, T + 1500);
    EXPECT(f, "port/23-tcp.rrd", T, 10, 0, 0, 0, 2, -1);
    EXPECT(f, "total.rrd", T, 10, 0, 0, 0, 2, -1);
}

/* ---- broken files ---- */

static void files_that_are_behind_get_what_they_lack(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 7199);
    for (int i = 0; i < 24; i++)
        fake_event(f->s, T + 300 * i, 1, 23, CN, 12);
    sync_to(f, T + 600);
    run(f, "cp total.rrd a && cp port/23-tcp.rrd b");
    sync_to(f, T + 1800);
    run(f, "mv country/CN.rrd c");
    sync_to(f, T + 7200);
    char *good = snapshot(f);
    run(f, "mv a total.rrd && mv c country/CN.rrd && mv b port/23-tcp.rrd");
    reopen(f);
    sync_to(f, T + 7200);
    assert_int_equal(f->stats.files_updated, 3 + 2); /* the two meet the third after four bins */
    assert_int_equal(sum_of(f, "total.rrd", T, T + 7200), 24 * 12);
    assert_int_equal(sum_of(f, "country/CN.rrd", T, T + 7200), 24 * 12);
    assert_int_equal(sum_of(f, "port/23-tcp.rrd", T, T + 7200), 24 * 12);
    free(good);
}

static void damaged_files_are_made_again(void **state)
{
    struct fixture *f = *state;
    static const char *const damage[] = {
        "rm port/23-tcp.rrd",
        "truncate -s 5000 port/23-tcp.rrd",
        "truncate -s 100 port/23-tcp.rrd",
        ": > port/23-tcp.rrd",
        "echo no database > port/23-tcp.rrd",
        "rm -r port",
        "rm port/23-tcp.rrd && rrdtool create port/23-tcp.rrd -b 1700002800 -s 300 "
        "DS:events:ABSOLUTE:86400:0:U RRA:AVERAGE:0.5:1:2880",
        "rm port/23-tcp.rrd && rrdtool create port/23-tcp.rrd -b 1700002800 -s 60 "
        "DS:events:ABSOLUTE:86400:0:U DS:sources:GAUGE:86400:0:U RRA:AVERAGE:0.5:1:2880 "
        "RRA:AVERAGE:0.5:12:9504 RRA:MAX:0.5:12:9504 RRA:AVERAGE:0.5:288:3653",
        "rrdtool tune port/23-tcp.rrd -h events:600",
        "rrdtool tune port/23-tcp.rrd -d events:GAUGE",
        "rrdtool update port/23-tcp.rrd 1900000000:1:1", /* written beyond what the facts know */
    };

    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T + 600, 1, 23, CN, 3);
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
            sync_to(f, T + 900);
            run(f, damage[i]);
            if (again)
                reopen(f);
            sync_to(f, T + 900);
            EXPECT(f, "port/23-tcp.rrd", T, 12, 0, 3, -1);
            assert_int_equal(f->stats.files_made, 1);
        }
}

/* A new facts.db beside old RRDs: what lies there is of other facts. */
static void files_of_other_facts_are_made_again(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    fake_free(f->s);
    f->s = fake_new();
    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 77);
    reopen(f);
    f->s->fail_bins = 2; /* and it is still known after a death half-way */
    assert_int_equal(series_sync(f->se, f->s, T + 1200, SERIES_WAIT, &f->stats, &f->err), -EIO);
    reopen(f);
    sync_to(f, T + 1200);
    EXPECT(f, "port/23-tcp.rrd", T, 77, 0, 0, 0);
}

static void a_file_that_was_being_written_is_made_again(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    char *good = snapshot(f);
    /* A torn row can't be seen; so the file is spoilt and a slot says that a writer died at it.
     * Another names what is no series. */
    run(f, "rm port/23-tcp.rrd; cp country/CN.rrd port/23-tcp.rrd");
    run(f, "rrdtool tune port/23-tcp.rrd && touch ../keep && printf "
           "'\\001\\0\\0\\0gw/port/23-tcp.rrd\\0' | "
           "dd of=../.inflight conv=notrunc status=none && printf '\\001\\0\\0\\0../keep\\0' | "
           "dd of=../.inflight bs=1 seek=256 conv=notrunc status=none");
    reopen(f);
    sync_to(f, T + 900);
    assert_int_equal(f->stats.files_made, 1);
    assert_true(exists(f, "../keep"));
    sync_to(f, T + 900);
    assert_int_equal(f->stats.files_made, 0);
    free(good);
}

static void what_a_dead_writer_left_is_removed(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 12);
    sync_to(f, T + 900);
    run(f, "touch port/.5-tcp.rrd.new .template.newAbCdEf port/5-tcp.rrd port/notes.txt "
           "country/XX.rrd; mkdir -p "
           "pair/23-tcp; touch pair/23-tcp/CN.rrd");
    reopen(f);
    sync_to(f, T + 900);
    assert_false(exists(f, "port/.5-tcp.rrd.new"));
    assert_false(exists(f, ".template.newAbCdEf"));
    assert_false(exists(f, "port/5-tcp.rrd"));
    assert_false(exists(f, "country/XX.rrd"));
    assert_false(exists(f, "pair/23-tcp"));
    assert_true(exists(f, "port/notes.txt"));
}

static void one_bad_file_does_not_stop_the_others(void **state)
{
    struct fixture *f = *state;

    fake_watched(f->s, T, T + 1199);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T, 1, 80, NL, 10);
    sync_to(f, T + 600);
    run(f, "rm port/23-tcp.rrd && mkdir port/23-tcp.rrd && touch port/23-tcp.rrd/x");
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_WAIT, &f->stats, &f->err), -EIO);
    assert_int_equal(f->err.n, 1);
    assert_non_null(strstr(f->err.items[0].file, "rrd/gw/port/23-tcp.rrd"));
    EXPECT(f, "port/80-tcp.rrd", T, 10, 0, 0, -1);
    EXPECT(f, "total.rrd", T, 22, 0, 0, -1);
    run(f, "rm -r port/23-tcp.rrd");
    sync_to(f, T + 900);
    EXPECT(f, "port/23-tcp.rrd", T, 12, 0, 0, -1);
}

/* ---- killed ---- */

/* Writes on for a while and is killed, or comes to the end. Returns whether it did. */
static bool write_and_die(struct fixture *f, useconds_t after_us)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        reopen(f);
        for (int64_t until = T + DAY; until <= T + 9 * DAY; until += 6 * 3600)
            if (series_sync(f->se, f->s, until, SERIES_WAIT, &f->stats, &f->err) < 0)
                _exit(1);
        _exit(0);
    }
    usleep(after_us);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    return WIFEXITED(status);
}

/* librrd tears a row of one file in ten when it is killed within an update; without the mended
 * ones this fails. */
static void killed_at_any_moment(void **state)
{
    struct fixture *f = *state;
    static double total[9 * 288], port_23[9 * 288], china[9 * 288];
    int deaths = 0;

    scatter(f, 30000, total, port_23, china);
    fake_sort(f->s);
    for (useconds_t us = 4000; !write_and_die(f, us); us += 250)
        deaths++;
    assert_true(deaths > 5);
    expect(f, "total.rrd", T, total, 9 * 288);
    expect(f, "port/23-tcp.rrd", T, port_23, 9 * 288);
    expect(f, "country/CN.rrd", T, china, 9 * 288);
    double countries = 0, all = 0;
    for (uint16_t c = 0; c < COUNTRY_MAX; c++) {
        char path[SERIES_PATH_MAX];
        series_path(&(struct series_key){SERIES_COUNTRY, c, 0}, path);
        countries += exists(f, path) ? sum_of(f, path, T, T + 9 * DAY) : 0;
    }
    for (int i = 0; i < 9 * 288; i++)
        all += total[i];
    assert_true(countries == all);
    run(f, "test \"$(find . -name '.*')\" = .");
}

/* ---- pairs, locks, names ---- */

static void pairs_live_while_charts_draw_them(void **state)
{
    struct fixture *f = *state;
    struct series_pair wanted[] = {{23, CN, 0}, {80, NL, 0}, {23, CN, 0}};

    fake_watched(f->s, T, T + 40 * DAY);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T + 300, 1, 23, NL, 3);
    assert_int_equal(want_pairs(f, 1, wanted, 3, T + 900), 0);
    assert_false(exists(f, "pair/23-tcp/CN.rrd")); /* the others aren't written yet either */
    sync_to(f, T + 900);
    EXPECT(f, "pair/23-tcp/CN.rrd", T, 12, 0, 0, -1);
    EXPECT(f, "pair/80-tcp/NL.rrd", T, 0, 0, 0, -1);
    wanted[0].country = NL;
    assert_int_equal(want_pairs(f, 1, wanted, 1, T + 900), 0);
    EXPECT(f, "pair/23-tcp/NL.rrd", T, 0, 3, 0, -1);
    assert_int_equal(f->s->pair_count, 3);

    assert_int_equal(want_pairs(f, 1, wanted, 1, T + 20 * DAY), 0);
    sync_to(f, T + 32 * DAY);
    assert_true(exists(f, "pair/23-tcp/NL.rrd"));
    assert_false(exists(f, "pair/23-tcp/CN.rrd"));
    assert_false(exists(f, "pair/80-tcp"));
    assert_int_equal(f->s->pair_count, 1);
    assert_int_equal(want_pairs(f, 99, wanted, 1, T), 0);
}

/* ---- what a chart draws ---- */

static void a_chart_gets_what_it_draws_and_no_more(void **state)
{
    struct fixture *f = *state;
    static const struct series_key keys[] = {
        {.kind = SERIES_TOTAL},
        {.kind = SERIES_PORT, .port = 23},
        {.kind = SERIES_PORT, .port = 23},
        {.kind = SERIES_PORT, .port = 99},
    };

    fake_watched(f->s, T, T + 599);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T, 1, 99, CN, 1);
    sync_to(f, T + 300);
    /* A batch that hasn't come yet; a bin that isn't over; an event that came late. */
    fake_event(f->s, T + 300, 1, 23, CN, 3);
    fake_watched(f->s, T + 600, T + 700);
    fake_event(f->s, T + 600, 1, 23, CN, 4);
    fake_event(f->s, T, 1, 23, NL, 2);
    assert_int_equal(series_want(f->se, f->s, 1, keys, 4, T + 900, T + 900, &f->err), 0);
    EXPECT(f, "total.rrd", T, 15, 3, -1);
    EXPECT(f, "port/23-tcp.rrd", T, 14, 3, -1);
    assert_false(exists(f, "port/99-tcp.rrd"));
    EXPECT(f, "country/CN.rrd", T, 13, -1);
    assert_int_equal(f->s->shared->state.written, T + 600);
    assert_int_equal(f->s->shared->late_count, 1); /* for the others */

    /* One that is missing but admitted is made; then the others follow. */
    run(f, "rm port/23-tcp.rrd");
    assert_int_equal(series_want(f->se, f->s, 1, keys, 4, T + 900, T + 900, &f->err), 0);
    EXPECT(f, "port/23-tcp.rrd", T, 14, 3, -1);
    sync_to(f, T + 900);
    EXPECT(f, "country/CN.rrd", T, 13, 3, 4);
    EXPECT(f, "country/NL.rrd", T, 2, 0, 0);
    EXPECT(f, "total.rrd", T, 15, 3, 4);
}

static void a_chart_does_not_wait_for_all_files(void **state)
{
    struct fixture *f = *state;
    static const struct series_key keys[] = {{.kind = SERIES_PORT, .port = 33}};

    many_ports(f);
    sync_to(f, T + DAY);
    run(f, "for f in port/*.rrd; do rrdtool tune $f -h events:600; done");
    f->o.slice_files = 7;
    reopen(f);
    assert_int_equal(series_sync(f->se, f->s, T + DAY, SERIES_PACED, &f->stats, &f->err), 0);
    assert_true(f->stats.more);
    struct series *other;
    assert_int_equal(series_open(f->data, f->schema, &f->o, &other, &f->err), 0);
    assert_int_equal(series_want(other, f->s, 1, keys, 1, T + DAY, T + DAY, &f->err), 0);
    series_close(other);
    run(f, "rrdtool info port/33-tcp.rrd | grep -q 'events..minimal_heartbeat = 86400'");
    sync_in_slices(f, T + DAY);
    run(f, "for f in port/*.rrd; do rrdtool info $f | grep -q 'events..minimal_heartbeat = 86400' "
           "|| exit 1; done");
}

static void one_writer_at_a_time(void **state)
{
    struct fixture *f = *state;
    char *path = xasprintf("flock %s/series.lock sleep 1 & sleep 0.3", f->data);

    fake_event(f->s, T, 1, 23, CN, 12);
    assert_int_equal(system(path), 0);
    assert_int_equal(series_sync(f->se, f->s, T + 900, 0, &f->stats, &f->err), -EWOULDBLOCK);
    assert_int_equal(f->err.n, 0);
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_WAIT, &f->stats, &f->err), 0);
    EXPECT(f, "total.rrd", T, 12, -1);
    free(path);
}

static void folders_of_sensors(void **state)
{
    struct fixture *f = *state;
    char *folder = series_folder(f->se, "gw-1.example"),
         *wanted = xasprintf("%s/rrd/gw-1.example", f->data);

    assert_string_equal(folder, wanted);
    assert_null(series_folder(f->se, "../gw"));
    free(folder);
    free(wanted);
}

#define T_(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(counts_zeros_and_unknown_by_hand),
        T_(distinct_sources_by_hand),
        T_(a_source_with_two_countries),
        T_(nine_days_are_exact_to_the_event),
        T_(the_order_of_syncs_makes_no_difference),
        T_(gaps_longer_than_a_day),
        T_(years_of_silence_cost_little),
        T_(nothing_past_until_or_the_last_known_bin),
        T_(ports_by_their_busiest_clock_hour),
        T_(the_tenth_event_brings_the_whole_history),
        T_(late_events_make_the_series_again),
        T_(late_events_touch_their_own_series_only),
        T_(files_that_another_boot_did_not_sync_are_made_again),
        T_(files_that_were_synced_outlive_the_boot),
        T_(slices_come_to_the_same_files),
        T_(files_are_made_over_several_slices),
        T_(another_schema_makes_all_files_again),
        T_(late_facts_between_slices_are_not_forgotten),
        T_(an_event_that_comes_during_the_rebuild_is_not_forgotten),
        T_(a_rebuild_that_fails_is_done_again),
        T_(a_daemon_rebuilds_every_quarter_of_an_hour),
        T_(another_process_rebuilt_in_between),
        T_(files_that_are_behind_get_what_they_lack),
        T_(damaged_files_are_made_again),
        T_(files_of_other_facts_are_made_again),
        T_(a_file_that_was_being_written_is_made_again),
        T_(what_a_dead_writer_left_is_removed),
        T_(one_bad_file_does_not_stop_the_others),
        T_(killed_at_any_moment),
        T_(pairs_live_while_charts_draw_them),
        T_(a_chart_gets_what_it_draws_and_no_more),
        T_(a_chart_does_not_wait_for_all_files),
        T_(one_writer_at_a_time),
        T_(folders_of_sensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One commit of several logs: all of it or nothing, and not what another scantide has taken in meanwhile. */
#include "pipeline/commit.h"

#include <sys/mman.h>

#include "facts_dump.h"
#include "input/identity.h"

#define LONG_NAME "a-sensor-name-of-more-than-the-sixty-four-characters-that-may-be-kept"

static struct store *open_store(const char *folder)
{
    struct error err = {0};
    struct store *s = NULL;

    if (store_open(folder, STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

/* A log of 4,000 bytes, as one who reads it sees it. */
struct reading {
    int fd;
    char head[HEAD_BYTES];
    struct log_state state;
    struct tally *tally;
};

static void begin(struct reading *r, struct store *s, const char *sensor, char kind)
{
    char bytes[4000];

    memset(bytes, kind, sizeof bytes);
    r->fd = memfd_create("log", 0);
    assert_int_equal(write(r->fd, bytes, sizeof bytes), sizeof bytes);
    memset(r->head, kind, sizeof r->head);
    r->state = (struct log_state){0};
    assert_true(log_state_find(s, r->fd, sizeof bytes, sensor, &r->state) >= 0);
    r->state.position.path = "log";
    r->tally = tally_new();
}

static void end(struct reading *r)
{
    tally_free(r->tally);
    close(r->fd);
}

/* Reads on to an offset: one event there, watched until then. */
static void read_to(struct reading *r, const char *host, uint64_t offset)
{
    struct event e = {.when = utc("2026-11-24T10:00:00") + (int64_t)offset,
                      .source = ip_from_v4(1),
                      .destination = ip_from_v4(2),
                      .port = 23,
                      .count = 1};

    tally_add(r->tally, str_from(host), &e, 0);
    r->state.position.offset = offset;
    if (r->state.position.first_when == INT64_MAX)
        r->state.position.first_when = e.when;
    r->state.position.last_when = r->state.watched_to = e.when;
    size_t n = offset < HEAD_BYTES ? (size_t)offset : HEAD_BYTES;
    r->state.head = (struct str){r->head, n};
    assert_int_equal(identity_stamp(r->fd, &r->state.position), 0);
}

static int commit(struct store *s, struct reading **list, size_t n, struct error *err)
{
    struct commit_part parts[4] = {{0}};

    for (size_t i = 0; i < n; i++)
        parts[i] = (struct commit_part){.log = &list[i]->state, .tallies = &list[i]->tally, .n = 1};
    int rc = commit_write(s, &(struct commit_tags){0}, parts, n, err);
    if (rc == 0)
        for (size_t i = 0; i < n; i++)
            tally_reset(list[i]->tally);
    return rc;
}

static int commit_one(struct store *s, struct reading *r)
{
    struct error err = {0};
    int rc = commit(s, &r, 1, &err);
    assert_int_equal(err.n > 0, rc < 0 && rc != -ESTALE);
    error_fini(&err);
    return rc;
}

/* How many events there are of all sensors. */
static unsigned long long events_in(const char *folder)
{
    char *facts = facts_dump(folder), *at = facts;
    unsigned long long sum = 0, n;

    while ((at = strstr(at, "\nbin "))) {
        char *end = strchr(at + 1, '\n');
        *end = 0;
        assert_int_equal(sscanf(strrchr(at, ' '), "%llu", &n), 1);
        *end = '\n';
        sum += n;
        at = end;
    }
    free(facts);
    return sum;
}

static void test_goes_on(void **state)
{
    const char *folder = temp_path("goes-on");
    struct store *s = open_store(folder);
    struct reading a, b, again;
    struct reading *both[] = {&a, &b};
    struct error err = {0};

    (void)state;
    begin(&a, s, "", 'a');
    begin(&b, s, LONG_NAME, 'b');
    read_to(&a, "gw", 500);
    read_to(&b, "gw2", 600);
    assert_int_equal(commit(s, both, 2, &err), 0);
    assert_true(a.state.position.id && b.state.position.id);
    read_to(&a, "gw", 1500);
    read_to(&a, "gw3", 2000);
    assert_int_equal(commit_one(s, &a), 0);
    assert_int_equal(commit_one(s, &a), 0); /* nothing new */
    assert_int_equal(events_in(folder), 4);

    /* a small log that might be the other, were it not there before */
    begin(&again, s, LONG_NAME, 'c');
    read_to(&again, "gw", 300);
    assert_int_equal(commit_one(s, &again), 0);
    end(&again);
    assert_int_equal(events_in(folder), 5);

    /* found again with its sensors */
    begin(&again, s, "", 'a');
    assert_int_equal(again.state.position.id, a.state.position.id);
    assert_int_equal(again.state.position.offset, 2000);
    assert_int_equal(again.state.sensor_count, 2);
    end(&again);
    begin(&again, s, LONG_NAME, 'b');
    assert_int_equal(again.state.position.offset, 600);
    end(&again);
    end(&a);
    end(&b);
    store_close(s);
}

/* Two that read the same log: the later one's commit is refused, and keeps nothing, of no log. */
static void test_another_was_quicker(void **state)
{
    static const struct {
        const char *name, *sensor;
        uint64_t known, theirs, mine; /* offsets */
        char kind;                    /* of the log that they read; mine is 'm' */
        int rc;
    } rows[] = {
        {"a log new to both", "", 0, 1000, 2000, 'm', -ESTALE},
        {"new to both and small", "", 0, 10, 2000, 'm', -ESTALE},
        {"another log", "", 0, 1000, 2000, 'o', 0},
        {"under a long name", LONG_NAME, 0, 1000, 2000, 'm', -ESTALE},
        {"another under a long name", LONG_NAME, 0, 1000, 2000, 'o', 0},
        {"a log known to both", "gw", 500, 1000, 2000, 'm', -ESTALE},
        {"theirs is longer", "gw", 500, 2000, 1000, 'm', -ESTALE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[32];
        snprintf(name, sizeof name, "quicker%zu", i);
        const char *folder = temp_path(name);
        struct store *s = open_store(folder), *other = open_store(folder);
        struct reading first, mine, theirs, unconcerned;
        struct reading *list[] = {&unconcerned, &mine};
        struct error err = {0};
        unsigned long long before = 0;

        if (rows[i].known) {
            begin(&first, s, rows[i].sensor, 'm');
            read_to(&first, "gw", rows[i].known);
            assert_int_equal(commit_one(s, &first), 0);
            end(&first);
            before = 1;
        }
        begin(&mine, s, rows[i].sensor, 'm');
        begin(&unconcerned, s, rows[i].sensor, 'u');
        begin(&theirs, other, rows[i].sensor, rows[i].kind);
        read_to(&mine, "gw", rows[i].mine);
        read_to(&unconcerned, "gw", 2500);
        read_to(&theirs, "gw", rows[i].theirs);
        assert_int_equal(commit_one(other, &theirs), 0);
        same_number(rows[i].name, commit(s, list, 2, &err), rows[i].rc);
        assert_int_equal(err.n, 0);
        same_number(rows[i].name, events_in(folder), before + 1 + (rows[i].rc == 0 ? 2 : 0));

        /* looked up again, it goes on from where they were */
        if (rows[i].rc < 0) {
            end(&mine);
            begin(&mine, s, rows[i].sensor, 'm');
            same_number(rows[i].name, mine.state.position.offset, rows[i].theirs);
            read_to(&mine, "gw", 3000);
            assert_int_equal(commit_one(s, &mine), 0);
            same_number(rows[i].name, events_in(folder), before + 2);
        }
        end(&mine);
        end(&unconcerned);
        end(&theirs);
        store_close(s);
        store_close(other);
    }
}

/* A stream has no position: it is counted each time, and nobody's commit is in its way. */
static void test_stream(void **state)
{
    const char *folder = temp_path("stream");
    struct store *s = open_store(folder);
    struct reading r;

    (void)state;
    for (int round = 0; round < 2; round++) {
        begin(&r, s, "", 's');
        assert_int_equal(r.state.position.offset, 0);
        r.state.is_stream = true;
        read_to(&r, "gw", 700);
        if (round == 1) { /* the same bytes as a log */
            struct reading log;
            begin(&log, s, "", 's');
            read_to(&log, "gw", 700);
            assert_int_equal(commit_one(s, &log), 0);
            end(&log);
        }
        assert_int_equal(commit_one(s, &r), 0);
        end(&r);
    }
    assert_int_equal(events_in(folder), 3);
    store_close(s);
}

/* What can't be written says so and keeps nothing. */
static void test_refused(void **state)
{
    const char *folder = temp_path("refused");
    struct store *w = open_store(folder), *r = NULL;
    struct error err = {0};
    struct reading a;
    struct reading *list[] = {&a};

    (void)state;
    assert_int_equal(store_open(folder, STORE_READ, &r, &err), 0);
    begin(&a, r, "", 'a');
    read_to(&a, "gw", 500);
    assert_int_equal(commit(r, list, 1, &err), -EIO);
    assert_int_equal(err.n, 1);
    assert_non_null(strstr(faults_text(&err), "nothing of this commit was kept"));
    store_close(r);
    assert_int_equal(events_in(folder), 0);
    end(&a);
    store_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_another_was_quicker),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

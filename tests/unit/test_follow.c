/* Followed files become commits: each line once, a position that is found again, and what was watched. */
#include "pipeline/follow.h"

#include <fcntl.h>

#include "helper.h"
#include "input/identity.h"
#include "store/gap.h"

static struct parser_set *parsers;
static struct geo *geo;
static struct store *store;
static struct follow_log log_;
static struct batch batch;
static unsigned folders;
static const struct commit_tags no_tags;

static int set_up(void **state)
{
    struct error err = {0};

    parsers = parser_set_new();
    parser_set_add_folder(parsers, "parsers", &err);
    geo = geo_none();
    return err.n ? -1 : temp_make(state);
}

static int tear_down(void **state)
{
    parser_set_free(parsers);
    geo_close(geo);
    return temp_remove(state);
}

static int begin(void **state)
{
    struct error err = {0};
    char name[32];

    (void)state;
    snprintf(name, sizeof name, "data%u", folders++);
    log_ =
        (struct follow_log){.path = "/log", .sensor = "gw", .zone = open_zone("UTC"), .geo = geo};
    follow_log_init(&log_, matcher_new(parsers), NULL, NULL);
    batch = (struct batch){0};
    return store_open(temp_path(name), STORE_WRITE, &store, &err);
}

static int end(void **state)
{
    (void)state;
    batch_fini(&batch);
    follow_log_fini(&log_);
    store_close(store);
    return 0;
}

/* ---- a log in a file ---- */

static char text[1 << 16];

/* Packets at these minutes after ten. */
static struct str packets(unsigned from, unsigned to)
{
    size_t n = 0;

    for (unsigned m = from; m <= to; m++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "2026-11-24T10:%02u:00Z gw kernel: DROP IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 "
            "LEN=40 TTL=241 ID=1 PROTO=TCP SPT=%u DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n",
            m, m + 10000);
    return (struct str){text, n};
}

static int write_file(const char *path, struct str bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    return fd;
}

/* One turn of the loop's work: swap, write, take over. */
static void do_commit(struct followed *current, const char *now)
{
    struct error err = {0};

    follow_swap(&log_, current, utc(now), current != NULL, false, &batch);
    if (batch_write(&batch, store, &no_tags, &err) != 0)
        fail_msg("%s", faults_text(&err));
    batch_done(&batch);
}

/* Which log the file is, as the daemon would ask. */
static struct batch_ask ask(struct followed *f)
{
    f->asks = true;
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_int_equal(batch.ask_count, 1);
    struct batch_ask a = batch.asks[0];
    batch.ask_count = 0;
    return a;
}

static void take(struct followed *f, struct str lines, uint64_t offset, struct str head,
                 struct str tail)
{
    struct tail_lines t = {.lines = lines};
    followed_take(f, utc("2026-11-24T12:00:00"), &t, offset, head, tail);
}

/* All of a new file whose bytes these are. */
static struct followed *follow_new(unsigned file, int fd, struct str all)
{
    struct followed *f = followed_new(&log_, file, fd, "/log");
    struct batch_ask a = ask(f);
    size_t head = all.n < HEAD_BYTES ? all.n : HEAD_BYTES,
           tail = all.n < TAIL_BYTES ? all.n : TAIL_BYTES;

    assert_int_equal(a.answer, TAIL_NEW);
    followed_begin(f, &a);
    if (all.n)
        take(f, all, all.n, (struct str){all.p, head}, (struct str){all.p + all.n - tail, tail});
    return f;
}

static int add_events(void *ctx, const struct bin_fact *f)
{
    *(uint64_t *)ctx += f->events;
    return 0;
}

static uint64_t events(void)
{
    uint64_t n = 0;
    assert_int_equal(store_read_bins(store, 1, utc("2026-11-24T00:00:00"),
                                     utc("2026-11-25T00:00:00"), add_events, &n),
                     0);
    return n;
}

/* '1' for each known bin from ten on, '0' for the others. */
static const char *known(void)
{
    static char out[25];
    uint8_t bins[24];
    int64_t from = utc("2026-11-24T10:00:00");

    assert_int_equal(store_known(store, 1, from, from + 24 * BIN_S, bins), 0);
    for (size_t i = 0; i < 24; i++)
        out[i] = bins[i] ? '1' : '0';
    return out;
}

/* ---- the cases ---- */

static void test_position_is_found_again(void **state)
{
    (void)state;
    const char *path = temp_path("log");
    struct str all = packets(0, 29);
    int fd = write_file(path, all);
    follow_new(1, fd, all);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_int_equal(events(), 30);

    struct followed *again = followed_new(&log_, 2, fd, "/log");
    struct batch_ask a = ask(again);
    assert_int_equal(a.answer, TAIL_KNOWN);
    assert_int_equal(a.state.position.offset, all.n);
    assert_int_equal(a.state.position.last_when, utc("2026-11-24T10:29:00"));
    assert_int_equal(a.state.sensor_count, 1);
    assert_int_equal(a.content.head_n, HEAD_BYTES);
    assert_memory_equal(a.content.tail, all.p + all.n - TAIL_BYTES, TAIL_BYTES);
    close(fd);
}

/* What was read counts, and where it ended, although the file has been truncated before the commit. */
static void test_truncated_before_the_commit(void **state)
{
    (void)state;
    struct str all = packets(0, 29);
    int fd = write_file(temp_path("cut"), all), copy = write_file(temp_path("copy"), all);
    follow_new(1, fd, all);
    assert_int_equal(ftruncate(fd, 0), 0);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_int_equal(events(), 30);

    struct batch_ask a = ask(followed_new(&log_, 2, copy, "/log.1"));
    assert_int_equal(a.answer, TAIL_KNOWN);
    assert_int_equal(a.state.position.offset, all.n);
    close(fd);
    close(copy);
}

static void test_beginning_of_a_known_log(void **state)
{
    (void)state;
    struct str all = packets(0, 59);
    int fd = write_file(temp_path("whole"), all),
        part = write_file(temp_path("part"), (struct str){all.p, all.n / 2});
    follow_new(1, fd, all);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_int_equal(ask(followed_new(&log_, 2, part, "/log")).answer, TAIL_LATER);
    close(fd);
    close(part);
}

/* The parts of a commit whose question failed aren't written again. */
static void test_tried_again(void **state)
{
    (void)state;
    struct error err = {0};
    struct str all = packets(0, 9);
    int fd = write_file(temp_path("again"), all);
    follow_new(1, fd, all);
    struct followed *other = followed_new(&log_, 2, -1, "/log");
    other->asks = true;
    follow_swap(&log_, NULL, utc("2026-11-24T12:00:00"), false, false, &batch);
    assert_true(batch_write(&batch, store, &no_tags, &err) < 0);
    error_fini(&err);
    assert_true(batch_write(&batch, store, &no_tags, &err) < 0);
    error_fini(&err);
    batch.asks[0].fd = fd;
    assert_int_equal(batch_write(&batch, store, &no_tags, &err), 0);
    assert_int_equal(batch.asks[0].answer, TAIL_KNOWN);
    batch_done(&batch);
    assert_int_equal(events(), 10);
    close(fd);
}

static void test_lines_after_the_swap_are_the_next_commit(void **state)
{
    (void)state;
    struct error err = {0};
    struct str all = packets(0, 19);
    int fd = write_file(temp_path("swap"), all);
    size_t half = all.n / 2, head = HEAD_BYTES;
    struct followed *f = follow_new(1, fd, (struct str){all.p, half});
    follow_swap(&log_, NULL, utc("2026-11-24T12:00:00"), false, false, &batch);
    take(f, (struct str){all.p + half, half}, all.n, (struct str){all.p, head},
         (struct str){all.p + all.n - TAIL_BYTES, TAIL_BYTES});
    followed_end(f); /* while it is in a commit */
    assert_int_equal(batch_write(&batch, store, &no_tags, &err), 0);
    batch_done(&batch);
    assert_int_equal(events(), 10);
    assert_int_equal(log_.n, 1);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_int_equal(events(), 20);
    assert_int_equal(log_.n, 0);
    close(fd);
}

/* Quiet isn't blind: the log was at its end until eleven. */
static void test_watched_to_its_end(void **state)
{
    (void)state;
    struct str all = packets(0, 9);
    int fd = write_file(temp_path("watch"), all);
    struct followed *f = follow_new(1, fd, all);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_string_equal(known(), "110000000000000000000000");
    do_commit(f, "2026-11-24T11:00:00");
    assert_string_equal(known(), "111111111111100000000000");
    close(fd);
}

static int add_silent(void *ctx, const struct gap *g)
{
    *(int64_t *)ctx += g->reason == GAP_SILENT ? g->to - g->from + 1 : 0;
    return 0;
}

/* One that is never quiet for ten minutes is blind when it is. */
static void test_silent_is_blind(void **state)
{
    (void)state;
    int64_t silent = 0;
    struct str all = packets(0, 9);
    int fd = write_file(temp_path("silent"), all);
    log_.silence_s = 600;
    struct followed *f = follow_new(1, fd, all); /* at 12:00 */
    do_commit(f, "2026-11-24T12:05:00");
    do_commit(f, "2026-11-24T12:30:00");
    do_commit(f, "2026-11-24T12:40:00");
    assert_int_equal(store_read_gaps(store, 1, 0, INT64_MAX, add_silent, &silent), 0);
    assert_int_equal(silent, 40 * 60);
    assert_int_equal(f->state.watched_to, utc("2026-11-24T12:05:00"));
    close(fd);
}

static void test_no_line_yet_is_not_watched(void **state)
{
    (void)state;
    int fd = write_file(temp_path("none"), STR("x"));
    struct followed *f = follow_new(1, fd, STR(""));
    do_commit(f, "2026-11-24T11:00:00");
    assert_int_equal(log_.watched_to, INT64_MIN);
    close(fd);
}

/* Between the old file's last line and the new one's first nobody was blind. */
static void test_rotation_leaves_no_gap(void **state)
{
    (void)state;
    struct str all = packets(0, 9);
    int fd = write_file(temp_path("old"), all);
    follow_new(1, fd, all);
    do_commit(NULL, "2026-11-24T12:00:00");
    struct str next = packets(50, 54);
    int fd2 = write_file(temp_path("new"), next);
    follow_new(2, fd2, next);
    do_commit(NULL, "2026-11-24T12:00:00");
    assert_string_equal(known(), "111111111110000000000000");
    close(fd);
    close(fd2);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(test_position_is_found_again),
        CASE(test_truncated_before_the_commit),
        CASE(test_beginning_of_a_known_log),
        CASE(test_tried_again),
        CASE(test_lines_after_the_swap_are_the_next_commit),
        CASE(test_watched_to_its_end),
        CASE(test_silent_is_blind),
        CASE(test_no_line_yet_is_not_watched),
        CASE(test_rotation_leaves_no_gap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* A log in blocks: every byte of every line once and in order, whatever its lines are like. */
#include "input/blocks.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "helper.h"

enum { B = BLOCK_BYTES, LINES_MAX = 12 };

/* The bytes of a line: its number and then letters that tell where one is. */
static void fill_line(char *p, size_t n, unsigned number)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 7 + number * 3 + i / 1000) % 26);
}

struct log {
    size_t lengths[LINES_MAX]; /* without newlines */
    size_t n;
    bool newline; /* behind the last */
};

/* Writes the log and gives the bytes that blocks must give: what is longer than a block isn't among them. */
static char *write_log(const struct log *log, const char *path, size_t *want, unsigned *cut)
{
    size_t total = 0;
    for (size_t i = 0; i < log->n; i++)
        total += log->lengths[i] + 1;
    char *all = malloc(total + 1), *kept = malloc(total + 1);
    assert_true(all && kept);
    *want = *cut = 0;
    size_t at = 0;
    for (size_t i = 0; i < log->n; i++) {
        bool newline = log->newline || i + 1 < log->n;
        size_t n = log->lengths[i] + newline;
        fill_line(all + at, log->lengths[i], (unsigned)i);
        if (newline)
            all[at + n - 1] = '\n';
        if (log->lengths[i] >= B) {
            ++*cut;
        } else {
            memcpy(kept + *want, all + at, n);
            *want += n;
        }
        at += n;
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(all, 1, at, f), at);
    assert_int_equal(fclose(f), 0);
    free(all);
    return kept;
}

struct piece {
    const char *text;
    size_t n;
    int end;
};

static ssize_t read_piece(void *ctx, char *buffer, size_t n)
{
    struct piece *p = ctx;
    size_t part = p->n < n ? p->n : n;

    if (part == 0)
        return p->end;
    memcpy(buffer, p->text, part);
    p->n = 0;
    return (ssize_t)part;
}

/* Reads all blocks and holds them against what they must be. */
static void check_blocks(const char *row, int fd, const char *want, size_t want_n,
                         unsigned want_cut)
{
    struct blocks *r = blocks_new(blocks_read_fd, &fd, 0, true, true);
    struct block b = {0};
    uint64_t offset = 0;
    size_t at = 0;
    unsigned cut = 0;
    int rc;

    while ((rc = blocks_next(r, &b)) > 0) {
        same_number(row, b.from, offset);
        assert_true(b.to > b.from && b.to - b.from <= 2 * B);
        assert_true(b.lines.n <= b.to - b.from);
        if (b.lines.n > want_n - at || memcmp(b.lines.p, want + at, b.lines.n) != 0)
            fail_msg("%s: other bytes at %zu", row, at);
        at += b.lines.n;
        if (at < want_n && b.lines.n) /* only the log's end ends inside a line */
            assert_int_equal(b.lines.p[b.lines.n - 1], '\n');
        offset = b.to;
        cut += b.cut;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(blocks_next(r, &b), 0);
    same_number(row, at, want_n);
    same_number(row, cut, want_cut);
    block_fini(&b);
    blocks_free(r);
}

static void check_log(const char *row, const struct log *log)
{
    const char *path = temp_path("log");
    size_t n;
    unsigned cut;
    char *want = write_log(log, path, &n, &cut);
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    check_blocks(row, fd, want, n, cut);
    close(fd);
    free(want);
}

static void test_rows(void **state)
{
    static const struct {
        const char *name;
        struct log log;
    } rows[] = {
        {"nothing", {{0}, 0, true}},
        {"a newline", {{0}, 1, true}},
        {"a byte", {{1}, 1, false}},
        {"blank lines", {{0, 0, 0}, 3, true}},
        {"no newline", {{10, 10}, 2, false}},
        {"a block", {{B - 1}, 1, true}},
        {"a block and a line", {{B - 1, 5}, 2, true}},
        {"a block without a newline", {{B - 1}, 1, false}},
        {"a block's bytes without one", {{B}, 1, false}},
        {"too long", {{B}, 1, true}},
        {"too long by one more", {{B + 1, 3}, 2, true}},
        {"a line, then too long", {{3, B, 3}, 3, true}},
        {"filled to its end", {{10, B - 12}, 2, true}},
        {"filled but for the newline", {{10, B - 11, 4}, 3, true}},
        {"two too long", {{B, B, 3}, 3, true}},
        {"three blocks long", {{5, 3 * B + 5, 5}, 3, true}},
        {"ends too long", {{5, 3 * B + 5}, 2, false}},
        {"ends in a block's last byte", {{B - 1, B - 1, B - 1}, 3, true}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_log(rows[i].name, &rows[i].log);
}

static void test_random(void **state)
{
    static const size_t lengths[] = {0,     1, 80,    5000,      B / 2, B / 2 - 1, B - 2,
                                     B - 1, B, B + 1, 2 * B - 1, 2 * B, B / 3};
    uint64_t seed = 21;
    char row[32];

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct log log = {.n = random_below(&seed, LINES_MAX + 1),
                          .newline = random_below(&seed, 2)};
        for (size_t i = 0; i < log.n; i++)
            log.lengths[i] = lengths[random_below(&seed, COUNT(lengths))];
        if (log.n && !log.newline && log.lengths[log.n - 1] == 0)
            log.newline = true; /* nothing behind a newline is no line */
        snprintf(row, sizeof row, "round %d", round);
        check_log(row, &log);
    }
}

/* A pipe gives its bytes in small pieces. */
static void test_pipe(void **state)
{
    const struct log log = {{80, B / 2, B, 0, 70000, B - 1, 3}, 7, false};
    size_t n;
    unsigned cut;
    char *want = write_log(&log, temp_path("piped"), &n, &cut);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char bytes[777];
        ssize_t got;
        int fd = open(temp_path("piped"), O_RDONLY);
        close(fds[0]);
        while ((got = read(fd, bytes, sizeof bytes)) > 0)
            if (write(fds[1], bytes, (size_t)got) != got)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    check_blocks("pipe", fds[0], want, n, cut);
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(want);
}

/* Read on in the middle: the rest of a line that was taken already isn't taken again. */
static void test_read_on(void **state)
{
    static const struct {
        const char *text;
        size_t from;
        bool at_line;
        const char *lines;
        unsigned cut;
    } rows[] = {
        {"abc\ndef\n", 4, true, "def\n", 0},
        {"abc\ndef\n", 3, false, "def\n", 0}, /* only its newline was missing */
        {"abc\ndef\n", 2, false, "def\n", 1},
        {"abc", 2, false, "", 1},
        {"abc\n", 3, false, "", 0},
        {"abc\n\n", 3, false, "\n", 0},
        {"abc\ndef", 2, false, "def", 1},
        {"abc\n", 4, true, NULL, 0}, /* at the end: no block at all */
        {"abc", 3, false, NULL, 0},
    };
    const char *path = temp_path("on");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(rows[i].text, f);
        fclose(f);
        int fd = open(path, O_RDONLY);
        assert_int_equal(lseek(fd, (off_t)rows[i].from, SEEK_SET), rows[i].from);
        struct blocks *r = blocks_new(blocks_read_fd, &fd, rows[i].from, rows[i].at_line, true);
        struct block b = {0};
        same_number(rows[i].text, blocks_next(r, &b), rows[i].lines != NULL);
        if (rows[i].lines) {
            assert_true(str_eq(b.lines, str_from(rows[i].lines)));
            same_number(rows[i].text, b.cut, rows[i].cut);
            same_number(rows[i].text, b.from, rows[i].from);
            same_number(rows[i].text, b.to, strlen(rows[i].text));
            assert_int_equal(blocks_next(r, &b), 0);
        }
        block_fini(&b);
        blocks_free(r);
        close(fd);
    }
    blocks_free(NULL);
}

static void test_unreadable(void **state)
{
    int fd = open(temp_folder, O_RDONLY | O_DIRECTORY);
    struct blocks *r = blocks_new(blocks_read_fd, &fd, 0, true, true);
    struct block b = {0};

    (void)state;
    assert_int_equal(blocks_next(r, &b), -EISDIR);
    block_fini(&b);
    blocks_free(r);
    close(fd);
}

/* A log that may grow keeps its unfinished line; what was read before a fault is given first. */
static void test_unfinished(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        bool fails;
        size_t to, left;
    } rows[] = {
        {"a\nb\npart", 8, false, 4, 4},  {"a\n", 2, false, 2, 0},       {"part", 4, false, 0, 4},
        {"a\n\0\0part", 8, false, 4, 4}, {"a\nb\npart", 8, true, 4, 4}, {"", 0, true, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct piece piece = {rows[i].text, rows[i].n, rows[i].fails ? -EIO : 0};
        struct blocks *r = blocks_new(read_piece, &piece, 0, true, rows[i].fails);
        struct block b = {0};
        int rc;
        size_t to = 0;
        while ((rc = blocks_next(r, &b)) > 0)
            to = (size_t)b.to;
        same_number(rows[i].text, rc, rows[i].fails ? -EIO : 0);
        same_number(rows[i].text, to, rows[i].to);
        same_number(rows[i].text, blocks_left(r), rows[i].left);
        block_fini(&b);
        blocks_free(r);
    }
}

/* A hole of NULs longer than a block isn't a line. */
static void test_hole(void **state)
{
    static char hole[3 * B + 5];
    const char *path = temp_path("hole");
    FILE *f = fopen(path, "w");
    struct block b = {0};
    size_t lines = 0;
    unsigned cut = 0;

    (void)state;
    assert_non_null(f);
    fputs("before\n", f);
    fwrite(hole, 1, sizeof hole, f);
    fputs("behind\n", f);
    fclose(f);
    int fd = open(path, O_RDONLY);
    struct blocks *r = blocks_new(blocks_read_fd, &fd, 0, true, true);
    while (blocks_next(r, &b) > 0) {
        for (size_t i = 0; i < b.lines.n; i++)
            lines += b.lines.p[i] == '\n';
        cut += b.cut;
    }
    assert_int_equal(lines, 2);
    assert_int_equal(cut, 0);
    block_fini(&b);
    blocks_free(r);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_random),
        cmocka_unit_test(test_pipe),       cmocka_unit_test(test_read_on),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

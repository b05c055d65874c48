/* Which log is this? Told by content alone: grown, shortened, copied, alike. */
#include "input/identity.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "helper.h"

static struct store *open_fresh(void)
{
    static unsigned n;
    struct error err = {0};
    struct store *s = NULL;
    char name[32];

    snprintf(name, sizeof name, "store%u", n++);
    if (store_open(temp_path(name), STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return s;
}

/* A log of n bytes that differs from others of another kind from byte `alike` on. */
static int make_log(size_t n, unsigned kind, size_t alike)
{
    static char bytes[1 << 18];
    int fd = memfd_create("log", 0);

    assert_true(fd >= 0 && n <= sizeof bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + (i * 31 + i / 97 + (i >= alike ? kind : 0)) % 26);
    assert_int_equal(write(fd, bytes, n), n);
    return fd;
}

/* Takes the first `offset` bytes in, as import does. */
static int64_t take_in(struct store *s, int fd, const char *sensor, uint64_t offset)
{
    struct position p = {.offset = offset, .path = "log"};

    snprintf(p.sensor, sizeof p.sensor, "%s", sensor);
    assert_int_equal(identity_stamp(fd, &p), 0);
    assert_int_equal(identity_mark(fd, &p, 0), 0);
    assert_int_equal(store_put_position(s, &p, true), 0);
    return p.id;
}

/* The log, compressed, is what it is uncompressed; and the run stands where that was taken in. */
static void same_when_packed(const char *row, struct store *s, int fd, size_t size,
                             const struct position *want)
{
    const char *path = temp_path("packed.gz");
    char *command = NULL, *bytes = malloc(size + 1);
    struct packed_member member;
    struct identity_run at;
    struct position p = {.id = 99};

    assert_true(asprintf(&command, "gzip >%s", path) > 0);
    FILE *out = popen(command, "w");
    assert_true(out && bytes && pread(fd, bytes, size, 0) == (ssize_t)size);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(pclose(out), 0);
    int gz = open(path, O_RDONLY);
    assert_true(packed_is(gz));
    struct packed *packed = packed_open(gz);
    same_number(row, packed_next(packed, &member), size > 0);
    same_number(row, identity_find_packed(s, packed, "gw", &p, &at), want->id > 0);
    same_number(row, p.id, want->id);
    same_number(row, p.offset, want->offset);
    same_number(row, at.offset, want->offset);
    assert_memory_equal(at.tail, bytes + at.offset - at.tail_n, at.tail_n);
    assert_memory_equal(at.head, bytes, at.head_n);
    packed_close(packed);
    close(gz);
    free(command);
    free(bytes);
}

enum { ALIKE = 1 << 20 }; /* all of it */

static void test_find(void **state)
{
    static const struct {
        const char *name;
        size_t taken; /* of the log that is known */
        size_t size;  /* of the one that is asked for */
        size_t alike; /* up to where they are the same */
        long offset;  /* found there; -1: new */
    } rows[] = {
        {"the same", 5000, 5000, ALIKE, 5000},
        {"grown", 5000, 9000, ALIKE, 5000},
        {"grown by a byte", 5000, 5001, ALIKE, 5000},
        {"small", 10, 10, ALIKE, 10},
        {"small and grown", 10, 100000, ALIKE, 10},
        {"one byte", 1, 1, ALIKE, 1},
        {"a shorter copy", 100000, 50000, ALIKE, 50000},
        {"shorter by a byte", 100000, 99999, ALIKE, 99999},
        {"as short as can be told", 100000, 1024, ALIKE, 1024},
        {"too short to be told", 100000, 1023, ALIKE, -1},
        {"shorter than little", 600, 300, ALIKE, -1},
        {"other from the first byte", 5000, 9000, 0, -1},
        {"another head", 5000, 9000, 1000, -1},
        {"another end", 5000, 9000, 4800, -1},
        {"other behind what was taken", 5000, 9000, 5000, 5000},
        {"other between head and end", 5000, 9000, 1024, -1},
        {"another, shorter", 100000, 50000, 1024, -1},
        {"another from a third on", 100000, 50000, 20000, -1},
        {"another small one", 10, 100, 9, -1},
        {"empty", 5000, 0, ALIKE, -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct store *s = open_fresh();
        int known = make_log(rows[i].taken > 5000 ? rows[i].taken : rows[i].taken + 5000, 0, ALIKE),
            asked = make_log(rows[i].size, 1, rows[i].alike);
        struct position p = {.id = 99};
        int64_t id = take_in(s, known, "gw", rows[i].taken);
        same_number(rows[i].name, identity_find(s, asked, rows[i].size, "gw", &p),
                    rows[i].offset >= 0);
        assert_string_equal(p.sensor, "gw");
        assert_null(p.path);
        if (rows[i].offset >= 0) {
            same_number(rows[i].name, p.id, id);
            same_number(rows[i].name, p.offset, rows[i].offset);
        } else {
            assert_true(p.id == 0 && p.offset == 0);
            assert_true(p.first_when == INT64_MAX && p.last_when == INT64_MIN);
        }
        same_when_packed(rows[i].name, s, asked, rows[i].size, &p);
        assert_int_equal(identity_find(s, asked, rows[i].size, "another", &p), 0);
        assert_int_equal(identity_find(s, asked, rows[i].size, "", &p), 0);
        close(known);
        close(asked);
        store_close(s);
    }
}

/* Of several that agree the one that was taken in furthest; one that only looks like it doesn't hide it. */
static void test_several(void **state)
{
    struct store *s = open_fresh();
    struct position p;
    int log = make_log(90000, 0, ALIKE), other = make_log(200000, 1, 1500),
        third = make_log(30000, 2, 1500);

    (void)state;
    take_in(s, log, "", 5000);
    int64_t further = take_in(s, log, "", 70000), longer = take_in(s, other, "", 200000),
            shorter = take_in(s, third, "", 30000);
    assert_int_equal(identity_find(s, log, 90000, "", &p), 1);
    assert_int_equal(p.id, further);
    assert_int_equal(p.offset, 70000);
    assert_int_equal(identity_find(s, other, 200000, "", &p), 1);
    assert_int_equal(p.id, longer);
    assert_int_equal(identity_find(s, third, 30000, "", &p), 1);
    assert_int_equal(p.id, shorter);
    close(log);
    close(other);
    close(third);
    store_close(s);
}

/* Marks stand at 2 KiB and its doubles, those that weren't stored before. */
static void test_marks(void **state)
{
    struct position p = {.offset = 9000};
    int log = make_log(9000, 0, ALIKE);

    (void)state;
    assert_int_equal(identity_mark(log, &p, 0), 0);
    assert_int_equal(p.mark_count, 3);
    assert_int_equal(p.marks[0].offset, 2048);
    assert_int_equal(p.marks[2].offset, 8192);
    assert_int_equal(identity_mark(log, &p, 2048), 0);
    assert_int_equal(p.mark_count, 2);
    assert_int_equal(identity_mark(log, &p, 9000), 0);
    assert_int_equal(p.mark_count, 0);
    p.offset = 9001; /* past the end: it was truncated under us */
    assert_int_equal(identity_stamp(log, &p), -ENODATA);
    p.offset = 20000;
    assert_int_equal(identity_mark(log, &p, 0), -ENODATA);
    close(log);
    p.offset = 5;
    assert_int_equal(identity_stamp(log, &p), -EBADF);
}

/* Two logs that begin with a hole: the shorter one isn't the longer one's beginning. */
static void test_holes(void **state)
{
    struct store *s = open_fresh();
    int known = memfd_create("known", 0), other = memfd_create("other", 0);
    struct position p;
    char text[6000];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(pwrite(known, text, sizeof text, 3000), sizeof text);
    assert_int_equal(pwrite(other, "other", 5, 4000), 5);
    take_in(s, known, "gw", 9000);
    assert_int_equal(identity_find(s, other, 4005, "gw", &p), 0);
    same_when_packed("a hole", s, other, 4005, &p);
    assert_int_equal(identity_find(s, known, 9000, "gw", &p), 1);
    same_when_packed("its own", s, known, 9000, &p);
    close(known);
    close(other);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}

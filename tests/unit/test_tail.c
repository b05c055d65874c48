/* The state machine of a followed log, on a disk of memory: names that point to files, a writer that
 * may still hold an old one, and facts that are told to it in the order in which the loop would. */
#include "input/tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

enum {
    NAMES = 120,
    VERDICTS = 100,
    READINGS = 400,
    FILES = 4000,
    LINES = 200000,
    KNOWN = 4000,
    TAKEN = 4000,
    SECOND_NS = 1000000000
};

struct file {
    char *bytes;
    size_t n;
    uint64_t links;
    int64_t mtime_ns;
    bool packed;
    size_t place;  /* where the writer goes on that doesn't append; 0: at the end */
    size_t broken; /* only so many bytes of it can be unpacked; 0: all */
};

/* One followed file as its reader keeps it: what has been taken, and how often each line was. */
struct reading {
    unsigned id;
    int file;
    char *prefix; /* the bytes before the offset */
    size_t n;
    int64_t written_ns;    /* as it was when it was read, if the path named it */
    unsigned lines[TAKEN]; /* taken and not yet committed */
    size_t line_count;
};

/* An answer on its way. */
struct verdict {
    unsigned id;
    bool judged;
    enum tail_answer answer;
    size_t offset, known;
    char *bytes; /* the file's, when it was judged */
    struct str head, tail;
    int64_t since_ns;
};

static struct {
    struct file files[FILES];
    int file_count;
    int names[NAMES]; /* 0: the path, k: PATH.k; -1: none */
    int held;         /* the file that the writer has open */
    int64_t clock_ns, now_ms;

    struct tail *tail;
    struct reading readings[READINGS];
    size_t reading_count;
    unsigned cut;
    uint64_t unread;
    unsigned truncations, drained, damaged, asked;
    bool answers_later; /* when let_answer() says so */
    struct verdict verdicts[VERDICTS];
    size_t verdict_count;
    bool appends;       /* the writer, whatever others do with its file */
    bool packs_seconds; /* the packer keeps them of the file's time, and no more */
    bool copies;        /* without truncating; nothing is packed then */
    bool loses;         /* truncates without a copy, and keeps few rotated files */

    /* The facts. */
    struct {
        char *prefix;
        size_t n;
    } known[KNOWN];
    size_t known_count;
    int64_t since_ns; /* when the log was last written that was followed; 0: none */
    bool lost[LINES]; /* may be: nothing is left of it */
    uint8_t counted[LINES];
    unsigned others; /* lines without a number */
    unsigned next_line;
    bool partial; /* the last line has no end yet */
} d;

/* ---- the disk ---- */

static int new_file(void)
{
    assert_true(d.file_count < FILES);
    d.files[d.file_count] = (struct file){.links = 1, .mtime_ns = ++d.clock_ns};
    return d.file_count++;
}

static void append_bytes(int file, const char *bytes, size_t n)
{
    struct file *f = &d.files[file];

    if (f->n < f->place) {
        f->bytes = xrealloc(f->bytes, f->place, 1);
        memset(f->bytes + f->n, 0, f->place - f->n);
        f->n = f->place;
    }
    f->bytes = xrealloc(f->bytes, f->n + n, 1);
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
    f->mtime_ns = ++d.clock_ns;
}

static void append(int file, const char *text)
{
    append_bytes(file, text, strlen(text));
}

/* Numbered lines, so that each can be counted. */
static void write_lines(unsigned n)
{
    char line[32];

    for (; n > 0; n--) {
        snprintf(line, sizeof line, "line %u\n", d.next_line++);
        append(d.held, line);
    }
}

static void shift_names(void)
{
    if (d.names[NAMES - 1] >= 0)
        d.files[d.names[NAMES - 1]].links = 0;
    memmove(d.names + 1, d.names, (NAMES - 1) * sizeof *d.names);
    d.names[0] = -1;
}

static void create(void)
{
    d.names[0] = new_file();
}

static void reopen(void)
{
    d.held = d.names[0];
}

static void rotate(void)
{
    shift_names();
    create();
    reopen();
}

static void truncate_path(void)
{
    struct file *f = &d.files[d.names[0]];

    f->place = d.appends ? 0 : f->n > f->place ? f->n : f->place;
    f->n = 0;
    f->mtime_ns = ++d.clock_ns;
}

static void copy(void)
{
    int live = d.names[0];

    shift_names();
    d.names[1] = new_file();
    if (d.files[live].n)
        append_bytes(d.names[1], d.files[live].bytes, d.files[live].n);
    d.names[0] = live;
}

static void copytruncate(void)
{
    copy();
    truncate_path();
}

static struct tail_facts facts_of(int file)
{
    const struct file *f = &d.files[file];
    return (struct tail_facts){.dev = 1,
                               .ino = (uint64_t)file + 1,
                               .size = f->packed ? TAIL_SIZE_UNKNOWN : f->n,
                               .links = f->links,
                               .mtime_ns = f->mtime_ns,
                               .packed = f->packed};
}

/* PATH.k is compressed, as soon as nobody writes to it. */
static void compress(int k)
{
    int was = d.names[k];

    if (was < 0 || was == d.held || d.files[was].packed)
        return;
    int packed = new_file();
    append_bytes(packed, d.files[was].bytes ? d.files[was].bytes : "", d.files[was].n);
    d.files[packed].packed = true;
    d.files[packed].mtime_ns =
        d.files[was].mtime_ns - (d.packs_seconds ? d.files[was].mtime_ns % SECOND_NS : 0);
    d.files[was].links = 0;
    d.names[k] = packed;
}

/* Nothing is left of what the file holds. */
static void lose(int file)
{
    const struct file *f = &d.files[file];

    for (size_t i = 0; i < f->n;) {
        if (f->bytes[i] == 0) { /* of a hole */
            i++;
            continue;
        }
        const char *newline = memchr(f->bytes + i, '\n', f->n - i);
        size_t n = newline ? (size_t)(newline - f->bytes) - i : f->n - i;
        char line[32];
        unsigned number;
        snprintf(line, sizeof line, "%.*s", (int)(n < 31 ? n : 31), f->bytes + i);
        if (sscanf(line, "line %u", &number) == 1)
            d.lost[number] = true;
        i += n + 1;
    }
}

static void truncate_without_copy(void)
{
    lose(d.names[0]);
    truncate_path();
}

static void delete_older_than(int k)
{
    while (++k < NAMES)
        if (d.names[k] >= 0) {
            lose(d.names[k]);
            d.files[d.names[k]].links = 0;
            d.names[k] = -1;
        }
}

/* ---- the loop ---- */

static struct reading *reading_of(unsigned id)
{
    for (size_t i = 0; i < d.reading_count; i++)
        if (d.readings[i].id == id)
            return &d.readings[i];
    fail_msg("no reading %u", id);
    return NULL;
}

static void know(const char *prefix, size_t n)
{
    for (size_t i = d.known_count; i > 0; i--)
        if (d.known[i - 1].n == n && memcmp(d.known[i - 1].prefix, prefix, n) == 0)
            return;
    assert_true(d.known_count < KNOWN);
    d.known[d.known_count].prefix = xmalloc(n + 1);
    memcpy(d.known[d.known_count].prefix, prefix, n);
    d.known[d.known_count++].n = n;
}

static void commit(void)
{
    for (size_t i = 0; i < d.reading_count; i++) {
        struct reading *r = &d.readings[i];
        for (size_t k = 0; k < r->line_count; k++)
            d.counted[r->lines[k]]++;
        if (r->line_count > 0 || r->n > 0)
            know(r->prefix, r->n);
        if (r->line_count > 0 && r->written_ns > d.since_ns)
            d.since_ns = r->written_ns;
        r->line_count = 0;
    }
}

static bool begins_with(int file, const char *prefix, size_t n)
{
    return d.files[file].n >= n && memcmp(d.files[file].bytes, prefix, n) == 0;
}

/* What was packed is open yet, and wasn't written anew: there it is read on. */
static bool is_read_elsewhere(const struct reading *r, size_t known)
{
    for (size_t i = 0; d.files[r->file].packed && known > 0 && i < d.reading_count; i++) {
        const struct reading *o = &d.readings[i];
        if (o != r && o->n == known && d.files[o->file].links == 0 &&
            begins_with(r->file, o->prefix, known) && begins_with(o->file, o->prefix, known))
            return true;
    }
    return false;
}

static void judge(struct verdict *v)
{
    struct reading *r = reading_of(v->id);
    const struct file *f = &d.files[r->file];
    size_t best = 0, hole = 0;
    bool beginning = false;

    commit();
    v->judged = true;
    v->since_ns = d.since_ns ? d.since_ns : INT64_MAX;
    v->bytes = xmalloc(f->n + 1);
    if (f->n)
        memcpy(v->bytes, f->bytes, f->n);
    for (size_t i = 0; i < d.known_count; i++) {
        size_t n = d.known[i].n;
        if (n <= f->n && n > best && memcmp(d.known[i].prefix, f->bytes, n) == 0)
            best = n;
        beginning |= f->n > 0 && n > f->n && memcmp(d.known[i].prefix, f->bytes, f->n) == 0;
    }
    while (!best && hole < f->n && f->bytes[hole] == 0)
        hole++;
    v->answer = beginning || is_read_elsewhere(r, best) ? TAIL_LATER : best ? TAIL_KNOWN : TAIL_NEW;
    v->known = best;
    v->offset = best ? best : f->packed ? 0 : hole;
    size_t size = best ? best : f->n - v->offset;
    size_t tail = best < TAIL_BYTES ? best : TAIL_BYTES;
    v->head =
        (struct str){v->bytes + (best ? 0 : v->offset), size < HEAD_BYTES ? size : HEAD_BYTES};
    v->tail = (struct str){v->bytes + best - tail, tail};
}

static void tell(struct verdict *v)
{
    struct reading *r = reading_of(v->id);

    tail_told(d.tail, v->id, v->answer, v->offset, v->head, v->tail, v->since_ns);
    r->prefix = xrealloc(r->prefix, v->known + 1, 1);
    memcpy(r->prefix, v->bytes, v->known);
    r->n = v->known;
    free(v->bytes);
}

static void answer(unsigned id)
{
    struct verdict v = {.id = id};

    d.asked++;
    if (d.answers_later) {
        assert_true(d.verdict_count < VERDICTS);
        d.verdicts[d.verdict_count++] = v;
    } else {
        judge(&v);
        tell(&v);
    }
}

/* Judges what was asked, or tells what was judged: one as a batch. */
static void let_answer(void)
{
    size_t n = 0;

    for (size_t i = 0; i < d.verdict_count; i++) {
        if (!d.verdicts[i].judged) {
            judge(&d.verdicts[i]);
            d.verdicts[n++] = d.verdicts[i];
        } else {
            tell(&d.verdicts[i]);
        }
    }
    d.verdict_count = n;
}

static void forget_verdicts(void)
{
    for (size_t i = 0; i < d.verdict_count; i++)
        free(d.verdicts[i].bytes);
    d.verdict_count = 0;
}

static void take_lines(struct reading *r, struct str lines)
{
    while (lines.n) {
        const char *newline = memchr(lines.p, '\n', lines.n);
        size_t n = newline ? (size_t)(newline - lines.p) : lines.n;
        char line[64];
        unsigned number;
        snprintf(line, sizeof line, "%.*s", (int)(n < 60 ? n : 60), lines.p);
        if (sscanf(line, "line %u", &number) == 1) {
            assert_true(r->line_count < TAKEN);
            r->lines[r->line_count++] = number;
        } else {
            d.others++;
        }
        lines = str_skip(lines, n + (newline != NULL));
    }
}

static void read_some(const struct tail_todo *todo)
{
    struct reading *r = reading_of(todo->file);
    const struct file *f = &d.files[r->file];
    struct tail_lines lines;
    size_t end = f->broken ? f->broken : f->n;
    size_t n = todo->offset >= end ? 0 : end - (size_t)todo->offset;
    char *copy = xmalloc(todo->bytes + 1); /* exactly what was read: a look outside would be seen */

    n = n < todo->bytes ? n : todo->bytes;
    if (n)
        memcpy(copy, f->bytes + todo->offset, n);
    if (f->broken && n < todo->bytes)
        tail_broken(d.tail, todo->file);
    tail_took(d.tail, todo->file, copy, n, false, &lines);
    size_t offset = (size_t)tail_offset(d.tail, todo->file);
    take_lines(r, lines.lines);
    r->written_ns = tail_written(d.tail, todo->file);
    d.cut += lines.cut;
    if (offset > r->n) {
        r->prefix = xrealloc(r->prefix, offset + 1, 1);
        memcpy(r->prefix + r->n, f->bytes + r->n, offset - r->n);
        r->n = offset;
        struct str tail = tail_tail(d.tail, todo->file), head = tail_head(d.tail, todo->file);
        assert_int_equal(tail.n, offset < TAIL_BYTES ? offset : TAIL_BYTES);
        assert_memory_equal(tail.p, f->bytes + offset - tail.n, tail.n);
        assert_int_equal(head.n, offset < HEAD_BYTES ? offset : HEAD_BYTES);
        assert_memory_equal(head.p, f->bytes, head.n);
    }
    free(copy);
}

static void open_name(unsigned older)
{
    int file = d.names[0];

    for (unsigned i = 1; older > 0; i++) {
        if (i == NAMES) {
            tail_no_more(d.tail);
            return;
        }
        file = d.names[i];
        older -= file >= 0;
    }
    struct tail_facts facts = file < 0 ? (struct tail_facts){0} : facts_of(file);
    unsigned id = tail_opened(d.tail, file < 0 ? NULL : &facts);

    if (id) {
        assert_true(d.reading_count < READINGS);
        d.readings[d.reading_count++] = (struct reading){.id = id, .file = file};
    }
}

static void end_file(const struct tail_todo *todo)
{
    struct reading *r = reading_of(todo->file);

    commit();
    d.truncations += todo->end == TAIL_TRUNCATED;
    d.drained += todo->end == TAIL_DRAINED;
    d.damaged += todo->end == TAIL_DAMAGED;
    d.unread += todo->unread;
    free(r->prefix);
    *r = d.readings[--d.reading_count];
}

static bool step(void)
{
    struct tail_todo todo = tail_next(d.tail);

    switch (todo.kind) {
    case TAIL_REST: return false;
    case TAIL_OPEN: open_name(todo.older); break;
    case TAIL_ASK: answer(todo.file); break;
    case TAIL_READ: read_some(&todo); break;
    case TAIL_END: end_file(&todo); break;
    }
    return true;
}

static void look(void)
{
    tail_tick(d.tail, d.now_ms);
    struct tail_facts facts = d.names[0] < 0 ? (struct tail_facts){0} : facts_of(d.names[0]);
    tail_saw_path(d.tail, d.names[0] < 0 ? NULL : &facts);
    for (size_t i = 0; i < d.reading_count; i++) {
        facts = facts_of(d.readings[i].file);
        if (!facts.packed)
            tail_saw(d.tail, d.readings[i].id, &facts);
    }
}

static void tick(void)
{
    d.now_ms += 1000;
    d.clock_ns += SECOND_NS;
    look();
    while (step())
        ;
}

static void forget_readings(void)
{
    for (size_t i = 0; i < d.reading_count; i++)
        free(d.readings[i].prefix);
    d.reading_count = 0;
}

/* All that wasn't committed is gone. */
static void kill_and_start(void)
{
    forget_readings();
    forget_verdicts();
    tail_free(d.tail);
    d.tail = tail_new();
}

static int begin(void **state)
{
    (void)state;
    memset(&d, 0, sizeof d);
    d.appends = true;
    for (int i = 0; i < NAMES; i++)
        d.names[i] = -1;
    d.tail = tail_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    forget_readings();
    forget_verdicts();
    for (int i = 0; i < d.file_count; i++)
        free(d.files[i].bytes);
    for (size_t i = 0; i < d.known_count; i++)
        free(d.known[i].prefix);
    tail_free(d.tail);
    return 0;
}

static void begin_with(unsigned lines)
{
    create();
    reopen();
    write_lines(lines);
    tick();
    commit();
}

static void assert_each_once_but(unsigned lost)
{
    commit();
    for (unsigned i = 0; i < d.next_line; i++)
        if (d.counted[i] != (i != lost) && !(d.lost[i] && d.counted[i] == 0))
            fail_msg("line %u was counted %u times", i, d.counted[i]);
}

static void assert_each_once(void)
{
    assert_each_once_but(LINES);
}

/* ---- the scenarios ---- */

static void test_follows(void **state)
{
    (void)state;
    begin_with(3);
    write_lines(2);
    tick();
    assert_each_once();
    assert_true(tail_rests(d.tail));
    assert_int_equal(d.asked, 1);
}

static void test_partial_line_waits(void **state)
{
    (void)state;
    begin_with(1);
    append(d.held, "line 1");
    tick();
    assert_int_equal(tail_offset(d.tail, d.readings[0].id), 7);
    tick();
    assert_int_equal(d.readings[0].line_count, 0);
    append(d.held, "\n");
    d.next_line = 2;
    tick();
    assert_each_once();
}

static void test_comes_later(void **state)
{
    (void)state;
    tick();
    tick();
    assert_int_equal(d.reading_count, 0);
    create();
    reopen();
    tick();
    assert_int_equal(d.asked, 0); /* nothing to ask about yet */
    write_lines(2);
    tick();
    assert_each_once();
}

static void test_rename_rotation(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1); /* not seen before the rotation */
    shift_names();
    write_lines(1); /* the writer still holds it */
    create();
    reopen();
    write_lines(1);
    tick();
    assert_int_equal(d.reading_count, 2);
    assert_each_once();
}

static void test_two_rotations_in_a_tick(void **state)
{
    (void)state;
    begin_with(2);
    for (int i = 0; i < 3; i++) {
        write_lines(1);
        rotate();
        write_lines(1);
    }
    tick();
    assert_each_once();
    assert_int_equal(d.reading_count, 4);
}

static void test_late_writer_of_the_old_file(void **state)
{
    (void)state;
    begin_with(1);
    int old = d.held;
    rotate();
    write_lines(1);
    for (int i = 0; i < 60; i++)
        tick();
    d.held = old;
    write_lines(1);
    tick();
    assert_each_once();
    for (int i = 0; i < TAIL_DRAIN_MS / 1000 + 1; i++)
        tick();
    assert_int_equal(d.reading_count, 1);
    assert_int_equal(d.drained, 1);
}

static void test_last_line_of_a_rotated_file(void **state)
{
    (void)state;
    begin_with(1);
    append(d.held, "line 1");
    rotate();
    d.next_line = 2;
    write_lines(1);
    tick();
    assert_int_equal(d.counted[1], 0);
    for (int i = 0; i < TAIL_DRAIN_MS / 1000 + 1; i++)
        tick();
    assert_each_once();
}

static void test_old_file_stays_while_the_new_one_is_empty(void **state)
{
    (void)state;
    begin_with(1);
    rotate();
    for (int i = 0; i < 2 * TAIL_DRAIN_MS / 1000; i++)
        tick();
    assert_int_equal(d.drained, 0);
    write_lines(1);
    tick();
    tick();
    assert_int_equal(d.drained, 1);
    assert_each_once();
}

static void test_deleted(void **state)
{
    (void)state;
    begin_with(1);
    d.names[0] = -1;
    d.files[d.held].links = 0;
    write_lines(1);
    for (int i = 0; i <= TAIL_DELETED_MS / 1000 + 1; i++)
        tick();
    assert_int_equal(d.reading_count, 0);
    create();
    reopen();
    write_lines(1);
    tick();
    assert_each_once();
}

static void test_renamed_back(void **state)
{
    (void)state;
    begin_with(1);
    shift_names();
    tick();
    d.names[0] = d.names[1];
    d.names[1] = -1;
    write_lines(1);
    tick();
    assert_int_equal(d.reading_count, 1);
    assert_each_once();
}

static void test_truncated(void **state)
{
    (void)state;
    begin_with(3);
    append(d.held, "lost\n");
    look(); /* it is known to be there, and not read */
    truncate_path();
    write_lines(1);
    tick();
    assert_int_equal(d.truncations, 1);
    assert_int_equal(d.unread, 5);
    assert_each_once();
    assert_int_equal(d.others, 0);
}

static void test_truncated_and_regrown(void **state)
{
    (void)state;
    begin_with(3);
    truncate_path();
    write_lines(50);
    tick();
    assert_int_equal(d.truncations, 1);
    assert_each_once();
}

static void test_copytruncate(void **state)
{
    (void)state;
    begin_with(200);
    write_lines(2); /* only the copy has them */
    copytruncate();
    write_lines(1);
    tick();
    assert_each_once();
    copytruncate();
    write_lines(300);
    tick();
    assert_each_once();
}

static void test_emptied_before_it_was_read(void **state)
{
    (void)state;
    begin_with(1);
    rotate();
    tick();
    write_lines(2);
    copytruncate();
    tick();
    assert_each_once();
}

static void test_copied_over(void **state)
{
    (void)state;
    begin_with(100);
    /* scp writes the same log again, longer: not seen short, seen short. */
    write_lines(1);
    tick();
    struct file *f = &d.files[d.names[0]];
    size_t whole = f->n;
    f->n = 40;
    tick();
    assert_int_equal(tail_rests(d.tail), true);
    f->n = whole;
    write_lines(1);
    tick();
    assert_each_once();
}

static void test_rotated_while_down(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    for (int i = 0; i < 3; i++) {
        rotate();
        write_lines(1);
    }
    kill_and_start();
    tick();
    assert_each_once();
}

/* The last one was cut off, and has no newline. */
static void test_rotated_and_packed_while_down(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    append(d.held, "line 3");
    d.next_line = 4;
    for (int i = 0; i < 3; i++) {
        rotate();
        write_lines(1);
        compress(1);
    }
    kill_and_start();
    tick();
    assert_true(d.drained >= 3);
    assert_int_equal(d.reading_count, 1);
    assert_each_once();
}

/* The plain file is gone; what was open is read on, what was not is read packed. */
static void test_packed_while_it_is_read(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    for (int i = 0; i < 2; i++) {
        rotate();
        write_lines(2);
        compress(1);
    }
    tick();
    assert_each_once();
    kill_and_start();
    tick();
    assert_each_once();
}

static void test_packed_log_longer_than_a_turn(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(3000);
    commit();
    char *bytes = xcalloc(TAIL_TURN_BYTES, 3);
    memset(bytes, 'x', 3 * TAIL_TURN_BYTES);
    append_bytes(d.held, bytes, 3 * TAIL_TURN_BYTES);
    append(d.held, "\n");
    write_lines(500);
    rotate();
    compress(1);
    kill_and_start();
    tick();
    assert_int_equal(d.cut, 1);
    assert_each_once();
    free(bytes);
}

static void test_packed_and_damaged(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(3);
    rotate();
    compress(1);
    d.files[d.names[1]].broken = 30; /* within line 4 */
    write_lines(1);
    kill_and_start();
    tick();
    assert_true(d.damaged > 0);
    assert_int_equal(d.reading_count, 1);
    assert_each_once_but(4);

    d.files[d.names[1]].broken = 5; /* before what was read of it */
    kill_and_start();
    tick();
    assert_int_equal(d.truncations, 0);
    assert_each_once_but(4);
}

/* Both are new when the search finds them, and one is a copy of the other. */
static void test_copy_beside_the_rotated_file(void **state)
{
    (void)state;
    begin_with(2);
    rotate();
    write_lines(3);
    shift_names();
    d.names[1] = d.names[2]; /* what is known moves on, a copy comes before it */
    d.names[3] = d.names[1];
    d.names[2] = d.held;
    d.names[1] = new_file();
    append_bytes(d.names[1], d.files[d.held].bytes, d.files[d.held].n);
    create();
    reopen();
    write_lines(1);
    kill_and_start();
    tick();
    assert_each_once();
}

/* What a writer leaves that doesn't append: it goes on at its old place behind a hole. */
static void test_copytruncate_under_a_writer_that_does_not_append(void **state)
{
    (void)state;
    begin_with(200);
    write_lines(1);
    size_t place = d.files[d.held].n;
    copytruncate();
    char *hole = xcalloc(1, place);
    append_bytes(d.held, hole, place);
    write_lines(3);
    tick();
    assert_int_equal(d.truncations, 1);
    assert_each_once();
    kill_and_start();
    write_lines(1);
    tick();
    assert_each_once();
    assert_int_equal(d.cut, 0);
    free(hole);
}

/* It is copied and emptied again before its new file is read, which begins with a hole, too. */
static void test_truncated_with_a_hole_before_and_after(void **state)
{
    (void)state;
    begin_with(200);
    d.appends = false;
    copytruncate();
    write_lines(3);
    d.answers_later = true;
    tick();
    let_answer();
    tick();
    let_answer(); /* the copy, then the log: it is new */
    tick();
    let_answer();
    let_answer();
    copytruncate();
    write_lines(3);
    for (int i = 0; i < 20; i++) {
        tick();
        let_answer();
    }
    assert_each_once();
}

/* Two new files come while it is asked which log the path's own is: both are newer. */
static void test_rotated_while_the_search_waits(void **state)
{
    (void)state;
    begin_with(2);
    rotate();
    write_lines(1);
    kill_and_start();
    d.answers_later = true;
    tick();
    for (int i = 0; i < 2; i++) {
        rotate();
        write_lines(1);
    }
    for (int i = 0; i < 40; i++) {
        let_answer();
        tick();
        if (d.counted[4]) /* nor is any read before those that are older */
            assert_each_once();
    }
    assert_each_once();
}

/* By logrotate's `copy`: both have lines that weren't taken in. */
static void test_copied_and_not_emptied(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    copy();
    write_lines(1);
    kill_and_start();
    tick();
    assert_each_once();
}

/* A new file has the old one's inode. */
static void test_inode_used_again(void **state)
{
    (void)state;
    begin_with(3);
    int old = d.names[0];
    d.files[old].n = 0; /* deleted, and its number given to a new file of other content */
    write_lines(40);
    tick();
    assert_each_once();
    kill_and_start();
    d.files[old].n = 0;
    write_lines(80);
    tick();
    assert_each_once();
}

/* PATH.1 has moved on to PATH.2, the path's own file not yet to PATH.1. */
static void test_started_within_a_rotation(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    rotate();
    write_lines(1);
    d.names[2] = d.names[1];
    d.names[1] = -1;
    kill_and_start();
    tick();
    d.names[1] = d.names[0];
    create();
    reopen();
    write_lines(1);
    tick();
    assert_each_once();
}

static void test_path_missing_at_start(void **state)
{
    (void)state;
    begin_with(2);
    write_lines(1);
    shift_names();
    kill_and_start();
    tick();
    create();
    reopen();
    write_lines(1);
    tick();
    assert_each_once();
}

static void test_rest_of_the_older_file(void **state)
{
    (void)state;
    begin_with(2);
    rotate();
    write_lines(1);
    tick();
    commit();
    append(d.names[1], "line 3\n"); /* by a writer that held on */
    d.next_line = 4;
    kill_and_start();
    tick();
    assert_each_once();
}

static void test_backlog_is_left_alone(void **state)
{
    (void)state;
    for (int i = 1; i < 4; i++) {
        d.names[i] = new_file();
        append(d.names[i], "other\n");
    }
    begin_with(2);
    assert_each_once();
    assert_int_equal(d.others, 0);
    assert_int_equal(d.reading_count, 1);
}

/* Nothing is left that is known, but for when it was followed. */
static void test_truncated_and_rotated_while_down(void **state)
{
    (void)state;
    d.names[1] = new_file();
    append(d.names[1], "other\n");
    begin_with(2);
    kill_and_start();
    truncate_path();
    for (int i = 0; i < 3; i++) {
        write_lines(2);
        rotate();
    }
    compress(2);
    write_lines(1);
    tick();
    assert_each_once();
    assert_int_equal(d.others, 0);
}

static void test_long_line_is_cut_out(void **state)
{
    enum { LONG = 3 * TAIL_TURN_BYTES + 17 };
    char *bytes = xmalloc(LONG);

    (void)state;
    memset(bytes, 'x', LONG);
    begin_with(1);
    append_bytes(d.held, bytes, LONG);
    tick();
    assert_int_equal(tail_offset(d.tail, d.readings[0].id), 7); /* a restart reads it again */
    assert_int_equal(d.cut, 0);
    append(d.held, "\n");
    write_lines(1);
    tick();
    assert_int_equal(d.cut, 1);
    assert_int_equal(d.others, 0);
    assert_each_once();
    free(bytes);
}

static void test_nuls_are_passed_over(void **state)
{
    enum { HOLE = TAIL_TURN_BYTES + 5 };
    char *bytes = xcalloc(1, HOLE);

    (void)state;
    begin_with(1);
    append_bytes(d.held, bytes, HOLE);
    tick();
    assert_int_equal(tail_offset(d.tail, d.readings[0].id), 7);
    write_lines(1);
    tick();
    assert_int_equal(d.cut, 0);
    assert_each_once();
    free(bytes);
}

static void test_known_without_newline(void **state)
{
    (void)state;
    create();
    reopen();
    append(d.held, "line 0");
    d.next_line = 1;
    know("line 0", 6); /* an import took it as it was */
    d.counted[0] = 1;
    append(d.held, "\n");
    write_lines(1);
    tick();
    assert_int_equal(d.cut, 0);
    assert_each_once();
}

static void test_known_cut_in_a_line(void **state)
{
    (void)state;
    create();
    reopen();
    append(d.held, "line 0");
    know("line 0", 6);
    d.counted[0] = 1;
    d.next_line = 1;
    append(d.held, " and more");
    tick();
    append(d.held, "\n");
    write_lines(1);
    tick();
    assert_int_equal(d.cut, 1);
    assert_each_once();
}

static void test_failed_read_is_tried_again(void **state)
{
    struct tail_lines lines;
    struct tail_todo todo;

    (void)state;
    begin_with(1);
    write_lines(1);
    look();
    todo = tail_next(d.tail);
    assert_int_equal(todo.kind, TAIL_READ);
    tail_took(d.tail, todo.file, "", 0, true, &lines);
    assert_int_equal(tail_next(d.tail).kind, TAIL_REST);
    tick();
    assert_each_once();
}

/* ---- everything, at random ---- */

static uint32_t random_state;

static unsigned rnd(unsigned n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}

static void anything(void)
{
    switch (rnd(d.partial ? 4 : 13)) {
    case 0: tick(); break;
    case 1: rnd(2) ? tick() : let_answer(); break;
    case 2: rnd(2) ? commit() : let_answer(); break;
    case 3:
        if (d.partial) {
            append(d.held, "\n");
            d.next_line++;
        } else {
            write_lines(rnd(40));
        }
        d.partial = false;
        break;
    case 4:
    case 5: write_lines(rnd(4)); break;
    case 6: {
        char text[32];
        snprintf(text, sizeof text, "line %u", d.next_line);
        append(d.held, text);
        d.partial = true;
        break;
    }
    case 7: rotate(); break;
    case 8: /* the writer holds on for a moment */
        shift_names();
        create();
        write_lines(rnd(3));
        reopen();
        break;
    case 9:
        if (d.loses && rnd(2)) {
            truncate_without_copy();
            break;
        }
        copy();
        if (!d.copies || rnd(2))
            truncate_path();
        break;
    case 10:
        if (rnd(3) == 0)
            kill_and_start();
        let_answer();
        break;
    case 11:
        if (!d.copies) /* else a copy and the packed original may come between two looks */
            compress(1 + (int)rnd(3));
        break;
    default: tick(); break;
    }
}

static void test_anything(void **state)
{
    const char *first = getenv("SEED"), *seeds = getenv("SEEDS"); /* for a long run */
    uint32_t from = first ? (uint32_t)atoi(first) : 1, n = seeds ? (uint32_t)atoi(seeds) : 300;

    for (uint32_t seed = from; seed < from + n; seed++) {
        end(state);
        begin(state);
        random_state = seed;
        begin_with(1);
        d.answers_later = rnd(4) > 0;
        d.appends = rnd(3) > 0;
        d.packs_seconds = rnd(2);
        d.copies = rnd(4) == 0;
        d.loses = !d.copies && rnd(3) == 0;
        int kept = d.loses ? (int)rnd(4) + 1 : NAMES;
        for (int i = 0; i < 400 && d.names[TAIL_OLDER_MAX - 2] < 0;
             i++) { /* as far as is searched */
            anything();
            delete_older_than(kept);
        }
        write_lines(1);
        tick();
        for (int i = 0; i < 1000 && !(tail_rests(d.tail) && d.verdict_count == 0); i++) {
            let_answer();
            tick();
        }
        if (getenv("SEED"))
            print_message("seed %u\n", seed);
        assert_each_once();
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(test_follows),
        CASE(test_partial_line_waits),
        CASE(test_comes_later),
        CASE(test_rename_rotation),
        CASE(test_two_rotations_in_a_tick),
        CASE(test_late_writer_of_the_old_file),
        CASE(test_last_line_of_a_rotated_file),
        CASE(test_old_file_stays_while_the_new_one_is_empty),
        CASE(test_deleted),
        CASE(test_renamed_back),
        CASE(test_truncated),
        CASE(test_truncated_and_regrown),
        CASE(test_copytruncate),
        CASE(test_emptied_before_it_was_read),
        CASE(test_copied_over),
        CASE(test_rotated_while_down),
        CASE(test_rotated_and_packed_while_down),
        CASE(test_packed_while_it_is_read),
        CASE(test_packed_log_longer_than_a_turn),
        CASE(test_packed_and_damaged),
        CASE(test_copy_beside_the_rotated_file),
        CASE(test_copytruncate_under_a_writer_that_does_not_append),
        CASE(test_truncated_with_a_hole_before_and_after),
        CASE(test_rotated_while_the_search_waits),
        CASE(test_copied_and_not_emptied),
        CASE(test_inode_used_again),
        CASE(test_started_within_a_rotation),
        CASE(test_path_missing_at_start),
        CASE(test_rest_of_the_older_file),
        CASE(test_backlog_is_left_alone),
        CASE(test_truncated_and_rotated_while_down),
        CASE(test_long_line_is_cut_out),
        CASE(test_nuls_are_passed_over),
        CASE(test_known_without_newline),
        CASE(test_known_cut_in_a_line),
        CASE(test_failed_read_is_tried_again),
        CASE(test_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

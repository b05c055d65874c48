#include "input/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hash.h"

enum { SEED = 0x5ca9, FIRST_MARK = 2 * HEAD_BYTES, PACKED_READ_BYTES = 64 * 1024 };

/* `n` bytes at `offset`; 0, or a negative errno (-ENODATA: the file ends before). */
static int bytes_at(int fd, uint64_t offset, char *bytes, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, bytes + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        have += (size_t)got;
    }
    return 0;
}

/* Their hash; the same errors. */
static int hash_at(int fd, uint64_t offset, size_t n, uint64_t *out)
{
    char bytes[HEAD_BYTES];
    int rc = bytes_at(fd, offset, bytes, n);

    if (rc == 0)
        *out = hash_bytes(bytes, n, SEED);
    return rc;
}

static int hash_tail(int fd, uint64_t offset, uint64_t *out)
{
    size_t n = offset < TAIL_BYTES ? (size_t)offset : TAIL_BYTES;
    return hash_at(fd, offset - n, n, out);
}

void identity_stamp_bytes(struct position *p, struct str head, struct str tail)
{
    p->head_len = (uint32_t)head.n;
    p->head_hash = hash_bytes(head.p, head.n, SEED);
    p->tail_hash = hash_bytes(tail.p, tail.n, SEED);
}

int identity_stamp(int fd, struct position *p)
{
    p->head_len = p->offset < HEAD_BYTES ? (uint32_t)p->offset : HEAD_BYTES;
    int rc = hash_at(fd, 0, p->head_len, &p->head_hash);
    return rc < 0 ? rc : hash_tail(fd, p->offset, &p->tail_hash);
}

int identity_mark(int fd, struct position *p, uint64_t from)
{
    int rc = 0;

    p->mark_count = 0;
    for (uint64_t at = FIRST_MARK; rc == 0 && at <= p->offset && p->mark_count < MARKS_MAX;
         at *= 2) {
        if (at <= from)
            continue;
        struct position_mark *mark = &p->marks[p->mark_count++];
        mark->offset = at;
        rc = hash_tail(fd, at, &mark->tail_hash);
    }
    return rc;
}

struct search {
    struct store *store;
    int fd;
    uint64_t size;
    struct position best;
    bool found;
};

/* The head of a position and this file's agree. */
static bool same_head(const struct search *x, const struct position *p)
{
    uint64_t head;
    return p->head_len > 0 && p->head_len <= x->size &&
           hash_at(x->fd, 0, p->head_len, &head) == 0 && head == p->head_hash;
}

/* NULs tell nothing: they begin each log that was truncated under a writer that doesn't append. */
static bool is_hole(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool is_hole_at(int fd, uint64_t offset, size_t n)
{
    char bytes[HEAD_BYTES];
    return bytes_at(fd, offset, bytes, n) == 0 && is_hole(bytes, n);
}

static bool same_tail(const struct search *x, uint64_t offset, uint64_t expected)
{
    uint64_t tail;
    return hash_tail(x->fd, offset, &tail) == 0 && tail == expected;
}

/* A file shorter than what was taken in is a copy of it if it agrees at the last mark within its
 * size, too. */
static int same_shorter(const struct search *x, const struct position *p)
{
    uint64_t mark = 0, tail;

    int rc = store_position_mark(x->store, p->id, x->size, &mark, &tail);
    if (rc == -ENOENT)
        return !is_hole_at(x->fd, 0, p->head_len);
    size_t n = mark < TAIL_BYTES ? (size_t)mark : TAIL_BYTES;
    return rc < 0 ? rc : same_tail(x, mark, tail) && !is_hole_at(x->fd, mark - n, n);
}

/* The largest offset comes first, and the first that agrees is it. */
static int consider(void *ctx, const struct position *p)
{
    struct search *x = ctx;

    if (!same_head(x, p))
        return 0;
    int rc = p->offset <= x->size ? same_tail(x, p->offset, p->tail_hash) : same_shorter(x, p);
    if (rc > 0) {
        x->best = *p;
        x->best.path = NULL;
        x->found = true;
    }
    return rc;
}

bool identity_may_be(const struct position *p, struct str head)
{
    return p->head_len > head.n || hash_bytes(head.p, p->head_len, SEED) == p->head_hash;
}

int identity_find(struct store *s, int fd, uint64_t size, const char *sensor, struct position *p)
{
    struct search x = {.store = s, .fd = fd, .size = size};
    char name[SENSOR_NAME_MAX]; /* as it was stored */

    snprintf(name, sizeof name, "%s", sensor);
    int rc = size ? store_read_positions(s, name, consider, &x) : 0;
    if (rc < 0)
        return rc;
    *p = (struct position){.first_when = INT64_MAX, .last_when = INT64_MIN};
    if (x.found) {
        *p = x.best;
        p->offset = p->offset > size ? size : p->offset;
    }
    memcpy(p->sensor, name, sizeof name);
    return x.found;
}

/* ---- read in order ---- */

int identity_run_at(struct identity_run *run, int fd, uint64_t offset)
{
    *run = (struct identity_run){.offset = offset,
                                 .head_n = offset < HEAD_BYTES ? (size_t)offset : HEAD_BYTES,
                                 .tail_n = offset < TAIL_BYTES ? (size_t)offset : TAIL_BYTES};
    int rc = bytes_at(fd, 0, run->head, run->head_n);
    return rc < 0 ? rc : bytes_at(fd, offset - run->tail_n, run->tail, run->tail_n);
}

static void feed(struct identity_run *run, const char *bytes, size_t n)
{
    size_t head = HEAD_BYTES - run->head_n < n ? HEAD_BYTES - run->head_n : n;

    memcpy(run->head + run->head_n, bytes, head);
    run->head_n += head;
    size_t part = n < TAIL_BYTES ? n : TAIL_BYTES;
    size_t keep = run->tail_n + part > TAIL_BYTES ? TAIL_BYTES - part : run->tail_n;
    memmove(run->tail, run->tail + run->tail_n - keep, keep);
    memcpy(run->tail + keep, bytes + n - part, part);
    run->tail_n = keep + part;
    run->offset += n;
}

static uint64_t run_tail(const struct identity_run *run)
{
    return hash_bytes(run->tail, run->tail_n, SEED);
}

void identity_run_feed(struct identity_run *run, struct str bytes, struct position_mark *marks,
                       size_t *mark_count)
{
    uint64_t mark = FIRST_MARK, end = run->offset + bytes.n;

    while (mark <= run->offset)
        mark *= 2;
    for (; marks && mark <= end && *mark_count < MARKS_MAX; mark *= 2) {
        size_t n = (size_t)(mark - run->offset);
        feed(run, bytes.p, n);
        bytes = str_skip(bytes, n);
        marks[(*mark_count)++] = (struct position_mark){mark, run_tail(run)};
    }
    if (bytes.n > 0)
        feed(run, bytes.p, bytes.n);
}

void identity_run_stamp(const struct identity_run *run, struct position *p)
{
    p->offset = run->offset;
    identity_stamp_bytes(p, (struct str){run->head, run->head_n},
                         (struct str){run->tail, run->tail_n});
}

/* Somebody's position with the head of the log. */
struct candidate {
    struct position position;
    bool agrees; /* at the last mark that was reached, or there was none */
};

/* A place at which the log is held against a candidate: one of its marks, or its end. */
struct checkpoint {
    uint64_t offset, tail_hash;
    size_t candidate;
    bool is_end;
};

struct in_order {
    struct store *store;
    const struct identity_run *head;
    struct candidate *candidates; /* the largest offset first */
    size_t n;
    struct checkpoint *points;
    size_t point_count;
};

static void add_point(struct in_order *x, struct checkpoint point)
{
    x->points = xrealloc(x->points, x->point_count + 1, sizeof *x->points);
    x->points[x->point_count++] = point;
}

static int add_candidate(void *ctx, const struct position *p)
{
    struct in_order *x = ctx;

    if (p->head_len == 0 || p->head_len > x->head->head_n ||
        !identity_may_be(p, (struct str){x->head->head, x->head->head_n}))
        return 0;
    x->candidates = xrealloc(x->candidates, x->n + 1, sizeof *x->candidates);
    x->candidates[x->n] = (struct candidate){*p, !is_hole(x->head->head, p->head_len)};
    x->candidates[x->n].position.path = NULL;
    add_point(x, (struct checkpoint){p->offset, p->tail_hash, x->n, true});
    struct checkpoint mark = {.offset = p->offset, .candidate = x->n++};
    int rc = 0;
    while (rc == 0 && mark.offset > 0) {
        rc = store_position_mark(x->store, p->id, mark.offset - 1, &mark.offset, &mark.tail_hash);
        if (rc == 0)
            add_point(x, mark);
    }
    return rc == -ENOENT ? 0 : rc;
}

static int by_offset(const void *a, const void *b)
{
    const struct checkpoint *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Reads on to the offset: whether the log reaches it. */
static bool run_to(struct packed *packed, uint64_t offset, struct identity_run *run, char *buffer)
{
    while (run->offset < offset) {
        uint64_t left = offset - run->offset;
        ssize_t got = packed_read(packed, buffer,
                                  left < PACKED_READ_BYTES ? (size_t)left : PACKED_READ_BYTES);
        if (got <= 0)
            return false;
        feed(run, buffer, (size_t)got);
    }
    return true;
}

/* The candidate that the log is; NULL: none. */
static const struct candidate *judge(struct in_order *x, struct packed *packed, char *buffer,
                                     struct identity_run *run, struct identity_run *at)
{
    const struct candidate *found = NULL;

    qsort(x->points, x->point_count, sizeof *x->points, by_offset);
    for (size_t i = 0; i < x->point_count; i++) {
        const struct checkpoint *point = &x->points[i];
        struct candidate *c = &x->candidates[point->candidate];
        if (point->offset < run->offset) { /* within the head, which agrees */
            if (point->is_end) {
                found = c;
                *at = (struct identity_run){0};
                feed(at, run->head, (size_t)point->offset);
            }
            continue;
        }
        if (!run_to(packed, point->offset, run, buffer)) {
            /* It ends here: a copy, shorter than what was taken in. */
            for (size_t k = 0; k < x->n; k++)
                if (x->candidates[k].position.offset > run->offset && x->candidates[k].agrees) {
                    *at = *run;
                    return &x->candidates[k];
                }
            break;
        }
        bool same = run_tail(run) == point->tail_hash;
        c->agrees = same && !is_hole(run->tail, run->tail_n);
        if (point->is_end && same) {
            found = c;
            *at = *run;
        }
    }
    return found;
}

int identity_find_packed(struct store *s, struct packed *packed, const char *sensor,
                         struct position *p, struct identity_run *at)
{
    struct identity_run head = {0}, *run = xcalloc(1, sizeof *run);
    char *buffer = xmalloc(PACKED_READ_BYTES);
    char name[SENSOR_NAME_MAX]; /* as it was stored */
    struct in_order x = {.store = s, .head = &head};

    snprintf(name, sizeof name, "%s", sensor);
    *at = (struct identity_run){0};
    *p = (struct position){.first_when = INT64_MAX, .last_when = INT64_MIN};
    run_to(packed, HEAD_BYTES, &head, buffer);
    *run = head;
    int rc = head.head_n ? store_read_positions(s, name, add_candidate, &x) : 0;
    const struct candidate *found = rc == 0 && x.n > 0 ? judge(&x, packed, buffer, run, at) : NULL;
    if (found) {
        *p = found->position;
        p->offset = at->offset;
    }
    memcpy(p->sensor, name, sizeof name);
    free(x.candidates);
    free(x.points);
    free(buffer);
    free(run);
    return rc < 0 ? rc : found != NULL;
}

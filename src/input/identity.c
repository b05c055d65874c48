#include "input/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

enum { SEED = 0x5ca9, FIRST_MARK = 2 * HEAD_BYTES };

/* The hash of `n` bytes at `offset`; 0, or a negative errno (-ENODATA: the file ends before). */
static int hash_at(int fd, uint64_t offset, size_t n, uint64_t *out)
{
    char bytes[HEAD_BYTES];
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, bytes + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        have += (size_t)got;
    }
    *out = hash_bytes(bytes, n, SEED);
    return 0;
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

static bool same_tail(const struct search *x, uint64_t offset, uint64_t expected)
{
    uint64_t tail;
    return hash_tail(x->fd, offset, &tail) == 0 && tail == expected;
}

/* A file shorter than what was taken in is a copy of it if it agrees at the last mark within its
 * size, too. */
static int same_shorter(const struct search *x, const struct position *p)
{
    uint64_t mark, tail;

    int rc = store_position_mark(x->store, p->id, x->size, &mark, &tail);
    return rc == -ENOENT ? 1 : rc < 0 ? rc : same_tail(x, mark, tail);
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

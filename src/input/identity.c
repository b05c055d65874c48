#include "input/identity.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"

enum { SEED = 0x5ca9 };

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

int identity_stamp(int fd, struct position *p)
{
    p->head_len = p->offset < HEAD_BYTES ? (uint32_t)p->offset : HEAD_BYTES;
    int rc = hash_at(fd, 0, p->head_len, &p->head_hash);
    return rc < 0 ? rc : hash_tail(fd, p->offset, &p->tail_hash);
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

static int consider(void *ctx, const struct position *p)
{
    struct search *x = ctx;

    if (!same_head(x, p))
        return 0;
    if (p->offset <= x->size ? same_tail(x, p->offset, p->tail_hash) : p->head_len == HEAD_BYTES) {
        x->best = *p;
        x->best.path = NULL;
        x->found = true;
        return 1; /* the largest offset comes first */
    }
    return 0;
}

/* A file shorter than what was taken in is a copy of it if it agrees at the last offset kept within
 * its size, too. */
static bool confirm_shorter(struct search *x)
{
    uint64_t mark, tail;
    int rc = store_position_mark(x->store, x->best.id, x->size, &mark, &tail);
    return rc == -ENOENT || (rc == 0 && same_tail(x, mark, tail));
}

int identity_find(struct store *s, int fd, uint64_t size, const char *sensor, struct position *p)
{
    struct search x = {.store = s, .fd = fd, .size = size};
    int rc = size ? store_read_positions(s, sensor, consider, &x) : 0;

    if (rc < 0)
        return rc;
    if (x.found && x.best.offset > size && !confirm_shorter(&x))
        x.found = false;
    *p = (struct position){0};
    if (x.found) {
        *p = x.best;
        p->offset = p->offset > size ? size : p->offset;
    }
    snprintf(p->sensor, sizeof p->sensor, "%s", sensor);
    return x.found;
}

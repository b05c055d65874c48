#include "input/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

struct blocks {
    blocks_read_cb read;
    void *ctx;
    uint64_t offset; /* of the first byte not yet given out */
    char *carry;     /* the beginning of a line whose end hasn't been read */
    size_t carry_n;
    bool skipping; /* inside a line that is cut out */
    bool joining;  /* the log went on where it had ended without a newline */
    bool is_whole;
    bool at_end;
    int error; /* of reading; whole lines before it are given first */
};

void block_fini(struct block *b)
{
    free(b->buffer);
    *b = (struct block){0};
}

ssize_t blocks_read_fd(void *ctx, char *buffer, size_t n)
{
    ssize_t got;

    do
        got = read(*(const int *)ctx, buffer, n);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

struct blocks *blocks_new(blocks_read_cb read, void *ctx, uint64_t offset, bool at_line,
                          bool is_whole)
{
    struct blocks *r = xcalloc(1, sizeof *r);

    *r = (struct blocks){.read = read, .ctx = ctx, .offset = offset, .is_whole = is_whole};
    r->carry = xmalloc(BLOCK_BYTES);
    r->skipping = r->joining = !at_line;
    return r;
}

void blocks_free(struct blocks *r)
{
    if (!r)
        return;
    free(r->carry);
    free(r);
}

/* Fills the buffer with what can be read; the number of bytes now in it. */
static size_t fill(struct blocks *r, char *buffer, size_t n)
{
    while (n < BLOCK_BYTES && !r->at_end) {
        ssize_t got = r->read(r->ctx, buffer + n, BLOCK_BYTES - n);
        r->at_end = got <= 0;
        if (got < 0)
            r->error = (int)got;
        else
            n += (size_t)got;
    }
    return n;
}

/* NULs before a line: what copytruncate leaves under a writer that doesn't append. */
static size_t skip_hole(const char *bytes, size_t n)
{
    size_t at = 0;

    while (at < n && bytes[at] == 0)
        at++;
    return at;
}

/* Leaves out what belongs to a line that is being cut out; the number of bytes. */
static size_t skip_cut_line(struct blocks *r, struct block *out, size_t n)
{
    const char *newline = memchr(out->buffer, '\n', n);
    size_t skipped = newline ? (size_t)(newline - out->buffer) + 1 : n;

    /* What had ended without a newline has got it now: nothing was cut. */
    if (r->joining && !(newline && skipped == 1))
        out->cut++;
    r->joining = false;
    r->skipping = !newline;
    return skipped;
}

int blocks_next(struct blocks *r, struct block *out)
{
    if (!out->buffer)
        out->buffer = xmalloc(BLOCK_BYTES);
    out->cut = 0;
    out->lines = (struct str){out->buffer, 0};
    out->from = r->offset;
    memcpy(out->buffer, r->carry, r->carry_n);
    size_t n = fill(r, out->buffer, r->carry_n);
    bool whole = r->at_end && r->is_whole && r->error == 0;
    size_t skipped = r->skipping && n > 0 ? skip_cut_line(r, out, n) : skip_hole(out->buffer, n);
    const char *last =
        whole && n > 0 ? out->buffer + n - 1 : memrchr(out->buffer + skipped, '\n', n - skipped);
    size_t end = last ? (size_t)(last - out->buffer) + 1 : skipped;
    if (end == 0 && n == BLOCK_BYTES) { /* a block full of one line */
        out->cut++;
        r->skipping = true;
        end = skipped = n;
    }
    r->carry_n = n - end;
    memcpy(r->carry, out->buffer + end, r->carry_n);
    out->lines = (struct str){out->buffer + skipped, end - skipped};
    r->offset += end;
    out->to = r->offset;
    return end > 0 ? 1 : r->error;
}

size_t blocks_left(const struct blocks *r)
{
    return r->carry_n;
}

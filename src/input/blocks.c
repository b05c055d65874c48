#include "input/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

struct blocks {
    int fd;
    uint64_t offset; /* of the first byte not yet given out */
    char *carry;     /* the beginning of a line whose end hasn't been read */
    size_t carry_n;
    bool skipping; /* inside a line that is cut out */
    bool joining;  /* the log went on where it had ended without a newline */
    bool at_end;
};

void block_fini(struct block *b)
{
    free(b->buffer);
    *b = (struct block){0};
}

struct blocks *blocks_new(int fd, uint64_t offset, bool at_line)
{
    struct blocks *r = xcalloc(1, sizeof *r);

    r->fd = fd;
    r->offset = offset;
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

/* Fills the buffer from the descriptor; the number of bytes now in it, or a negative errno. */
static ssize_t fill(struct blocks *r, char *buffer, size_t n)
{
    while (n < BLOCK_BYTES) {
        ssize_t got = read(r->fd, buffer + n, BLOCK_BYTES - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0) {
            r->at_end = true;
            break;
        }
        n += (size_t)got;
    }
    return (ssize_t)n;
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
    ssize_t got = fill(r, out->buffer, r->carry_n);
    if (got < 0)
        return (int)got;
    size_t n = (size_t)got, skipped = 0;
    r->carry_n = 0;
    if (n == 0)
        return 0;
    if (r->skipping)
        skipped = skip_cut_line(r, out, n);
    const char *last =
        r->at_end ? out->buffer + n - 1 : memrchr(out->buffer + skipped, '\n', n - skipped);
    size_t end = last ? (size_t)(last - out->buffer) + 1 : skipped;
    if (end == 0) { /* a block full of one line */
        out->cut++;
        r->skipping = true;
        end = skipped = n;
    }
    r->carry_n = n - end;
    memcpy(r->carry, out->buffer + end, r->carry_n);
    out->lines = (struct str){out->buffer + skipped, end - skipped};
    r->offset += end;
    out->to = r->offset;
    return 1;
}

/* blocks.h - a log read as blocks of whole lines.
 *
 * Knows reading and newlines, nothing of what the lines say. A block never ends inside a line, but
 * at the end of a log that won't grow: then its last line is taken as it is. A line that doesn't fit
 * a block is cut out and counted; NULs where a line would begin are passed over. One thread at a
 * time. */
#ifndef SCANTIDE_INPUT_BLOCKS_H
#define SCANTIDE_INPUT_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum { BLOCK_BYTES = 1 << 20 };

/* Gives the next bytes of a log: how many, 0 at its end, or a negative errno. */
typedef ssize_t (*blocks_read_cb)(void *ctx, char *buffer, size_t n);

/* The same of a descriptor (`ctx`: a pointer to it), from its position on. */
ssize_t blocks_read_fd(void *ctx, char *buffer, size_t n);

/* Storage of a block; zero-initialised is empty, it grows to BLOCK_BYTES. */
struct block {
    char *buffer;      /* the bytes `from` to `to` */
    struct str lines;  /* whole lines, newlines included */
    uint64_t from, to; /* bytes of the log */
    unsigned cut;      /* lines left out since they were longer than a block */
};

void block_fini(struct block *b);

struct blocks;

/* Reads a log, whose next bytes are those at `offset`, until its end. `at_line`: the offset is the
 * start of a line; otherwise the rest of the line before is skipped, and counted in `cut` unless it
 * is empty. `is_whole`: the log won't grow, so its last line is one even without a newline. */
struct blocks *blocks_new(blocks_read_cb read, void *ctx, uint64_t offset, bool at_line,
                          bool is_whole);
void blocks_free(struct blocks *r);

/* The next block, of at least one byte: 1, 0 at the end, or the reading's negative errno, once the
 * whole lines before it were given. */
int blocks_next(struct blocks *r, struct block *out);

/* At the end: bytes of an unfinished last line, which no block has. */
size_t blocks_left(const struct blocks *r);

#endif

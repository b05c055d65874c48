/* blocks.h - a log read as blocks of whole lines.
 *
 * Knows reading and newlines, nothing of what the lines say. A block never ends inside a line, but
 * at the end of the log: then its last line is taken as it is. A line that doesn't fit a block is
 * cut out and counted. One thread at a time. */
#ifndef SCANTIDE_INPUT_BLOCKS_H
#define SCANTIDE_INPUT_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { BLOCK_BYTES = 1 << 20 };

/* Storage of a block; zero-initialised is empty, it grows to BLOCK_BYTES. */
struct block {
    char *buffer;
    struct str lines;  /* whole lines, newlines included */
    uint64_t from, to; /* bytes of the log */
    unsigned cut;      /* lines left out since they were longer than a block */
};

void block_fini(struct block *b);

struct blocks;

/* Reads `fd` (whose position is at `offset`) until its end; the descriptor stays the caller's.
 * `at_line`: the offset is the start of a line; otherwise the rest of the line before is skipped,
 * and counted in `cut` unless it is empty. */
struct blocks *blocks_new(int fd, uint64_t offset, bool at_line);
void blocks_free(struct blocks *r);

/* The next block, of at least one byte: 1, 0 at the end, or a negative errno. */
int blocks_next(struct blocks *r, struct block *out);

#endif

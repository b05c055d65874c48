/* loss.h - when lines were lost: what a tally keeps of lines that could not be taken in (too long,
 * broken).
 *
 * A lost line may have no time of its own, so it counts at that of the last line that had one.
 * Those at a block's beginning don't know it yet; whoever has the blocks in their order does. So
 * it makes no difference how lines were cut into blocks. Pure.
 *
 *     losses_add(tally_losses(t), 1, &reader.clock);            while a block is read
 *     losses_settle(tally_losses(t), before, otherwise);        blocks in their order */
#ifndef SCANTIDE_TALLY_LOSS_H
#define SCANTIDE_TALLY_LOSS_H

#include <stddef.h>

#include "parse/clock.h"

struct loss {
    int64_t from, to; /* both inclusive */
    uint64_t lines;
};

/* Zero-initialised there are none; those that are near each other are one. */
struct losses {
    struct loss *list;
    size_t n, cap;
    uint64_t early; /* lines before any that has a time */
};

/* `clock`: as it stands behind the lines; NULL: they have none, and count as early. */
void losses_add(struct losses *x, uint64_t lines, const struct clock *clock);

/* `before`: when the last line with a time before the block was, and `otherwise`: when to say where
 * that isn't known; INT64_MIN: none. Lines for which there is no time at all are no part of the
 * facts; they are counted with the others. */
void losses_settle(struct losses *x, int64_t before, int64_t otherwise);

void losses_join(struct losses *x, const struct losses *more);

/* None again; keeps its memory. */
void losses_clear(struct losses *x);
void losses_fini(struct losses *x);

#endif

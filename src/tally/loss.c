#include "tally/loss.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/facts.h"

enum { LOSSES_MAX = 256 }; /* then the last takes all */

static bool is_near(const struct loss *a, const struct loss *b)
{
    return a->from <= b->to + BIN_S && b->from <= a->to + BIN_S;
}

static void put(struct losses *x, const struct loss *l)
{
    struct loss *last = x->n ? &x->list[x->n - 1] : NULL;

    if (last && (is_near(last, l) || x->n == LOSSES_MAX)) {
        last->from = l->from < last->from ? l->from : last->from;
        last->to = l->to > last->to ? l->to : last->to;
        last->lines += l->lines;
        return;
    }
    if (x->n == x->cap)
        x->list = xrealloc(x->list, x->cap = x->cap * 2 + 4, sizeof *x->list);
    x->list[x->n++] = *l;
}

/* False: no year that a fact can hold. */
static bool put_at(struct losses *x, int64_t when, uint64_t lines)
{
    if (when < 0 || when > UINT32_MAX)
        return false;
    put(x, &(struct loss){when, when, lines});
    return true;
}

void losses_add(struct losses *x, uint64_t lines, const struct clock *clock)
{
    if (lines && !(clock && clock->settled && put_at(x, clock->before, lines)))
        x->early += lines;
}

void losses_settle(struct losses *x, int64_t before, int64_t otherwise)
{
    if (x->early && !put_at(x, before, x->early))
        put_at(x, otherwise, x->early);
    x->early = 0;
}

void losses_join(struct losses *x, const struct losses *more)
{
    for (size_t i = 0; i < more->n; i++)
        put(x, &more->list[i]);
    x->early += more->early;
}

void losses_clear(struct losses *x)
{
    x->n = 0;
    x->early = 0;
}

void losses_fini(struct losses *x)
{
    free(x->list);
    *x = (struct losses){0};
}

#include "pipeline/upkeep.h"

#include <errno.h>

enum { DAY_S = 24 * HOUR_S };

static int failed(struct store *s, const char *what, struct error *err)
{
    error_add(err, NULL, 0, 0, "the facts can't be %s (%s)", what, store_error(s));
    return -EIO;
}

int upkeep_slice(struct upkeep *u, struct store *s, int64_t now, size_t bytes, bool *more,
                 struct error *err)
{
    int64_t day = now / DAY_S;

    *more = false;
    if (store_fold_slice(s, now - UPKEEP_FOLD_AFTER_S, bytes, more) < 0)
        return failed(s, "folded", err);
    if (*more || day == u->thinned_day)
        return 0;
    if (store_thin_slice(s, now, bytes, more) < 0)
        return failed(s, "thinned", err);
    if (!*more)
        u->thinned_day = day;
    return 0;
}

int upkeep_all(struct upkeep *u, struct store *s, int64_t now, struct error *err)
{
    bool more;
    return upkeep_slice(u, s, now, SIZE_MAX, &more, err);
}

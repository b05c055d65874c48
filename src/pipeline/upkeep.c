#include "pipeline/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/usage.h"
#include "base/zone.h"

enum {
    DAY_S = 24 * HOUR_S,
    PAIRS_IDLE_S = 3 * DAY_S,
    ROOM_PARTS = 20 /* where there is too much, one part of so many is made free */
};

static int failed(struct store *s, const char *what, struct error *err)
{
    error_add(err, NULL, 0, 0, "the facts can't be %s (%s)", what, store_error(s));
    return -EIO;
}

/* ---- room ---- */

/* The write-ahead log comes and goes, and isn't counted. */
struct room {
    uint64_t size, unused; /* of the folder, and what of it facts.db has free */
    uint64_t used, goal;   /* facts' pages in use, and how much of them leaves a part to spare */
};

static uint64_t log_bytes(const struct upkeep *u)
{
    char *path = xasprintf("%s/facts.db-wal", u->data);
    struct stat st;
    uint64_t bytes = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;

    free(path);
    return bytes;
}

/* The files of pairs that go soon are gone already. */
static int look(const struct upkeep *u, struct store *s, struct room *out)
{
    struct usage usage = usage_of(u->data, "pair");
    uint64_t log = log_bytes(u), size = usage.bytes > log ? usage.bytes - log : 0;
    uint64_t most = u->max_size - u->max_size / ROOM_PARTS;
    struct store_size facts;
    int rc = store_size(s, &facts);

    if (rc < 0)
        return rc;
    *out = (struct room){size, facts.unused, facts.used, 0};
    uint64_t rest = facts.used + facts.unused + (u->pairs ? usage.marked : 0);
    rest = size > rest ? size - rest : 0;
    out->goal = most > rest ? most - rest : 0;
    return 0;
}

static uint64_t in_use(const struct room *r)
{
    return r->size > r->unused ? r->size - r->unused : 0;
}

static void say_shed(struct upkeep *u)
{
    char was[SIZE_TEXT_MAX], most[SIZE_TEXT_MAX], text[4][TIME_TEXT_MAX + 80] = {{0}},
                                                                          when[TIME_TEXT_MAX];
    const struct zone *utc;

    ASSERT(zone_open("UTC", &utc) == 0);
    if (u->pairs)
        snprintf(text[0], sizeof text[0], "; %llu databases of pairs that were not drawn go",
                 (unsigned long long)u->pairs);
    if (u->shed.sources)
        snprintf(text[1], sizeof text[1], "; sources before %s were thinned",
                 time_format_local(utc, u->shed.sources - 1 + DAY_S, when));
    if (u->shed.bins)
        snprintf(text[2], sizeof text[2], "; 5 minutes before %s are hours now",
                 time_format_local(utc, u->shed.bins - 1 + HOUR_S, when));
    if (u->shed.all)
        snprintf(text[3], sizeof text[3], "; all before %s is gone",
                 time_format_local(utc, u->shed.all - 1 + DAY_S, when));
    free(u->said);
    u->said = xasprintf("the data folder had %s of the %s that max_size allows%s%s%s%s",
                        size_format(u->size, was), size_format(u->max_size, most), text[0], text[1],
                        text[2], text[3]);
}

static void say_short(struct upkeep *u, uint64_t size)
{
    char is[SIZE_TEXT_MAX], most[SIZE_TEXT_MAX];

    char *before = u->said;
    u->said =
        xasprintf("%s%sthe data folder has %s, and nothing is left that may go to keep it below "
                  "max_size (%s): allow more, or fewer databases (series: max_ports:)",
                  before ? before : "", before ? "; now " : "", size_format(size, is),
                  size_format(u->max_size, most));
    free(before);
    u->warned = true;
}

static int begin_shedding(struct upkeep *u, struct store *s, int64_t now, struct room *r)
{
    uint64_t all;

    u->shedding = true;
    u->size = in_use(r);
    u->shed = (struct store_shed){0};
    int rc = store_shed_pairs(s, now - PAIRS_IDLE_S, &u->pairs, &all);
    return rc < 0 ? rc : look(u, s, r);
}

static void end_shedding(struct upkeep *u, const struct room *r)
{
    u->shedding = false;
    if (u->pairs || u->shed.sources || u->shed.bins || u->shed.all)
        say_shed(u);
    if (in_use(r) <= u->max_size)
        u->warned = false;
    else if (!u->pairs && !u->warned)
        say_short(u, in_use(r));
    u->pairs = 0;
}

static int make_room(struct upkeep *u, struct store *s, int64_t now, size_t bytes, bool *more)
{
    struct room r = {0};
    int rc = u->max_size ? look(u, s, &r) : 0;

    *more = false;
    if (rc < 0 || (!u->shedding && in_use(&r) <= u->max_size && r.size <= u->max_size))
        return rc;
    if (!u->shedding && in_use(&r) > u->max_size)
        rc = begin_shedding(u, s, now, &r);
    if (rc == 0 && u->shedding && r.used > r.goal)
        rc = store_shed_slice(s, now, r.goal, bytes, &u->shed, more);
    if (rc == 0 && !*more && (rc = look(u, s, &r)) == 0 && u->compact && r.size > u->max_size &&
        r.unused > 0)
        rc = store_compact(s);
    if (rc == 0 && !*more && u->shedding)
        end_shedding(u, &r);
    return rc;
}

/* ---- all of it ---- */

int upkeep_slice(struct upkeep *u, struct store *s, int64_t now, size_t bytes, bool *more,
                 struct error *err)
{
    int64_t day = now / DAY_S;

    *more = false;
    if (store_fold_slice(s, now - UPKEEP_FOLD_AFTER_S, bytes, more) < 0)
        return failed(s, "folded", err);
    if (*more || day == u->thinned_day)
        return 0;
    if (!u->thinned && store_thin_slice(s, now, bytes, more) < 0)
        return failed(s, "thinned", err);
    u->thinned = !*more;
    if (u->thinned && make_room(u, s, now, bytes, more) < 0)
        return failed(s, "kept below max_size", err);
    if (!*more) {
        u->thinned_day = day;
        u->thinned = false;
    }
    return 0;
}

int upkeep_all(struct upkeep *u, struct store *s, int64_t now, struct error *err)
{
    bool more = true;
    int rc = 0;

    while (rc == 0 && more)
        rc = upkeep_slice(u, s, now, SIZE_MAX, &more, err);
    return rc;
}

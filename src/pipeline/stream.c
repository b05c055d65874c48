#include "pipeline/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/gap.h"

enum { EXPAND_LINES = 50000 }; /* between two commits: worth the flat table of countries */

struct stream *stream_new(const char *name, struct geo *geo)
{
    struct stream *s = xcalloc(1, sizeof *s);

    *s = (struct stream){
        .name = xstrdup(name), .geo = geo, .heard = INT64_MIN, .last_line = INT64_MIN};
    s->tally = tally_new();
    s->state.is_stream = true;
    s->state.stream = s->name;
    stream_blind(s);
    return s;
}

static void end(struct stream *s)
{
    tally_free(s->tally);
    free(s->name);
    free(s);
}

void stream_free(struct stream *s)
{
    s->ended = true;
    if (!s->in_batch)
        end(s);
}

void stream_set_geo(struct stream *s, struct geo *geo)
{
    s->geo = geo;
}

void stream_leave_sensors(struct stream *s)
{
    ASSERT(!s->in_batch);
    s->left = s->changed;
    if (!s->left)
        s->state.sensor_count = 0;
}

void stream_blind(struct stream *s)
{
    s->state.position.first_when = INT64_MAX;
    s->state.watched_to = INT64_MIN;
}

void stream_watch_live(struct stream *s, int64_t now)
{
    s->live = true;
    s->state.position.first_when = now;
    s->state.watched_to = now;
}

/* From its first line on it is watched. */
static void watch(struct stream *s, int64_t from, int64_t to)
{
    struct log_state *state = &s->state;

    if (from < state->position.first_when)
        state->position.first_when = from;
    if (to > state->watched_to)
        state->watched_to = to;
}

void stream_take(struct stream *s, struct reader *r, struct str sensor, int64_t now,
                 struct str lines)
{
    struct intake in = {s->geo, sensor, now};
    struct counts counts = {0};
    struct intake_span span = {0};

    intake_lines(&in, r, lines, s->tally, &counts, &span, &s->samples);
    counts_add(&s->counts, &counts);
    counts_add(&s->since, &counts);
    if (s->since.lines > EXPAND_LINES)
        geo_expand(s->geo);
    s->changed = true;
    bool was_silent = stream_silent(s, now);
    s->heard = now;
    if (!span.any)
        return;
    if (was_silent)
        s->state.watched_from = s->live ? now : span.first;
    if (span.last > s->last_line)
        s->last_line = span.last;
    if (s->live)
        return;
    /* Nobody has watched what is yet to come. */
    watch(s, span.first < now ? span.first : now, span.last < now ? span.last : now);
}

void stream_lose(struct stream *s, uint64_t lines)
{
    struct counts counts = {.lines = lines, .by[OUTCOME_LOST] = lines};

    counts_add(&s->counts, &counts);
    counts_add(&s->since, &counts);
    losses_add(tally_losses(s->tally), lines, NULL);
    s->changed |= lines > 0;
}

static int put_absence(struct stream *s, struct store *store, int64_t now)
{
    struct stream_state state = {.watched_to = INT64_MIN};
    int rc = store_find_stream(store, s->name, &state);

    s->before = state;
    if (rc == -ENOENT || (rc == 0 && state.watched_to == INT64_MIN))
        return 0;
    struct gap g = {.reason = state.ended ? GAP_STOPPED : GAP_CRASHED,
                    .from = state.watched_to + 1,
                    .to = now - 1,
                    .input = s->name};
    return rc < 0 || g.from > g.to ? rc : store_put_gap(store, &g);
}

int stream_note_absence(struct stream *s, struct store *store, int64_t now)
{
    const struct stream_state state = {.watched_to = now};
    int rc = store_begin(store);

    if (rc < 0)
        return rc;
    rc = put_absence(s, store, now);
    if (rc == 0)
        rc = store_put_stream(store, s->name, &state);
    if (rc == 0)
        return store_commit(store);
    store_rollback(store);
    return rc;
}

int stream_take_back(const struct stream *s, struct store *store)
{
    return store_put_stream(store, s->name, &s->before);
}

void stream_stop(struct stream *s)
{
    s->state.ended = true;
    s->state.mark = true; /* nothing of it may be remembered when it goes on */
    s->changed = true;
}

bool stream_silent(const struct stream *s, int64_t now)
{
    return s->silence_s && s->heard != INT64_MIN && now - s->heard > s->silence_s;
}

size_t stream_records(const struct stream *s)
{
    return tally_records(s->tally);
}

static void stored(void *owner, const struct batch_part *part)
{
    struct stream *s = owner;

    s->in_batch = false;
    if (!part->stale)
        counts_add(&s->committed, &part->counts);
    for (size_t i = s->state.sensor_count; i < part->stored.sensor_count; i++)
        s->state.sensors[i] = part->stored.sensors[i]; /* only ever added to */
    s->state.sensor_count = s->left ? 0 : part->stored.sensor_count;
    s->left = false;
    if (s->ended)
        end(s);
}

void stream_swap(struct stream *s, int64_t now, bool watched, bool watch_too, struct batch *b)
{
    bool silent = stream_silent(s, now);
    bool grown =
        watched && !silent && s->state.position.first_when <= now && s->state.watched_to < now;

    if (s->heard == INT64_MIN)
        s->heard = now;
    if (silent) {
        s->state.silent_from = s->heard + 1;
        s->state.silent_to = now;
    }
    if (grown)
        s->state.watched_to = now;
    if (!s->changed && !((grown || silent) && watch_too))
        return;
    ASSERT(!s->in_batch);
    losses_settle(tally_losses(s->tally), now, INT64_MIN);
    struct batch_part *part = batch_add(b, &s->tally);
    part->state = s->state;
    part->state.position.path = s->name;
    part->counts = s->since;
    part->owner = s;
    part->done = stored;
    s->since = (struct counts){0};
    s->state.silent_to = 0;
    if (s->live)
        s->state.position.first_when = s->state.watched_to;
    s->changed = false;
    s->in_batch = true;
}

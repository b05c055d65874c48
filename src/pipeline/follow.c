#include "pipeline/follow.h"

#include <stdlib.h>

#include "base/check.h"
#include "input/identity.h"

void follow_log_init(struct follow_log *log, struct matcher *matcher, followed_told_cb told,
                     void *ctx)
{
    log->matcher = matcher;
    log->told = told;
    log->told_ctx = ctx;
    log->watched_to = log->last_event = log->heard = INT64_MIN;
}

void follow_log_set_matcher(struct follow_log *log, struct matcher *matcher)
{
    matcher_free(log->matcher);
    log->matcher = matcher;
    for (size_t i = 0; i < log->n; i++)
        log->files[i]->reader.matcher = log->matcher;
}

static void forget(struct followed *f)
{
    struct follow_log *log = f->owner;
    size_t i = 0;

    while (log->files[i] != f)
        i++;
    log->files[i] = log->files[--log->n];
    tally_free(f->tally);
    free(f);
}

void follow_log_reset(struct follow_log *log)
{
    while (log->n > 0) {
        ASSERT(!log->files[0]->in_commit);
        forget(log->files[0]);
    }
    log->counts = log->committed;
    log->stale = false;
}

void follow_log_fini(struct follow_log *log)
{
    while (log->n > 0)
        forget(log->files[0]);
    free(log->files);
    matcher_free(log->matcher);
}

struct followed *followed_new(struct follow_log *log, unsigned file, int fd, const char *name)
{
    struct followed *f = xcalloc(1, sizeof *f);

    *f = (struct followed){.owner = log, .file = file, .fd = fd, .name = name};
    f->tally = tally_new();
    log->files = xrealloc(log->files, log->n + 1, sizeof *log->files);
    log->files[log->n++] = f;
    return f;
}

struct followed *followed_find(const struct follow_log *log, unsigned file)
{
    for (size_t i = 0; i < log->n; i++)
        if (log->files[i]->file == file && !log->files[i]->ended)
            return log->files[i];
    ASSERT(false); /* no file of this log */
    return NULL;
}

void followed_end(struct followed *f)
{
    ASSERT(!f->asks);
    f->ended = true;
    f->fd = -1;
    f->name = NULL;
    if (!f->changed && !f->in_commit)
        forget(f);
}

static void join(struct unread *sum, const struct unread *more)
{
    if (!more || more->files == 0)
        return;
    unread_add(sum, more->bytes, more->from, more->to);
    sum->files += more->files - 1;
}

void followed_tell(struct followed *f, const struct unread *truncated, const struct unread *damaged)
{
    const struct follow_log *log = f->owner;

    join(&f->state.truncated, truncated);
    join(&f->state.damaged, damaged);
    f->state.unread_sensor = log->sensor_count == 1 ? log->sensors[0] : 0;
    f->changed = true;
}

/* ---- counting ---- */

static void add_sensors(uint16_t *list, size_t *n, const uint16_t *more, size_t more_n)
{
    for (size_t i = 0; i < more_n; i++) {
        size_t at = 0;
        while (at < *n && list[at] != more[i])
            at++;
        if (at == *n && *n <= SENSORS_MAX)
            list[(*n)++] = more[i];
    }
}

static void watch_log(struct follow_log *log, const struct followed *f)
{
    if (f->state.watched_to > log->watched_to)
        log->watched_to = f->state.watched_to;
    add_sensors(log->sensors, &log->sensor_count, f->state.sensors, f->state.sensor_count);
}

void followed_begin(struct followed *f, const struct batch_ask *ask)
{
    struct follow_log *log = f->owner;
    struct clock_rule rule = {log->zone, ask->mtime, 0};
    bool known = ask->answer == TAIL_KNOWN;

    f->begun = true;
    f->fresh = !known;
    f->state = ask->state;
    f->content = ask->content;
    f->begun_at = f->swapped = f->state.position.offset;
    f->state.watched_to = INT64_MIN;
    if (!known)
        f->state.position.first_when = INT64_MAX;
    else if (f->state.position.first_when != INT64_MAX)
        f->state.watched_to = f->state.position.last_when;
    reader_init(&f->reader, log->matcher, &rule, known ? f->state.position.last_when : INT64_MIN);
    if (known)
        watch_log(log, f);
}

/* A new file of a log that has been watched is watched from then on. */
static void inherit(struct followed *f)
{
    const struct follow_log *log = f->owner;

    f->fresh = false;
    if (log->watched_to == INT64_MIN)
        return;
    f->state.position.first_when = f->state.watched_to = log->watched_to;
    add_sensors(f->state.sensors, &f->state.sensor_count, log->sensors, log->sensor_count);
}

static void copy_content(struct content *c, struct str head, struct str tail)
{
    ASSERT(head.n <= HEAD_BYTES && tail.n <= TAIL_BYTES);
    memcpy(c->head, head.p, head.n);
    memcpy(c->tail, tail.p, tail.n);
    c->head_n = head.n;
    c->tail_n = tail.n;
}

void followed_take(struct followed *f, int64_t now, const struct tail_lines *lines, uint64_t offset,
                   struct str head, struct str tail)
{
    struct follow_log *log = f->owner;
    struct intake in = {log->geo, str_from(log->sensor), now};
    struct counts counts = {.lines = lines->cut, .by[OUTCOME_LOST] = lines->cut};
    struct intake_span span = {0};
    struct position *p = &f->state.position;

    if (f->fresh)
        inherit(f);
    losses_add(tally_losses(f->tally), lines->cut, &f->reader.clock);
    intake_lines(&in, &f->reader, lines->lines, f->tally, &counts, &span, &log->samples);
    losses_settle(tally_losses(f->tally), p->last_when, span.any ? span.first : now);
    counts_add(&f->counts, &counts);
    counts_add(&log->counts, &counts);
    f->changed = true;
    p->offset = offset;
    copy_content(&f->content, head, tail);
    if (f->is_packed || identity_mark(f->fd, p, f->swapped) < 0)
        p->mark_count = 0; /* it can't be looked into, or was truncated by now */
    if (f->reader.clock.settled)
        p->last_when = f->reader.clock.before;
    bool was_silent = follow_log_silent(log, now);
    log->heard = now;
    if (!span.any)
        return;
    if (was_silent)
        f->state.watched_from = span.first;
    if (span.last > log->last_event)
        log->last_event = span.last;
    int64_t last = span.last < now ? span.last : now; /* nobody has watched what is yet to come */
    if (span.first < p->first_when)
        p->first_when = span.first;
    if (last > f->state.watched_to)
        f->state.watched_to = last;
    watch_log(log, f);
}

bool follow_log_silent(const struct follow_log *log, int64_t now)
{
    return log->silence_s && log->heard != INT64_MIN && now - log->heard > log->silence_s;
}

size_t follow_log_records(const struct follow_log *log)
{
    size_t n = 0;

    for (size_t i = 0; i < log->n; i++)
        n += tally_records(log->files[i]->tally);
    return n;
}

bool follow_log_changed(const struct follow_log *log)
{
    for (size_t i = 0; i < log->n; i++)
        if (log->files[i]->changed)
            return true;
    return false;
}

bool follow_log_asks(const struct follow_log *log)
{
    for (size_t i = 0; i < log->n; i++)
        if (log->files[i]->asks)
            return true;
    return false;
}

/* ---- the commit ---- */

static void stored(void *owner, const struct batch_part *part)
{
    struct followed *f = owner;
    struct follow_log *log = f->owner;

    f->in_commit = false;
    log->stale |= part->stale;
    if (!part->stale) {
        counts_add(&log->committed, &part->counts);
        f->state.position.id = part->stored.position.id;
        f->state.from = part->stored.from;
        add_sensors(f->state.sensors, &f->state.sensor_count, part->stored.sensors,
                    part->stored.sensor_count);
        watch_log(log, f);
    }
    if (f->ended && !f->changed)
        forget(f);
}

static void swap_file(struct followed *f, bool mark, struct batch *b)
{
    struct batch_part *part = batch_add(b, &f->tally);

    part->state = f->state;
    part->state.mark = mark;
    part->state.position.path = f->owner->path;
    part->content = f->content;
    part->counts = f->counts;
    part->owner = f;
    part->done = stored;
    f->counts = (struct counts){0};
    f->state.position.mark_count = 0;
    f->state.silent_to = 0;
    f->state.truncated = f->state.damaged = (struct unread){0};
    f->swapped = f->state.position.offset;
    f->changed = false;
    f->in_commit = true;
}

static void told(void *owner, struct batch_ask *ask)
{
    struct followed *f = owner;
    f->owner->told(f->owner->told_ctx, f, ask);
}

static void swap_ask(struct followed *f, struct batch *b)
{
    batch_add_ask(b, &(struct batch_ask){.fd = f->fd,
                                         .is_packed = f->is_packed,
                                         .sensor = f->owner->sensor,
                                         .path = f->owner->path,
                                         .owner = f,
                                         .told = told});
    f->asks = false;
}

void follow_swap(struct follow_log *log, struct followed *current, int64_t now, bool watch,
                 bool mark, struct batch *b)
{
    bool silent = follow_log_silent(log, now);

    ASSERT(!current || current->owner == log);
    if (log->heard == INT64_MIN)
        log->heard = now;
    if (current && silent && !current->fresh && watch) {
        current->state.silent_from = log->heard + 1;
        current->state.silent_to = now;
    } else if (current && !current->fresh && current->state.position.first_when <= now &&
               current->state.watched_to < now) {
        current->state.watched_to = now;
        watch_log(log, current);
    } else {
        watch = false;
    }
    for (size_t i = 0; i < log->n; i++) {
        struct followed *f = log->files[i];
        if (f->begun && (f->changed || (mark && !f->ended && !f->fresh) || (watch && f == current)))
            swap_file(f, mark || f->ended, b);
        if (f->asks)
            swap_ask(f, b);
    }
}

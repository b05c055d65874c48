#include "pipeline/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "input/identity.h"

void follow_log_init(struct follow_log *log, const struct parser_set *parsers)
{
    log->matcher = matcher_new(parsers);
    log->watched_to = INT64_MIN;
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

void followed_begin(struct followed *f, const struct follow_ask *ask)
{
    struct follow_log *log = f->owner;
    struct clock_rule rule = {log->zone, ask->mtime, 0};
    bool known = ask->answer == TAIL_KNOWN;

    f->begun = true;
    f->fresh = !known;
    f->state = ask->state;
    f->content = ask->content;
    f->swapped = f->state.position.offset;
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
    intake_lines(&in, &f->reader, lines->lines, f->tally, &counts, &span, &log->samples);
    counts_add(&log->counts, &counts);
    f->changed = true;
    p->offset = offset;
    copy_content(&f->content, head, tail);
    if (identity_mark(f->fd, p, f->swapped) < 0)
        p->mark_count = 0; /* truncated by now */
    if (f->reader.clock.settled)
        p->last_when = f->reader.clock.before;
    if (!span.any)
        return;
    int64_t last = span.last < now ? span.last : now; /* nobody has watched what is yet to come */
    if (span.first < p->first_when)
        p->first_when = span.first;
    if (last > f->state.watched_to)
        f->state.watched_to = last;
    watch_log(log, f);
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

/* ---- the commit, on the loop's side ---- */

static void swap_file(struct followed *f, bool mark, struct follow_commit *c)
{
    c->parts = xrealloc(c->parts, c->n + 1, sizeof *c->parts);
    struct follow_part *part = &c->parts[c->n++];

    *part = (struct follow_part){
        .file = f, .state = f->state, .content = f->content, .tally = f->tally};
    part->state.mark = mark;
    part->state.position.path = f->owner->path;
    f->tally = c->spare_count ? c->spare[--c->spare_count] : tally_new();
    f->state.position.mark_count = 0;
    f->swapped = f->state.position.offset;
    f->changed = false;
    f->in_commit = true;
}

static void swap_ask(struct followed *f, struct follow_commit *c)
{
    c->asks = xrealloc(c->asks, c->ask_count + 1, sizeof *c->asks);
    c->asks[c->ask_count++] =
        (struct follow_ask){.file = f, .fd = f->fd, .sensor = f->owner->sensor};
    f->asks = false;
}

void follow_swap(struct follow_log *log, struct followed *current, int64_t now, bool watch,
                 bool mark, struct follow_commit *c)
{
    ASSERT(!current || current->owner == log);
    if (current && !current->fresh && current->state.position.first_when <= now &&
        current->state.watched_to < now) {
        current->state.watched_to = now;
        watch_log(log, current);
    } else {
        watch = false;
    }
    for (size_t i = 0; i < log->n; i++) {
        struct followed *f = log->files[i];
        if (f->begun && (f->changed || (mark && !f->ended && !f->fresh) || (watch && f == current)))
            swap_file(f, mark || f->ended, c);
        if (f->asks)
            swap_ask(f, c);
    }
}

bool follow_commit_empty(const struct follow_commit *c)
{
    return c->n == 0 && c->ask_count == 0;
}

void follow_commit_done(struct follow_commit *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct follow_part *part = &c->parts[i];
        struct followed *f = part->file;
        f->in_commit = false;
        f->state.position.id = part->stored.position.id;
        f->state.from = part->stored.from;
        add_sensors(f->state.sensors, &f->state.sensor_count, part->stored.sensors,
                    part->stored.sensor_count);
        watch_log(f->owner, f);
        tally_reset(part->tally);
        c->spare = xrealloc(c->spare, c->spare_count + 1, sizeof *c->spare);
        c->spare[c->spare_count++] = part->tally;
        if (f->ended && !f->changed)
            forget(f);
    }
    c->n = 0;
    c->written = false;
}

void follow_commit_clear(struct follow_commit *c)
{
    c->ask_count = 0;
}

void follow_commit_fini(struct follow_commit *c)
{
    for (size_t i = 0; i < c->n; i++)
        tally_free(c->parts[i].tally);
    for (size_t i = 0; i < c->spare_count; i++)
        tally_free(c->spare[i]);
    free(c->parts);
    free(c->asks);
    free(c->spare);
}

/* ---- the commit, in a worker ---- */

/* As identity_stamp, but of what was read, not of what the file holds by now: it may have been
 * truncated since. */
static void stamp(const struct content *c, struct position *p)
{
    identity_stamp_bytes(p, (struct str){c->head, c->head_n}, (struct str){c->tail, c->tail_n});
}

static int write_parts(struct follow_commit *c, struct store *s, const struct commit_tags *tags,
                       struct error *err)
{
    struct commit_part *parts = xcalloc(c->n + 1, sizeof *parts);

    for (size_t i = 0; i < c->n; i++) {
        struct follow_part *part = &c->parts[i];
        part->stored = part->state;
        parts[i] = (struct commit_part){&part->stored, &part->tally, 1};
        if (part->state.position.offset > 0)
            stamp(&part->content, &part->stored.position);
        part->stored.head = (struct str){part->content.head, part->content.head_n};
    }
    int rc = commit_write(s, tags, parts, c->n, err);
    free(parts);
    return rc;
}

struct reach {
    int64_t id;
    uint64_t offset;
};

static int find_reach(void *ctx, const struct position *p)
{
    struct reach *r = ctx;

    if (p->id != r->id)
        return 0;
    r->offset = p->offset;
    return 1;
}

static int read_at(int fd, char *bytes, size_t n, uint64_t offset)
{
    ssize_t got = pread(fd, bytes, n, (off_t)offset);
    return got < 0 ? -errno : (size_t)got == n ? 0 : -ENODATA;
}

/* The bytes that identify a known log. */
static int read_content(int fd, uint64_t offset, struct content *c)
{
    c->head_n = offset < HEAD_BYTES ? (size_t)offset : HEAD_BYTES;
    c->tail_n = offset < TAIL_BYTES ? (size_t)offset : TAIL_BYTES;
    int rc = read_at(fd, c->head, c->head_n, 0);
    return rc < 0 ? rc : read_at(fd, c->tail, c->tail_n, offset - c->tail_n);
}

static void answer_new(struct follow_ask *a)
{
    a->answer = TAIL_NEW;
    a->state = (struct log_state){.position = {.first_when = INT64_MAX, .last_when = INT64_MIN}};
    snprintf(a->state.position.sensor, sizeof a->state.position.sensor, "%s", a->sensor);
}

static int answer(struct follow_ask *a, struct store *s)
{
    struct position *p = &a->state.position;
    struct stat st;

    answer_new(a);
    if (fstat(a->fd, &st) < 0)
        return -errno;
    a->size = (uint64_t)st.st_size;
    a->mtime = st.st_mtime;
    int rc = log_state_find(s, a->fd, a->size, a->sensor, &a->state);
    if (rc <= 0)
        return rc;
    struct reach reach = {.id = p->id};
    rc = store_read_positions(s, p->sensor, find_reach, &reach);
    if (rc < 0)
        return rc;
    a->answer = reach.offset > p->offset ? TAIL_LATER : TAIL_KNOWN;
    return read_content(a->fd, p->offset, &a->content);
}

int follow_commit_write(struct follow_commit *c, struct store *s, const struct commit_tags *tags,
                        struct error *err)
{
    int rc = c->n && !c->written ? write_parts(c, s, tags, err) : 0;

    c->written = rc == 0;
    for (size_t i = 0; rc == 0 && i < c->ask_count; i++) {
        rc = answer(&c->asks[i], s);
        if (rc == -ENODATA) { /* truncated under our hands, which the next look will tell */
            answer_new(&c->asks[i]);
            rc = 0;
        }
        if (rc < 0)
            error_add(err, NULL, 0, 0, "what was taken in before can't be told (%s)",
                      store_error(s));
    }
    return rc;
}

#include "pipeline/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/fault.h"
#include "input/blocks.h"
#include "input/identity.h"
#include "input/packed.h"
#include "parse/envelope.h"
#include "pipeline/commit.h"

enum {
    COMMIT_RECORDS = FAULT_LIMIT(256 * 1024, 1), /* events a commit waits for */
    AHEAD_RECORDS = 512 * 1024,                  /* events parsed and not yet committed, at most */
    RESULTS = 1024, /* blocks parsed and not yet committed, at most; a power of two */
    THREADS_MAX = 16,
    DAY_S = 86400,
    QUIET_S = 300, /* a plain file that wasn't written for so long is whole */
    PROGRESS_MS = 200,
    PEEK_BYTES = 64 * 1024
};

/* A block on its way: being parsed, parsed, confirmed. */
struct result {
    bool parsed, confirmed;
    struct block block; /* kept until confirmed */
    struct tally *tally;
    struct counts counts;
    struct intake_span span;
    struct intake_samples samples;
    struct clock clock;  /* as it stood after the block */
    struct position end; /* what identifies the log up to there, and marks on the way */
    uint64_t used;       /* of the file, for the progress */
};

struct import {
    const struct import_options *options;
    struct intake intake;
    struct clock_rule rule;
    int fd;
    struct packed *packed; /* NULL: a plain file */
    bool is_whole;         /* it won't grow: its last line is one even without a newline */
    struct log_state log;

    /* The reading, by whoever holds `reading`. */
    struct blocks *blocks;
    struct identity_run run;

    /* All below under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t room;  /* for workers: there may be room, or an end */
    pthread_cond_t ready; /* for the committer: something was confirmed, or ended */
    bool reading;         /* a worker reads a block: in order, but not under the lock */
    struct result results[RESULTS];
    uint64_t next_read, next_confirm, next_commit; /* blocks by number */
    bool confirming, at_end, stop;
    int read_error;
    int64_t before;   /* the line before the first unconfirmed block's */
    size_t records;   /* parsed and not yet committed */
    uint64_t used;    /* of the file, up to what is committed */
    unsigned running; /* workers */
    struct tally *spare[RESULTS];
    size_t spare_count;
    struct block spare_blocks[THREADS_MAX * 2];
    size_t spare_block_count;
};

static struct result *result_at(struct import *im, uint64_t number)
{
    return &im->results[number & (RESULTS - 1)];
}

static void parse_block(const struct import *im, struct matcher *m, struct result *r,
                        int64_t before)
{
    struct reader reader;

    tally_reset(r->tally);
    r->counts = (struct counts){.lines = r->block.cut, .by[OUTCOME_LOST] = r->block.cut};
    r->span = (struct intake_span){0};
    r->samples.n = 0;
    reader_init(&reader, m, &im->rule, before);
    losses_add(tally_losses(r->tally), r->block.cut, &reader.clock);
    intake_lines(&im->intake, &reader, r->block.lines, r->tally, &r->counts, &r->span, &r->samples);
    r->clock = reader.clock;
    FAULT("parsed");
}

static void give_block_back(struct import *im, struct block *b)
{
    if (im->spare_block_count < THREADS_MAX * 2)
        im->spare_blocks[im->spare_block_count++] = *b;
    else
        block_fini(b);
    *b = (struct block){0};
}

/* Confirms parsed blocks in their order; whoever gets here first does it for all. The lock is held,
 * but while a block is parsed again. */
static void confirm_parsed(struct import *im, struct matcher *m)
{
    if (im->confirming)
        return;
    im->confirming = true;
    while (im->next_confirm < im->next_read && result_at(im, im->next_confirm)->parsed) {
        struct result *r = result_at(im, im->next_confirm);
        if (!clock_confirm(&r->clock, im->before)) {
            int64_t before = im->before;
            im->records -= tally_records(r->tally);
            pthread_mutex_unlock(&im->lock);
            parse_block(im, m, r, before);
            pthread_mutex_lock(&im->lock);
            im->records += tally_records(r->tally);
        }
        if (r->clock.settled)
            im->before = r->clock.before;
        give_block_back(im, &r->block);
        r->confirmed = true;
        im->next_confirm++;
    }
    im->confirming = false;
    pthread_cond_signal(&im->ready);
}

static void read_block(struct import *im, struct result *r, int *rc)
{
    *rc = blocks_next(im->blocks, &r->block);
    if (*rc <= 0)
        return;
    uint64_t n = r->block.to - r->block.from;
    identity_run_feed(&im->run, (struct str){r->block.buffer, (size_t)n}, r->end.marks,
                      &r->end.mark_count);
    identity_run_stamp(&im->run, &r->end);
    r->used = im->packed ? packed_used(im->packed) : r->block.to;
    FAULT("read");
}

static bool has_room(const struct import *im)
{
    return !im->reading && im->records <= AHEAD_RECORDS &&
           im->next_read - im->next_commit < RESULTS;
}

/* Takes the next block to parse; NULL at the end. The lock is held, but while reading. */
static struct result *take_block(struct import *im)
{
    while (!im->stop && !im->at_end && !has_room(im))
        pthread_cond_wait(&im->room, &im->lock);
    if (im->stop || im->at_end)
        return NULL;
    struct result *r = result_at(im, im->next_read);
    struct tally *tally = im->spare_count ? im->spare[--im->spare_count] : tally_new();
    *r = (struct result){.tally = tally};
    if (im->spare_block_count)
        r->block = im->spare_blocks[--im->spare_block_count];
    int rc;
    im->reading = true;
    pthread_mutex_unlock(&im->lock);
    read_block(im, r, &rc);
    pthread_mutex_lock(&im->lock);
    im->reading = false;
    pthread_cond_broadcast(&im->room);
    if (rc <= 0) {
        im->at_end = true;
        im->read_error = rc;
        give_block_back(im, &r->block);
        tally_reset(tally);
        im->spare[im->spare_count++] = tally;
        return NULL;
    }
    im->next_read++;
    return r;
}

static void *worker(void *arg)
{
    struct import *im = arg;
    struct matcher *m = matcher_new(im->options->parsers);
    struct result *r;

    pthread_mutex_lock(&im->lock);
    while ((r = take_block(im))) {
        int64_t guess = im->before;
        pthread_mutex_unlock(&im->lock);
        parse_block(im, m, r, guess);
        pthread_mutex_lock(&im->lock);
        im->records += tally_records(r->tally);
        r->parsed = true;
        confirm_parsed(im, m);
    }
    im->running--;
    pthread_cond_broadcast(&im->room);
    pthread_cond_signal(&im->ready);
    pthread_mutex_unlock(&im->lock);
    matcher_free(m);
    return NULL;
}

/* ---- the committing side ---- */

static void report_result(struct import_report *rep, const struct result *r)
{
    counts_add(&rep->counts, &r->counts);
    for (unsigned i = 0; i < r->samples.n && rep->samples.n < SAMPLES_MAX; i++)
        memcpy(rep->samples.text[rep->samples.n++], r->samples.text[i], sizeof r->samples.text[i]);
    if (!r->span.any)
        return;
    if (!rep->span.any) {
        rep->span = r->span;
        rep->latest = r->span.last;
    }
    rep->span.last = r->span.last;
    rep->latest = r->span.last > rep->latest ? r->span.last : rep->latest;
}

/* The log's times after a batch. */
static void advance_log(struct log_state *log, const struct import_report *batch, int64_t before)
{
    struct position *p = &log->position;
    bool first = p->first_when == INT64_MAX;

    if (before != INT64_MIN)
        p->last_when = before;
    if (!batch->span.any)
        return;
    if (first || batch->span.first < p->first_when)
        p->first_when = batch->span.first;
    if (first || batch->latest > log->watched_to)
        log->watched_to = batch->latest;
}

static int past_file_time(const struct import *im, const char *path, int64_t when,
                          struct error *err)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    if (im->options->year || when <= im->rule.file_time + DAY_S)
        return 0;
    error_add(err, path, 0, 0,
              "its lines would end at %s, after the file's own time (%s): say the year of its "
              "first line with --year",
              time_format_local(im->rule.zone, when, a),
              time_format_local(im->rule.zone, im->rule.file_time, b));
    return -EINVAL;
}

/* The blocks are in order now, so it can be told when their first lines were lost. */
static void settle_losses(struct import *im, uint64_t end, const struct intake_span *batch)
{
    const struct position *p = &im->log.position;
    int64_t before = p->first_when == INT64_MAX ? INT64_MIN : p->last_when;

    for (uint64_t i = im->next_commit; i < end; i++) {
        const struct result *r = result_at(im, i);
        losses_settle(tally_losses(r->tally), before, batch->any ? batch->first : INT64_MIN);
        if (r->clock.settled)
            before = r->clock.before;
    }
}

/* The log's position after a batch, and the marks that were passed. */
static void advance_position(struct import *im, uint64_t end)
{
    struct position *p = &im->log.position;

    p->mark_count = 0;
    for (uint64_t i = im->next_commit; i < end; i++) {
        const struct position *block = &result_at(im, i)->end;
        for (size_t k = 0; k < block->mark_count && p->mark_count < MARKS_MAX; k++)
            p->marks[p->mark_count++] = block->marks[k];
        p->offset = block->offset;
        p->head_len = block->head_len;
        p->head_hash = block->head_hash;
        p->tail_hash = block->tail_hash;
    }
}

/* Commits the confirmed blocks up to `end`; their results are free afterwards. The lock is not
 * held. */
static int commit_batch(struct import *im, const char *path, uint64_t end, bool last,
                        struct import_report *report, struct error *err)
{
    struct tally *tallies[RESULTS];
    struct import_report batch = {0};
    int64_t before = INT64_MIN;
    bool yearless = false;
    size_t n = 0;
    struct log_state *log = &im->log;
    uint64_t was = log->position.offset;

    for (uint64_t i = im->next_commit; i < end; i++) {
        const struct result *r = result_at(im, i);
        tallies[n++] = r->tally;
        report_result(&batch, r);
        if (r->clock.settled)
            before = r->clock.before;
        yearless |= r->clock.depends && r->clock.first.kind == STAMP_YEARLESS;
    }
    int rc = yearless && batch.span.any ? past_file_time(im, path, batch.latest, err) : 0;
    if (rc < 0)
        return rc;
    settle_losses(im, end, &batch.span);
    advance_log(log, &batch, before);
    advance_position(im, end);
    log->mark = last;
    log->head = (struct str){im->run.head, log->position.head_len};
    struct commit_part part = {.log = log, .tallies = tallies, .n = n};
    rc = commit_write(im->options->store, &im->options->tags, &part, 1, err);
    if (rc < 0)
        return rc;
    report->bytes += log->position.offset - was;
    struct result sum = {.counts = batch.counts, .span = batch.span, .samples = batch.samples};
    report_result(report, &sum);
    report->latest =
        batch.span.any && batch.latest > report->latest ? batch.latest : report->latest;
    return 0;
}

static void release_batch(struct import *im, uint64_t end)
{
    for (; im->next_commit < end; im->next_commit++) {
        struct result *r = result_at(im, im->next_commit);
        im->records -= tally_records(r->tally);
        im->used = r->used;
        tally_reset(r->tally);
        im->spare[im->spare_count++] = r->tally;
        r->tally = NULL;
    }
    pthread_cond_broadcast(&im->room);
}

/* Whether the confirmed blocks make a batch, and up to which. The lock is held. */
static bool batch_ready(const struct import *im, uint64_t *end)
{
    size_t records = 0;
    uint64_t i = im->next_commit;

    for (; i < im->next_confirm && records < COMMIT_RECORDS; i++)
        records += tally_records(im->results[i & (RESULTS - 1)].tally);
    *end = i;
    bool finished = im->running == 0;
    return i > im->next_commit &&
           (records >= COMMIT_RECORDS || finished || i - im->next_commit == RESULTS);
}

static void wait_ready(struct import *im)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PROGRESS_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&im->ready, &im->lock, &until);
}

static void show_progress(struct import *im, const struct import_report *report, uint64_t total)
{
    uint64_t lines = report->counts.lines, done = im->used;

    for (uint64_t i = im->next_commit; i < im->next_confirm; i++) {
        lines += result_at(im, i)->counts.lines;
        done = result_at(im, i)->used;
    }
    if (im->options->progress)
        im->options->progress(im->options->progress_ctx, done, total, lines);
}

static void say_damaged(const struct import *im, const char *path, struct error *err)
{
    error_add(err, path, 0, 0,
              "it is damaged or ends too early (%s): what could be read, %" PRIu64
              " bytes of its content, is taken in; a whole copy goes on from there",
              packed_fault(im->packed), im->log.position.offset);
}

static int commit_all(struct import *im, const char *path, uint64_t total,
                      struct import_report *report, struct error *err)
{
    int rc = 0;

    pthread_mutex_lock(&im->lock);
    for (;;) {
        uint64_t end;
        show_progress(im, report, total);
        if (rc == 0 && batch_ready(im, &end)) {
            bool last = im->running == 0 && end == im->next_read;
            pthread_mutex_unlock(&im->lock);
            rc = commit_batch(im, path, end, last, report, err);
            pthread_mutex_lock(&im->lock);
            if (rc == 0)
                release_batch(im, end);
            else
                im->stop = true;
            pthread_cond_broadcast(&im->room);
        } else if (im->running == 0) {
            break;
        } else {
            wait_ready(im);
        }
    }
    if (rc == 0 && im->read_error < 0) {
        rc = im->read_error;
        if (im->packed)
            say_damaged(im, path, err);
        else
            error_add(err, path, 0, 0,
                      "reading it failed (%s); what was read until then is taken in",
                      strerror(-rc));
    }
    pthread_mutex_unlock(&im->lock);
    return rc;
}

/* ---- one log ---- */

/* The first stamp of these bytes, or the last; false where no whole line has one. */
static bool find_stamp(struct str bytes, bool first, struct stamp *out)
{
    const char *newline;
    bool found = false;

    while ((!first || !found) && (newline = memchr(bytes.p, '\n', bytes.n))) {
        struct envelope env;
        size_t n = (size_t)(newline - bytes.p);
        envelope_parse((struct str){bytes.p, n}, NULL, &env);
        if (env.stamp.kind != STAMP_NONE) {
            *out = env.stamp;
            found = true;
        }
        bytes = str_skip(bytes, n + 1);
    }
    return found;
}

/* The first bytes of a log and its last: of a packed one, as long as they lack a year, since all of
 * it must be unpacked for them. 0 or -EBADMSG. */
struct ends {
    char *first, *last;
    size_t first_n, last_n;
};

static size_t peek(int fd, uint64_t from, char *bytes)
{
    ssize_t n = pread(fd, bytes, PEEK_BYTES, (off_t)from);
    return n > 0 ? (size_t)n : 0;
}

static bool lacks_year(struct str bytes)
{
    struct stamp stamp;
    return find_stamp(bytes, true, &stamp) && stamp.kind == STAMP_YEARLESS;
}

/* Keeps the last PEEK_BYTES, or the last two times as many less one. */
static void peek_packed(struct packed *p, struct ends *e)
{
    ssize_t got = packed_read(p, e->first, PEEK_BYTES);

    e->first_n = got > 0 ? (size_t)got : 0;
    if (!lacks_year((struct str){e->first, e->first_n}))
        return;
    while ((got = packed_read(p, e->last + e->last_n, PEEK_BYTES)) > 0) {
        e->last_n += (size_t)got;
        if (e->last_n > PEEK_BYTES) {
            memmove(e->last, e->last + e->last_n - PEEK_BYTES, PEEK_BYTES);
            e->last_n = PEEK_BYTES;
        }
    }
}

/* Before anything is taken in: a log without years whose first and last line don't fit before its
 * own time. */
static int check_years(const struct import *im, const char *path, const struct ends *e,
                       struct error *err)
{
    struct stamp first, last;
    struct clock clock;

    if (!find_stamp((struct str){e->first, e->first_n}, true, &first) ||
        first.kind != STAMP_YEARLESS)
        return 0;
    if (!find_stamp((struct str){e->last, e->last_n}, false, &last) &&
        !find_stamp((struct str){e->first, e->first_n}, false, &last))
        return 0;
    if (last.kind != STAMP_YEARLESS)
        return 0;
    clock_init(&clock, &im->rule, INT64_MIN);
    int64_t begin = clock_resolve(&clock, &first), end = clock_resolve(&clock, &last);
    if (end < begin - DAY_S) { /* more than half a year of lines: the last is of the year after */
        struct civil c = civil_from_seconds(begin);
        clock.rule.year = c.year + 1;
        clock.before = INT64_MIN;
        end = clock_resolve(&clock, &last);
    }
    return past_file_time(im, path, end, err);
}

/* Opens what is packed at its member, at its beginning. */
static int open_packed(struct import *im, const char *path, unsigned member, struct error *err)
{
    struct packed_member m;

    packed_close(im->packed);
    im->packed = packed_open(im->fd);
    int rc = packed_seek(im->packed, member ? member : 1, &m);
    if (rc < 0)
        error_add(err, path, 0, 0, "it can't be unpacked (%s)", packed_fault(im->packed));
    else if (rc == 0 && member)
        error_add(err, path, 0, 0, "it changed while it was read: import it again");
    else if (rc > 0 && m.mtime > 0)
        im->rule.file_time = m.mtime;
    return rc < 0 ? rc : rc == 0 && member ? -ENOENT : 0;
}

static int open_log(struct import *im, const char *path, unsigned member, uint64_t *size,
                    struct error *err)
{
    const struct import_options *o = im->options;
    struct stat st;

    im->log.is_stream = strcmp(path, "-") == 0;
    im->fd = im->log.is_stream ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (im->fd < 0 || fstat(im->fd, &st) < 0) {
        int rc = -errno;
        access_fault(path, ACCESS_READ, rc, err);
        return rc;
    }
    if (S_ISDIR(st.st_mode)) {
        error_add(err, path, 0, 0, "this is a folder: name the log files in it");
        return -EISDIR;
    }
    im->log.is_stream |= !S_ISREG(st.st_mode);
    im->log.watched_to = INT64_MIN;
    *size = im->log.is_stream ? 0 : (uint64_t)st.st_size;
    im->rule = (struct clock_rule){o->zone, im->log.is_stream ? o->now : st.st_mtime, o->year};
    im->is_whole = im->log.is_stream || st.st_mtime <= o->now - QUIET_S || packed_is(im->fd);
    if (im->log.is_stream) {
        im->log.position.first_when = INT64_MAX;
        snprintf(im->log.position.sensor, sizeof im->log.position.sensor, "%s", o->sensor);
        return 0;
    }
    if (packed_is(im->fd))
        return open_packed(im, path, member, err);
    posix_fadvise(im->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

static int find_log(struct import *im, uint64_t size, struct error *err)
{
    const struct import_options *o = im->options;
    int rc = im->packed ? log_state_find_packed(o->store, im->packed, o->sensor, &im->log, &im->run)
                        : log_state_find(o->store, im->fd, size, o->sensor, &im->log);

    if (rc < 0)
        error_add(err, NULL, 0, 0, "what was taken in before can't be told (%s)",
                  store_error(o->store));
    return rc < 0 ? rc : 0;
}

/* Of a new log: whether its years can be told. */
static int look_at_ends(struct import *im, const char *path, unsigned member, uint64_t size,
                        struct error *err)
{
    struct ends e = {xmalloc(PEEK_BYTES), xmalloc(2 * PEEK_BYTES), 0, 0};
    int rc = 0;

    if (im->packed) {
        rc = open_packed(im, path, member, err);
        if (rc == 0)
            peek_packed(im->packed, &e);
    } else {
        e.first_n = peek(im->fd, 0, e.first);
        e.last_n = peek(im->fd, size > PEEK_BYTES ? size - PEEK_BYTES : 1, e.last);
    }
    if (rc == 0)
        rc = check_years(im, path, &e, err);
    free(e.first);
    free(e.last);
    return rc;
}

/* Unpacks again up to where the run stands. */
static int skip_known(struct import *im, const char *path, unsigned member, struct error *err)
{
    char *buffer = xmalloc(PEEK_BYTES);
    uint64_t left = im->run.offset;
    int rc = open_packed(im, path, member, err);

    while (rc == 0 && left > 0) {
        ssize_t got =
            packed_read(im->packed, buffer, left < PEEK_BYTES ? (size_t)left : PEEK_BYTES);
        if (got > 0)
            left -= (uint64_t)got;
        else if (got < 0)
            break; /* where it is damaged; said when the next bytes can't be read either */
        else
            rc = -ESTALE;
    }
    free(buffer);
    return rc;
}

/* A known log goes on after its last line. */
static int seek_known(struct import *im, const char *path, unsigned member,
                      struct import_report *report, struct error *err)
{
    struct position *p = &im->log.position;
    int rc;

    if (p->id == 0) {
        p->first_when = INT64_MAX;
    } else {
        im->before = p->last_when;
        if (p->first_when != INT64_MAX)
            im->log.watched_to = p->last_when;
    }
    report->known = p->offset - (report->bytes < p->offset ? report->bytes : p->offset);
    if (im->packed)
        return skip_known(im, path, member, err);
    rc = identity_run_at(&im->run, im->fd, p->offset);
    if (rc == 0 && lseek(im->fd, (off_t)p->offset, SEEK_SET) < 0)
        rc = -errno;
    if (rc < 0)
        error_add(err, path, 0, 0, "it can't be read (%s)", strerror(-rc));
    return rc;
}

static ssize_t read_packed(void *ctx, char *buffer, size_t n)
{
    return packed_read(ctx, buffer, n);
}

/* Where nothing was read, a line begins; so it does behind a newline and in a hole of NULs. */
static bool at_line(const struct identity_run *run)
{
    return run->tail_n == 0 || run->tail[run->tail_n - 1] == '\n' ||
           run->tail[run->tail_n - 1] == 0;
}

static struct blocks *open_blocks(struct import *im)
{
    blocks_read_cb read = im->packed ? read_packed : blocks_read_fd;
    void *ctx = im->packed ? (void *)im->packed : &im->fd;
    return blocks_new(read, ctx, im->run.offset, at_line(&im->run), im->is_whole);
}

static int run_import(struct import *im, const char *path, uint64_t size,
                      struct import_report *report, struct error *err)
{
    pthread_t threads[THREADS_MAX];
    unsigned n = im->options->threads < 1             ? 1
                 : im->options->threads > THREADS_MAX ? THREADS_MAX
                                                      : im->options->threads;

    pthread_mutex_init(&im->lock, NULL);
    pthread_cond_init(&im->room, NULL);
    pthread_cond_init(&im->ready, NULL);
    im->running = n;
    for (unsigned i = 0; i < n; i++)
        ASSERT(pthread_create(&threads[i], NULL, worker, im) == 0);
    int rc = commit_all(im, path, size, report, err);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    for (uint64_t i = im->next_commit; i < im->next_read; i++) {
        tally_free(result_at(im, i)->tally);
        block_fini(&result_at(im, i)->block);
    }
    for (size_t i = 0; i < im->spare_count; i++)
        tally_free(im->spare[i]);
    for (size_t i = 0; i < im->spare_block_count; i++)
        block_fini(&im->spare_blocks[i]);
    pthread_mutex_destroy(&im->lock);
    pthread_cond_destroy(&im->room);
    pthread_cond_destroy(&im->ready);
    return rc;
}

static int take_in(const struct import_options *o, const char *path, unsigned member,
                   struct import_report *report, struct error *err)
{
    struct import *im = xcalloc(1, sizeof *im);
    uint64_t size = 0;

    im->options = o;
    im->intake = (struct intake){o->geo, str_from(o->sensor), o->now};
    im->before = INT64_MIN;
    int rc = open_log(im, path, member, &size, err);
    report->is_stream = im->log.is_stream;
    if (rc == 0 && !im->log.is_stream)
        rc = find_log(im, size, err);
    im->log.position.path = path;
    if (rc == 0 && !im->log.is_stream && im->log.position.last_when == INT64_MIN)
        rc = look_at_ends(im, path, member, size, err);
    if (rc == 0 && !im->log.is_stream)
        rc = seek_known(im, path, member, report, err);
    if (rc == 0) {
        im->blocks = open_blocks(im);
        rc = run_import(im, path, size, report, err);
        report->left = im->is_whole ? 0 : blocks_left(im->blocks);
        blocks_free(im->blocks);
    }
    packed_close(im->packed);
    if (im->fd > STDIN_FILENO)
        close(im->fd);
    free(im);
    return rc;
}

int import_member(const struct import_options *o, const char *path, unsigned member,
                  struct import_report *report, struct error *err)
{
    int rc;

    *report = (struct import_report){0};
    do /* while others take lines of the same log in */
        rc = take_in(o, path, member, report, err);
    while (rc == -ESTALE);
    return rc;
}

int import_log(const struct import_options *o, const char *path, struct import_report *report,
               struct error *err)
{
    return import_member(o, path, 0, report, err);
}

#include "pipeline/import.h"

#include <errno.h>
#include <fcntl.h>
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
#include "parse/envelope.h"
#include "pipeline/commit.h"

enum {
    COMMIT_RECORDS = FAULT_LIMIT(384 * 1024, 1), /* events a commit waits for */
    AHEAD_RECORDS = 768 * 1024,                  /* events parsed and not yet committed, at most */
    RESULTS = 1024, /* blocks parsed and not yet committed, at most; a power of two */
    THREADS_MAX = 16,
    DAY_S = 86400,
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
    struct clock clock; /* as it stood after the block */
    uint64_t to;
};

struct import {
    const struct import_options *options;
    struct intake intake;
    struct clock_rule rule;
    int fd;
    struct log_state log;
    char head[HEAD_BYTES];

    /* All below under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t room;  /* for workers: there may be room, or an end */
    pthread_cond_t ready; /* for the committer: something was confirmed, or ended */
    struct blocks *blocks;
    struct result results[RESULTS];
    uint64_t next_read, next_confirm, next_commit; /* blocks by number */
    bool confirming, at_end, stop;
    int read_error;
    int64_t before;   /* the line before the first unconfirmed block's */
    size_t records;   /* parsed and not yet committed */
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

/* Takes the next block to parse; NULL at the end. The lock is held, also while reading: reading is
 * in order anyway. */
static struct result *take_block(struct import *im)
{
    while (!im->stop && !im->at_end &&
           (im->records > AHEAD_RECORDS || im->next_read - im->next_commit == RESULTS))
        pthread_cond_wait(&im->room, &im->lock);
    if (im->stop || im->at_end)
        return NULL;
    struct result *r = result_at(im, im->next_read);
    struct tally *tally = im->spare_count ? im->spare[--im->spare_count] : tally_new();
    *r = (struct result){.tally = tally};
    if (im->spare_block_count)
        r->block = im->spare_blocks[--im->spare_block_count];
    int rc = blocks_next(im->blocks, &r->block);
    if (rc <= 0) {
        im->at_end = true;
        im->read_error = rc;
        give_block_back(im, &r->block);
        tally_reset(tally);
        im->spare[im->spare_count++] = tally;
        return NULL;
    }
    FAULT("read");
    r->to = r->block.to;
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
static void advance_log(struct log_state *log, const struct import_report *batch, int64_t before,
                        uint64_t to)
{
    struct position *p = &log->position;
    bool first = p->first_when == INT64_MAX;

    p->offset = to;
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
    uint64_t to = 0;

    for (uint64_t i = im->next_commit; i < end; i++) {
        const struct result *r = result_at(im, i);
        tallies[n++] = r->tally;
        report_result(&batch, r);
        if (r->clock.settled)
            before = r->clock.before;
        yearless |= r->clock.depends && r->clock.first.kind == STAMP_YEARLESS;
        to = r->to;
    }
    int rc = yearless && batch.span.any ? past_file_time(im, path, batch.latest, err) : 0;
    if (rc < 0)
        return rc;
    settle_losses(im, end, &batch.span);
    struct log_state *log = &im->log;
    uint64_t was = log->position.offset;
    advance_log(log, &batch, before, to);
    if (!log->is_stream)
        rc = identity_stamp(im->fd, &log->position);
    if (rc == 0 && !log->is_stream)
        rc = identity_mark(im->fd, &log->position, was);
    if (rc < 0) {
        error_add(err, path, 0, 0, "it changed while it was read (%s): import it again",
                  strerror(-rc));
        return rc;
    }
    log->mark = last;
    log->head = (struct str){im->head, log->position.head_len};
    if (!log->is_stream && pread(im->fd, im->head, log->head.n, 0) != (ssize_t)log->head.n)
        log->head.n = 0;
    struct commit_part part = {.log = log, .tallies = tallies, .n = n};
    rc = commit_write(im->options->store, &im->options->tags, &part, 1, err);
    if (rc < 0)
        return rc;
    report->bytes += to - was;
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
    uint64_t lines = report->counts.lines, done = report->known + report->bytes;

    for (uint64_t i = im->next_commit; i < im->next_confirm; i++) {
        lines += result_at(im, i)->counts.lines;
        done = result_at(im, i)->to;
    }
    if (im->options->progress)
        im->options->progress(im->options->progress_ctx, done, total, lines);
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
        error_add(err, path, 0, 0, "reading it failed (%s); what was read until then is taken in",
                  strerror(-rc));
    }
    pthread_mutex_unlock(&im->lock);
    return rc;
}

/* ---- one log ---- */

/* The last line of a stretch of the file that has a stamp; false where none does. */
static bool last_stamp(int fd, off_t from, struct stamp *out)
{
    char *bytes = xmalloc(PEEK_BYTES);
    ssize_t n = pread(fd, bytes, PEEK_BYTES, from);
    bool found = false;

    for (ssize_t at = 0; at < n;) {
        const char *newline = memchr(bytes + at, '\n', (size_t)(n - at));
        if (!newline)
            break;
        struct envelope env;
        envelope_parse((struct str){bytes + at, (size_t)(newline - bytes - at)}, &env);
        if (env.stamp.kind != STAMP_NONE) {
            *out = env.stamp;
            found = true;
            if (from == 0)
                break; /* the first is asked for */
        }
        at = newline - bytes + 1;
    }
    free(bytes);
    return found;
}

/* Before anything is taken in: a log without years whose first and last line don't fit before its
 * own time. */
static int check_years(const struct import *im, const char *path, uint64_t size, struct error *err)
{
    struct stamp first, last;
    struct clock clock;

    if (im->before != INT64_MIN || !last_stamp(im->fd, 0, &first) || first.kind != STAMP_YEARLESS)
        return 0;
    if (!last_stamp(im->fd, size > PEEK_BYTES ? (off_t)(size - PEEK_BYTES) : 1, &last) ||
        last.kind != STAMP_YEARLESS)
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

/* The program that unpacks a file which begins so; NULL for a plain one. */
static const char *unpacker(int fd)
{
    static const struct {
        const char *magic, *program;
        size_t n;
    } all[] = {{"\x1f\x8b", "zcat", 2},
               {"\xfd"
                "7zXZ",
                "xzcat", 5},
               {"\x28\xb5\x2f\xfd", "zstdcat", 4},
               {"BZh", "bzcat", 3}};
    char head[8] = {0};

    if (pread(fd, head, sizeof head, 0) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (memcmp(head, all[i].magic, all[i].n) == 0)
            return all[i].program;
    return NULL;
}

static int open_log(const struct import_options *o, const char *path, struct import *im,
                    uint64_t *size, struct import_report *report, struct error *err)
{
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
    *size = im->log.is_stream ? 0 : (uint64_t)st.st_size;
    im->rule = (struct clock_rule){o->zone, im->log.is_stream ? o->now : st.st_mtime, o->year};
    report->is_stream = im->log.is_stream;
    im->log.watched_to = INT64_MIN;
    if (im->log.is_stream) {
        snprintf(im->log.position.sensor, sizeof im->log.position.sensor, "%s", o->sensor);
        return 0;
    }
    const char *program = unpacker(im->fd);
    if (program) {
        error_add(err, path, 0, 0, "this is compressed: %s %s | scantide import -", program, path);
        return -EINVAL;
    }
    posix_fadvise(im->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    int rc = log_state_find(o->store, im->fd, *size, o->sensor, &im->log);
    if (rc < 0)
        error_add(err, path, 0, 0, "what was taken in before can't be told (%s)",
                  store_error(o->store));
    return rc < 0 ? rc : 0;
}

/* A known log goes on after its last line. */
static int seek_known(struct import *im, const char *path, struct import_report *report,
                      bool *at_line, struct error *err)
{
    struct position *p = &im->log.position;
    char newline = '\n';

    p->path = path;
    *at_line = true;
    im->before = INT64_MIN;
    if (p->id == 0) {
        p->first_when = INT64_MAX;
        return 0;
    }
    im->before = p->last_when;
    if (p->first_when != INT64_MAX)
        im->log.watched_to = p->last_when;
    report->known = p->offset - (report->bytes < p->offset ? report->bytes : p->offset);
    if (lseek(im->fd, (off_t)p->offset, SEEK_SET) < 0 ||
        (p->offset && pread(im->fd, &newline, 1, (off_t)p->offset - 1) != 1)) {
        error_add(err, path, 0, 0, "it can't be read (%s)", strerror(errno));
        return -EIO;
    }
    *at_line = newline == '\n';
    return 0;
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

static int take_in(const struct import_options *o, const char *path, struct import_report *report,
                   struct error *err)
{
    struct import *im = xcalloc(1, sizeof *im);
    bool at_line = true;
    uint64_t size = 0;

    im->options = o;
    im->intake = (struct intake){o->geo, str_from(o->sensor), o->now};
    int rc = open_log(o, path, im, &size, report, err);
    if (rc == 0)
        rc = seek_known(im, path, report, &at_line, err);
    if (rc == 0 && !im->log.is_stream)
        rc = check_years(im, path, size, err);
    if (rc == 0) {
        im->blocks = blocks_new(im->fd, im->log.position.offset, at_line);
        rc = run_import(im, path, size, report, err);
        blocks_free(im->blocks);
    }
    if (im->fd > STDIN_FILENO)
        close(im->fd);
    free(im);
    return rc;
}

int import_log(const struct import_options *o, const char *path, struct import_report *report,
               struct error *err)
{
    int rc;

    *report = (struct import_report){0};
    do /* while others take lines of the same log in */
        rc = take_in(o, path, report, err);
    while (rc == -ESTALE);
    return rc;
}

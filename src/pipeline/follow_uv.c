#include "pipeline/follow_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/wall.h"
#include "input/tail_uv.h"
#include "pipeline/follow.h"

enum {
    LOOK_MS = 1000,
    COMMIT_RECORDS = 200 * 1024, /* events that wait: commit now; reading waits */
    WATCH_MS = 60 * 1000,        /* between commits of nothing but that the logs were watched */
    RETRY_MS = 5000,             /* after a failed commit */
    SUMMARY_MS = 60 * 1000,
    SERIES_MS = 60 * 1000, /* between two writings of the series while old lines are caught up */
    FOLD_AFTER_S = 600,
    THIN_EVERY_S = 24 * 3600,
    EXPAND_BYTES = 8 << 20, /* to catch up: worth the flat table of countries */
    STRANGE_LINES = 200,    /* and none of them known to a parser: worth a word */
    FAULTS_SAID = 5
};

enum job { JOB_NONE, JOB_COMMIT, JOB_SERIES, JOB_FOLD };

struct follow;

/* A path on the loop. */
struct log {
    struct follow *follow;
    struct follow_log log;
    struct tail_uv *tail;
    int failed;         /* the last fault of opening or reading, said already */
    uint64_t lost_said; /* log.counts' lost when it was said */
    bool strange_said, short_said;
    bool catching_up;
    uint64_t truncations, unread;
};

struct follow {
    const struct follow_options *options;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_idle_t reading;
    uv_signal_t signals[2];
    struct log *logs;
    size_t n;
    char *buffer;
    int64_t now; /* UTC, seconds */

    uv_work_t work;
    enum job job; /* the one that runs */
    int rc;
    struct error err;
    int64_t until; /* the job's */
    unsigned how;  /* the same */
    struct follow_commit commit;
    bool failed; /* the commit: it is written again, and nothing is read until then */
    int64_t retry_ms, failed_ms;

    int64_t commit_ms, watch_ms, summary_ms; /* of the last */

    /* Bins go to the series when they are over, late_s have passed, and all that was read of them
     * is committed. */
    int64_t swapped_goal;       /* series_goal() when the commit was made up */
    int64_t series_ready;       /* bins before it are in the facts */
    int64_t series_until;       /* bins before it were given to the series */
    int64_t series_ms;          /* no sooner, unless there is nothing left to read */
    struct series_stats series; /* of the last writing */
    int64_t left_said_ms;       /* when it was said how many files are left; 0: not said */
    bool unsynced;              /* lines were committed since, maybe by an earlier start */
    int64_t folded;             /* hours before it were folded */
    int64_t thinned_day;        /* facts were thinned on this day, since 1970 */

    bool stopping, hurry, closing;
    bool last_swap; /* the commit has all that was read */
    bool committed; /* such a commit has been written, or given up */
    int status;
};

static const int ending_signals[2] = {SIGTERM, SIGINT};

__attribute__((format(printf, 2, 3))) static void say(const struct follow *f, const char *fmt, ...)
{
    char text[1500];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    f->options->say(text);
}

static void say_faults(const struct follow *f)
{
    for (size_t i = 0; i < f->err.n && i < FAULTS_SAID; i++)
        say(f, "%s%s%s", f->err.items[i].file ? f->err.items[i].file : "",
            f->err.items[i].file ? ": " : "", f->err.items[i].text);
    if (f->err.n > FAULTS_SAID)
        say(f, "... and %zu faults more", f->err.n - FAULTS_SAID);
}

static int64_t now_ms(const struct follow *f)
{
    return (int64_t)uv_now(&f->loop);
}

static void schedule(struct follow *f);

/* ---- files ---- */

static void on_opened(void *ctx, unsigned file, int fd, const char *name, uint64_t size)
{
    struct log *log = ctx;

    (void)size;
    log->failed = 0;
    followed_new(&log->log, file, fd, name);
}

static void on_ask(void *ctx, unsigned file)
{
    struct log *log = ctx;

    followed_find(&log->log, file)->asks = true;
}

static void on_lines(void *ctx, unsigned file, const struct tail_lines *lines, uint64_t offset,
                     struct str head, struct str tail)
{
    struct log *log = ctx;

    FAULT("read");
    followed_take(followed_find(&log->log, file), log->follow->now, lines, offset, head, tail);
    FAULT("parsed");
}

static void on_ended(void *ctx, unsigned file, enum tail_end end, uint64_t unread)
{
    struct log *log = ctx;
    struct followed *f = followed_find(&log->log, file);

    if (end == TAIL_TRUNCATED && f->begun) {
        log->truncations++;
        log->unread += unread;
        say(log->follow,
            "%s: was truncated when it had been read up to byte %" PRIu64 "; %" PRIu64
            " bytes of it weren't read yet, they are read if a copy of it is beside it",
            f->name, f->state.position.offset, unread);
    }
    followed_end(f);
}

static void on_failed(void *ctx, const char *name, int rc)
{
    struct log *log = ctx;

    if (log->failed != rc)
        say(log->follow, "%s: can't be read (%s); it is tried again and again", name,
            strerror(-rc));
    log->failed = rc;
}

static void look(struct follow *f);

static void on_hint(void *ctx)
{
    struct log *log = ctx;
    look(log->follow);
}

static const struct tail_uv_calls tail_calls = {
    on_opened, on_ask, on_lines, on_ended, on_failed, on_hint,
};

/* ---- reading ---- */

static size_t records_waiting(const struct follow *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += follow_log_records(&f->logs[i].log);
    return n;
}

static bool may_read(const struct follow *f)
{
    return !f->stopping && !f->failed && records_waiting(f) < COMMIT_RECORDS;
}

static void caught_up(struct log *log)
{
    const struct counts *c = &log->log.counts;

    if (!log->catching_up || !tail_rests(tail_uv_state(log->tail)))
        return;
    log->catching_up = false;
    say(log->follow, "%s: read to its end: %" PRIu64 " lines, %" PRIu64 " events", log->log.path,
        c->lines, c->by[OUTCOME_EVENT]);
}

/* One turn of each log. */
static void on_reading(uv_idle_t *idle)
{
    struct follow *f = idle->data;
    bool more = false;

    for (size_t i = 0; i < f->n && may_read(f); i++) {
        more |= tail_uv_turn(f->logs[i].tail, f->buffer);
        caught_up(&f->logs[i]);
    }
    schedule(f);
    if (!more || !may_read(f))
        uv_idle_stop(idle);
}

static void read_on(struct follow *f)
{
    if (may_read(f) && !f->closing)
        uv_idle_start(&f->reading, on_reading);
}

static void read_clock(struct follow *f);

static void look(struct follow *f)
{
    if (f->stopping)
        return;
    read_clock(f);
    for (size_t i = 0; i < f->n; i++) {
        tail_uv_look(f->logs[i].tail, now_ms(f));
        tail_uv_turn(f->logs[i].tail, NULL);
    }
    read_on(f);
}

/* ---- what is to be told from time to time ---- */

static void summarize(struct log *log)
{
    const struct counts *c = &log->log.counts;
    uint64_t lost = c->by[OUTCOME_LOST];

    if (lost > log->lost_said)
        say(log->follow,
            "%s: %" PRIu64 " lines were lost, since they were too long or broken (%" PRIu64
            " since the start)",
            log->log.path, lost - log->lost_said, lost);
    log->lost_said = lost;
    if (!log->strange_said && c->lines >= STRANGE_LINES && c->by[OUTCOME_UNMATCHED] == c->lines) {
        log->strange_said = true;
        say(log->follow,
            "%s: no parser knows any of its %" PRIu64
            " lines, such as '%s'; 'scantide explain %s' tells more",
            log->log.path, c->lines, log->log.samples.n ? log->log.samples.text[0] : "",
            log->log.path);
    }
}

static void say_end(const struct follow *f)
{
    struct counts sum = {0};
    uint64_t truncations = 0, unread = 0;
    char more[100] = "";

    for (size_t i = 0; i < f->n; i++) {
        counts_add(&sum, &f->logs[i].log.counts);
        truncations += f->logs[i].truncations;
        unread += f->logs[i].unread;
    }
    if (truncations)
        snprintf(more, sizeof more, "; %" PRIu64 " truncations with %" PRIu64 " bytes unread",
                 truncations, unread);
    say(f,
        "ended: %" PRIu64 " lines: %" PRIu64 " events, %" PRIu64 " ignored, %" PRIu64
        " unmatched, %" PRIu64 " lost%s",
        sum.lines, sum.by[OUTCOME_EVENT], sum.by[OUTCOME_IGNORED], sum.by[OUTCOME_UNMATCHED],
        sum.by[OUTCOME_LOST], more);
}

/* ---- answers ---- */

static bool id_is_taken(const struct follow *f, int64_t id)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->logs[i].log.n; j++)
            if (f->logs[i].log.files[j]->begun && f->logs[i].log.files[j]->state.position.id == id)
                return true;
    return false;
}

static void say_begin(struct log *log, const struct followed *file, const struct follow_ask *ask)
{
    const struct follow *f = log->follow;

    if (ask->answer == TAIL_LATER && log->short_said)
        return;
    log->short_said = ask->answer == TAIL_LATER;
    if (ask->answer == TAIL_LATER)
        say(f,
            "%s: is so far the beginning of a log that was taken in further; the rest is waited "
            "for",
            file->name);
    else if (ask->answer == TAIL_KNOWN)
        say(f, "%s: reads on at byte %" PRIu64 " of %" PRIu64, file->name,
            ask->state.position.offset, ask->size);
    else
        say(f, "%s: new, is read from its beginning (%" PRIu64 " bytes)", file->name, ask->size);
}

static void tell_answer(struct follow *f, struct follow_ask *ask)
{
    struct followed *file = ask->file;
    struct log *log = NULL;
    uint64_t offset = ask->answer == TAIL_KNOWN ? ask->state.position.offset : 0;

    for (size_t i = 0; i < f->n && !log; i++)
        if (&f->logs[i].log == file->owner)
            log = &f->logs[i];
    ASSERT(log);
    say_begin(log, file, ask);
    if (ask->answer != TAIL_LATER) {
        /* The copy of a log that is still open goes on as a log of its own. */
        if (ask->state.position.id && id_is_taken(f, ask->state.position.id))
            ask->state.position.id = 0;
        followed_begin(file, ask);
        if (ask->size > offset && ask->size - offset > EXPAND_BYTES) {
            log->catching_up = true;
            geo_expand(f->options->geo);
        }
    }
    tail_uv_told(log->tail, file->file, ask->answer, offset,
                 (struct str){ask->content.head, ask->content.head_n},
                 (struct str){ask->content.tail, ask->content.tail_n});
}

/* ---- jobs ---- */

/* What is long past is thinned once a day. */
static int fold(struct follow *f)
{
    int64_t day = f->until / THIN_EVERY_S;
    int rc = store_fold(f->options->store, f->until);

    if (rc < 0 || day == f->thinned_day)
        return rc;
    f->thinned_day = day;
    return store_thin(f->options->store, f->until);
}

static void work_job(uv_work_t *work)
{
    struct follow *f = work->data;

    switch (f->job) {
    case JOB_COMMIT:
        f->rc = follow_commit_write(&f->commit, f->options->store, &f->options->tags, &f->err);
        FAULT("answered");
        break;
    case JOB_SERIES:
        f->rc = series_sync(f->options->series, f->options->store, f->until, f->how, &f->series,
                            &f->err);
        break;
    case JOB_FOLD:
        f->rc = fold(f);
        if (f->rc < 0)
            error_add(&f->err, NULL, 0, 0, "the facts can't be folded (%s)",
                      store_error(f->options->store));
        break;
    case JOB_NONE: break;
    }
}

static void commit_failed(struct follow *f)
{
    if (!f->failed || now_ms(f) - f->failed_ms >= SUMMARY_MS) {
        f->failed_ms = now_ms(f);
        say_faults(f);
        if (!f->stopping)
            say(f, "the commit is tried again every %d s; reading waits, nothing is lost",
                RETRY_MS / 1000);
    }
    f->failed = true;
    f->retry_ms = now_ms(f) + RETRY_MS;
    if (f->stopping) {
        say(f, "ends without it: the next start reads again from the last commit");
        f->committed = true;
        f->status = -EIO;
    }
}

/* As after a crash: what isn't committed is forgotten, and read again from where the facts end. */
static void begin_anew(struct follow *f)
{
    say(f, "another scantide took in lines of a log that is followed: what was read of it is "
           "forgotten, and read on from there");
    f->status = f->stopping ? 0 : -ESTALE;
    f->stopping = f->hurry = f->committed = true;
    f->failed = false;
}

static void commit_ended(struct follow *f)
{
    if (f->rc == -ESTALE) {
        begin_anew(f);
        return;
    }
    if (f->rc < 0) {
        commit_failed(f);
        return;
    }
    if (f->failed)
        say(f, "the facts can be written again");
    f->failed = false;
    f->series_ready = f->swapped_goal;
    f->unsynced |= f->commit.n > 0;
    follow_commit_done(&f->commit);
    for (size_t i = 0; i < f->commit.ask_count && !f->stopping; i++)
        tell_answer(f, &f->commit.asks[i]);
    follow_commit_clear(&f->commit);
    f->committed = f->last_swap;
}

/* All files made again, after a change of their schema say, takes its time. */
static void say_left(struct follow *f)
{
    bool more = f->series.more && f->series.left > 0;

    if (more && (!f->left_said_ms || now_ms(f) - f->left_said_ms >= SUMMARY_MS)) {
        say(f, "%" PRIu64 " of %" PRIu64 " RRD files are still to be made", f->series.left,
            f->series.files);
        f->left_said_ms = now_ms(f);
    } else if (!more && f->left_said_ms && f->rc == 0) {
        say(f, "all %" PRIu64 " RRD files are made", f->series.files);
        f->left_said_ms = 0;
    }
}

static void series_ended(struct follow *f)
{
    f->series_ms = now_ms(f) + (f->series.more ? 0 : SERIES_MS);
    say_left(f);
    if (f->rc == -EWOULDBLOCK && !f->stopping) { /* somebody else writes them now */
        f->series_ms = now_ms(f) + RETRY_MS;
        f->series_until = 0;
    }
    say_faults(f);
}

static void after_job(uv_work_t *work, int status)
{
    struct follow *f = work->data;
    enum job job = f->job;

    ASSERT(status == 0);
    f->job = JOB_NONE;
    if (job == JOB_COMMIT)
        commit_ended(f);
    else if (job == JOB_SERIES)
        series_ended(f);
    else
        say_faults(f);
    error_fini(&f->err);
    schedule(f);
    read_on(f);
}

static void start(struct follow *f, enum job job)
{
    f->job = job;
    f->rc = 0;
    f->work.data = f;
    ASSERT(uv_queue_work(&f->loop, &f->work, work_job, after_job) == 0);
}

/* ---- when which job is due ---- */

static int64_t fold_goal(void)
{
    int64_t until = wall_now() - FOLD_AFTER_S;
    return until - until % HOUR_S;
}

/* How far the series may go: to the end of the last bin, or batch of bins, that is over and whose
 * lines have been read. */
static int64_t series_goal(const struct follow *f)
{
    int64_t until = wall_now() - f->options->late_s;

    for (size_t i = 0; i < f->n; i++)
        if (!tail_rests(tail_uv_state(f->logs[i].tail))) {
            int64_t reached = f->logs[i].log.watched_to;
            until = reached == INT64_MIN ? 0 : reached < until ? reached : until;
        }
    return until - until % (f->stopping ? BIN_S : f->options->write_every_s);
}

/* Where the clock was set back, what was done up to the time that it showed is done up to this. */
static void read_clock(struct follow *f)
{
    int64_t now = wall_now();

    if (now < f->now) {
        int64_t series = series_goal(f), fold = fold_goal();
        f->series_ready = f->series_ready < series ? f->series_ready : series;
        f->series_until = f->series_until < series ? f->series_until : series;
        f->folded = f->folded < fold ? f->folded : fold;
    }
    f->now = now;
}

static bool all_rest(const struct follow *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!tail_rests(tail_uv_state(f->logs[i].tail)))
            return false;
    return true;
}

static bool series_may(const struct follow *f)
{
    return now_ms(f) >= f->series_ms || (all_rest(f) && f->rc != -EWOULDBLOCK);
}

static bool commit_is_due(const struct follow *f)
{
    bool changed = false;

    if (f->stopping)
        return !f->committed;
    if (records_waiting(f) >= COMMIT_RECORDS || now_ms(f) - f->watch_ms >= WATCH_MS ||
        (series_goal(f) > f->series_ready && series_may(f)))
        return true;
    for (size_t i = 0; i < f->n; i++) {
        if (follow_log_asks(&f->logs[i].log))
            return true;
        changed |= follow_log_changed(&f->logs[i].log);
    }
    return changed && now_ms(f) - f->commit_ms >= f->options->commit_every_s * 1000 - LOOK_MS / 2;
}

static bool series_is_due(const struct follow *f)
{
    if (f->stopping)
        /* What a next start has to go on with anyway is left to it. */
        return !f->hurry && f->status == 0 && !f->series.more &&
               (f->series_ready > f->series_until || f->unsynced);
    return (f->series_ready > f->series_until || f->series.more) && series_may(f);
}

/* Whether there is anything to write. */
static bool swap(struct follow *f)
{
    read_clock(f);
    f->swapped_goal = series_goal(f);
    bool watch =
        f->stopping || now_ms(f) - f->watch_ms >= WATCH_MS || f->swapped_goal > f->series_ready;
    f->last_swap = f->stopping;
    for (size_t i = 0; i < f->n; i++) {
        const struct tail *tail = tail_uv_state(f->logs[i].tail);
        struct follow_log *log = &f->logs[i].log;
        unsigned current = tail_rests(tail) ? tail_current(tail) : 0;
        follow_swap(log, current ? followed_find(log, current) : NULL, f->now, watch, f->stopping,
                    &f->commit);
    }
    FAULT("swapped");
    f->commit_ms = now_ms(f);
    if (watch)
        f->watch_ms = now_ms(f);
    return !follow_commit_empty(&f->commit);
}

static void close_all(struct follow *f)
{
    FAULT("stopped");
    f->closing = true;
    uv_close((uv_handle_t *)&f->timer, NULL);
    uv_close((uv_handle_t *)&f->reading, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&f->signals[i], NULL);
    for (size_t i = 0; i < f->n; i++)
        tail_uv_close(f->logs[i].tail);
}

/* Starts the job that is due, if none is running; ends all when it is time and nothing is left to
 * do. */
static void schedule(struct follow *f)
{
    if (f->job != JOB_NONE || f->closing)
        return;
    if (f->failed && !f->committed) {
        if (f->stopping || now_ms(f) >= f->retry_ms)
            start(f, JOB_COMMIT);
        return;
    }
    if (commit_is_due(f)) {
        if (swap(f)) {
            start(f, JOB_COMMIT);
            return;
        }
        f->committed = f->stopping;
        f->series_ready = f->swapped_goal;
    }
    if (series_is_due(f)) {
        f->until = f->series_until = f->series_ready;
        /* While it runs, late lines are gathered before series are made again for them. */
        f->how = f->stopping ? 0 : SERIES_PACED;
        f->unsynced = false;
        start(f, JOB_SERIES);
    } else if (f->stopping) {
        close_all(f);
    } else if (fold_goal() > f->folded) {
        f->until = f->folded = fold_goal();
        start(f, JOB_FOLD);
    }
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    struct follow *f = timer->data;

    look(f);
    if (now_ms(f) - f->summary_ms >= SUMMARY_MS) {
        f->summary_ms = now_ms(f);
        for (size_t i = 0; i < f->n; i++)
            summarize(&f->logs[i]);
    }
    schedule(f);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct follow *f = handle->data;

    (void)number;
    f->hurry = f->stopping;
    f->stopping = true;
    FAULT("stop");
    uv_idle_stop(&f->reading);
    schedule(f);
}

static void open_logs(struct follow *f)
{
    const struct follow_options *o = f->options;

    f->n = o->path_count;
    f->logs = xcalloc(f->n + 1, sizeof *f->logs);
    for (size_t i = 0; i < f->n; i++) {
        struct log *log = &f->logs[i];
        log->follow = f;
        log->log = (struct follow_log){.path = o->paths[i].file,
                                       .sensor = o->paths[i].sensor,
                                       .zone = o->paths[i].zone,
                                       .geo = o->geo};
        follow_log_init(&log->log, o->parsers);
        log->tail = tail_uv_new(&f->loop, log->log.path, &tail_calls, log);
    }
}

/* Those that have nothing to begin with; the others are told of when it is known where they go
 * on. */
static void say_waiting(const struct follow *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct follow_log *log = &f->logs[i].log;
        if (!f->logs[i].failed && tail_rests(tail_uv_state(f->logs[i].tail)))
            say(f, "%s: %s; it is waited for", log->path,
                log->n ? "is empty yet" : "isn't there yet");
    }
}

static void start_loop(struct follow *f)
{
    ASSERT(uv_loop_init(&f->loop) == 0);
    ASSERT(uv_timer_init(&f->loop, &f->timer) == 0);
    ASSERT(uv_idle_init(&f->loop, &f->reading) == 0);
    f->timer.data = f->reading.data = f;
    for (size_t i = 0; i < 2; i++) {
        ASSERT(uv_signal_init(&f->loop, &f->signals[i]) == 0);
        f->signals[i].data = f;
        ASSERT(uv_signal_start(&f->signals[i], on_signal, ending_signals[i]) == 0);
    }
    ASSERT(uv_timer_start(&f->timer, on_timer, LOOK_MS, LOOK_MS) == 0);
    f->commit_ms = f->watch_ms = f->summary_ms = now_ms(f);
}

static int follow_once(const struct follow_options *o)
{
    struct follow f = {.options = o, .unsynced = true, .buffer = xmalloc(TAIL_READ_BYTES)};

    start_loop(&f);
    open_logs(&f);
    look(&f);
    say_waiting(&f);
    schedule(&f);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&f.loop) == 0);
    if (f.status != -ESTALE)
        say_end(&f);
    for (size_t i = 0; i < f.n; i++)
        follow_log_fini(&f.logs[i].log);
    follow_commit_fini(&f.commit);
    free(f.logs);
    free(f.buffer);
    return f.status;
}

int follow_run(const struct follow_options *o)
{
    int rc;

    do
        rc = follow_once(o);
    while (rc == -ESTALE);
    return rc;
}

#include "pipeline/daemon_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/wall.h"
#include "pipeline/files_uv.h"
#include "pipeline/journal_uv.h"
#include "pipeline/stdin_uv.h"
#include "pipeline/upkeep.h"

enum {
    LOOK_MS = 1000,
    COMMIT_RECORDS = 200 * 1024, /* events that wait: commit now; reading waits */
    WATCH_MS = 60 * 1000,        /* between commits of nothing but that the logs were watched */
    RETRY_MS = 5000,             /* after a failed commit */
    SUMMARY_MS = 60 * 1000,
    SERIES_MS = 60 * 1000, /* between two writings of the series while old lines are caught up */
    FAULTS_SAID = 5
};

enum job { JOB_NONE, JOB_COMMIT, JOB_SERIES, JOB_UPKEEP };

struct daemon {
    const struct daemon_options *options;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_idle_t reading;
    uv_signal_t signals[2];
    uv_prepare_t before_wait; /* around the loop's waiting, to know how long a turn keeps it */
    uv_check_t after_wait;
    uint64_t woke_ns, longest_ns;

    struct feed_host host;
    struct feed **feeds;
    size_t n;
    bool flowing; /* the feeds were told so */

    uv_work_t work;
    enum job job; /* the one that runs */
    int rc;
    struct error err;
    int64_t until; /* the job's */
    unsigned how;  /* the same */
    struct batch batch;
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
    struct upkeep upkeep;
    bool upkeep_more; /* the last slice left something to do */

    bool stopping, hurry, closing;
    bool last_swap; /* the commit has all that was read */
    bool committed; /* such a commit has been written, or given up */
    int status;
};

static const int ending_signals[2] = {SIGTERM, SIGINT};

static void vsay(const struct daemon *d, const char *fmt, va_list ap)
{
    char text[1500];

    vsnprintf(text, sizeof text, fmt, ap);
    d->options->say(text);
}

__attribute__((format(printf, 2, 3))) static void say(const struct daemon *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(d, fmt, ap);
    va_end(ap);
}

static void say_faults(const struct daemon *d)
{
    for (size_t i = 0; i < d->err.n && i < FAULTS_SAID; i++)
        say(d, "%s%s%s", d->err.items[i].file ? d->err.items[i].file : "",
            d->err.items[i].file ? ": " : "", d->err.items[i].text);
    if (d->err.n > FAULTS_SAID)
        say(d, "... and %zu faults more", d->err.n - FAULTS_SAID);
}

static int64_t now_ms(const struct daemon *d)
{
    return (int64_t)uv_now(&d->loop);
}

static void schedule(struct daemon *d);

/* ---- reading ---- */

static size_t records_waiting(const struct daemon *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++)
        n += d->feeds[i]->ops->records(d->feeds[i]);
    return n;
}

static bool may_read(const struct daemon *d)
{
    return !d->stopping && !d->failed && records_waiting(d) < COMMIT_RECORDS;
}

/* Those whose lines come by themselves are told when to wait. */
static void flow(struct daemon *d)
{
    bool on = may_read(d);

    if (on == d->flowing)
        return;
    d->flowing = on;
    for (size_t i = 0; i < d->n; i++)
        if (d->feeds[i]->ops->flow)
            d->feeds[i]->ops->flow(d->feeds[i], on);
}

/* One turn of each feed. */
static void on_reading(uv_idle_t *idle)
{
    struct daemon *d = idle->data;
    bool more = false;

    for (size_t i = 0; i < d->n && may_read(d); i++)
        if (d->feeds[i]->ops->turn)
            more |= d->feeds[i]->ops->turn(d->feeds[i]);
    schedule(d);
    if (!more || !may_read(d))
        uv_idle_stop(idle);
}

static void read_on(struct daemon *d)
{
    flow(d);
    if (may_read(d) && !d->closing)
        uv_idle_start(&d->reading, on_reading);
}

static void read_clock(struct daemon *d);

static void look(struct daemon *d)
{
    if (d->stopping)
        return;
    read_clock(d);
    d->host.now_ms = now_ms(d);
    for (size_t i = 0; i < d->n; i++)
        d->feeds[i]->ops->look(d->feeds[i]);
    read_on(d);
}

/* ---- what the feeds may use ---- */

__attribute__((format(printf, 2, 3))) static void host_say(const struct feed_host *h,
                                                           const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(h->daemon, fmt, ap);
    va_end(ap);
}

static void host_hint(struct feed_host *h)
{
    look(h->daemon);
}

static bool host_may_read(const struct feed_host *h)
{
    return may_read(h->daemon);
}

static void stop(struct daemon *d);

static void host_end(struct feed_host *h)
{
    if (!h->daemon->stopping)
        stop(h->daemon);
    schedule(h->daemon);
}

/* So many records that a commit is due before its time. */
static void host_wake(struct feed_host *h)
{
    schedule(h->daemon);
    read_on(h->daemon);
}

/* ---- what is to be told from time to time ---- */

static void say_end(const struct daemon *d)
{
    struct feed_totals t = {0};
    const struct counts *c = &t.counts;
    char more[100] = "";

    for (size_t i = 0; i < d->n; i++)
        d->feeds[i]->ops->totals(d->feeds[i], &t);
    say(d, "no turn of the loop took longer than %" PRIu64 " ms", d->longest_ns / 1000000 + 1);
    if (t.truncations)
        snprintf(more, sizeof more, "; %" PRIu64 " truncations with %" PRIu64 " bytes unread",
                 t.truncations, t.unread);
    say(d,
        "ended: %" PRIu64 " lines: %" PRIu64 " events, %" PRIu64 " ignored, %" PRIu64
        " unmatched, %" PRIu64 " lost%s",
        c->lines, c->by[OUTCOME_EVENT], c->by[OUTCOME_IGNORED], c->by[OUTCOME_UNMATCHED],
        c->by[OUTCOME_LOST], more);
}

/* ---- jobs ---- */

static void work_job(uv_work_t *work)
{
    struct daemon *d = work->data;

    switch (d->job) {
    case JOB_COMMIT:
        d->rc = batch_write(&d->batch, d->options->store, &d->options->tags, &d->err);
        FAULT("answered");
        break;
    case JOB_SERIES:
        d->rc = series_sync(d->options->series, d->options->store, d->until, d->how, &d->series,
                            &d->err);
        break;
    case JOB_UPKEEP:
        d->rc = upkeep_slice(&d->upkeep, d->options->store, d->until, UPKEEP_BYTES, &d->upkeep_more,
                             &d->err);
        break;
    case JOB_NONE: break;
    }
}

static void commit_failed(struct daemon *d)
{
    if (!d->failed || now_ms(d) - d->failed_ms >= SUMMARY_MS) {
        d->failed_ms = now_ms(d);
        say_faults(d);
        if (!d->stopping)
            say(d, "the commit is tried again every %d s; reading waits, nothing is lost",
                RETRY_MS / 1000);
    }
    d->failed = true;
    d->retry_ms = now_ms(d) + RETRY_MS;
    if (d->stopping) {
        say(d, "ends without it: the next start reads again from the last commit");
        d->committed = true;
        d->status = -EIO;
    }
}

static void commit_ended(struct daemon *d)
{
    if (d->rc < 0) {
        commit_failed(d);
        return;
    }
    if (d->failed)
        say(d, "the facts can be written again");
    d->failed = false;
    d->series_ready = d->swapped_goal;
    d->unsynced |= d->batch.n > 0;
    batch_done(&d->batch);
    if (!d->stopping)
        batch_tell(&d->batch);
    for (size_t i = 0; i < d->n && !d->stopping; i++)
        if (d->feeds[i]->ops->settle)
            d->feeds[i]->ops->settle(d->feeds[i]);
    d->committed = d->last_swap;
}

/* All files made again, after a change of their schema say, takes its time. */
static void say_left(struct daemon *d)
{
    bool more = d->series.more && d->series.left > 0;

    if (more && (!d->left_said_ms || now_ms(d) - d->left_said_ms >= SUMMARY_MS)) {
        say(d, "%" PRIu64 " of %" PRIu64 " RRD files are still to be made", d->series.left,
            d->series.files);
        d->left_said_ms = now_ms(d);
    } else if (!more && d->left_said_ms && d->rc == 0) {
        say(d, "all %" PRIu64 " RRD files are made", d->series.files);
        d->left_said_ms = 0;
    }
}

static void series_ended(struct daemon *d)
{
    d->series_ms = now_ms(d) + (d->series.more ? 0 : SERIES_MS);
    say_left(d);
    if (d->rc == -EWOULDBLOCK && !d->stopping) { /* somebody else writes them now */
        d->series_ms = now_ms(d) + RETRY_MS;
        d->series_until = 0;
    }
    say_faults(d);
}

static void after_job(uv_work_t *work, int status)
{
    struct daemon *d = work->data;
    enum job job = d->job;

    ASSERT(status == 0);
    d->job = JOB_NONE;
    if (job == JOB_COMMIT)
        commit_ended(d);
    else if (job == JOB_SERIES)
        series_ended(d);
    else
        say_faults(d);
    error_fini(&d->err);
    schedule(d);
    read_on(d);
}

static void start(struct daemon *d, enum job job)
{
    d->job = job;
    d->rc = 0;
    d->work.data = d;
    ASSERT(uv_queue_work(&d->loop, &d->work, work_job, after_job) == 0);
}

/* ---- when which job is due ---- */

static int64_t fold_goal(void)
{
    int64_t until = wall_now() - UPKEEP_FOLD_AFTER_S;
    return until - until % HOUR_S;
}

/* How far the series may go: to the end of the last bin, or batch of bins, that is over and whose
 * lines have been read. */
static int64_t series_goal(const struct daemon *d)
{
    int64_t until = wall_now() - d->options->late_s;

    for (size_t i = 0; i < d->n; i++)
        until = d->feeds[i]->ops->reached(d->feeds[i], until);
    return until - until % (d->stopping ? BIN_S : d->options->write_every_s);
}

/* Where the clock was set back, what was done up to the time that it showed is done up to this. */
static void read_clock(struct daemon *d)
{
    int64_t now = wall_now();

    if (now < d->host.now) {
        int64_t series = series_goal(d), fold = fold_goal();
        d->series_ready = d->series_ready < series ? d->series_ready : series;
        d->series_until = d->series_until < series ? d->series_until : series;
        d->folded = d->folded < fold ? d->folded : fold;
    }
    d->host.now = now;
}

static bool all_rest(const struct daemon *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (!d->feeds[i]->ops->rests(d->feeds[i]))
            return false;
    return true;
}

static bool series_may(const struct daemon *d)
{
    return now_ms(d) >= d->series_ms || (all_rest(d) && d->rc != -EWOULDBLOCK);
}

static bool commit_is_due(const struct daemon *d)
{
    bool changed = false;

    if (d->stopping)
        return !d->committed;
    if (records_waiting(d) >= COMMIT_RECORDS || now_ms(d) - d->watch_ms >= WATCH_MS ||
        (series_goal(d) > d->series_ready && series_may(d)))
        return true;
    for (size_t i = 0; i < d->n; i++) {
        if (d->feeds[i]->ops->asks && d->feeds[i]->ops->asks(d->feeds[i]))
            return true;
        changed |= d->feeds[i]->ops->changed(d->feeds[i]);
    }
    return changed && now_ms(d) - d->commit_ms >= d->options->commit_every_s * 1000 - LOOK_MS / 2;
}

static bool series_is_due(const struct daemon *d)
{
    if (d->stopping)
        /* What a next start has to go on with anyway is left to it. */
        return !d->hurry && d->status == 0 && !d->series.more &&
               (d->series_ready > d->series_until || d->unsynced);
    return (d->series_ready > d->series_until || d->series.more) && series_may(d);
}

/* Whether there is anything to write. */
static bool swap(struct daemon *d)
{
    read_clock(d);
    d->swapped_goal = series_goal(d);
    bool watch =
        d->stopping || now_ms(d) - d->watch_ms >= WATCH_MS || d->swapped_goal > d->series_ready;
    d->last_swap = d->stopping;
    for (size_t i = 0; i < d->n; i++)
        d->feeds[i]->ops->swap(d->feeds[i], watch, d->stopping, &d->batch);
    FAULT("swapped");
    d->commit_ms = now_ms(d);
    if (watch)
        d->watch_ms = now_ms(d);
    return !batch_empty(&d->batch);
}

static void close_all(struct daemon *d)
{
    FAULT("stopped");
    d->closing = true;
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_close((uv_handle_t *)&d->reading, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->before_wait, NULL);
    uv_close((uv_handle_t *)&d->after_wait, NULL);
    for (size_t i = 0; i < d->n; i++)
        d->feeds[i]->ops->close(d->feeds[i]);
}

/* Starts the job that is due, if none is running; ends all when it is time and nothing is left to
 * do. */
static void schedule(struct daemon *d)
{
    if (d->job != JOB_NONE || d->closing)
        return;
    if (d->failed && !d->committed) {
        if (d->stopping || now_ms(d) >= d->retry_ms)
            start(d, JOB_COMMIT);
        return;
    }
    if (commit_is_due(d)) {
        if (swap(d)) {
            start(d, JOB_COMMIT);
            return;
        }
        d->committed = d->stopping;
        d->series_ready = d->swapped_goal;
    }
    if (series_is_due(d)) {
        d->until = d->series_until = d->series_ready;
        /* While it runs, late lines are gathered before series are made again for them. */
        d->how = d->stopping ? 0 : SERIES_PACED;
        d->unsynced = false;
        start(d, JOB_SERIES);
    } else if (d->stopping) {
        close_all(d);
    } else if (d->upkeep_more || fold_goal() > d->folded) {
        d->folded = fold_goal();
        d->until = wall_now();
        start(d, JOB_UPKEEP);
    }
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    look(d);
    if (now_ms(d) - d->summary_ms >= SUMMARY_MS) {
        d->summary_ms = now_ms(d);
        for (size_t i = 0; i < d->n; i++)
            d->feeds[i]->ops->summarize(d->feeds[i]);
    }
    schedule(d);
}

static void stop(struct daemon *d)
{
    d->hurry = d->stopping;
    if (d->stopping)
        return;
    d->stopping = true;
    uv_idle_stop(&d->reading);
    for (size_t i = 0; i < d->n; i++)
        if (d->feeds[i]->ops->stop)
            d->feeds[i]->ops->stop(d->feeds[i]);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;

    (void)number;
    stop(d);
    FAULT("stop");
    schedule(d);
}

static void on_before_wait(uv_prepare_t *handle)
{
    struct daemon *d = handle->data;
    uint64_t took = d->woke_ns ? uv_hrtime() - d->woke_ns : 0;

    d->longest_ns = took > d->longest_ns ? took : d->longest_ns;
}

static void on_after_wait(uv_check_t *handle)
{
    struct daemon *d = handle->data;
    d->woke_ns = uv_hrtime();
}

static void start_loop(struct daemon *d)
{
    ASSERT(uv_loop_init(&d->loop) == 0);
    ASSERT(uv_timer_init(&d->loop, &d->timer) == 0);
    ASSERT(uv_idle_init(&d->loop, &d->reading) == 0);
    ASSERT(uv_prepare_init(&d->loop, &d->before_wait) == 0);
    ASSERT(uv_check_init(&d->loop, &d->after_wait) == 0);
    d->timer.data = d->reading.data = d->before_wait.data = d->after_wait.data = d;
    for (size_t i = 0; i < 2; i++) {
        ASSERT(uv_signal_init(&d->loop, &d->signals[i]) == 0);
        d->signals[i].data = d;
        ASSERT(uv_signal_start(&d->signals[i], on_signal, ending_signals[i]) == 0);
    }
    ASSERT(uv_timer_start(&d->timer, on_timer, LOOK_MS, LOOK_MS) == 0);
    ASSERT(uv_prepare_start(&d->before_wait, on_before_wait) == 0);
    ASSERT(uv_check_start(&d->after_wait, on_after_wait) == 0);
    d->commit_ms = d->watch_ms = d->summary_ms = now_ms(d);
}

static void add_feed(struct daemon *d, struct feed *f)
{
    d->feeds = xrealloc(d->feeds, d->n + 1, sizeof(struct feed *));
    d->feeds[d->n++] = f;
}

static void open_feeds(struct daemon *d)
{
    const struct daemon_options *o = d->options;

    d->host = (struct feed_host){
        .loop = &d->loop,
        .daemon = d,
        .parsers = o->parsers,
        .geo = o->geo,
        .store = o->store,
        .buffer = xmalloc(FEED_BUFFER_BYTES),
        .say = host_say,
        .hint = host_hint,
        .may_read = host_may_read,
        .end = host_end,
        .wake = host_wake,
    };
    read_clock(d);
    add_feed(d, files_open(&d->host, o->inputs, o->input_count));
    for (size_t i = 0; i < o->input_count; i++) {
        const struct config_input *in = &o->inputs[i];
        struct feed *f = NULL;
        if (in->kind == INPUT_JOURNAL)
            f = journal_feed_open(&d->host, in, &d->err);
        else if (in->kind == INPUT_STDIN)
            f = stdin_feed_open(&d->host, in, &d->err);
        if (f)
            add_feed(d, f);
    }
}

int daemon_run(const struct daemon_options *o)
{
    struct daemon d = {.options = o, .unsynced = true, .flowing = true};

    start_loop(&d);
    open_feeds(&d);
    if (d.err.n) {
        say_faults(&d);
        d.status = -EINVAL;
        close_all(&d);
    } else {
        look(&d);
        schedule(&d);
    }
    uv_run(&d.loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&d.loop) == 0);
    if (d.status != -EINVAL)
        say_end(&d);
    error_fini(&d.err);
    batch_fini(&d.batch);
    for (size_t i = 0; i < d.n; i++)
        d.feeds[i]->ops->free(d.feeds[i]);
    free(d.feeds);
    free(d.host.buffer);
    return d.status;
}

#include "pipeline/daemon_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/notify.h"
#include "base/wall.h"
#include "pipeline/control_uv.h"
#include "pipeline/upkeep.h"

enum {
    LOOK_MS = 1000,
    BUSY_RECORDS = 4096, /* of one look: the next is sooner */
    BUSY_LOOK_MS = 200,
    COMMIT_RECORDS = 200 * 1024, /* events that wait: commit now */
    READ_RECORDS = 600 * 1024,   /* reading waits, too, for a commit that is slow (19 MB) */
    FLOW_RECORDS = 2000 * 1024,  /* what comes by itself waits where so many do (64 MB) */
    WATCH_MS = 60 * 1000,        /* between commits of nothing but that the logs were watched */
    RETRY_MS = 5000,             /* after a failed commit */
    SUMMARY_MS = 60 * 1000,
    SERIES_MS = 60 * 1000,    /* between two writings of the series while old lines are caught up */
    STATUS_MS = 10 * 1000,    /* between two lines for systemctl status */
    DATABASES_MS = 60 * 1000, /* between two looks whether a database was replaced */
    FAULTS_SAID = 5,
    SIGNALS = 3
};

enum job { JOB_NONE, JOB_COMMIT, JOB_SERIES, JOB_UPKEEP, JOB_LOAD, JOB_APPLY };

struct daemon {
    const struct daemon_options *options;
    struct daemon_setup *setup;
    struct daemon_setup *next;   /* loaded, and not adopted yet */
    bool reload;                 /* is wanted */
    int64_t databases_ms;        /* when they were looked at */
    int64_t watchdog_ms;         /* systemd wants to hear so often; 0: it doesn't */
    int64_t alive_ms, status_ms; /* when it did */
    uv_loop_t loop;
    uv_timer_t timer, sooner;
    size_t looked; /* records that waited when it was looked last */
    uv_idle_t reading;
    uv_signal_t signals[SIGNALS];
    uv_prepare_t before_wait; /* around the loop's waiting, to know how long a turn keeps it */
    uv_check_t after_wait;
    uint64_t woke_ns, longest_ns;

    struct feed_host host;
    struct feeds *feeds;
    struct control *control;
    struct reports *reports;
    int64_t started, committed_at; /* UTC, seconds */
    bool flowing;                  /* the feeds were told so */

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

static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP};

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

static void say_line(void *ctx, const char *text)
{
    const struct daemon *d = ctx;

    d->options->say(text);
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

static bool may_read(const struct daemon *d)
{
    return !d->stopping && !d->failed &&
           feeds_records(d->feeds) < (d->job == JOB_NONE ? COMMIT_RECORDS : READ_RECORDS);
}

/* Those whose lines come by themselves are told when to wait. To wait may be to lose, so while a
 * commit is in the way they go on for longer. */
static void flow(struct daemon *d)
{
    bool on = feeds_records(d->feeds) < FLOW_RECORDS;

    if (d->stopping || on == d->flowing)
        return;
    d->flowing = on;
    feeds_flow(d->feeds, on);
}

static void on_sooner(uv_timer_t *timer);

/* All is read. What grows fast isn't left alone for a whole second. */
static void look_sooner(struct daemon *d)
{
    size_t n = feeds_records(d->feeds);

    if (!d->stopping && n > d->looked && n - d->looked >= BUSY_RECORDS)
        uv_timer_start(&d->sooner, on_sooner, BUSY_LOOK_MS, 0);
}

/* One turn of each feed. */
static void on_reading(uv_idle_t *idle)
{
    struct daemon *d = idle->data;
    bool more = feeds_turn(d->feeds);

    if (!more)
        look_sooner(d);
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
    d->looked = feeds_records(d->feeds);
    feeds_look(d->feeds);
    read_on(d);
}

static void on_sooner(uv_timer_t *timer)
{
    look(timer->data);
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
    char more[160] = "";
    size_t n = 0;

    feeds_totals(d->feeds, &t);
    say(d, "no turn of the loop took longer than %" PRIu64 " ms", d->longest_ns / 1000000 + 1);
    if (t.truncations)
        n = (size_t)snprintf(more, sizeof more,
                             "; %" PRIu64 " truncations with %" PRIu64 " bytes unread",
                             t.truncations, t.unread);
    if (t.damaged)
        snprintf(more + n, sizeof more - n, "; %" PRIu64 " damaged files", t.damaged);
    if (c->limited)
        say(d, "%" PRIu64 " times a pattern was given up at its match limit", c->limited);
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
        d->rc = batch_write(&d->batch, d->options->store, &d->setup->tags, &d->err);
        FAULT("answered");
        break;
    case JOB_SERIES:
        d->rc =
            series_sync(d->setup->series, d->options->store, d->until, d->how, &d->series, &d->err);
        break;
    case JOB_UPKEEP:
        d->rc = upkeep_slice(&d->upkeep, d->options->store, d->until, UPKEEP_BYTES, &d->upkeep_more,
                             &d->err);
        break;
    case JOB_LOAD: d->rc = d->options->load(d->options->ctx, d->setup, &d->next, &d->err); break;
    case JOB_APPLY: d->rc = d->options->apply(d->options->ctx, d->next, &d->err); break;
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
    d->committed_at = wall_now();
    d->series_ready = d->swapped_goal;
    d->unsynced |= d->batch.n > 0;
    batch_done(&d->batch);
    if (!d->stopping)
        batch_tell(&d->batch);
    if (!d->stopping)
        feeds_settle(d->feeds);
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

static void upkeep_ended(struct daemon *d)
{
    say_faults(d);
    if (d->upkeep.said)
        say(d, "%s", d->upkeep.said);
    free(d->upkeep.said);
    d->upkeep.said = NULL;
}

static void start(struct daemon *d, enum job job);

/* ---- a changed configuration ---- */

/* Whoever ends by now takes nothing over: the next start will. */
static void leave_it(struct daemon *d)
{
    if (d->next)
        d->next->free(d->next);
    d->next = NULL;
}

static void refuse(struct daemon *d)
{
    say_faults(d);
    say(d, "the configuration stays as it was: mend that, and send SIGHUP again");
    leave_it(d);
    notify_ready();
}

/* What is new has been opened, and the facts know the rules: nothing can fail any more. */
static void adopt(struct daemon *d)
{
    struct daemon_setup *old = d->setup;

    d->setup = d->next;
    d->next = NULL;
    d->host.parsers = d->setup->parsers;
    d->host.geo = d->setup->geo;
    feeds_adopt(d->feeds, d->setup->inputs, d->setup->input_count);
    reports_adopt(d->reports, &d->setup->report);
    old->free(old);
    say(d, "the configuration is taken over: %zu input%s", d->setup->input_count,
        d->setup->input_count == 1 ? "" : "s");
    notify_ready();
    look(d);
}

static void loaded(struct daemon *d)
{
    if (d->stopping) {
        leave_it(d);
        return;
    }
    if (d->rc == 0)
        d->rc = feeds_prepare(d->feeds, d->next->inputs, d->next->input_count, &d->err);
    if (d->rc < 0)
        refuse(d);
}

static void applied(struct daemon *d)
{
    if (d->stopping) {
        feeds_abandon(d->feeds);
        leave_it(d);
    } else if (d->rc < 0) {
        feeds_abandon(d->feeds);
        refuse(d);
    } else {
        adopt(d);
    }
}

/* A country database was replaced: it is loaded as a changed configuration is. */
static void look_at_databases(struct daemon *d)
{
    if (now_ms(d) - d->databases_ms < DATABASES_MS)
        return;
    d->databases_ms = now_ms(d);
    if (d->options->changed(d->options->ctx, d->setup)) {
        say(d, "a country or AS database was replaced");
        d->reload = true;
    }
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
    else if (job == JOB_LOAD)
        loaded(d);
    else if (job == JOB_APPLY)
        applied(d);
    else
        upkeep_ended(d);
    error_fini(&d->err);
    if (d->next) /* loaded, and opened; faults are the next job's from here on */
        start(d, JOB_APPLY);
    schedule(d);
    read_on(d);
}

static void start(struct daemon *d, enum job job)
{
    ASSERT(d->job == JOB_NONE);
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
    int64_t until = wall_now() - d->setup->late_s;

    until = feeds_reached(d->feeds, until);
    return until - until % (d->stopping ? BIN_S : d->setup->write_every_s);
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

static bool series_may(const struct daemon *d)
{
    return now_ms(d) >= d->series_ms || (feeds_rest(d->feeds) && d->rc != -EWOULDBLOCK);
}

static bool commit_is_due(const struct daemon *d)
{
    if (d->stopping)
        return !d->committed;
    if (feeds_records(d->feeds) >= COMMIT_RECORDS || now_ms(d) - d->watch_ms >= WATCH_MS ||
        (series_goal(d) > d->series_ready && series_may(d)) || feeds_ask(d->feeds))
        return true;
    return feeds_changed(d->feeds) &&
           now_ms(d) - d->commit_ms >= d->setup->commit_every_s * 1000 - LOOK_MS / 2;
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
    feeds_swap(d->feeds, watch, d->stopping, &d->batch);
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
    if (d->status != -EINVAL)
        feeds_summarize(d->feeds);
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_close((uv_handle_t *)&d->sooner, NULL);
    uv_close((uv_handle_t *)&d->reading, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->before_wait, NULL);
    uv_close((uv_handle_t *)&d->after_wait, NULL);
    batch_fini(&d->batch); /* before what it has parts of */
    feeds_close(d->feeds);
    control_close(d->control);
    reports_close(d->reports);
}

/* Starts the job that is due, if none is running; ends all when it is time and nothing is left to
 * do. */
static void schedule(struct daemon *d)
{
    if (d->job != JOB_NONE || d->closing || (d->stopping && !d->hurry && !feeds_stopped(d->feeds)))
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
    if (d->reload && !d->stopping && d->options->load) {
        d->reload = false;
        notify_reloading();
        start(d, JOB_LOAD);
        return;
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
        d->upkeep.data = d->setup->data;
        d->upkeep.max_size = d->setup->max_size;
        start(d, JOB_UPKEEP);
    }
}

/* ---- the loop ---- */

static char *tell(void *ctx)
{
    const struct daemon *d = ctx;
    const struct daemon_status s = {
        .now = wall_now(),
        .started = d->started,
        .committed = d->committed_at,
        .waiting = feeds_records(d->feeds),
        .failing = d->failed,
        .longest_ms = d->longest_ns / 1000000 + 1,
        .series_until = d->series_until,
        .feeds = d->feeds,
    };
    char *text = NULL;
    d->options->tell(&s, &text);
    return text;
}

static void tell_systemd(struct daemon *d)
{
    struct feed_totals t = {0};
    char text[120];

    if (d->watchdog_ms && now_ms(d) - d->alive_ms >= d->watchdog_ms - LOOK_MS) {
        d->alive_ms = now_ms(d);
        notify_alive();
    }
    if (now_ms(d) - d->status_ms < STATUS_MS)
        return;
    d->status_ms = now_ms(d);
    feeds_totals(d->feeds, &t);
    snprintf(text, sizeof text, "%" PRIu64 " lines: %" PRIu64 " events, %" PRIu64 " lost",
             t.counts.lines, t.counts.by[OUTCOME_EVENT], t.counts.by[OUTCOME_LOST]);
    notify_status(text);
}

static void on_timer(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    look(d);
    look_at_databases(d);
    tell_systemd(d);
    if (!d->stopping)
        reports_look(d->reports, d->host.now, d->series_ready);
    if (now_ms(d) - d->summary_ms >= SUMMARY_MS) {
        d->summary_ms = now_ms(d);
        feeds_summarize(d->feeds);
    }
    schedule(d);
}

static void stop(struct daemon *d)
{
    d->hurry = d->stopping;
    if (d->stopping)
        return;
    d->stopping = true;
    notify_stopping();
    uv_idle_stop(&d->reading);
    feeds_stop(d->feeds);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;

    if (number == SIGHUP) {
        d->reload = true;
        schedule(d);
        return;
    }
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
    ASSERT(uv_timer_init(&d->loop, &d->sooner) == 0);
    ASSERT(uv_idle_init(&d->loop, &d->reading) == 0);
    ASSERT(uv_prepare_init(&d->loop, &d->before_wait) == 0);
    ASSERT(uv_check_init(&d->loop, &d->after_wait) == 0);
    d->timer.data = d->sooner.data = d->reading.data = d->before_wait.data = d->after_wait.data = d;
    for (size_t i = 0; i < SIGNALS; i++) {
        ASSERT(uv_signal_init(&d->loop, &d->signals[i]) == 0);
        d->signals[i].data = d;
        ASSERT(uv_signal_start(&d->signals[i], on_signal, signal_numbers[i]) == 0);
    }
    ASSERT(uv_timer_start(&d->timer, on_timer, LOOK_MS, LOOK_MS) == 0);
    ASSERT(uv_prepare_start(&d->before_wait, on_before_wait) == 0);
    ASSERT(uv_check_start(&d->after_wait, on_after_wait) == 0);
    d->commit_ms = d->watch_ms = d->summary_ms = now_ms(d);
}

static int open_feeds(struct daemon *d)
{
    d->host = (struct feed_host){
        .loop = &d->loop,
        .daemon = d,
        .parsers = d->setup->parsers,
        .geo = d->setup->geo,
        .store = d->options->store,
        .buffer = xmalloc(FEED_BUFFER_BYTES),
        .say = host_say,
        .hint = host_hint,
        .may_read = host_may_read,
        .end = host_end,
        .wake = host_wake,
    };
    d->feeds = feeds_new(&d->host);
    read_clock(d);
    return feeds_open(d->feeds, d->setup->inputs, d->setup->input_count, &d->err);
}

int daemon_run(const struct daemon_options *o, struct daemon_setup **setup)
{
    struct daemon d = {.options = o, .setup = *setup, .unsynced = true, .flowing = true};

    start_loop(&d);
    d.reports = reports_new(&d.loop, say_line, &d);
    reports_adopt(d.reports, &d.setup->report);
    if (open_feeds(&d) < 0) {
        say_faults(&d);
        error_fini(&d.err);
        d.status = -EINVAL;
        close_all(&d);
    } else {
        d.started = d.host.now;
        d.control = control_open(&d.loop, o->data, tell, &d, &d.err);
        say_faults(&d);
        error_fini(&d.err);
        look(&d);
        schedule(&d);
        d.watchdog_ms = notify_watchdog_ms();
        notify_ready();
    }
    uv_run(&d.loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&d.loop) == 0);
    if (d.status != -EINVAL)
        say_end(&d);
    feeds_free(d.feeds);
    reports_free(d.reports);
    free(d.host.buffer);
    *setup = d.setup;
    return d.status;
}

#include "pipeline/feeds_uv.h"

#include <stdlib.h>

#include "base/check.h"
#include "pipeline/files_uv.h"
#include "pipeline/journal_uv.h"
#include "pipeline/stdin_uv.h"
#include "pipeline/stream.h"
#include "pipeline/syslog_uv.h"

struct feeds {
    struct feed_host *host;
    struct feed **list;
    size_t n;
    size_t prepared; /* the last of them, until they are adopted or abandoned */
    struct feed_totals left;
};

struct feeds *feeds_new(struct feed_host *host)
{
    struct feeds *f = xcalloc(1, sizeof *f);

    f->host = host;
    return f;
}

/* ---- what a feed that is one stream leaves to it ---- */

static size_t records_of(const struct feed *f)
{
    return f->ops->records ? f->ops->records(f) : stream_records(f->stream);
}

static bool has_changed(const struct feed *f)
{
    return f->ops->changed ? f->ops->changed(f) : f->stream->changed;
}

static void add_totals(const struct feed *f, struct feed_totals *sum)
{
    if (f->ops->totals)
        f->ops->totals(f, sum);
    else
        counts_add(&sum->counts, &f->stream->counts);
}

/* ---- opening ---- */

static void add(struct feeds *f, struct feed *feed)
{
    f->list = xrealloc(f->list, f->n + 1, sizeof(struct feed *));
    f->list[f->n++] = feed;
}

/* A feed for one input of a kind that has one each. NULL with a fault. */
static struct feed *open_one(struct feeds *f, const struct config_input *in, struct error *err)
{
    switch (in->kind) {
    case INPUT_JOURNAL: return journal_feed_open(f->host, in, err);
    case INPUT_STDIN: return stdin_feed_open(f->host, in, err);
    case INPUT_LISTEN: return syslog_feed_open(f->host, in, err);
    case INPUT_FILE: break;
    }
    ASSERT(false); /* the files are one feed, which is always there */
    return NULL;
}

static bool is_taken(const struct feeds *f, const struct config_input *in)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->list[i]->leaves && f->list[i]->ops->takes && f->list[i]->ops->takes(f->list[i], in))
            return true;
    return false;
}

/* Those that no feed has. */
static int open_new(struct feeds *f, const struct config_input *inputs, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (is_taken(f, &inputs[i]))
            continue;
        struct feed *feed = open_one(f, &inputs[i], err);
        if (!feed)
            return -EINVAL;
        add(f, feed);
    }
    return 0;
}

int feeds_open(struct feeds *f, const struct config_input *inputs, size_t n, struct error *err)
{
    add(f, files_open(f->host, inputs, n));
    int rc = open_new(f, inputs, n, err);

    for (size_t i = 0; rc < 0 && i < f->n; i++)
        f->list[i]->unused = true;
    return rc;
}

static void close_one(struct feeds *f, struct feed *feed)
{
    add_totals(feed, &f->left);
    feed->ops->close(feed);
}

/* ---- all at once ---- */

void feeds_look(struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->list[i]->leaves)
            f->list[i]->ops->look(f->list[i]);
}

bool feeds_turn(struct feeds *f)
{
    bool more = false;

    for (size_t i = 0; i < f->n && f->host->may_read(f->host); i++)
        if (f->list[i]->ops->turn && !f->list[i]->leaves)
            more |= f->list[i]->ops->turn(f->list[i]);
    return more;
}

void feeds_flow(struct feeds *f, bool on)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->ops->flow && !f->list[i]->leaves)
            f->list[i]->ops->flow(f->list[i], on);
}

void feeds_stop(struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->ops->stop && !f->list[i]->leaves)
            f->list[i]->ops->stop(f->list[i]);
}

static bool has_stopped(const struct feed *feed)
{
    return !feed->ops->stopped || feed->ops->stopped(feed);
}

bool feeds_stopped(const struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!has_stopped(f->list[i]))
            return false;
    return true;
}

int64_t feeds_reached(const struct feeds *f, int64_t until)
{
    for (size_t i = 0; i < f->n; i++)
        until = f->list[i]->ops->reached(f->list[i], until);
    return until;
}

bool feeds_rest(const struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->list[i]->ops->rests(f->list[i]))
            return false;
    return true;
}

size_t feeds_records(const struct feeds *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += records_of(f->list[i]);
    return n;
}

bool feeds_changed(const struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (has_changed(f->list[i]))
            return true;
    return false;
}

bool feeds_ask(const struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->ops->asks && f->list[i]->ops->asks(f->list[i]))
            return true;
    return false;
}

void feeds_swap(struct feeds *f, bool watch, bool last, struct batch *b)
{
    for (size_t i = 0; i < f->n; i++)
        f->list[i]->ops->swap(f->list[i], watch, last, b);
}

static void close_ended(struct feeds *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->leaves && has_stopped(f->list[i]) && !has_changed(f->list[i]))
            close_one(f, f->list[i]);
        else
            f->list[n++] = f->list[i];
    f->n = n;
}

void feeds_settle(struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->ops->settle)
            f->list[i]->ops->settle(f->list[i]);
    close_ended(f);
}

void feeds_summarize(struct feeds *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->list[i]->ops->summarize(f->list[i]);
}

void feeds_totals(const struct feeds *f, struct feed_totals *sum)
{
    counts_add(&sum->counts, &f->left.counts);
    sum->truncations += f->left.truncations;
    sum->unread += f->left.unread;
    sum->damaged += f->left.damaged;
    for (size_t i = 0; i < f->n; i++)
        add_totals(f->list[i], sum);
}

void feeds_status(const struct feeds *f, input_status_cb cb, void *ctx)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->list[i]->leaves)
            f->list[i]->ops->status(f->list[i], cb, ctx);
}

/* ---- a changed configuration ---- */

void feeds_abandon(struct feeds *f)
{
    while (f->prepared > 0) {
        f->prepared--;
        f->list[--f->n]->unused = true;
        close_one(f, f->list[f->n]);
    }
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i]->ops->abandon)
            f->list[i]->ops->abandon(f->list[i]);
}

int feeds_prepare(struct feeds *f, const struct config_input *inputs, size_t n, struct error *err)
{
    size_t was = f->n;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < was; i++)
        if (f->list[i]->ops->prepare && !f->list[i]->leaves)
            rc = f->list[i]->ops->prepare(f->list[i], inputs, n, err);
    if (rc == 0)
        rc = open_new(f, inputs, n, err);
    f->prepared = f->n - was;
    if (rc < 0)
        feeds_abandon(f);
    return rc;
}

void feeds_adopt(struct feeds *f, const struct config_input *inputs, size_t n)
{
    for (size_t i = 0; i < f->n; i++) {
        struct feed *feed = f->list[i];
        if (feed->leaves || (feed->ops->adopt && feed->ops->adopt(feed, inputs, n)))
            continue;
        if (feed->ops->stop)
            feed->ops->stop(feed);
        feed->leaves = true;
    }
    f->prepared = 0;
    close_ended(f);
}

/* ---- the end ---- */

void feeds_close(struct feeds *f)
{
    while (f->n > 0)
        close_one(f, f->list[--f->n]);
}

void feeds_free(struct feeds *f)
{
    free(f->list);
    free(f);
}

#include "pipeline/journal_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "input/journal.h"
#include "pipeline/stream.h"
#include "store/gap.h"

enum {
    TURN_ENTRIES = 500 /* read in one turn */
};

struct journal_feed {
    struct feed feed;
    const struct config_input *input;
    struct journal *journal;
    uv_poll_t poll;
    struct reader reader;
    bool more; /* maybe */
    int failed;
    bool strange_said, caught_up;
    struct counts said;
    char lines[FEED_BUFFER_BYTES]; /* composed for one turn */
};

static struct journal_feed *of(const struct feed *f)
{
    return (struct journal_feed *)f;
}

static void process(struct journal_feed *jf)
{
    const struct feed_host *host = jf->feed.host;
    int rc = journal_process(jf->journal);

    if (rc < 0 && rc != jf->failed)
        host->say(host, "the journal: can't be read (%s); it is tried again and again",
                  strerror(-rc));
    jf->failed = rc;
    jf->more = rc == 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct journal_feed *jf = poll->data;

    (void)status;
    (void)events;
    process(jf);
    jf->feed.host->wake(jf->feed.host);
}

static void look(struct feed *f)
{
    process(of(f));
}

static void stop(struct feed *f)
{
    of(f)->more = false; /* the cursor tells where to go on */
    stream_stop(f->stream);
}

/* What is counted and how far was read go together, whatever is asked of the journal meanwhile. */
static void keep_cursor(struct journal_feed *jf)
{
    const struct feed_host *host = jf->feed.host;
    struct log_state *state = &jf->feed.stream->state;
    int rc = journal_cursor(jf->journal, state->cursor, sizeof state->cursor);

    if (rc < 0)
        host->say(host, "the journal: its cursor can't be had (%s)", strerror(-rc));
}

static void caught_up(struct journal_feed *jf)
{
    const struct feed_host *host = jf->feed.host;
    const struct counts *c = &jf->feed.stream->counts;

    if (jf->more || jf->caught_up)
        return;
    jf->caught_up = true;
    host->say(host, "the journal: read to its end: %" PRIu64 " lines, %" PRIu64 " events", c->lines,
              c->by[OUTCOME_EVENT]);
}

static bool turn(struct feed *f)
{
    struct journal_feed *jf = of(f);
    struct journal_entry entry;
    char line[JOURNAL_LINE_MAX];
    size_t n = 0;
    int rc = 1, read = 0;

    if (!jf->more)
        return false;
    for (; read < TURN_ENTRIES && n + JOURNAL_LINE_MAX <= sizeof jf->lines; read++) {
        if ((rc = journal_next(jf->journal, line, &entry)) <= 0)
            break;
        if (entry.cut) {
            stream_lose(jf->feed.stream, 1);
            continue;
        }
        memcpy(jf->lines + n, entry.line.p, entry.line.n);
        n += entry.line.n;
    }
    if (n > 0) {
        FAULT("read");
        stream_take(jf->feed.stream, &jf->reader,
                    str_from(jf->input->sensor ? jf->input->sensor : ""), f->host->now,
                    (struct str){jf->lines, n});
        FAULT("parsed");
    }
    if (read > 0)
        keep_cursor(jf);
    jf->more = rc > 0;
    caught_up(jf);
    return jf->more;
}

static int64_t reached(const struct feed *f, int64_t until)
{
    const struct journal_feed *jf = of(f);

    if (!jf->more)
        return until;
    return jf->feed.stream->last_line == INT64_MIN ? 0
           : jf->feed.stream->last_line < until    ? jf->feed.stream->last_line
                                                   : until;
}

static bool rests(const struct feed *f)
{
    return !of(f)->more;
}

static void swap(struct feed *f, bool watch, bool last, struct batch *b)
{
    struct journal_feed *jf = of(f);

    (void)last;
    stream_swap(jf->feed.stream, f->host->now, !jf->more, watch, b);
}

static void summarize(struct feed *f)
{
    struct journal_feed *jf = of(f);
    const struct counts *c = &jf->feed.stream->counts;

    feed_say_lost(f->host, "the journal", c, &jf->said);
    feed_say_strange(f->host, "the journal", "entries", NULL, c, &f->stream->samples,
                     &jf->strange_said);
}

static void status(const struct feed *f, input_status_cb cb, void *ctx)
{
    const struct journal_feed *jf = of(f);
    int64_t last = f->stream->last_line;

    feed_tell_stream(f, "journal", jf->input->sensor,
                     jf->more && last != INT64_MIN ? f->host->now - last : 0,
                     jf->failed ? "it can't be read: see what the daemon said" : NULL, cb, ctx);
}

static void on_closed(uv_handle_t *handle)
{
    struct journal_feed *jf = handle->data;

    stream_free(jf->feed.stream);
    matcher_free(jf->reader.matcher);
    journal_close(jf->journal);
    free(jf);
}

static void close_feed(struct feed *f)
{
    uv_close((uv_handle_t *)&of(f)->poll, on_closed);
}

/* ---- a changed configuration ---- */

/* Of one folder; its matches and the sensor may be others, and it is read on where it is. */
static bool takes(const struct feed *f, const struct config_input *in)
{
    return in->kind == INPUT_JOURNAL && text_same(in->folder, of(f)->input->folder);
}

static bool adopt(struct feed *f, const struct config_input *inputs, size_t n)
{
    struct journal_feed *jf = of(f);
    const struct config_input *was = jf->input, *in = inputs;

    while (in < inputs + n && !takes(f, in))
        in++;
    if (in == inputs + n)
        return false;
    int rc = journal_set_matches(jf->journal, (const char *const *)in->matches, in->match_count);
    if (rc < 0)
        f->host->say(f->host, "the journal: its matches can't be set (%s)", strerror(-rc));
    feed_change_input(f, &jf->reader, was, in);
    jf->input = in;
    jf->more = true;
    return true;
}

static const struct feed_ops ops = {
    .look = look,
    .turn = turn,
    .reached = reached,
    .rests = rests,
    .swap = swap,
    .summarize = summarize,
    .status = status,
    .stop = stop,
    .close = close_feed,
    .takes = takes,
    .adopt = adopt,
};

/* ---- where to begin ---- */

/* What was vacuumed before it was read is a gap, up to the next entry that is still there. */
static int note_gap(struct journal_feed *jf, const struct stream_state *state, int64_t until)
{
    const struct feed_host *host = jf->feed.host;
    struct gap g = {.reason = GAP_JOURNAL_GAP,
                    .from = journal_cursor_when(state->cursor),
                    .to = until < host->now ? until : host->now,
                    .input = jf->feed.stream->name,
                    .text = "entries were vacuumed before they were read"};

    host->say(host,
              "the journal: the entry that was read last is gone, so others behind it may be, "
              "too, unread: a gap is noted. Let journald keep more (SystemMaxUse=)");
    return g.from > g.to || g.from == INT64_MIN ? 0 : store_put_gap(host->store, &g);
}

static int begin(struct journal_feed *jf)
{
    const struct feed_host *host = jf->feed.host;
    struct stream_state state = {.watched_to = INT64_MIN};
    int64_t next;
    int rc = store_find_stream(host->store, jf->feed.stream->name, &state);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    if (rc == -ENOENT && jf->input->start == START_END) {
        host->say(host, "the journal: new, is read from its end");
        return journal_seek_end(jf->journal);
    }
    int start = journal_seek(jf->journal, state.cursor, &next);
    if (start < 0)
        return start;
    memcpy(jf->feed.stream->state.cursor, state.cursor, sizeof state.cursor);
    if (start == JOURNAL_BEGIN)
        host->say(host, "the journal: new, is read from its beginning");
    else if (start == JOURNAL_ON)
        host->say(host, "the journal: reads on where it was left");
    else
        return note_gap(jf, &state, next);
    if (start == JOURNAL_ON && state.watched_to != INT64_MIN) /* read on, it has no gap */
        jf->feed.stream->state.position.first_when = jf->feed.stream->state.watched_to =
            state.watched_to;
    return 0;
}

struct feed *journal_feed_open(struct feed_host *host, const struct config_input *in,
                               struct error *err)
{
    struct journal_feed *jf = xcalloc(1, sizeof *jf);

    jf->feed = (struct feed){.ops = &ops, .host = host};
    jf->input = in;
    jf->more = true;
    int rc = journal_open(in->folder, (const char *const *)in->matches, in->match_count,
                          &jf->journal, err);
    if (rc < 0) {
        free(jf);
        return NULL;
    }
    char *name = in->folder ? xasprintf("journal %s", in->folder) : xstrdup("journal");
    jf->feed.stream = stream_new(name, host->geo);
    free(name);
    jf->feed.stream->silence_s = in->silence_s;
    struct clock_rule rule = {in->zone, host->now, 0};
    reader_init(&jf->reader, feed_matcher(host, in), &rule, INT64_MIN);
    ASSERT(uv_poll_init(host->loop, &jf->poll, journal_fd(jf->journal)) == 0);
    jf->poll.data = jf;
    ASSERT(uv_poll_start(&jf->poll, UV_READABLE, on_poll) == 0);
    if ((rc = begin(jf)) < 0)
        host->say(host, "the journal: where it was left can't be told (%s)", strerror(-rc));
    return &jf->feed;
}

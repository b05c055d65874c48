#include "pipeline/stdin_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "pipeline/stream.h"

struct stdin_feed {
    struct feed feed;
    const struct config_input *input;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tty_t tty;
    } in;
    struct reader reader;
    bool cutting; /* the rest of a line that was too long comes yet */
    bool ended, strange_said;
    struct counts said;
    size_t n;
    char bytes[FEED_BUFFER_BYTES]; /* the beginning of a line that has no end yet */
};

static struct stdin_feed *of(const struct feed *f)
{
    return (struct stdin_feed *)f;
}

/* Whole lines of what is there; the rest stays. */
static void take(struct stdin_feed *sf, size_t more)
{
    const struct feed_host *host = sf->feed.host;
    const char *sensor = sf->input->sensor ? sf->input->sensor : "";
    const char *end = memrchr(sf->bytes + sf->n, '\n', more);
    char *from = sf->bytes;

    sf->n += more;
    if (!end && sf->n < sizeof sf->bytes)
        return;
    if (sf->cutting && end) { /* the end of a line that is lost */
        from = (char *)memchr(sf->bytes, '\n', sf->n) + 1;
        sf->cutting = false;
    }
    if (!end) { /* a line longer than all that */
        stream_lose(sf->feed.stream, !sf->cutting);
        sf->cutting = true;
        sf->n = 0;
        return;
    }
    struct str lines = {from, (size_t)(end + 1 - from)};
    FAULT("read");
    if (lines.n > 0)
        stream_take(sf->feed.stream, &sf->reader, str_from(sensor), host->now, lines);
    FAULT("parsed");
    sf->n -= (size_t)(end + 1 - sf->bytes);
    memmove(sf->bytes, end + 1, sf->n);
}

static void finish(struct stdin_feed *sf)
{
    if (sf->ended)
        return;
    sf->ended = true;
    if (sf->n > 0 && !sf->cutting) {
        sf->bytes[sf->n] = '\n';
        take(sf, 1);
    }
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct stdin_feed *sf = handle->data;

    (void)hint;
    buf->base = sf->bytes + sf->n;
    buf->len = sizeof sf->bytes - sf->n;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct stdin_feed *sf = stream->data;
    struct feed_host *host = sf->feed.host;

    (void)buf;
    if (n > 0) {
        take(sf, (size_t)n);
        host->wake(host);
    } else if (n < 0) {
        if (n != UV_EOF)
            host->say(host, "stdin: %s", uv_strerror((int)n));
        uv_read_stop(stream);
        finish(sf);
        host->say(host, "stdin: ended");
        host->end(host);
    }
}

static void look(struct feed *f)
{
    (void)f;
}

static void flow(struct feed *f, bool on)
{
    if (on)
        uv_read_start(&of(f)->in.stream, on_alloc, on_read);
    else
        uv_read_stop(&of(f)->in.stream);
}

/* What the pipe holds is taken in; libuv made it non-blocking. */
static void stop(struct feed *f)
{
    struct stdin_feed *sf = of(f);
    ssize_t n;

    uv_read_stop(&sf->in.stream);
    while (!sf->ended && (n = read(STDIN_FILENO, sf->bytes + sf->n, sizeof sf->bytes - sf->n)) > 0)
        take(sf, (size_t)n);
    finish(sf);
    stream_stop(sf->feed.stream);
}

static int64_t reached(const struct feed *f, int64_t until)
{
    const struct stream *s = f->stream;

    /* Whether it is behind can't be seen in a pipe: only its lines' times tell. */
    return stream_records(s) == 0 || s->last_line > until ? until : s->last_line;
}

static bool rests(const struct feed *f)
{
    (void)f;
    return true;
}

static void swap(struct feed *f, bool watch, bool last, struct batch *b)
{
    (void)last;
    stream_swap(f->stream, f->host->now, !of(f)->ended, watch, b);
}

static void summarize(struct feed *f)
{
    struct stdin_feed *sf = of(f);
    const struct counts *c = &sf->feed.stream->counts;

    feed_say_lost(f->host, "stdin", c, &sf->said);
    feed_say_strange(f->host, "stdin", "lines", NULL, c, &f->stream->samples, &sf->strange_said);
}

static void status(const struct feed *f, input_status_cb cb, void *ctx)
{
    feed_tell_stream(f, "stdin", of(f)->input->sensor, 0, NULL, cb, ctx);
}

static void on_closed(uv_handle_t *handle)
{
    struct stdin_feed *sf = handle->data;

    stream_free(sf->feed.stream);
    matcher_free(sf->reader.matcher);
    free(sf);
}

static void close_feed(struct feed *f)
{
    uv_close(&of(f)->in.handle, on_closed);
}

static bool takes(const struct feed *f, const struct config_input *in)
{
    (void)f;
    return in->kind == INPUT_STDIN;
}

static bool adopt(struct feed *f, const struct config_input *inputs, size_t n)
{
    struct stdin_feed *sf = of(f);
    size_t i = 0;

    while (i < n && inputs[i].kind != INPUT_STDIN)
        i++;
    if (i == n)
        return false;
    feed_change_input(f, &sf->reader, sf->input, &inputs[i]);
    sf->input = &inputs[i];
    return true;
}

static const struct feed_ops ops = {
    .look = look,
    .flow = flow,
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

/* The handle for what stdin is; a negative errno for what can't be waited for. */
static int open_handle(struct stdin_feed *sf, uv_loop_t *loop)
{
    switch (uv_guess_handle(STDIN_FILENO)) {
    case UV_TTY: return uv_tty_init(loop, &sf->in.tty, STDIN_FILENO, 0);
    case UV_NAMED_PIPE:
    case UV_TCP: {
        int rc = uv_pipe_init(loop, &sf->in.pipe, 0);
        return rc < 0 ? rc : uv_pipe_open(&sf->in.pipe, STDIN_FILENO);
    }
    default: return -EINVAL;
    }
}

struct feed *stdin_feed_open(struct feed_host *host, const struct config_input *in,
                             struct error *err)
{
    struct stdin_feed *sf = xcalloc(1, sizeof *sf);
    struct clock_rule rule = {in->zone, host->now, 0};

    sf->feed = (struct feed){.ops = &ops, .host = host};
    sf->input = in;
    int rc = open_handle(sf, host->loop);
    if (rc < 0) {
        error_add(err, "stdin", 0, 0,
                  "it is no pipe (%s): 'scantide import -' takes a file in that is given there",
                  uv_strerror(rc));
        free(sf);
        return NULL;
    }
    sf->in.handle.data = sf;
    sf->feed.stream = stream_new("stdin", host->geo);
    sf->feed.stream->silence_s = in->silence_s;
    reader_init(&sf->reader, feed_matcher(host, in), &rule, INT64_MIN);
    if (stream_note_absence(sf->feed.stream, host->store, host->now) < 0)
        host->say(host, "stdin: since when nobody read can't be noted (%s)",
                  store_error(host->store));
    host->say(host, "stdin: is read; what is piped in twice counts twice");
    flow(&sf->feed, true);
    return &sf->feed;
}

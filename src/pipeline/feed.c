#include "pipeline/feed.h"

#include <inttypes.h>

#include "pipeline/stream.h"

/* None of many lines is known to a parser. */
static bool is_strange(const struct counts *c)
{
    return c->lines >= FEED_STRANGE_LINES && c->by[OUTCOME_UNMATCHED] == c->lines;
}

const char *feed_fault(const struct counts *c, bool silent)
{
    if (silent)
        return "it has fallen silent for longer than its 'silence' allows: look at its sender";
    if (is_strange(c))
        return "no parser knows any of its lines: 'scantide explain' tells more";
    return NULL;
}

struct matcher *feed_matcher(const struct feed_host *host, const struct config_input *in)
{
    struct matcher *m = matcher_new(host->parsers);

    if (in->parser_count)
        matcher_only(m, (const char *const *)in->parsers, in->parser_count);
    return m;
}

void feed_say_lost(const struct feed_host *host, const char *name, const struct counts *c,
                   struct counts *said)
{
    uint64_t lost = c->by[OUTCOME_LOST];

    if (lost > said->by[OUTCOME_LOST])
        host->say(host,
                  "%s: %" PRIu64 " lines were lost, since they were too long or broken (%" PRIu64
                  " since the start)",
                  name, lost - said->by[OUTCOME_LOST], lost);
    if (c->suppressed > said->suppressed)
        host->say(host,
                  "%s: loggers say that they let %" PRIu64
                  " messages fall: raise their rate limits (net.core.message_cost, journald's "
                  "RateLimitBurst, rsyslog's imklog)",
                  name, c->suppressed - said->suppressed);
    *said = *c;
}

void feed_say_strange(const struct feed_host *host, const char *name, const char *noun,
                      const char *explain, const struct counts *c,
                      const struct intake_samples *samples, bool *said)
{
    if (*said || !is_strange(c))
        return;
    *said = true;
    host->say(host, "%s: no parser knows any of its %" PRIu64 " %s, such as '%s'%s%s%s", name,
              c->lines, noun, samples->n ? samples->text[0] : "",
              explain ? "; 'scantide explain " : "", explain ? explain : "",
              explain ? "' tells more" : "");
}

void feed_tell_stream(const struct feed *f, const char *kind, const char *sensor, int64_t lag_s,
                      const char *fault, input_status_cb cb, void *ctx)
{
    const struct stream *s = f->stream;
    const struct input_status status = {
        .kind = kind,
        .name = s->name,
        .sensor = sensor ? sensor : "",
        .counts = s->counts,
        .last_line = s->last_line,
        .lag_s = lag_s,
        .fault = fault ? fault : feed_fault(&s->counts, stream_silent(s, f->host->now)),
    };
    cb(ctx, &status);
}

void feed_change_input(struct feed *f, struct reader *r, const struct config_input *was,
                       const struct config_input *in)
{
    if (!text_same(in->sensor, was->sensor))
        stream_leave_sensors(f->stream);
    f->stream->silence_s = in->silence_s;
    stream_set_geo(f->stream, f->host->geo);
    matcher_free(r->matcher);
    r->matcher = feed_matcher(f->host, in);
}

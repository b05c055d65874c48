#include "pipeline/intake.h"

#include "parse/notice.h"

void counts_add(struct counts *sum, const struct counts *more)
{
    sum->lines += more->lines;
    for (int o = 0; o < OUTCOMES; o++)
        sum->by[o] += more->by[o];
    sum->packets += more->packets;
    sum->future += more->future;
    sum->suppressed += more->suppressed;
    sum->limited += more->limited;
}

static void keep_sample(struct intake_samples *s, struct str line)
{
    if (s->n == SAMPLES_MAX)
        return;
    size_t n = line.n < SAMPLE_BYTES ? line.n : SAMPLE_BYTES;
    char *text = s->text[s->n++];
    for (size_t i = 0; i < n;
         i++) /* a stranger chose the bytes: none of them may steer a terminal */
        text[i] = (unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f ? '?' : line.p[i];
    text[n] = 0;
}

static enum outcome take_line(const struct intake *in, struct reader *r, struct str line,
                              struct tally *t, struct counts *counts, struct intake_span *span)
{
    struct event e;
    enum outcome o = reader_line(r, line, &e);

    if (r->stamped) {
        if (!span->any)
            span->first = e.when;
        span->any = true;
        span->last = e.when;
    }
    if (o != OUTCOME_EVENT)
        return o;
    if (e.when < 0 || e.when > UINT32_MAX) /* no year that a fact can hold */
        return OUTCOME_LOST;
    counts->packets += e.count;
    counts->future += e.when > in->now;
    tally_add(t, in->sensor.n ? in->sensor : e.host, &e, COUNTRY_UNKNOWN);
    return o;
}

static void find_countries(const void *geo, const struct ip *sources, size_t n, uint16_t *countries)
{
    geo_countries(geo, sources, n, countries);
}

void intake_lines(const struct intake *in, struct reader *r, struct str lines, struct tally *t,
                  struct counts *counts, struct intake_span *span, struct intake_samples *samples)
{
    uint64_t limited = matcher_limited_all(r->matcher);
    size_t events = tally_records(t);

    while (lines.n) {
        const char *newline = memchr(lines.p, '\n', lines.n);
        struct str line = {lines.p, newline ? (size_t)(newline - lines.p) : lines.n};
        lines = str_skip(lines, line.n + (newline != NULL));
        enum outcome o = take_line(in, r, line, t, counts, span);
        uint64_t suppressed = 0;
        if (o == OUTCOME_UNMATCHED && notice_lost(line, &suppressed)) {
            o = OUTCOME_IGNORED;
            counts->suppressed += suppressed;
            losses_add(tally_losses(t), suppressed, &r->clock);
        }
        counts->lines++;
        counts->by[o]++;
        if (o == OUTCOME_LOST)
            losses_add(tally_losses(t), 1, &r->clock);
        if (o == OUTCOME_UNMATCHED)
            keep_sample(samples, line);
    }
    tally_set_countries(t, events, find_countries, in->geo);
    counts->limited += matcher_limited_all(r->matcher) - limited;
}

#include "parse/reader.h"

#include "parse/envelope.h"

void reader_init(struct reader *r, struct matcher *matcher, const struct clock_rule *rule, int64_t before)
{
    r->matcher = matcher;
    r->stamp_len = 0;
    clock_init(&r->clock, rule, before);
}

static void keep_stamp(struct reader *r, struct str line, const struct envelope *env)
{
    size_t n = (size_t)(env->stamp_text.p + env->stamp_text.n - line.p);

    /* RFC 5424 has a version before the time, and fields behind it that the short way doesn't know. */
    bool plain = env->stamp_text.n && n <= STAMP_KEPT && !(env->stamp_text.p > line.p && env->stamp_text.p[-1] == ' ' && line.p[0] == '<');
    r->stamp_len = plain ? n : 0;
    memcpy(r->stamp, line.p, r->stamp_len);
}

enum outcome reader_line(struct reader *r, struct str line, struct event *e)
{
    struct envelope env;
    int64_t when;

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    while (line.n && line.p[0] == 0) /* the hole that copytruncate leaves under a writer that doesn't append */
        line = str_skip(line, 1);
    bool too_long = line.n > LINE_MAX_BYTES;
    if (too_long)
        line.n = LINE_MAX_BYTES;
    if (r->stamp_len && line.n > r->stamp_len && memcmp(line.p, r->stamp, r->stamp_len) == 0 && line.p[r->stamp_len] == ' ') {
        when = r->clock.before;
        r->stamped = true;
        envelope_parse_rest(line, r->stamp_len, &env);
    } else {
        envelope_parse(line, &env);
        when = clock_resolve(&r->clock, &env.stamp);
        r->stamped = env.stamp.kind != STAMP_NONE;
        keep_stamp(r, line, &env);
    }
    enum outcome o = too_long ? OUTCOME_LOST : matcher_match(r->matcher, env.message, e);
    e->when = when;
    e->host = env.host;
    return o;
}

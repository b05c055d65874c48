#include "parse/reader.h"

#include "parse/envelope.h"

void reader_init(struct reader *r, struct matcher *matcher, const struct clock_rule *rule,
                 int64_t before)
{
    r->matcher = matcher;
    r->stamp_len = r->head_len = 0;
    clock_init(&r->clock, rule, before);
}

/* Remembers the head of a line, as far as it has one that is plain. */
static void keep_head(struct reader *r, struct str line, const struct envelope *env,
                      size_t stamp_len)
{
    size_t keep = env->head ? env->head : stamp_len;

    r->stamp_len = r->head_len = 0;
    if (!stamp_len || keep > HEAD_KEPT)
        return;
    memcpy(r->head, line.p, keep);
    r->stamp_len = stamp_len;
    r->head_len = env->head;
    r->host_at = (size_t)(env->host.p - line.p);
    r->host_len = env->host.n;
}

/* Where the line's stamp ends, 0 without one. RFC 5424 has a version before the time, and fields
 * behind it that the short way doesn't know. */
static size_t stamp_end(struct str line, const struct envelope *env)
{
    if (!env->stamp_text.n || (env->stamp_text.p > line.p && env->stamp_text.p[-1] == ' '))
        return 0;
    return (size_t)(env->stamp_text.p + env->stamp_text.n - line.p);
}

/* Fills the envelope and gives the line's time. What is the same as in the line before isn't parsed
 * again. */
static int64_t read_head(struct reader *r, struct str line, struct envelope *env)
{
    bool same_stamp =
        r->stamp_len && line.n > r->stamp_len && memcmp(line.p, r->head, r->stamp_len) == 0;

    if (same_stamp && r->head_len && line.n > r->head_len &&
        memcmp(line.p + r->stamp_len, r->head + r->stamp_len, r->head_len - r->stamp_len) == 0) {
        env->host = (struct str){line.p + r->host_at, r->host_len};
        env->message = envelope_message(line, r->head_len);
    } else if (same_stamp && line.p[r->stamp_len] == ' ') {
        envelope_parse_rest(line, r->stamp_len, env);
        keep_head(r, line, env, r->stamp_len);
    } else {
        envelope_parse(line, env);
        r->stamped = env->stamp.kind != STAMP_NONE;
        keep_head(r, line, env, stamp_end(line, env));
        return clock_resolve(&r->clock, &env->stamp);
    }
    r->stamped = true;
    return r->clock.before;
}

enum outcome reader_line(struct reader *r, struct str line, struct event *e)
{
    struct envelope env;

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    while (line.n &&
           line.p[0] ==
               0) /* the hole that copytruncate leaves under a writer that doesn't append */
        line = str_skip(line, 1);
    bool too_long = line.n > LINE_MAX_BYTES;
    if (too_long)
        line.n = LINE_MAX_BYTES;
    int64_t when = read_head(r, line, &env);
    enum outcome o = too_long ? OUTCOME_LOST : matcher_match(r->matcher, env.message, e);
    e->when = when;
    e->host = env.host;
    return o;
}

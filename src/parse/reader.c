#include "parse/reader.h"

void reader_init(struct reader *r, struct matcher *matcher, const struct clock_rule *rule,
                 int64_t before)
{
    r->matcher = matcher;
    r->stamp_len = r->head_len = 0;
    clock_init(&r->clock, rule, before);
}

/* Remembers a plain head up to its stamp's end, and to its tag's where that is a known logger's. */
static void keep_head(struct reader *r, struct str line, const struct envelope *env,
                      size_t stamp_len)
{
    size_t keep = env->tag_end ? (size_t)(env->tag_end - line.p) : stamp_len;

    r->stamp_len = r->head_len = 0;
    if (!stamp_len || keep > HEAD_KEPT)
        return;
    memcpy(r->head, line.p, keep);
    r->stamp_len = stamp_len;
    r->head_len = env->tag_end ? keep : 0;
    r->host_at = (size_t)(env->host.p - line.p);
    r->host_len = env->host.n;
    r->tag_at = (size_t)(env->tag.p - line.p);
    r->tag_len = env->tag.n;
    r->process = env->process;
}

/* A blank, and no year behind it: the stamp is whole. */
static bool ends_stamp(struct str line, size_t at)
{
    return line.p[at] == ' ' && !(line.n > at + 5 && line.p[at + 5] == ' ');
}

/* Fills the envelope. What is the same as in the line before isn't parsed again; true: so its time
 * is that of the line before, too. */
static bool read_head(struct reader *r, struct str line, struct envelope *env)
{
    bool same_stamp =
        r->stamp_len && line.n > r->stamp_len && memcmp(line.p, r->head, r->stamp_len) == 0;

    if (same_stamp && r->head_len && line.n > r->head_len &&
        memcmp(line.p + r->stamp_len, r->head + r->stamp_len, r->head_len - r->stamp_len) == 0) {
        env->host = (struct str){line.p + r->host_at, r->host_len};
        env->tag = (struct str){line.p + r->tag_at, r->tag_len};
        env->process = r->process;
        envelope_parse_message(line, r->head_len, env);
        return true;
    }
    if (same_stamp && ends_stamp(line, r->stamp_len)) {
        envelope_parse_rest(line, r->stamp_len, env);
        keep_head(r, line, env, r->stamp_len);
        return true;
    }
    envelope_parse(line, r->scratch, env);
    keep_head(r, line, env,
              env->plain ? (size_t)(env->stamp_text.p + env->stamp_text.n - line.p) : 0);
    return false;
}

/* The line's time: its head's, else what its message tells. */
static int64_t read_time(struct reader *r, const struct envelope *env, enum outcome o)
{
    const struct stamp *stamp = &env->stamp;

    if (stamp->kind == STAMP_NONE && (o == OUTCOME_EVENT || o == OUTCOME_IGNORED))
        stamp = matcher_stamp(r->matcher);
    r->stamped = stamp->kind != STAMP_NONE;
    return clock_resolve(&r->clock, stamp);
}

enum outcome reader_line(struct reader *r, struct str line, struct event *e)
{
    struct envelope env;
    enum outcome o = OUTCOME_LOST;

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    while (line.n && line.p[0] == 0) /* copytruncate's hole under a writer that doesn't append */
        line = str_skip(line, 1);
    bool too_long = line.n > LINE_MAX_BYTES;
    if (too_long)
        line.n = LINE_MAX_BYTES;
    bool same_time = read_head(r, line, &env);
    if (too_long)
        e->host = env.host;
    else
        o = matcher_match(r->matcher, &env, e);
    if (same_time)
        r->stamped = true;
    e->when = same_time ? r->clock.before : read_time(r, &env, o);
    return o;
}

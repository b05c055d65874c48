#include "pipeline/commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "store/gap.h"
#include "store/rules.h"
#include "store/sensors.h"

struct commit {
    struct store *store;
    struct log_state *log;
    const struct rules *rules;
    const struct commit_tags *tags;
};

static int take_newest(void *ctx, const struct position *p)
{
    int64_t *newest = ctx;

    if (p->id > *newest)
        *newest = p->id;
    return 0;
}

/* Before the log is looked up: what comes between the two is then new. */
static int begin_find(struct store *s, const char *sensor, struct log_state *log)
{
    char name[SENSOR_NAME_MAX]; /* as it was stored */

    snprintf(name, sizeof name, "%s", sensor);
    log->sensor_count = 0;
    log->newest = 0;
    return store_read_positions(s, name, take_newest, &log->newest);
}

static int end_find(struct store *s, struct log_state *log, int found)
{
    int rc = 0;

    log->from = log->position.offset;
    if (found > 0)
        rc = store_position_sensors(s, log->position.id, log->sensors, SENSORS_MAX + 1,
                                    &log->sensor_count);
    return rc < 0 ? rc : found;
}

int log_state_find(struct store *s, int fd, uint64_t size, const char *sensor,
                   struct log_state *log)
{
    int rc = begin_find(s, sensor, log);
    return rc < 0 ? rc : end_find(s, log, identity_find(s, fd, size, sensor, &log->position));
}

int log_state_find_packed(struct store *s, struct packed *packed, const char *sensor,
                          struct log_state *log, struct identity_run *at)
{
    int rc = begin_find(s, sensor, log);
    return rc < 0 ? rc
                  : end_find(s, log, identity_find_packed(s, packed, sensor, &log->position, at));
}

/* ---- nobody else has taken it in ---- */

struct check {
    const struct log_state *log;
    bool found;
};

static int check_position(void *ctx, const struct position *p)
{
    struct check *c = ctx;
    const struct log_state *log = c->log;

    if (log->position.id == 0)
        return p->id > log->newest && identity_may_be(p, log->head) ? -ESTALE : 0;
    if (p->id != log->position.id)
        return 0;
    c->found = true;
    return p->offset == log->from ? 0 : -ESTALE;
}

/* A sensor may have been merged into another since the log was looked up. */
static int follow_sensors(struct store *s, struct log_state *log)
{
    int rc = 0;

    for (size_t i = 0; i < log->sensor_count && rc == 0; i++)
        rc = store_follow_sensor(s, &log->sensors[i]);
    return rc;
}

static int check_log(struct store *s, const struct log_state *log)
{
    struct check c = {.log = log};

    if (log->is_stream || log->position.offset == 0)
        return 0;
    int rc = store_read_positions(s, log->position.sensor, check_position, &c);
    return rc == 0 && log->position.id && !c.found ? -ESTALE : rc;
}

/* ---- writing ---- */

static int take_sensor(void *ctx, struct str name, uint16_t *id)
{
    struct commit *c = ctx;
    int rc = store_sensor(c->store, name, id);

    for (size_t i = 0; rc == 0 && i < c->log->sensor_count; i++)
        if (c->log->sensors[i] == *id)
            return 0;
    if (rc == 0 && c->log->sensor_count <= SENSORS_MAX)
        c->log->sensors[c->log->sensor_count++] = *id;
    return rc;
}

static int take_segment(void *ctx, const struct segment *g)
{
    struct commit *c = ctx;

    FAULT("encoded");
    int rc = store_put(c->store, g);
    FAULT("segment");
    return rc;
}

static uint16_t take_rule(void *ctx, const struct ip *source)
{
    const struct commit *c = ctx;
    return rules_find(c->rules, source);
}

static uint32_t take_as(void *ctx, const struct ip *source)
{
    const struct commit *c = ctx;
    return asn_number(c->tags->asn, source);
}

static int take_burst(void *ctx, const struct burst_fact *f, const struct burst_second *seconds,
                      size_t n)
{
    const struct commit *c = ctx;
    return store_put_burst(c->store, f, seconds, n);
}

static int read_trace(void *ctx, uint16_t sensor,
                      int (*take)(void *taker, const void *data, size_t n), void *taker)
{
    const struct commit *c = ctx;
    return store_read_trace(c->store, sensor, take, taker);
}

static int trace_serial(void *ctx, uint16_t sensor, int64_t *serial)
{
    const struct commit *c = ctx;
    return store_trace_serial(c->store, sensor, serial);
}

static int put_trace(void *ctx, uint16_t sensor, const struct trace_piece *p)
{
    const struct commit *c = ctx;
    int rc = store_put_trace(c->store, sensor, p->oldest, p->newest, p->data, p->n);

    FAULT("traced");
    return rc < 0 ? rc : store_cut_trace(c->store, sensor, p->before, p->keep_from, p->keep_to);
}

static void forget_trace(void *trace)
{
    trace_free(trace);
}

static struct trace *remembered(struct store *s)
{
    if (!store_kept(s))
        store_keep(s, trace_new(), forget_trace);
    return store_kept(s);
}

/* Of which of a log's sensors something lost was can be told where there is one only. */
static uint16_t only_sensor(const struct log_state *log)
{
    return log->sensor_count == 1 ? log->sensors[0] : 0;
}

static int write_losses(struct store *s, const struct commit_part *part)
{
    const struct log_state *log = part->log;
    struct losses all = {0};
    int rc = 0;

    for (size_t i = 0; i < part->n; i++)
        losses_join(&all, tally_losses(part->tallies[i]));
    for (size_t i = 0; i < all.n && rc == 0; i++) {
        struct gap g = {.sensor = only_sensor(log),
                        .reason = GAP_LOST,
                        .from = all.list[i].from,
                        .to = all.list[i].to,
                        .lost = all.list[i].lines,
                        .input = log->position.path};
        rc = store_put_gap(s, &g);
    }
    losses_fini(&all);
    return rc;
}

void unread_add(struct unread *u, uint64_t bytes, int64_t from, int64_t to)
{
    if (u->files == 0 || from < u->from)
        u->from = from;
    if (u->files == 0 || to > u->to)
        u->to = to;
    u->files++;
    u->bytes += bytes;
}

static int write_truncated(struct store *s, const struct log_state *log)
{
    char text[GAP_TEXT_MAX];

    if (log->truncated.files == 0)
        return 0;
    if (log->truncated.bytes > 0)
        snprintf(text, sizeof text, "at least %" PRIu64 " bytes were unread", log->truncated.bytes);
    else
        snprintf(text, sizeof text, "what was written last may be unread");
    return store_put_gap(s, &(struct gap){.sensor = log->unread_sensor,
                                          .reason = GAP_TRUNCATED,
                                          .from = log->truncated.from,
                                          .to = log->truncated.to,
                                          .input = log->position.path,
                                          .text = text});
}

static int write_damaged(struct store *s, const struct log_state *log)
{
    if (log->damaged.files == 0)
        return 0;
    return store_put_gap(s, &(struct gap){.sensor = log->unread_sensor,
                                          .reason = GAP_LOST,
                                          .from = log->damaged.from,
                                          .to = log->damaged.to,
                                          .input = log->position.path,
                                          .text = "a compressed file is damaged"});
}

static int write_unread(struct store *s, struct log_state *log)
{
    int rc = log->unread_sensor ? store_follow_sensor(s, &log->unread_sensor) : 0;

    if (rc == 0)
        rc = write_truncated(s, log);
    return rc < 0 ? rc : write_damaged(s, log);
}

static struct ip take_hidden(void *ctx, const struct ip *source)
{
    const struct commit *c = ctx;
    return anonymizer_hide(c->tags->anonymizer, source);
}

static bool hides(const struct commit_tags *tags)
{
    return tags->anonymizer && tags->anonymizer->how != ANONYMIZE_NONE;
}

static int write_part(struct store *s, const struct rules *rules, const struct commit_tags *tags,
                      const struct commit_part *part)
{
    struct log_state *log = part->log;
    struct commit c = {s, log, rules, tags};
    struct tally_sink sink = {.ctx = &c,
                              .sensor = take_sensor,
                              .as = tags->asn ? take_as : NULL,
                              .rule = rules_match_none(rules) ? NULL : take_rule,
                              .hide = hides(tags) ? take_hidden : NULL,
                              .burst = take_burst,
                              .trace = remembered(s),
                              .store_all = log->mark,
                              .trace_serial = trace_serial,
                              .read_trace = read_trace,
                              .put_trace = put_trace,
                              .segment = take_segment};
    int rc = tally_encode(part->tallies, part->n, &sink);

    FAULT("segments");
    if (rc == 0 && !log->is_stream && log->position.offset > 0)
        rc = store_put_position(s, &log->position, log->mark);
    if (rc == 0 && log->stream) {
        struct stream_state state = {.watched_to = log->watched_to, .ended = log->ended};
        memcpy(state.cursor, log->cursor, sizeof state.cursor);
        rc = store_put_stream(s, log->stream, &state);
    }
    FAULT("position");
    for (size_t i = 0; rc == 0 && i < log->sensor_count; i++) {
        if (!log->is_stream && log->position.id)
            rc = store_put_position_sensor(s, log->position.id, log->sensors[i]);
        int64_t from = log->watched_from > log->position.first_when ? log->watched_from
                                                                    : log->position.first_when;
        if (rc == 0 && log->watched_to >= from)
            rc = store_put_watched(s, log->sensors[i], from, log->watched_to);
        if (rc == 0 && log->silent_to >= log->silent_from && log->silent_to > 0)
            rc = store_put_gap(s, &(struct gap){.sensor = log->sensors[i],
                                                .reason = GAP_SILENT,
                                                .from = log->silent_from,
                                                .to = log->silent_to,
                                                .input = log->position.path});
    }
    FAULT("watched");
    if (rc == 0)
        rc = write_unread(s, log);
    return rc < 0 ? rc : write_losses(s, part);
}

/* All that are stale are marked. */
static int check_logs(struct store *s, struct commit_part *parts, size_t n)
{
    int answer = 0;

    for (size_t i = 0; i < n; i++) {
        int rc = follow_sensors(s, parts[i].log);
        if (rc == 0)
            rc = check_log(s, parts[i].log);
        parts[i].stale = rc == -ESTALE;
        if (rc < 0 && rc != -ESTALE)
            return rc;
        answer = rc < 0 ? rc : answer;
    }
    return answer;
}

int commit_write(struct store *s, const struct commit_tags *tags, struct commit_part *parts,
                 size_t n, struct error *err)
{
    const struct rules *rules = NULL;
    int rc = store_begin(s);

    FAULT("begun");
    if (rc == 0)
        rc = store_rules(s, &rules);
    if (rc == 0)
        rc = check_logs(s, parts, n);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = write_part(s, rules, tags, &parts[i]);
    FAULT("commit");
    if (rc == 0)
        rc = store_commit(s);
    else
        store_rollback(s);
    FAULT("committed");
    for (size_t i = 0; rc == 0 && i < n; i++)
        parts[i].log->from = parts[i].log->position.offset;
    if (rc < 0 && rc != -ESTALE)
        error_add(err, NULL, 0, 0,
                  "the facts could not be written (%s); nothing of this commit was kept: mend that "
                  "and start again, it goes on where it stopped",
                  store_error(s));
    return rc;
}

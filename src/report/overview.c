#include "report/overview.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { DAYS_S = 3 * 24 * HOUR_S };

static int rank(struct store *s, const struct overview_query *q, int64_t from,
                struct ranking *ports, struct ranking *countries)
{
    struct rank_query r = {.what = RANK_PORTS,
                           .from = from,
                           .to = q->to,
                           .before_from = from - (q->to - from),
                           .before_to = from,
                           .sensors = q->sensors,
                           .sensor_count = q->sensor_count};
    struct rank_query both[] = {r, r};
    struct ranking out[2];

    both[1].what = RANK_COUNTRIES;
    int rc = rank_make_all(s, both, 2, out);
    *ports = out[0];
    *countries = out[1];
    return rc;
}

static void add_gap(struct overview *o, const struct overview_gap *g)
{
    o->gaps = xrealloc(o->gaps, o->gap_n + 1, sizeof *o->gaps);
    o->gaps[o->gap_n++] = *g;
}

static int take_gap(void *ctx, const struct gap *g)
{
    struct overview *o = ctx;
    bool mine = g->sensor == 0;

    for (size_t i = 0; i < o->sensor_n && !mine; i++)
        mine = o->sensors[i].id == g->sensor;
    if (!mine)
        return 0;
    add_gap(o, &(struct overview_gap){.sensor = g->sensor,
                                      .reason = g->reason,
                                      .from = g->from,
                                      .to = g->to + 1,
                                      .lost = g->lost,
                                      .input = xstrdup(g->input ? g->input : ""),
                                      .text = xstrdup(g->text ? g->text : "")});
    return 0;
}

static bool is_reasoned(const struct overview *o, uint16_t sensor, int64_t from, int64_t to)
{
    for (size_t i = 0; i < o->gap_n; i++) {
        const struct overview_gap *g = &o->gaps[i];
        if ((g->sensor == 0 || g->sensor == sensor) && g->reason != GAP_NOTE &&
            g->reason != GAP_REASON_COUNT && g->from < to && g->to > from)
            return true;
    }
    return false;
}

/* Between two bins that are known nobody watched, and nothing says why. */
static int find_unwatched(struct store *s, struct overview *o, uint16_t sensor)
{
    enum { BESIDE_S = 24 * HOUR_S };
    int64_t begin = o->query.from - BESIDE_S, end = o->query.to + BESIDE_S;
    size_t n = (size_t)((end - begin) / BIN_S), last = n;
    uint8_t *known = xcalloc(n, 1);
    int rc = store_known(s, sensor, begin, end, known);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!known[i])
            continue;
        int64_t from = begin + (int64_t)(last + 1) * BIN_S, to = begin + (int64_t)i * BIN_S;
        if (last < n && i > last + 1 && from < o->query.to && to > o->query.from &&
            !is_reasoned(o, sensor, from, to))
            add_gap(o, &(struct overview_gap){.sensor = sensor,
                                              .reason = GAP_REASON_COUNT,
                                              .from = from,
                                              .to = to,
                                              .input = xstrdup(""),
                                              .text = xstrdup("")});
        last = i;
    }
    free(known);
    return rc;
}

static int take_sensors(struct store *s, struct overview *o)
{
    const struct sensor *list;
    size_t n;
    int rc = store_sensors(s, &list, &n);

    if (rc < 0)
        return rc;
    o->sensors = xcalloc(n + 1, sizeof *o->sensors);
    for (size_t i = 0; i < n; i++) {
        bool asked = o->query.sensor_count == 0;
        for (size_t k = 0; k < o->query.sensor_count; k++)
            asked = asked || o->query.sensors[k] == list[i].id;
        if (asked)
            o->sensors[o->sensor_n++] = list[i];
    }
    return 0;
}

int overview_make(struct store *s, const struct overview_query *q, struct overview *out)
{
    struct findings_query f = {
        .from = q->from, .to = q->to, .sensors = q->sensors, .sensor_count = q->sensor_count};
    const int64_t from[OVERVIEW_SPANS] = {q->from, q->to - DAYS_S};

    *out = (struct overview){.query = *q};
    int rc = take_sensors(s, out);
    for (int i = 0; i < OVERVIEW_SPANS && rc == 0; i++)
        rc = rank(s, q, from[i], &out->ports[i], &out->countries[i]);
    if (rc == 0)
        rc = findings_make(s, &f, &out->findings);
    if (rc == 0)
        rc = store_read_gaps(s, 0, q->from, q->to, take_gap, out);
    for (size_t i = 0; rc == 0 && i < out->sensor_n; i++)
        rc = find_unwatched(s, out, out->sensors[i].id);
    if (rc)
        overview_fini(out);
    return rc;
}

void overview_fini(struct overview *o)
{
    for (int i = 0; i < OVERVIEW_SPANS; i++) {
        rank_fini(&o->ports[i]);
        rank_fini(&o->countries[i]);
    }
    findings_fini(&o->findings);
    for (size_t i = 0; i < o->gap_n; i++) {
        free(o->gaps[i].input);
        free(o->gaps[i].text);
    }
    free(o->gaps);
    free(o->sensors);
    *o = (struct overview){0};
}

const char *overview_sensor(const struct overview *o, uint16_t id)
{
    for (size_t i = 0; i < o->sensor_n; i++)
        if (o->sensors[i].id == id)
            return o->sensors[i].name;
    return "";
}

static bool is_sudden(enum verdict_kind v)
{
    return v == VERDICT_FLOOD || v == VERDICT_MICRO_BURST || v == VERDICT_BURST ||
           v == VERDICT_REFLECTION || v == VERDICT_SEQUENTIAL || v == VERDICT_LOCKSTEP;
}

uint64_t overview_burst_events(const struct overview *o, const struct rank_row *row, bool country)
{
    uint64_t n = 0;

    for (size_t i = 0; i < o->findings.n; i++) {
        const struct finding *f = &o->findings.list[i];
        /* What is spread over several can't be told to one of them. */
        if (is_sudden(f->verdict) && f->from < o->query.to && f->to > o->query.from &&
            (country ? f->countries.all == 1 && f->countries.list[0] == row->country
                     : f->ports.all == 1 && f->ports.list[0] == row->port))
            n += f->events;
    }
    return n < row->events ? n : row->events;
}

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/country.h"
#include "base/port.h"
#include "report/overview.h"
#include "report/sentence.h"
#include "store/burst.h"
#include "tag/anonymizer.h"

static json_t *time_of(int64_t when)
{
    char text[TIME_TEXT_MAX];

    return json_string(time_format_utc(when, text));
}

static json_t *port_of(uint32_t port)
{
    char text[PORT_TEXT_MAX];

    port_format(port, text);
    return json_string(text);
}

static json_t *integer(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* Figures to read, not to reckon with. */
static json_t *figure(double v)
{
    return json_real(round(v * 1000) / 1000);
}

/* ---- rankings ---- */

static json_t *row_of(const struct overview *o, const struct ranking *r, const struct rank_row *row,
                      bool country)
{
    char key[RANK_KEY_MAX];
    json_t *j = json_object();
    uint64_t burst = overview_burst_events(o, row, country);

    json_object_set_new(j, "rank", json_integer(row->rank));
    json_object_set_new(j, country ? "country" : "port",
                        json_string(rank_key(country ? RANK_COUNTRIES : RANK_PORTS, row, key)));
    json_object_set_new(j, "events", integer(row->events));
    json_object_set_new(j, "share",
                        figure(r->events ? (double)row->events / (double)r->events : 0));
    json_object_set_new(j, "sources", row->untold ? json_null() : integer(row->sources));
    json_object_set_new(j, "newcomer", json_boolean(row->before_rank == 0));
    json_object_set_new(j, "before_rank",
                        row->before_rank ? json_integer(row->before_rank) : json_null());
    json_object_set_new(j, "before_events", integer(row->before_events));
    json_object_set_new(j, "move",
                        row->before_rank ? json_integer((int)row->before_rank - (int)row->rank)
                                         : json_null());
    json_object_set_new(j, "burst_events", integer(burst));
    json_object_set_new(j, "burst", json_boolean(burst * 2 > row->events));
    return j;
}

static json_t *ranking_of(const struct overview *o, const struct ranking *r, bool country,
                          size_t rows)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n && (rows == 0 || i < rows); i++)
        json_array_append_new(list, row_of(o, r, &r->rows[i], country));
    return json_pack("{s:o, s:o, s:I, s:I, s:b, s:o}", "from", time_of(r->from), "to",
                     time_of(r->to), "events", (json_int_t)r->events, "sources",
                     (json_int_t)r->sources, "sources_exact", (int)r->sources_exact, "rows", list);
}

static json_t *rankings_of(const struct overview *o, const struct ranking *list, bool country,
                           size_t rows)
{
    return json_pack("{s:o, s:o}", "day", ranking_of(o, &list[OVERVIEW_DAY], country, rows),
                     "three_days", ranking_of(o, &list[OVERVIEW_DAYS], country, rows));
}

/* ---- findings ---- */

static json_t *ips_of(const struct finding_ips *ips, bool anonymous)
{
    char text[ANONYMOUS_TEXT_MAX];
    json_t *list = json_array();

    for (size_t i = 0; i < ips->n; i++) {
        if (anonymous)
            anonymous_format(&ips->list[i], text);
        else
            ip_format(&ips->list[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static void add_lists(json_t *j, const struct finding *f)
{
    char country[3];
    json_t *ports = json_array(), *countries = json_array();

    for (size_t i = 0; i < f->ports.n; i++)
        json_array_append_new(ports, port_of(f->ports.list[i]));
    for (size_t i = 0; i < f->countries.n; i++)
        json_array_append_new(countries,
                              json_string(country_format(f->countries.list[i], country)));
    json_object_set_new(j, "ports", ports);
    json_object_set_new(j, "port_count", integer(f->ports.all));
    json_object_set_new(j, "countries", countries);
    json_object_set_new(j, "sources", ips_of(&f->sources, f->anonymous));
    json_object_set_new(j, "source_count", integer(f->sources.all));
    json_object_set_new(j, "targets", ips_of(&f->targets, false));
    json_object_set_new(j, "target_count", integer(f->targets.all));
}

static void add_figures(json_t *j, const struct finding *f)
{
    if (f->peak)
        json_object_set_new(j, "peak_per_second", integer(f->peak));
    if (f->source_port != PORT_SEVERAL)
        json_object_set_new(j, "source_port", port_of(f->source_port));
    if (f->port_step)
        json_object_set_new(j, "port_step", json_integer(f->port_step));
    if (f->source_port_step)
        json_object_set_new(j, "source_port_step", json_integer(f->source_port_step));
    if (f->hour)
        json_object_set_new(j, "hour",
                            json_pack("{s:o, s:I, s:o, s:o, s:o}", "from", time_of(f->hour),
                                      "events", (json_int_t)f->hour_events, "mean", figure(f->mean),
                                      "low", figure(f->low), "high", figure(f->high)));
    if (f->top_share > 0)
        json_object_set_new(j, "top_source_share", figure(f->top_share));
    if (f->verdict == VERDICT_LOCKSTEP)
        json_object_set_new(j, "correlation", figure(f->correlation));
    if (f->verdict == VERDICT_RHYTHM) {
        json_object_set_new(j, "ratio", figure(f->ratio));
        json_object_set_new(j, "by", json_string(f->by_night ? "night" : "day"));
    }
    if (f->verdict == VERDICT_NEWCOMER) {
        json_object_set_new(j, "rank", json_integer(f->rank));
        json_object_set_new(j, "before_rank",
                            f->before_rank ? json_integer(f->before_rank) : json_null());
    }
    if (f->series) {
        json_object_set_new(j, "series", json_integer(f->series));
        json_object_set_new(j, "series_fallen", json_integer(f->fallen));
    }
}

static json_t *finding_of(const struct overview *o, const struct finding *f)
{
    json_t *j = json_object(), *also = json_array();

    json_object_set_new(j, "verdict", json_string(verdict_name(f->verdict)));
    for (int v = 0; v < VERDICT_COUNT; v++)
        if (f->also >> v & 1)
            json_array_append_new(also, json_string(verdict_name((enum verdict_kind)v)));
    json_object_set_new(j, "also", also);
    json_object_set_new(j, "sensor", json_string(overview_sensor(o, f->sensor)));
    add_lists(j, f);
    json_object_set_new(j, "from", time_of(f->from));
    json_object_set_new(j, "to", time_of(f->to));
    json_object_set_new(j, "events", integer(f->events));
    char *text = sentence_of(f, o->query.zone);
    json_object_set_new(j, "text", json_string(text));
    free(text);
    add_figures(j, f);
    return j;
}

/* ---- gaps, and all ---- */

static json_t *gap_of(const struct overview *o, const struct overview_gap *g)
{
    json_t *j =
        json_pack("{s:o, s:o, s:s}", "from", time_of(g->from), "to", time_of(g->to), "reason",
                  g->reason < GAP_REASON_COUNT ? gap_reason_name(g->reason) : "unwatched");

    if (g->sensor)
        json_object_set_new(j, "sensor", json_string(overview_sensor(o, g->sensor)));
    if (g->lost)
        json_object_set_new(j, "lost", integer(g->lost));
    if (*g->input)
        json_object_set_new(j, "input", json_string(g->input));
    if (*g->text)
        json_object_set_new(j, "text", json_string(g->text));
    return j;
}

void overview_json(const struct overview *o, size_t rows, FILE *out)
{
    char day[TIME_TEXT_MAX];
    json_t *all = json_object(), *sensors = json_array(), *findings = json_array(),
           *gaps = json_array();

    time_format_local(o->query.zone, o->query.to - 1, day);
    day[10] = 0; /* the date alone */
    json_object_set_new(all, "day", json_string(day));
    json_object_set_new(all, "from", time_of(o->query.from));
    json_object_set_new(all, "to", time_of(o->query.to));
    json_object_set_new(all, "timezone", json_string(zone_name(o->query.zone)));
    for (size_t i = 0; i < o->sensor_n; i++)
        json_array_append_new(sensors, json_string(o->sensors[i].name));
    json_object_set_new(all, "sensors", sensors);
    json_object_set_new(all, "rankings",
                        json_pack("{s:o, s:o}", "ports", rankings_of(o, o->ports, false, rows),
                                  "countries", rankings_of(o, o->countries, true, rows)));
    for (size_t i = 0; i < o->findings.n; i++)
        json_array_append_new(findings, finding_of(o, &o->findings.list[i]));
    json_object_set_new(all, "findings", findings);
    for (size_t i = 0; i < o->gap_n; i++)
        json_array_append_new(gaps, gap_of(o, &o->gaps[i]));
    json_object_set_new(all, "gaps", gaps);
    json_dumpf(all, out, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(all);
}

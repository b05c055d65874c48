#include "report/draft.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/language.h"
#include "base/when.h"
#include "chart/caption.h"
#include "chart/recolour.h"
#include "report/document.h"
#include "report/sentence.h"
#include "report/shade.h"
#include "tag/anonymizer.h"

enum {
    SUBJECTS_MAX = 16, /* ports, and countries, that have a part of their own */
    ROOM_MOVED = 2,    /* ranks that make a port or a country one that moved */
    SOURCES_TOLD = 5,  /* rows of a table of sources */
    PORTS_TOLD = 8,    /* rows of a country's ranking */
    HIGH_RANK = 5,     /* down to it a port that stays stays high */
    MANY_SOURCES = 20,
    PLOT_WIDTH = 580, /* so that it is legible on a telephone, and crisp on a large screen */
    PLOT_HEIGHT = 230,
    SPREAD_HEIGHT = 150, /* of a distribution over all ports */
    PLOT_LAYERS = 8,
    DAY_S = 24 * HOUR_S,
    SHOWN_S = 3 * DAY_S /* of each chart */
};

/* Few hosts send most; of many none stands out. */
static const double MOST = 0.5, STANDS_OUT = 0.1;

/* A port or country that has a part of its own. */
struct subject {
    const struct rank_row *row;
    bool country;
    size_t picture;                 /* its number */
    struct ranking sources, others; /* behind it; a country's ports, a port's countries */
};

struct subjects {
    struct subject list[SUBJECTS_MAX];
    size_t n;
};

struct page {
    const struct draft *draft;
    const struct overview *o;
    struct document *doc;
    const struct rules *rules;
    struct error *err;
    uint16_t sensors[SENSORS_MAX];
    size_t sensor_count;
    struct subjects ports, countries;
    struct picture **pictures; /* the total's two, then the ports', then the countries' */
    size_t picture_count;
};

__attribute__((format(printf, 1, 2))) static char *text_of(const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        abort();
    va_end(args);
    return text;
}

static void paragraph(struct page *p, char *text)
{
    document_paragraph(p->doc, text);
    free(text);
}

static void cell(struct page *p, char *text)
{
    document_cell(p->doc, text);
    free(text);
}

static void count_cell(struct page *p, uint64_t n)
{
    char text[SENTENCE_COUNT_MAX];

    document_cell(p->doc, sentence_count(n, text));
}

static int facts_fault(struct page *p)
{
    error_add(p->err, NULL, 0, 0, "the facts can't be read (%s)",
              store_error(p->draft->kit->store));
    return -EIO;
}

/* ---- charts ---- */

/* "port 22/tcp" is drawn as port-22-tcp.svg. */
static char *picture_file(const char *name, const char *ending)
{
    char *file = xasprintf("%s.%s", name, ending);

    for (char *c = file; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '.')
            *c = '-';
    return file;
}

/* A chart of the three days that end with the page's. */
static struct picture_order order_of(const struct page *p, struct series_key what,
                                     enum picture_by by)
{
    return (struct picture_order){.what = what,
                                  .by = by,
                                  .from = p->o->query.to - SHOWN_S,
                                  .to = p->o->query.to,
                                  .sensors = p->sensors,
                                  .sensor_count = p->sensor_count,
                                  .width = PLOT_WIDTH,
                                  .height = PLOT_HEIGHT,
                                  .zoom = 2,
                                  .layers = PLOT_LAYERS,
                                  .no_sources = true,
                                  .legend_below = true,
                                  .band = true};
}

/* How a country's events are spread over all ports. */
static int spread(struct page *p, const struct subject *s, const char *name)
{
    const struct draft *d = p->draft;
    struct series_key what = {.kind = SERIES_COUNTRY, .country = s->row->country};
    struct picture_order order = order_of(p, what, PICTURE_BY_SPREAD);
    char *title;

    if (!d->folder || s->picture >= p->picture_count)
        return 0;
    order.height = SPREAD_HEIGHT;
    char *file = picture_file(name, d->format == DRAFT_HTML ? "svg" : "png");
    char *path = xasprintf("%s/%s", d->folder, file);
    char *shown = d->format == DRAFT_HTML ? xstrdup(path) : xasprintf("%s%s", d->below, file);
    int rc = picture_spread(d->kit, &order, &s->others, path, &title, p->err);
    if (rc == 0)
        document_figure(p->doc, title, shown);
    free(title);
    free(file);
    free(path);
    free(shown);
    return rc;
}

/* Draws a picture that was made, if it was, and shows it. */
static int chart(struct page *p, size_t i, const char *name)
{
    const struct draft *d = p->draft;

    if (i >= p->picture_count || !p->pictures[i])
        return 0;
    char *file = picture_file(name, d->format == DRAFT_HTML ? "svg" : "png");
    char *path = xasprintf("%s/%s", d->folder, file);
    char *shown = d->format == DRAFT_HTML ? xstrdup(path) : xasprintf("%s%s", d->below, file);
    int rc = picture_draw(p->pictures[i], path, p->err);
    if (rc == 0)
        document_figure(p->doc, picture_title(p->pictures[i]), shown);
    free(file);
    free(path);
    free(shown);
    return rc;
}

/* ---- head ---- */

static uint64_t events_before(const struct ranking *r)
{
    uint64_t was = 0;

    for (size_t i = 0; i < r->n; i++)
        was += r->rows[i].before_events;
    return was;
}

static void add_head(struct page *p)
{
    const struct overview *o = p->o;
    const struct ranking *r = &o->ports[OVERVIEW_DAY];
    char events[SENTENCE_COUNT_MAX], sources[SENTENCE_COUNT_MAX], before[SENTENCE_COUNT_MAX];
    char when[WHEN_TEXT_MAX];
    char *zone = caption_zone(o->query.zone, p->draft->kit->zone_variable, o->query.to - 1);
    uint64_t was = events_before(r);

    paragraph(p, text_of(_n("%s, times in %s: %s dropped packet from %s.",
                            "%s, times in %s: %s dropped packets from %s.", r->events),
                         when_period(o->query.zone, o->query.from, o->query.to, when), zone,
                         sentence_count(r->events, events),
                         sentence_sources(r->sources, r->sources_exact, sources)));
    if (was)
        paragraph(p, text_of(_("The period before had %s (%+.1f%%)."), sentence_count(was, before),
                             100.0 * ((double)r->events - (double)was) / (double)was));
    free(zone);
}

static void add_findings(struct page *p)
{
    const struct findings *f = &p->o->findings;

    document_heading(p->doc, 2, _("What stands out"));
    for (size_t i = 0; i < f->n; i++) {
        char *text = sentence_of(&f->list[i], p->o->query.zone);
        document_item(p->doc, text);
        free(text);
    }
    if (f->n == 0)
        document_paragraph(p->doc, _("Nothing left its usual band, and no rule of a verdict was "
                                     "met."));
}

static void add_gaps(struct page *p)
{
    const struct overview *o = p->o;

    if (o->gap_n == 0)
        return;
    document_heading(p->doc, 2, _("Gaps, losses and notes"));
    for (size_t i = 0; i < o->gap_n; i++) {
        const struct overview_gap *g = &o->gaps[i];
        char count[SENTENCE_COUNT_MAX], when[WHEN_TEXT_MAX];
        char *lost = g->lost ? text_of(_n(", %s line", ", %s lines", g->lost),
                                       sentence_count(g->lost, count))
                             : xstrdup("");
        const char *sensor = overview_sensor(o, g->sensor);
        bool note = g->reason == GAP_NOTE && *g->text;
        char *line =
            xasprintf("%s: %s%s%s%s%s%s", when_told(o->query.zone, g->from, g->to, when), sensor,
                      *sensor ? _x("list", ", ") : "", note ? g->text : shade_reason(g->reason),
                      lost, *g->input ? _x("list", ", ") : "", g->input);
        if (!note && *g->text) {
            char *longer = xasprintf(_("%s (%s)"), line, g->text);
            free(line);
            line = longer;
        }
        document_item(p->doc, line);
        free(line);
        free(lost);
    }
}

/* ---- rankings ---- */

/* "=", "+3", "-2", "new". */
static char *move_of(const struct rank_row *row)
{
    int move = (int)row->before_rank - (int)row->rank;

    if (row->before_rank == 0)
        return xstrdup(_("new"));
    /* Ranks won, ranks lost, the same rank. */
    return move > 0   ? xasprintf(_("+%u"), (unsigned)move)
           : move < 0 ? xasprintf(_("-%u"), (unsigned)-move)
                      : xstrdup(_("="));
}

static char *sources_of(const struct ranking *r, const struct rank_row *row)
{
    char count[SENTENCE_COUNT_MAX];

    if (row->untold)
        return xstrdup("–");
    return xasprintf("%s%s", r->sources_exact ? "" : "~", sentence_count(row->sources, count));
}

static const struct rank_row *row_of(const struct ranking *r, const struct rank_row *like,
                                     bool country)
{
    for (size_t i = 0; i < r->n; i++)
        if (country ? r->rows[i].country == like->country : r->rows[i].port == like->port)
            return &r->rows[i];
    return NULL;
}

static const char *port_name(const struct page *p, uint32_t port)
{
    const struct port_entry *e = p->draft->book ? port_book_find(p->draft->book, port) : NULL;

    return e ? _(e->name) : "";
}

static bool is_burst(const struct page *p, const struct rank_row *row, bool country)
{
    return overview_burst_events(p->o, row, country) * 2 > row->events;
}

static void add_ranking(struct page *p, bool country)
{
    const struct ranking *day =
        country ? &p->o->countries[OVERVIEW_DAY] : &p->o->ports[OVERVIEW_DAY];
    const struct ranking *days =
        country ? &p->o->countries[OVERVIEW_DAYS] : &p->o->ports[OVERVIEW_DAYS];
    const char *const titles[] = {_("rank"),
                                  _("move"),
                                  country ? _("country") : _("port"),
                                  country ? _("remark") : _("service"),
                                  _("events"),
                                  _("share"),
                                  _("sources"),
                                  _("3 days: rank"),
                                  _("3 days: events")};
    static const bool numeric[] = {true, true, false, false, true, true, true, true, true};
    bool any = false;

    document_table(p->doc, country ? _("Countries of the sources") : _("Ports"), titles, numeric,
                   sizeof numeric);
    for (size_t i = 0; i < day->n && i < p->draft->rows; i++) {
        const struct rank_row *row = &day->rows[i], *three = row_of(days, row, country);
        char key[RANK_KEY_MAX];
        bool burst = is_burst(p, row, country);
        any |= burst;
        cell(p, xasprintf("%u", row->rank));
        cell(p, move_of(row));
        cell(p, country ? sentence_country(row->country) : xstrdup(rank_key(RANK_PORTS, row, key)));
        cell(p, xasprintf("%s%s%s", country ? "" : port_name(p, row->port),
                          burst && !country && *port_name(p, row->port) ? _x("list", ", ") : "",
                          burst ? _("burst*") : ""));
        count_cell(p, row->events);
        cell(p, xasprintf("%.1f%%",
                          day->events ? 100.0 * (double)row->events / (double)day->events : 0));
        cell(p, sources_of(day, row));
        cell(p, three ? xasprintf("%u", three->rank) : xstrdup("–"));
        if (three)
            count_cell(p, three->events);
        else
            document_cell(p->doc, "–");
    }
    if (any)
        document_paragraph(p->doc, _("* Most of these events came in one burst: the rank is owed "
                                     "to it."));
}

/* ---- what moved ---- */

static void add_subject(struct subjects *s, const struct rank_row *row, bool country)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].row == row)
            return;
    if (row && s->n < SUBJECTS_MAX)
        s->list[s->n++] = (struct subject){.row = row, .country = country};
}

static bool tells_of(const struct finding *f, const struct rank_row *row, bool country)
{
    for (size_t i = 0; i < f->ports.n && !country; i++)
        if (f->ports.list[i] == row->port)
            return true;
    for (size_t i = 0; i < f->countries.n && country; i++)
        if (f->countries.list[i] == row->country)
            return true;
    return false;
}

/* Whether the finding is about the row, and not about many of its kind. */
static bool is_about(const struct finding *f, const struct rank_row *row, bool country)
{
    size_t all = country ? f->countries.all : f->ports.all;

    return f->verdict != VERDICT_SENSOR_FALL && all <= 3 && tells_of(f, row, country);
}

/* Whom a finding names, and those of the first twenty whose rank moved; in the ranking's order. */
static void choose_subjects(const struct page *p, bool country, struct subjects *out)
{
    const struct ranking *r = country ? &p->o->countries[OVERVIEW_DAY] : &p->o->ports[OVERVIEW_DAY];

    *out = (struct subjects){0};
    for (size_t i = 0; i < r->n && out->n < SUBJECTS_MAX; i++) {
        const struct rank_row *row = &r->rows[i];
        unsigned move = (unsigned)abs((int)row->before_rank - (int)row->rank);
        bool moved = i < 20 && (row->before_rank == 0 || move >= ROOM_MOVED);
        for (size_t k = 0; k < p->o->findings.n && !moved; k++)
            moved = is_about(&p->o->findings.list[k], row, country);
        if (moved || i < 3)
            add_subject(out, row, country);
    }
}

static char *as_text(const struct page *p, const struct rank_row *row)
{
    char number[AS_TEXT_MAX], name[AS_NAME_MAX];

    if (!row->as)
        return xstrdup("–");
    asn_name(p->draft->asn, row->as, &row->ip, name);
    return xasprintf("%s%s%s", asn_format(row->as, number), *name ? " " : "", name);
}

static void source_row(struct page *p, const struct rank_row *row)
{
    char ip[ANONYMOUS_TEXT_MAX], when[WHEN_TEXT_MAX];
    bool scanner = rules_is_scanner(p->rules, row->rule);

    if (row->anonymous)
        anonymous_format(&row->ip, ip);
    else
        ip_format(&row->ip, ip);
    document_cell(p->doc, ip);
    cell(p, sentence_country(row->country));
    cell(p, as_text(p, row));
    count_cell(p, row->events);
    count_cell(p, row->ports);
    document_cell(p->doc, when_cell(p->o->query.zone, row->first, when));
    document_cell(p->doc, when_cell(p->o->query.zone, row->last, when));
    document_cell(p->doc, scanner ? rules_get(p->rules, row->rule)->name : "");
}

/* The heaviest sources behind a port or a country. */
static void add_sources(struct page *p, const struct ranking *r)
{
    const char *const titles[] = {_("source"), _("country"), _("network"), _("events"),
                                  _("ports"),  _("first"),   _("last"),    _("known scanner")};
    static const bool numeric[] = {false, false, false, true, true, false, false, false};

    document_table(p->doc, _("The heaviest sources"), titles, numeric, sizeof numeric);
    for (size_t i = 0; i < r->n; i++)
        source_row(p, &r->rows[i]);
}

/* Which ports a country's sources knock at, and how wide: narrow or over all of them. */
static void add_country_ports(struct page *p, const struct ranking *r)
{
    const char *const titles[] = {_("rank"),   _("port"),  _("service"),
                                  _("events"), _("share"), _("sources")};
    static const bool numeric[] = {true, false, false, true, true, true};
    char key[RANK_KEY_MAX], ports[SENTENCE_COUNT_MAX], sources[SENTENCE_COUNT_MAX];

    uint64_t first = 0;
    for (size_t i = 0; i < r->n && i < 10; i++)
        first += r->rows[i].events;
    double share = r->events ? 100.0 * (double)first / (double)r->events : 0;
    paragraph(p, text_of(share >= 80 ? _("Focused: the first ten ports have %.0f%% of the events; "
                                         "%s in all, from %s.")
                         : share >= 40 ? _("The first ten ports have %.0f%% of the events; %s "
                                           "in all, from %s.")
                                       : _("Wide: the first ten ports have only %.0f%% of the "
                                           "events; %s in all, from %s."),
                         share, sentence_ports(r->n, ports),
                         sentence_sources(r->sources, r->sources_exact, sources)));
    document_table(p->doc, _("Ports"), titles, numeric, sizeof numeric);
    for (size_t i = 0; i < r->n && i < PORTS_TOLD; i++) {
        cell(p, xasprintf("%u", r->rows[i].rank));
        document_cell(p->doc, rank_key(RANK_PORTS, &r->rows[i], key));
        document_cell(p->doc, port_name(p, r->rows[i].port));
        count_cell(p, r->rows[i].events);
        cell(p, xasprintf("%.1f%%", 100.0 * (double)r->rows[i].events / (double)r->events));
        cell(p, sources_of(r, &r->rows[i]));
    }
}

static void say_rank(struct page *p, const struct rank_row *row)
{
    char now[SENTENCE_COUNT_MAX], before[SENTENCE_COUNT_MAX];

    if (row->before_rank == 0)
        paragraph(p, text_of(_("Rank %u with %s; none in the period before."), row->rank,
                             sentence_events(row->events, now)));
    else
        paragraph(p, text_of(_("Rank %u (before: %u) with %s (before: %s)."), row->rank,
                             row->before_rank, sentence_events(row->events, now),
                             sentence_count(row->before_events, before)));
}

/* Where it stands in the three days, and whether it stays where it was. */
static void say_days(struct page *p, const struct rank_row *row, bool country)
{
    const struct rank_row *days = row_of(
        country ? &p->o->countries[OVERVIEW_DAYS] : &p->o->ports[OVERVIEW_DAYS], row, country);
    char events[SENTENCE_COUNT_MAX];

    if (days)
        paragraph(p, text_of(_("Rank %u of the three days, with %s."), days->rank,
                             sentence_events(days->events, events)));
    if (row->rank <= HIGH_RANK && row->before_rank && row->before_rank <= HIGH_RANK &&
        row->events * 3 >= row->before_events * 2 && row->events * 2 <= row->before_events * 3)
        document_paragraph(p->doc, _("It stays high: about as many events as in the period "
                                     "before."));
}

/* The country that has more than half of a port. */
static void say_centre(struct page *p, const struct ranking *r)
{
    if (r->n == 0 || r->rows[0].events * 2 <= r->events)
        return;
    char *country = sentence_country(r->rows[0].country);
    paragraph(p, text_of(_("Centred on %s: %.0f%% of the events."), country,
                         100.0 * (double)r->rows[0].events / (double)r->events));
    free(country);
}

/* Whether few hosts make most of it, or none stands out. */
static void say_hosts(struct page *p, const struct subject *s)
{
    const struct ranking *r = &s->sources;
    double all = (double)s->row->events, sum = 0;
    char count[SENTENCE_COUNT_MAX];
    size_t n = 0;

    if (s->row->untold || r->n == 0)
        return;
    /* Those of the heaviest's size belong to it, also when the others make most already. */
    while (n < r->n && (sum < MOST * all || r->rows[n].events * 2 >= r->rows[0].events))
        sum += (double)r->rows[n++].events;
    if (sum >= MOST * all)
        paragraph(p, text_of(_("Few hosts: %s sent %.0f%% of the events."),
                             sentence_sources(n, true, count), 100 * sum / all));
    else if (s->row->sources >= MANY_SOURCES && (double)r->rows[0].events <= STANDS_OUT * all)
        paragraph(p, text_of(_("Many hosts: none of %s sent more than %.0f%% of the events."),
                             sentence_sources(s->row->sources,
                                              p->o->ports[OVERVIEW_DAY].sources_exact, count),
                             ceil(100 * (double)r->rows[0].events / all)));
}

static int add_subject_part(struct page *p, const struct subject *s)
{
    const struct rank_row *row = s->row;
    bool country = s->country;
    char key[RANK_KEY_MAX];
    const struct port_entry *e =
        country || !p->draft->book ? NULL : port_book_find(p->draft->book, row->port);

    rank_key(country ? RANK_COUNTRIES : RANK_PORTS, row, key);
    char *title = country ? sentence_country(row->country)
                  : e     ? xasprintf(_("%s (%s)"), key, _(e->name))
                          : xstrdup(key);
    document_heading(p->doc, 3, title);
    free(title);
    say_rank(p, row);
    say_days(p, row, country);
    if (e)
        paragraph(p, text_of(_("Why it is knocked at: %s."), _(e->why)));
    for (size_t i = 0; i < p->o->findings.n; i++)
        if (is_about(&p->o->findings.list[i], row, country)) {
            char *text = sentence_of(&p->o->findings.list[i], p->o->query.zone);
            document_item(p->doc, text);
            free(text);
        }
    char *name = xasprintf("%s %s", country ? "country" : "port", key);
    int rc = chart(p, s->picture, name);
    free(name);
    name = xasprintf("ports of %s", key);
    if (rc == 0 && country)
        rc = spread(p, s, name);
    free(name);
    if (country)
        add_country_ports(p, &s->others);
    else
        say_centre(p, &s->others);
    say_hosts(p, s);
    add_sources(p, &s->sources);
    return rc;
}

static int add_moved(struct page *p, const struct subjects *s, const char *title)
{
    int rc = 0;

    if (s->n)
        document_heading(p->doc, 2, title);
    for (size_t i = 0; i < s->n && rc == 0; i++)
        rc = add_subject_part(p, &s->list[i]);
    return rc;
}

/* ---- what is read and drawn together ---- */

static struct rank_query query_of(const struct page *p, enum rank_what what,
                                  const struct subject *s)
{
    return (struct rank_query){.what = what,
                               .from = p->o->query.from,
                               .to = p->o->query.to,
                               .before_from = p->o->query.from,
                               .before_to = p->o->query.from,
                               .sensors = p->o->query.sensors,
                               .sensor_count = p->o->query.sensor_count,
                               .by_port = !s->country,
                               .port = s->row->port,
                               .by_country = s->country,
                               .country = s->row->country};
}

/* The sources behind each, and a country's ports, a port's countries. */
static int rank_subjects(struct page *p, struct subjects *s)
{
    struct rank_query queries[2 * SUBJECTS_MAX];
    struct ranking rankings[2 * SUBJECTS_MAX] = {0};
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        queries[n++] = query_of(p, RANK_SOURCES, &s->list[i]);
        queries[n++] = query_of(p, s->list[i].country ? RANK_PORTS : RANK_COUNTRIES, &s->list[i]);
    }
    if (rank_make_all(p->draft->kit->store, queries, n, rankings) < 0)
        return facts_fault(p);
    n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct ranking *r = &s->list[i].sources;
        *r = rankings[n++];
        if (r->n > SOURCES_TOLD) /* there may be very many */
            r->rows = xrealloc(r->rows, r->n = SOURCES_TOLD, sizeof *r->rows);
        s->list[i].others = rankings[n++];
    }
    return 0;
}

static void subjects_fini(struct subjects *s)
{
    for (size_t i = 0; i < s->n; i++) {
        rank_fini(&s->list[i].sources);
        rank_fini(&s->list[i].others);
    }
}

static size_t order_subjects(const struct page *p, struct subjects *s, struct picture_order *orders,
                             size_t n)
{
    for (size_t i = 0; i < s->n; i++) {
        struct series_key port = {.kind = SERIES_PORT, .port = s->list[i].row->port};
        struct series_key country = {.kind = SERIES_COUNTRY, .country = s->list[i].row->country};
        s->list[i].picture = n;
        orders[n++] = s->list[i].country ? order_of(p, country, PICTURE_BY_PORT)
                                         : order_of(p, port, PICTURE_BY_COUNTRY);
    }
    return n;
}

static int make_pictures(struct page *p)
{
    struct picture_order orders[2 + 2 * SUBJECTS_MAX];
    struct series_key total = {.kind = SERIES_TOTAL};
    size_t n = 0;

    if (!p->draft->folder)
        return 0;
    orders[n++] = order_of(p, total, PICTURE_BY_COUNTRY);
    orders[n++] = order_of(p, total, PICTURE_BY_PORT);
    n = order_subjects(p, &p->ports, orders, n);
    n = order_subjects(p, &p->countries, orders, n);
    p->picture_count = n < p->draft->charts ? n : p->draft->charts;
    p->pictures = xcalloc(p->picture_count + 1, sizeof(struct picture *));
    return pictures_make(p->draft->kit, orders, p->picture_count, p->pictures, p->err);
}

/* What the page needs of the facts beyond the overview, read as few times as can be. */
static int gather(struct page *p)
{
    int rc;

    choose_subjects(p, false, &p->ports);
    choose_subjects(p, true, &p->countries);
    if ((rc = rank_subjects(p, &p->ports)) == 0 && (rc = rank_subjects(p, &p->countries)) == 0)
        rc = make_pictures(p);
    return rc;
}

static void page_fini(struct page *p)
{
    for (size_t i = 0; i < p->picture_count; i++)
        picture_free(p->pictures[i]);
    free(p->pictures);
    subjects_fini(&p->ports);
    subjects_fini(&p->countries);
    document_free(p->doc);
}

/* ---- sensors ---- */

static int add_sensors(struct page *p)
{
    const char *const titles[] = {_("sensor"), _("events"), _("sources"), _("most at"),
                                  _("most from")};
    static const bool numeric[] = {false, true, true, false, false};
    int rc = 0;

    if (p->o->sensor_n < 2)
        return 0;
    document_heading(p->doc, 2, _("Sensors compared"));
    document_table(p->doc, "", titles, numeric, sizeof numeric);
    for (size_t i = 0; i < p->o->sensor_n && rc == 0; i++) {
        struct ranking r[2] = {0};
        for (int k = 0; k < 2 && rc == 0; k++) {
            struct rank_query q = {.what = k ? RANK_COUNTRIES : RANK_PORTS,
                                   .from = p->o->query.from,
                                   .to = p->o->query.to,
                                   .before_from = p->o->query.from,
                                   .before_to = p->o->query.from,
                                   .sensors = &p->o->sensors[i].id,
                                   .sensor_count = 1};
            rc = rank_make(p->draft->kit->store, &q, &r[k]) < 0 ? facts_fault(p) : 0;
        }
        char key[RANK_KEY_MAX];
        document_cell(p->doc, p->o->sensors[i].name);
        count_cell(p, r[0].events);
        count_cell(p, r[0].sources);
        document_cell(p->doc, r[0].n ? rank_key(RANK_PORTS, &r[0].rows[0], key) : "–");
        cell(p, r[1].n ? sentence_country(r[1].rows[0].country) : xstrdup("–"));
        rank_fini(&r[0]);
        rank_fini(&r[1]);
    }
    return rc;
}

/* ---- the page ---- */

static int fill(struct page *p)
{
    int rc;

    add_head(p);
    add_findings(p);
    add_gaps(p);
    document_heading(p->doc, 2, _("All events"));
    if ((rc = chart(p, 0, "total by country")) < 0 || (rc = chart(p, 1, "total by port")) < 0)
        return rc;
    add_ranking(p, false);
    add_ranking(p, true);
    if ((rc = add_moved(p, &p->ports, _("Ports that moved, and the first three"))) < 0 ||
        (rc = add_moved(p, &p->countries, _("Countries that moved, and the first three"))) < 0)
        return rc;
    return add_sensors(p);
}

static char *title_of(const struct overview *o)
{
    char day[WHEN_TEXT_MAX];

    return text_of(_("Overview of %s"), when_day(o->query.zone, o->query.to - 1, day));
}

static int write_page(const struct page *p, FILE *out)
{
    const struct chart_definition *def = p->draft->kit->definition;
    const struct chart_theme *dark = chart_definition_theme(def, "dark");
    char *style = dark ? recolour_style(chart_definition_theme(def, NULL), dark) : NULL;
    int rc = p->draft->format == DRAFT_HTML       ? document_html(p->doc, style, out)
             : p->draft->format == DRAFT_MARKDOWN ? document_markdown(p->doc, out)
                                                  : document_text(p->doc, out);

    free(style);
    return rc;
}

/* ---- in a line ---- */

enum { FIRST_TOLD = 3 };

static void put_first(FILE *f, const struct ranking *r, bool country)
{
    char key[RANK_KEY_MAX];

    for (size_t i = 0; i < r->n && i < FIRST_TOLD; i++) {
        char *name = country ? sentence_country(r->rows[i].country)
                             : xstrdup(rank_key(RANK_PORTS, &r->rows[i], key));
        fprintf(f, "%s%s", i ? _x("list", ", ") : "", name);
        free(name);
    }
}

char *draft_summary(const struct overview *o)
{
    const struct ranking *ports = &o->ports[OVERVIEW_DAY], *countries = &o->countries[OVERVIEW_DAY];
    char events[SENTENCE_COUNT_MAX], sources[SENTENCE_COUNT_MAX], *text = NULL;
    uint64_t was = events_before(ports);
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    fputs(sentence_events(ports->events, events), f);
    if (was)
        fprintf(f, _(" (%+.0f%%)"), 100.0 * ((double)ports->events - (double)was) / (double)was);
    if (ports->events) {
        fprintf(f, _(" from %s"), sentence_sources(ports->sources, ports->sources_exact, sources));
        fputs(_("; most at "), f);
        put_first(f, ports, false);
        fputs(_("; most from "), f);
        put_first(f, countries, true);
    }
    if (o->findings.n)
        fprintf(f, _n("; %zu finding", "; %zu findings", o->findings.n), o->findings.n);
    if (o->gap_n)
        fprintf(f, _n("; %zu gap, loss or note", "; %zu gaps, losses and notes", o->gap_n),
                o->gap_n);
    fclose(f);
    return text;
}

int draft_write(const struct draft *draft, FILE *out, struct error *err)
{
    struct page p = {.draft = draft, .o = draft->overview, .err = err};
    char *title = title_of(p.o);

    for (size_t i = 0; i < p.o->sensor_n && i < SENSORS_MAX; i++)
        p.sensors[p.sensor_count++] = p.o->sensors[i].id;
    p.doc = document_new(language_name(), title,
                         _("Made by scantide from firewall logs. Bands are the mean of 48 hours "
                           "and 1.645 standard deviations about it; README.md has the rules of "
                           "the verdicts."));
    free(title);
    int rc = store_rules(draft->kit->store, &p.rules) < 0 ? facts_fault(&p) : gather(&p);
    if (rc == 0)
        rc = fill(&p);
    if (rc == 0 && (rc = write_page(&p, out)) < 0)
        error_add(err, NULL, 0, 0, "the page can't be written (%s)", strerror(-rc));
    page_fini(&p);
    return rc;
}

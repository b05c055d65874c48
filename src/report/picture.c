#include "report/picture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/country.h"
#include "base/language.h"
#include "chart/caption.h"
#include "chart/draw.h"
#include "chart/spread.h"
#include "report/shade.h"
#include "series/name.h"

#define UNTOLD "\xe2\x80\x93"

enum { ROW_TEXT_MAX = 32 };

/* One part of the stack, with the strings that its chart_part points to. */
struct layer {
    char key[RANK_KEY_MAX], path[SERIES_PATH_MAX], sources[ROW_TEXT_MAX];
    char **more; /* paths of a group's further ports */
    size_t more_count;
};

struct picture {
    const struct picture_kit *kit;
    struct picture_order order;
    struct chart_request request;
    struct error *err; /* of the call */

    char *names[SENSORS_MAX], *folders[SENSORS_MAX];
    struct ranking ranking;
    struct layer series, layers[CHART_LAYERS_MAX];
    struct chart_part parts[CHART_LAYERS_MAX];
    struct shades *shades;
    const char *notes[PICTURE_NOTES_MAX + SHADE_NOTES_MAX + 1];
    char *note, *title, *subtitle;
    bool rounded;
};

/* ---- sensors and span ---- */

static int facts_fault(struct picture *p)
{
    error_add(p->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(p->kit->store));
    return -EIO;
}

static int find_sensors(struct picture *p)
{
    const struct picture_order *o = &p->order;
    const struct sensor *list;
    size_t n;

    if (store_sensors(p->kit->store, &list, &n) < 0)
        return facts_fault(p);
    ASSERT(o->sensor_count <= SENSORS_MAX);
    for (size_t i = 0; i < o->sensor_count; i++)
        for (size_t k = 0; k < n; k++)
            if (list[k].id == o->sensors[i]) {
                p->names[i] = xstrdup(list[k].name);
                p->folders[i] = series_folder(p->kit->series, list[k].name);
            }
    p->request.sensors = (const char *const *)p->folders;
    p->request.sensor_count = o->sensor_count;
    return 0;
}

static int64_t round_down(int64_t t, int64_t step)
{
    return t - ((t % step) + step) % step;
}

/* Whole bars. A span that ends now ends with the bar that now lies in, if that has known time
 * already, else with the one before: what can't have been seen yet isn't "not watched". */
static void fit_span(struct picture *p)
{
    const struct picture_order *o = &p->order;
    struct chart_request *r = &p->request;
    int64_t from = o->from, to = o->to, now = p->kit->now;

    r->step_s = chart_axis_step(to - from, r->width);
    int64_t step = r->step_s, known = 0;
    for (size_t i = 0; i < o->sensor_count; i++) {
        int64_t first, last;
        if (store_extent(p->kit->store, o->sensors[i], &first, &last) == 0 && last > known)
            known = round_down(last, BIN_S) + BIN_S;
    }
    r->from = round_down(from, step);
    r->to = round_down(to + step - 1, step);
    if (o->begins_anywhere)
        r->from = r->to - round_down(to - from - BIN_S + step - 1, step);
    if (o->ends_now && known <= r->to - step && known > now - step - 600) {
        r->from -= o->begins_anywhere ? step : 0;
        r->to -= step;
    }
    if (r->from >= r->to)
        r->from = r->to - step;
    p->rounded = (r->from != from || (!o->ends_now && r->to != to)) && step > BIN_S;
}

/* ---- layers ---- */

static bool file_exists(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Whether what is drawn of a key is the sum of it for all of the group's ports. */
static bool sums_group(const struct picture *p)
{
    return p->order.group && p->order.by != PICTURE_BY_PORT;
}

/* The keys that are drawn as one; `out` has room for sum_size(p) of them. */
static size_t sum_size(const struct picture *p)
{
    return sums_group(p) ? p->order.group->n : 1;
}

static void sum_keys(const struct picture *p, const struct series_key *key, struct series_key *out)
{
    for (size_t i = 0; i < sum_size(p); i++) {
        out[i] = *key;
        if (sums_group(p))
            out[i].port = p->order.group->ports[i];
    }
}

static void set_paths(struct layer *l, const struct series_key *keys, size_t n)
{
    series_path(&keys[0], l->path);
    l->more = xcalloc(n, sizeof *l->more);
    for (l->more_count = 0; l->more_count + 1 < n; l->more_count++) {
        l->more[l->more_count] = xmalloc(SERIES_PATH_MAX);
        series_path(&keys[l->more_count + 1], l->more[l->more_count]);
    }
}

static void clear_paths(struct layer *l)
{
    for (size_t i = 0; i < l->more_count; i++)
        free(l->more[i]);
    free(l->more);
    l->more = NULL;
    l->more_count = 0;
}

static bool any_file(const struct picture *p, const char *path)
{
    for (size_t i = 0; i < p->order.sensor_count; i++) {
        char *full = xasprintf("%s/%s", p->folders[i], path);
        bool found = file_exists(full);
        free(full);
        if (found)
            return true;
    }
    return false;
}

static bool any_layer_file(const struct picture *p, const struct layer *l)
{
    bool any = any_file(p, l->path);

    for (size_t i = 0; i < l->more_count && !any; i++)
        any = any_file(p, l->more[i]);
    return any;
}

static struct chart_part part_of(const struct layer *l, const char *key, const char *sources)
{
    return (struct chart_part){key, l->path, sources, (const char *const *)l->more, l->more_count};
}

static void count_text(char out[static ROW_TEXT_MAX], uint64_t n, bool exact)
{
    snprintf(out, ROW_TEXT_MAX, "%s%" PRIu64, exact ? "" : "~", n);
}

static struct series_key layer_key(const struct picture *p, const struct rank_row *row)
{
    struct series_key key = p->order.what;

    if (p->order.by == PICTURE_BY_COUNTRY)
        key.country = row->country;
    else
        key.port = row->port;
    if (p->order.what.kind == SERIES_TOTAL)
        key.kind = p->order.by == PICTURE_BY_COUNTRY ? SERIES_COUNTRY : SERIES_PORT;
    else if (p->order.group && p->order.by == PICTURE_BY_PORT)
        key.kind = SERIES_PORT;
    else
        key.kind = SERIES_PAIR;
    return key;
}

/* Keys that are wanted of all sensors of the pictures. */
struct wanted {
    struct series_key *list;
    size_t n, cap;
};

static void want(struct wanted *w, const struct series_key *keys, size_t n)
{
    while (w->n + n > w->cap)
        w->list = xrealloc(w->list, w->cap = w->cap * 2 + 64, sizeof *w->list);
    if (n)
        memcpy(w->list + w->n, keys, n * sizeof *keys);
    w->n += n;
}

/* A daemon may be behind with them, on purpose or not. */
static int want_series(const struct picture *p, const struct wanted *w)
{
    const struct picture_kit *k = p->kit;
    int rc = 0;

    for (size_t i = 0; i < p->order.sensor_count && rc == 0; i++)
        rc = series_want(k->series, k->store, p->order.sensors[i], w->list, w->n,
                         k->now - k->late_s, k->now, p->err);
    return rc;
}

/* So many rows of the ranking may be layers. */
static size_t layers_most(const struct picture *p)
{
    double hours = (double)(p->request.to - p->request.from) / HOUR_S;
    size_t n = 0;

    while (n < p->ranking.n && n < p->order.layers && n < CHART_LAYERS_MAX &&
           (double)p->ranking.rows[n].events >= p->order.least * hours)
        n++;
    return n;
}

static void want_layers(struct picture *p, struct wanted *w)
{
    size_t n = layers_most(p), each = sum_size(p);
    struct series_key *keys = xcalloc(each, sizeof *keys);

    for (size_t i = 0; i < n && p->order.by != PICTURE_BY_NONE; i++) {
        struct series_key key = layer_key(p, &p->ranking.rows[i]);
        sum_keys(p, &key, keys);
        want(w, keys, each);
    }
    free(keys);
}

/* The largest parts of the span that have a file. */
static void choose_layers(struct picture *p)
{
    enum rank_what what = p->order.by == PICTURE_BY_COUNTRY ? RANK_COUNTRIES : RANK_PORTS;
    struct series_key *keys = xcalloc(sum_size(p), sizeof *keys);
    size_t n = 0, most = layers_most(p);

    for (size_t i = 0; i < most; i++) {
        const struct rank_row *row = &p->ranking.rows[i];
        struct layer *l = &p->layers[n];
        struct series_key key = layer_key(p, row);
        sum_keys(p, &key, keys);
        set_paths(l, keys, sum_size(p));
        if (!any_layer_file(p, l)) {
            clear_paths(l);
            continue;
        }
        rank_key(what, row, l->key);
        if (row->untold)
            strcpy(l->sources, UNTOLD);
        else
            count_text(l->sources, row->sources, p->ranking.sources_exact);
        p->parts[n++] = part_of(l, l->key, p->order.no_sources ? NULL : l->sources);
    }
    free(keys);
    p->request.layers = p->parts;
    p->request.layer_count = n;
}

static struct rank_query layers_query(const struct picture *p)
{
    const struct picture_order *o = &p->order;

    return (struct rank_query){.what = o->by == PICTURE_BY_PORT ? RANK_PORTS : RANK_COUNTRIES,
                               .from = p->request.from,
                               .to = p->request.to,
                               .before_from = p->request.from,
                               .before_to = p->request.from,
                               .sensors = o->sensors,
                               .sensor_count = o->sensor_count,
                               .by_port = o->what.kind == SERIES_PORT,
                               .port = o->what.port,
                               .ports = o->group,
                               .by_country = o->what.kind == SERIES_COUNTRY,
                               .country = o->what.country,
                               .no_sources = o->no_sources,
                               .quick = true};
}

/* How many sources the whole series has. */
static int count_sources(struct picture *p)
{
    const struct picture_order *o = &p->order;
    struct rank_query q = layers_query(p);
    struct ranking r = {0};

    q.what = o->what.kind == SERIES_PORT ? RANK_PORTS : RANK_COUNTRIES;
    q.no_sources = false;
    if (!p->ranking.untold)
        count_text(p->series.sources, p->ranking.sources, p->ranking.sources_exact);
    else if (o->group)
        strcpy(p->series.sources, UNTOLD);
    else if (rank_make(p->kit->store, &q, &r) < 0)
        return facts_fault(p);
    else if (r.n && r.rows[0].untold)
        strcpy(p->series.sources, UNTOLD);
    else
        count_text(p->series.sources, r.sources, r.sources_exact);
    rank_fini(&r);
    p->request.series.sources = p->series.sources;
    return 0;
}

/* A group's ports without a series can't be in its sum. */
static void say_missing(const struct picture *p)
{
    const struct port_group *group = p->order.group;
    char port[PORT_TEXT_MAX], path[SERIES_PATH_MAX];

    for (size_t i = 0; group && p->kit->say && i < group->n; i++) {
        struct series_key key = {.kind = SERIES_PORT, .port = group->ports[i]};
        series_path(&key, path);
        if (any_file(p, path))
            continue;
        port_format(key.port, port);
        char *text = xasprintf(
            "%s of %s has no series, so it isn't in the chart; 'series: ports:' gives it one", port,
            group->name);
        p->kit->say(text);
        free(text);
    }
}

static int no_series(struct picture *p)
{
    const char *key = p->series.key;

    if (p->order.group)
        error_add(p->err, NULL, 0, 0, "no port of %s has a series", key);
    else if (p->order.what.kind == SERIES_PORT)
        error_add(p->err, NULL, 0, 0,
                  "%s has no series: a port needs %u events in some clock hour, or a place in the "
                  "configuration's 'series: ports:'; 'scantide top' counts it all the same",
                  key, p->kit->port_events);
    else if (p->order.what.kind == SERIES_COUNTRY)
        error_add(p->err, NULL, 0, 0, "there is no event from %s yet", key);
    else
        error_add(p->err, NULL, 0, 0, "there is no event yet");
    return -ENOENT;
}

static void want_whole(const struct picture *p, struct wanted *w)
{
    const struct port_group *group = p->order.group;
    struct series_key key = p->order.what;

    for (size_t i = 0; group && i < group->n; i++) {
        key.port = group->ports[i];
        want(w, &key, 1);
    }
    if (!group)
        want(w, &key, 1);
}

static void name_series(struct picture *p)
{
    const struct picture_order *o = &p->order;
    struct layer *s = &p->series;
    struct wanted keys = {0};
    char country[3];

    want_whole(p, &keys);
    set_paths(s, keys.list, keys.n);
    free(keys.list);
    if (o->group)
        snprintf(s->key, sizeof s->key, "%s", o->group->name);
    else if (o->what.kind == SERIES_PORT)
        port_format(o->what.port, s->key);
    else if (o->what.kind == SERIES_COUNTRY)
        snprintf(s->key, sizeof s->key, "%s", country_format(o->what.country, country));
    p->request.series = part_of(s, o->what.kind == SERIES_TOTAL ? NULL : s->key, NULL);
}

static int find_series(struct picture *p)
{
    name_series(p);
    say_missing(p);
    return any_layer_file(p, &p->series) ? 0 : no_series(p);
}

/* ---- words ---- */

static void say_notes(struct picture *p)
{
    const struct picture_kit *k = p->kit;
    struct chart_request *r = &p->request;
    struct caption_source source = {.zone = k->zone,
                                    .zone_variable = k->zone_variable,
                                    .when = r->to - 1,
                                    .country_path = k->country_path,
                                    .country_built = k->country_built,
                                    .sensors = (const char *const *)p->names,
                                    .sensor_count = p->order.sensor_count};
    const char *const *shade_notes;
    size_t n = shades_notes(p->shades, &shade_notes);

    ASSERT(p->order.note_count <= PICTURE_NOTES_MAX && n <= SHADE_NOTES_MAX);
    p->note = caption_note(k->definition, &source);
    for (size_t i = 0; i < n; i++)
        p->notes[r->note_count++] = shade_notes[i];
    p->notes[r->note_count++] = p->note;
    for (size_t i = 0; i < p->order.note_count; i++)
        p->notes[r->note_count++] = p->order.notes[i];
    r->notes = p->notes;
}

/* "smb (445/tcp, 139/tcp)" */
static char *group_text(const struct port_group *group)
{
    char port[PORT_TEXT_MAX], *text = xstrdup(group->name);

    for (size_t i = 0; i < group->n; i++) {
        port_format(group->ports[i], port);
        char *longer =
            xasprintf("%s%s%s%s", text, i ? ", " : " (", port, i + 1 == group->n ? ")" : "");
        free(text);
        text = longer;
    }
    return text;
}

/* The text with the name where it has "{}". */
static char *filled(const char *text, const char *name)
{
    const char *place = strstr(text, "{}");

    return place ? xasprintf("%.*s%s%s", (int)(place - text), text, name, place + 2)
                 : xstrdup(text);
}

static void say_title(struct picture *p)
{
    const struct picture_order *o = &p->order;
    const struct chart_definition *d = p->kit->definition;
    const struct chart_words *w = &d->words;
    struct chart_request *r = &p->request;
    const char *by = o->by == PICTURE_BY_COUNTRY  ? w->by_country
                     : o->by == PICTURE_BY_PORT   ? w->by_port
                     : o->by == PICTURE_BY_SPREAD ? w->over_ports
                                                  : "{}";
    char *name = o->group        ? group_text(o->group)
                 : r->series.key ? caption_key(d, r->series.key)
                                 : xstrdup(w->all);

    char *from = filled(o->what.kind == SERIES_COUNTRY ? w->from : "{}", name);

    p->title = o->title ? xstrdup(_x("chart", o->title)) : filled(by, from);
    free(from);
    p->subtitle = caption_subtitle(d, p->kit->zone, r->from, r->to, r->step_s);
    r->title = p->title;
    r->subtitle = p->subtitle;
    free(name);
}

/* ---- the picture ---- */

enum picture_by picture_by(enum series_kind kind)
{
    return kind == SERIES_COUNTRY ? PICTURE_BY_PORT : PICTURE_BY_COUNTRY;
}

static struct picture *begin(const struct picture_kit *kit, const struct picture_order *order,
                             struct error *err)
{
    struct picture *p = xcalloc(1, sizeof *p);
    struct chart_request *r = &p->request;

    p->kit = kit;
    p->order = *order;
    p->err = err;
    r->definition = kit->definition;
    r->theme = chart_definition_theme(kit->definition, order->theme);
    ASSERT(r->theme);
    r->width = order->width, r->height = order->height, r->zoom = order->zoom;
    r->legend_below = order->legend_below;
    r->band = order->band, r->scale = order->scale;
    r->colours = order->colours, r->colour_count = order->colour_count;
    r->zone = kit->zone_variable;
    r->exists = file_exists;
    return p;
}

static int shade(struct picture *p)
{
    const struct picture_order *o = &p->order;
    struct chart_request *r = &p->request;
    struct shade_query q = {.sensors = o->sensors,
                            .sensor_names = (const char *const *)p->names,
                            .sensor_count = o->sensor_count,
                            .from = r->from,
                            .to = r->to,
                            .now = p->kit->now,
                            .width = r->width};

    if (shades_make(p->kit->store, &q, p->kit->definition, p->kit->zone, &p->shades) < 0)
        return facts_fault(p);
    r->shade_count = shades_list(p->shades, &r->shades);
    return 0;
}

/* With the ranking, and the series of its rows. */
static int finish(struct picture *p)
{
    int rc = p->order.no_sources ? 0 : count_sources(p);

    if (rc == 0 && p->order.by != PICTURE_BY_NONE)
        choose_layers(p);
    if (rc == 0)
        rc = shade(p);
    if (rc == 0) {
        say_title(p);
        say_notes(p);
    }
    return rc;
}

int picture_make(const struct picture_kit *kit, const struct picture_order *order,
                 struct picture **out, struct error *err)
{
    struct picture *p = begin(kit, order, err);
    struct wanted keys = {0};

    *out = NULL;
    want_whole(p, &keys);
    int rc = want_series(p, &keys);
    if (rc == 0 && (rc = find_sensors(p)) == 0 && (rc = find_series(p)) == 0) {
        fit_span(p);
        struct rank_query q = layers_query(p);
        rc = rank_make(kit->store, &q, &p->ranking) < 0 ? facts_fault(p) : 0;
        keys.n = 0;
        want_layers(p, &keys);
        if (rc == 0 && (rc = want_series(p, &keys)) == 0)
            rc = finish(p);
    }
    free(keys.list);
    if (rc < 0) {
        picture_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

/* ---- many pictures ---- */

/* Those without a series are freed. */
static int begin_all(struct picture **list, size_t n)
{
    struct wanted keys = {0};
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        want_whole(list[i], &keys);
    if (n)
        rc = want_series(list[0], &keys);
    free(keys.list);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct error without = {0}, *err = list[i]->err;
        list[i]->err = &without;
        if ((rc = find_sensors(list[i])) == 0)
            rc = find_series(list[i]);
        list[i]->err = err;
        if (rc < 0 && rc != -ENOENT)
            error_move(err, &without);
        error_fini(&without);
        if (rc == -ENOENT) {
            picture_free(list[i]);
            list[i] = NULL;
            rc = 0;
        } else if (rc == 0) {
            fit_span(list[i]);
        }
    }
    return rc;
}

/* The rankings of all, in one reading of the facts. */
static int rank_all(struct picture **list, size_t n)
{
    struct rank_query *queries = xcalloc(n + 1, sizeof *queries);
    struct ranking *rankings = xcalloc(n + 1, sizeof *rankings);
    struct picture *any = NULL;
    size_t count = 0;
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i])
            queries[count++] = layers_query(any = list[i]);
    if (any && rank_make_all(any->kit->store, queries, count, rankings) < 0)
        rc = facts_fault(any);
    for (size_t i = n, k = count; i-- > 0;)
        if (list[i])
            list[i]->ranking = rankings[--k];
    free(queries);
    free(rankings);
    return rc;
}

static int finish_all(struct picture **list, size_t n)
{
    struct wanted keys = {0};
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i])
            want_layers(list[i], &keys);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (list[i]) {
            rc = want_series(list[i], &keys);
            break;
        }
    free(keys.list);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (list[i])
            rc = finish(list[i]);
    return rc;
}

int pictures_make(const struct picture_kit *kit, const struct picture_order *orders, size_t n,
                  struct picture **out, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        ASSERT(orders[i].no_sources && orders[i].from == orders[0].from);
        out[i] = begin(kit, &orders[i], err);
    }
    int rc = begin_all(out, n);
    if (rc == 0)
        rc = rank_all(out, n);
    if (rc == 0)
        rc = finish_all(out, n);
    for (size_t i = 0; i < n && rc < 0; i++) {
        picture_free(out[i]);
        out[i] = NULL;
    }
    return rc;
}

/* ---- over all ports ---- */

/* Those with a number: TCP's and UDP's. The caller frees the list. */
static struct spread_point *points_of(const struct ranking *ports, size_t *n)
{
    struct spread_point *list = xcalloc(ports->n + 1, sizeof *list);

    *n = 0;
    for (size_t i = 0; i < ports->n; i++) {
        enum port_kind kind = port_kind(ports->rows[i].port);
        if (kind == PORT_TCP || kind == PORT_UDP)
            list[(*n)++] = (struct spread_point){(uint16_t)port_number(ports->rows[i].port),
                                                 kind == PORT_UDP, ports->rows[i].events};
    }
    return list;
}

int picture_spread(const struct picture_kit *kit, const struct picture_order *order,
                   const struct ranking *ports, const char *output, char **title, struct error *err)
{
    struct picture *p = begin(kit, order, err);
    struct chart_request *r = &p->request;

    *title = NULL;
    p->order.by = PICTURE_BY_SPREAD;
    r->from = ports->from, r->to = ports->to;
    name_series(p);
    int rc = find_sensors(p);
    if (rc == 0)
        rc = shade(p); /* for its lines: what wasn't seen is in no stroke */
    if (rc == 0) {
        say_title(p);
        say_notes(p);
        struct spread spread = {.definition = kit->definition,
                                .theme = r->theme,
                                .title = p->title,
                                .subtitle = p->subtitle,
                                .width = r->width,
                                .height = r->height,
                                .zoom = r->zoom,
                                .notes = r->notes,
                                .note_count = r->note_count};
        struct spread_point *points = points_of(ports, &spread.n);
        spread.points = points;
        rc = spread_draw(&spread, output, err);
        free(points);
        *title = rc == 0 ? xstrdup(p->title) : NULL;
    }
    picture_free(p);
    return rc;
}

void picture_free(struct picture *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->order.sensor_count; i++) {
        free(p->names[i]);
        free(p->folders[i]);
    }
    clear_paths(&p->series);
    for (size_t i = 0; i < CHART_LAYERS_MAX; i++)
        clear_paths(&p->layers[i]);
    rank_fini(&p->ranking);
    shades_free(p->shades);
    free(p->note);
    free(p->title);
    free(p->subtitle);
    free(p);
}

int picture_draw(struct picture *p, const char *output, struct error *err)
{
    struct args cmd;

    p->request.output = output;
    int rc = chart_prepare(&p->request, &cmd, err);
    if (rc == 0)
        rc = chart_draw(&p->request, &cmd, err);
    args_fini(&cmd);
    return rc;
}

int picture_command(struct picture *p, const char *output, char **text, struct error *err)
{
    struct args cmd;

    p->request.output = output;
    int rc = chart_prepare(&p->request, &cmd, err);
    *text = rc == 0 ? args_shell(&cmd, p->request.zone) : NULL;
    args_fini(&cmd);
    return rc;
}

bool picture_is_rounded(const struct picture *p)
{
    return p->rounded;
}

uint64_t picture_events(const struct picture *p)
{
    return p->ranking.events;
}

const char *picture_title(const struct picture *p)
{
    return p->title;
}

/* `scantide graph`: the hourly chart of the total, a port or a country. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/country.h"
#include "chart/caption.h"
#include "chart/draw.h"
#include "command/session.h"
#include "command/span.h"
#include "config/paths.h"
#include "report/rank.h"
#include "series/name.h"

static const char usage[] =
    "scantide graph - draw the hourly chart of the total, a port or a country\n"
    "\n"
    "    scantide graph total|port P|country CC [--by country|port|none] [--last 24h | --from T "
    "[--to T]]\n"
    "                   [--band] [--full] [--size WxH] [--layers N] [--theme light|dark] [--sensor "
    "S]...\n"
    "                   [--note TEXT]... [--print] -o FILE.png|FILE.svg\n"
    "\n"
    "A port may be a group of rrd/ports.yaml, such as smb or mail: then it is the sum of its "
    "ports'\n"
    "series, by country, by port or none.\n"
    "\n"
    "Events of excluded networks are in no chart, those of known scanners in every one: the "
    "databases\n"
    "hold one number a step. 'scantide top' ranks with and without either.\n"
    "\n"
    "Bars of an hour, or of 5 minutes for 6 hours or less, stacked by the largest parts and "
    "'other', so\n"
    "that the top of the stack is the line of the total. Time that nobody watched is shaded. Bars "
    "that\n"
    "would press the rest flat are cut off, and say how tall they are. Palettes, fonts and words "
    "stand in\n"
    "rrd/chart.yaml.\n"
    "\n"
    "    --by WHAT          stack by country, by port, or none (a port by country, a country by "
    "port,\n"
    "                       the total by country if nothing is said)\n"
    "    --last 24h         the span up to now: 90m, 24h, 3d, 2w (24h if nothing is said)\n"
    "    --from T, --to T   a span, half-open; without --to up to now\n"
    "    --all              all that the facts hold\n"
    "    --band             the mean of the 48 hours up to each hour, and 1.645 standard "
    "deviations about it\n"
    "    --full             cut nothing off\n"
    "    --size WxH         of the plot itself, in pixels (900x300); title and legend come on top\n"
    "    --layers N         so many parts with a colour of their own (8)\n"
    "    --theme NAME       light (the default) or dark\n"
    "    --sensor S         only this firewall; may stand several times (the sum of all)\n"
    "    --note TEXT        a line under the chart; may stand several times\n"
    "    --print            don't draw; print the shell command (rrdtool graph ...) that draws the "
    "same\n"
    "    -o FILE            the picture, PNG or SVG by its ending\n" SESSION_USAGE;

enum by { BY_DEFAULT, BY_COUNTRY, BY_PORT, BY_NONE };
enum { NOTES_MAX = 8, ROW_TEXT_MAX = 32 };

/* One part of the stack, with the strings that its chart_part points to. */
struct layer {
    char key[RANK_KEY_MAX], path[SERIES_PATH_MAX], sources[ROW_TEXT_MAX];
    char **more; /* paths of a group's further ports */
    size_t more_count;
};

struct graph {
    struct session session;
    struct span span;
    struct series_key what;
    const struct port_group *group; /* in place of what.port, or NULL */
    struct port_book *book;
    enum by by;
    struct chart_definition *definition;
    struct chart_request request;
    bool print;
    const char *size, *layers_text, *theme;

    const char *asked[SENSORS_MAX]; /* by --sensor */
    uint16_t sensors[SENSORS_MAX];
    char *names[SENSORS_MAX], *folders[SENSORS_MAX];
    size_t sensor_count, layer_count;

    struct ranking ranking;
    struct layer series, layers[CHART_LAYERS_MAX];
    struct chart_part parts[CHART_LAYERS_MAX];
    const char *notes[NOTES_MAX + 1]; /* the first is ours */
    size_t note_count;
    char *note, *title, *subtitle, *zone;
};

/* ---- the call ---- */

static int choose_what(struct graph *g, int argc, char **argv)
{
    const char *word = optind < argc ? argv[optind] : "";
    const char *key = optind + 1 < argc ? argv[optind + 1] : NULL;
    int words = strcmp(word, "total") == 0 ? 1 : 2;

    if (!*word)
        return session_mistake("graph", "say what to draw: total, port P or country CC");
    if (strcmp(word, "total") == 0) {
        g->what.kind = SERIES_TOTAL;
    } else if (strcmp(word, "port") == 0) {
        g->what.kind = SERIES_PORT;
        if (session_port("graph", "port", key ? key : "", &g->book, &g->what.port, &g->group) !=
            EXIT_DONE)
            return EXIT_MISTAKE;
    } else if (strcmp(word, "country") == 0) {
        g->what.kind = SERIES_COUNTRY;
        if (!key || country_parse(str_from(key), &g->what.country) < 0)
            return session_mistake("graph", "country %s: two letters are meant, such as CN",
                                   key ? key : "");
    } else {
        return session_mistake("graph", "'%s' can't be drawn: total, port P and country CC can",
                               word);
    }
    if (argc - optind > words)
        return session_mistake("graph", "'%s' is one word too many", argv[optind + words]);
    return EXIT_DONE;
}

static int choose_by(struct graph *g, const char *text)
{
    if (strcmp(text, "country") == 0)
        g->by = BY_COUNTRY;
    else if (strcmp(text, "port") == 0)
        g->by = BY_PORT;
    else if (strcmp(text, "none") == 0)
        g->by = BY_NONE;
    else
        return session_mistake("graph", "--by %s: country, port or none is meant", text);
    return EXIT_DONE;
}

/* What --by and the series say together. */
static int check_by(struct graph *g)
{
    if (g->by == BY_DEFAULT)
        g->by = g->what.kind == SERIES_COUNTRY ? BY_PORT : BY_COUNTRY;
    if (g->what.kind == SERIES_PORT && g->by == BY_PORT && !g->group)
        return session_mistake("graph", "a port has one port: stack it by country or none");
    if (g->what.kind == SERIES_COUNTRY && g->by == BY_COUNTRY)
        return session_mistake("graph", "a country is one country: stack it by port or none");
    return EXIT_DONE;
}

static int check_output(const struct graph *g)
{
    const char *out = g->request.output;
    size_t n = out ? strlen(out) : 0;

    if (!out)
        return session_mistake("graph", "say where the picture goes: -o FILE.png or -o FILE.svg");
    if (n < 5 || (strcmp(out + n - 4, ".png") != 0 && strcmp(out + n - 4, ".svg") != 0))
        return session_mistake("graph", "-o %s: the file's name must end in .png or .svg", out);
    return EXIT_DONE;
}

static int take_option(struct graph *g, int option)
{
    if (option == 'b')
        return choose_by(g, optarg);
    if (option == 'l')
        g->span.last = optarg;
    else if (option == 'f')
        g->span.from_text = optarg;
    else if (option == 't')
        g->span.to_text = optarg;
    else if (option == 'a')
        g->span.all = true;
    else if (option == 'B')
        g->request.band = true;
    else if (option == 'F')
        g->request.scale = CHART_FULL;
    else if (option == 'S')
        g->size = optarg;
    else if (option == 'L')
        g->layers_text = optarg;
    else if (option == 'T')
        g->theme = optarg;
    else if (option == 's' && g->sensor_count < SENSORS_MAX)
        g->asked[g->sensor_count++] = optarg;
    else if (option == 'n' && g->note_count < NOTES_MAX)
        g->notes[1 + g->note_count++] = optarg;
    else if (option == 'p')
        g->print = true;
    else if (option == 'o')
        g->request.output = optarg;
    return EXIT_DONE;
}

/* Returns an exit status, or -1 where --help was asked for. */
static int read_options(int argc, char **argv, struct graph *g)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"by", required_argument, NULL, 'b'},
                                            {"last", required_argument, NULL, 'l'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"band", no_argument, NULL, 'B'},
                                            {"full", no_argument, NULL, 'F'},
                                            {"size", required_argument, NULL, 'S'},
                                            {"layers", required_argument, NULL, 'L'},
                                            {"theme", required_argument, NULL, 'T'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"note", required_argument, NULL, 'n'},
                                            {"print", no_argument, NULL, 'p'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "o:", options, NULL)) >= 0) {
        if (option == '?' || option >= OPTION_DATA) {
            if (session_option(option, "graph", usage, &status) < 0)
                return status == EXIT_DONE ? -1 : status;
        } else if ((status = take_option(g, option)) != EXIT_DONE) {
            return status;
        }
    }
    if ((status = choose_what(g, argc, argv)) != EXIT_DONE || (status = check_by(g)) != EXIT_DONE)
        return status;
    return check_output(g);
}

/* ---- the definition ---- */

static int choose_size(struct graph *g)
{
    struct chart_request *r = &g->request;
    const struct chart_definition *d = g->definition;
    char rest;

    r->width = d->size.width;
    r->height = d->size.height;
    r->zoom = d->size.zoom;
    if (g->size && (sscanf(g->size, "%5ux%5u%c", &r->width, &r->height, &rest) != 2 ||
                    r->width < 100 || r->width > 10000 || r->height < 50 || r->height > 10000))
        return session_mistake(
            "graph", "--size %s: pixels are meant, such as 900x300, from 100x50 to 10000x10000",
            g->size);
    g->layer_count = d->layers;
    if (g->layers_text && (sscanf(g->layers_text, "%4zu%c", &g->layer_count, &rest) != 1 ||
                           g->layer_count < 1 || g->layer_count > CHART_LAYERS_MAX))
        return session_mistake("graph", "--layers %s: a number from 1 to %d is meant",
                               g->layers_text, CHART_LAYERS_MAX);
    return EXIT_DONE;
}

static int load_definition(struct graph *g)
{
    char *folder = paths_share("rrd"), *path = xasprintf("%s/chart.yaml", folder);
    int rc = chart_definition_load(path, &g->definition, &g->session.err);

    free(folder);
    free(path);
    if (rc < 0)
        return session_fail(&g->session, EXIT_MISTAKE);
    g->request.definition = g->definition;
    g->request.theme = chart_definition_theme(g->definition, g->theme);
    if (!g->request.theme)
        return session_mistake("graph", "--theme %s: there is no such theme in rrd/chart.yaml",
                               g->theme);
    return choose_size(g);
}

/* ---- sensors and span ---- */

static int find_sensors(struct graph *g)
{
    const struct sensor *list;
    size_t n;
    int status = session_find_sensors(&g->session, "graph", g->asked, g->sensor_count, g->sensors);

    if (status != EXIT_DONE)
        return status;
    if (store_sensors(g->session.store, &list, &n) < 0) {
        error_add(&g->session.err, NULL, 0, 0, "the facts can't be read (%s)",
                  store_error(g->session.store));
        return session_fail(&g->session, EXIT_FAILED);
    }
    bool all = g->sensor_count == 0;
    for (size_t i = 0; all && i < n && i < SENSORS_MAX; i++)
        g->sensors[g->sensor_count++] = list[i].id;
    for (size_t i = 0; i < g->sensor_count; i++)
        for (size_t k = 0; k < n; k++)
            if (list[k].id == g->sensors[i]) {
                g->names[i] = xstrdup(list[k].name);
                g->folders[i] = series_folder(g->session.series, list[k].name);
            }
    if (g->sensor_count == 0) {
        error_add(&g->session.err, NULL, 0, 0,
                  "there are no facts yet: take a log in with 'scantide import FILE'");
        return session_fail(&g->session, EXIT_FAILED);
    }
    g->request.sensors = (const char *const *)g->folders;
    g->request.sensor_count = g->sensor_count;
    return EXIT_DONE;
}

static int64_t round_down(int64_t t, int64_t step)
{
    return t - ((t % step) + step) % step;
}

/* Whole bars. A span that ends now ends with the bar that now lies in, if that has known time
 * already, else with the one before: what can't have been seen yet isn't "not watched". */
static void fit_span(struct graph *g, int64_t now)
{
    struct chart_request *r = &g->request;
    int64_t from = g->span.from, to = g->span.to;

    r->step_s = chart_axis_step(to - from, r->width);
    int64_t step = r->step_s, known = 0;
    for (size_t i = 0; i < g->sensor_count; i++) {
        int64_t first, last;
        if (store_extent(g->session.store, g->sensors[i], &first, &last) == 0 && last > known)
            known = round_down(last, BIN_S) + BIN_S;
    }
    r->from = round_down(from, step);
    r->to = round_down(to + step - 1, step);
    if (!g->span.from_text && !g->span.all)
        r->from = r->to - round_down(to - from - BIN_S + step - 1, step);
    if (!g->span.to_text && !g->span.all && known <= r->to - step && known > now - step - 600) {
        r->from -= g->span.from_text ? 0 : step;
        r->to -= step;
    }
    if (r->from >= r->to)
        r->from = r->to - step;
    if (g->span.from_text && (r->from != from || (g->span.to_text && r->to != to)) && step > BIN_S)
        fprintf(stderr,
                "scantide: the chart has whole bars: the span is rounded outward to them\n");
}

/* ---- layers ---- */

static bool file_exists(const char *path)
{
    return access(path, R_OK) == 0;
}

/* Whether what is drawn of a key is the sum of it for all of the group's ports. */
static bool sums_group(const struct graph *g)
{
    return g->group && g->by != BY_PORT;
}

/* The keys that are drawn as one; `out` has room for sum_size(g) of them. */
static size_t sum_size(const struct graph *g)
{
    return sums_group(g) ? g->group->n : 1;
}

static void sum_keys(const struct graph *g, const struct series_key *key, struct series_key *out)
{
    for (size_t i = 0; i < sum_size(g); i++) {
        out[i] = *key;
        if (sums_group(g))
            out[i].port = g->group->ports[i];
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

static bool any_file(const struct graph *g, const char *path)
{
    for (size_t i = 0; i < g->sensor_count; i++) {
        char *full = xasprintf("%s/%s", g->folders[i], path);
        bool found = file_exists(full);
        free(full);
        if (found)
            return true;
    }
    return false;
}

static bool any_layer_file(const struct graph *g, const struct layer *l)
{
    bool any = any_file(g, l->path);

    for (size_t i = 0; i < l->more_count && !any; i++)
        any = any_file(g, l->more[i]);
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

static struct series_key layer_key(const struct graph *g, const struct rank_row *row)
{
    struct series_key key = g->what;

    if (g->by == BY_COUNTRY)
        key.country = row->country;
    else
        key.port = row->port;
    if (g->what.kind == SERIES_TOTAL)
        key.kind = g->by == BY_COUNTRY ? SERIES_COUNTRY : SERIES_PORT;
    else if (g->group && g->by == BY_PORT)
        key.kind = SERIES_PORT;
    else
        key.kind = SERIES_PAIR;
    return key;
}

/* A daemon may be behind with them, on purpose or not. */
static int want_series(struct graph *g, const struct series_key *keys, size_t n, int64_t now)
{
    struct session *s = &g->session;
    int rc = 0;

    for (size_t i = 0; i < g->sensor_count && rc == 0; i++)
        rc = series_want(s->series, s->store, g->sensors[i], keys, n, now - s->conf->late_s, now,
                         &s->err);
    if (rc == 0 && !session_daemon_runs(s))
        series_settle(s->series, s->store, &s->err);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int want_layers(struct graph *g, int64_t now)
{
    size_t n = 0, each = sum_size(g);
    struct series_key *keys = xcalloc(CHART_LAYERS_MAX * each, sizeof *keys);

    for (; n < g->ranking.n && n < g->layer_count && n < CHART_LAYERS_MAX; n++) {
        struct series_key key = layer_key(g, &g->ranking.rows[n]);
        sum_keys(g, &key, keys + n * each);
    }
    int status = want_series(g, keys, n * each, now);
    free(keys);
    return status;
}

/* The largest parts of the span that have a file. */
static void choose_layers(struct graph *g)
{
    enum rank_what what = g->by == BY_COUNTRY ? RANK_COUNTRIES : RANK_PORTS;
    struct series_key *keys = xcalloc(sum_size(g), sizeof *keys);
    size_t n = 0;

    for (size_t i = 0; i < g->ranking.n && n < g->layer_count; i++) {
        const struct rank_row *row = &g->ranking.rows[i];
        struct layer *l = &g->layers[n];
        struct series_key key = layer_key(g, row);
        sum_keys(g, &key, keys);
        set_paths(l, keys, sum_size(g));
        if (!any_layer_file(g, l)) {
            clear_paths(l);
            continue;
        }
        rank_key(what, row, l->key);
        if (row->untold)
            strcpy(l->sources, "-");
        else
            count_text(l->sources, row->sources, g->ranking.sources_exact);
        g->parts[n++] = part_of(l, l->key, l->sources);
    }
    free(keys);
    g->request.layers = g->parts;
    g->request.layer_count = n;
}

static int rank_layers(struct graph *g, int64_t now)
{
    struct rank_query q = {.what = g->by == BY_PORT ? RANK_PORTS : RANK_COUNTRIES,
                           .from = g->request.from,
                           .to = g->request.to,
                           .before_from = g->request.from,
                           .before_to = g->request.from,
                           .sensors = g->sensors,
                           .sensor_count = g->sensor_count,
                           .by_port = g->what.kind == SERIES_PORT,
                           .port = g->what.port,
                           .ports = g->group,
                           .by_country = g->what.kind == SERIES_COUNTRY,
                           .country = g->what.country};

    if (rank_make(g->session.store, &q, &g->ranking) < 0) {
        error_add(&g->session.err, NULL, 0, 0, "the facts can't be read (%s)",
                  store_error(g->session.store));
        return session_fail(&g->session, EXIT_FAILED);
    }
    count_text(g->series.sources, g->ranking.sources, g->ranking.sources_exact);
    g->request.series.sources = g->series.sources;
    if (g->by == BY_NONE)
        return EXIT_DONE;
    int status = want_layers(g, now);
    choose_layers(g);
    return status;
}

/* A group's ports without a series can't be in its sum. */
static void say_missing(const struct graph *g)
{
    char port[PORT_TEXT_MAX], path[SERIES_PATH_MAX];

    for (size_t i = 0; g->group && i < g->group->n; i++) {
        struct series_key key = {.kind = SERIES_PORT, .port = g->group->ports[i]};
        series_path(&key, path);
        if (any_file(g, path))
            continue;
        port_format(key.port, port);
        fprintf(
            stderr,
            "scantide: %s of %s has no series, so it isn't in the chart; 'series: ports:' gives "
            "it one\n",
            port, g->group->name);
    }
}

static int find_series(struct graph *g, int64_t now)
{
    struct layer *s = &g->series;
    char country[3];
    size_t n = g->group ? g->group->n : 1;
    struct series_key *keys = xcalloc(n, sizeof *keys);

    for (size_t i = 0; i < n; i++) {
        keys[i] = g->what;
        keys[i].port = g->group ? g->group->ports[i] : g->what.port;
    }
    int status = want_series(g, keys, n, now);
    set_paths(s, keys, n);
    free(keys);
    if (status != EXIT_DONE)
        return status;
    if (g->group)
        snprintf(s->key, sizeof s->key, "%s", g->group->name);
    else if (g->what.kind == SERIES_PORT)
        port_format(g->what.port, s->key);
    else if (g->what.kind == SERIES_COUNTRY)
        snprintf(s->key, sizeof s->key, "%s", country_format(g->what.country, country));
    g->request.series = part_of(s, g->what.kind == SERIES_TOTAL ? NULL : s->key, NULL);
    say_missing(g);
    if (any_layer_file(g, s))
        return EXIT_DONE;
    if (g->group)
        error_add(&g->session.err, NULL, 0, 0, "no port of %s has a series", s->key);
    else if (g->what.kind == SERIES_PORT)
        error_add(&g->session.err, NULL, 0, 0,
                  "%s has no series: a port needs %u events in some clock hour, or a place in the "
                  "configuration's 'series: ports:'; 'scantide top' counts it all the same",
                  s->key, g->session.conf->series.port_events_per_hour);
    else if (g->what.kind == SERIES_COUNTRY)
        error_add(&g->session.err, NULL, 0, 0, "there is no event from %s yet", s->key);
    else
        error_add(&g->session.err, NULL, 0, 0, "there is no event yet");
    return session_fail(&g->session, EXIT_FAILED);
}

/* ---- words ---- */

static void say_note(struct graph *g)
{
    struct caption_source source = {.zone = g->session.local,
                                    .zone_variable = g->zone,
                                    .when = g->request.to - 1,
                                    .country_path = geo_path(g->session.geo),
                                    .country_built = geo_built(g->session.geo),
                                    .sensors = (const char *const *)g->names,
                                    .sensor_count = g->sensor_count};

    g->note = caption_note(g->definition, &source);
    g->notes[0] = g->note;
    g->request.notes = g->notes;
    g->request.note_count = 1 + g->note_count;
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

static void say_title(struct graph *g)
{
    const struct chart_words *w = &g->definition->words;
    const struct chart_request *r = &g->request;
    const char *by = g->by == BY_COUNTRY ? w->by_country : g->by == BY_PORT ? w->by_port : "";
    const char *from = g->what.kind == SERIES_COUNTRY ? w->from : "";
    char *name = g->group        ? group_text(g->group)
                 : r->series.key ? caption_key(g->definition, r->series.key)
                                 : xstrdup(w->all);

    g->title = xasprintf("%s%s%s%s%s", from, *from ? " " : "", name, *by ? " " : "", by);
    g->subtitle = caption_subtitle(g->definition, g->session.local, r->from, r->to, r->step_s);
    g->request.title = g->title;
    g->request.subtitle = g->subtitle;
    free(name);
}

/* ---- the command ---- */

static int draw_or_print(struct graph *g)
{
    struct args cmd;
    int rc = chart_prepare(&g->request, &cmd, &g->session.err);

    if (rc == 0 && g->print) {
        char *text = args_shell(&cmd, g->request.zone);
        fputs(text, stdout);
        free(text);
    } else if (rc == 0) {
        rc = chart_draw(&g->request, &cmd, &g->session.err);
    }
    args_fini(&cmd);
    return session_fail(&g->session, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int graph(struct graph *g)
{
    int64_t now = (int64_t)time(NULL);
    int status;

    if ((status = load_definition(g)) != EXIT_DONE ||
        (status = session_sync_series(&g->session)) != EXIT_DONE ||
        (status = find_sensors(g)) != EXIT_DONE ||
        (status = span_resolve(&g->span, "graph", "24h", g->session.local, now,
                               g->session.store)) != EXIT_DONE ||
        (status = find_series(g, now)) != EXIT_DONE)
        return status;
    fit_span(g, now);
    g->zone = caption_zone_variable();
    g->request.zone = g->zone;
    g->request.exists = file_exists;
    if ((status = rank_layers(g, now)) != EXIT_DONE)
        return status;
    say_title(g);
    say_note(g);
    status = draw_or_print(g);
    if (status == EXIT_DONE)
        span_say(&g->span, g->session.local, g->session.store, g->ranking.events == 0);
    return status;
}

static void graph_fini(struct graph *g)
{
    for (size_t i = 0; i < g->sensor_count; i++) {
        free(g->names[i]);
        free(g->folders[i]);
    }
    clear_paths(&g->series);
    for (size_t i = 0; i < CHART_LAYERS_MAX; i++)
        clear_paths(&g->layers[i]);
    port_book_free(g->book);
    rank_fini(&g->ranking);
    chart_definition_free(g->definition);
    free(g->note);
    free(g->title);
    free(g->subtitle);
    free(g->zone);
}

int cmd_graph(int argc, char **argv)
{
    struct graph *g = xcalloc(1, sizeof *g);
    int status = read_options(argc, argv, g);

    if (status == EXIT_DONE) /* drawing makes pairs, so it writes; it makes no data folder though */
        status = session_open(&g->session, SESSION_FACTS_READ);
    else
        status = status < 0 ? EXIT_DONE : status;
    if (status == EXIT_DONE && g->request.output) {
        session_close(&g->session);
        status = session_open(&g->session, SESSION_GEO | SESSION_FACTS_WRITE | SESSION_SERIES);
        if (status == EXIT_DONE)
            status = graph(g);
    }
    session_close(&g->session);
    graph_fini(g);
    free(g);
    return status;
}

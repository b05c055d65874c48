/* `scantide graph`: the hourly chart of the total, a port or a country, or one of rrd/charts. */
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
#include "chart/recipe.h"
#include "command/session.h"
#include "command/span.h"
#include "config/paths.h"
#include "report/picture.h"

static const char usage[] =
    "scantide graph - draw the hourly chart of the total, a port or a country\n"
    "\n"
    "    scantide graph [CHART] [total|port P|country CC] [--by country|port|none|spread]\n"
    "                   [--last 24h | --from T "
    "[--to T]]\n"
    "                   [--band] [--full] [--size WxH] [--layers N] [--theme light|dark|print] "
    "[--sensor "
    "S]...\n"
    "                   [--note TEXT]... [--print] -o FILE.png|FILE.svg\n"
    "\n"
    "A port may be a group of rrd/ports.yaml, such as smb or mail: then it is the sum of its "
    "ports'\n"
    "series, by country, by port or none.\n"
    "\n"
    "A chart of rrd/charts says what the call leaves open: 'graph week port 22/tcp' draws a week "
    "of it,\n"
    "'graph ports-week' needs no more words. There are day, three-days, week, month, year and "
    "spread, for the\n"
    "total if nothing is said, and those that you write.\n"
    "\n"
    "Events of excluded networks are in no chart, those of known scanners in every one: the "
    "databases\n"
    "hold one number a step. 'scantide top' ranks with and without either.\n"
    "\n"
    "Bars of an hour, or of 5 minutes for 6 hours or less, stacked by the largest parts and "
    "'other', so\n"
    "that the top of the stack is the line of the total. Time that nobody watched, or of which "
    "something was lost, is "
    "shaded\n"
    "and told. Bars that would press the rest flat are cut off, and say how tall they are. "
    "Palettes, fonts\n"
    "and words stand in rrd/chart.yaml.\n"
    "\n"
    "    --by WHAT          stack by country, by port, or none (a port by country, a country by "
    "port,\n"
    "                       the total by country if nothing is said)\n"
    "                       or spread: over all ports, 0 to 65535, on a logarithmic scale\n"
    "    --last 24h         the span up to now: 90m, 24h, 3d, 2w (24h if nothing is said)\n"
    "    --from T, --to T   a span, half-open; without --to up to now\n"
    "    --all              all that the facts hold\n"
    "    --band             the mean of the 48 hours up to each hour, and 1.645 standard "
    "deviations about it\n"
    "    --full             cut nothing off\n"
    "    --size WxH         of the plot itself, in pixels (900x300); title and legend come on top\n"
    "    --layers N         so many parts with a colour of their own (8)\n"
    "    --theme NAME       light (the default), dark or print\n"
    "    --sensor S         only this firewall; may stand several times (the sum of all)\n"
    "    --lang LANGUAGE    en or ja, of the chart's words (the configuration's 'lang:', else "
    "LC_ALL, LC_MESSAGES or LANG)\n"
    "    --note TEXT        a line under the chart; may stand several times\n"
    "    --print            don't draw; print the shell command (rrdtool graph ...) that draws the "
    "same\n"
    "    -o FILE            the picture, PNG or SVG by its ending\n" SESSION_USAGE;

struct graph {
    struct session session;
    struct span span;
    struct port_book *book;
    struct chart_recipe *recipe; /* NULL: none was named */
    struct chart_definition *definition;
    struct picture_kit kit;
    struct picture_order order;
    bool print;
    const char *size, *layers_text, *by, *output, *language;

    const char *asked[SENSORS_MAX]; /* by --sensor */
    uint16_t sensors[SENSORS_MAX];
    size_t sensor_count;
    const char *notes[PICTURE_NOTES_MAX];
    char *zone;
};

/* ---- the call ---- */

/* A word that is no kind of series is a chart of rrd/charts; *word moves on behind it. */
static int choose_recipe(struct graph *g, char **argv, int argc, int *word)
{
    const char *name = *word < argc ? argv[*word] : "";
    static const char *const kinds[] = {"total", "port", "country", ""};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i]) == 0)
            return EXIT_DONE;
    char *folder = paths_share("rrd"), *path = xasprintf("%s/charts/%s.yaml", folder, name);
    int rc = strchr(name, '/') || access(path, F_OK) != 0
                 ? -ENOENT
                 : chart_recipe_load(path, &g->recipe, &g->session.err);
    if (rc == -ENOENT)
        session_mistake("graph",
                        "'%s' can't be drawn: total, port P and country CC can, and each chart "
                        "that has a file NAME.yaml in %s/charts",
                        name, folder);
    free(folder);
    free(path);
    if (rc < 0)
        return session_fail(&g->session, EXIT_MISTAKE);
    ++*word;
    return EXIT_DONE;
}

/* The words after the options, and for what they leave out those of the chart's file. */
static int choose_what(struct graph *g, int argc, char **argv)
{
    int at = optind, status = choose_recipe(g, argv, argc, &at);
    const struct chart_recipe *r = g->recipe;
    const char *word = at < argc ? argv[at] : r && r->of ? r->of : r ? "total" : "";
    const char *key = at + 1 < argc ? argv[at + 1] : at == argc && r ? r->key : NULL;
    int words = at == argc ? 0 : strcmp(word, "total") == 0 ? 1 : 2;
    struct series_key *what = &g->order.what;

    if (status != EXIT_DONE)
        return status;
    if (!*word)
        return session_mistake("graph",
                               "say what to draw: a chart's name, total, port P or country CC");
    if (strcmp(word, "total") == 0) {
        what->kind = SERIES_TOTAL;
    } else if (strcmp(word, "port") == 0) {
        what->kind = SERIES_PORT;
        if (session_port("graph", "port", key ? key : "", &g->book, &what->port, &g->order.group) !=
            EXIT_DONE)
            return EXIT_MISTAKE;
    } else if (strcmp(word, "country") == 0) {
        what->kind = SERIES_COUNTRY;
        if (!key || country_parse(str_from(key), &what->country) < 0)
            return session_mistake("graph", "country %s: two letters are meant, such as CN",
                                   key ? key : "");
    } else {
        return session_mistake("graph", "'%s' can't be drawn: total, port P and country CC can",
                               word);
    }
    if (argc - at > words)
        return session_mistake("graph", "'%s' is one word too many", argv[at + words]);
    return EXIT_DONE;
}

static int choose_by(struct graph *g)
{
    const char *text = g->by ? g->by : g->recipe ? g->recipe->by : NULL;
    struct picture_order *o = &g->order;

    if (!text)
        o->by = picture_by(o->what.kind);
    else if (strcmp(text, "country") == 0)
        o->by = PICTURE_BY_COUNTRY;
    else if (strcmp(text, "port") == 0)
        o->by = PICTURE_BY_PORT;
    else if (strcmp(text, "none") == 0)
        o->by = PICTURE_BY_NONE;
    else if (strcmp(text, "spread") == 0)
        o->by = PICTURE_BY_SPREAD;
    else
        return session_mistake("graph", "--by %s: country, port, none or spread is meant", text);
    if (o->by == PICTURE_BY_SPREAD && (o->what.kind == SERIES_PORT || g->print))
        return session_mistake("graph", g->print ? "no rrdtool command draws a spread over ports"
                                                 : "a port isn't spread over ports");
    if (o->what.kind == SERIES_PORT && o->by == PICTURE_BY_PORT && !o->group)
        return session_mistake("graph", "a port has one port: stack it by country or none");
    if (o->what.kind == SERIES_COUNTRY && o->by == PICTURE_BY_COUNTRY)
        return session_mistake("graph", "a country is one country: stack it by port or none");
    return EXIT_DONE;
}

static int check_output(const struct graph *g)
{
    const char *out = g->output;
    size_t n = out ? strlen(out) : 0;

    if (!out)
        return session_mistake("graph", "say where the picture goes: -o FILE.png or -o FILE.svg");
    if (n < 5 || (strcmp(out + n - 4, ".png") != 0 && strcmp(out + n - 4, ".svg") != 0))
        return session_mistake("graph", "-o %s: the file's name must end in .png or .svg", out);
    return EXIT_DONE;
}

static void take_option(struct graph *g, int option)
{
    struct picture_order *o = &g->order;

    if (option == 'b')
        g->by = optarg;
    else if (option == 'l')
        g->span.last = optarg;
    else if (option == 'f')
        g->span.from_text = optarg;
    else if (option == 't')
        g->span.to_text = optarg;
    else if (option == 'a')
        g->span.all = true;
    else if (option == 'B')
        o->band = true;
    else if (option == 'F')
        o->scale = CHART_FULL;
    else if (option == 'S')
        g->size = optarg;
    else if (option == 'L')
        g->layers_text = optarg;
    else if (option == 'T')
        o->theme = optarg;
    else if (option == 's' && g->sensor_count < SENSORS_MAX)
        g->asked[g->sensor_count++] = optarg;
    else if (option == 'G')
        g->language = optarg;
    else if (option == 'n' && o->note_count < PICTURE_NOTES_MAX)
        g->notes[o->note_count++] = optarg;
    else if (option == 'p')
        g->print = true;
    else if (option == 'o')
        g->output = optarg;
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
                                            {"lang", required_argument, NULL, 'G'},
                                            {"print", no_argument, NULL, 'p'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "o:", options, NULL)) >= 0) {
        if (option == '?' || option >= OPTION_DATA) {
            if (session_option(option, "graph", usage, &status) < 0)
                return status == EXIT_DONE ? -1 : status;
        } else {
            take_option(g, option);
        }
    }
    if ((status = choose_what(g, argc, argv)) != EXIT_DONE || (status = choose_by(g)) != EXIT_DONE)
        return status;
    return check_output(g);
}

/* ---- the definition ---- */

static unsigned first_of(unsigned a, unsigned b)
{
    return a ? a : b;
}

static int choose_size(struct graph *g)
{
    struct picture_order *o = &g->order;
    const struct chart_definition *d = g->definition;
    static const struct chart_recipe none = {0};
    const struct chart_recipe *r = g->recipe ? g->recipe : &none;
    char rest;

    o->width = first_of(r->width, d->size.width);
    o->height = first_of(r->height, d->size.height);
    o->zoom = first_of(r->zoom, d->size.zoom);
    if (g->size && (sscanf(g->size, "%5ux%5u%c", &o->width, &o->height, &rest) != 2 ||
                    o->width < 100 || o->width > 10000 || o->height < 50 || o->height > 10000))
        return session_mistake(
            "graph", "--size %s: pixels are meant, such as 900x300, from 100x50 to 10000x10000",
            g->size);
    o->layers = first_of(r->layers, d->layers);
    if (g->layers_text && (sscanf(g->layers_text, "%4zu%c", &o->layers, &rest) != 1 ||
                           o->layers < 1 || o->layers > CHART_LAYERS_MAX))
        return session_mistake("graph", "--layers %s: a number from 1 to %d is meant",
                               g->layers_text, CHART_LAYERS_MAX);
    return EXIT_DONE;
}

/* What the chart's file says where the call doesn't. */
static void take_recipe(struct graph *g)
{
    const struct chart_recipe *r = g->recipe;
    struct picture_order *o = &g->order;

    if (!r)
        return;
    if (!g->span.last && !g->span.from_text && !g->span.to_text && !g->span.all)
        g->span.last = r->last;
    o->title = r->title;
    o->theme = o->theme ? o->theme : r->theme;
    o->band = o->band || r->band;
    o->scale = r->full ? CHART_FULL : o->scale;
    o->least = r->least;
    o->colours = r->colours;
    o->colour_count = r->colour_count;
}

static int load_definition(struct graph *g)
{
    int rc = session_chart_definition(&g->session, &g->definition);

    if (rc != EXIT_DONE)
        return rc;
    take_recipe(g);
    if (!chart_definition_theme(g->definition, g->order.theme))
        return session_mistake("graph", "--theme %s: there is no such theme in rrd/chart.yaml",
                               g->order.theme);
    return choose_size(g);
}

/* ---- the command ---- */

static void say(const char *text)
{
    fprintf(stderr, "scantide: %s\n", text);
}

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
    if (g->sensor_count == 0) {
        error_add(&g->session.err, NULL, 0, 0,
                  "there are no facts yet: take a log in with 'scantide import FILE'");
        return session_fail(&g->session, EXIT_FAILED);
    }
    g->order.sensors = g->sensors;
    g->order.sensor_count = g->sensor_count;
    return EXIT_DONE;
}

static void fill_kit(struct graph *g, int64_t now)
{
    const struct session *s = &g->session;

    g->zone = caption_zone_variable();
    g->kit = (struct picture_kit){.store = s->store,
                                  .series = s->series,
                                  .definition = g->definition,
                                  .zone = s->local,
                                  .zone_variable = g->zone,
                                  .country_path = geo_path(s->geo),
                                  .country_built = geo_built(s->geo),
                                  .now = now,
                                  .late_s = s->conf->late_s,
                                  .port_events = s->conf->series.port_events_per_hour,
                                  .say = say};
}

static int draw_or_print(struct graph *g, struct picture *p)
{
    struct session *s = &g->session;
    char *text = NULL;
    int rc = g->print ? picture_command(p, g->output, &text, &s->err)
                      : picture_draw(p, g->output, &s->err);

    if (text)
        fputs(text, stdout);
    free(text);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

/* From the facts, since no RRD has it. */
static int draw_spread(struct graph *g)
{
    struct session *s = &g->session;
    const struct picture_order *o = &g->order;
    struct rank_query q = {.what = RANK_PORTS,
                           .from = g->span.from,
                           .to = g->span.to,
                           .before_from = g->span.from,
                           .before_to = g->span.from,
                           .sensors = o->sensors,
                           .sensor_count = o->sensor_count,
                           .by_country = o->what.kind == SERIES_COUNTRY,
                           .country = o->what.country,
                           .no_sources = true};
    struct ranking ports;
    char *title;

    if (rank_make(s->store, &q, &ports) < 0) {
        error_add(&s->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(s->store));
        return session_fail(s, EXIT_FAILED);
    }
    g->order.notes = g->notes;
    int rc = picture_spread(&g->kit, &g->order, &ports, g->output, &title, &s->err);
    if (rc == 0)
        span_say(&g->span, s->local, s->store, ports.events == 0);
    free(title);
    rank_fini(&ports);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int make_and_draw(struct graph *g)
{
    struct session *s = &g->session;
    struct picture_order *o = &g->order;
    struct picture *p;

    o->from = g->span.from;
    o->to = g->span.to;
    o->ends_now = !g->span.to_text && !g->span.all;
    o->begins_anywhere = !g->span.from_text && !g->span.all;
    o->notes = g->notes;
    if (picture_make(&g->kit, o, &p, &s->err) < 0)
        return session_fail(s, EXIT_FAILED);
    if (!session_daemon_runs(s))
        series_settle(s->series, s->store, &s->err);
    if (g->span.from_text && picture_is_rounded(p))
        say("the chart has whole bars: the span is rounded outward to them");
    int status = draw_or_print(g, p);
    if (status == EXIT_DONE)
        span_say(&g->span, s->local, s->store, picture_events(p) == 0);
    picture_free(p);
    return status;
}

static int graph(struct graph *g)
{
    int64_t now = (int64_t)time(NULL);
    int status;

    if ((status = load_definition(g)) != EXIT_DONE ||
        (status = session_ready_series(&g->session)) != EXIT_DONE ||
        (status = find_sensors(g)) != EXIT_DONE ||
        (status = span_resolve(&g->span, "graph", "24h", g->session.local, now,
                               g->session.store)) != EXIT_DONE)
        return status;
    fill_kit(g, now);
    return g->order.by == PICTURE_BY_SPREAD ? draw_spread(g) : make_and_draw(g);
}

static void graph_fini(struct graph *g)
{
    port_book_free(g->book);
    chart_recipe_free(g->recipe);
    chart_definition_free(g->definition);
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
    if (status == EXIT_DONE)
        status = session_language(&g->session, "graph", g->language, true);
    if (status == EXIT_DONE && g->output) {
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

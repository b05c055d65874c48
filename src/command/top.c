/* `scantide top`: rankings from the facts. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/country.h"
#include "base/nearest.h"
#include "command/session.h"
#include "command/span.h"
#include "report/rank.h"

static const char usage[] =
    "scantide top - rank ports, countries, sources, pairs, targets or autonomous systems\n"
    "\n"
    "    scantide top ports|countries|sources|pairs|targets|as\n"
    "                 [--last 24h | --from T [--to T] | --all]\n"
    "                 [--port P] [--country CC] [--sensor S]... [-n N] [--exact]\n"
    "                 [--format text|json|csv]\n"
    "\n"
    "A ranking by events (dropped packets), with each row's share, its distinct sources, and its "
    "rank and\n"
    "events in the period of the same length just before. A pair is a port from a country; a "
    "target is an\n"
    "address of yours; an autonomous system (as) is a network operator, known where a database of "
    "AS numbers\n"
    "was there when the events were counted. Times are RFC 3339, or YYYY-MM-DD[ HH:MM] in this "
    "machine's zone, and are "
    "rounded\n"
    "outward to whole 5 minutes (for targets, to whole hours).\n"
    "\n"
    "    --last 24h         the span up to now: 90m, 24h, 3d, 2w (24h if nothing is said)\n"
    "    --from T, --to T   a span, half-open; without --to up to now\n"
    "    --all              all that the facts hold; there is no period before\n"
    "    --with-excluded    also events of the networks that the configuration excludes\n"
    "                       (targets are kept for all sources together, so these are always in)\n"
    "    --without-scanners no events of the known scanners that the configuration lists\n"
    "    --port P           only events at a port: 23/tcp, 53/udp, 8/icmp, 47/ip; or at a group's\n"
    "    --groups           ports of one group count as one (rrd/ports.yaml: smb, mail, web, ...)\n"
    "    --country CC       only events from a country: CN, ZZ (unknown), -- (no global address)\n"
    "    --sensor S         only this firewall; may stand several times\n"
    "    -n N               so many rows (20); 0 for every row\n"
    "    --exact            count the sources of more than 3 days exactly, too; else they are\n"
    "                       estimates, shown with ~ (one in three is off by more than 1 to 2%)\n"
    "    --format FORMAT    text (the default), json or csv\n" SESSION_USAGE;

static const char *const what_names[] = {"ports", "countries", "sources", "pairs", "targets", "as"};
enum { WHATS = sizeof what_names / sizeof *what_names, SCANNER_WIDTH = 20 };

struct top {
    struct session session;
    struct rank_query query;
    struct span span;
    struct ranking ranking;
    const struct rules *rules;
    const char *format, *n_text, *port, *country;
    const char *sensor_names[SENSORS_MAX];
    uint16_t sensors[SENSORS_MAX];
    size_t sensor_count, n;
    struct port_book *book;
    bool groups;
};

/* ---- output ---- */

static const char *column_title(enum rank_what what)
{
    static const char *const titles[WHATS] = {"port", "country", "source", "pair", "target", "as"};
    return titles[what];
}

/* How the rank moved: "=", "+3", "-2", "new". */
static const char *move_text(const struct rank_row *row, char out[16])
{
    int move = (int)row->before_rank - (int)row->rank;

    if (row->before_rank == 0)
        return "new";
    if (move == 0)
        return "=";
    snprintf(out, 16, "%+d", move);
    return out;
}

/* The known scanner's name, or NULL. */
static const char *scanner_name(const struct top *t, const struct rank_row *row)
{
    return rules_is_scanner(t->rules, row->rule) ? rules_get(t->rules, row->rule)->name : NULL;
}

/* Whether rows have an AS number: what a column is for. */
static bool any_as(const struct top *t)
{
    size_t i = 0;

    if (t->query.what != RANK_SOURCES && t->query.what != RANK_AS)
        return false;
    while (i < t->n && !t->ranking.rows[i].as)
        i++;
    return i < t->n;
}

static bool as_name(const struct top *t, const struct rank_row *row, char out[AS_NAME_MAX])
{
    return asn_name(t->session.asn, row->as, &row->ip, out);
}

static bool any_scanner(const struct top *t)
{
    size_t i = 0;

    while (i < t->n && !scanner_name(t, &t->ranking.rows[i]))
        i++;
    return i < t->n;
}

/* Targets are kept for all sources together. */
static bool excluded_count_too(const struct top *t)
{
    const struct rule *list;
    size_t n = rules_list(t->rules, &list), i = 0;

    while (i < n && (list[i].kind != RULE_EXCLUDE || list[i].n == 0))
        i++;
    return i < n && t->query.what == RANK_TARGETS;
}

/* Sketches don't tell what they count. */
static bool are_networks(const struct top *t)
{
    return t->ranking.networks || (!t->ranking.sources_exact && t->query.what != RANK_SOURCES &&
                                   t->session.conf->anonymize == ANONYMIZE_PREFIX);
}

static void print_head(const struct top *t)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
    const struct ranking *r = &t->ranking;

    printf("%s, %s to %s (%s): %" PRIu64 " events", what_names[t->query.what],
           time_format_local(t->session.local, r->from, a),
           time_format_local(t->session.local, r->to, b),
           getenv("TZ") ? getenv("TZ") : "local time", r->events);
    if (r->sources)
        printf(", %s%" PRIu64 " %s", r->sources_exact ? "" : "~", r->sources,
               are_networks(t) ? "sources that may be networks (anonymize: prefix)" : "sources");
    if (t->n < r->n)
        printf(", the first %zu of %zu", t->n, r->n);
    if (r->hidden)
        printf("; %" PRIu64 " events are hidden", r->hidden);
    if (excluded_count_too(t))
        printf("; excluded sources are counted, too");
    puts("");
}

/* The last cells of a row, since a name may be long. */
static void print_as(const struct top *t, const struct rank_row *row)
{
    char number[AS_TEXT_MAX], name[AS_NAME_MAX];

    as_name(t, row, name);
    if (t->query.what == RANK_SOURCES)
        printf("  %-10s", asn_format(row->as, number));
    printf("%s%s", *name ? "  " : "", name);
}

static void print_text(const struct top *t)
{
    bool sources = t->query.what == RANK_SOURCES, before = !t->span.all;
    bool scanners = any_scanner(t), as = any_as(t);
    int width = t->query.what == RANK_SOURCES || t->query.what == RANK_TARGETS ? 24 : 14;
    char key[RANK_KEY_MAX], move[16], country[3], a[TIME_TEXT_MAX];

    if (t->ranking.from == t->ranking.to) /* --all of nothing; span_say has the sentence */
        return;
    print_head(t);
    if (t->n == 0)
        return;
    printf("\n%5s  %-*s %12s %7s %10s", "rank", width, column_title(t->query.what), "events",
           "share", sources ? "ports" : "sources");
    if (sources)
        printf("  %-7s  %-19s", "country", "last seen");
    if (before)
        printf("  %6s %12s", "move", "before");
    if (scanners)
        printf("  %-*s", as ? SCANNER_WIDTH : 0, "scanner");
    if (as)
        printf(sources ? "  %-10s  name" : "  name", "as");
    puts("");
    for (size_t i = 0; i < t->n; i++) {
        const struct rank_row *row = &t->ranking.rows[i];
        char count[24];
        snprintf(count, sizeof count, "%s%" PRIu64, t->ranking.sources_exact || sources ? "" : "~",
                 sources ? row->ports : row->sources);
        if (row->untold)
            strcpy(count, "-");
        printf("%5u  %-*s %12" PRIu64 " %6.2f%% %10s", row->rank, width,
               rank_key(t->query.what, row, key), row->events,
               100.0 * (double)row->events / (double)t->ranking.events, count);
        if (sources)
            printf("  %-7s  %-19s", country_format(row->country, country),
                   time_format_local(t->session.local, row->last, a));
        if (before && row->before_rank)
            printf("  %6s %12" PRIu64, move_text(row, move), row->before_events);
        else if (before)
            printf("  %6s %12s", "new", "-");
        if (scanners && (as || scanner_name(t, row)))
            printf("  %-*s", as ? SCANNER_WIDTH : 0,
                   scanner_name(t, row) ? scanner_name(t, row) : "");
        if (as)
            print_as(t, row);
        puts("");
    }
}

/* With the names of the Elastic Common Schema. */
static json_t *as_object(const struct top *t, const struct rank_row *row)
{
    char name[AS_NAME_MAX];
    json_t *o = json_pack("{s:I}", "number", (json_int_t)row->as);

    if (as_name(t, row, name))
        json_object_set_new(o, "organization", json_pack("{s:s}", "name", name));
    return o;
}

static json_t *group_list(const struct port_group *group)
{
    char port[PORT_TEXT_MAX];
    json_t *list = json_array();

    for (size_t i = 0; i < group->n; i++) {
        port_format(group->ports[i], port);
        json_array_append_new(list, json_string(port));
    }
    return list;
}

static json_t *row_object(const struct top *t, const struct rank_row *row)
{
    char key[RANK_KEY_MAX], country[3], a[TIME_TEXT_MAX];
    json_t *o = json_object();

    json_object_set_new(o, "rank", json_integer(row->rank));
    json_object_set_new(o, "key", json_string(rank_key(t->query.what, row, key)));
    json_object_set_new(o, "events", json_integer((json_int_t)row->events));
    json_object_set_new(o, "share", json_real((double)row->events / (double)t->ranking.events));
    json_object_set_new(o, "sources",
                        row->untold ? json_null() : json_integer((json_int_t)row->sources));
    json_object_set_new(o, "sources_exact", json_boolean(t->ranking.sources_exact));
    if (t->query.what == RANK_SOURCES) {
        json_object_set_new(o, "country", json_string(country_format(row->country, country)));
        json_object_set_new(o, "ports", json_integer((json_int_t)row->ports));
        json_object_set_new(o, "first", json_string(time_format_utc(row->first, a)));
        json_object_set_new(o, "last", json_string(time_format_utc(row->last, a)));
        if (scanner_name(t, row))
            json_object_set_new(o, "scanner", json_string(scanner_name(t, row)));
    }
    if (row->group)
        json_object_set_new(o, "group", group_list(row->group));
    if (row->as)
        json_object_set_new(o, "source", json_pack("{s:o}", "as", as_object(t, row)));
    if (row->before_rank)
        json_object_set_new(o, "before",
                            json_pack("{s:i, s:I}", "rank", (int)row->before_rank, "events",
                                      (json_int_t)row->before_events));
    else
        json_object_set_new(o, "before", json_null());
    return o;
}

static void print_json(const struct top *t)
{
    char a[TIME_TEXT_MAX];
    const struct ranking *r = &t->ranking;

    /* Row by row, so that a million rows need no tree of them all. */
    printf("{\"from\":\"%s\",", time_format_utc(r->from, a));
    printf("\"to\":\"%s\",\"hidden\":%" PRIu64 ",\"events\":%" PRIu64 ",\"sources\":%" PRIu64
           ",\"sources_exact\":%s%s,\"rows\":[",
           time_format_utc(r->to, a), r->hidden, r->events, r->sources,
           r->sources_exact ? "true" : "false",
           are_networks(t) ? ",\"sources_are_networks\":true" : "");
    for (size_t i = 0; i < t->n; i++) {
        json_t *o = row_object(t, &r->rows[i]);
        fputs(i ? ",\n" : "\n", stdout);
        json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
        json_decref(o);
    }
    puts("]}");
}

static void print_as_csv(const struct top *t, const struct rank_row *row)
{
    char name[AS_NAME_MAX];

    if (row->as)
        printf(",%" PRIu32, row->as);
    else
        printf(",");
    if (!as_name(t, row, name)) {
        printf(",");
        return;
    }
    printf(",\""); /* RFC 4180 */
    for (const char *p = name; *p; p++)
        printf(*p == '"' ? "\"\"" : "%c", *p);
    printf("\"");
}

static void print_csv(const struct top *t)
{
    char key[RANK_KEY_MAX];

    bool as = t->query.what == RANK_SOURCES || t->query.what == RANK_AS;

    printf("rank,key,events,share,sources,sources_exact,before_rank,before_events%s\n",
           as ? ",asn,as_name" : "");
    for (size_t i = 0; i < t->n; i++) {
        const struct rank_row *row = &t->ranking.rows[i];
        char sources[24] = "";
        if (!row->untold)
            snprintf(sources, sizeof sources, "%" PRIu64, row->sources);
        printf("%u,%s,%" PRIu64 ",%.6f,%s,%s,", row->rank, rank_key(t->query.what, row, key),
               row->events, (double)row->events / (double)t->ranking.events, sources,
               t->ranking.sources_exact ? "true" : "false");
        if (row->before_rank)
            printf("%u,%" PRIu64, row->before_rank, row->before_events);
        else
            printf(",");
        if (as)
            print_as_csv(t, row);
        puts("");
    }
}

/* ---- the call ---- */

static int choose_what(struct top *t, int argc, char **argv)
{
    if (optind == argc)
        return session_mistake("top",
                               "say what to rank: ports, countries, sources, pairs, targets or as");
    if (optind + 1 < argc)
        return session_mistake("top", "'%s' is one word too many", argv[optind + 1]);
    for (size_t i = 0; i < WHATS; i++)
        if (strcmp(argv[optind], what_names[i]) == 0) {
            t->query.what = (enum rank_what)i;
            return EXIT_DONE;
        }
    const char *near = nearest_word(str_from(argv[optind]), what_names, WHATS);
    return session_mistake(
        "top",
        near ? "'%s' can't be ranked; did you mean '%s'?"
             : "'%s' can't be ranked: ports, countries, sources, pairs, targets or as can",
        argv[optind], near);
}

static int check_options(struct top *t)
{
    char *end;

    if (strcmp(t->format, "text") != 0 && strcmp(t->format, "json") != 0 &&
        strcmp(t->format, "csv") != 0)
        return session_mistake("top", "--format %s: text, json or csv is meant", t->format);
    t->n = strtoul(t->n_text, &end, 10);
    if (end == t->n_text || *end || t->n_text[0] == '-')
        return session_mistake("top", "-n %s: a number of rows is meant, 0 for all", t->n_text);
    t->query.by_port = t->port != NULL;
    if (t->port && session_port("top", "--port", t->port, &t->book, &t->query.port,
                                &t->query.ports) != EXIT_DONE)
        return EXIT_MISTAKE;
    if (t->groups && t->query.what != RANK_PORTS && t->query.what != RANK_PAIRS)
        return session_mistake("top", "--groups: only ports and pairs are grouped");
    if (t->groups && !t->book && session_port_book(&t->book) != EXIT_DONE)
        return EXIT_MISTAKE;
    if (t->groups)
        t->query.group_count = port_book_groups(t->book, &t->query.groups);
    t->query.by_country = t->country != NULL;
    if (t->country && country_parse(str_from(t->country), &t->query.country) < 0)
        return session_mistake("top", "--country %s: two letters are meant, such as CN",
                               t->country);
    if (t->country && t->query.what == RANK_TARGETS)
        return session_mistake(
            "top",
            "targets are not kept by country: leave --country out, or rank sources by country");
    return EXIT_DONE;
}

static int read_options(int argc, char **argv, struct top *t)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"last", required_argument, NULL, 'l'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"with-excluded", no_argument, NULL, 'x'},
                                            {"without-scanners", no_argument, NULL, 'k'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"country", required_argument, NULL, 'c'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"format", required_argument, NULL, 'F'},
                                            {"exact", no_argument, NULL, 'e'},
                                            {"groups", no_argument, NULL, 'g'},
                                            {0}};
    int option, status;

    t->format = "text";
    t->n_text = "20";
    while ((option = getopt_long(argc, argv, "n:", options, NULL)) >= 0) {
        if (option == 'l')
            t->span.last = optarg;
        else if (option == 'f')
            t->span.from_text = optarg;
        else if (option == 't')
            t->span.to_text = optarg;
        else if (option == 'a')
            t->span.all = true;
        else if (option == 'x')
            t->query.with_excluded = true;
        else if (option == 'k')
            t->query.without_scanners = true;
        else if (option == 'p')
            t->port = optarg;
        else if (option == 'c')
            t->country = optarg;
        else if (option == 's' && t->sensor_count < SENSORS_MAX)
            t->sensor_names[t->sensor_count++] = optarg;
        else if (option == 'F')
            t->format = optarg;
        else if (option == 'e')
            t->query.exact = true;
        else if (option == 'g')
            t->groups = true;
        else if (option == 'n')
            t->n_text = optarg;
        else if (session_option(option, "top", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    status = choose_what(t, argc, argv);
    return status == EXIT_DONE ? check_options(t) : status;
}

static int rank_and_print(struct top *t)
{
    int status =
        session_find_sensors(&t->session, "top", t->sensor_names, t->sensor_count, t->sensors);

    if (status == EXIT_DONE)
        status = span_resolve(&t->span, "top", "24h", t->session.local, (int64_t)time(NULL),
                              t->session.store);
    if (status != EXIT_DONE)
        return status;
    t->query.from = t->span.from;
    t->query.to = t->span.to;
    t->query.before_to = t->span.from;
    t->query.before_from = t->span.all ? t->span.from : t->span.from - (t->span.to - t->span.from);
    t->query.sensors = t->sensors;
    t->query.sensor_count = t->sensor_count;
    if (rank_make(t->session.store, &t->query, &t->ranking) < 0 ||
        store_rules(t->session.store, &t->rules) < 0) {
        error_add(&t->session.err, NULL, 0, 0, "the facts can't be read (%s)",
                  store_error(t->session.store));
        return session_fail(&t->session, EXIT_FAILED);
    }
    if (t->n == 0 || t->n > t->ranking.n)
        t->n = t->ranking.n;
    if (strcmp(t->format, "json") == 0)
        print_json(t);
    else if (strcmp(t->format, "csv") == 0)
        print_csv(t);
    else
        print_text(t);
    if (t->ranking.partial)
        fputs("top: of hours past 30 days, and of floods, only the heaviest sources are listed\n",
              stderr);
    span_say(&t->span, t->session.local, t->session.store, t->ranking.events == 0);
    rank_fini(&t->ranking);
    return EXIT_DONE;
}

int cmd_top(int argc, char **argv)
{
    struct top t = {0};
    int status = read_options(argc, argv, &t);

    if (status != EXIT_DONE) {
        port_book_free(t.book);
        return status < 0 ? EXIT_DONE : status;
    }
    status = session_open(&t.session, SESSION_FACTS_READ | SESSION_AS_NAMES);
    if (status == EXIT_DONE)
        status = rank_and_print(&t);
    session_close(&t.session);
    port_book_free(t.book);
    return status;
}

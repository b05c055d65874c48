/* `scantide report`: the daily overview. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "chart/caption.h"
#include "command/session.h"
#include "command/span.h"
#include "config/paths.h"
#include "report/draft.h"
#include "report/shelf.h"

static const char usage[] =
    "scantide report - what happened in a day: rankings, verdicts, gaps\n"
    "\n"
    "    scantide report [--date D | --last 24h] [--sensor S]... [--timezone ZONE]\n"
    "                    [--lang en|ja] [--format text|html|md|json] [-n N] [-o DIR [--missing]]\n"
    "\n"
    "Ranks ports and countries of the day and of the three days that end with it, and says what\n"
    "came about, by the rules of README.md, \"Verdicts\", with charts and the sources behind what\n"
    "moved. HTML is one file that needs no other and follows the reader's light or dark screen.\n"
    "Times are in the zone; in JSON they are UTC.\n"
    "\n"
    "    --date D           a day: YYYY-MM-DD, from midnight to midnight\n"
    "    --last 24h         the span up to now: 24h, 3d, 2w (24h if nothing is said)\n"
    "    --sensor S         only this firewall; may stand several times\n"
    "    --timezone ZONE    whose midnights they are: UTC, Asia/Tokyo (this machine's zone)\n"
    "    --lang LANGUAGE    en or ja (the configuration's 'lang:', else LC_ALL, LC_MESSAGES or "
    "LANG)\n"
    "    --format FORMAT    text (the default, for mail), html, md (Markdown) or json\n"
    "    -o DIR             into DIR/YYYY-MM-DD.FORMAT, pictures of Markdown into "
    "DIR/YYYY-MM-DD/;\n"
    "                       else to stdout, Markdown without pictures; DIR/index.html lists them\n"
    "    --missing          each day up to D (yesterday) that DIR has no report of yet, from the "
    "newest\n"
    "                       there on, a month at most; where there is none, D alone\n"
    "    -n N               so many rows of each ranking (20); 0 for every row\n" SESSION_USAGE;

struct report {
    struct session session;
    struct span span;
    const char *date, *format, *n_text, *zone_text, *language;
    const struct zone *zone;
    const char *sensor_names[SENSORS_MAX];
    uint16_t sensors[SENSORS_MAX];
    size_t sensor_count, n;

    enum draft_format draft;
    bool json;
    bool missing;
    const char *folder;  /* of -o */
    struct shelf *shelf; /* the same; NULL: stdout */
    int64_t number;      /* of the day, since 1970 */
    char *page;          /* the file; NULL: stdout */
    char *pictures;      /* where they are drawn; NULL: there are none */
    char day[TIME_TEXT_MAX];
    struct chart_definition *definition;
    struct port_book *book;
    char *zone_variable;
};

enum { CHARTS_MAX = 40, DAY_S = 24 * HOUR_S, MISSING_MAX = 31 };

/* From midnight to midnight, in the zone. */
static void take_day(struct report *r, int64_t number)
{
    int64_t from = zone_to_utc(r->zone, number * DAY_S, INT64_MIN);
    int64_t to = zone_to_utc(r->zone, (number + 1) * DAY_S, INT64_MIN);

    r->number = number;
    r->span.from = from - from % BIN_S;
    r->span.to = to - to % BIN_S;
}

static int resolve_date(struct report *r)
{
    int64_t when;
    int year;
    unsigned month, day;
    char more;

    if (sscanf(r->date, "%4d-%2u-%2u%c", &year, &month, &day, &more) != 3 ||
        time_parse(r->date, r->zone, &when) < 0)
        return session_mistake("report", "--date %s: a day like 2026-11-24 is meant", r->date);
    take_day(r, civil_days(year, month, day));
    return EXIT_DONE;
}

static void take_yesterday(struct report *r)
{
    int64_t now = (int64_t)time(NULL);

    take_day(r, (now + zone_offset(r->zone, now)) / DAY_S - 1);
}

static int check_options(struct report *r)
{
    char *end;

    r->json = strcmp(r->format, "json") == 0;
    if (strcmp(r->format, "html") == 0)
        r->draft = DRAFT_HTML;
    else if (strcmp(r->format, "md") == 0)
        r->draft = DRAFT_MARKDOWN;
    else if (strcmp(r->format, "text") == 0)
        r->draft = DRAFT_TEXT;
    else if (!r->json)
        return session_mistake("report", "--format %s: text, html, md or json is meant", r->format);
    if (r->date && r->span.last)
        return session_mistake("report", "--date and --last exclude each other");
    if (r->missing && (r->span.last || !r->folder))
        return session_mistake("report", "--missing is about days, and needs -o DIR");
    r->n = strtoul(r->n_text, &end, 10);
    if (end == r->n_text || *end || r->n_text[0] == '-')
        return session_mistake("report", "-n %s: a number of rows is meant, 0 for all", r->n_text);
    int status = session_zone("report", r->zone_text, &r->zone);
    if (status == EXIT_DONE && r->date)
        return resolve_date(r);
    if (status == EXIT_DONE && r->missing)
        take_yesterday(r);
    return status;
}

static int read_options(int argc, char **argv, struct report *r)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"date", required_argument, NULL, 'd'},
                                            {"last", required_argument, NULL, 'l'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {"format", required_argument, NULL, 'F'},
                                            {"lang", required_argument, NULL, 'L'},
                                            {"missing", no_argument, NULL, 'M'},
                                            {0}};
    int option, status;

    r->format = "text";
    r->n_text = "20";
    while ((option = getopt_long(argc, argv, "n:o:", options, NULL)) >= 0) {
        if (option == 'd')
            r->date = optarg;
        else if (option == 'l')
            r->span.last = optarg;
        else if (option == 's' && r->sensor_count < SENSORS_MAX)
            r->sensor_names[r->sensor_count++] = optarg;
        else if (option == 'z')
            r->zone_text = optarg;
        else if (option == 'F')
            r->format = optarg;
        else if (option == 'M')
            r->missing = true;
        else if (option == 'L')
            r->language = optarg;
        else if (option == 'o')
            r->folder = optarg;
        else if (option == 'n')
            r->n_text = optarg;
        else if (session_option(option, "report", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind < argc)
        return session_mistake("report", "'%s' is one word too many", argv[optind]);
    return check_options(r);
}

/* ---- writing ---- */

/* What the drawing knows no zone but the process's of. */
static void take_zone(struct report *r)
{
    if (r->zone_text && strcmp(r->zone_text, "local") != 0) {
        setenv("TZ", r->zone_text, 1);
        tzset();
    }
    r->zone_variable = caption_zone_variable();
}

static int load_data(struct report *r)
{
    int rc = session_chart_definition(&r->session, &r->definition);

    if (rc != EXIT_DONE)
        return rc;
    return session_port_book(&r->book);
}

static int folder_fault(struct report *r, const char *path)
{
    access_fault(path, ACCESS_WRITE, -errno, &r->session.err);
    return session_fail(&r->session, EXIT_MISTAKE);
}

/* "html" */
static const char *ending(const struct report *r)
{
    return r->draft == DRAFT_TEXT && !r->json ? "txt" : r->format;
}

/* Where the page and its pictures go. Those of HTML are embedded, and needed only meanwhile. */
static int make_places(struct report *r)
{
    if (r->folder)
        r->page = xasprintf("%s/%s.%s", r->folder, r->day, ending(r));
    if (!r->json && r->draft == DRAFT_HTML) {
        const char *tmp = getenv("TMPDIR");
        r->pictures = xasprintf("%s/scantide-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        if (!mkdtemp(r->pictures))
            return folder_fault(r, r->pictures);
    } else if (!r->json && r->draft == DRAFT_MARKDOWN && r->folder) {
        r->pictures = xasprintf("%s/%s", r->folder, r->day);
        if (mkdir(r->pictures, 0777) != 0 && errno != EEXIST)
            return folder_fault(r, r->pictures);
    }
    return EXIT_DONE;
}

static void leave_places(struct report *r)
{
    if (r->pictures && !r->json && r->draft == DRAFT_HTML)
        rmdir(r->pictures); /* its pictures went with their being embedded */
    free(r->pictures);
    free(r->page);
    r->pictures = r->page = NULL;
}

static int write_draft(struct report *r, const struct overview *overview, FILE *out)
{
    struct session *s = &r->session;
    char *below = xasprintf("%s/", r->day);
    struct picture_kit kit = {.store = s->store,
                              .series = s->series,
                              .definition = r->definition,
                              .zone = r->zone,
                              .zone_variable = r->zone_variable,
                              .country_path = s->geo ? geo_path(s->geo) : NULL,
                              .country_built = s->geo ? geo_built(s->geo) : 0,
                              .now = (int64_t)time(NULL),
                              .late_s = s->conf->late_s,
                              .port_events = s->conf->series.port_events_per_hour};
    struct draft draft = {.overview = overview,
                          .kit = &kit,
                          .book = r->book,
                          .asn = s->asn,
                          .format = r->draft,
                          .rows = r->n ? r->n : SIZE_MAX,
                          .charts = CHARTS_MAX,
                          .folder = r->pictures,
                          .below = below};
    int rc = draft_write(&draft, out, &s->err);

    if (r->pictures && !session_daemon_runs(s))
        series_settle(s->series, s->store, &s->err);
    free(below);
    return rc;
}

/* Beside the file, then renamed over it. */
static int write_page(struct report *r, const struct overview *overview)
{
    char *temporary = r->page ? xasprintf("%s/.%s.%s.new", r->folder, r->day, ending(r)) : NULL;
    FILE *out = temporary ? fopen(temporary, "w") : stdout;
    int rc = 0;

    if (!out) {
        free(temporary);
        return folder_fault(r, r->page);
    }
    if (r->json)
        overview_json(overview, r->n, out);
    else
        rc = write_draft(r, overview, out);
    if (temporary &&
        ((fclose(out) != 0 || (rc == 0 && rename(temporary, r->page) != 0)) && rc == 0))
        access_fault(r->page, ACCESS_WRITE, rc = -errno, &r->session.err);
    if (temporary && rc < 0)
        unlink(temporary);
    free(temporary);
    return session_fail(&r->session, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

/* The folder's index has it from now on. */
static int tell_shelf(struct report *r, const struct overview *overview)
{
    if (!r->shelf)
        return EXIT_DONE;
    char *summary = draft_summary(overview);
    shelf_tell(r->shelf, r->day, summary);
    free(summary);
    return session_fail(&r->session,
                        shelf_index(r->shelf, &r->session.err) < 0 ? EXIT_FAILED : EXIT_DONE);
}

/* The span's. */
static int report_span(struct report *r)
{
    struct session *s = &r->session;
    struct overview overview;
    struct overview_query q = {.from = r->span.from,
                               .to = r->span.to,
                               .zone = r->zone,
                               .sensors = r->sensors,
                               .sensor_count = r->sensor_count};

    time_format_local(r->zone, q.to - 1, r->day);
    r->day[strlen("2026-11-24")] = 0;
    int status = make_places(r);
    if (status == EXIT_DONE && overview_make(s->store, &q, &overview) < 0) {
        error_add(&s->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(s->store));
        status = session_fail(s, EXIT_FAILED);
    } else if (status == EXIT_DONE) {
        status = write_page(r, &overview);
        span_say(&r->span, r->zone, s->store, overview.ports[OVERVIEW_DAY].events == 0);
        if (status == EXIT_DONE)
            status = tell_shelf(r, &overview);
        overview_fini(&overview);
    }
    leave_places(r);
    return status;
}

/* The first day that is missing: behind the newest report, and none before the facts begin. INT64_MAX: there are no facts. */
static int64_t first_missing(struct report *r, int64_t last)
{
    struct span all = {.all = true};
    int64_t newest = last - 1;

    shelf_newest(r->shelf, ending(r), last, &newest);
    if (newest < last - MISSING_MAX)
        newest = last - MISSING_MAX;
    if (span_resolve(&all, "report", NULL, r->zone, 0, r->session.store) != EXIT_DONE ||
        all.from == all.to)
        return INT64_MAX;
    int64_t begin = (all.from + zone_offset(r->zone, all.from)) / DAY_S;
    return newest + 1 > begin ? newest + 1 : begin;
}

static int report_missing(struct report *r)
{
    int64_t last = r->number;
    int status = EXIT_DONE;

    for (int64_t number = first_missing(r, last); number <= last && status == EXIT_DONE; number++) {
        take_day(r, number);
        status = report_span(r);
    }
    return status;
}

static int report(struct report *r)
{
    struct session *s = &r->session;
    int status = session_find_sensors(s, "report", r->sensor_names, r->sensor_count, r->sensors);

    if (status == EXIT_DONE && !r->date && !r->missing)
        status = span_resolve(&r->span, "report", "24h", r->zone, (int64_t)time(NULL), s->store);
    if (status != EXIT_DONE)
        return status;
    take_zone(r);
    if ((status = load_data(r)) != EXIT_DONE)
        return status;
    if (r->folder && shelf_open(r->folder, &r->shelf, &s->err) < 0)
        return session_fail(s, EXIT_MISTAKE);
    return r->missing ? report_missing(r) : report_span(r);
}

static void report_fini(struct report *r)
{
    shelf_close(r->shelf);
    chart_definition_free(r->definition);
    port_book_free(r->book);
    free(r->zone_variable);
}

/* Charts make series that nobody has drawn yet, so they need to write; text and JSON don't. */
static int open_session(struct report *r)
{
    struct session *s = &r->session;
    bool draws = !r->json && (r->draft == DRAFT_HTML || (r->draft == DRAFT_MARKDOWN && r->folder));
    int status = session_open(s, SESSION_FACTS_READ | SESSION_AS_NAMES);

    if (status == EXIT_DONE)
        status = session_language(s, "report", r->language, draws);
    if (status != EXIT_DONE || !draws)
        return status;
    session_close(s);
    status = session_open(s, SESSION_GEO | SESSION_AS_NAMES | SESSION_FACTS_WRITE | SESSION_SERIES);
    return status == EXIT_DONE ? session_ready_series(s) : status;
}

int cmd_report(int argc, char **argv)
{
    struct report r = {0};
    int status = read_options(argc, argv, &r);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = open_session(&r);
    if (status == EXIT_DONE)
        status = report(&r);
    session_close(&r.session);
    report_fini(&r);
    return status;
}

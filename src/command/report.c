/* `scantide report`: the daily overview. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/session.h"
#include "command/span.h"
#include "report/overview.h"

static const char usage[] =
    "scantide report - what happened in a day: rankings, verdicts, gaps\n"
    "\n"
    "    scantide report [--date D | --last 24h] [--sensor S]... [--timezone ZONE]\n"
    "                    [--format json] [-n N]\n"
    "\n"
    "Ranks ports and countries of the day and of the three days that end with it, and says what\n"
    "came about, by the rules of README.md, \"Verdicts\". Times are UTC in the output.\n"
    "\n"
    "    --date D           a day: YYYY-MM-DD, from midnight to midnight\n"
    "    --last 24h         the span up to now: 24h, 3d, 2w (24h if nothing is said)\n"
    "    --sensor S         only this firewall; may stand several times\n"
    "    --timezone ZONE    whose midnights they are: UTC, Asia/Tokyo (this machine's zone)\n"
    "    --format FORMAT    json\n"
    "    -n N               so many rows of each ranking (20); 0 for every row\n" SESSION_USAGE;

struct report {
    struct session session;
    struct span span;
    const char *date, *format, *n_text, *zone_text;
    const struct zone *zone;
    const char *sensor_names[SENSORS_MAX];
    uint16_t sensors[SENSORS_MAX];
    size_t sensor_count, n;
};

/* From midnight to midnight, in the zone. */
static int resolve_date(struct report *r)
{
    int64_t when;
    int year;
    unsigned month, day;
    char more;

    if (sscanf(r->date, "%4d-%2u-%2u%c", &year, &month, &day, &more) != 3 ||
        time_parse(r->date, r->zone, &when) < 0)
        return session_mistake("report", "--date %s: a day like 2026-11-24 is meant", r->date);
    r->span.from = when - when % BIN_S;
    when = zone_to_utc(r->zone, civil_seconds(year, month, day, 0, 0, 0) + 24 * HOUR_S, INT64_MIN);
    r->span.to = when - when % BIN_S;
    return EXIT_DONE;
}

static int check_options(struct report *r)
{
    char *end;

    if (strcmp(r->format, "json") != 0)
        return session_mistake("report", "--format %s: json is meant", r->format);
    if (r->date && r->span.last)
        return session_mistake("report", "--date and --last exclude each other");
    r->n = strtoul(r->n_text, &end, 10);
    if (end == r->n_text || *end || r->n_text[0] == '-')
        return session_mistake("report", "-n %s: a number of rows is meant, 0 for all", r->n_text);
    int status = session_zone("report", r->zone_text, &r->zone);
    return status == EXIT_DONE && r->date ? resolve_date(r) : status;
}

static int read_options(int argc, char **argv, struct report *r)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"date", required_argument, NULL, 'd'},
                                            {"last", required_argument, NULL, 'l'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {"format", required_argument, NULL, 'F'},
                                            {0}};
    int option, status;

    r->format = "json";
    r->n_text = "20";
    while ((option = getopt_long(argc, argv, "n:", options, NULL)) >= 0) {
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
        else if (option == 'n')
            r->n_text = optarg;
        else if (session_option(option, "report", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind < argc)
        return session_mistake("report", "'%s' is one word too many", argv[optind]);
    return check_options(r);
}

static int report_day(struct report *r)
{
    struct session *s = &r->session;
    struct overview overview;
    int status = session_find_sensors(s, "report", r->sensor_names, r->sensor_count, r->sensors);

    if (status == EXIT_DONE && !r->date)
        status = span_resolve(&r->span, "report", "24h", r->zone, (int64_t)time(NULL), s->store);
    if (status != EXIT_DONE)
        return status;
    struct overview_query q = {.from = r->span.from,
                               .to = r->span.to,
                               .zone = r->zone,
                               .sensors = r->sensors,
                               .sensor_count = r->sensor_count};
    if (overview_make(s->store, &q, &overview) < 0) {
        error_add(&s->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(s->store));
        return session_fail(s, EXIT_FAILED);
    }
    overview_json(&overview, r->n, stdout);
    span_say(&r->span, r->zone, s->store, overview.ports[OVERVIEW_DAY].events == 0);
    overview_fini(&overview);
    return EXIT_DONE;
}

int cmd_report(int argc, char **argv)
{
    struct report r = {0};
    int status = read_options(argc, argv, &r);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&r.session, SESSION_FACTS_READ);
    if (status == EXIT_DONE)
        status = report_day(&r);
    session_close(&r.session);
    return status;
}

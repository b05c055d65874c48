/* `scantide export`: hourly totals for other programs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/port.h"
#include "base/wall.h"
#include "command/session.h"
#include "command/span.h"
#include "command/table.h"
#include "report/hourly.h"

static const char usage[] =
    "scantide export - write hourly totals by port and country\n"
    "\n"
    "    scantide export [--format csv|json] [--last 24h | --from T [--to T] | --all] [--sensor "
    "S]...\n"
    "\n"
    "One row or object a line for each sensor, hour, port and country with events (dropped "
    "packets).\n"
    "Hours are UTC, RFC 3339. Events of networks that the configuration excludes are left out.\n"
    "Country ** is what a flood had of a port besides its largest pairs.\n"
    "\n"
    "    --format FORMAT    csv (the default), or json: one object a line\n"
    "    --last 24h         the span up to now: 90m, 24h, 3d, 2w\n"
    "    --from T, --to T   a span, half-open; without --to up to now\n"
    "    --all              all that the facts hold (the default)\n"
    "    --sensor S         only this firewall; may stand several times\n"
    "    --with-excluded    also events of the networks that the configuration "
    "excludes\n" SESSION_USAGE;

struct call {
    struct session session;
    struct span span;
    const char *names[SENSORS_MAX];
    uint16_t ids[SENSORS_MAX];
    size_t n;
    enum table_format format;
    bool with_excluded;

    struct table *table;
    const char *sensor; /* whose rows are being written */
};

static int read_options(int argc, char **argv, struct call *call)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"last", required_argument, NULL, 'l'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"format", required_argument, NULL, 'F'},
                                            {"with-excluded", no_argument, NULL, 'x'},
                                            {0}};
    const char *format = "csv";
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'l')
            call->span.last = optarg;
        else if (option == 'f')
            call->span.from_text = optarg;
        else if (option == 't')
            call->span.to_text = optarg;
        else if (option == 'a')
            call->span.all = true;
        else if (option == 's' && call->n < SENSORS_MAX)
            call->names[call->n++] = optarg;
        else if (option == 'F')
            format = optarg;
        else if (option == 'x')
            call->with_excluded = true;
        else if (session_option(option, "export", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind < argc)
        return session_mistake("export", "'%s' is one word too many", argv[optind]);
    if (table_format_parse(format, &call->format) < 0 || call->format == TABLE_TEXT)
        return session_mistake("export", "--format %s: csv or json is meant", format);
    if (call->format == TABLE_JSON)
        call->format = TABLE_LINES;
    if (!call->span.last && !call->span.from_text && !call->span.to_text)
        call->span.all = true;
    return EXIT_DONE;
}

static int write_row(void *ctx, const struct hourly_row *row)
{
    const struct call *call = ctx;
    char text[TIME_TEXT_MAX];

    table_text(call->table, str_from(call->sensor));
    table_text(call->table, str_from(time_format_utc(row->hour, text)));
    port_format(row->port, text);
    table_text(call->table, str_from(text));
    table_text(call->table, str_from(country_format(row->country, text)));
    table_integer(call->table, row->events);
    table_row(call->table);
    return 0;
}

static bool is_wanted(const struct call *call, uint16_t id)
{
    bool wanted = call->n == 0;

    for (size_t i = 0; i < call->n; i++)
        wanted |= call->ids[i] == id;
    return wanted;
}

static int write_all(struct call *call)
{
    static const char *const columns[] = {"sensor", "hour", "port", "country", "events"};
    struct session *s = &call->session;
    const struct sensor *list;
    size_t n = 0;
    int rc = store_sensors(s->store, &list, &n);

    call->table = table_new(call->format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct hourly_query q = {list[i].id, call->span.from, call->span.to, call->with_excluded};
        call->sensor = list[i].name;
        if (is_wanted(call, list[i].id))
            rc = hourly_read(s->store, &q, write_row, call);
    }
    int status = table_finish(call->table);
    if (rc == 0)
        return status;
    error_add(&s->err, NULL, 0, 0, "the export ended early: the facts can't be read (%s)",
              store_error(s->store));
    return session_fail(s, EXIT_FAILED);
}

int cmd_export(int argc, char **argv)
{
    struct call call = {0};
    struct session *s = &call.session;
    int status = read_options(argc, argv, &call);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(s, SESSION_FACTS_READ);
    if (status == EXIT_DONE)
        status = session_find_sensors(s, "export", call.names, call.n, call.ids);
    if (status == EXIT_DONE)
        status = span_resolve(&call.span, "export", "", s->local, wall_now(), s->store);
    if (status == EXIT_DONE)
        status = write_all(&call);
    if (status == EXIT_DONE)
        span_say(&call.span, s->local, s->store, false);
    session_close(s);
    return status;
}

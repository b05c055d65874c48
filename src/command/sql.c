/* `scantide sql`: questions to the facts, in SQL. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "command/session.h"
#include "command/table.h"
#include "store/query.h"

static const char usage[] =
    "scantide sql - ask the facts in SQL\n"
    "\n"
    "    scantide sql [--format text|json|csv] QUERY\n"
    "    scantide sql [--format text|json|csv] -          (the query comes from stdin)\n"
    "\n"
    "Reads and never writes, also while 'scantide run' is running. The tables:\n"
    "\n"
    "    bins      what happened in each 5 minutes: sensor, time, epoch, class, rule, port, "
    "country, "
    "events;\n"
    "              a flood's bins keep their largest pairs; the rest is told by port (country **), "
    "by "
    "country\n"
    "              (port other), and, so that sums stay exact, once negative (both)\n"
    "    sources   who it was in each hour: sensor, hour, epoch, source, port, class, country, "
    "asn,\n"
    "              first, last, first_epoch, last_epoch, events\n"
    "    targets   your addresses in each hour: sensor, hour, epoch, target, port, events, "
    "sources\n"
    "              (distinct sources, an estimate within some 3%)\n"
    "    bursts    much at once: sensor, kind, first, last, events, peak (a second), source, "
    "target, "
    "port,\n"
    "              source_port, port_step, source_port_step, country, rule, first_epoch, "
    "last_epoch; "
    "what is\n"
    "              empty wasn't the same in all of its events. Kinds: flood (500 events from one "
    "source to\n"
    "              one target within 10 minutes), micro-burst (1,000 from one source in 10 s), "
    "target-burst\n"
    "              (1,000 to one target's port in 10 s), reflection and reflected-port (100 "
    "answers "
    "from one\n"
    "              source, or source port, within 10 minutes), sequential (32 from one source "
    "within 10\n"
    "              minutes, whose ports or source ports step evenly)\n"
    "    coverage  spans that were watched, and why others weren't or what was lost: sensor (none: "
    "all),\n"
    "              state, first, last, lost (lines or messages), input, text, first_epoch, "
    "last_epoch;\n"
    "              state: watched, stopped, crashed, silent, journal-gap, truncated, lost or note\n"
    "    logs      what was taken in: sensor, path, bytes, first, last, first_epoch, last_epoch\n"
    "    sensors   sensor, first_bin, last_bin\n"
    "    rules     exclusions and known scanners, whose events have the rule's number in bins: "
    "rule, kind,\n"
    "              name, networks (none where it is no longer in force)\n"
    "\n"
    "Times are UTC as SQLite writes them, '2026-11-24 10:05:00'; epoch is in seconds since 1970. A "
    "comparison\n"
    "of sensor, time, hour or epoch makes a query fast, since no other days are read then.\n"
    "\n"
    "    # the ten busiest ports of the last day, and how much of it was backscatter\n"
    "    scantide sql \"SELECT port, sum(events) AS n, sum(events * (class = 'backscatter')) AS "
    "answers\n"
    "        FROM bins WHERE time >= datetime('now', '-1 day') GROUP BY port ORDER BY n DESC LIMIT "
    "10\"\n"
    "\n"
    "    # sources that tried more than 100 ports within an hour\n"
    "    scantide sql \"SELECT hour, source, country, count(DISTINCT port) AS ports FROM sources\n"
    "        WHERE hour >= '2026-11-24' GROUP BY hour, source HAVING ports > 100 ORDER BY ports "
    "DESC\"\n"
    "\n"
    "    # events a day from a country, as CSV for a spreadsheet\n"
    "    scantide sql --format csv \"SELECT date(time) AS day, sum(events) FROM bins WHERE country "
    "= 'CN'\n"
    "        GROUP BY day\" >cn.csv\n"
    "\n"
    "    # what hit hardest in the last day\n"
    "    scantide sql \"SELECT first, kind, source, target, port, events, peak FROM bursts\n"
    "        WHERE first >= datetime('now', '-1 day') ORDER BY events DESC LIMIT 20\"\n"
    "\n"
    "    --format FORMAT    text (the default), json (an array of objects) or csv\n" SESSION_USAGE;

struct call {
    const char *query;
    enum table_format format;
};

static int read_options(int argc, char **argv, struct call *call)
{
    static const struct option options[] = {
        SESSION_LONG_OPTIONS, {"format", required_argument, NULL, 'F'}, {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'F') {
            if (table_format_parse(optarg, &call->format) < 0)
                return session_mistake("sql", "--format %s: text, json or csv is meant", optarg);
        } else if (session_option(option, "sql", usage, &status) < 0) {
            return status == EXIT_DONE ? -1 : status;
        }
    }
    if (optind == argc)
        return session_mistake("sql", "a query is missing, or '-' to read it from stdin");
    if (optind + 1 < argc)
        return session_mistake("sql", "the query must be one argument: put it in quotes");
    call->query = argv[optind];
    return EXIT_DONE;
}

static char *read_stdin(void)
{
    struct buf b = {0};
    size_t n;

    do {
        buf_reserve(&b, 4096);
        n = fread(b.p + b.n, 1, 4096, stdin);
        b.n += n;
    } while (n);
    buf_put(&b, "", 1);
    return (char *)b.p;
}

static void print_row(struct table *t, struct query *q, int n)
{
    for (int i = 0; i < n; i++) {
        struct query_value v = query_value(q, i);
        switch (v.type) {
        case QUERY_NULL: table_null(t); break;
        case QUERY_INTEGER: table_integer(t, v.integer); break;
        case QUERY_REAL: table_real(t, v.real); break;
        case QUERY_TEXT: table_text(t, v.text); break;
        }
    }
    table_row(t);
}

static int print_all(struct session *s, struct query *q, enum table_format format)
{
    int n = query_columns(q), rc;
    const char **names = xcalloc((size_t)n + 1, sizeof *names);

    for (int i = 0; i < n; i++)
        names[i] = query_column(q, i);
    struct table *t = table_new(format, names, n);
    free(names);
    while ((rc = query_next(q)) > 0)
        print_row(t, q, n);
    int status = table_finish(t);
    if (rc < 0) {
        error_add(&s->err, NULL, 0, 0, "the query ended early (%s)", store_error(s->store));
        return session_fail(s, EXIT_FAILED);
    }
    return status;
}

static int ask(struct session *s, const struct call *call, const char *sql)
{
    struct query *q;
    int rc = query_open(s->store, sql, &q, &s->err);

    if (rc < 0)
        return session_fail(s, session_status(rc));
    int status = print_all(s, q, call->format);
    query_close(q);
    return status;
}

int cmd_sql(int argc, char **argv)
{
    struct call call = {0};
    struct session s;
    int status = read_options(argc, argv, &call);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&s, SESSION_FACTS_READ);
    if (status == EXIT_DONE) {
        char *piped = strcmp(call.query, "-") == 0 ? read_stdin() : NULL;
        status = ask(&s, &call, piped ? piped : call.query);
        free(piped);
    }
    session_close(&s);
    return status;
}

/* `scantide rebuild`: what is made from the facts made again, and the facts from what is left of
 * them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/wall.h"
#include "command/session.h"
#include "store/salvage.h"

static const char usage[] =
    "scantide rebuild - make all round-robin databases again from the facts\n"
    "\n"
    "    scantide rebuild [--sensor S]...\n"
    "    scantide rebuild --salvage\n"
    "\n"
    "Charts never need this: series that are missing, damaged or out of date are made again by\n"
    "themselves. While 'scantide run' is running, it does the work, within a quarter of an hour.\n"
    "\n"
    "With --salvage, damaged facts are set aside as facts.db.broken-DATE, what can be read of them "
    "is\n"
    "copied into new ones, and what is lost is counted. Facts that are whole are left alone.\n"
    "\n"
    "    --sensor S         only this firewall's; may stand several times\n"
    "    --salvage          save what can be read of damaged facts\n" SESSION_USAGE;

struct call {
    const char *names[SENSORS_MAX];
    uint16_t ids[SENSORS_MAX];
    size_t n;
    bool salvage;
};

static int read_options(int argc, char **argv, struct call *call)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"salvage", no_argument, NULL, 'S'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's' && call->n < SENSORS_MAX)
            call->names[call->n++] = optarg;
        else if (option == 'S')
            call->salvage = true;
        else if (session_option(option, "rebuild", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind < argc)
        return session_mistake("rebuild", "'%s' is one word too many", argv[optind]);
    if (call->salvage && call->n)
        return session_mistake("rebuild", "--salvage is of all sensors");
    return EXIT_DONE;
}

/* ---- the facts ---- */

static void print_salvaged(const struct session *s, const struct salvage_report *r)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    if (r->whole) {
        puts("the facts are whole: nothing was changed");
        return;
    }
    printf("the damaged facts lie in %s now\n", r->aside);
    printf("  segments kept  %10" PRIu64 "\n", r->kept);
    printf("  segments lost  %10" PRIu64 "%s\n", r->lost, r->unsure ? " at least" : "");
    printf("  logs known     %10" PRIu64 "\n", r->positions);
    if (r->positions_lost)
        printf("  logs forgotten %10" PRIu64 "%s\n", r->positions_lost,
               r->unsure ? " at least" : "");
    if (r->unnamed)
        printf("  names lost     %10" PRIu64
               " sensors: salvaged-1 and so on; 'sensors: [{name: NAME, "
               "was: [salvaged-1]}]' in the configuration names them again\n",
               r->unnamed);
    if (r->lost_to)
        printf("  lost between   %s and %s\n", time_format_local(s->local, r->lost_from, a),
               time_format_local(s->local, r->lost_to, b));
}

/* What must be known before the next import counts wrongly. */
static void say_consequences(const struct salvage_report *r)
{
    if (r->lost || r->unsure)
        fputs("scantide: to count again what is lost: 'scantide prune' its span, then import the "
              "logs of it\n",
              stderr);
    if (r->positions_lost || r->unsure)
        fputs("scantide: a log that was forgotten would be counted twice if it is taken in again: "
              "'scantide sql \"SELECT * FROM logs\"' has those that are known; 'scantide prune' "
              "the others' spans first\n",
              stderr);
}

static int salvage(struct session *s, bool *whole)
{
    struct salvage_report r;
    struct civil c = civil_from_seconds(wall_now());
    char day[40];
    int lock = lock_take(s->data, "daemon.lock", false);

    snprintf(day, sizeof day, "%04d-%02u-%02u", c.year, c.month, c.day);
    if (lock == -EWOULDBLOCK) {
        error_add(&s->err, s->data, 0, 0,
                  "'scantide run' keeps its facts here: end it first, or it would write to what is "
                  "set aside");
        return session_fail(s, EXIT_FAILED);
    }
    int rc = salvage_facts(s->data, day, &r, &s->err);
    lock_release(lock);
    if (rc == 0) {
        print_salvaged(s, &r);
        if (!r.whole)
            say_consequences(&r);
    }
    *whole = r.whole;
    free(r.aside);
    return session_fail(s, session_status(rc));
}

/* ---- the series ---- */

static int touch(struct session *s, const struct call *call)
{
    const struct sensor *list;
    size_t n;
    int rc = store_sensors(s->store, &list, &n);

    for (size_t i = 0; rc == 0 && i < call->n; i++)
        rc = store_touch_series(s->store, call->ids[i]);
    for (size_t i = 0; rc == 0 && call->n == 0 && i < n; i++)
        rc = store_touch_series(s->store, list[i].id);
    if (rc == 0)
        return EXIT_DONE;
    error_add(&s->err, NULL, 0, 0, "the facts can't be written (%s)", store_error(s->store));
    return session_fail(s, EXIT_FAILED);
}

/* In slices, so that there is something to tell; then once whole, which syncs them to the disk. */
static int make_all(struct session *s)
{
    struct series_stats stats = {0};
    bool tells = isatty(STDERR_FILENO);
    int64_t until = wall_now();
    int rc;

    do {
        rc = series_sync(s->series, s->store, until, SERIES_WAIT | SERIES_PACED, &stats, &s->err);
        if (tells && stats.files)
            fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " files", stats.files - stats.left,
                    stats.files);
    } while (rc == 0 && stats.more);
    if (rc == 0)
        rc = series_sync(s->series, s->store, until, SERIES_WAIT, &stats, &s->err);
    if (tells)
        fputs("\r\033[K", stderr);
    if (rc == 0)
        printf("  series  %10" PRIu64 "\n", stats.files);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int rebuild(struct session *s, struct call *call)
{
    int status = session_find_sensors(s, "rebuild", call->names, call->n, call->ids);

    if (status == EXIT_DONE)
        status = touch(s, call);
    if (status == EXIT_DONE && session_daemon_runs(s))
        fputs("scantide: 'scantide run' makes them again within a quarter of an hour\n", stderr);
    else if (status == EXIT_DONE)
        status = make_all(s);
    return status;
}

int cmd_rebuild(int argc, char **argv)
{
    struct call call = {0};
    struct session s;
    bool whole = false;
    int status = read_options(argc, argv, &call);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    if (call.salvage) {
        status = session_open(&s, 0);
        if (status == EXIT_DONE)
            status = salvage(&s, &whole);
        session_close(&s);
        if (status != EXIT_DONE || whole)
            return status;
    }
    status = session_open(&s, SESSION_FACTS_CHANGE | SESSION_SERIES);
    if (status == EXIT_DONE)
        status = rebuild(&s, &call);
    session_close(&s);
    return status;
}

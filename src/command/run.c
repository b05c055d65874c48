/* `scantide run`: the daemon, in the foreground. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/wall.h"
#include "command/setup.h"
#include "command/status.h"
#include "store/gap.h"

static const char usage[] =
    "scantide run - follow logs and keep facts and round-robin databases up to date\n"
    "\n"
    "    scantide run [--data DIR] [--config FILE]\n"
    "    scantide run [--sensor NAME] [--timezone ZONE] FILE...\n"
    "    ssh router logread -f | scantide run --sensor router -\n"
    "\n"
    "Takes in what the configuration names, or the FILEs in its place: logs, or patterns of logs "
    "in\n"
    "quotes, followed through rotation and waited for where they don't exist yet; '-' is a pipe.\n"
    "A log is known by its content: what 'run' or 'import' read before is read on, and nothing is\n"
    "counted twice. Stays in the foreground until SIGTERM or SIGINT (Ctrl-C); what it has to tell\n"
    "goes to stderr.\n"
    "\n"
    "    --sensor NAME      the firewall that the FILEs come from (else the host in each line)\n"
    "    --timezone ZONE    of their times without one, such as Europe/Berlin (else this "
    "machine's)\n" SESSION_USAGE;

/* ---- telling ---- */

/* systemd connects stderr to the journal, which has its own times: sd-journal's $JOURNAL_STREAM is
 * "DEVICE:INODE" of it (systemd.exec(5)). */
static bool journal_takes_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static bool plain; /* without times */

static void say(const char *text)
{
    char when[TIME_TEXT_MAX];

    if (plain)
        fprintf(stderr, "%s\n", text);
    else
        fprintf(stderr, "%s %s\n", time_format_utc(wall_now(), when), text);
}

static void say_what(const struct session *s)
{
    char *text = NULL;

    if (geo_path(s->geo)) {
        struct civil day = civil_from_seconds(geo_built(s->geo));
        text = xasprintf("facts are kept in %s, countries come from %s (built on %04d-%02u-%02u)",
                         s->data, geo_path(s->geo), day.year, day.month, day.day);
    } else {
        text = xasprintf("facts are kept in %s, countries are ZZ without a database", s->data);
    }
    say(text);
    free(text);
    if (!s->asn)
        return;
    struct civil day = civil_from_seconds(asn_built(s->asn));
    text = xasprintf("AS numbers come from %s (built on %04d-%02u-%02u)", asn_path(s->asn),
                     day.year, day.month, day.day);
    say(text);
    free(text);
}

/* ---- what is followed ---- */

static int read_options(int argc, char **argv, struct setup_files *call)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {0}};
    const char *zone = NULL;
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's')
            call->sensor = optarg;
        else if (option == 'z')
            zone = optarg;
        else if (session_option(option, "run", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    call->files = argv + optind;
    call->n = (size_t)(argc - optind);
    if (call->n == 0 && (call->sensor || zone))
        return session_mistake("run", "--sensor and --timezone are of FILEs named here; for the "
                                      "configured ones they stand in "
                                      "the configuration");
    return session_zone("run", zone, &call->zone);
}

/* ---- while it runs ---- */

struct run {
    struct store *store;
    struct series *series;
    struct setup_files files;
};

static int load(void *ctx, const struct daemon_setup *old, struct daemon_setup **out,
                struct error *err)
{
    const struct run *run = ctx;
    struct setup *setup;
    int rc = setup_remake((const struct setup *)old, &run->files, &setup, err);

    *out = rc < 0 ? NULL : &setup->daemon;
    return rc;
}

/* Rules, sensors' names and the way to make sources anonymous are the facts' business, too. */
static int apply(void *ctx, struct daemon_setup *d, struct error *err)
{
    const struct run *run = ctx;
    struct session *s = &((struct setup *)d)->session;

    (void)err; /* the session prints its faults */
    s->store = run->store;
    s->series = run->series;
    int status = session_take_over(s, true, say);
    s->store = NULL;
    s->series = NULL;
    return status == EXIT_DONE ? 0 : -EINVAL;
}

static bool changed(void *ctx, const struct daemon_setup *d)
{
    const struct setup *setup = (const struct setup *)d;

    (void)ctx;
    return geo_replaced(setup->session.geo) || asn_replaced(setup->session.asn);
}

/* ---- the command ---- */

/* Until now nobody watched what the logs tell of, unless they are read on. */
static int say_stopped(struct store *s, const struct daemon_setup *d)
{
    int rc = 0;

    for (size_t i = 0; i < d->input_count && rc == 0; i++)
        if (d->inputs[i].file)
            rc = store_put_stopped(s, d->inputs[i].file, time(NULL));
    if (rc < 0)
        say(store_error(s));
    return rc;
}

static int run_locked(struct run *run, struct setup *setup)
{
    const struct daemon_options o = {
        .store = run->store,
        .data = setup->session.data,
        .tell = status_tell,
        .say = say,
        .ctx = run,
        .load = load,
        .apply = apply,
        .changed = changed,
    };
    struct daemon_setup *current = &setup->daemon;
    struct error err = {0};

    signal(SIGPIPE, SIG_IGN); /* whoever reads what is told here may go; counting goes on */
    /* A limit on the size of files: a failed commit, which is said and tried again. */
    signal(SIGXFSZ, SIG_IGN);
    plain = journal_takes_stderr();
    say_what(&setup->session);
    int rc = apply(run, current, &err);
    if (rc == 0)
        rc = say_stopped(run->store, current);
    if (rc == 0)
        rc = daemon_run(&o, &current);
    series_settle(run->series, run->store, &err);
    error_print(&err, stderr);
    error_fini(&err);
    if (store_sync(run->store) < 0)
        say("the facts are committed, but not yet synced to the disk");
    current->free(current);
    return rc == -EINVAL ? EXIT_MISTAKE : rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_alone(struct run *run, struct setup *setup)
{
    struct error err = {0};
    const char *data = setup->session.data;
    int lock = lock_take(data, "daemon.lock", false);

    if (lock == -EWOULDBLOCK)
        error_add(&err, data, 0, 0,
                  "another 'scantide run' keeps its facts here: end that one first, or name "
                  "another folder with --data");
    else if (lock < 0)
        access_fault(data, ACCESS_WRITE, lock, &err);
    if (lock < 0) {
        error_print(&err, stderr);
        error_fini(&err);
        setup_free(setup);
        return EXIT_FAILED;
    }
    int status = run_locked(run, setup);
    lock_release(lock);
    return status;
}

int cmd_run(int argc, char **argv)
{
    struct run run = {0};
    struct session s;
    struct setup *setup;
    struct error err = {0};
    int status = read_options(argc, argv, &run.files);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&s, SESSION_PARSERS | SESSION_GEO | SESSION_FACTS_WRITE | SESSION_SERIES);
    run.store = s.store;
    run.series = s.series;
    s.store = NULL;
    s.series = NULL;
    if (status == EXIT_DONE && setup_make(&s, run.series, &run.files, &setup, &err) < 0) {
        error_print(&err, stderr);
        error_fini(&err);
        setup_free(setup);
        status = EXIT_MISTAKE;
    } else if (status == EXIT_DONE) {
        status = run_alone(&run, setup);
    }
    if (run.series)
        series_close(run.series);
    store_close(run.store);
    session_close(&s);
    return status;
}

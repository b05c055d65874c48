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
#include "command/session.h"
#include "pipeline/daemon_uv.h"

static const char usage[] =
    "scantide run - follow logs and keep facts and round-robin databases up to date\n"
    "\n"
    "    scantide run [--data DIR] [--config FILE]\n"
    "    scantide run [--sensor NAME] [--timezone ZONE] FILE...\n"
    "    ssh router logread -f | scantide run --sensor router -\n"
    "\n"
    "Takes in what the configuration names, or the FILEs in its place: logs, or patterns of logs in\n"
    "quotes, followed through rotation and waited for where they don't exist yet; '-' is a pipe.\n"
    "A log is known by its content: what 'run' or 'import' read before is read on, and nothing is\n"
    "counted twice. Stays in the foreground until SIGTERM or SIGINT (Ctrl-C); what it has to tell\n"
    "goes to stderr.\n"
    "\n"
    "    --sensor NAME      the firewall that the FILEs come from (else the host in each line)\n"
    "    --timezone ZONE    of their times without one, such as Europe/Berlin (else this "
    "machine's)\n" SESSION_USAGE;

struct call {
    const char *sensor, *timezone;
    char **files;
    size_t n;
};

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

static int read_options(int argc, char **argv, struct call *call)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's')
            call->sensor = optarg;
        else if (option == 'z')
            call->timezone = optarg;
        else if (session_option(option, "run", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    call->files = argv + optind;
    call->n = (size_t)(argc - optind);
    if (call->n == 0 && (call->sensor || call->timezone))
        return session_mistake("run", "--sensor and --timezone are of FILEs named here; for the "
                                      "configured ones they stand in "
                                      "the configuration");
    return EXIT_DONE;
}

/* The path from the root, for it is stored; the folder need not be there. */
static char *absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? xasprintf("%s/%s", here, path) : xstrdup(path);

    free(here);
    return whole;
}

/* The FILEs of the command line as inputs. */
static int choose_files(const struct call *call, struct config_input **out)
{
    const struct zone *zone = NULL;

    if (session_zone("run", call->timezone, &zone) != EXIT_DONE)
        return EXIT_MISTAKE;
    *out = xcalloc(call->n, sizeof **out);
    for (size_t i = 0; i < call->n; i++) {
        bool is_stdin = strcmp(call->files[i], "-") == 0;
        (*out)[i] =
            (struct config_input){.kind = is_stdin ? INPUT_STDIN : INPUT_FILE,
                                  .file = is_stdin ? xstrdup("-") : absolute(call->files[i]),
                                  .sensor = (char *)call->sensor,
                                  .zone = zone};
    }
    for (size_t i = 0; i < call->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp((*out)[i].file, (*out)[k].file) == 0)
                return session_mistake("run", "%s is named twice: it would be counted twice",
                                       (*out)[i].file);
    return EXIT_DONE;
}

/* What is there must be a file that may be read; all that can't is said. */
static int check_inputs(struct session *s, const struct config_input *inputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *file = inputs[i].file;
        struct stat st;
        if (inputs[i].kind != INPUT_FILE)
            continue;
        int rc = stat(file, &st) < 0   ? -errno
                 : S_ISDIR(st.st_mode) ? -EISDIR
                                       : access_check(file, ACCESS_READ);
        if (rc < 0 && rc != -ENOENT)
            access_fault(file, ACCESS_READ, rc, &s->err);
        else if (rc == 0 && !S_ISREG(st.st_mode))
            error_add(&s->err, file, 0, 0, "this is no regular file, so it can't be followed");
    }
    return session_fail(s, s->err.n ? EXIT_MISTAKE : EXIT_DONE);
}

/* ---- the command ---- */

static int run_locked(struct session *s, const struct config_input *inputs, size_t n)
{
    const struct daemon_options o = {
        .inputs = inputs,
        .input_count = n,
        .parsers = s->parsers,
        .geo = s->geo,
        .tags = {s->asn, &s->anonymizer},
        .store = s->store,
        .series = s->series,
        .commit_every_s = s->conf->commit_every_s,
        .late_s = s->conf->late_s,
        .write_every_s = s->conf->series.write_every_s,
        .say = say,
    };

    signal(SIGPIPE, SIG_IGN); /* whoever reads what is told here may go; counting goes on */
    signal(
        SIGXFSZ,
        SIG_IGN); /* a limit on the size of files: a failed commit, which is said and tried again */
    plain = journal_takes_stderr();
    say_what(s);
    int status = session_take_sensors(s, true, say);
    if (status == EXIT_DONE)
        status = session_take_rules(s, true, say);
    if (status == EXIT_DONE)
        status = session_anonymize(s, say);
    if (status != EXIT_DONE)
        return status;
    int rc = daemon_run(&o);
    series_settle(s->series, s->store, &s->err);
    session_fail(s, EXIT_DONE);
    if (store_sync(s->store) < 0)
        say("the facts are committed, but not yet synced to the disk");
    return rc == -EINVAL ? EXIT_MISTAKE : rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_alone(struct session *s, const struct config_input *inputs, size_t n)
{
    int lock = lock_take(s->data, "daemon.lock", false);

    if (lock == -EWOULDBLOCK)
        error_add(&s->err, s->data, 0, 0,
                  "another 'scantide run' keeps its facts here: end that one first, or name "
                  "another folder with --data");
    else if (lock < 0)
        access_fault(s->data, ACCESS_WRITE, lock, &s->err);
    if (lock < 0)
        return session_fail(s, EXIT_FAILED);
    int status = run_locked(s, inputs, n);
    lock_release(lock);
    return status;
}

int cmd_run(int argc, char **argv)
{
    struct call call = {0};
    struct session s;
    struct config_input *files = NULL;
    int status = read_options(argc, argv, &call);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&s, SESSION_PARSERS | SESSION_GEO | SESSION_FACTS_WRITE | SESSION_SERIES);
    if (status == EXIT_DONE)
        config_choose_input(s.conf);
    if (status == EXIT_DONE && call.n)
        status = choose_files(&call, &files);
    const struct config_input *inputs = call.n                ? files
                                        : status == EXIT_DONE ? s.conf->inputs
                                                              : NULL;
    size_t n = call.n ? call.n : status == EXIT_DONE ? s.conf->input_count : 0;
    if (status == EXIT_DONE)
        status = check_inputs(&s, inputs, n);
    if (status == EXIT_DONE)
        status = run_alone(&s, inputs, n);
    for (size_t i = 0; files && i < call.n; i++)
        free(files[i].file);
    free(files);
    session_close(&s);
    return status;
}

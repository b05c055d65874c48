/* `scantide import`: whole logs taken in, oldest first, once. */
#include "pipeline/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/wall.h"
#include "command/session.h"
#include "pipeline/choose.h"
#include "pipeline/upkeep.h"

static const char usage[] =
    "scantide import - take whole logs in, once\n"
    "\n"
    "    scantide import [--sensor NAME] [--timezone ZONE] [--year YYYY] FILE...\n"
    "\n"
    "FILE is a log, plain or compressed (gz, xz, zst, bz2, lz4, Z); a tar or zip archive of logs; "
    "a\n"
    "folder of logs; a pattern such as '/var/log/kern.log*', quoted or not; or '-' for stdin. Of\n"
    "archives and folders those files are taken in which a parser knows a line; the others are "
    "named.\n"
    "The oldest log comes first.\n"
    "\n"
    "A log is known by its content, compressed or not: what was taken in before isn't counted "
    "again, so\n"
    "logs may come in any order, again, and as copies. stdin is counted each time. The last line "
    "of "
    "a\n"
    "file that was written in the last five minutes waits for its newline. Of a damaged archive "
    "all "
    "is\n"
    "taken in that can be read, and the exit code is 1. While 'scantide run' is running on the "
    "same "
    "data\n"
    "folder, it draws what was imported.\n"
    "\n"
    "    --sensor NAME      the firewall that all lines come from (else the host in each line)\n"
    "    --timezone ZONE    of times without one, such as Europe/Berlin (else this machine's)\n"
    "    --year YYYY        of the first line, where lines have no year (else by the file's time)\n"
    "    --threads N        how many cores may parse (else all)\n" SESSION_USAGE;

struct call {
    const char *sensor, *zone, *year, *threads;
};

enum {
    UNFOLDED_KEPT = FAULT_LIMIT(3 * 24, 0) /* hours that an import leaves unfolded */
};

/* ---- the progress bar ---- */

struct progress {
    const char *path;
    double started;
    bool shown, on;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum { BAR_CELLS = 24 };

static void draw_bar(char *out, double share)
{
    int full = (int)(share * BAR_CELLS + 0.5);

    for (int i = 0; i < BAR_CELLS; i++)
        out[i] = i < full ? '#' : '.';
    out[BAR_CELLS] = 0;
}

static void show_progress(void *ctx, uint64_t done, uint64_t total, uint64_t lines)
{
    struct progress *p = ctx;
    double elapsed = now_s() - p->started;
    char bar[BAR_CELLS + 1];

    if (!p->on || elapsed < 0.3)
        return;
    p->shown = true;
    double rate = (double)lines / elapsed / 1e6;
    if (total == 0) {
        fprintf(stderr, "\r\033[K%s: %" PRIu64 " lines, %.2f million/s", p->path, lines, rate);
        return;
    }
    double share = (double)done / (double)total,
           left = share > 0 ? elapsed * (1 - share) / share : 0;
    draw_bar(bar, share);
    fprintf(stderr, "\r\033[K%s [%s] %3.0f%%  %.2f million lines/s, %.0f s left", p->path, bar,
            share * 100, rate, left);
}

static void end_progress(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}

/* ---- the table ---- */

static void print_span(const struct session *s, const struct intake_span *span)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    if (span->any)
        printf("  span        %s to %s\n", time_format_local(s->local, span->first, a),
               time_format_local(s->local, span->last, b));
}

static void print_report(const struct session *s, const struct import_report *r, double seconds)
{
    const struct counts *c = &r->counts;

    printf("  lines       %12" PRIu64 "\n", c->lines);
    printf("  events      %12" PRIu64 "\n", c->by[OUTCOME_EVENT]);
    printf("  ignored     %12" PRIu64 "\n", c->by[OUTCOME_IGNORED]);
    printf("  unmatched   %12" PRIu64 "\n", c->by[OUTCOME_UNMATCHED]);
    printf("  lost        %12" PRIu64 "\n", c->by[OUTCOME_LOST]);
    if (c->suppressed)
        printf("  suppressed  %12" PRIu64 "  (messages that loggers say they let fall)\n",
               c->suppressed);
    if (c->packets != c->by[OUTCOME_EVENT])
        printf("  packets     %12" PRIu64 "\n", c->packets);
    if (c->limited)
        printf("  at a limit  %12" PRIu64
               "   patterns given up; `scantide explain --summary` tells "
               "whose\n",
               c->limited);
    print_span(s, &r->span);
    if (c->lines && seconds > 0)
        printf("  lines/s     %12.0f\n", (double)c->lines / seconds);
    for (unsigned i = 0; i < r->samples.n; i++)
        printf("%s%s\n", i ? "              " : "  unmatched:  ", r->samples.text[i]);
}

static void add_report(struct import_report *sum, const struct import_report *r)
{
    counts_add(&sum->counts, &r->counts);
    sum->bytes += r->bytes;
    sum->known += r->known;
    for (unsigned i = 0; i < r->samples.n && sum->samples.n < SAMPLES_MAX; i++)
        memcpy(sum->samples.text[sum->samples.n++], r->samples.text[i], sizeof r->samples.text[i]);
    if (!r->span.any)
        return;
    if (!sum->span.any || r->span.first < sum->span.first)
        sum->span.first = r->span.first;
    if (!sum->span.any || r->span.last > sum->span.last)
        sum->span.last = r->span.last;
    sum->span.any = true;
}

/* What the operator would otherwise wonder about. */
static void say_notes(const char *path, const struct import_report *r)
{
    if (r->known && r->counts.lines == 0)
        fprintf(stderr, "%s: taken in before, nothing new\n", path);
    else if (r->known)
        fprintf(stderr,
                "%s: the first %" PRIu64 " bytes were taken in before, only the rest is counted\n",
                path, r->known);
    else if (r->counts.lines == 0)
        fprintf(stderr, "%s: empty\n", path);
    if (r->counts.future)
        fprintf(stderr,
                "%s: %" PRIu64 " events lie in the future: is --timezone or --year right?\n", path,
                r->counts.future);
    if (r->is_stream && r->counts.by[OUTCOME_EVENT])
        fprintf(stderr,
                "%s: a stream can't be known again: taking the same lines in once more would count "
                "them twice\n",
                path);
    if (r->left)
        fprintf(stderr,
                "%s: its last line (%" PRIu64
                " bytes) has no end yet: it is counted when it has one, or after five minutes\n",
                path, r->left);
}

static void say_passed_over(void *ctx, const char *name, const char *why)
{
    (void)ctx;
    fprintf(stderr, "%s: passed over, %s\n", name, why);
}

static void say(const char *text)
{
    fprintf(stderr, "scantide: %s\n", text);
}

/* ---- the command ---- */

static int read_options(int argc, char **argv, struct call *call, struct import_options *o)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {"year", required_argument, NULL, 'y'},
                                            {"threads", required_argument, NULL, 't'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's')
            call->sensor = optarg;
        else if (option == 'z')
            call->zone = optarg;
        else if (option == 'y')
            call->year = optarg;
        else if (option == 't')
            call->threads = optarg;
        else if (session_option(option, "import", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind == argc)
        return session_mistake("import",
                               "name the logs to take in, folders of them, or '-' for stdin");
    if (session_zone("import", call->zone, &o->zone) != EXIT_DONE ||
        session_year("import", call->year, &o->year) != EXIT_DONE)
        return EXIT_MISTAKE;
    char *end = NULL;
    long threads = call->threads ? strtol(call->threads, &end, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    if (call->threads && (*end || threads < 1 || threads > 64))
        return session_mistake("import", "--threads %s: a number from 1 to 64 is meant",
                               call->threads);
    o->threads = (unsigned)(threads < 1 ? 1 : threads);
    o->sensor = call->sensor ? call->sensor : "";
    return EXIT_DONE;
}

static void say_undone(const struct session *s, const char *what)
{
    fprintf(stderr, "scantide: the facts are committed, but not yet %s (%s)\n", what,
            store_error(s->store));
}

/* What folding makes serves rankings of more than three days: a short log leaves it to the daemon,
 * or to the import with which there is enough. */
static bool fold_when_many(struct session *s, int64_t now)
{
    int64_t hours;
    int rc = store_unfolded(s->store, &hours);
    bool many = rc == 0 && hours > UNFOLDED_KEPT;

    if (many)
        rc = store_fold(s->store, now - UPKEEP_FOLD_AFTER_S);
    if (rc < 0)
        say_undone(s, "folded");
    return many;
}

/* Where no daemon does it: what is long past is thinned, and the folder kept below its size. The
 * series have seen all of it by then. */
static void keep_up(struct session *s, int64_t now)
{
    struct upkeep u = {.data = s->data, .max_size = s->conf->max_size, .compact = true};

    if (upkeep_all(&u, s->store, now, &s->err) < 0)
        say_undone(s, "thinned");
    if (u.said)
        say(u.said);
    free(u.said);
    error_fini(&s->err);
}

/* The exit status after a log that failed: an operator's mistake says less than a failure. */
static int worse(struct session *s, int status, int rc)
{
    return session_fail(s, status == EXIT_FAILED ? status
                                                 : session_status(rc == -ENOENT ? -EINVAL : rc));
}

static int import_all(struct session *s, struct import_options *o, struct progress *progress,
                      char **arguments, int n)
{
    struct import_report sum = {0};
    struct choices logs = {0};
    double started = now_s();
    int status = EXIT_DONE, done = 0;

    int rc = choices_make(&logs, o, arguments, (size_t)n, say_passed_over, NULL, &s->err);
    if (rc < 0)
        status = worse(s, status, rc);
    for (size_t i = 0; i < logs.n; i++) {
        const char *name = logs.items[i].name;
        struct import_report r;
        progress->path = name;
        progress->started = now_s();
        rc = import_member(o, logs.items[i].path, logs.items[i].member, &r, &s->err);
        end_progress(progress);
        add_report(&sum, &r);
        if (rc == 0)
            say_notes(name, &r);
        else
            status = worse(s, status, rc);
        done += rc == 0;
    }
    choices_fini(&logs);
    if (done == 0 && sum.counts.lines == 0)
        return status;
    bool many = fold_when_many(s, o->now);
    int synced = session_sync_series(s);
    if ((many || s->conf->max_size) && !session_daemon_runs(s))
        keep_up(s, o->now);
    if (store_sync(s->store) < 0)
        say_undone(s, "synced");
    print_report(s, &sum, now_s() - started);
    return status == EXIT_DONE ? synced : status;
}

int cmd_import(int argc, char **argv)
{
    struct call call = {0};
    struct progress progress = {.on = isatty(STDERR_FILENO)};
    struct import_options o = {.progress = show_progress, .progress_ctx = &progress};
    struct session s;
    int status = read_options(argc, argv, &call, &o);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&s, SESSION_PARSERS | SESSION_GEO | SESSION_FACTS_WRITE | SESSION_SERIES);
    if (status == EXIT_DONE)
        status = session_take_over(&s, false, say);
    if (status == EXIT_DONE) {
        o.parsers = s.parsers;
        o.geo = s.geo;
        o.tags = (struct commit_tags){s.asn, &s.anonymizer};
        o.store = s.store;
        o.now = wall_now();
        geo_expand(s.geo);
        status = import_all(&s, &o, &progress, argv + optind, argc - optind);
    }
    session_close(&s);
    return status;
}

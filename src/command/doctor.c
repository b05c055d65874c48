/* `scantide doctor`: looks at what taking in depends on, and says what an administrator would want
 * to know before it hurts. Changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/wall.h"
#include "command/session.h"
#include "config/paths.h"
#include "input/journal.h"
#include "input/rotated.h"
#include "pipeline/intake.h"
#include "tag/asn.h"

static const char usage[] =
    "scantide doctor - look for what could go wrong with taking in\n"
    "\n"
    "    scantide doctor [--data DIR] [--config FILE]\n"
    "\n"
    "Reads the end of each configured log as `run` would and tells what it understands of it; "
    "looks\n"
    "at permissions, clocks and time zones, the age of the databases, rate limits that cut events\n"
    "off, and the disk. A line begins with 'ok', or with '!!' and what to do. Exit code 1 when "
    "there\n"
    "is such a line. Nothing is changed.\n"
    "\n" SESSION_USAGE;

enum {
    TAIL_BYTES_READ = 256 * 1024,
    JOURNAL_ENTRIES = 500,
    DATABASE_DAYS = 60, /* older, and it tells of networks that have moved since */
    ZONE_SLACK_S = 120, /* how near to a zone's offset a difference is suspicious */
    ZONE_MAX_S = 14 * 3600,
    CEILING_BINS = 6,    /* so many bins with nearly the same highest count */
    CEILING_EVENTS = 50, /* fewer are like one another by chance */
    DAY_S = 86400
};

struct doctor {
    struct session s;
    int64_t now;
    unsigned wrong;
};

__attribute__((format(printf, 2, 3))) static void good(const char *what, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("ok  %s: ", what);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
}

__attribute__((format(printf, 3, 4))) static void bad(struct doctor *d, const char *what,
                                                      const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("!!  %s: ", what);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    d->wrong++;
}

/* ---- inputs ---- */

/* What a reader makes of some lines. */
struct look {
    struct counts counts;
    struct intake_span span;
    struct intake_samples samples;
};

static void read_lines(struct doctor *d, const struct config_input *in, int64_t file_time,
                       struct str lines, struct look *out)
{
    struct intake intake = {geo_none(), str_from(in->sensor ? in->sensor : ""), d->now};
    struct matcher *matcher = matcher_new(d->s.parsers);
    struct clock_rule rule = {in->zone, file_time, 0};
    struct tally *tally = tally_new();
    struct reader reader;

    reader_init(&reader, matcher, &rule, INT64_MIN);
    intake_lines(&intake, &reader, lines, tally, &out->counts, &out->span, &out->samples);
    tally_free(tally);
    matcher_free(matcher);
    geo_close((struct geo *)intake.geo);
}

/* A log that is written now and says another time is one with another zone. */
static void judge_clock(struct doctor *d, const char *what, int64_t written, int64_t stamped)
{
    int64_t off = stamped - written, quarter = 900;
    int64_t near = (off + (off < 0 ? -quarter / 2 : quarter / 2)) / quarter * quarter;

    if (off > -ZONE_SLACK_S && off < ZONE_SLACK_S)
        return;
    if (near != 0 && near >= -ZONE_MAX_S && near <= ZONE_MAX_S && off - near < ZONE_SLACK_S &&
        near - off < ZONE_SLACK_S)
        bad(d, what,
            "its last line is stamped %+.2f hours from when it was written: set its 'timezone:', "
            "or the sender's clock",
            (double)near / 3600);
    else if (off > 0)
        bad(d, what,
            "its last line is stamped %" PRId64 " s after it was written: set the sender's clock",
            off);
}

static void judge_lines(struct doctor *d, const char *what, const struct look *l)
{
    const struct counts *c = &l->counts;

    if (c->lines == 0)
        good(what, "may be read; it has no line yet");
    else if (c->by[OUTCOME_EVENT] > 0)
        good(what,
             "of its last %" PRIu64 " lines %" PRIu64 " are dropped packets, %" PRIu64
             " others are known, %" PRIu64 " are none of a firewall's",
             c->lines, c->by[OUTCOME_EVENT], c->by[OUTCOME_IGNORED],
             c->by[OUTCOME_UNMATCHED] + c->by[OUTCOME_LOST]);
    else
        bad(d, what,
            "none of its last %" PRIu64 " lines is a dropped packet%s%s%s; does the firewall log "
            "what it drops (conf/forwarding has rules)? 'scantide explain' tells more",
            c->lines, l->samples.n ? ", such as '" : "", l->samples.n ? l->samples.text[0] : "",
            l->samples.n ? "'" : "");
}

static void look_at_file(struct doctor *d, const struct config_input *in)
{
    struct look l = {0};
    struct stat st;
    int rc = access_check(in->file, ACCESS_READ);

    if (rc == -ENOENT) {
        bad(d, in->file, "isn't there (yet): who is to write it?");
        return;
    }
    int fd = rc < 0 ? rc : open(in->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        char *advice = access_advice(in->file, ACCESS_READ, rc < 0 ? rc : -EISDIR);
        bad(d, in->file, "%s", advice);
        free(advice);
        if (fd >= 0)
            close(fd);
        return;
    }
    char *bytes = xmalloc(TAIL_BYTES_READ);
    off_t from = st.st_size > TAIL_BYTES_READ ? st.st_size - TAIL_BYTES_READ : 0;
    ssize_t n = pread(fd, bytes, TAIL_BYTES_READ, from);
    struct str lines = {bytes, n > 0 ? (size_t)n : 0};
    const char *first = from && lines.n ? memchr(bytes, '\n', lines.n) : NULL;
    if (first)
        lines = str_skip(lines, (size_t)(first + 1 - bytes));
    read_lines(d, in, st.st_mtime, lines, &l);
    judge_lines(d, in->file, &l);
    if (l.span.any)
        judge_clock(d, in->file, st.st_mtime, l.span.last);
    free(bytes);
    close(fd);
}

static void look_at_rotated(struct doctor *d, const char *folder)
{
    int rc = access_check(folder, ACCESS_READ);

    if (rc == -ENOENT) {
        bad(d, folder, "isn't there (yet): is a log rotated into it?");
    } else if (rc < 0) {
        char *advice = access_advice(folder, ACCESS_READ, rc);
        bad(d, folder, "%s", advice);
        free(advice);
    }
}

static void look_at_journal(struct doctor *d, const struct config_input *in)
{
    struct journal *j;
    struct error err = {0};
    struct journal_entry entry;
    char line[JOURNAL_LINE_MAX];
    struct look l = {0};
    int64_t next;

    if (journal_open(in->folder, (const char *const *)in->matches, in->match_count, &j, &err) < 0) {
        bad(d, "the journal", "%s", err.items[0].text);
        error_fini(&err);
        return;
    }
    int rc = journal_seek(j, "", &next) < 0 ? -EIO : 0;
    for (int i = 0; rc == 0 && i < JOURNAL_ENTRIES && journal_next(j, line, &entry) > 0; i++)
        read_lines(d, in, d->now, entry.line, &l);
    judge_lines(d, "the journal", &l);
    journal_close(j);
}

static void look_at_inputs(struct doctor *d)
{
    config_choose_input(d->s.conf);
    for (size_t i = 0; i < d->s.conf->input_count; i++) {
        const struct config_input *in = &d->s.conf->inputs[i];
        if (in->kind == INPUT_JOURNAL)
            look_at_journal(d, in);
        else if (in->kind == INPUT_FILE && !rotated_is_pattern(in->file))
            look_at_file(d, in);
        if (in->kind == INPUT_FILE && in->rotated)
            look_at_rotated(d, in->rotated);
    }
}

/* ---- databases ---- */

static void look_at_databases(struct doctor *d)
{
    int64_t days = (d->now - geo_built(d->s.geo)) / DAY_S;

    if (!geo_path(d->s.geo))
        bad(d, "countries",
            "there is no database, every country is ZZ: put one into "
            "/var/lib/GeoIP, or name it under 'geo: country:'");
    else if (days > DATABASE_DAYS)
        bad(d, geo_path(d->s.geo), "is %" PRId64 " days old: fetch a newer one", days);
    else
        good(geo_path(d->s.geo), "is %" PRId64 " days old", days);
    days = (d->now - asn_built(d->s.asn)) / DAY_S;
    if (asn_path(d->s.asn) && days > DATABASE_DAYS)
        bad(d, asn_path(d->s.asn), "is %" PRId64 " days old: fetch a newer one", days);
}

/* ---- the facts ---- */

/* The counts of a sensor's bins, a day of them. */
struct day {
    int64_t from;
    uint64_t bins[DAY_S / BIN_S];
};

static int add_bin(void *ctx, const struct bin_fact *f)
{
    struct day *day = ctx;

    day->bins[(f->bin - day->from) / BIN_S] += f->events;
    return 0;
}

static int downward(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* The busiest bins are as good as equal: something counts them off. */
static void judge_ceiling(struct doctor *d, const struct sensor *sensor)
{
    struct day day = {.from = d->now / BIN_S * BIN_S - DAY_S};

    if (store_read_bins(d->s.store, sensor->id, day.from, day.from + DAY_S, add_bin, &day) < 0)
        return;
    qsort(day.bins, DAY_S / BIN_S, sizeof *day.bins, downward);
    uint64_t top = day.bins[0], last = day.bins[CEILING_BINS - 1];
    if (top >= CEILING_EVENTS && last * 100 >= top * 99)
        bad(d, sensor->name,
            "its %d busiest 5 minutes of the last day have %" PRIu64 " to %" PRIu64
            " events: that looks like a rate limit (-m limit, limit rate, journald's "
            "RateLimitBurst, "
            "rsyslog's imklog); what it cuts off isn't counted. Raise it, or take it away",
            CEILING_BINS, last, top);
    else
        good(sensor->name, "no rate limit shows in its counts");
}

static void look_at_facts(struct doctor *d)
{
    const struct sensor *list;
    size_t n;
    int64_t first, last;

    if (store_sensors(d->s.store, &list, &n) < 0) {
        bad(d, "the facts", "can't be read (%s)", store_error(d->s.store));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (store_extent(d->s.store, list[i].id, &first, &last) < 0)
            continue;
        if (last > d->now + DAY_S)
            bad(d, list[i].name,
                "has events of up to %" PRId64 " days ahead: look at the sender's clock",
                (last - d->now) / DAY_S);
        judge_ceiling(d, &list[i]);
    }
    if (session_daemon_runs(&d->s))
        good("the daemon", "runs; 'scantide status' tells how it is doing");
    else
        bad(d, "the daemon", "no 'scantide run' keeps facts in %s", d->s.data);
}

/* ---- the disk ---- */

static void look_at_disk(struct doctor *d)
{
    struct statvfs fs;
    struct stat st;
    char *facts = xasprintf("%s/facts.db", d->s.data);
    bool there = stat(facts, &st) == 0;

    if (statvfs(d->s.data, &fs) == 0) {
        double room = (double)fs.f_bavail * (double)fs.f_frsize;
        double used = 100 - 100 * (double)fs.f_bavail / (double)(fs.f_blocks ? fs.f_blocks : 1);
        if (used > 90 || room < 200e6)
            bad(d, d->s.data,
                "the disk has %.1f GB left (%.0f%% used): make room, or set 'max_size:'",
                room / 1e9, used);
        else
            good(d->s.data, "the disk has %.1f GB left; the facts take %.1f MB", room / 1e9,
                 there ? (double)st.st_size / 1e6 : 0);
    }
    free(facts);
}

int cmd_doctor(int argc, char **argv)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS, {0}};
    struct doctor d = {.now = wall_now()};
    struct stat st;
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        if (session_option(option, "doctor", usage, &status) < 0)
            return status;
    if (optind < argc)
        return session_mistake("doctor", "'%s' is one word too many", argv[optind]);
    status = session_open(&d.s, SESSION_PARSERS | SESSION_GEO);
    if (status == EXIT_DONE) {
        look_at_inputs(&d);
        look_at_databases(&d);
        char *facts = xasprintf("%s/facts.db", d.s.data);
        if (stat(facts, &st) < 0)
            bad(&d, d.s.data,
                "there are no facts yet: 'scantide import' or 'scantide run' make them");
        else if (store_open(d.s.data, STORE_READ, &d.s.store, &d.s.err) == 0)
            look_at_facts(&d);
        free(facts);
        look_at_disk(&d);
        status = session_fail(&d.s, d.s.err.n || d.wrong ? EXIT_FAILED : EXIT_DONE);
    }
    session_close(&d.s);
    return status;
}

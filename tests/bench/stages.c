/* stages - what each stage of an import costs, in nanoseconds of processor time a line, on one core.
 *
 *     stages [--rounds N] [--parsers FOLDER] [--geo FILE] [--to STAGE] LOG DATA
 *
 * Each stage runs over all lines of LOG after those before it, and what it adds is its own: split,
 * parse, tag, tally; then store (sort, encode, commit) and series, which write below DATA. Of
 * several rounds the quickest counts, since all that disturbs makes a round slower; facts are
 * counted once. Prints "STAGE NANOSECONDS" a line. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "parse/parser.h"
#include "parse/reader.h"
#include "pipeline/commit.h"
#include "series/series.h"
#include "tag/geo.h"
#include "tally/tally.h"

enum { BLOCK = 1 << 20, COMMIT_RECORDS = 256 * 1024, TALLIES_MAX = 1024 };

enum stage { SPLIT, PARSE, TAG, TALLY, STORE, STAGES };

static const char *const names[] = {"split", "parse", "tag", "tally", "store"};

static enum stage stage_named(const char *name)
{
    enum stage s = SPLIT;

    while (s < STAGES && strcmp(names[s], name) != 0)
        s++;
    return s;
}

struct bench {
    struct str log;
    struct parser_set *parsers;
    struct geo *geo;
    struct store *store;
    struct clock_rule rule;
    struct log_state state;
    struct error err;
    struct tally *tallies[TALLIES_MAX];
    uint64_t lines, events, sum;
};

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int fail(struct bench *b, const char *what)
{
    error_print(&b->err, stderr);
    fprintf(stderr, "stages: %s failed\n", what);
    return 1;
}

static bool next_line(struct str *rest, struct str *line)
{
    const char *newline = memchr(rest->p, '\n', rest->n);

    if (!newline)
        return false;
    *line = (struct str){rest->p, (size_t)(newline - rest->p)};
    *rest = str_skip(*rest, line->n + 1);
    return true;
}

/* A block's lines through the stages up to `last`. */
static void run_block(struct bench *b, struct reader *r, struct str block, enum stage last,
                      struct tally *t)
{
    struct str line;
    struct event e;

    while (next_line(&block, &line)) {
        b->lines++;
        b->sum += line.n;
        if (last < PARSE || reader_line(r, line, &e) != OUTCOME_EVENT)
            continue;
        b->events++;
        if (last < TAG)
            continue;
        uint16_t country = geo_country(b->geo, &e.source);
        b->sum += country;
        if (last >= TALLY)
            tally_add(t, e.host, &e, country);
    }
}

static int commit(struct bench *b, size_t n)
{
    struct commit_tags tags = {0};
    struct commit_part part = {.log = &b->state, .tallies = b->tallies, .n = n};
    int rc = commit_write(b->store, &tags, &part, 1, &b->err);

    for (size_t i = 0; i < n; i++)
        tally_reset(b->tallies[i]);
    return rc;
}

static int run(struct bench *b, struct matcher *m, enum stage last)
{
    struct reader r;
    struct str rest = b->log;
    size_t n = 0, records = 0;
    int rc = 0;

    b->lines = b->events = b->sum = 0;
    reader_init(&r, m, &b->rule, INT64_MIN);
    while (rc == 0 && rest.n) {
        size_t take = rest.n < BLOCK ? rest.n : BLOCK;
        const char *end = memrchr(rest.p, '\n', take);
        if (!end)
            break;
        struct str block = {rest.p, (size_t)(end + 1 - rest.p)};
        rest = str_skip(rest, block.n);
        if (!b->tallies[n])
            b->tallies[n] = tally_new();
        run_block(b, &r, block, last, b->tallies[n]);
        records += tally_records(b->tallies[n++]);
        if (records < COMMIT_RECORDS && rest.n && n < TALLIES_MAX)
            continue;
        if (last >= STORE)
            rc = commit(b, n);
        for (size_t i = 0; last < STORE && i < n; i++)
            tally_reset(b->tallies[i]);
        n = records = 0;
    }
    return rc;
}

static int print_series(struct bench *b, const char *data)
{
    struct series_options options = {.limits = {.port_events = 10, .max_ports = 500}};
    struct series_stats stats;
    struct series *series;
    double from = cpu_ns();

    if (series_open(data, "rrd/schema.yaml", &options, &series, &b->err) < 0 ||
        series_sync(series, b->store, INT64_MAX / 2, SERIES_WAIT, &stats, &b->err) < 0)
        return fail(b, "series");
    printf("series %.1f\n", (cpu_ns() - from) / (double)b->lines);
    series_close(series);
    return 0;
}

static int print_stages(struct bench *b, const char *data, int rounds, enum stage to)
{
    struct matcher *m = matcher_new(b->parsers);
    double before = 0;

    for (enum stage s = 0; s <= to; s++) {
        double best = 1e18;
        for (int i = 0; i < (s == STORE ? 1 : rounds); i++) { /* facts are counted once */
            double from = cpu_ns();
            if (run(b, m, s) < 0)
                return fail(b, names[s]);
            double took = cpu_ns() - from;
            best = took < best ? took : best;
        }
        best /= (double)b->lines;
        printf("%s %.1f\n", names[s], best - before);
        before = best;
        fflush(stdout);
    }
    matcher_free(m);
    return to < STORE ? 0 : print_series(b, data);
}

static struct str map(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
        perror(path);
        exit(2);
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    close(fd);
    return (struct str){p, (size_t)st.st_size};
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"parsers", required_argument, NULL, 'p'},
                                            {"geo", required_argument, NULL, 'g'},
                                            {"to", required_argument, NULL, 't'},
                                            {0}};
    static struct bench b;
    const char *parsers = "parsers", *geo = NULL;
    enum stage to = STORE;
    int option, rounds = 3;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'r')
            rounds = atoi(optarg);
        else if (option == 'p')
            parsers = optarg;
        else if (option == 'g')
            geo = optarg;
        else if (option == 't' && stage_named(optarg) < STAGES)
            to = stage_named(optarg);
        else
            return 2;
    }
    if (argc - optind != 2 || rounds < 1) {
        fputs("usage: stages [--rounds N] [--parsers FOLDER] [--geo FILE] [--to STAGE] LOG DATA\n",
              stderr);
        return 2;
    }
    b.log = map(argv[optind]);
    b.parsers = parser_set_new();
    b.rule.file_time = time(NULL);
    b.state.is_stream = true;
    b.state.position.first_when = INT64_MAX;
    if (zone_open("UTC", &b.rule.zone) < 0 ||
        parser_set_add_folder(b.parsers, parsers, &b.err) < 0 ||
        store_open(argv[optind + 1], STORE_WRITE, &b.store, &b.err) < 0)
        return fail(&b, "opening");
    if (!geo)
        b.geo = geo_none();
    else if (geo_open(geo, &b.geo, &b.err) < 0)
        return fail(&b, "opening the countries");
    geo_expand(b.geo);
    while (geo && !geo_is_expanded(b.geo))
        usleep(1000);
    return print_stages(&b, argv[optind + 1], rounds, to);
}

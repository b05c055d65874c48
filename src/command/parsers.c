/* `scantide parsers`: which formats are known, and the proof that their files carry. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "command/session.h"
#include "config/paths.h"
#include "parse/matcher.h"

static const char usage[] =
    "scantide parsers - list the parsers, or try the proof that their files carry\n"
    "\n"
    "    scantide parsers list [--json]\n"
    "    scantide parsers test [FILE...]\n"
    "\n"
    "list: the name of each parser in the order in which they are tried, what it is for, and its "
    "file.\n"
    "test: loads each parser file (or each FILE, in the place of the one of its name) and runs "
    "its\n"
    "samples. Each fault is a line on stderr, FILE:LINE:COLUMN: what is wrong; then the exit code "
    "is\n"
    "2. Without one it tells what each parser costs, in ns a line: its own samples, and those of "
    "all\n"
    "others. Both read the user's folder (`parsers:` of the configuration) before the shipped "
    "one.\n"
    "\n"
    "    --json         the list as a JSON array of objects: name, about, file\n"
    "    --config FILE  the configuration (" CONFIG_FILE " if there is one)\n";

struct parsers {
    struct config *conf;
    struct parser_set *set;
    struct error err;
};

static void load(struct parsers *p, char **files, size_t n)
{
    char *shipped = paths_share("parsers");

    p->set = parser_set_new();
    for (size_t i = 0; i < n; i++)
        parser_set_add_file(p->set, files[i], &p->err);
    parser_set_add_folder(p->set, p->conf->parsers, &p->err);
    parser_set_add_folder(p->set, shipped, &p->err);
    if (parser_set_count(p->set) == 0 && p->err.n == 0)
        error_add(&p->err, shipped, 0, 0,
                  "no parser file is here; install scantide again, or name the folder above it in "
                  "$SCANTIDE_SHARE");
    free(shipped);
}

static void list(const struct parsers *p)
{
    for (size_t i = 0; i < parser_set_count(p->set); i++)
        printf("%-16s %s\n%-16s %s\n", parser_set_name(p->set, i),
               parser_set_file(p->set, i)->about, "", parser_set_path(p->set, i));
}

static void list_json(const struct parsers *p)
{
    json_t *all = json_array();

    for (size_t i = 0; i < parser_set_count(p->set); i++) {
        json_t *one = json_object();
        json_object_set_new(one, "name", json_string(parser_set_name(p->set, i)));
        json_object_set_new(one, "about", json_string(parser_set_file(p->set, i)->about));
        json_object_set_new(one, "file", json_string(parser_set_path(p->set, i)));
        json_array_append_new(all, one);
    }
    json_dumpf(all, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(all);
}

/* ---- what they cost ---- */

enum { COST_MS = 5 }; /* of processor time, to be measured over */

struct lines {
    struct envelope *envelopes;
    char *scratch; /* of LINE_MAX_BYTES each */
    size_t n;
    size_t *first; /* by parser, and one more */
};

static void read_samples(const struct parser_set *set, struct lines *l)
{
    size_t n = 0;

    for (size_t i = 0; i < parser_set_count(set); i++)
        n += parser_set_file(set, i)->samples_count;
    l->envelopes = xcalloc(n + 1, sizeof *l->envelopes);
    l->scratch = xcalloc(n + 1, LINE_MAX_BYTES);
    l->first = xcalloc(parser_set_count(set) + 1, sizeof *l->first);
    for (size_t i = 0; i < parser_set_count(set); i++) {
        const struct parser_file *file = parser_set_file(set, i);
        l->first[i] = l->n;
        for (unsigned s = 0; s < file->samples_count; s++, l->n++)
            envelope_parse(str_from(file->samples[s].line), l->scratch + l->n * LINE_MAX_BYTES,
                           &l->envelopes[l->n]);
    }
    l->first[parser_set_count(set)] = l->n;
}

static void free_samples(struct lines *l)
{
    free(l->envelopes);
    free(l->scratch);
    free(l->first);
}

/* ns a line of those in [from, to) and not in [but, but_to). */
static double cost(struct matcher *m, size_t parser, const struct lines *l, size_t from, size_t to,
                   size_t but, size_t but_to)
{
    struct event e;
    uint64_t lines = 0;
    clock_t begin = clock(), now;

    do {
        for (size_t i = from; i < to; i++)
            if (i < but || i >= but_to) {
                matcher_takes(m, parser, &l->envelopes[i], &e);
                lines++;
            }
        now = clock();
    } while (lines > 0 && now - begin < COST_MS * CLOCKS_PER_SEC / 1000);
    return lines ? (double)(now - begin) / CLOCKS_PER_SEC * 1e9 / (double)lines : 0;
}

static void tell_costs(const struct parsers *p)
{
    struct matcher *m = matcher_new(p->set);
    struct lines l = {0};

    read_samples(p->set, &l);
    printf("%-16s %9s %9s %15s %15s\n", "parser", "patterns", "samples", "ns, its lines",
           "ns, others'");
    for (size_t i = 0; i < parser_set_count(p->set); i++) {
        size_t from = l.first[i], to = l.first[i + 1];
        printf("%-16s %9u %9zu %15.0f %15.0f\n", parser_set_name(p->set, i),
               parser_set_file(p->set, i)->patterns_count, to - from,
               cost(m, i, &l, from, to, to, to), cost(m, i, &l, 0, l.n, from, to));
    }
    free_samples(&l);
    matcher_free(m);
}

/* ---- the command ---- */

/* Also faults of files that weren't asked about: a new parser that takes their samples is at fault
 * there. */
static int test(struct parsers *p)
{
    if (p->err.n == 0) /* what can't be compiled can't be run */
        parser_set_prove(p->set, &p->err);
    if (p->err.n > 0) {
        error_print(&p->err, stderr);
        return EXIT_MISTAKE;
    }
    tell_costs(p);
    return EXIT_DONE;
}

int cmd_parsers(int argc, char **argv)
{
    static const struct option options[] = {
        SESSION_LONG_OPTIONS, {"json", no_argument, NULL, 'j'}, {0}};
    struct parsers p = {0};
    int option, status = EXIT_DONE;
    bool json = false;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        if (option == 'j')
            json = true;
        else if (session_option(option, "parsers", usage, &status) < 0)
            return status;
    const char *what = optind < argc ? argv[optind] : "";
    char **files = argv + optind + 1;
    size_t n = optind < argc ? (size_t)(argc - optind - 1) : 0;
    bool listed = strcmp(what, "list") == 0;
    if (!listed && strcmp(what, "test") != 0)
        return session_mistake("parsers", "`parsers list` or `parsers test [FILE...]` is meant");
    if (listed && n > 0)
        return session_mistake("parsers", "list takes no file");
    if (!listed && json)
        return session_mistake("parsers", "--json is for `parsers list`");
    if (config_load(session_options.config, &p.conf, &p.err) < 0) {
        error_print(&p.err, stderr);
        error_fini(&p.err);
        return EXIT_MISTAKE;
    }
    load(&p, files, n);
    if (!listed) {
        status = test(&p);
    } else {
        if (json)
            list_json(&p);
        else
            list(&p);
        status = p.err.n > 0 ? EXIT_MISTAKE : EXIT_DONE;
        error_print(&p.err, stderr);
    }
    error_fini(&p.err);
    parser_set_free(p.set);
    config_free(p.conf);
    return status;
}

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/zone.h"
#include "command/command.h"
#include "command/simline.h"
#include "command/simplant.h"
#include "command/simworld.h"

static const char usage[] =
    "usage: scantide simulate [--days N] [--rate R] [--seed S] [--end T] [--plant FILE]\n"
    "\n"
    "Writes the kern.log of a made-up firewall to stdout, for demonstrations and tests. The same\n"
    "options give the same bytes; its first line says that it is simulated.\n"
    "\n"
    "  --days N   how much of it: days, or parts of one (3)\n"
    "  --rate R   lines a second in the mean (2)\n"
    "  --seed S   a number: another one is another world (1)\n"
    "  --end T    where it ends: RFC 3339 or YYYY-MM-DD[ HH:MM] in local time (five minutes ago)\n"
    "  --plant F  nothing of note happens but what the file says: a JSON object a line, with the "
    "keys\n"
    "             of `scantide report`'s findings: verdict, ports, countries, sources, targets, "
    "from,\n"
    "             to, events; each is made as its verdict's rule says\n"
    "\n"
    "Times are local and without a year, as a syslog daemon writes them.\n";

struct options {
    double days, rate;
    uint64_t seed;
    int64_t end;
    const char *plant; /* NULL: none */
};

static int fail(const char *fmt, const char *value)
{
    fputs("scantide simulate: ", stderr);
    fprintf(stderr, fmt, value);
    fputs("; see scantide simulate --help\n", stderr);
    return 2;
}

static bool read_number(const char *text, double least, double most, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out) && *out >= least && *out <= most;
}

static bool read_seed(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

static int read_option(struct options *o, const struct zone *zone, const char *name,
                       const char *value)
{
    if (strcmp(name, "--days") == 0)
        return read_number(value, 0.001, 3660, &o->days)
                   ? 0
                   : fail("--days takes a number from 0.001 to 3660, not '%s'", value);
    if (strcmp(name, "--rate") == 0)
        return read_number(value, 0.01, 1000000, &o->rate)
                   ? 0
                   : fail("--rate takes a number from 0.01 to 1000000, not '%s'", value);
    if (strcmp(name, "--seed") == 0)
        return read_seed(value, &o->seed) ? 0
                                          : fail("--seed takes a whole number, not '%s'", value);
    if (strcmp(name, "--plant") == 0) {
        o->plant = value;
        return 0;
    }
    return time_parse(value, zone, &o->end) == 0
               ? 0
               : fail(
                     "--end takes a time like 2026-11-24T10:00:00Z or '2026-11-24 10:00', not '%s'",
                     value);
}

/* Reads "--name value" and "--name=value". Returns 0, or 2 after it has said why. */
static int read_options(struct options *o, const struct zone *zone, int argc, char **argv)
{
    static const char *const names[] = {"--days", "--rate", "--seed", "--end", "--plant"};

    for (int i = 1; i < argc; i++) {
        const char *name = NULL, *value = NULL;
        for (size_t j = 0; j < sizeof names / sizeof *names && !name; j++) {
            size_t n = strlen(names[j]);
            if (strncmp(argv[i], names[j], n) != 0 || (argv[i][n] && argv[i][n] != '='))
                continue;
            name = names[j];
            value = argv[i][n] ? argv[i] + n + 1 : argv[i + 1];
            i += !argv[i][n];
        }
        if (!name)
            return fail("'%s' is no option of it", argv[i]);
        if (!value)
            return fail("%s needs a value", name);
        int status = read_option(o, zone, name, value);
        if (status)
            return status;
    }
    return 0;
}

static void write_knock(struct sim_out *out, const struct sim_knock *k, int64_t booted)
{
    int64_t uptime_ns = k->when_ns - booted * 1000000000;

    if (k->is_text)
        sim_out_text(out, k->when_ns, uptime_ns, k->program, k->text);
    else
        sim_out_packet(out, k->when_ns, uptime_ns, &k->packet);
}

/* What is planted comes between what the world does; what is hidden doesn't come at all. */
static void write_planted(struct sim_out *out, struct sim_plants *plants, struct sim_knock *knock,
                          int64_t booted)
{
    struct sim_knock planted;

    while (sim_plants_next(plants, knock->when_ns, &planted))
        write_knock(out, &planted, booted);
    if (knock->is_text ||
        !sim_plants_hide(plants, knock->when_ns, hash_mix((uint64_t)knock->when_ns)))
        write_knock(out, knock, booted);
}

static int write_log(const struct options *o, const struct zone *zone, struct sim_plants *plants)
{
    enum { UPTIME_BEFORE_S = 345678 };
    int64_t span = (int64_t)llround(o->days * 86400), start = o->end - span;
    struct sim_world *world = sim_world_new(o->seed, start, span, (uint64_t)llround(o->rate * 1e6));
    struct sim_out *out = sim_out_new(STDOUT_FILENO, "gw", zone);
    struct sim_knock knock;

    if (plants)
        sim_world_calm(world);
    while (!sim_out_error(out) && sim_world_next(world, &knock)) {
        if (plants)
            write_planted(out, plants, &knock, start - UPTIME_BEFORE_S);
        else
            write_knock(out, &knock, start - UPTIME_BEFORE_S);
    }
    sim_world_free(world);
    int error = sim_out_close(out);
    if (error < 0)
        fprintf(stderr, "scantide simulate: writing to stdout: %s\n", strerror(-error));
    return error < 0 ? 1 : 0;
}

int cmd_simulate(int argc, char **argv)
{
    struct options o = {.days = 3, .rate = 2, .seed = 1};
    const struct zone *zone;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        }
    }
    if (zone_open("local", &zone) < 0) {
        fputs("scantide simulate: TZ names no time zone of this system\n", stderr);
        return 2;
    }
    o.end = (int64_t)time(NULL) / 300 * 300 - 300;
    int status = read_options(&o, zone, argc, argv);
    if (status)
        return status;
    if (o.end < (int64_t)llround(o.days * 86400))
        return fail("%s", "the log would start before 1970");
    if (!o.plant)
        return write_log(&o, zone, NULL);
    struct error err = {0};
    struct sim_plants *plants = sim_plants_load(o.plant, o.seed, &err);
    if (plants)
        status = write_log(&o, zone, plants);
    else
        error_print(&err, stderr);
    status = plants ? status : 2;
    error_fini(&err);
    sim_plants_free(plants);
    return status;
}

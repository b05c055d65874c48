/* `scantide check`: reads what an administrator writes - configuration, parser files, rrd/ - and
 * says every fault of all of them; without one, tells what would be read, from where, and where it
 * would be kept. Changes nothing. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/port.h"
#include "base/usage.h"
#include "chart/definition.h"
#include "command/session.h"
#include "config/paths.h"
#include "input/rotated.h"
#include "parse/parser.h"
#include "series/schema.h"
#include "tag/asn.h"
#include "tag/geo.h"

static const char usage[] =
    "scantide check - read the configuration and all parser files, and say every fault\n"
    "\n"
    "    scantide check [--config FILE] [--data DIR]\n"
    "\n"
    "Each fault is a line on stderr: FILE:LINE:COLUMN: what is wrong and what to do; then the "
    "exit\n"
    "code is 2. Without a fault it tells what would be read, from where, with which country "
    "database,\n"
    "and where it would be kept. Nothing is changed.\n"
    "\n"
    "    --config FILE  the configuration (" CONFIG_FILE " if there is one)\n"
    "    --data DIR     the data folder, before the configuration's\n";

struct check {
    struct config *conf;
    char *data;         /* the data folder */
    bool data_is_there; /* else it can be made */
    char *parsers;      /* the shipped parser files */
    struct parser_set *set;
    struct geo *geo;
    struct asn *asn;
    struct error err;
};

/* ---- looking ---- */

static void check_tls(struct check *c, const struct config_listen *l)
{
    struct tls_server *server;

    if (l->address.kind == LISTEN_TLS && tls_server_open(&l->tls, &server, &c->err) == 0)
        tls_server_close(server);
}

static void check_inputs(struct check *c)
{
    for (size_t i = 0; i < c->conf->input_count; i++) {
        const char *file = c->conf->inputs[i].file;
        struct stat st;
        if (c->conf->inputs[i].kind == INPUT_LISTEN)
            check_tls(c, c->conf->inputs[i].listen);
        if (c->conf->inputs[i].kind != INPUT_FILE)
            continue;
        int rc = stat(file, &st) < 0   ? -errno
                 : S_ISDIR(st.st_mode) ? -EISDIR
                                       : access_check(file, ACCESS_READ);
        if (rc < 0 && rc != -ENOENT) /* one that isn't there yet is waited for */
            access_fault(file, ACCESS_READ, rc, &c->err);
    }
}

static void check_data(struct check *c)
{
    int rc = access_check(c->data, ACCESS_WRITE);
    char *facts = xasprintf("%s/facts.db", c->data);

    c->data_is_there = rc == 0;
    if (rc < 0)
        access_fault(c->data, ACCESS_WRITE, rc, &c->err);
    else if (access(facts, F_OK) == 0 && access(facts, W_OK) < 0)
        access_fault(facts, ACCESS_WRITE, -errno, &c->err);
    free(facts);
}

static void check_reports(struct check *c)
{
    const char *folder = c->conf->report.folder;
    int rc = folder ? access_check(folder, ACCESS_WRITE) : 0;

    if (rc < 0)
        access_fault(folder, ACCESS_WRITE, rc, &c->err);
}

static void check_country(struct check *c)
{
    char *path = paths_country(c->conf->country);

    if (!path)
        c->geo = geo_none();
    else if (access_check(path, ACCESS_READ) < 0)
        access_fault(path, ACCESS_READ, access_check(path, ACCESS_READ), &c->err);
    else
        geo_open(path, &c->geo, &c->err); /* adds its fault */
    free(path);
}

static void check_asn(struct check *c)
{
    char *path = paths_asn(c->conf->asn);
    int rc = path ? access_check(path, ACCESS_READ) : 0;

    if (rc < 0)
        access_fault(path, ACCESS_READ, rc, &c->err);
    else if (path)
        asn_open(path, &c->asn, &c->err); /* adds its fault */
    free(path);
}

static void check_parsers(struct check *c)
{
    size_t faults = c->err.n;

    c->set = parser_set_new();
    parser_set_add_folder(c->set, c->conf->parsers, &c->err);
    parser_set_add_folder(c->set, c->parsers, &c->err);
    if (c->err.n == faults)
        parser_set_prove(c->set, &c->err);
    if (parser_set_count(c->set) == 0 && c->err.n == faults)
        error_add(
            &c->err, c->parsers, 0, 0,
            "no parser file is here, so no line can be understood; install scantide again, or "
            "name the folder above it in $SCANTIDE_SHARE");
}

static void check_rrd(struct check *c)
{
    char *folder = paths_share("rrd");
    char *archives = xasprintf("%s/schema.yaml", folder),
         *look = xasprintf("%s/chart.yaml", folder), *known = xasprintf("%s/ports.yaml", folder);
    struct port_book *book;
    struct schema *schema = NULL;
    struct chart_definition *chart = NULL;

    if (schema_load(archives, &schema, &c->err) == 0)
        schema_free(schema);
    if (chart_definition_load(look, &chart, &c->err) == 0)
        chart_definition_free(chart);
    if (port_book_load(known, &book, &c->err) == 0)
        port_book_free(book);
    free(archives);
    free(look);
    free(known);
    free(folder);
}

/* ---- telling ---- */

#define LABEL "%-15s "
#define MORE  "%-17s "

static void tell_size(uint64_t bytes)
{
    char text[SIZE_TEXT_MAX];

    fputs(size_format(bytes, text), stdout);
}

static void tell_zone(const struct zone *zone, int64_t now)
{
    int offset = zone_offset(zone, now), minutes = abs(offset) / 60;

    if (strcmp(zone_name(zone), "local") == 0)
        printf("this machine's");
    else
        printf("%s", zone_name(zone));
    printf(" (now UTC%c%02d:%02d)", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void tell_journal(const struct config_input *input, size_t i)
{
    printf(LABEL "the journal%s%s\n" MORE "entries:", i ? "" : "Reads", input->folder ? " in " : "",
           input->folder ? input->folder : "", "");
    for (size_t k = 0; k < input->match_count; k++)
        printf(" %s", input->matches[k]);
    printf("\n" MORE "sensor: %s\n", "", input->sensor ? input->sensor : "the host in each entry");
}

static void tell_networks(const char *what, const struct rule *rule)
{
    char text[NETWORK_TEXT_MAX];

    for (size_t i = 0; i < rule->n; i++) {
        network_format(&rule->networks[i], text);
        if (i == 0)
            printf(MORE "%s", "", what);
        printf("%s%s", i ? ", " : "", text);
    }
    if (rule->n)
        printf("\n");
}

static void tell_listening(const struct config_input *input, size_t i, int64_t now)
{
    const struct config_listen *l = input->listen;
    char text[NETWORK_TEXT_MAX];

    printf(LABEL "syslog at %s\n", i ? "" : "Reads", l->url);
    tell_networks("takes messages of: ", &l->allow);
    tell_networks("behind a proxy at: ", &l->proxies);
    for (size_t k = 0; k < l->sender_count; k++) {
        network_format(&l->senders[k].network, text);
        if (l->senders[k].sensor)
            printf(MORE "%s is the sensor %s\n", "", text, l->senders[k].sensor);
    }
    printf(MORE "%s: %s\n", "", l->sender_count ? "other sensors" : "sensor",
           input->sensor                 ? input->sensor
           : listen_is_unix(&l->address) ? "the host in each message"
           : l->trusted.n ? "the host in a trusted sender's messages, else the address"
                          : "the sender's address");
    printf(MORE "times that name no zone: ", "");
    tell_zone(input->zone, now);
    printf("\n");
}

static void tell_inputs(const struct config *conf, int64_t now)
{
    const struct zone *here;
    char when[TIME_TEXT_MAX];
    struct stat st;

    ASSERT(zone_open("local", &here) == 0);
    for (size_t i = 0; i < conf->input_count; i++) {
        const struct config_input *input = &conf->inputs[i];
        if (input->kind == INPUT_JOURNAL) {
            tell_journal(input, i);
            continue;
        }
        if (input->kind == INPUT_LISTEN) {
            tell_listening(input, i, now);
            continue;
        }
        printf(LABEL "%s\n" MORE, i ? "" : "Reads", input->file, "");
        if (rotated_is_pattern(input->file)) {
            printf("a pattern of paths; what it means is looked up again and again\n");
        } else if (stat(input->file, &st) == 0) {
            tell_size((uint64_t)st.st_size);
            printf(", last written %s\n", time_format_local(here, st.st_mtime, when));
        } else {
            printf("isn't there yet; it is waited for\n");
            if (!conf->file)
                printf(MORE "(rsyslog writes it; there is no journal either)\n", "");
        }
        printf(MORE "sensor: %s\n" MORE "times that name no zone: ", "",
               input->sensor ? input->sensor : "the host in each line", "");
        tell_zone(input->zone, now);
        printf("\n");
    }
}

static void tell_prefixes(const struct config *conf)
{
    for (size_t i = 0; i < conf->prefix_count; i++)
        printf(LABEL "'%s' in a LOG prefix means %s\n", i ? "" : "Prefixes",
               conf->prefixes[i].prefix, action_name(conf->prefixes[i].action));
}

static void tell_sensors(const struct config *conf)
{
    for (size_t i = 0; i < conf->alias_count; i++)
        printf(LABEL "%s is what was %s\n", i ? "" : "Sensors", conf->aliases[i].sensor,
               conf->aliases[i].name);
}

static void tell_rules(const struct config *conf)
{
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct rule *rule = &conf->rules[i];
        if (rule->kind == RULE_EXCLUDE)
            printf(LABEL, "Left out");
        else
            printf(LABEL "%s: ", i == 0 || rule[-1].kind != rule->kind ? "Known scanners" : "",
                   rule->name);
        printf("%zu network%s\n", rule->n, rule->n == 1 ? "" : "s");
    }
}

/* Whether the facts were counted by other rules, where there are any and they can be read. */
static void tell_rules_differ(const struct check *c)
{
    struct error err = {0};
    struct store *s;
    struct rules_change change;
    const struct zone *here;

    if (store_open(c->data, STORE_READ, &s, &err) == 0) {
        ASSERT(zone_open("local", &here) == 0);
        if (store_compare_rules(s, c->conf->rules, c->conf->rule_count, &change) == 0 &&
            change.differ) {
            char *text = session_rules_text(&change, here);
            printf(MORE "exclusions and scanners aren't yet those of the facts\n" MORE
                        "import, or a start of run, counts anew: %s\n",
                   "", "", text);
            free(text);
        }
        store_close(s);
    }
    error_fini(&err);
}

static bool stands_in(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s.yaml", folder, name);
    bool is = access(path, F_OK) == 0;

    free(path);
    return is;
}

static void tell_parsers(const struct check *c)
{
    size_t own = strlen(c->conf->parsers);

    printf(LABEL "tried in this order:\n", "Parsers");
    for (size_t i = 0; i < parser_set_count(c->set); i++) {
        const struct parser_file *file = parser_set_file(c->set, i);
        const char *path = parser_set_path(c->set, i);
        bool is_own = strncmp(path, c->conf->parsers, own) == 0 && path[own] == '/';
        bool replaces = is_own && stands_in(c->parsers, file->name);
        printf(LABEL "%s: %s\n" MORE "%s%s\n", "", file->name, file->about, "", path,
               replaces ? " (in place of the shipped one)" : "");
    }
}

static void tell_country(const struct check *c)
{
    if (!geo_path(c->geo)) {
        char *folders = paths_country_folders();
        printf(LABEL "no database was found, so every country is ZZ\n" MORE "looked in %s\n" MORE
                     "`geo: country:` in the configuration names one elsewhere\n",
               "Countries", "", folders, "");
        free(folders);
        return;
    }
    struct civil day = civil_from_seconds(geo_built(c->geo));
    printf(LABEL "%s\n" MORE "%s, built on %04d-%02u-%02u\n", "Countries", geo_path(c->geo), "",
           geo_type(c->geo), day.year, day.month, day.day);
}

static void tell_asn(const struct check *c)
{
    if (!c->asn) {
        printf(LABEL "no database was found in the same folders, so sources have none\n" MORE
                     "`geo: asn:` in the configuration names one elsewhere\n",
               "AS numbers", "");
        return;
    }
    struct civil day = civil_from_seconds(asn_built(c->asn));
    printf(LABEL "%s\n" MORE "%s, built on %04d-%02u-%02u\n", "AS numbers", asn_path(c->asn), "",
           asn_type(c->asn), day.year, day.month, day.day);
}

static void tell_anonymize(const struct config *conf)
{
    if (conf->anonymize == ANONYMIZE_PREFIX)
        printf(LABEL "sources are kept as networks: /24, or /48 of IPv6\n", "Anonymous");
    else if (conf->anonymize == ANONYMIZE_HASH)
        printf(LABEL "sources are kept as hashes, by the key in anonymize.key beside the facts\n",
               "Anonymous");
}

/* What max_size would take. */
static void tell_excess(const struct check *c, struct store *s, uint64_t bytes, int64_t now)
{
    char excess[SIZE_TEXT_MAX], part[3][SIZE_TEXT_MAX];
    struct store_sheddable may;

    if (bytes <= c->conf->max_size || store_sheddable(s, now, &may) < 0)
        return;
    printf(MORE "%s too much: the next import, or day of run, makes room, the oldest first:\n", "",
           size_format(bytes - c->conf->max_size, excess));
    printf(MORE " pairs not drawn for 3 days; sources of more than %d days (up to %s);\n", "",
           SHED_SOURCES_DAYS, size_format(may.sources, part[0]));
    printf(MORE " 5 minutes of more than %d days (of %s); days before the last %d (up to %s)\n", "",
           SHED_BINS_DAYS, size_format(may.bins, part[1]), SHED_ALL_DAYS,
           size_format(may.all, part[2]));
}

static void tell_room(const struct check *c, int64_t now)
{
    struct usage room = usage_of(c->data, "rrd");
    struct store_size facts;
    struct error err = {0};
    struct store *s;

    if (c->conf->max_size) {
        printf(MORE "may hold ", "");
        tell_size(c->conf->max_size);
        printf(" (max_size)\n");
    }
    if (store_open(c->data, STORE_READ, &s, &err) == 0) {
        if (store_size(s, &facts) == 0) {
            printf(MORE "holds ", "");
            tell_size(room.bytes);
            printf(": facts ");
            tell_size(facts.used + facts.unused);
            printf(" (");
            tell_size(facts.unused);
            printf(" of it for new ones), RRDs ");
            tell_size(room.marked);
            printf("\n");
            if (c->conf->max_size)
                tell_excess(c, s, room.bytes - facts.unused, now);
        }
        store_close(s);
    }
    error_fini(&err);
}

static void tell_data(const struct check *c)
{
    struct statvfs fs;

    printf(LABEL "%s\n" MORE, "Keeps in", c->data, "");
    if (!c->data_is_there) {
        printf("isn't there yet; it can be made\n");
    } else {
        printf("can be written");
        if (statvfs(c->data, &fs) == 0) {
            printf(", ");
            tell_size((uint64_t)fs.f_bavail * fs.f_frsize);
            printf(" free");
        }
        printf("\n");
    }
    printf(MORE "counts and read positions are saved every %d s\n", "", c->conf->commit_every_s);
}

static void tell_series(const struct config *conf)
{
    char port[PORT_TEXT_MAX];

    printf(LABEL "of the total, each country, and ports with %u events in a clock hour\n" MORE
                 "at most %u ports",
           "RRDs", conf->series.port_events_per_hour, "", conf->series.max_ports);
    for (size_t i = 0; i < conf->series.port_count; i++) {
        port_format(conf->series.ports[i], port);
        printf("%s%s", i ? ", " : "; always ", port);
    }
    printf("\n" MORE "written %d s after each ", "", conf->late_s);
    if (conf->series.write_every_s == BIN_S)
        puts("five minutes");
    else
        printf("%d minutes\n", conf->series.write_every_s / 60);
}

static void tell_reports(const struct config *conf, int64_t now)
{
    const struct zone *zone = conf->report.zone;
    int at = conf->report.at_s / 60;

    if (!conf->report.folder || (!zone && zone_open("local", &zone) < 0))
        return;
    printf(LABEL "%s\n" MORE "%s, made by run at %02d:%02d; the zone is ", "Reports",
           conf->report.folder, "", conf->report.format, at / 60, at % 60);
    tell_zone(zone, now);
    printf("\n");
}

static void tell(const struct check *c, int64_t now)
{
    if (c->conf->file)
        printf(LABEL "%s\n", "Configuration", c->conf->file);
    else
        printf(LABEL "none: there is no %s, so the defaults hold\n", "Configuration", CONFIG_FILE);
    tell_inputs(c->conf, now);
    tell_parsers(c);
    tell_prefixes(c->conf);
    tell_sensors(c->conf);
    tell_rules(c->conf);
    tell_rules_differ(c);
    tell_country(c);
    tell_asn(c);
    tell_anonymize(c->conf);
    tell_data(c);
    tell_room(c, now);
    tell_series(c->conf);
    tell_reports(c->conf, now);
}

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *config = NULL, *data = NULL;
    struct check c = {0};
    int opt;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (opt) {
        case 'c': config = optarg; break;
        case 'd': data = optarg; break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs("scantide: `scantide check --help` tells the options\n", stderr); return 2;
        }
    if (optind < argc) {
        fprintf(stderr,
                "scantide: check takes no '%s'; `--config %s` checks another configuration\n",
                argv[optind], argv[optind]);
        return 2;
    }
    /* A configuration with faults doesn't keep the other files from being looked at. */
    c.parsers = paths_share("parsers");
    bool configured = config_load(config, &c.conf, &c.err) == 0;
    if (!configured)
        c.conf = config_default();
    config_choose_input(c.conf);
    c.data = paths_choose_data(data, c.conf->data);
    if (configured) {
        check_inputs(&c);
        check_country(&c);
        check_asn(&c);
        check_data(&c);
        check_reports(&c);
    }
    check_parsers(&c);
    check_rrd(&c);
    int code = c.err.n > 0 ? 2 : 0;
    if (code == 0)
        tell(&c, time(NULL));
    else
        error_print(&c.err, stderr);
    error_fini(&c.err);
    geo_close(c.geo);
    asn_close(c.asn);
    parser_set_free(c.set);
    config_free(c.conf);
    free(c.data);
    free(c.parsers);
    return code;
}

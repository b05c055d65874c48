/* `scantide explain`: what becomes of each line; writes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/port.h"
#include "command/session.h"
#include "command/summary.h"
#include "input/blocks.h"
#include "parse/fields.h"
#include "parse/near.h"
#include "parse/reader.h"
#include "parse/words.h"

static const char usage[] =
    "scantide explain - tell what becomes of each line of a log\n"
    "\n"
    "    scantide explain [--sensor NAME] [--timezone ZONE] [--year YYYY] [--format text|json] "
    "[FILE|-]\n"
    "    scantide explain --summary [FILE|-]\n"
    "\n"
    "For each line its outcome - event: counted; ignored: understood and no drop; unmatched: known "
    "to\n"
    "no parser; lost - and what was read in it. JSON is one object a line, with the names of the\n"
    "Elastic Common Schema. Without FILE, or with '-', stdin is read. Nothing is written or "
    "counted.\n"
    "Of an unmatched line it tells how near parsers came: which part of it their pattern could "
    "still\n"
    "have matched, or which literal is missing; of lines of one shape, once (in JSON: `near`).\n"
    "\n"
    "    --sensor NAME      the firewall that all lines come from (else the host in each line)\n"
    "    --timezone ZONE    of times without one (else this machine's)\n"
    "    --year YYYY        of the first line, where lines have no year (else by the file's time)\n"
    "    --format FORMAT    text (the default) or json\n"
    "    --summary          outcomes by parser; prefixes whose verdict no rule decided; unmatched "
    "lines\n"
    "                       by their shape\n" SESSION_USAGE;

enum { NEAR_SHOWN = 3 };

struct explain {
    struct session session;
    struct reader reader;
    struct matcher *matcher;
    struct clock_rule rule;
    struct rules *rules;
    const char *sensor;
    bool json, summed;
    struct summary *summary;
    uint64_t line;
    char scratch[LINE_MAX_BYTES];
};

/* The rule that the source falls under, "exclude" or "scanner NAME"; NULL: none. */
static const char *rule_text(const struct explain *x, const struct event *e, char *out, size_t n)
{
    const struct rule *rule = rules_get(x->rules, rules_find(x->rules, &e->source));

    if (!rule)
        return NULL;
    if (rule->kind == RULE_EXCLUDE)
        return rule_kind_name(rule->kind);
    snprintf(out, n, "%s %s", rule_kind_name(rule->kind), rule->name);
    return out;
}

/* ---- JSON ---- */

/* What a stranger wrote may be no UTF-8: then byte by byte as Latin-1, which loses nothing. */
static json_t *text_value(struct str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);
    char wide[2 * FIELD_TEXT_MAX];
    size_t n = 0;

    if (v)
        return v;
    for (size_t i = 0; i < s.n && n + 2 < sizeof wide; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80) {
            wide[n++] = (char)c;
        } else {
            wide[n++] = (char)(0xc0 | c >> 6);
            wide[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return json_stringn(wide, n);
}

/* The object at a dotted path below `o`, made where missing. */
static void put(json_t *o, const char *path, json_t *value)
{
    const char *dot;

    while ((dot = strchr(path, '.'))) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        json_t *child = json_object_get(o, name);
        if (!child) {
            child = json_object();
            json_object_set_new(o, name, child);
        }
        o = child;
        path = dot + 1;
    }
    json_object_set_new(o, path, value);
}

static void put_text(json_t *o, const char *path, struct str s)
{
    if (s.n)
        put(o, path, text_value(s));
}

static void put_ip(json_t *o, const char *path, const struct ip *ip)
{
    char text[IP_TEXT_MAX];

    if (ip_format(ip, text))
        put(o, path, json_string(text));
}

static void put_flags(json_t *o, const struct event *e)
{
    const char *names[8];
    size_t n = flag_names(e->tcp_flags, names);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(names[i]));
    put(o, "tcp.flags", list);
}

static void put_event(const struct explain *x, json_t *o, const struct event *e)
{
    char time[TIME_TEXT_MAX], port[PORT_TEXT_MAX], country[3], number[8], name[FIELD_TEXT_MAX],
        as_name[AS_NAME_MAX];
    const char *rule = rule_text(x, e, name, sizeof name);

    put(o, "parser", json_string(parser_set_name(x->session.parsers, matcher_parser(x->matcher))));
    put(o, "@timestamp", json_string(time_format_utc(e->when, time)));
    put_text(o, "log.syslog.hostname", e->host);
    if (!e->source.family) /* known to be no packet */
        return;
    put(o, "event.action", json_string(action_name(e->action)));
    port_format(e->port, port);
    put(o, "scantide.class", json_string(class_name(e->class)));
    put(o, "scantide.port", json_string(port));
    put_text(o, "scantide.prefix", e->prefix);
    if (rule)
        put_text(o, "scantide.rule", str_from(rule));
    if (e->count > 1)
        put(o, "scantide.count", json_integer(e->count));
    put_text(o, "observer.name", x->sensor[0] ? str_from(x->sensor) : e->host);
    put_text(o, "observer.ingress.interface.name", e->in);
    put_text(o, "observer.egress.interface.name", e->out);
    put_ip(o, "source.ip", &e->source);
    if (e->has_source_port)
        put(o, "source.port", json_integer(e->source_port));
    put(o, "source.geo.country_iso_code",
        json_string(country_format(geo_country(x->session.geo, &e->source), country)));
    uint32_t as = asn_find(x->session.asn, &e->source, as_name);
    if (as)
        put(o, "source.as.number", json_integer(as));
    if (*as_name)
        put(o, "source.as.organization.name", json_string(as_name));
    put_ip(o, "destination.ip", &e->destination);
    if (e->has_ports)
        put(o, "destination.port", json_integer(e->destination_port));
    put(o, "network.transport", json_string(protocol_name(e->protocol, number)));
    put(o, "network.type", json_string(e->source.family == 4 ? "ipv4" : "ipv6"));
    if (e->has_flags)
        put_flags(o, e);
    if (e->has_icmp_type)
        put(o, "icmp.type", json_integer(e->icmp_type));
    if (e->has_icmp_code)
        put(o, "icmp.code", json_integer(e->icmp_code));
}

static void put_near(const struct explain *x, json_t *o, const struct envelope *env)
{
    struct near near[NEAR_SHOWN];
    size_t n = near_find(x->matcher, x->session.parsers, env, near, NEAR_SHOWN);
    json_t *list = json_array();
    char text[NEAR_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        const struct parser_file *file = parser_set_file(x->session.parsers, near[i].parser);
        json_t *one = json_object();
        near_text(&near[i], file, text);
        put(one, "parser", json_string(file->name));
        put(one, "pattern", json_integer((json_int_t)near[i].pattern + 1));
        put_text(one, "text", str_from(text));
        json_array_append_new(list, one);
    }
    put(o, "near", list);
}

/* `env`: that of an unmatched line of a new shape; else NULL. */
static void write_json(const struct explain *x, enum outcome o, const struct event *e,
                       const struct envelope *env)
{
    json_t *object = json_object();

    put(object, "line", json_integer((json_int_t)x->line));
    put(object, "outcome", json_string(outcome_name(o)));
    if (o == OUTCOME_EVENT || o == OUTCOME_IGNORED)
        put_event(x, object, e);
    if (env)
        put_near(x, object, env);
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

/* ---- text ---- */

/* A stranger's bytes on a terminal: control bytes become '?'. */
static void print_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        putchar((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

static void print_origin(const struct explain *x, const struct event *e)
{
    char country[3], as[AS_TEXT_MAX], name[AS_NAME_MAX];
    uint32_t number = asn_find(x->session.asn, &e->source, name);

    printf("  country %s", country_format(geo_country(x->session.geo, &e->source), country));
    if (number)
        printf("  as %s", asn_format(number, as));
    if (number && *name)
        printf(" \"%s\"", name);
}

static void write_text(const struct explain *x, enum outcome o, const struct event *e,
                       struct str line)
{
    char text[FIELD_TEXT_MAX];
    const char *rule;

    printf("%" PRIu64 ": %s", x->line, outcome_name(o));
    if (o == OUTCOME_UNMATCHED || o == OUTCOME_LOST) {
        fputs("  ", stdout);
        line.n = line.n > FIELD_TEXT_MAX ? FIELD_TEXT_MAX : line.n;
        print_clean(line);
        putchar('\n');
        return;
    }
    printf("  parser %s", parser_set_name(x->session.parsers, matcher_parser(x->matcher)));
    if (!e->source.family) {
        puts("  no packet");
        return;
    }
    for (enum field_name f = 0; f < NAMES; f++) {
        if (!field_text(e, f, text) || (f == NAME_COUNT && e->count == 1))
            continue;
        bool quoted = strchr(text, ' ') != NULL || !text[0];
        printf("  %s %s", field_label(f), quoted ? "\"" : "");
        print_clean(str_from(text));
        if (quoted)
            putchar('"');
        if (f == NAME_SRC)
            print_origin(x, e);
    }
    if ((rule = rule_text(x, e, text, sizeof text)))
        printf("  rule \"%s\"", rule);
    putchar('\n');
}

static void write_near(const struct explain *x, const struct envelope *env)
{
    struct near near[NEAR_SHOWN];
    size_t n = near_find(x->matcher, x->session.parsers, env, near, NEAR_SHOWN);
    char text[NEAR_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        const struct parser_file *file = parser_set_file(x->session.parsers, near[i].parser);
        near_text(&near[i], file, text);
        printf("    near %s, pattern %zu: %s\n", file->name, near[i].pattern + 1, text);
    }
}

/* ---- the command ---- */

static void explain_line(struct explain *x, struct str line)
{
    struct event e;
    struct envelope env = {0};
    enum outcome o = reader_line(&x->reader, line, &e);

    x->line++;
    if (x->summed || o == OUTCOME_UNMATCHED)
        envelope_parse(line, x->scratch, &env);
    bool is_new = !x->summed && o == OUTCOME_UNMATCHED && summary_is_new(x->summary, env.message);
    if (x->summed) {
        summary_add(x->summary, x->matcher, o, &e, env.message, x->line);
    } else if (x->json) {
        write_json(x, o, &e, is_new ? &env : NULL);
    } else {
        write_text(x, o, &e, line);
        if (is_new)
            write_near(x, &env);
    }
}

static int explain_file(struct explain *x, int fd, const char *path)
{
    struct blocks *blocks = blocks_new(blocks_read_fd, &fd, 0, true, true);
    struct block block = {0};
    int rc;

    reader_init(&x->reader, x->matcher, &x->rule, INT64_MIN);
    while ((rc = blocks_next(blocks, &block)) > 0) {
        struct str lines = block.lines;
        for (unsigned i = 0; i < block.cut; i++) {
            x->line++;
            if (x->summed)
                summary_add(x->summary, x->matcher, OUTCOME_LOST, NULL, (struct str){0}, x->line);
            else if (x->json)
                write_json(x, OUTCOME_LOST, NULL, NULL);
            else
                printf("%" PRIu64 ": lost  a line longer than %d bytes\n", x->line, BLOCK_BYTES);
        }
        while (lines.n) {
            const char *newline = memchr(lines.p, '\n', lines.n);
            struct str line = {lines.p, newline ? (size_t)(newline - lines.p) : lines.n};
            lines = str_skip(lines, line.n + (newline != NULL));
            explain_line(x, line);
        }
    }
    block_fini(&block);
    blocks_free(blocks);
    if (rc < 0)
        error_add(&x->session.err, path, 0, 0, "reading it failed (%s)", strerror(-rc));
    return session_fail(&x->session, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int read_options(int argc, char **argv, struct explain *x)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"timezone", required_argument, NULL, 'z'},
                                            {"year", required_argument, NULL, 'y'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"summary", no_argument, NULL, 'u'},
                                            {0}};
    const char *zone = NULL, *format = "text", *year = NULL;
    int option, status;

    x->sensor = "";
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's')
            x->sensor = optarg;
        else if (option == 'z')
            zone = optarg;
        else if (option == 'y')
            year = optarg;
        else if (option == 'f')
            format = optarg;
        else if (option == 'u')
            x->summed = true;
        else if (session_option(option, "explain", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (session_zone("explain", zone, &x->rule.zone) != EXIT_DONE ||
        session_year("explain", year, &x->rule.year) != EXIT_DONE)
        return EXIT_MISTAKE;
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return session_mistake("explain", "--format %s: text or json is meant", format);
    if (optind + 1 < argc)
        return session_mistake("explain", "one file at a time");
    x->json = strcmp(format, "json") == 0;
    if (x->json && x->summed)
        return session_mistake("explain", "--summary is text");
    return EXIT_DONE;
}

int cmd_explain(int argc, char **argv)
{
    struct explain x = {0};
    struct stat st;
    int status = read_options(argc, argv, &x);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    const char *path = optind < argc ? argv[optind] : "-";
    status = session_open(&x.session, SESSION_PARSERS | SESSION_GEO);
    if (status == EXIT_DONE) {
        bool is_stdin = strcmp(path, "-") == 0;
        int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0) {
            access_fault(path, ACCESS_READ, -errno, &x.session.err);
            status = session_fail(&x.session, EXIT_FAILED);
        } else {
            x.rule.file_time = is_stdin || !S_ISREG(st.st_mode) ? (int64_t)time(NULL) : st.st_mtime;
            x.matcher = matcher_new(x.session.parsers);
            x.rules = rules_new(x.session.conf->rules, x.session.conf->rule_count);
            x.summary = summary_new(x.session.parsers);
            status = explain_file(&x, fd, path);
            if (x.summed)
                summary_print(x.summary, x.matcher, stdout);
            summary_free(x.summary);
            matcher_free(x.matcher);
            rules_free(x.rules);
        }
        if (fd > STDIN_FILENO)
            close(fd);
    }
    session_close(&x.session);
    return status;
}

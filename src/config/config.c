#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/nearest.h"
#include "base/port.h"
#include "config/inputs.h"
#include "config/values.h"
#include "parse/parser_file.h"

enum {
    MAX_SIZE_LEAST = 50 * 1000 * 1000, /* bytes */
    COMMIT_EVERY_S = 5,
    LATE_S = 90,
    PORT_EVENTS = 10,
    PORT_EVENTS_LIMIT = 1000000,
    MAX_PORTS = 2000,
    MAX_PORTS_LIMIT = 65536,
    REPORT_AT_S = 6 * 3600,
    PREFIX_LIMIT = 64, /* bytes; the kernel's LOG takes 29, nftables' log 127 */
    SCANNERS_LIMIT = 1000,
    SCANNER_NAME_LIMIT = 64, /* bytes */
    NETWORKS_LIMIT = 1000000,
};

/* What the file says, before it means anything. NULL: not said. */
struct raw_prefix {
    char *prefix;
    enum action action;
};

struct raw_scanner {
    char *name, *file;
};

struct raw_sensor {
    char *name;
    char **was;
    uint32_t was_count;
};

struct raw_geo {
    char *country, *asn;
};

struct raw_series {
    uint32_t *port_events_per_hour, *max_ports;
    char *write_every, *rrdcached;
    char **ports;
    uint32_t ports_count;
};

struct raw_report {
    char *folder, *at, *timezone, *format, *lang;
};

struct raw {
    char *data, *parsers, *max_size, *commit_every, *late, *lang;
    enum anonymize *anonymize;
    struct raw_geo *geo;
    struct raw_input *inputs;
    uint32_t inputs_count;
    struct raw_prefix *prefixes;
    uint32_t prefixes_count;
    char **exclude;
    uint32_t exclude_count;
    struct raw_sensor *sensors;
    uint32_t sensors_count;
    struct raw_scanner *scanners;
    uint32_t scanners_count;
    struct raw_series *series;
    struct raw_report *report;
};

enum { OPTIONAL = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL };
#define TEXT(key, type, member) \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, type, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t prefix_fields[] = {
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER, struct raw_prefix, prefix, 1,
                           PREFIX_LIMIT),
    CYAML_FIELD_ENUM("action", CYAML_FLAG_STRICT, struct raw_prefix, action, parser_file_actions,
                     ACTIONS),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t prefix_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_prefix, prefix_fields),
};

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t scanner_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_scanner, name, 1,
                           SCANNER_NAME_LIMIT),
    CYAML_FIELD_STRING_PTR("file", CYAML_FLAG_POINTER, struct raw_scanner, file, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t scanner_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_scanner, scanner_fields),
};

static const cyaml_schema_field_t sensor_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_sensor, name, 1, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("was", CYAML_FLAG_POINTER, struct raw_sensor, was, &text_schema, 1,
                         SENSORS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t sensor_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_sensor, sensor_fields),
};

static const cyaml_schema_field_t geo_fields[] = {
    TEXT("country", struct raw_geo, country),
    TEXT("asn", struct raw_geo, asn),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t series_fields[] = {
    CYAML_FIELD_UINT_PTR("port_events_per_hour", OPTIONAL, struct raw_series, port_events_per_hour),
    CYAML_FIELD_UINT_PTR("max_ports", OPTIONAL, struct raw_series, max_ports),
    CYAML_FIELD_SEQUENCE("ports", OPTIONAL, struct raw_series, ports, &text_schema, 0,
                         MAX_PORTS_LIMIT),
    TEXT("write_every", struct raw_series, write_every),
    TEXT("rrdcached", struct raw_series, rrdcached),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t report_fields[] = {
    TEXT("folder", struct raw_report, folder),     TEXT("at", struct raw_report, at),
    TEXT("timezone", struct raw_report, timezone), TEXT("format", struct raw_report, format),
    TEXT("lang", struct raw_report, lang),         CYAML_FIELD_END,
};

static const cyaml_strval_t anonymize_words[] = {
    {"none", ANONYMIZE_NONE},
    {"prefix", ANONYMIZE_PREFIX},
    {"hash", ANONYMIZE_HASH},
};

enum { ANONYMIZE_WORDS = sizeof anonymize_words / sizeof *anonymize_words };

static const cyaml_schema_field_t fields[] = {
    TEXT("data", struct raw, data),
    TEXT("parsers", struct raw, parsers),
    CYAML_FIELD_MAPPING_PTR("geo", OPTIONAL, struct raw, geo, geo_fields),
    CYAML_FIELD_SEQUENCE("inputs", CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, struct raw, inputs,
                         &inputs_schema, 1, INPUTS_LIMIT),
    CYAML_FIELD_ENUM_PTR("anonymize", OPTIONAL | CYAML_FLAG_STRICT, struct raw, anonymize,
                         anonymize_words, ANONYMIZE_WORDS),
    TEXT("max_size", struct raw, max_size),
    TEXT("commit_every", struct raw, commit_every),
    TEXT("late", struct raw, late),
    TEXT("lang", struct raw, lang),
    CYAML_FIELD_SEQUENCE("prefixes", OPTIONAL, struct raw, prefixes, &prefix_schema, 0, 1000),
    CYAML_FIELD_SEQUENCE("exclude", OPTIONAL, struct raw, exclude, &text_schema, 0, NETWORKS_LIMIT),
    CYAML_FIELD_SEQUENCE("sensors", OPTIONAL, struct raw, sensors, &sensor_schema, 0, SENSORS_MAX),
    CYAML_FIELD_SEQUENCE("scanners", OPTIONAL, struct raw, scanners, &scanner_schema, 0,
                         SCANNERS_LIMIT),
    CYAML_FIELD_MAPPING_PTR("series", OPTIONAL, struct raw, series, series_fields),
    CYAML_FIELD_MAPPING_PTR("report", OPTIONAL, struct raw, report, report_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields),
};

/* A list of prefixes means the same however it is spaced: the text is kept without blanks at its
 * ends. */
static char *trimmed(const char *text)
{
    text += strspn(text, " ");
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    return xstrndup(text, n);
}

static void read_prefixes(struct reading *r)
{
    struct config *conf = r->conf;
    char node[64];

    conf->prefix_count = r->raw->prefixes_count;
    conf->prefixes = xcalloc(conf->prefix_count, sizeof *conf->prefixes);
    for (size_t i = 0; i < conf->prefix_count; i++) {
        const struct raw_prefix *raw = &r->raw->prefixes[i];
        char *prefix = trimmed(raw->prefix);
        size_t same = 0;
        conf->prefixes[i] = (struct config_prefix){prefix, raw->action};
        while (strcmp(prefix, conf->prefixes[same].prefix) != 0)
            same++;
        snprintf(node, sizeof node, "prefixes[%zu].prefix", i);
        if (!*prefix)
            yamlfile_fault(r->file, node, r->err, "'%s' holds nothing but blanks", node);
        else if (same < i)
            yamlfile_fault(r->file, node, r->err,
                           "prefix '%s' has its action in prefixes[%zu] already", prefix, same);
    }
}

/* What is wrong with a network, for a sentence, or NULL; it is added to the rule either way. */
static char *add_network(struct rule *rule, size_t *cap, struct str text)
{
    char whole[NETWORK_TEXT_MAX];

    if (rule->n == *cap)
        rule->networks = xrealloc(rule->networks, *cap = *cap * 2 + 16, sizeof *rule->networks);
    struct network *n = &rule->networks[rule->n];
    int rc = network_parse(text, n);
    rule->n += rc != -EINVAL;
    if (rc == 0)
        return NULL;
    if (rc == -EINVAL)
        return xasprintf("'%.*s' is no network; write it like 192.0.2.0/24, 2001:db8::/32 or "
                         "192.0.2.7",
                         text.n < 80 ? (int)text.n : 80, text.p);
    network_format(n, whole);
    return xasprintf("'%.*s' lies within a network; write %s for all of that, or the address alone",
                     (int)text.n, text.p, whole);
}

static void read_exclude(struct reading *r, struct rule *rule)
{
    size_t cap = 0;
    char node[64];

    *rule = (struct rule){.number = 1, .kind = RULE_EXCLUDE, .name = xstrdup("exclude")};
    for (size_t i = 0; i < r->raw->exclude_count; i++) {
        char *wrong = add_network(rule, &cap, str_from(r->raw->exclude[i]));
        snprintf(node, sizeof node, "exclude[%zu]", i);
        if (wrong)
            yamlfile_fault(r->file, node, r->err, "%s", wrong);
        free(wrong);
    }
}

/* One line of a file of networks: blanks and what stands behind a '#' don't count. */
static void read_network(struct reading *r, const char *path, int number, struct str line,
                         struct rule *rule, size_t *cap)
{
    const char *comment = line.n ? memchr(line.p, '#', line.n) : NULL;
    size_t blank = 0;

    if (comment)
        line.n = (size_t)(comment - line.p);
    while (line.n && isspace((unsigned char)line.p[line.n - 1]))
        line.n--;
    while (blank < line.n && isspace((unsigned char)line.p[blank]))
        blank++;
    line = str_skip(line, blank);
    if (line.n == 0)
        return;
    char *wrong = add_network(rule, cap, line);
    if (wrong)
        error_add(r->err, path, number, (int)blank + 1, "%s", wrong);
    free(wrong);
}

static void read_networks(struct reading *r, const char *node, const char *path, struct rule *rule)
{
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t room = 0, cap = 0;
    ssize_t n;

    if (!in) {
        yamlfile_fault(r->file, node, r->err, "the networks in %s can't be read (%s)", path,
                       strerror(errno));
        return;
    }
    for (int number = 1; (n = getline(&line, &room, in)) >= 0; number++) {
        if (rule->n == NETWORKS_LIMIT) {
            error_add(r->err, path, number, 0, "a list has at most %d networks", NETWORKS_LIMIT);
            break;
        }
        read_network(r, path, number, (struct str){line, (size_t)n}, rule, &cap);
    }
    if (ferror(in))
        yamlfile_fault(r->file, node, r->err, "reading %s failed (%s)", path, strerror(errno));
    free(line);
    fclose(in);
}

static bool is_plain(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return false;
    return true;
}

static void read_rules(struct reading *r)
{
    struct config *conf = r->conf;
    char node[64];

    conf->rules = xcalloc(r->raw->scanners_count + 1, sizeof *conf->rules);
    if (r->raw->exclude_count)
        read_exclude(r, &conf->rules[conf->rule_count++]);
    const struct rule *first = &conf->rules[conf->rule_count];
    for (size_t i = 0; i < r->raw->scanners_count; i++) {
        const struct raw_scanner *raw = &r->raw->scanners[i];
        struct rule *rule = &conf->rules[conf->rule_count++];
        char *path = NULL;
        size_t same = 0;
        *rule = (struct rule){
            .number = (uint16_t)conf->rule_count, .kind = RULE_SCANNER, .name = trimmed(raw->name)};
        while (strcmp(rule->name, first[same].name) != 0)
            same++;
        snprintf(node, sizeof node, "scanners[%zu].name", i);
        if (!*rule->name || !is_plain(rule->name))
            yamlfile_fault(r->file, node, r->err, "'%s' must be a name that can be shown", node);
        else if (same < i)
            yamlfile_fault(r->file, node, r->err, "the name '%s' is that of scanners[%zu] already",
                           rule->name, same);
        snprintf(node, sizeof node, "scanners[%zu].file", i);
        value_path(r, node, raw->file, &path);
        if (path && *path == '/' && yamlfile_is_sound(r->file, node))
            read_networks(r, node, path, rule);
        free(path);
    }
}

/* What a name is already, for a sentence; NULL: nothing that keeps it from being taken over. */
static const char *taken_as(const struct reading *r, const char *name)
{
    for (size_t i = 0; i < r->raw->sensors_count; i++)
        if (value_said(r->raw->sensors[i].name) && strcmp(r->raw->sensors[i].name, name) == 0)
            return "it is the name of a sensor in this list";
    for (size_t i = 0; i < r->conf->alias_count; i++)
        if (strcmp(r->conf->aliases[i].name, name) == 0)
            return "it is taken over already";
    return NULL;
}

static void read_taken(struct reading *r, const char *node, const char *name, const char *sensor)
{
    struct config *conf = r->conf;
    char *old = NULL;

    value_sensor(r, node, name, &old);
    const char *why = old ? taken_as(r, old) : NULL;
    if (why)
        yamlfile_fault(r->file, node, r->err, "'%s' can't be taken over: %s", old, why);
    if (!old || why) {
        free(old);
        return;
    }
    conf->aliases = xrealloc(conf->aliases, conf->alias_count + 1, sizeof *conf->aliases);
    conf->aliases[conf->alias_count++] = (struct sensor_alias){old, xstrdup(sensor)};
}

static void read_sensors(struct reading *r)
{
    char node[64];

    for (size_t i = 0; i < r->raw->sensors_count; i++) {
        const struct raw_sensor *raw = &r->raw->sensors[i];
        char *name = NULL;
        snprintf(node, sizeof node, "sensors[%zu].name", i);
        value_sensor(r, node, raw->name, &name);
        for (size_t k = 0; name && k < i; k++)
            if (strcmp(r->raw->sensors[k].name, name) == 0) {
                yamlfile_fault(r->file, node, r->err,
                               "'%s' is the name of sensors[%zu] already; put all that it was into "
                               "one list",
                               name, k);
                break;
            }
        for (size_t k = 0; name && k < raw->was_count; k++) {
            snprintf(node, sizeof node, "sensors[%zu].was[%zu]", i, k);
            read_taken(r, node, raw->was[k], name);
        }
        free(name);
    }
}

static int by_key(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void read_ports(struct reading *r, const struct raw_series *raw)
{
    struct config *conf = r->conf;
    uint32_t *ports = xcalloc(raw->ports_count, sizeof *ports);
    size_t n = 0, kept = 0;
    char node[64];

    for (size_t i = 0; i < raw->ports_count; i++)
        if (port_parse(str_from(raw->ports[i]), &ports[n]) == 0) {
            n++;
        } else {
            snprintf(node, sizeof node, "series.ports[%zu]", i);
            yamlfile_fault(r->file, node, r->err,
                           "'%s' is no port; write it like 23/tcp, 53/udp, 8/icmp, 128/icmp6 or "
                           "47/ip",
                           raw->ports[i]);
        }
    qsort(ports, n, sizeof *ports, by_key);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || ports[i] != ports[kept - 1])
            ports[kept++] = ports[i];
    conf->series.ports = ports;
    conf->series.port_count = kept;
}

static void read_count(struct reading *r, const char *node, const uint32_t *raw, unsigned min,
                       unsigned max, unsigned *out)
{
    if (!raw)
        return;
    if (*raw < min || *raw > max)
        yamlfile_fault(r->file, node, r->err, "'%s' must be from %u to %u, not %u", node, min, max,
                       *raw);
    else
        *out = *raw;
}

static void read_write_every(struct reading *r, const char *text)
{
    int *out = &r->conf->series.write_every_s;

    value_duration(r, "series.write_every", text, BIN_S, HOUR_S, "5m to 1h", out);
    if (*out % BIN_S != 0)
        yamlfile_fault(r->file, "series.write_every", r->err,
                       "'series.write_every' must be a multiple of 5m, not '%s'", text);
}

static void read_report(struct reading *r, const struct raw_report *raw)
{
    static const char *const formats[] = {"html", "md", "text", "json"};
    struct config *conf = r->conf;
    size_t i = 0, n = sizeof formats / sizeof *formats;

    value_path(r, "report.folder", raw->folder, &conf->report.folder);
    value_time_of_day(r, "report.at", raw->at, &conf->report.at_s);
    value_zone(r, "report.timezone", raw->timezone, &conf->report.zone);
    value_language(r, "report.lang", raw->lang, &conf->report.language);
    if (!value_said(raw->format))
        return;
    while (i < n && strcmp(formats[i], raw->format) != 0)
        i++;
    if (i == n)
        yamlfile_fault(r->file, "report.format", r->err,
                       "'report.format' must be html, md, text or json, not '%s'", raw->format);
    free(conf->report.format);
    conf->report.format = xstrdup(raw->format);
}

static void read_meaning(struct reading *r)
{
    const struct raw *raw = r->raw;
    struct config *conf = r->conf;

    value_path(r, "data", raw->data, &conf->data);
    value_path(r, "parsers", raw->parsers, &conf->parsers);
    value_size(r, "max_size", raw->max_size, MAX_SIZE_LEAST, &conf->max_size);
    if (raw->geo) {
        value_path(r, "geo.country", raw->geo->country, &conf->country);
        value_path(r, "geo.asn", raw->geo->asn, &conf->asn);
    }
    if (raw->inputs)
        inputs_read(r, raw->inputs, raw->inputs_count);
    read_sensors(r);
    if (raw->anonymize)
        conf->anonymize = *raw->anonymize;
    value_duration(r, "commit_every", raw->commit_every, 1, 60, "1s to 60s", &conf->commit_every_s);
    value_duration(r, "late", raw->late, 0, 3600, "0s to 1h", &conf->late_s);
    value_language(r, "lang", raw->lang, &conf->language);
    read_prefixes(r);
    read_rules(r);
    if (raw->series) {
        read_count(r, "series.port_events_per_hour", raw->series->port_events_per_hour, 1,
                   PORT_EVENTS_LIMIT, &conf->series.port_events_per_hour);
        read_count(r, "series.max_ports", raw->series->max_ports, 0, MAX_PORTS_LIMIT,
                   &conf->series.max_ports);
        read_ports(r, raw->series);
        read_write_every(r, raw->series->write_every);
        value_path(r, "series.rrdcached", raw->series->rrdcached, &conf->series.rrdcached);
    }
    if (raw->report)
        read_report(r, raw->report);
}

struct config *config_default(void)
{
    struct config *conf = xcalloc(1, sizeof *conf);

    conf->parsers = xstrdup("/etc/scantide/parsers");
    inputs_default(conf);
    conf->commit_every_s = COMMIT_EVERY_S;
    conf->late_s = LATE_S;
    conf->series.port_events_per_hour = PORT_EVENTS;
    conf->series.max_ports = MAX_PORTS;
    conf->series.write_every_s = BIN_S;
    conf->report.format = xstrdup("html");
    conf->report.at_s = REPORT_AT_S;
    return conf;
}

int config_load(const char *path, struct config **out, struct error *err)
{
    struct stat st;
    struct yamlfile *file;
    size_t faults = err->n;

    *out = NULL;
    if (!path && stat(CONFIG_FILE, &st) < 0 && errno == ENOENT) {
        *out = config_default();
        return 0;
    }
    int rc = yamlfile_load(path ? path : CONFIG_FILE, &schema, &file, err);
    if (rc < 0)
        return rc;
    struct config *conf = config_default();
    conf->file = xstrdup(yamlfile_path(file));
    read_meaning(&(struct reading){file, yamlfile_value(file), conf, err});
    yamlfile_free(file);
    if (err->n > faults) {
        config_free(conf);
        return -EINVAL;
    }
    *out = conf;
    return 0;
}

void config_free(struct config *conf)
{
    if (!conf)
        return;
    inputs_fini(conf);
    for (size_t i = 0; i < conf->prefix_count; i++)
        free(conf->prefixes[i].prefix);
    for (size_t i = 0; i < conf->rule_count; i++)
        rule_fini(&conf->rules[i]);
    for (size_t i = 0; i < conf->alias_count; i++) {
        free(conf->aliases[i].name);
        free(conf->aliases[i].sensor);
    }
    free(conf->aliases);
    free(conf->prefixes);
    free(conf->rules);
    free(conf->series.ports);
    free(conf->series.rrdcached);
    free(conf->file);
    free(conf->data);
    free(conf->parsers);
    free(conf->country);
    free(conf->asn);
    free(conf->language);
    free(conf->report.folder);
    free(conf->report.format);
    free(conf->report.language);
    free(conf);
}

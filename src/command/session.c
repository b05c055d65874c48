#include "command/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/language.h"
#include "base/lock.h"
#include "base/nearest.h"
#include "base/wall.h"
#include "chart/font.h"
#include "config/paths.h"
#include "store/sensors.h"

struct session_options session_options;

int session_option(int option, const char *command, const char *usage, int *status)
{
    switch (option) {
    case OPTION_DATA: session_options.data = optarg; return 0;
    case OPTION_CONFIG: session_options.config = optarg; return 0;
    case OPTION_HELP:
        fputs(usage, stdout);
        *status = EXIT_DONE;
        return -1;
    default:
        fprintf(stderr, "Try 'scantide %s --help'.\n", command);
        *status = EXIT_MISTAKE;
        return -1;
    }
}

int session_mistake(const char *command, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "scantide %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry 'scantide %s --help'.\n", command);
    return EXIT_MISTAKE;
}

static void load_parsers(struct session *s)
{
    static bool said; /* a daemon loads them again */
    char *shipped = paths_share("parsers");

    s->parsers = parser_set_new();
    parser_set_add_folder(s->parsers, s->conf->parsers, &s->err);
    parser_set_add_folder(s->parsers, shipped, &s->err);
    for (size_t i = 0; i < s->conf->prefix_count; i++)
        parser_set_add_prefix(s->parsers, s->conf->prefixes[i].prefix, s->conf->prefixes[i].action);
    if (parser_set_count(s->parsers) == 0 && s->err.n == 0)
        error_add(&s->err, shipped, 0, 0,
                  "there are no parser files here: install scantide again, or set SCANTIDE_SHARE "
                  "to the folder that holds parsers/");
    if (s->err.n == 0 && parser_set_is_slow(s->parsers) && !said) {
        fputs(
            "scantide: patterns are interpreted, since PCRE2 may make no machine code of them here "
            "(MemoryDenyWriteExecute= in a unit, SELinux's execmem): lines take several times as "
            "long\n",
            stderr);
        said = true;
    }
    free(shipped);
}

static void load_geo(struct session *s)
{
    char *path = paths_country(s->conf->country);

    if (path) {
        geo_open(path, &s->geo, &s->err);
    } else {
        char *folders = paths_country_folders();
        fprintf(stderr, "scantide: no country database in %s: countries are ZZ\n", folders);
        free(folders);
        s->geo = geo_none();
    }
    free(path);
}

static void load_asn(struct session *s, bool must)
{
    char *path = paths_asn(s->conf->asn);

    if (path)
        asn_open(path, &s->asn, &s->err);
    free(path);
    if (!must)
        session_fail(s, EXIT_DONE);
}

static void open_series(struct session *s)
{
    struct series_options options = {
        .limits = {s->conf->series.port_events_per_hour, s->conf->series.max_ports,
                   s->conf->series.ports, s->conf->series.port_count},
        .rrdcached = s->conf->series.rrdcached,
    };
    char *folder = paths_share("rrd"), *schema = xasprintf("%s/schema.yaml", folder);

    series_open(s->data, schema, &options, &s->series, &s->err);
    free(schema);
    free(folder);
}

int session_load(struct session *s, unsigned parts)
{
    *s = (struct session){0};
    zone_open("local", &s->local);
    if (config_load(session_options.config, &s->conf, &s->err) < 0)
        return -EINVAL;
    s->data = paths_choose_data(session_options.data, s->conf->data);
    if (parts & SESSION_PARSERS)
        load_parsers(s);
    if (parts & SESSION_GEO)
        load_geo(s);
    if (parts & (SESSION_GEO | SESSION_AS_NAMES))
        load_asn(s, parts & SESSION_GEO);
    return s->err.n ? -EINVAL : 0;
}

int session_open(struct session *s, unsigned parts)
{
    if (session_load(s, parts) < 0)
        return session_fail(s, EXIT_MISTAKE);
    if (parts & (SESSION_FACTS_READ | SESSION_FACTS_WRITE | SESSION_FACTS_CHANGE)) {
        enum store_mode mode = parts & SESSION_FACTS_WRITE    ? STORE_WRITE
                               : parts & SESSION_FACTS_CHANGE ? STORE_CHANGE
                                                              : STORE_READ;
        int rc = store_open(s->data, mode, &s->store, &s->err);
        if (rc < 0)
            return session_fail(s, session_status(rc));
    }
    if (parts & SESSION_SERIES)
        open_series(s);
    return session_fail(s, s->err.n ? EXIT_MISTAKE : EXIT_DONE);
}

void session_close(struct session *s)
{
    if (s->series)
        series_close(s->series);
    store_close(s->store);
    geo_close(s->geo);
    asn_close(s->asn);
    parser_set_free(s->parsers);
    config_free(s->conf);
    free(s->data);
    error_fini(&s->err);
    *s = (struct session){0};
}

int session_fail(struct session *s, int status)
{
    error_print(&s->err, stderr);
    error_fini(&s->err);
    return status;
}

int session_status(int rc)
{
    switch (-rc) {
    case 0: return EXIT_DONE;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case EINVAL: return EXIT_MISTAKE;
    default: return EXIT_FAILED;
    }
}

bool session_daemon_runs(const struct session *s)
{
    return lock_is_held(s->data, "daemon.lock");
}

static int sync_series(struct session *s, unsigned how)
{
    struct series_stats stats;

    if (session_daemon_runs(s))
        return EXIT_DONE;
    int rc = series_sync(s->series, s->store, wall_now(), how, &stats, &s->err);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

int session_sync_series(struct session *s)
{
    return sync_series(s, SERIES_WAIT);
}

int session_ready_series(struct session *s)
{
    return sync_series(s, SERIES_WAIT | SERIES_LAZY);
}

char *session_rules_text(const struct rules_change *change, const struct zone *local)
{
    char reach[TIME_TEXT_MAX], lean[160] = "";

    if (change->lean)
        snprintf(lean, sizeof lean,
                 "; of %" PRIu64 " hours (floods, and days long past) only the heaviest sources "
                 "are known, and only their counts are changed",
                 change->lean);
    if (change->reach == INT64_MAX)
        return xstrdup(change->older ? "they reach back to nothing: no sources of what is counted "
                                       "are known any more"
                                     : "nothing is counted yet");
    return xasprintf("they reach back to %s%s%s", time_format_local(local, change->reach, reach),
                     change->older ? ", before which counts stay as they are: their sources aren't "
                                     "known any more"
                                   : ", the first of the facts",
                     lean);
}

/* What is to be said once it is committed, and the sensors whose series go. */
struct taken {
    char **texts, **names;
    size_t text_count, name_count;
};

static void taken_say(struct taken *t, char *text)
{
    t->texts = xrealloc(t->texts, t->text_count + 1, sizeof *t->texts);
    t->texts[t->text_count++] = text;
}

static void note_merged(void *ctx, const char *name, const char *sensor, uint64_t events)
{
    struct taken *t = ctx;

    taken_say(t, xasprintf("sensor %s is %s now, and so is what was counted of it (%" PRIu64
                           " events); this can't be undone",
                           name, sensor, events));
    t->names = xrealloc(t->names, t->name_count + 1, sizeof *t->names);
    t->names[t->name_count++] = xstrdup(name);
}

static void note_released(void *ctx, const char *name, const char *sensor)
{
    taken_say(ctx, xasprintf("sensor %s isn't %s any more for what comes from now on; what was "
                             "counted so stays so",
                             name, sensor));
}

static void taken_fini(struct taken *t)
{
    for (size_t i = 0; i < t->text_count; i++)
        free(t->texts[i]);
    for (size_t i = 0; i < t->name_count; i++)
        free(t->names[i]);
    free(t->texts);
    free(t->names);
}

/* With `ask` a difference is only told. 0 or a negative errno with a fault. */
static int take_sensors(struct session *s, bool ask, struct taken *t)
{
    const struct sensor_alias *list = s->conf->aliases;
    size_t n = s->conf->alias_count;
    struct sensors_change change = {.merged = note_merged, .released = note_released, .ctx = t};
    int rc = ask ? store_compare_sensors(s->store, list, n, &change.differ)
                 : store_set_sensors(s->store, list, n, &change);

    if (rc < 0)
        error_add(&s->err, NULL, 0, 0, "the configured sensors can't be taken over (%s)",
                  store_error(s->store));
    else if (ask && change.differ)
        taken_say(t, xstrdup("the configured names of sensors aren't those of the running daemon, "
                             "which hold: start it again to change them"));
    return rc;
}

static void tell_rules(struct session *s, const struct rules_change *change, struct taken *t)
{
    char *reach = session_rules_text(change, s->local);

    if (change->older || change->reach != INT64_MAX)
        taken_say(t, xasprintf("exclusions and scanners have changed, %" PRIu64
                               " events are counted anew; %s",
                               change->events, reach));
    free(reach);
    if (change->stuck)
        taken_say(t, xasprintf("%" PRIu64 " events of theirs stay as they are: they were summed up "
                               "already",
                               change->stuck));
    if (change->anonymous)
        taken_say(t, xstrdup("sources that were made anonymous keep what they were counted as: "
                             "their addresses aren't known any more"));
}

static int take_rules(struct session *s, bool ask, struct taken *t)
{
    const struct rule *rules = s->conf->rules;
    size_t n = s->conf->rule_count;
    struct rules_change change;
    int rc = ask ? store_compare_rules(s->store, rules, n, &change)
                 : store_set_rules(s->store, rules, n, &change);

    if (rc < 0)
        error_add(&s->err, NULL, 0, 0,
                  "the configured exclusions and scanners can't be taken over (%s)",
                  rc == -ENOSPC ? "there were too many names" : store_error(s->store));
    else if (change.differ && ask)
        taken_say(t, xstrdup("the configured exclusions and scanners aren't those of the running "
                             "daemon, which hold: start it again to change them"));
    else if (change.differ)
        tell_rules(s, &change, t);
    return rc;
}

/* Names and rules, or neither: one transaction. */
static int take_both(struct session *s, bool ask, struct taken *t)
{
    int rc = ask ? 0 : store_begin(s->store);

    if (rc < 0) {
        error_add(&s->err, NULL, 0, 0, "the configuration can't be taken over by the facts (%s)",
                  store_error(s->store));
        return rc;
    }
    rc = take_sensors(s, ask, t);
    FAULT("named");
    if (rc == 0)
        rc = take_rules(s, ask, t);
    if (ask)
        return rc;
    if (rc < 0)
        store_rollback(s->store);
    else if ((rc = store_commit(s->store)) < 0)
        error_add(&s->err, NULL, 0, 0, "the configuration can't be taken over by the facts (%s)",
                  store_error(s->store));
    return rc;
}

static void tell_anonymous(const struct session *s, bool made, struct taken *t)
{
    if (s->conf->anonymize == ANONYMIZE_PREFIX)
        taken_say(t, xstrdup("anonymize: prefix: sources are kept as networks, /24 and /48"));
    if (s->conf->anonymize == ANONYMIZE_HASH)
        taken_say(t, xstrdup(made ? "anonymize: hash: sources are kept as hashes; their key was "
                                    "made now, anonymize.key in the data folder: whoever has it "
                                    "can find the addresses, and without it the next hashes are "
                                    "others"
                                  : "anonymize: hash: sources are kept as hashes"));
}

int session_take_over(struct session *s, bool daemon, void (*say)(const char *text))
{
    bool made = false;
    struct taken t = {0};

    /* First what is no part of the facts: should it fail, they are as they were. */
    if (anonymizer_open(s->conf->anonymize, s->data, &s->anonymizer, &made, &s->err) < 0)
        return session_fail(s, EXIT_MISTAKE);
    int rc = take_both(s, !daemon && session_daemon_runs(s), &t);
    if (rc == 0)
        tell_anonymous(s, made, &t);
    for (size_t i = 0; i < t.text_count && rc == 0; i++)
        say(t.texts[i]);
    for (size_t i = 0; i < t.name_count && rc == 0 && s->series; i++)
        series_forget(s->series, t.names[i], &s->err);
    taken_fini(&t);
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

static int unknown_sensor(const char *command, const char *name, const struct sensor *list,
                          size_t n)
{
    char known[400] = "";
    size_t at = 0;

    for (size_t i = 0; i < n && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", list[i].name);
    return session_mistake(command, "--sensor %s: there is no such sensor; there are: %s", name,
                           known);
}

int session_find_sensors(struct session *s, const char *command, const char *const *names, size_t n,
                         uint16_t *ids)
{
    const struct sensor *list;
    size_t count;

    if (n == 0)
        return EXIT_DONE;
    if (store_sensors(s->store, &list, &count) < 0) {
        error_add(&s->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(s->store));
        return session_fail(s, EXIT_FAILED);
    }
    for (size_t i = 0; i < n; i++) {
        char name[SENSOR_NAME_MAX];
        size_t at = 0;
        if (store_sensor_name(s->store, names[i], name) < 0)
            snprintf(name, sizeof name, "%s", names[i]);
        while (at < count && strcmp(list[at].name, name) != 0)
            at++;
        if (at == count)
            return unknown_sensor(command, names[i], list, count);
        ids[i] = list[at].id;
    }
    return EXIT_DONE;
}

int session_language(const struct session *s, const char *command, const char *option, bool charts)
{
    const char *configured = s->conf->language;
    const char *language = option ? option : configured ? configured : language_of_environment();

    if (!language_is_known(language))
        return session_mistake(command, "--lang %s: en or ja is meant", language);
    char *folder = paths_catalogs();
    if (charts && !font_is_there(language)) {
        fprintf(stderr,
                "scantide: no font here has the letters of '%s' for the charts (Debian: apt-get "
                "install fonts-morisawa-bizud-gothic), so it is English\n",
                language);
    } else if (language_load(language, folder) < 0) {
        fprintf(stderr,
                "scantide: there is no catalog for '%s' in %s (built with gettext's msgfmt by "
                "'make'), so it is English\n",
                language, folder);
    }
    free(folder);
    return EXIT_DONE;
}

int session_chart_definition(struct session *s, struct chart_definition **definition)
{
    char *folder = paths_share("rrd"), *path = xasprintf("%s/chart.yaml", folder);
    int rc = chart_definition_load(path, definition, &s->err);

    free(folder);
    free(path);
    return rc < 0 ? session_fail(s, EXIT_MISTAKE) : EXIT_DONE;
}

int session_port_book(struct port_book **book)
{
    char *folder = paths_share("rrd"), *path = xasprintf("%s/ports.yaml", folder);
    struct error err = {0};
    int rc = port_book_load(path, book, &err);

    error_print(&err, stderr);
    error_fini(&err);
    free(folder);
    free(path);
    return rc < 0 ? EXIT_MISTAKE : EXIT_DONE;
}

static const char *nearest_group(const struct port_book *book, const char *text)
{
    const struct port_group *list;
    size_t n = port_book_groups(book, &list);
    const char **words = xcalloc(n + 1, sizeof *words);

    for (size_t i = 0; i < n; i++)
        words[i] = list[i].name;
    const char *near = nearest_word(str_from(text), words, n);
    free(words);
    return near;
}

int session_port(const char *command, const char *option, const char *text, struct port_book **book,
                 uint32_t *port, const struct port_group **group)
{
    *group = NULL;
    if (port_parse(str_from(text), port) == 0)
        return EXIT_DONE;
    if (!*book && session_port_book(book) != EXIT_DONE)
        return EXIT_MISTAKE;
    *group = port_book_group(*book, text);
    if (*group) {
        *port = (*group)->ports[0];
        return EXIT_DONE;
    }
    const char *near = nearest_group(*book, text);
    if (near)
        return session_mistake(command, "%s %s: there is no such group; did you mean '%s'?", option,
                               text, near);
    return session_mistake(command,
                           "%s %s: a port is meant, such as 23/tcp, 53/udp, 8/icmp or 47/ip, or a "
                           "group of rrd/ports.yaml, such as smb",
                           option, text);
}

int session_zone(const char *command, const char *text, const struct zone **zone)
{
    if (zone_open(text ? text : "local", zone) == 0)
        return EXIT_DONE;
    return session_mistake(
        command, "--timezone %s: no such time zone; names are like Europe/Berlin or UTC", text);
}

int session_year(const char *command, const char *text, int *year)
{
    char *end = NULL;

    *year = text ? (int)strtol(text, &end, 10) : 0;
    if (text && (*end || *year < 1970 || *year > 2100))
        return session_mistake(command, "--year %s: a year from 1970 to 2100 is meant", text);
    return EXIT_DONE;
}

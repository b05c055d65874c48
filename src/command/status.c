/* `scantide status`: how taking in is going, from the daemon itself or, when it is down, from the
 * facts. */
#include "command/status.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/socket.h"
#include "base/wall.h"
#include "command/session.h"
#include "pipeline/control_uv.h"
#include "store/gap.h"

static const char usage[] =
    "scantide status - tell how taking in is going\n"
    "\n"
    "    scantide status [--json] [--data DIR] [--config FILE]\n"
    "\n"
    "Tells of each input what was taken in since the daemon started, how far it is behind and "
    "what\n"
    "is wrong; and of each sensor what the facts have of the last 24 hours: events, when it was\n"
    "last watched, what was lost and why. When no daemon runs, the facts alone are told.\n"
    "Exit code 1 when something needs a person: no daemon runs, an input has a fault or is more\n"
    "than a minute behind, commits fail, or lines were lost within the hour.\n"
    "\n"
    "    --json             as one JSON object\n" SESSION_USAGE;

enum { LAG_LIMIT_S = 60, DAY_S = 86400 };

/* ---- the daemon's side ---- */

static json_t *time_json(int64_t when, bool known)
{
    char text[TIME_TEXT_MAX];
    return known ? json_string(time_format_utc(when, text)) : json_null();
}

static json_t *text_json(const char *text)
{
    return text && *text ? json_stringn_nocheck(text, strlen(text)) : json_null();
}

static void add_input(void *ctx, const struct input_status *s)
{
    json_t *o = json_object();

    json_object_set_new(o, "kind", json_string(s->kind));
    json_object_set_new(o, "name", text_json(s->name));
    json_object_set_new(o, "sensor", text_json(s->sensor));
    json_object_set_new(o, "lines", json_integer((json_int_t)s->counts.lines));
    for (int i = 0; i < OUTCOMES; i++)
        json_object_set_new(o, i == OUTCOME_EVENT ? "events" : outcome_name((enum outcome)i),
                            json_integer((json_int_t)s->counts.by[i]));
    json_object_set_new(o, "suppressed", json_integer((json_int_t)s->counts.suppressed));
    json_object_set_new(o, "offset",
                        s->is_file ? json_integer((json_int_t)s->offset) : json_null());
    json_object_set_new(o, "size", s->is_file ? json_integer((json_int_t)s->size) : json_null());
    if (s->is_file) {
        json_object_set_new(o, "truncations", json_integer((json_int_t)s->truncations));
        json_object_set_new(o, "damaged_files", json_integer((json_int_t)s->damaged));
    }
    json_object_set_new(o, "last_line", time_json(s->last_line, s->last_line != INT64_MIN));
    json_object_set_new(o, "lag_s", json_integer(s->lag_s));
    json_object_set_new(o, "fault", text_json(s->fault));
    json_array_append_new(ctx, o);
}

void status_tell(const struct daemon_status *s, char **out)
{
    json_t *root = json_object(), *daemon = json_object(), *inputs = json_array();

    json_object_set_new(daemon, "running", json_true());
    json_object_set_new(daemon, "pid", json_integer(getpid()));
    json_object_set_new(daemon, "version", json_string(SCANTIDE_VERSION));
    json_object_set_new(daemon, "started", time_json(s->started, true));
    json_object_set_new(daemon, "committed", time_json(s->committed, s->committed > 0));
    json_object_set_new(daemon, "waiting", json_integer((json_int_t)s->waiting));
    json_object_set_new(daemon, "series_until", time_json(s->series_until, s->series_until > 0));
    json_object_set_new(daemon, "longest_turn_ms", json_integer((json_int_t)s->longest_ms));
    json_object_set_new(daemon, "fault",
                        s->failing ? json_string("the facts can't be written: see what the daemon "
                                                 "said; nothing is read until then")
                                   : json_null());
    json_object_set_new(root, "daemon", daemon);
    feeds_status(s->feeds, add_input, inputs);
    json_object_set_new(root, "inputs", inputs);
    char *text = json_dumps(root, JSON_COMPACT);
    *out = xasprintf("%s\n", text ? text : "{}");
    json_decref(root);
    free(text);
}

/* ---- asking it ---- */

static char *read_all(int fd)
{
    char *text = NULL;
    size_t n = 0;
    ssize_t got;

    do {
        text = xrealloc(text, n + 65536, 1);
        got = read(fd, text + n, 65535);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    text[n] = 0;
    return text;
}

/* NULL: nobody answers. */
static json_t *ask_daemon(const char *data)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int folder, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char *path = socket_path(data, CONTROL_SOCKET, &folder);
    json_t *root = NULL;

    if (fd >= 0 && path) {
        snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
            char *text = read_all(fd);
            root = json_loads(text, 0, NULL);
            free(text);
        }
    }
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    free(path);
    return root;
}

/* ---- from the facts ---- */

struct log_search {
    const char *path;
    struct position found;
    bool any;
};

static int find_log(void *ctx, const struct position *p)
{
    struct log_search *s = ctx;

    if (strcmp(p->path, s->path) == 0 && (!s->any || p->id > s->found.id)) {
        s->found = *p;
        s->any = true;
    }
    return 0;
}

static const char *kind_of(const struct config_input *in)
{
    return in->kind == INPUT_FILE ? "file" : in->kind == INPUT_LISTEN ? "syslog" : "journal";
}

static const char *name_of(const struct config_input *in)
{
    return in->kind == INPUT_FILE     ? in->file
           : in->kind == INPUT_LISTEN ? in->listen->url
                                      : "journal";
}

/* What the configuration names, and how far the facts say it was read. */
static json_t *inputs_from_facts(struct session *s)
{
    json_t *inputs = json_array();

    config_choose_input(s->conf);
    for (size_t i = 0; i < s->conf->input_count; i++) {
        const struct config_input *in = &s->conf->inputs[i];
        struct log_search search = {.path = in->file};
        struct stat st;
        json_t *o = json_object();
        json_object_set_new(o, "kind", json_string(kind_of(in)));
        json_object_set_new(o, "name", text_json(name_of(in)));
        json_object_set_new(o, "sensor", text_json(in->sensor));
        if (in->kind == INPUT_FILE)
            store_read_positions(s->store, in->sensor ? in->sensor : "", find_log, &search);
        json_object_set_new(
            o, "offset", search.any ? json_integer((json_int_t)search.found.offset) : json_null());
        json_object_set_new(o, "size",
                            in->kind == INPUT_FILE && stat(in->file, &st) == 0
                                ? json_integer(st.st_size)
                                : json_null());
        json_object_set_new(
            o, "last_line",
            time_json(search.found.last_when, search.any && search.found.last_when != INT64_MIN));
        json_object_set_new(o, "fault", json_null());
        json_array_append_new(inputs, o);
    }
    return inputs;
}

struct sensor_sum {
    int64_t now;
    uint64_t events, lost_lately;
    int64_t last; /* watched, or an event */
    json_t *gaps;
};

static int add_events(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told)
{
    struct sensor_sum *sum = ctx;

    (void)rule;
    (void)key;
    (void)told;
    sum->events += events;
    return 0;
}

static int add_gap(void *ctx, const struct gap *g)
{
    struct sensor_sum *sum = ctx;
    json_t *o = json_object();

    json_object_set_new(o, "reason", json_string(gap_reason_name(g->reason)));
    json_object_set_new(o, "from", time_json(g->from, true));
    json_object_set_new(o, "to", time_json(g->to + 1, true));
    json_object_set_new(o, "lost", g->lost ? json_integer((json_int_t)g->lost) : json_null());
    json_object_set_new(o, "input", text_json(g->input));
    json_object_set_new(o, "text", text_json(g->text));
    json_array_append_new(sum->gaps, o);
    if (g->to >= sum->now - HOUR_S && g->reason == GAP_LOST)
        sum->lost_lately += g->lost;
    return 0;
}

static int add_sensor(struct session *s, const struct sensor *sensor, int64_t now, json_t *list)
{
    struct sensor_sum sum = {.now = now, .gaps = json_array()};
    const struct margin_take take = {.ctx = &sum, .sum = add_events};
    int64_t from = (now - DAY_S) / BIN_S * BIN_S, first;
    json_t *o = json_object();
    int rc = store_read_margins(s->store, sensor->id, from, now / BIN_S * BIN_S + BIN_S, &take);

    if (rc == 0)
        rc = store_read_gaps(s->store, sensor->id, from, now + 1, add_gap, &sum);
    bool any = rc == 0 && store_extent(s->store, sensor->id, &first, &sum.last) == 0;
    json_object_set_new(o, "name", json_string(sensor->name));
    json_object_set_new(o, "events_24h", json_integer((json_int_t)sum.events));
    json_object_set_new(o, "watched_to", time_json(sum.last, any));
    json_object_set_new(o, "lost_1h", json_integer((json_int_t)sum.lost_lately));
    json_object_set_new(o, "gaps_24h", sum.gaps);
    json_array_append_new(list, o);
    return rc;
}

static int add_sensors(struct session *s, json_t *root)
{
    const struct sensor *list;
    size_t n;
    json_t *sensors = json_array();
    int rc = store_sensors(s->store, &list, &n);

    json_object_set_new(root, "sensors", sensors);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_sensor(s, &list[i], wall_now(), sensors);
    if (rc < 0)
        error_add(&s->err, NULL, 0, 0, "the facts can't be read (%s)", store_error(s->store));
    return rc;
}

/* ---- what needs a person ---- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static json_int_t number_of(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* Sentences; none: all is well. */
static json_t *needs(const json_t *root)
{
    json_t *list = json_array(), *o;
    const json_t *daemon = json_object_get(root, "daemon");
    size_t i;

    if (!json_is_true(json_object_get(daemon, "running")))
        json_array_append_new(list, json_string("no 'scantide run' is running"));
    if (*text_of(daemon, "fault"))
        json_array_append_new(list, json_string(text_of(daemon, "fault")));
    for (i = 0; (o = json_array_get(json_object_get(root, "inputs"), i)); i++) {
        if (*text_of(o, "fault"))
            json_array_append_new(list,
                                  json_sprintf("%s: %s", text_of(o, "name"), text_of(o, "fault")));
        else if (number_of(o, "lag_s") > LAG_LIMIT_S)
            json_array_append_new(list, json_sprintf("%s: is %d s behind", text_of(o, "name"),
                                                     (int)number_of(o, "lag_s")));
    }
    for (i = 0; (o = json_array_get(json_object_get(root, "sensors"), i)); i++)
        if (number_of(o, "lost_1h") > 0)
            json_array_append_new(list,
                                  json_sprintf("%s: %d lines were lost within the hour",
                                               text_of(o, "name"), (int)number_of(o, "lost_1h")));
    return list;
}

/* ---- as text ---- */

static void print_daemon(const json_t *daemon)
{
    if (json_is_true(json_object_get(daemon, "running")))
        printf("Daemon    runs since %s (process %d), committed last %s\n",
               text_of(daemon, "started"), (int)number_of(daemon, "pid"),
               *text_of(daemon, "committed") ? text_of(daemon, "committed") : "never");
    else
        printf("Daemon    isn't running; what follows is from the facts\n");
}

static void print_input(const json_t *o, bool first)
{
    printf("%-10s%s", first ? "Inputs" : "", text_of(o, "name"));
    if (*text_of(o, "sensor"))
        printf(", sensor %s", text_of(o, "sensor"));
    printf("\n");
    if (json_object_get(o, "lines"))
        printf("%-10s%" PRId64 " lines: %" PRId64 " events, %" PRId64 " ignored, %" PRId64
               " unmatched, %" PRId64 " lost\n",
               "", (int64_t)number_of(o, "lines"), (int64_t)number_of(o, "events"),
               (int64_t)number_of(o, "ignored"), (int64_t)number_of(o, "unmatched"),
               (int64_t)number_of(o, "lost"));
    if (number_of(o, "suppressed") > 0)
        printf("%-10s%" PRId64 " messages more, loggers say, they let fall\n", "",
               (int64_t)number_of(o, "suppressed"));
    if (number_of(o, "truncations") > 0)
        printf("%-10swas truncated %" PRId64 " times\n", "", (int64_t)number_of(o, "truncations"));
    if (number_of(o, "damaged_files") > 0)
        printf("%-10s%" PRId64 " rotated files are damaged: what is behind the damage is lost\n",
               "", (int64_t)number_of(o, "damaged_files"));
    if (json_is_integer(json_object_get(o, "offset")))
        printf("%-10sat byte %" PRId64 " of %" PRId64 "\n", "", (int64_t)number_of(o, "offset"),
               (int64_t)number_of(o, "size"));
    printf("%-10slast line %s", "",
           *text_of(o, "last_line") ? text_of(o, "last_line") : "none yet");
    if (number_of(o, "lag_s") > 0)
        printf(", %d s behind", (int)number_of(o, "lag_s"));
    printf("\n");
}

static void print_sensor(const json_t *o, bool first)
{
    json_t *gap;
    size_t i;

    printf("%-10s%s: %" PRId64 " events in 24 hours, watched to %s\n", first ? "Sensors" : "",
           text_of(o, "name"), (int64_t)number_of(o, "events_24h"),
           *text_of(o, "watched_to") ? text_of(o, "watched_to") : "never");
    for (i = 0; (gap = json_array_get(json_object_get(o, "gaps_24h"), i)); i++) {
        printf("%-10s  %s from %s to %s", "", text_of(gap, "reason"), text_of(gap, "from"),
               text_of(gap, "to"));
        if (number_of(gap, "lost") > 0)
            printf(", %" PRId64 " lines", (int64_t)number_of(gap, "lost"));
        if (*text_of(gap, "text"))
            printf(" (%s)", text_of(gap, "text"));
        printf("\n");
    }
}

static void print_text(const json_t *root)
{
    json_t *o;
    size_t i;

    print_daemon(json_object_get(root, "daemon"));
    for (i = 0; (o = json_array_get(json_object_get(root, "inputs"), i)); i++)
        print_input(o, i == 0);
    for (i = 0; (o = json_array_get(json_object_get(root, "sensors"), i)); i++)
        print_sensor(o, i == 0);
    for (i = 0; (o = json_array_get(json_object_get(root, "needs"), i)); i++)
        printf("%-10s%s\n", i == 0 ? "Needs you" : "", json_string_value(o));
    if (json_array_size(json_object_get(root, "needs")) == 0)
        printf("All is well.\n");
}

/* ---- the command ---- */

static int tell(struct session *s, bool as_json)
{
    json_t *root = ask_daemon(s->data);

    if (!root) {
        root = json_object();
        json_object_set_new(root, "daemon", json_pack("{s:b}", "running", 0));
        json_object_set_new(root, "inputs", inputs_from_facts(s));
    }
    int rc = add_sensors(s, root);
    json_object_set_new(root, "needs", needs(root));
    size_t n = json_array_size(json_object_get(root, "needs"));
    if (rc == 0 && as_json) {
        json_dumpf(root, stdout, JSON_INDENT(2));
        printf("\n");
    } else if (rc == 0) {
        print_text(root);
    }
    json_decref(root);
    return session_fail(s, rc < 0 || n > 0 ? EXIT_FAILED : EXIT_DONE);
}

int cmd_status(int argc, char **argv)
{
    static const struct option options[] = {
        SESSION_LONG_OPTIONS, {"json", no_argument, NULL, 'j'}, {0}};
    struct session s;
    bool as_json = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'j')
            as_json = true;
        else if (session_option(option, "status", usage, &status) < 0)
            return status;
    }
    if (optind < argc)
        return session_mistake("status", "'%s' is one word too many", argv[optind]);
    status = session_open(&s, SESSION_FACTS_READ);
    if (status == EXIT_DONE)
        status = tell(&s, as_json);
    session_close(&s);
    return status;
}

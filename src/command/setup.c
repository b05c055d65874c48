#include "command/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/nearest.h"

static void free_daemon_setup(struct daemon_setup *d)
{
    setup_free((struct setup *)d);
}

/* The path from the root, for it is stored; the folder need not be there. */
static char *absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? xasprintf("%s/%s", here, path) : xstrdup(path);

    free(here);
    return whole;
}

static int add_file(struct setup *s, const struct setup_files *call, const char *file,
                    struct error *err)
{
    bool is_stdin = strcmp(file, "-") == 0;
    char *path = is_stdin ? xstrdup("-") : absolute(file);

    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i].file, path) == 0) {
            error_add(err, path, 0, 0, "it is named twice: it would be counted twice");
            free(path);
            return -EINVAL;
        }
    s->files[s->file_count++] = (struct config_input){
        .kind = is_stdin ? INPUT_STDIN : INPUT_FILE,
        .file = path,
        .sensor = call->sensor ? xstrdup(call->sensor) : NULL,
        .zone = call->zone,
    };
    return 0;
}

/* What is there must be a file that may be read; all that can't is said. */
static int check_inputs(const struct setup *s, struct error *err)
{
    int answer = 0;

    for (size_t i = 0; i < s->daemon.input_count; i++) {
        const char *file = s->daemon.inputs[i].file;
        struct stat st;
        if (s->daemon.inputs[i].kind != INPUT_FILE)
            continue;
        int rc = stat(file, &st) < 0   ? -errno
                 : S_ISDIR(st.st_mode) ? -EISDIR
                                       : access_check(file, ACCESS_READ);
        if (rc < 0 && rc != -ENOENT)
            access_fault(file, ACCESS_READ, rc, err);
        else if (rc == 0 && !S_ISREG(st.st_mode))
            error_add(err, file, 0, 0, "this is no regular file, so it can't be followed");
        else
            continue;
        answer = -EINVAL;
    }
    return answer;
}

/* Parsers that an input names must be there. */
static int check_parsers(const struct setup *s, struct error *err)
{
    const struct parser_set *set = s->session.parsers;
    size_t n = parser_set_count(set), faults = err->n;
    const char **names = xcalloc(n + 1, sizeof(char *));

    for (size_t i = 0; i < n; i++)
        names[i] = parser_set_name(set, i);
    for (size_t i = 0; i < s->daemon.input_count; i++)
        for (size_t k = 0; k < s->daemon.inputs[i].parser_count; k++) {
            const char *name = s->daemon.inputs[i].parsers[k];
            size_t at = 0;
            while (at < n && strcmp(names[at], name) != 0)
                at++;
            const char *near = at == n ? nearest_word(str_from(name), names, n) : NULL;
            if (at == n)
                error_add(err, s->session.conf->file, 0, 0,
                          "inputs[%zu]: there is no parser '%s'%s%s%s; 'scantide parsers list' "
                          "tells which there are",
                          i, name, near ? "; did you mean '" : "", near ? near : "",
                          near ? "'?" : "");
        }
    free(names);
    return err->n > faults ? -EINVAL : 0;
}

static int choose_inputs(struct setup *s, const struct setup_files *call, struct error *err)
{
    struct config *conf = s->session.conf;
    int rc = 0;

    config_choose_input(conf);
    s->files = call->n ? xcalloc(call->n, sizeof *s->files) : NULL;
    for (size_t i = 0; i < call->n && rc == 0; i++)
        rc = add_file(s, call, call->files[i], err);
    s->daemon = (struct daemon_setup){
        .inputs = s->files ? s->files : conf->inputs,
        .input_count = s->files ? s->file_count : conf->input_count,
        .parsers = s->session.parsers,
        .geo = s->session.geo,
        .tags = {s->session.asn, &s->session.anonymizer},
        .data = s->session.data,
        .max_size = conf->max_size,
        .commit_every_s = conf->commit_every_s,
        .late_s = conf->late_s,
        .write_every_s = conf->series.write_every_s,
        .report = {.folder = conf->report.folder,
                   .format = conf->report.format,
                   .language = conf->report.language,
                   .config = conf->file,
                   .data = s->session.data,
                   .zone = conf->report.zone ? conf->report.zone : s->session.local,
                   .at_s = conf->report.at_s},
        .free = free_daemon_setup,
    };
    if (rc == 0)
        rc = check_parsers(s, err);
    return rc < 0 ? rc : check_inputs(s, err);
}

int setup_make(struct session *session, struct series *series, const struct setup_files *files,
               struct setup **out, struct error *err)
{
    *out = xcalloc(1, sizeof **out);
    (*out)->session = *session;
    *session = (struct session){0};
    int rc = choose_inputs(*out, files, err);
    (*out)->daemon.series = series;
    return rc;
}

static bool same_series(const struct config *a, const struct config *b)
{
    return a->series.port_events_per_hour == b->series.port_events_per_hour &&
           a->series.max_ports == b->series.max_ports &&
           a->series.port_count == b->series.port_count &&
           (a->series.port_count == 0 ||
            memcmp(a->series.ports, b->series.ports,
                   a->series.port_count * sizeof *a->series.ports) == 0) &&
           text_same(a->series.rrdcached, b->series.rrdcached);
}

/* What only a start can change. */
static void check_fixed(const struct config *old, const struct config *now, struct error *err)
{
    if (!text_same(old->data, now->data))
        error_add(err, now->file, 0, 0,
                  "'data' can't be changed while it runs: end 'scantide run' and start it again");
    if (!same_series(old, now))
        error_add(err, now->file, 0, 0,
                  "'series' but for write_every can't be changed while it runs: end 'scantide run' "
                  "and start it again");
}

int setup_remake(const struct setup *old, const struct setup_files *files, struct setup **out,
                 struct error *err)
{
    struct session s;
    int rc = session_load(&s, SESSION_PARSERS | SESSION_GEO);

    if (rc == 0)
        check_fixed(old->session.conf, s.conf, &s.err);
    if (rc < 0 || s.err.n) {
        error_move(err, &s.err);
        session_close(&s);
        return -EINVAL;
    }
    rc = setup_make(&s, old->daemon.series, files, out, err);
    if (rc < 0) {
        setup_free(*out);
        *out = NULL;
    }
    return rc;
}

void setup_free(struct setup *s)
{
    for (size_t i = 0; i < s->file_count; i++) {
        free(s->files[i].file);
        free(s->files[i].sensor);
    }
    free(s->files);
    session_close(&s->session);
    free(s);
}

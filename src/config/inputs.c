#include "config/inputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum {
    PARSERS_LIMIT = 1000,
    SILENCE_LIMIT_S = 7 * 86400,
};

static const cyaml_strval_t starts[] = {{"begin", START_BEGIN}, {"end", START_END}};

enum { OPTIONAL = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL };
#define TEXT(key, member) \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, struct raw_input, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t name_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t input_fields[] = {
    TEXT("file", file),
    TEXT("rotated", rotated),
    TEXT("journal", journal),
    TEXT("folder", folder),
    TEXT("listen", listen),
    LISTENING_FIELDS(struct raw_input, listening),
    TEXT("sensor", sensor),
    TEXT("timezone", timezone),
    TEXT("silence", silence),
    CYAML_FIELD_SEQUENCE("parsers", OPTIONAL, struct raw_input, parsers, &name_schema, 0,
                         PARSERS_LIMIT),
    CYAML_FIELD_ENUM_PTR("start", OPTIONAL | CYAML_FLAG_STRICT, struct raw_input, start, starts,
                         sizeof starts / sizeof *starts),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t inputs_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_input, input_fields),
};

/* Whether both paths name one file: as they are written, or where their links lead. */
static bool same_file(const char *a, const char *b)
{
    char real_a[PATH_MAX], real_b[PATH_MAX];

    return strcmp(a, b) == 0 ||
           (realpath(a, real_a) && realpath(b, real_b) && strcmp(real_a, real_b) == 0);
}

/* ---- one entry ---- */

/* Each kind has a key of its own; an entry has one of them. */
static enum input_kind read_kind(struct reading *r, const struct raw_input *raw, size_t i)
{
    int n = value_said(raw->file) + value_said(raw->journal) + value_said(raw->listen);
    char node[64];

    snprintf(node, sizeof node, "inputs[%zu]", i);
    if (n != 1 && yamlfile_is_sound(r->file, node))
        yamlfile_fault(r->file, node, r->err,
                       "'%s' must say what is read: 'file: PATH', 'journal: kernel' or 'listen: "
                       "udp://[::]:5514'%s",
                       node, n ? ", one of them" : "");
    return value_said(raw->listen)    ? INPUT_LISTEN
           : value_said(raw->journal) ? INPUT_JOURNAL
                                      : INPUT_FILE;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A rotated file must be of one log only, or both would take it in. */
static void check_rotated(struct reading *r, const char *node, size_t i)
{
    const struct config_input *input = &r->conf->inputs[i];
    const char *name = name_of(input->file), *mark = strpbrk(input->file, "*?[");

    if (mark && mark < name)
        yamlfile_fault(r->file, node, r->err,
                       "'%s' names logs of several folders, which could have the same name in "
                       "'%s': give each folder an entry of its own",
                       input->file, input->rotated);
    for (size_t j = 0; j < i; j++) {
        const struct config_input *other = &r->conf->inputs[j];
        if (other->file && other->rotated && same_file(other->rotated, input->rotated) &&
            strcmp(name_of(other->file), name) == 0)
            yamlfile_fault(r->file, node, r->err,
                           "the log of inputs[%zu] has the same name, and is rotated into the "
                           "same folder: what is found there can't be told apart; rotate one "
                           "of them into another",
                           j);
    }
}

static void read_file(struct reading *r, const struct raw_input *raw, size_t i)
{
    struct config_input *input = &r->conf->inputs[i];
    char node[64];

    snprintf(node, sizeof node, "inputs[%zu].file", i);
    value_path(r, node, raw->file, &input->file);
    for (size_t j = 0; j < i && input->file; j++)
        if (r->conf->inputs[j].file && same_file(input->file, r->conf->inputs[j].file)) {
            yamlfile_fault(r->file, node, r->err,
                           "'%s' is the same file as that of inputs[%zu]; it would be counted "
                           "twice, so take one of them out",
                           input->file, j);
            break;
        }
    snprintf(node, sizeof node, "inputs[%zu].rotated", i);
    value_path(r, node, raw->rotated, &input->rotated);
    if (input->file && input->rotated)
        check_rotated(r, node, i);
}

/* As journalctl(1) takes them: FIELD=VALUE. */
static bool is_match(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && text[n] == '=' && !(text[0] >= '0' && text[0] <= '9');
}

static void read_journal(struct reading *r, const struct raw_input *raw, size_t i)
{
    struct config_input *input = &r->conf->inputs[i];
    char node[64], *text = xstrdup(raw->journal), *save;

    snprintf(node, sizeof node, "inputs[%zu].journal", i);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        const char *match = strcmp(word, "kernel") == 0 ? "_TRANSPORT=kernel" : word;
        input->matches = xrealloc(input->matches, input->match_count + 1, sizeof *input->matches);
        input->matches[input->match_count++] = xstrdup(match);
        if (!is_match(match) && strcmp(match, "+") != 0)
            yamlfile_fault(r->file, node, r->err,
                           "'%s' is no match of the journal; write 'kernel', or FIELD=VALUE as "
                           "journalctl takes it, such as SYSLOG_IDENTIFIER=ulogd",
                           match);
    }
    free(text);
    snprintf(node, sizeof node, "inputs[%zu].folder", i);
    value_path(r, node, raw->folder, &input->folder);
    for (size_t j = 0; j < i; j++)
        if (r->conf->inputs[j].kind == INPUT_JOURNAL && !input->folder &&
            !r->conf->inputs[j].folder) {
            snprintf(node, sizeof node, "inputs[%zu].journal", i);
            yamlfile_fault(
                r->file, node, r->err,
                "the journal is read by inputs[%zu] already: put the matches into one, with "
                "'+' between them",
                j);
            break;
        }
}

static void read_input(struct reading *r, const struct raw_input *raw, size_t i)
{
    struct config_input *input = &r->conf->inputs[i];
    char node[64];

    *input = (struct config_input){.kind = read_kind(r, raw, i)};
    snprintf(node, sizeof node, "inputs[%zu].timezone", i);
    value_zone(r, node, value_said(raw->timezone) ? raw->timezone : "local", &input->zone);
    snprintf(node, sizeof node, "inputs[%zu].sensor", i);
    value_sensor(r, node, raw->sensor, &input->sensor);
    snprintf(node, sizeof node, "inputs[%zu].silence", i);
    value_duration(r, node, raw->silence, 60, SILENCE_LIMIT_S, "1m to 168h", &input->silence_s);
    input->parsers = xcalloc(raw->parsers_count + 1, sizeof *input->parsers);
    for (size_t k = 0; k < raw->parsers_count; k++)
        input->parsers[input->parser_count++] = xstrdup(raw->parsers[k]);
    if (raw->start)
        input->start = *raw->start;
    if (input->kind == INPUT_LISTEN)
        listening_read(r, raw->listen, &raw->listening, i);
    else
        listening_refuse(r, &raw->listening, i);
    snprintf(node, sizeof node, "inputs[%zu].rotated", i);
    if (input->kind != INPUT_FILE && value_said(raw->rotated))
        yamlfile_fault(r->file, node, r->err, "'rotated' is a key of an entry with 'file'");
    if (input->kind == INPUT_FILE)
        read_file(r, raw, i);
    else if (input->kind == INPUT_JOURNAL)
        read_journal(r, raw, i);
}

/* ---- all ---- */

void inputs_read(struct reading *r, const struct raw_input *raw, size_t n)
{
    struct config *conf = r->conf;

    inputs_fini(conf);
    conf->inputs = xcalloc(n + 1, sizeof *conf->inputs);
    conf->inputs_default = false;
    for (size_t i = 0; i < n; i++) {
        conf->input_count = i + 1;
        read_input(r, &raw[i], i);
    }
}

void inputs_default(struct config *conf)
{
    conf->input_count = 1;
    conf->inputs_default = true;
    conf->inputs = xcalloc(1, sizeof *conf->inputs);
    conf->inputs[0].file = xstrdup("/var/log/kern.log");
    if (zone_open("local", &conf->inputs[0].zone) < 0)
        ASSERT(zone_open("UTC", &conf->inputs[0].zone) == 0);
}

void config_choose_input(struct config *conf)
{
    struct config_input *input = conf->inputs;

    if (!conf->inputs_default || access(input->file, F_OK) == 0 ||
        (access("/run/log/journal", F_OK) < 0 && access("/var/log/journal", F_OK) < 0))
        return;
    free(input->file);
    *input = (struct config_input){.kind = INPUT_JOURNAL, .zone = input->zone, .match_count = 1};
    input->matches = xcalloc(1, sizeof *input->matches);
    input->matches[0] = xstrdup("_TRANSPORT=kernel");
}

void inputs_fini(struct config *conf)
{
    for (size_t i = 0; i < conf->input_count; i++) {
        struct config_input *input = &conf->inputs[i];
        for (size_t k = 0; k < input->match_count; k++)
            free(input->matches[k]);
        free(input->matches);
        for (size_t k = 0; k < input->parser_count; k++)
            free(input->parsers[k]);
        free(input->parsers);
        free(input->folder);
        listening_free(input->listen);
        free(input->file);
        free(input->rotated);
        free(input->sensor);
    }
    free(conf->inputs);
    conf->inputs = NULL;
    conf->input_count = 0;
}

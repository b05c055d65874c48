#include "series/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/yamlfile.h"
#include "store/facts.h"

enum { DAY_S = 86400, DAYS_MAX = 36600, ROWS_MAX = 2000000 };

static const cyaml_strval_t types[] = {{"ABSOLUTE", SCHEMA_ABSOLUTE}, {"GAUGE", SCHEMA_GAUGE}};
static const cyaml_strval_t functions[] = {
    {"AVERAGE", SCHEMA_AVERAGE}, {"MAX", SCHEMA_MAX}, {"MIN", SCHEMA_MIN}};

static const cyaml_schema_field_t source_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct schema_source, name, 1, 19),
    CYAML_FIELD_ENUM("type", CYAML_FLAG_STRICT, struct schema_source, type, types,
                     CYAML_ARRAY_LEN(types)),
    CYAML_FIELD_BOOL("pairs", CYAML_FLAG_DEFAULT, struct schema_source, pairs),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t source_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct schema_source, source_fields)};

static const cyaml_schema_field_t archive_fields[] = {
    CYAML_FIELD_ENUM("function", CYAML_FLAG_STRICT, struct schema_archive, function, functions,
                     CYAML_ARRAY_LEN(functions)),
    CYAML_FIELD_UINT("step", CYAML_FLAG_DEFAULT, struct schema_archive, step),
    CYAML_FIELD_UINT("days", CYAML_FLAG_DEFAULT, struct schema_archive, days),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t archive_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct schema_archive, archive_fields)};

static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_UINT("step", CYAML_FLAG_DEFAULT, struct schema, step),
    CYAML_FIELD_UINT("heartbeat", CYAML_FLAG_DEFAULT, struct schema, heartbeat),
    CYAML_FIELD_FLOAT("unknown", CYAML_FLAG_DEFAULT, struct schema, unknown),
    CYAML_FIELD_SEQUENCE("data_sources", CYAML_FLAG_POINTER, struct schema, sources, &source_schema,
                         2, 2),
    CYAML_FIELD_SEQUENCE("archives", CYAML_FLAG_POINTER, struct schema, archives, &archive_schema,
                         1, 20),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t top = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct schema, fields)};

/* The code fills these two and the charts name them. */
static const struct schema_source wanted[] = {
    {.name = (char[]){"events"}, .type = SCHEMA_ABSOLUTE, .pairs = true},
    {.name = (char[]){"sources"}, .type = SCHEMA_GAUGE, .pairs = false},
};

static void check_sources(const struct yamlfile *f, const struct schema *sc, struct error *err)
{
    char node[64];

    for (uint32_t i = 0; i < sc->sources_count; i++) {
        const struct schema_source *s = &sc->sources[i], *w = &wanted[i];
        snprintf(node, sizeof node, "data_sources[%u].name", i);
        if (strcmp(s->name, w->name) != 0)
            yamlfile_fault(f, node, err,
                           "data source %u must be '%s', since charts ask for it by "
                           "that name",
                           i + 1, w->name);
        snprintf(node, sizeof node, "data_sources[%u].type", i);
        if (s->type != w->type)
            yamlfile_fault(f, node, err,
                           "'%s' is written as %s; another type would give wrong "
                           "rates",
                           w->name, schema_type_name(w->type));
        snprintf(node, sizeof node, "data_sources[%u].pairs", i);
        if (s->pairs != w->pairs)
            yamlfile_fault(f, node, err, "must be %s: a pair has events and no sources",
                           w->pairs ? "yes" : "no");
    }
}

static void check_archives(const struct yamlfile *f, const struct schema *sc, struct error *err)
{
    static const char exact[] =
        "the first must be an AVERAGE with step %d: it holds the exact counts";
    char node[64];
    uint64_t rows = 0;

    if (sc->archives[0].function != SCHEMA_AVERAGE)
        yamlfile_fault(f, "archives[0].function", err, exact, BIN_S);
    if (sc->archives[0].step != BIN_S)
        yamlfile_fault(f, "archives[0].step", err, exact, BIN_S);
    for (uint32_t i = 0; i < sc->archives_count; i++) {
        const struct schema_archive *a = &sc->archives[i];
        bool fits = a->step > 0 && a->step % BIN_S == 0 && DAY_S % a->step == 0;
        bool lasts = a->days > 0 && a->days <= DAYS_MAX;
        snprintf(node, sizeof node, "archives[%u].step", i);
        if (!fits && i > 0)
            yamlfile_fault(f, node, err,
                           "must be a multiple of the step, %d, and fit into a day a "
                           "whole number of times, as 300, 3600 or 86400 do",
                           BIN_S);
        snprintf(node, sizeof node, "archives[%u].days", i);
        if (!lasts)
            yamlfile_fault(f, node, err, "must be from 1 to %d", DAYS_MAX);
        if (fits && lasts)
            rows += (uint64_t)a->days * (DAY_S / a->step);
    }
    if (rows > ROWS_MAX)
        yamlfile_fault(f, "archives", err,
                       "they hold %llu rows together; with more than %d, each "
                       "file would be larger than 32 MB",
                       (unsigned long long)rows, ROWS_MAX);
}

static void check(const struct yamlfile *f, const struct schema *sc, struct error *err)
{
    if (sc->step != BIN_S)
        yamlfile_fault(f, "step", err, "must be %d, the length of a bin in the facts", BIN_S);
    if (sc->heartbeat < BIN_S || sc->heartbeat % BIN_S != 0 || sc->heartbeat > 366 * DAY_S)
        yamlfile_fault(f, "heartbeat", err, "must be a multiple of %d, from %d to a year", BIN_S,
                       BIN_S);
    if (!(sc->unknown >= 0 && sc->unknown < 1))
        yamlfile_fault(f, "unknown", err, "must be a share: at least 0 and less than 1");
    check_sources(f, sc, err);
    check_archives(f, sc, err);
}

/* The yamlfile owns the strings and arrays of the value, so both live and die together. */
struct loaded {
    struct schema sc;
    struct yamlfile *file;
};

int schema_load(const char *path, struct schema **out, struct error *err)
{
    struct yamlfile *f;
    size_t before = err->n;

    *out = NULL;
    int rc = yamlfile_load(path, &top, &f, err);
    if (rc < 0)
        return rc;
    check(f, yamlfile_value(f), err);
    if (err->n > before) {
        yamlfile_free(f);
        return -EINVAL;
    }
    struct loaded *l = xcalloc(1, sizeof *l);
    l->sc = *(struct schema *)yamlfile_value(f);
    l->file = f;
    *out = &l->sc;
    return 0;
}

void schema_free(struct schema *sc)
{
    struct loaded *l = (struct loaded *)sc;

    if (!l)
        return;
    yamlfile_free(l->file);
    free(l);
}

int64_t schema_reach(const struct schema *sc)
{
    uint32_t days = 0;

    for (uint32_t i = 0; i < sc->archives_count; i++)
        days = sc->archives[i].days > days ? sc->archives[i].days : days;
    return (int64_t)days * DAY_S;
}

const char *schema_type_name(enum schema_type t)
{
    return types[t].str;
}

const char *schema_function_name(enum schema_function f)
{
    return functions[f].str;
}

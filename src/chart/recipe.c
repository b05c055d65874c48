#include "chart/recipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/yamlfile.h"

#define TEXT(name)                                                               \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL, \
                           struct chart_recipe, name, 1, 200)
#define NUMBER(name) CYAML_FIELD_UINT(#name, CYAML_FLAG_OPTIONAL, struct chart_recipe, name)

static const cyaml_schema_field_t colour_fields[] = {
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct chart_name, key, 1, 64),
    CYAML_FIELD_STRING_PTR("colour", CYAML_FLAG_POINTER, struct chart_name, name, 1, 64),
    CYAML_FIELD_END};
static const cyaml_schema_value_t colour_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct chart_name, colour_fields)};

static const cyaml_schema_field_t fields[] = {
    TEXT(title),
    TEXT(of),
    TEXT(key),
    TEXT(by),
    TEXT(last),
    TEXT(theme),
    CYAML_FIELD_BOOL("band", CYAML_FLAG_OPTIONAL, struct chart_recipe, band),
    CYAML_FIELD_BOOL("full", CYAML_FLAG_OPTIONAL, struct chart_recipe, full),
    NUMBER(width),
    NUMBER(height),
    NUMBER(zoom),
    NUMBER(layers),
    CYAML_FIELD_FLOAT("least", CYAML_FLAG_OPTIONAL, struct chart_recipe, least),
    CYAML_FIELD_SEQUENCE_COUNT("colours", CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER,
                               struct chart_recipe, colours, colour_count, &colour_schema, 0, 64),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct chart_recipe, fields)};

struct loaded {
    struct chart_recipe recipe; /* first: what the caller holds */
    struct yamlfile *file;      /* owns the strings */
};

static void check_word(const struct yamlfile *f, const char *node, const char *word,
                       const char *const *words, struct error *err)
{
    char *list = xstrdup("");

    for (size_t i = 0; words[i]; i++) {
        if (!word || strcmp(word, words[i]) == 0) {
            free(list);
            return;
        }
        char *longer = xasprintf("%s%s%s", list,
                                 i == 0         ? ""
                                 : words[i + 1] ? ", "
                                                : " or ",
                                 words[i]);
        free(list);
        list = longer;
    }
    yamlfile_fault(f, node, err, "'%s': %s is meant", word, list);
    free(list);
}

static void check_range(const struct yamlfile *f, const char *node, double v, double least,
                        double most, struct error *err)
{
    if (v != 0 && (v < least || v > most))
        yamlfile_fault(f, node, err, "must be from %g to %g", least, most);
}

/* What the schema can't say. */
static void check(const struct yamlfile *f, const struct chart_recipe *r, struct error *err)
{
    static const char *const ofs[] = {"total", "port", "country", NULL};
    static const char *const bys[] = {"country", "port", "none", "spread", NULL};
    char node[64];

    check_word(f, "of", r->of, ofs, err);
    check_word(f, "by", r->by, bys, err);
    check_range(f, "width", r->width, 100, 10000, err);
    check_range(f, "height", r->height, 50, 10000, err);
    check_range(f, "zoom", r->zoom, 1, 8, err);
    check_range(f, "layers", r->layers, 1, CHART_LAYERS_MAX, err);
    check_range(f, "least", r->least, 0, 1e15, err);
    if (r->key && !(r->of && (strcmp(r->of, "port") == 0 || strcmp(r->of, "country") == 0)))
        yamlfile_fault(f, "key", err, "a key needs 'of: port' or 'of: country' before it");
    for (unsigned i = 0; i < r->colour_count; i++) {
        const char *c = r->colours[i].name;
        snprintf(node, sizeof node, "colours[%u].colour", i);
        if (strlen(c) != 6 || strspn(c, "0123456789abcdefABCDEF") != 6)
            yamlfile_fault(f, node, err, "'%s' is no colour: six hex digits", c);
    }
}

int chart_recipe_load(const char *path, struct chart_recipe **out, struct error *err)
{
    struct yamlfile *f;
    size_t before = err->n;

    *out = NULL;
    int rc = yamlfile_load(path, &schema, &f, err);
    if (rc < 0)
        return rc;
    struct loaded *l = xcalloc(1, sizeof *l);
    l->recipe = *(struct chart_recipe *)yamlfile_value(f);
    l->file = f;
    check(f, &l->recipe, err);
    if (err->n > before) {
        chart_recipe_free(&l->recipe);
        return -EINVAL;
    }
    *out = &l->recipe;
    return 0;
}

void chart_recipe_free(struct chart_recipe *recipe)
{
    struct loaded *l = (struct loaded *)recipe;

    if (!l)
        return;
    yamlfile_free(l->file);
    free(l);
}

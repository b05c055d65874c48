#include "chart/definition.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/country_name.h"
#include "base/hash.h"
#include "base/language.h"
#include "config/yamlfile.h"

#define TEXT(key, type, field) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, field, 1, 200)
#define LIST(key, type, field, count, least) \
    CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, type, field, count, &text_schema, least, 64)
#define NUMBER(key, type, field) CYAML_FIELD_UINT(key, CYAML_FLAG_DEFAULT, type, field)
#define POINTS(key, type, field) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, type, field)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 200)};

static const cyaml_schema_field_t size_fields[] = {
    NUMBER("width", struct chart_size, width), NUMBER("height", struct chart_size, height),
    NUMBER("zoom", struct chart_size, zoom), CYAML_FIELD_END};

static const cyaml_schema_field_t font_fields[] = {
    TEXT("text", struct chart_fonts, text),     TEXT("figures", struct chart_fonts, figures),
    POINTS("title", struct chart_fonts, title), POINTS("subtitle", struct chart_fonts, subtitle),
    POINTS("axis", struct chart_fonts, axis),   POINTS("legend", struct chart_fonts, legend),
    POINTS("note", struct chart_fonts, note),   CYAML_FIELD_END};

#define WORD(field) TEXT(#field, struct chart_words, field)
static const cyaml_schema_field_t word_fields[] = {
    WORD(all),          WORD(from),    WORD(by_country), WORD(by_port),       WORD(over_ports),
    WORD(per_port),     WORD(events),  WORD(per_hour),   WORD(per_5_minutes), WORD(means_of),
    WORD(share),        WORD(sources), WORD(mean),       WORD(max),           WORD(last),
    WORD(other),        WORD(total),   WORD(band_mean),  WORD(band),          WORD(unknown),
    WORD(lost),         WORD(note),    WORD(cut),        WORD(times),         WORD(countries_by),
    WORD(no_countries), WORD(sensor),  WORD(sensors),    CYAML_FIELD_END};

#define COLOUR(field) TEXT(#field, struct chart_theme, field)
static const cyaml_schema_field_t theme_fields[] = {
    COLOUR(name),
    COLOUR(back),
    COLOUR(text),
    COLOUR(soft),
    COLOUR(axis),
    COLOUR(grid),
    COLOUR(unknown),
    COLOUR(lost),
    COLOUR(note),
    COLOUR(veil),
    COLOUR(other),
    LIST("hues", struct chart_theme, hues, hue_count, 1),
    LIST("tints", struct chart_theme, tints, tint_count, 1),
    CYAML_FIELD_END};
static const cyaml_schema_value_t theme_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct chart_theme, theme_fields)};

static const cyaml_schema_field_t name_fields[] = {
    TEXT("key", struct chart_name, key), TEXT("name", struct chart_name, name), CYAML_FIELD_END};
static const cyaml_schema_value_t name_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct chart_name, name_fields)};

static const cyaml_schema_field_t definition_fields[] = {
    CYAML_FIELD_MAPPING("size", CYAML_FLAG_DEFAULT, struct chart_definition, size, size_fields),
    NUMBER("layers", struct chart_definition, layers),
    CYAML_FIELD_MAPPING("fonts", CYAML_FLAG_DEFAULT, struct chart_definition, fonts, font_fields),
    CYAML_FIELD_MAPPING("words", CYAML_FLAG_DEFAULT, struct chart_definition, words, word_fields),
    LIST("countries", struct chart_definition, countries, country_count, 0),
    LIST("ports", struct chart_definition, ports, port_count, 0),
    CYAML_FIELD_SEQUENCE_COUNT("themes", CYAML_FLAG_POINTER, struct chart_definition, themes,
                               theme_count, &theme_schema, 1, 64),
    CYAML_FIELD_SEQUENCE_COUNT("names", CYAML_FLAG_POINTER, struct chart_definition, names,
                               name_count, &name_schema, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t definition_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct chart_definition, definition_fields)};

struct loaded {
    struct chart_definition def; /* first: what the caller holds */
    struct yamlfile *file;       /* owns the strings */
};

static void check_colour(const struct yamlfile *f, const char *node, const char *text,
                         struct error *err)
{
    size_t n = strlen(text);

    if ((n == 6 || n == 8) && strspn(text, "0123456789abcdefABCDEF") == n)
        return;
    yamlfile_fault(f, node, err, "'%s' is no colour: six hex digits, or eight with the opacity",
                   text);
}

static void check_theme(const struct yamlfile *f, const struct chart_theme *t, unsigned i,
                        struct error *err)
{
    const char *const keys[] = {"back",    "text", "soft", "axis", "grid",
                                "unknown", "lost", "note", "veil", "other"};
    const char *const values[] = {t->back,    t->text, t->soft, t->axis, t->grid,
                                  t->unknown, t->lost, t->note, t->veil, t->other};
    char node[64];

    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        snprintf(node, sizeof node, "themes[%u].%s", i, keys[k]);
        check_colour(f, node, values[k], err);
    }
    for (unsigned k = 0; k < t->hue_count; k++) {
        snprintf(node, sizeof node, "themes[%u].hues[%u]", i, k);
        check_colour(f, node, t->hues[k], err);
    }
    for (unsigned k = 0; k < t->tint_count; k++) {
        snprintf(node, sizeof node, "themes[%u].tints[%u]", i, k);
        check_colour(f, node, t->tints[k], err);
    }
}

static void check_range(const struct yamlfile *f, const char *node, double v, double least,
                        double most, struct error *err)
{
    if (v < least || v > most)
        yamlfile_fault(f, node, err, "must be from %g to %g", least, most);
}

/* What the schema can't say. */
static void check(const struct yamlfile *f, const struct chart_definition *d, struct error *err)
{
    char node[64];

    check_range(f, "size.width", d->size.width, 100, 10000, err);
    check_range(f, "size.height", d->size.height, 50, 10000, err);
    check_range(f, "size.zoom", d->size.zoom, 1, 8, err);
    check_range(f, "layers", d->layers, 1, CHART_LAYERS_MAX, err);
    check_range(f, "fonts.title", d->fonts.title, 4, 100, err);
    check_range(f, "fonts.subtitle", d->fonts.subtitle, 4, 100, err);
    check_range(f, "fonts.axis", d->fonts.axis, 4, 100, err);
    check_range(f, "fonts.legend", d->fonts.legend, 4, 100, err);
    check_range(f, "fonts.note", d->fonts.note, 4, 100, err);
    for (unsigned i = 0; i < d->theme_count; i++) {
        const struct chart_theme *t = &d->themes[i];
        check_theme(f, t, i, err);
        snprintf(node, sizeof node, "themes[%u].hues", i);
        if (!yamlfile_is_sound(f, node))
            continue; /* nobody knows how many there are */
        if (d->country_count > t->hue_count)
            yamlfile_fault(f, "countries", err, "%u countries but only %u hues in theme '%s'",
                           d->country_count, t->hue_count, t->name);
        if (d->port_count > t->hue_count)
            yamlfile_fault(f, "ports", err, "%u ports but only %u hues in theme '%s'",
                           d->port_count, t->hue_count, t->name);
        snprintf(node, sizeof node, "themes[%u].tints", i);
        if (t->tint_count < CHART_LAYERS_MAX - t->hue_count && t->hue_count < CHART_LAYERS_MAX)
            yamlfile_fault(f, node, err, "theme '%s' needs %u tints more", t->name,
                           CHART_LAYERS_MAX - t->hue_count - t->tint_count);
    }
}

/* The strings are the file's, the struct with their addresses is a copy. */
static void translate(struct chart_definition *d)
{
    char **words = (char **)&d->words;

    for (size_t i = 0; i < sizeof d->words / sizeof *words; i++)
        words[i] = (char *)_x("chart", words[i]);
    d->fonts.text = (char *)_x("font", d->fonts.text);
    d->fonts.figures = (char *)_x("font", d->fonts.figures);
}

int chart_definition_load(const char *path, struct chart_definition **out, struct error *err)
{
    struct yamlfile *f;
    size_t before = err->n;

    *out = NULL;
    int rc = yamlfile_load(path, &definition_schema, &f, err);
    if (rc < 0)
        return rc;
    struct loaded *l = xcalloc(1, sizeof *l);
    l->def = *(struct chart_definition *)yamlfile_value(f);
    l->file = f;
    translate(&l->def);
    check(f, &l->def, err);
    if (err->n > before) {
        chart_definition_free(&l->def);
        return -EINVAL;
    }
    *out = &l->def;
    return 0;
}

void chart_definition_free(struct chart_definition *def)
{
    struct loaded *l = (struct loaded *)def;

    if (!l)
        return;
    yamlfile_free(l->file);
    free(l);
}

const struct chart_theme *chart_definition_theme(const struct chart_definition *def,
                                                 const char *name)
{
    if (!name)
        return &def->themes[0];
    for (unsigned i = 0; i < def->theme_count; i++)
        if (strcmp(def->themes[i].name, name) == 0)
            return &def->themes[i];
    return NULL;
}

const char *chart_definition_name(const struct chart_definition *def, const char *key)
{
    for (unsigned i = 0; i < def->name_count; i++)
        if (strcmp(def->names[i].key, key) == 0)
            return _x("chart", def->names[i].name);
    uint16_t country;
    const char *name = country_parse(str_from(key), &country) == 0 ? country_name(country) : "";
    return *name ? name : NULL;
}

/* The place in one of the two lists, or -1. */
static int listed(const struct chart_definition *def, const char *key)
{
    for (unsigned i = 0; i < def->country_count; i++)
        if (strcmp(def->countries[i], key) == 0)
            return (int)i;
    for (unsigned i = 0; i < def->port_count; i++)
        if (strcmp(def->ports[i], key) == 0)
            return (int)i;
    return -1;
}

static bool taken(const char *const *colours, size_t n, const char *colour)
{
    for (size_t i = 0; i < n; i++)
        if (colours[i] && strcmp(colours[i], colour) == 0)
            return true;
    return false;
}

/* The tint of the key's hash, else the next free one, else a hue that nobody has. */
static const char *free_tint(const struct chart_theme *theme, const char *key,
                             const char *const *colours, size_t n)
{
    uint64_t h = hash_bytes(key, strlen(key), 0);

    for (unsigned i = 0; i < theme->tint_count; i++) {
        const char *tint = theme->tints[(h + i) % theme->tint_count];
        if (!taken(colours, n, tint))
            return tint;
    }
    for (unsigned i = 0; i < theme->hue_count; i++)
        if (!taken(colours, n, theme->hues[i]))
            return theme->hues[i];
    return theme->tints[h % theme->tint_count];
}

void chart_definition_colours(const struct chart_definition *def, const struct chart_theme *theme,
                              const char *const *keys, size_t n, const char **out)
{
    for (size_t i = 0; i < n; i++) {
        int at = listed(def, keys[i]);
        out[i] = at < 0 ? NULL : theme->hues[at];
    }
    for (size_t i = 0; i < n; i++)
        if (!out[i])
            out[i] = free_tint(theme, keys[i], out, n);
}

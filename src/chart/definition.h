/* definition.h - rrd/chart.yaml as a value: sizes, fonts, words, palettes.
 *
 * Reads that file and nothing else; draws nothing. Immutable once loaded: any thread may read it.
 *
 *     struct chart_definition *def;
 *     if (chart_definition_load(path, &def, &err) < 0)
 *         ...
 *     const struct chart_theme *theme = chart_definition_theme(def, "dark");
 *     chart_definition_colours(def, theme, keys, n, colours);
 *     chart_definition_free(def);
 */
#ifndef SCANTIDE_CHART_DEFINITION_H
#define SCANTIDE_CHART_DEFINITION_H

#include <stddef.h>

#include "base/error.h"

/* A colour is "RRGGBB" or "RRGGBBAA", without '#'. */
struct chart_theme {
    char *name;
    char *back, *text, *soft; /* paper, ink, and ink for what matters less */
    char *axis, *grid;
    char *unknown; /* time that nobody watched */
    char *lost;    /* time of which something was lost */
    char *note;    /* time that the operator has said something of */
    char *veil;    /* the band, where nothing stands before it */
    char *other;
    char **hues;
    unsigned hue_count;
    char **tints;
    unsigned tint_count;
};

/* Families that have the letters of the reader's language, once loaded. */
struct chart_fonts {
    char *text, *figures;
    double title, subtitle, axis, legend, note; /* points */
};

/* In the reader's language (base/language.h) once loaded. */
struct chart_words {
    char *all, *from, *by_country, *by_port, *over_ports;
    char *per_hour, *per_5_minutes, *per_port, *means_of;
    char *events, *share, *sources, *mean, *max, *last;
    char *other, *total, *band_mean, *band, *unknown, *lost, *note, *cut;
    char *times, *countries_by, *no_countries, *sensor, *sensors;
};

struct chart_name {
    char *key, *name;
};

struct chart_size {
    unsigned width, height, zoom; /* pixels of the plot; zoom multiplies them in a PNG */
};

struct chart_definition {
    struct chart_size size;
    unsigned layers;
    struct chart_fonts fonts;
    struct chart_words words;
    char **countries;
    unsigned country_count;
    char **ports;
    unsigned port_count;
    struct chart_theme *themes;
    unsigned theme_count;
    struct chart_name *names;
    unsigned name_count;
};

enum { CHART_LAYERS_MAX = 20 };

/* Returns 0 with *out the caller's, or a negative errno with all faults of the file added to
 * err and *out NULL. */
int chart_definition_load(const char *path, struct chart_definition **out, struct error *err);

/* NULL is fine. */
void chart_definition_free(struct chart_definition *def);

/* NULL where there is no such theme; NULL for `name` gives the first. */
const struct chart_theme *chart_definition_theme(const struct chart_definition *def,
                                                 const char *name);

/* "telnet" for "23/tcp", a country's name for its code; NULL where there is none. In the reader's language. */
const char *chart_definition_name(const struct chart_definition *def, const char *key);

/* One colour for each of n <= CHART_LAYERS_MAX keys ("CN", "23/tcp"), the largest part first.
 * A key that the definition lists has its own hue in every chart; any other the tint of its
 * hash, or the next one that is free in this chart. */
void chart_definition_colours(const struct chart_definition *def, const struct chart_theme *theme,
                              const char *const *keys, size_t n, const char **out);

#endif

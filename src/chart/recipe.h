/* recipe.h - rrd/charts/NAME.yaml as a value: a chart that has a name.
 *
 * Reads that file and nothing else. What a file leaves out is zero or NULL. Immutable once loaded.
 *
 *     struct chart_recipe *recipe;
 *     if (chart_recipe_load(path, &recipe, &err) == 0)
 *         ...
 *     chart_recipe_free(recipe);
 */
#ifndef SCANTIDE_CHART_RECIPE_H
#define SCANTIDE_CHART_RECIPE_H

#include <stdbool.h>

#include "base/error.h"
#include "chart/definition.h"

struct chart_recipe {
    char *title;
    char *of, *key, *by; /* words of `scantide graph` */
    char *last;          /* "3d" */
    char *theme;
    bool band, full;
    unsigned width, height, zoom, layers;
    double least; /* events an hour, in the mean */
    struct chart_name *colours;
    unsigned colour_count;
};

/* 0 with *out the caller's, or a negative errno with all faults added to err and *out NULL. */
int chart_recipe_load(const char *path, struct chart_recipe **out, struct error *err);
void chart_recipe_free(struct chart_recipe *recipe);

#endif

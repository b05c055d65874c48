/* spread.h - how events are spread over all ports: a stroke a port, 0 to 65535, on a logarithmic
 * scale; narrow or wide at a glance.
 *
 * No RRD holds it, so it is drawn here, by cairo and Pango, with the sizes, fonts and colours of
 * the other charts. Ports that share a pixel are one stroke, as tall as the tallest of them. One
 * thread at a time.
 *
 *     struct spread spread = {.definition = def, .theme = theme, .points = list, .n = n, ...};
 *     rc = spread_draw(&spread, "ru.svg", err);
 */
#ifndef SCANTIDE_CHART_SPREAD_H
#define SCANTIDE_CHART_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "chart/definition.h"

struct spread_point {
    uint16_t number;
    bool udp; /* else TCP */
    uint64_t events;
};

struct spread {
    const struct chart_definition *definition;
    const struct chart_theme *theme;
    const char *title, *subtitle;
    unsigned width, height, zoom;      /* the plot's pixels; zoom counts for PNG only */
    const struct spread_point *points; /* those with the most events first: they are labelled */
    size_t n;
    const char *const *notes; /* lines under the chart */
    size_t note_count;
};

/* Into a file, .png or .svg: beside it first and then renamed over it. 0, or a negative errno with
 * a fault in err and a file that was there untouched. */
int spread_draw(const struct spread *s, const char *output, struct error *err);

#endif

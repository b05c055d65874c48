/* recolour.h - a picture that is drawn once and is right on light and on dark screens. Pure.
 *
 * librrd's SVG (cairo's) names its colours in each shape. A style within the picture gives every
 * colour of one theme the other theme's where the reader's screen is dark; the same key has the
 * same place in both palettes, so a country keeps its colour. */
#ifndef SCANTIDE_CHART_RECOLOUR_H
#define SCANTIDE_CHART_RECOLOUR_H

#include "chart/definition.h"

/* "<style>@media (prefers-color-scheme: dark){...}</style>", for behind an SVG's first tag. The
 * caller frees it. */
char *recolour_style(const struct chart_theme *from, const struct chart_theme *to);

#endif

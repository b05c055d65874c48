/* axis.h - where a chart's axes end, what they are marked with, and which bars are cut off.
 *
 * One flood would press all other hours flat. So where the tallest bar is more than three times
 * what nine of ten bars keep within, the axis ends a little above the rest; the bars that go on
 * are cut, and the tallest of them are labelled with what they reach. Pure. Any thread.
 *
 *     struct chart_axis axis;
 *     chart_axis_fit(hourly, n, from, 3600, CHART_CUT, 300, &axis);
 *     for (size_t i = 0; i < axis.cut_count; i++)
 *         label(axis.cuts[i].from, axis.cuts[i].to, axis.cuts[i].value);
 */
#ifndef SCANTIDE_CHART_AXIS_H
#define SCANTIDE_CHART_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chart_scale {
    CHART_CUT,  /* cut what would flatten the rest */
    CHART_FULL, /* never */
};

enum { CHART_CUTS_MAX = 4 };

/* Bars side by side that are cut. */
struct chart_cut {
    int64_t from, to; /* seconds */
    double value;     /* of the tallest of them */
};

struct chart_axis {
    double top;                            /* where the axis ends */
    double grid;                           /* from one line to the next */
    bool known;                            /* there is known time */
    bool unknown;                          /* there is unknown time */
    bool cut;                              /* some bars are taller than the axis */
    struct chart_cut cuts[CHART_CUTS_MAX]; /* the tallest, by time */
    size_t cut_count;
};

/* `values`: the bars from `from` on, step_s each, NAN where unknown; `height` of the plot in
 * pixels. */
void chart_axis_fit(const double *values, size_t n, int64_t from, unsigned step_s,
                    enum chart_scale scale, unsigned height, struct chart_axis *out);

/* rrdtool's --x-grid for so many seconds on so many pixels; the caller frees it. */
char *chart_axis_x_grid(int64_t span_s, unsigned width);

/* How wide a bar is, in seconds: 300 for six hours or less, 3600, or more where an hour would
 * have less than a pixel. */
unsigned chart_axis_step(int64_t span_s, unsigned width);

#endif

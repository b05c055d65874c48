/* heading.h - what stands over and under the plot: title, labels of cut bars, notes.
 *
 * librrd centres its title and its watermark in the picture. Both are made of lines of one
 * paragraph, which begin together, and the last of them is an empty one of such a width that
 * they begin over the plot's left edge. Pure. Any thread.
 */
#ifndef SCANTIDE_CHART_HEADING_H
#define SCANTIDE_CHART_HEADING_H

#include "chart/args.h"
#include "chart/axis.h"
#include "chart/chart.h"

#define CHART_CUT_MARK "\xe2\x96\xb2"

void heading_add_title(struct args *cmd, const struct chart_request *req,
                       const struct chart_axis *axis, const struct chart_place *place);

/* `legend_rows`: librrd makes no room for a legend that is taller than the plot; space below
 * the notes does. */
void heading_add_notes(struct args *cmd, const struct chart_request *req,
                       const struct chart_place *place, unsigned legend_rows);

#endif

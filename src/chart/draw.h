/* draw.h - charts through librrd: looks at the data, builds the command, draws it. The one place
 * of the charts that knows librrd.
 *
 * A picture takes three passes: the series' bars are read so that the axis can be fitted
 * (rrd_xport), an empty chart is drawn to learn where librrd places the plot, and then the chart
 * with title and labels moved there. librrd's graphs take the time zone and the locale of the
 * process: both are set for the call and put back, so one thread at a time, and no other that
 * uses them.
 *
 *     struct args cmd;
 *     if (chart_prepare(&req, &cmd, err) == 0)
 *         rc = chart_draw(&req, &cmd, err);
 *     args_fini(&cmd);
 */
#ifndef SCANTIDE_CHART_DRAW_H
#define SCANTIDE_CHART_DRAW_H

#include "base/error.h"
#include "chart/chart.h"

/* The command of the final picture. Returns 0, an error of chart_build, or -EIO with librrd's
 * sentence in err. */
int chart_prepare(const struct chart_request *req, struct args *out, struct error *err);

/* Draws a prepared command into req->output, beside it first and then renamed over it. Returns
 * 0 or a negative errno with a fault in err; a file that was there is untouched on failure. */
int chart_draw(const struct chart_request *req, const struct args *cmd, struct error *err);

#endif

/* chart.h - what is to be drawn, and the `rrdtool graph` command that draws it.
 *
 * Builds argument vectors from values; reads no RRD and draws nothing (chart/draw.h does). The
 * same vector goes to librrd and, quoted, to a shell, so `--print` prints what is drawn. Pure but
 * for chart_request.exists. Any thread.
 *
 * The picture, from the back: unknown time as columns, losses and notes, the band's veil, the stack, the series'
 * own line, the band's lines. `other` is the line less the layers, so the top of the stack is the
 * line. What librrd has no option for stands in Pango markup: a title that begins over the plot's
 * left edge and labels over cut bars are moved there by letter spacing, which needs the place of
 * the plot that librrd chose: struct chart_place.
 *
 *     struct args cmd;
 *     if (chart_build(&req, &axis, &place, &cmd, err) == 0)
 *         puts(text = args_shell(&cmd, req.zone));
 *     args_fini(&cmd);
 */
#ifndef SCANTIDE_CHART_CHART_H
#define SCANTIDE_CHART_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "chart/args.h"
#include "chart/axis.h"
#include "chart/definition.h"

/* The sum over sensors of one file each, or of several. */
struct chart_part {
    const char *key;         /* "CN", "23/tcp": decides the colour; NULL for the total */
    const char *path;        /* below a sensor's folder: "pair/23-tcp/CN.rrd" */
    const char *sources;     /* how many distinct ones, as text: no RRD knows; NULL: not told */
    const char *const *more; /* further paths, whose files are added: those of a group's ports */
    size_t more_count;
};

/* What is shaded besides bars that nobody knows. */
enum chart_shade_kind {
    CHART_SHADE_UNKNOWN, /* nobody watched */
    CHART_SHADE_LOST,    /* watched, but something was lost */
    CHART_SHADE_NOTE,    /* the operator has said something */
    CHART_SHADE_KINDS
};

struct chart_shade {
    enum chart_shade_kind kind;
    int64_t from, to; /* half-open; drawn by whole 5 minutes, or hours on charts of many days */
};

struct chart_request {
    const struct chart_definition *definition;
    const struct chart_theme *theme;
    const char *title, *subtitle; /* plain text; the subtitle also says the unit */
    int64_t from, to;             /* UTC seconds, multiples of step_s */
    int64_t known_until;          /* the last update of the files; chart_prepare reads it */
    unsigned step_s;              /* of a bar: chart_axis_step */
    unsigned width, height, zoom; /* the plot's pixels; zoom counts for PNG only */
    bool legend_below;            /* the plot; else beside it: for narrow screens */
    bool band; /* mean and 1.645 sigma of 48 hours; none where a bar is more than an hour */
    enum chart_scale scale;
    const char *const *sensors; /* folders: "<data>/rrd/<sensor>" */
    size_t sensor_count;
    struct chart_part series;
    const struct chart_part *layers; /* the largest first; at most CHART_LAYERS_MAX */
    size_t layer_count;
    const struct chart_shade *shades; /* by kind */
    size_t shade_count;
    const struct chart_name *colours; /* of parts, instead of the palette's */
    size_t colour_count;
    const char *const *notes; /* lines under the chart */
    size_t note_count;
    const char *zone;                 /* for TZ: "Europe/Berlin" */
    const char *output;               /* .png or .svg */
    bool (*exists)(const char *path); /* NULL: every file is there */
};

/* Pixels, as librrd places things at zoom 1. */
struct chart_place {
    long left;  /* where the plot begins */
    long width; /* of the whole picture */
};

/* The command that draws `req`: "rrdtool", "graph", the output, options, elements. Returns 0;
 * -ENOENT where the series has no file with any sensor, or -EINVAL for an output that is
 * neither .png nor .svg, with a fault added to err. A layer without files is left to `other`. */
int chart_build(const struct chart_request *req, const struct chart_axis *axis,
                const struct chart_place *place, struct args *out, struct error *err);

/* A command that draws nothing of the data, but whose plot begins where that of chart_build's
 * will, in a picture as wide: quick to run. Errors as chart_build. */
int chart_build_layout(const struct chart_request *req, const struct chart_axis *axis,
                       struct args *out, struct error *err);

/* `rrdtool xport` of the series' bars alone: what chart_axis_fit is to see. Errors as
 * chart_build. */
int chart_build_export(const struct chart_request *req, struct args *out, struct error *err);

#endif

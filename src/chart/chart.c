#include "chart/chart.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "chart/heading.h"
#include "chart/markup.h"

#define NO_BREAK     "\xc2\xa0"
#define DASH         "\xe2\x80\x93"
#define BAND_S       172800
#define BAND_KNOWN_S 86400

enum {
    LABEL_MAX = 22,
    SMALL_TOP = 25,                  /* below it a mean has a decimal */
    FIGURE_COLUMNS = 10 + 8 + 3 * 9, /* events, share, mean, max, last */
    SOURCE_COLUMNS = 10,
    LAYOUT_HEIGHT = 50 /* of a plot that nobody looks at */
};

/* rrdtool splits an element at ':' but not at "\:". */
static char *escape_path(const char *path)
{
    char *out = xcalloc(strlen(path) + 1, 2), *p = out;

    for (; *path; path++) {
        if (*path == ':')
            *p++ = '\\';
        *p++ = *path;
    }
    return out;
}

/* Files that the part is the sum of, if they are there. */
static size_t part_files(const struct chart_request *req, const struct chart_part *part)
{
    return req->sensor_count * (1 + part->more_count);
}

/* Whether there is the part's i-th file. */
static bool part_file(const struct chart_request *req, const struct chart_part *part, size_t i,
                      char **path)
{
    size_t sensor = i % req->sensor_count, which = i / req->sensor_count;

    *path = xasprintf("%s/%s", req->sensors[sensor], which ? part->more[which - 1] : part->path);
    if (!req->exists || req->exists(*path))
        return true;
    free(*path);
    *path = NULL;
    return false;
}

/* Days and thirds of days have no hours that could stand out. */
static bool has_band(const struct chart_request *req)
{
    return req->band && req->step_s <= 3600;
}

/* What is read of a file. */
struct reading {
    unsigned step_s;
    int64_t from, to; /* 0: the chart's */
};

/* `name`: the part's events a second over all sensors, times `factor`; unknown only where all
 * are unknown. The end is a second early since librrd takes one row more than it is asked for
 * where the end is aligned. Returns false where there is no file at all: nothing is added. */
static bool add_sum(struct args *cmd, const struct chart_request *req,
                    const struct chart_part *part, const char *name, struct reading reading,
                    unsigned factor)
{
    char *sum = NULL;
    size_t size, n = 0;
    FILE *f = open_memstream(&sum, &size);
    char *start = reading.from ? xasprintf(":start=%lld", (long long)reading.from) : xstrdup("");

    ASSERT(f);
    for (size_t i = 0; i < part_files(req, part); i++) {
        char *path;
        if (!part_file(req, part, i, &path))
            continue;
        char *escaped = escape_path(path);
        args_add(cmd, "DEF:%s_%zu=%s:events:AVERAGE:step=%u%s:end=%lld", name, i, escaped,
                 reading.step_s, start, (long long)(reading.to ? reading.to : req->to) - 1);
        fprintf(f, n ? ",%s_%zu,ADDNAN" : "%s_%zu", name, i);
        n++;
        free(escaped);
        free(path);
    }
    fclose(f);
    if (n && factor == 1)
        args_add(cmd, "CDEF:%s=%s", name, sum);
    else if (n)
        args_add(cmd, "CDEF:%s=%s,%u,*", name, sum, factor);
    free(sum);
    free(start);
    return n > 0;
}

/* How many events a bar of height 1 stands for. */
static unsigned unit_s(const struct chart_request *req)
{
    return req->step_s < 3600 ? req->step_s : 3600;
}

/* Whether the span has a bar that the last update falls into; *from is its start. */
static bool has_open_bar(const struct chart_request *req, int64_t *from)
{
    *from = req->known_until - req->known_until % req->step_s;
    return req->step_s > 300 && req->known_until > *from && *from >= req->from && *from < req->to;
}

/* `full_<name>`: complete bars; `bars_<name>`: with the bar that the last update falls into,
 * at the rate it has had so far: archives have a row only when it is over. Returns false where
 * there is no file. */
static bool add_bars(struct args *cmd, const struct chart_request *req,
                     const struct chart_part *part, const char *name)
{
    int64_t open_from;
    bool open = has_open_bar(req, &open_from);
    char *full = xasprintf("%s_%s", open ? "full" : "bars", name);
    char *rest = xasprintf("open_%s", name);
    bool found =
        add_sum(cmd, req, part, full, (struct reading){.step_s = req->step_s}, unit_s(req));

    if (found && open) {
        struct reading reading = {300, open_from, req->known_until};
        add_sum(cmd, req, part, rest, reading, unit_s(req));
        args_add(cmd, "VDEF:rate_%s=%s,AVERAGE", rest, rest);
        args_add(cmd, "CDEF:bars_%s=%s,UN,TIME,%lld,GT,TIME,%lld,LE,*,rate_%s,UNKN,IF,%s,IF", name,
                 full, (long long)open_from, (long long)open_from + req->step_s, rest, full);
    }
    free(full);
    free(rest);
    return found;
}

/* A file's own resolution where the span is short enough for it to be there: an hour of which
 * a part is unknown is drawn at the rate of the rest, but the legend's sums are events. */
static unsigned sum_step_s(const struct chart_request *req)
{
    return req->to - req->from <= 9 * 86400 + 43200 ? 300 : 3600;
}

/* "t", "CN": the names of the command's variables. rrdtool's operators (IN, LT, UN ...) are no
 * names, so they begin with a word. */
static void variable(char out[static 40], const char *key)
{
    size_t n = 0;

    for (const char *p = key; *p && n < 30; p++)
        out[n++] = isalnum((unsigned char)*p) ? *p : '_';
    out[n] = 0;
}

/* One row of the legend and what it is about. */
struct row {
    char name[40]; /* of bars: bars_<name>; of events a second: rate_<name> */
    char *label;
    const char *colour, *sources;
    const struct chart_part *part; /* of a layer */
};

struct picture {
    const struct chart_request *req;
    const struct chart_axis *axis;
    struct row rows[CHART_LAYERS_MAX + 2]; /* layers, other, total */
    size_t layers, count;
    size_t label_width;
    bool has_sources;
};

static void add_row(struct picture *p, const char *name, char *label, const char *colour,
                    const char *sources)
{
    struct row *r = &p->rows[p->count++];
    size_t width = markup_columns(label);

    snprintf(r->name, sizeof r->name, "%s", name);
    r->label = label;
    r->colour = colour;
    r->sources = sources;
    if (width > p->label_width)
        p->label_width = width < LABEL_MAX ? width : LABEL_MAX;
    if (sources)
        p->has_sources = true;
}

static bool has_files(const struct chart_request *req, const struct chart_part *part)
{
    bool found = false;

    for (size_t i = 0; i < part_files(req, part) && !found; i++) {
        char *path;
        found = part_file(req, part, i, &path);
        free(path);
    }
    return found;
}

/* The legend's rows: layers that have files, what they leave, the total. */
static void add_rows(struct picture *p)
{
    const struct chart_request *req = p->req;
    const struct chart_words *w = &req->definition->words;
    const char *keys[CHART_LAYERS_MAX], *colours[CHART_LAYERS_MAX];

    ASSERT(req->layer_count <= CHART_LAYERS_MAX);
    for (size_t i = 0; i < req->layer_count; i++)
        keys[i] = req->layers[i].key;
    chart_definition_colours(req->definition, req->theme, keys, req->layer_count, colours);
    for (size_t i = 0; i < req->layer_count; i++)
        for (size_t k = 0; k < req->colour_count; k++)
            if (strcmp(req->colours[k].key, keys[i]) == 0)
                colours[i] = req->colours[k].name;
    for (size_t i = 0; i < req->layer_count; i++) {
        char name[40];
        if (!has_files(req, &req->layers[i]))
            continue;
        variable(name, keys[i]);
        const char *said = chart_definition_name(req->definition, keys[i]);
        add_row(p, name, said ? xasprintf("%s %s", keys[i], said) : xstrdup(keys[i]), colours[i],
                req->layers[i].sources);
        p->rows[p->count - 1].part = &req->layers[i];
    }
    p->layers = p->count;
    if (p->layers)
        add_row(p, "other", xstrdup(w->other), req->theme->other, NULL);
    add_row(p, "total", xstrdup(w->total), req->theme->text, req->series.sources);
}

/* Reads the layers: bars_<key> as drawn, zero where the layer's file doesn't know what the
 * series knows (a pair that is younger); rate_<key> for the legend's sums. */
static void add_layers(struct args *cmd, const struct picture *p)
{
    for (size_t i = 0; i < p->layers; i++) {
        const char *name = p->rows[i].name;
        char full[64];
        snprintf(full, sizeof full, "file_%s", name);
        add_bars(cmd, p->req, p->rows[i].part, full);
        args_add(cmd, "CDEF:bars_%s=bars_file_%s,UN,bars_total,0,*,bars_file_%s,IF", name, name,
                 name);
        snprintf(full, sizeof full, "rate_%s", name);
        add_sum(cmd, p->req, p->rows[i].part, full, (struct reading){.step_s = sum_step_s(p->req)},
                1);
    }
}

/* "bars_other=bars_total,bars_CN,-,...": what the layers leave. */
static void add_other(struct args *cmd, const struct picture *p, const char *kind)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    for (size_t i = 0; i < p->layers; i++)
        fprintf(f, ",%s_%s,%s", kind, p->rows[i].name,
                strcmp(kind, "rate") == 0 ? "0,ADDNAN,-" : "-");
    fclose(f);
    args_add(cmd, "CDEF:%s_other=%s_total%s,0,MAX", kind, kind, text);
    free(text);
}

/* Mean and spread of the 48 hours before and with each bar. TREND's window begins where its
 * variable does, so these have their own DEF, two days earlier, and are joined with the bars
 * at the end. */
static void add_band(struct args *cmd, const struct chart_request *req)
{
    unsigned step = unit_s(req);

    add_sum(cmd, req, &req->series, "past", (struct reading){step, req->from - BAND_S, 0}, step);
    args_add(cmd, "CDEF:known=past,UN,0,1,IF");
    args_add(cmd, "CDEF:known_part=known,%d,TRENDNAN", BAND_S);
    args_add(cmd, "CDEF:mean_any=past,%d,TRENDNAN", BAND_S);
    args_add(cmd, "CDEF:square=past,past,*");
    args_add(cmd, "CDEF:mean_square=square,%d,TRENDNAN", BAND_S);
    args_add(cmd, "CDEF:mean=known_part,%d,*,%d,GE,bars_total,UN,UNKN,mean_any,IF,UNKN,IF", BAND_S,
             BAND_KNOWN_S);
    args_add(cmd, "CDEF:spread=mean_square,mean,mean,*,-,0,MAX,SQRT,1.645,*");
    args_add(cmd, "CDEF:band_low=mean,spread,-,0,MAX");
    args_add(cmd, "CDEF:band_high=mean,spread,+");
    args_add(cmd, "CDEF:band_width=band_high,band_low,-");
    args_add(cmd,
             "CDEF:band_foot=band_low,0,GT,band_low,UNKN,IF"); /* at zero there is no lower line */
}

/* Shades */

/* Whole bars of unknown time are shaded by `unknown` already, from the files. */
static bool is_shaded_by_bars(const struct chart_request *req, const struct chart_shade *s)
{
    return s->kind == CHART_SHADE_UNKNOWN && s->from % req->step_s == 0 && s->to % req->step_s == 0;
}

static bool has_shade(const struct chart_request *req, enum chart_shade_kind kind)
{
    for (size_t i = 0; i < req->shade_count; i++)
        if (req->shades[i].kind == kind && !is_shaded_by_bars(req, &req->shades[i]))
            return true;
    return false;
}

/* A row is stamped with its end. */
static void add_shade(struct args *cmd, const struct chart_request *req, enum chart_shade_kind kind,
                      const char *name, const char *colour)
{
    char *text = NULL;
    size_t size, n = 0;
    int64_t step = sum_step_s(req);

    if (!has_shade(req, kind))
        return;
    FILE *f = open_memstream(&text, &size);
    ASSERT(f);
    for (size_t i = 0; i < req->shade_count; i++) {
        const struct chart_shade *s = &req->shades[i];
        if (s->kind != kind || is_shaded_by_bars(req, s))
            continue;
        fprintf(f, ",TIME,%lld,GT,TIME,%lld,LE,*%s", (long long)(s->from - s->from % step),
                (long long)(s->to + (step - s->to % step) % step), n++ ? ",+" : "");
    }
    fclose(f);
    args_add(cmd, "CDEF:%s=rate_total,POP%s,INF,UNKN,IF", name, text);
    args_add(cmd, "AREA:%s#%s", name, colour);
    free(text);
}

static bool shows_unknown(const struct picture *p)
{
    return p->axis->unknown || has_shade(p->req, CHART_SHADE_UNKNOWN);
}

/* Rows of the key for shades. */
static unsigned shade_rows(const struct chart_request *req, const struct chart_axis *axis)
{
    unsigned unknown = axis->unknown || has_shade(req, CHART_SHADE_UNKNOWN);
    unsigned lost = has_shade(req, CHART_SHADE_LOST), note = has_shade(req, CHART_SHADE_NOTE);

    return unknown + lost + note;
}

/* Drawing */

static void add_header(struct args *cmd, const struct picture *p)
{
    const struct chart_words *w = &p->req->definition->words;
    const char *per = unit_s(p->req) == 3600 ? "/h" : "/5m";
    struct column {
        const char *text, *per;
        size_t width;
    } columns[] = {{"", "", p->label_width}, {w->events, "", 10},
                   {w->share, "", 8},        {w->sources, "", p->has_sources ? 10 : 0},
                   {w->mean, per, 9},        {w->max, per, 9},
                   {w->last, per, 9}};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char *head = xasprintf("%s%s", columns[i].text, columns[i].per);
        char *right = markup_right(head, columns[i].width);
        fputs(columns[i].width ? right : "", f);
        free(head);
        free(right);
    }
    fclose(f);
    char *m = markup_text(text, SIZE_MAX);
    args_add(cmd, "AREA:nothing#00000000:%s\\l", m);
    free(text);
    free(m);
}

/* The bars that a row's figures are of: hours where a bar is more; without the open one, unless
 * there is no other. */
static const char *figure_bars(struct args *cmd, const struct picture *p, const char *name)
{
    int64_t open_from;

    if (p->req->step_s > 3600)
        return "hours";
    if (!has_open_bar(p->req, &open_from))
        return "bars";
    args_add(cmd, "CDEF:done_%s=any_total,UN,bars_%s,TIME,%lld,GT,UNKN,bars_%s,IF,IF", name, name,
             (long long)open_from, name);
    return "done";
}

/* A row's figures: events are of the finer data, bars of what is drawn (of hours where a bar
 * is more). */
static void add_figures(struct args *cmd, const struct picture *p, const struct row *r)
{
    const char *n = r->name;
    const char *bars = figure_bars(cmd, p, n);
    size_t width = markup_columns(r->label);
    int pad = (int)(p->label_width - (width < LABEL_MAX ? width : LABEL_MAX));

    args_add(cmd, "CDEF:part_%s=nothing,POP,sum_total,0,GT,sum_%s,sum_total,/,100,*,0,IF", n, n);
    args_add(cmd, "VDEF:share_%s=part_%s,MAXIMUM", n, n);
    args_add(cmd, "VDEF:mean_%s=%s_%s,AVERAGE", n, bars, n);
    args_add(cmd, "VDEF:max_%s=%s_%s,MAXIMUM", n, bars, n);
    args_add(cmd, "VDEF:last_%s=%s_%s,LAST", n, bars, n);
    args_add(cmd, "GPRINT:sum_%s:%*s%%10.0lf\\g", n, pad, "");
    args_add(cmd, "GPRINT:share_%s:%%7.1lf%%%%\\g", n);
    if (p->has_sources) {
        char *m = markup_text(r->sources ? r->sources : NO_BREAK,
                              9); /* blanks alone would be taken away */
        args_add(cmd, "COMMENT:%*s%s\\g",
                 10 - (int)markup_columns(r->sources ? r->sources : NO_BREAK), "", m);
        free(m);
    }
    if (!p->axis->known) { /* librrd would print "-nan" */
        args_add(cmd, "COMMENT:%*s%*s%*s\\l", 9 + 2, DASH, 9 + 2, DASH, 9 + 2, DASH);
        return;
    }
    args_add(cmd, "GPRINT:mean_%s:%%9.%dlf\\g", n, p->axis->top < SMALL_TOP);
    args_add(cmd, "GPRINT:max_%s:%%9.0lf\\g", n);
    args_add(cmd, "GPRINT:last_%s:%%9.0lf\\l", n);
}

static void add_stack(struct args *cmd, const struct picture *p)
{
    int64_t open_from;

    add_header(cmd, p);
    if (has_open_bar(p->req, &open_from))
        args_add(cmd, "VDEF:any_total=full_total,MAXIMUM");
    if (p->count == 1) { /* no stack: the bars have the series' own colour */
        const char *key = p->req->series.key, *colour = p->req->theme->other;
        if (key)
            chart_definition_colours(p->req->definition, p->req->theme, &key, 1, &colour);
        args_add(cmd, "AREA:bars_total#%s", colour);
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct row *r = &p->rows[i];
        char *m = markup_text(r->label, LABEL_MAX);
        if (i + 1 < p->count)
            args_add(cmd, "AREA:bars_%s#%s:%s\\g%s", r->name, r->colour, m, i ? ":STACK" : "");
        else
            args_add(cmd, "LINE1:bars_total#%s:%s\\g", r->colour, m);
        add_figures(cmd, p, r);
        free(m);
    }
}

/* Two slits in the colour of the paper, near the end of each bar that goes on. */
static void add_cuts(struct args *cmd, const struct picture *p)
{
    double top = p->axis->top;

    if (!p->axis->cut)
        return;
    args_add(cmd, "CDEF:slit1=bars_total,%.10g,GT,%.10g,UNKN,IF", top, top * 0.925);
    args_add(cmd, "CDEF:slit2=bars_total,%.10g,GT,%.10g,UNKN,IF", top, top * 0.955);
    args_add(cmd, "LINE2:slit1#%s", p->req->theme->back);
    args_add(cmd, "LINE2:slit2#%s", p->req->theme->back);
}

/* Each line on a wider one of the paper's colour, so that it is seen on any layer. */
static void add_band_lines(struct args *cmd, const struct chart_request *req)
{
    const struct chart_theme *t = req->theme;
    char *mean = markup_text(req->definition->words.band_mean, 40);
    char *band = markup_text(req->definition->words.band, 40);

    args_add(cmd, "LINE2.5:mean#%.6sB0", t->back);
    args_add(cmd, "LINE2.5:band_high#%.6sB0", t->back);
    args_add(cmd, "LINE2.5:band_foot#%.6sB0", t->back);
    args_add(cmd, "LINE1:mean#%s:%s\\l:dashes=5,3", t->text, mean);
    args_add(cmd, "LINE0.8:band_high#%s:%s\\l", t->soft, band);
    args_add(cmd, "LINE0.8:band_foot#%s", t->soft);
    free(mean);
    free(band);
}

static void add_key_row(struct args *cmd, const char *colour, const char *text)
{
    char *m = markup_text(text, 40);

    args_add(cmd, "AREA:nothing#%s:%s\\l", colour, m);
    free(m);
}

static void add_key(struct args *cmd, const struct picture *p)
{
    const struct chart_request *req = p->req;
    const struct chart_words *w = &req->definition->words;

    if (has_band(req) || shade_rows(req, p->axis) || p->axis->cut)
        args_add(cmd, "COMMENT: \\l");
    if (has_band(req))
        add_band_lines(cmd, req);
    if (shows_unknown(p))
        add_key_row(cmd, req->theme->unknown, w->unknown);
    if (has_shade(req, CHART_SHADE_LOST))
        add_key_row(cmd, req->theme->lost, w->lost);
    if (has_shade(req, CHART_SHADE_NOTE))
        add_key_row(cmd, req->theme->note, w->note);
    if (p->axis->cut) {
        char *m = markup_text(w->cut, 40);
        args_add(cmd, "COMMENT:" CHART_CUT_MARK " %s %.0f\\l", m, p->axis->top);
        free(m);
    }
}

static void add_elements(struct args *cmd, const struct picture *p)
{
    const struct chart_request *req = p->req;
    const struct chart_theme *t = req->theme;

    add_bars(cmd, req, &req->series, "total");
    add_sum(cmd, req, &req->series, "rate_total", (struct reading){.step_s = sum_step_s(req)}, 1);
    add_layers(cmd, p);
    if (p->layers) {
        add_other(cmd, p, "bars");
        add_other(cmd, p, "rate");
    }
    args_add(cmd, "CDEF:unknown=bars_total,UN,INF,UNKN,IF");
    args_add(cmd, "CDEF:nothing=bars_total,POP,UNKN");
    if (has_band(req))
        add_band(cmd, req);
    for (size_t i = 0; i < p->count; i++) {
        args_add(cmd, "CDEF:known_%s=rate_%s,0,ADDNAN", p->rows[i].name, p->rows[i].name);
        args_add(cmd, "VDEF:sum_%s=known_%s,TOTAL", p->rows[i].name, p->rows[i].name);
        if (req->step_s > 3600)
            args_add(cmd, "CDEF:hours_%s=rate_%s,3600,*", p->rows[i].name, p->rows[i].name);
    }
    args_add(cmd, "AREA:unknown#%s", t->unknown);
    if (has_band(req)) {
        args_add(cmd, "AREA:band_low#00000000");
        args_add(cmd, "AREA:band_width#%s::STACK", t->veil);
    }
    add_shade(cmd, req, CHART_SHADE_NOTE, "noted", t->note);
    add_stack(cmd, p);
    add_cuts(cmd, p);
    /* Over the stack, which lacks something there: a part of a bar has the rate of the rest. */
    char *veil = xasprintf("%.6sB0", t->unknown);
    add_shade(cmd, req, CHART_SHADE_UNKNOWN, "blind", veil);
    add_shade(cmd, req, CHART_SHADE_LOST, "lost", t->lost);
    free(veil);
    add_key(cmd, p);
}

/* Options */

static void add_colours(struct args *cmd, const struct chart_theme *t)
{
    const char *const pairs[][2] = {{"BACK", t->back},   {"CANVAS", t->back}, {"SHADEA", t->back},
                                    {"SHADEB", t->back}, {"FRAME", t->back},  {"ARROW", t->back},
                                    {"FONT", t->text},   {"AXIS", t->axis},   {"MGRID", t->grid},
                                    {"GRID", "00000000"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        args_push(cmd, xstrdup("--color"));
        args_add(cmd, "%s#%s", pairs[i][0], pairs[i][1]);
    }
}

static void add_fonts(struct args *cmd, const struct chart_fonts *f)
{
    args_push(cmd, xstrdup("--font"));
    args_add(cmd, "AXIS:%.4g:%s", f->axis, f->text);
    args_push(cmd, xstrdup("--font"));
    args_add(cmd, "LEGEND:%.4g:%s", f->legend, f->figures);
}

static bool is_svg(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".svg") == 0;
}

static bool is_png(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".png") == 0;
}

static void add_options(struct args *cmd, const struct chart_request *req,
                        const struct chart_axis *axis)
{
    char digits[32];
    bool svg = is_svg(req->output);

    args_option(cmd, "--imgformat", xstrdup(svg ? "SVG" : "PNG"));
    args_option(cmd, "--start", xasprintf("%lld", (long long)req->from));
    /* Without a legend at its right there is no room for half a label of the very end. */
    args_option(cmd, "--end", xasprintf("%lld", (long long)req->to - req->legend_below));
    args_option(cmd, "--width", xasprintf("%u", req->width));
    args_option(cmd, "--height", xasprintf("%u", req->height));
    args_option(cmd, "--zoom", xasprintf("%u", svg ? 1 : req->zoom));
    args_option(cmd, "--lower-limit", xstrdup("0"));
    args_option(cmd, "--upper-limit", xasprintf("%.10g", axis->top));
    args_push(cmd, xstrdup("--rigid"));
    args_option(cmd, "--x-grid", chart_axis_x_grid(req->to - req->from, req->width));
    args_option(cmd, "--y-grid", xasprintf("%.10g:1", axis->grid));
    args_option(cmd, "--left-axis-formatter", xstrdup("numeric"));
    args_option(cmd, "--left-axis-format", xstrdup("%.0lf"));
    args_option(cmd, "--units-exponent", xstrdup("0"));
    int n = snprintf(digits, sizeof digits, "%.0f", axis->top);
    args_option(cmd, "--units-length", xasprintf("%d", n < 3 ? 4 : n + 1));
    args_option(cmd, "--border", xstrdup("0"));
    args_option(cmd, "--grid-dash", xstrdup("1:0"));
    args_option(cmd, "--legend-position", xstrdup(req->legend_below ? "south" : "east"));
    args_push(cmd, xstrdup("--dynamic-labels"));
    args_push(cmd, xstrdup("--disable-rrdtool-tag"));
    args_push(cmd, xstrdup("--pango-markup"));
}

static int check_request(const struct chart_request *req, struct error *err)
{
    if (req->output && !is_svg(req->output) && !is_png(req->output)) {
        error_add(err, NULL, 0, 0, "'%s' must end in .png or .svg", req->output);
        return -EINVAL;
    }
    for (size_t i = 0; i < part_files(req, &req->series); i++) {
        char *path;
        if (part_file(req, &req->series, i, &path)) {
            free(path);
            return 0;
        }
    }
    error_add(err, NULL, 0, 0, "there is no series '%s' with any of the sensors", req->series.path);
    return -ENOENT;
}

/* Header, layers, other, total, and the key with an empty row before it. */
static unsigned legend_rows(const struct chart_request *req, const struct chart_axis *axis)
{
    unsigned key = (has_band(req) ? 2u : 0u) + shade_rows(req, axis) + axis->cut;

    return (unsigned)req->layer_count + 3 + key + (key > 0);
}

static void picture_fini(struct picture *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->rows[i].label);
}

int chart_build(const struct chart_request *req, const struct chart_axis *axis,
                const struct chart_place *place, struct args *out, struct error *err)
{
    struct picture p = {.req = req, .axis = axis};
    int rc = check_request(req, err);

    *out = (struct args){0};
    if (rc < 0)
        return rc;
    args_add(out, "rrdtool");
    args_add(out, "graph");
    args_add(out, "%s", req->output);
    add_options(out, req, axis);
    add_colours(out, req->theme);
    add_fonts(out, &req->definition->fonts);
    heading_add_title(out, req, axis, place);
    heading_add_notes(out, req, place, req->legend_below ? 0 : legend_rows(req, axis));
    add_rows(&p);
    add_elements(out, &p);
    picture_fini(&p);
    return 0;
}

/* ---- the layout alone ---- */

/* As wide as the row will be: what GPRINT prints is padded to its column. */
static void add_layout_row(struct args *cmd, const struct picture *p, const struct row *r)
{
    size_t width = markup_columns(r->label);
    char *m = markup_text(r->label, LABEL_MAX);
    int columns = (int)(p->label_width - (width < LABEL_MAX ? width : LABEL_MAX)) + FIGURE_COLUMNS +
                  (p->has_sources ? SOURCE_COLUMNS : 0);

    args_add(cmd, "AREA:nothing#00000000:%s\\g", m);
    args_add(cmd, "COMMENT:%0*d\\l", columns, 0);
    free(m);
}

static void add_layout_key(struct args *cmd, const struct picture *p, bool is, const char *text)
{
    if (is)
        add_key_row(cmd, p->req->theme->text, text);
}

int chart_build_layout(const struct chart_request *req, const struct chart_axis *axis,
                       struct args *out, struct error *err)
{
    const struct chart_words *w = &req->definition->words;
    struct picture p = {.req = req, .axis = axis};
    struct chart_request small = *req;
    int rc = check_request(req, err);

    *out = (struct args){0};
    if (rc < 0)
        return rc;
    small.zoom = 1;
    small.height = LAYOUT_HEIGHT;
    args_add(out, "rrdtool");
    args_add(out, "graph");
    args_add(out, "%s", req->output);
    add_options(out, &small, axis);
    add_fonts(out, &req->definition->fonts);
    add_rows(&p);
    add_sum(out, req, &req->series, "any", (struct reading){.step_s = 86400}, 1);
    args_add(out, "CDEF:nothing=any,POP,UNKN");
    add_header(out, &p);
    for (size_t i = 0; i < p.count; i++)
        add_layout_row(out, &p, &p.rows[i]);
    add_layout_key(out, &p, has_band(req), w->band_mean);
    add_layout_key(out, &p, has_band(req), w->band);
    add_layout_key(out, &p, shows_unknown(&p), w->unknown);
    add_layout_key(out, &p, has_shade(req, CHART_SHADE_LOST), w->lost);
    add_layout_key(out, &p, has_shade(req, CHART_SHADE_NOTE), w->note);
    picture_fini(&p);
    return 0;
}

int chart_build_export(const struct chart_request *req, struct args *out, struct error *err)
{
    int rc = check_request(req, err);

    *out = (struct args){0};
    if (rc < 0)
        return rc;
    args_add(out, "rrdtool");
    args_add(out, "xport");
    args_option(out, "--start", xasprintf("%lld", (long long)req->from));
    args_option(out, "--end", xasprintf("%lld", (long long)req->to));
    /* Without these, xport would coarsen the open bar's data to a four hundredth of the span. */
    args_option(out, "--step", xstrdup("300"));
    args_option(out, "--maxrows", xasprintf("%lld", (long long)(req->to - req->from) / 300 + 400));
    add_bars(out, req, &req->series, "total");
    args_add(out, "XPORT:bars_total");
    return 0;
}

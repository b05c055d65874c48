#include "chart/chart.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* What librrd 1.7.2 does with sizes, seen in its pictures: text is laid out at 100 dots an inch; a title of three
 * paragraphs (more aren't counted) takes 6.4 times its font's size and begins after 1.3 times of it; the watermark takes twice its own,
 * a row of the legend 1.8 times, the labels of the time axis 2.5 times. */
#define DOTS_PER_POINT (100.0 / 72)
#define TITLE_ROOM     (6.4 - 1.3)
#define NOTE_ROOM      2.0
#define LEGEND_ROW     1.8
#define AXIS_ROOM      2.5
#define LINE_HEIGHT    (1.362 * DOTS_PER_POINT) /* of Noto Sans; DejaVu Sans has less */
#define FIGURE_WIDTH   (0.602 * DOTS_PER_POINT) /* of DejaVu Sans Mono */
#define LINE_SEPARATOR "&#8232;"                /* begins a line without beginning a paragraph */
#define NO_WIDTH       "&#8203;"
#define NO_BREAK       "\xc2\xa0"
#define CUT_MARK       "\xe2\x96\xb2"
#define DASH           "\xe2\x80\x93"
#define ELLIPSIS       "\xe2\x80\xa6"
#define BAND_S         172800
#define BAND_KNOWN_S   86400

enum { LABEL_MAX = 22 };

static void push(struct chart_command *cmd, char *arg)
{
    cmd->argv = xrealloc(cmd->argv, cmd->argc + 2, sizeof *cmd->argv);
    cmd->argv[cmd->argc++] = arg;
    cmd->argv[cmd->argc] = NULL;
}

__attribute__((format(printf, 2, 3))) static void add(struct chart_command *cmd, const char *fmt,
                                                      ...)
{
    char *arg = NULL;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&arg, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    push(cmd, arg);
}

static void option(struct chart_command *cmd, const char *name, char *value)
{
    push(cmd, xstrdup(name));
    push(cmd, value);
}

void chart_command_fini(struct chart_command *cmd)
{
    for (size_t i = 0; i < cmd->argc; i++)
        free(cmd->argv[i]);
    free(cmd->argv);
    *cmd = (struct chart_command){0};
}

/* Text */

/* Length of the UTF-8 sequence at s, 1 for a byte that begins none. */
static size_t sequence(const char *s)
{
    unsigned char c = (unsigned char)*s;
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 1;
    return n;
}

static size_t columns(const char *s)
{
    size_t n = 0;

    for (; *s; s += sequence(s))
        n++;
    return n;
}

/* Pango markup of plain text, cut at `most` characters. Besides markup's own, the characters that rrdtool reads
 * something into (':' '%' '\' '=') become character references, so nothing in a name can end or change an element. */
static char *markup(const char *text, size_t most)
{
    char *out = NULL;
    size_t size, n = 0;
    FILE *f = open_memstream(&out, &size);

    ASSERT(f);
    for (size_t step; *text; text += step, n++) {
        unsigned char c = (unsigned char)*text;
        step = sequence(text);
        if (n + 1 == most && text[step]) {
            fputs(ELLIPSIS, f);
            break;
        }
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && step == 1))
            fputc('?', f);
        else if (step == 1 && strchr("&<>'\":%\\=", c))
            fprintf(f, "&#%u;", c);
        else
            fwrite(text, 1, step, f);
    }
    fclose(f);
    return out;
}

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

char *chart_key_title(const struct chart_definition *def, const char *key)
{
    const char *name = chart_definition_name(def, key);

    return name ? xasprintf("%s (%s)", key, name) : xstrdup(key);
}

/* An empty stretch within a line of markup. Pango takes half of a letter's spacing away at a line's ends, hence the
 * characters of no width about it. */
static void put_space(FILE *f, double pixels)
{
    fprintf(f,
            "<span size=\"1024\">" NO_WIDTH "<span letter_spacing=\"%.0f\"> </span>" NO_WIDTH
            "</span>",
            pixels * 1024);
}

static void put_line_end(FILE *f)
{
    fputs("<span size=\"1024\">" LINE_SEPARATOR "</span>", f);
}

static void put_text(FILE *f, const char *attributes, double points, const char *colour,
                     const char *text)
{
    char *m = markup(text, SIZE_MAX);

    fprintf(f, "<span size=\"%.0f\" foreground=\"#%.6s\"%s>%s</span>", points * 1024, colour,
            attributes, m);
    free(m);
}

/* A label over the plot. */
struct label {
    double x, width;
    char text[32];
};

static int by_x(const void *a, const void *b)
{
    const struct label *l = a, *m = b;
    return (l->x > m->x) - (l->x < m->x);
}

/* What the cut bars reach, over them; where two would overlap, the taller's. */
static size_t cut_labels(const struct chart_request *req, const struct chart_axis *axis,
                         const struct chart_place *place, struct label *out)
{
    double figure = req->definition->fonts.note * FIGURE_WIDTH;
    bool done[CHART_CUTS_MAX] = {false};
    size_t n = 0;

    for (size_t round = 0; round < axis->cut_count; round++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < axis->cut_count; i++)
            if (!done[i] && (best == SIZE_MAX || axis->cuts[i].value > axis->cuts[best].value))
                best = i;
        done[best] = true;
        const struct chart_cut *cut = &axis->cuts[best];
        struct label l;
        int64_t middle = cut->from + (cut->to - cut->from) / 2;
        snprintf(l.text, sizeof l.text, CUT_MARK "%.0f", cut->value);
        l.width = (double)columns(l.text) * figure;
        l.x = (double)place->left - l.width / 2 +
              (double)req->width * (double)(middle - req->from) / (double)(req->to - req->from);
        if (l.x < (double)place->left)
            l.x = (double)place->left;
        bool free_place = true;
        for (size_t i = 0; i < n; i++)
            if (l.x < out[i].x + out[i].width + figure && out[i].x < l.x + l.width + figure)
                free_place = false;
        if (free_place)
            out[n++] = l;
    }
    qsort(out, n, sizeof *out, by_x);
    return n;
}

static void put_cut_labels(FILE *f, const struct chart_request *req, const struct chart_axis *axis,
                           const struct chart_place *place)
{
    struct label labels[CHART_CUTS_MAX];
    size_t n = cut_labels(req, axis, place, labels);
    double at = (double)place->left;
    char *face = xasprintf(" face=\"%s\"", req->definition->fonts.figures);

    for (size_t i = 0; i < n; i++) {
        put_space(f, labels[i].x - at);
        put_text(f, face, req->definition->fonts.note, req->theme->text, labels[i].text);
        at = labels[i].x + labels[i].width;
    }
    put_line_end(f);
    free(face);
}

/* librrd centres the title in the picture. The last line is as wide as the picture less the plot's left on both
 * sides, and lines of one paragraph begin together. */
static void add_title(struct chart_command *cmd, const struct chart_request *req,
                      const struct chart_axis *axis, const struct chart_place *place)
{
    const struct chart_fonts *fonts = &req->definition->fonts;
    double height = (fonts->title + fonts->subtitle) * LINE_HEIGHT + 7;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    put_text(f, " weight=\"bold\"", fonts->title, req->theme->text, req->title);
    put_line_end(f);
    put_text(f, "", fonts->subtitle, req->theme->soft, req->subtitle);
    put_line_end(f);
    if (axis->cut) {
        height += fonts->note * LINE_HEIGHT - 2;
        put_cut_labels(f, req, axis, place);
    }
    put_space(f, (double)(place->width - 2 * place->left));
    fputs("\n \n ", f); /* for the room that they make */
    fclose(f);
    push(cmd, xstrdup("--font"));
    add(cmd, "TITLE:%.2f:%s", height / TITLE_ROOM, fonts->text);
    option(cmd, "--title", text);
}

/* Under the chart. librrd makes no room for a legend that is taller than the plot: an empty line below the notes does. */
static void add_notes(struct chart_command *cmd, const struct chart_request *req,
                      const struct chart_place *place, unsigned legend_rows)
{
    const struct chart_fonts *fonts = &req->definition->fonts;
    double notes = (double)req->note_count * fonts->note * LINE_HEIGHT + 16;
    double legend = legend_rows * fonts->legend * LEGEND_ROW + 12;
    double more = legend - req->height - fonts->axis * AXIS_ROOM - notes;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    for (size_t i = 0; i < req->note_count; i++) {
        put_text(f, "", fonts->note, req->theme->soft, req->notes[i]);
        put_line_end(f);
    }
    if (more > 0) {
        fprintf(f, "<span size=\"%.0f\">" NO_WIDTH LINE_SEPARATOR "</span>",
                more / LINE_HEIGHT * 1024);
        notes += more;
    }
    put_space(f, (double)(place->width - 2 * place->left));
    fclose(f);
    push(cmd, xstrdup("--font"));
    add(cmd, "WATERMARK:%.2f:%s", notes / NOTE_ROOM, fonts->text);
    option(cmd, "--watermark", text);
}

/* Data */

/* Whether there is the part's file in a sensor's folder. */
static bool part_file(const struct chart_request *req, const struct chart_part *part, size_t sensor,
                      char **path)
{
    *path = xasprintf("%s/%s", req->sensors[sensor], part->path);
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

/* `name`: the part's events a second over all sensors, times `factor`; unknown only where all are unknown. The end is a
 * second early since librrd takes one row more than it is asked for where the end is aligned. Returns false where there
 * is no file at all: nothing is added. */
static bool add_sum(struct chart_command *cmd, const struct chart_request *req,
                    const struct chart_part *part, const char *name, struct reading reading,
                    unsigned factor)
{
    char *sum = NULL;
    size_t size, n = 0;
    FILE *f = open_memstream(&sum, &size);
    char *start = reading.from ? xasprintf(":start=%lld", (long long)reading.from) : xstrdup("");

    ASSERT(f);
    for (size_t i = 0; i < req->sensor_count; i++) {
        char *path;
        if (!part_file(req, part, i, &path))
            continue;
        char *escaped = escape_path(path);
        add(cmd, "DEF:%s_%zu=%s:events:AVERAGE:step=%u%s:end=%lld", name, i, escaped,
            reading.step_s, start, (long long)(reading.to ? reading.to : req->to) - 1);
        fprintf(f, n ? ",%s_%zu,ADDNAN" : "%s_%zu", name, i);
        n++;
        free(escaped);
        free(path);
    }
    fclose(f);
    if (n && factor == 1)
        add(cmd, "CDEF:%s=%s", name, sum);
    else if (n)
        add(cmd, "CDEF:%s=%s,%u,*", name, sum, factor);
    free(sum);
    free(start);
    return n > 0;
}

/* How many events a bar of height 1 stands for. */
static unsigned unit_s(const struct chart_request *req)
{
    return req->step_s < 3600 ? req->step_s : 3600;
}

/* `full_<name>`: complete bars; `bars_<name>`: with the bar that the last update falls into, at the rate it has had so far: archives have
 * a row only when it is over. Returns false where there is no file. */
static bool add_bars(struct chart_command *cmd, const struct chart_request *req,
                     const struct chart_part *part, const char *name)
{
    int64_t open_from = req->known_until - req->known_until % req->step_s;
    bool open = req->step_s > 300 && req->known_until > open_from && open_from >= req->from &&
                open_from < req->to;
    char *full = xasprintf("%s_%s", open ? "full" : "bars", name);
    char *rest = xasprintf("open_%s", name);
    bool found =
        add_sum(cmd, req, part, full, (struct reading){.step_s = req->step_s}, unit_s(req));

    if (found && open) {
        struct reading reading = {300, open_from, req->known_until};
        add_sum(cmd, req, part, rest, reading, unit_s(req));
        add(cmd, "VDEF:rate_%s=%s,AVERAGE", rest, rest);
        add(cmd, "CDEF:bars_%s=%s,UN,TIME,%lld,GT,TIME,%lld,LE,*,rate_%s,UNKN,IF,%s,IF", name, full,
            (long long)open_from, (long long)open_from + req->step_s, rest, full);
    }
    free(full);
    free(rest);
    return found;
}

/* A file's own resolution where the span is short enough for it to be there: an hour of which a part is unknown is
 * drawn at the rate of the rest, but the legend's sums are events. */
static unsigned sum_step_s(const struct chart_request *req)
{
    return req->to - req->from <= 9 * 86400 + 43200 ? 300 : 3600;
}

/* "t", "CN": the names of the command's variables. rrdtool's operators (IN, LT, UN ...) are no names, so they begin with a word. */
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
    size_t width = columns(label);

    snprintf(r->name, sizeof r->name, "%s", name);
    r->label = label;
    r->colour = colour;
    r->sources = sources;
    if (width > p->label_width)
        p->label_width = width < LABEL_MAX ? width : LABEL_MAX;
    if (sources)
        p->has_sources = true;
}

/* Reads the layers: bars_<key> as drawn, zero where the layer's file doesn't know what the series knows (a pair that is younger);
 * rate_<key> for the legend's sums. */
static void add_layers(struct chart_command *cmd, struct picture *p)
{
    const struct chart_request *req = p->req;
    const char *keys[CHART_LAYERS_MAX], *colours[CHART_LAYERS_MAX];

    ASSERT(req->layer_count <= CHART_LAYERS_MAX);
    for (size_t i = 0; i < req->layer_count; i++)
        keys[i] = req->layers[i].key;
    chart_definition_colours(req->definition, req->theme, keys, req->layer_count, colours);
    for (size_t i = 0; i < req->layer_count; i++) {
        char name[40], full[64];
        variable(name, keys[i]);
        snprintf(full, sizeof full, "file_%s", name);
        if (!add_bars(cmd, req, &req->layers[i], full))
            continue;
        add(cmd, "CDEF:bars_%s=bars_file_%s,UN,bars_total,0,*,bars_file_%s,IF", name, name, name);
        snprintf(full, sizeof full, "rate_%s", name);
        add_sum(cmd, req, &req->layers[i], full, (struct reading){.step_s = sum_step_s(req)}, 1);
        const char *said = chart_definition_name(req->definition, keys[i]);
        add_row(p, name, said ? xasprintf("%s %s", keys[i], said) : xstrdup(keys[i]), colours[i],
                req->layers[i].sources);
    }
    p->layers = p->count;
}

/* "bars_other=bars_total,bars_CN,-,...": what the layers leave. */
static void add_other(struct chart_command *cmd, struct picture *p, const char *kind)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    for (size_t i = 0; i < p->layers; i++)
        fprintf(f, ",%s_%s,%s", kind, p->rows[i].name,
                strcmp(kind, "rate") == 0 ? "0,ADDNAN,-" : "-");
    fclose(f);
    add(cmd, "CDEF:%s_other=%s_total%s,0,MAX", kind, kind, text);
    free(text);
}

/* Mean and spread of the 48 hours before and with each bar. TREND's window begins where its variable does, so these have their own
 * DEF, two days earlier, and are joined with the bars at the end. */
static void add_band(struct chart_command *cmd, const struct chart_request *req)
{
    unsigned step = unit_s(req);

    add_sum(cmd, req, &req->series, "past", (struct reading){step, req->from - BAND_S, 0}, step);
    add(cmd, "CDEF:known=past,UN,0,1,IF");
    add(cmd, "CDEF:known_part=known,%d,TRENDNAN", BAND_S);
    add(cmd, "CDEF:mean_any=past,%d,TRENDNAN", BAND_S);
    add(cmd, "CDEF:square=past,past,*");
    add(cmd, "CDEF:mean_square=square,%d,TRENDNAN", BAND_S);
    add(cmd, "CDEF:mean=known_part,%d,*,%d,GE,past,UN,UNKN,mean_any,IF,UNKN,IF", BAND_S,
        BAND_KNOWN_S);
    add(cmd, "CDEF:spread=mean_square,mean,mean,*,-,0,MAX,SQRT,1.645,*");
    add(cmd, "CDEF:band_low=mean,spread,-,0,MAX");
    add(cmd, "CDEF:band_high=mean,spread,+");
    add(cmd, "CDEF:band_width=band_high,band_low,-");
    add(cmd, "CDEF:band_foot=band_low,0,GT,band_low,UNKN,IF"); /* at zero there is no lower line */
}

/* Drawing */

static void add_header(struct chart_command *cmd, const struct picture *p)
{
    const struct chart_words *w = &p->req->definition->words;
    const char *per = unit_s(p->req) == 3600 ? "/h" : "/5m";
    char *mean = xasprintf("%s%s", w->mean, per), *max = xasprintf("%s%s", w->max, per);
    char *last = xasprintf("%s%s", w->last, per);
    char *text = xasprintf("%*s%*s%*s", (int)p->label_width, "", 10, w->events, 8, w->share);
    char *sources = p->has_sources ? xasprintf("%*s", 10, w->sources) : xstrdup("");
    char *rest = xasprintf("%s%s%*s%*s%*s", text, sources, 9, mean, 9, max, 9, last);
    char *m = markup(rest, SIZE_MAX);

    add(cmd, "AREA:nothing#00000000:%s\\l", m);
    free(mean), free(max), free(last), free(text), free(sources), free(rest), free(m);
}

/* A row's figures: events are of the finer data, bars of what is drawn (of hours where a bar is more). */
static void add_figures(struct chart_command *cmd, const struct picture *p, const struct row *r)
{
    const char *n = r->name;
    const char *bars = p->req->step_s > 3600 ? "hours" : "bars";
    size_t width = columns(r->label);
    int pad = (int)(p->label_width - (width < LABEL_MAX ? width : LABEL_MAX));

    add(cmd, "CDEF:part_%s=nothing,POP,sum_total,0,GT,sum_%s,sum_total,/,100,*,0,IF", n, n);
    add(cmd, "VDEF:share_%s=part_%s,MAXIMUM", n, n);
    add(cmd, "VDEF:mean_%s=%s_%s,AVERAGE", n, bars, n);
    add(cmd, "VDEF:max_%s=%s_%s,MAXIMUM", n, bars, n);
    add(cmd, "VDEF:last_%s=%s_%s,LAST", n, bars, n);
    add(cmd, "GPRINT:sum_%s:%*s%%10.0lf\\g", n, pad, "");
    add(cmd, "GPRINT:share_%s:%%7.1lf%%%%\\g", n);
    if (p->has_sources) {
        char *m =
            markup(r->sources ? r->sources : NO_BREAK, 9); /* blanks alone would be taken away */
        add(cmd, "COMMENT:%*s%s\\g", 10 - (int)columns(r->sources ? r->sources : NO_BREAK), "", m);
        free(m);
    }
    if (!p->axis->known) { /* librrd would print "-nan" */
        add(cmd, "COMMENT:%*s%*s%*s\\l", 9 + 2, DASH, 9 + 2, DASH, 9 + 2, DASH);
        return;
    }
    add(cmd, "GPRINT:mean_%s:%%9.0lf\\g", n);
    add(cmd, "GPRINT:max_%s:%%9.0lf\\g", n);
    add(cmd, "GPRINT:last_%s:%%9.0lf\\l", n);
}

static void add_stack(struct chart_command *cmd, const struct picture *p)
{
    add_header(cmd, p);
    if (p->count == 1) { /* no stack: the bars have the series' own colour */
        const char *key = p->req->series.key, *colour = p->req->theme->other;
        if (key)
            chart_definition_colours(p->req->definition, p->req->theme, &key, 1, &colour);
        add(cmd, "AREA:bars_total#%s", colour);
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct row *r = &p->rows[i];
        char *m = markup(r->label, LABEL_MAX);
        if (i + 1 < p->count)
            add(cmd, "AREA:bars_%s#%s:%s\\g%s", r->name, r->colour, m, i ? ":STACK" : "");
        else
            add(cmd, "LINE1:bars_total#%s:%s\\g", r->colour, m);
        add_figures(cmd, p, r);
        free(m);
    }
}

/* Two slits in the colour of the paper, near the end of each bar that goes on. */
static void add_cuts(struct chart_command *cmd, const struct picture *p)
{
    double top = p->axis->top;

    if (!p->axis->cut)
        return;
    add(cmd, "CDEF:slit1=bars_total,%.10g,GT,%.10g,UNKN,IF", top, top * 0.925);
    add(cmd, "CDEF:slit2=bars_total,%.10g,GT,%.10g,UNKN,IF", top, top * 0.955);
    add(cmd, "LINE2:slit1#%s", p->req->theme->back);
    add(cmd, "LINE2:slit2#%s", p->req->theme->back);
}

/* Each line on a wider one of the paper's colour, so that it is seen on any layer. */
static void add_band_lines(struct chart_command *cmd, const struct chart_request *req)
{
    const struct chart_theme *t = req->theme;
    char *mean = markup(req->definition->words.band_mean, 40);
    char *band = markup(req->definition->words.band, 40);

    add(cmd, "LINE2.5:mean#%.6sB0", t->back);
    add(cmd, "LINE2.5:band_high#%.6sB0", t->back);
    add(cmd, "LINE2.5:band_foot#%.6sB0", t->back);
    add(cmd, "LINE1:mean#%s:%s\\l:dashes=5,3", t->text, mean);
    add(cmd, "LINE0.8:band_high#%s:%s\\l", t->soft, band);
    add(cmd, "LINE0.8:band_foot#%s", t->soft);
    free(mean);
    free(band);
}

static void add_key(struct chart_command *cmd, const struct picture *p)
{
    const struct chart_request *req = p->req;
    const struct chart_words *w = &req->definition->words;

    if (has_band(req) || p->axis->unknown || p->axis->cut)
        add(cmd, "COMMENT: \\l");
    if (has_band(req))
        add_band_lines(cmd, req);
    if (p->axis->unknown) {
        char *m = markup(w->unknown, 40);
        add(cmd, "AREA:nothing#%s:%s\\l", req->theme->unknown, m);
        free(m);
    }
    if (p->axis->cut) {
        char *m = markup(w->cut, 40);
        add(cmd, "COMMENT:" CUT_MARK " %s %.0f\\l", m, p->axis->top);
        free(m);
    }
}

static void add_elements(struct chart_command *cmd, struct picture *p)
{
    const struct chart_request *req = p->req;
    const struct chart_theme *t = req->theme;
    const struct chart_words *w = &req->definition->words;

    add_bars(cmd, req, &req->series, "total");
    add_sum(cmd, req, &req->series, "rate_total", (struct reading){.step_s = sum_step_s(req)}, 1);
    add_layers(cmd, p);
    if (p->layers) {
        add_other(cmd, p, "bars");
        add_other(cmd, p, "rate");
        add_row(p, "other", xstrdup(w->other), t->other, NULL);
    }
    add_row(p, "total", xstrdup(w->total), t->text, req->series.sources);
    if (req->series.sources)
        p->has_sources = true;
    add(cmd, "CDEF:unknown=bars_total,UN,INF,UNKN,IF");
    add(cmd, "CDEF:nothing=bars_total,POP,UNKN");
    if (has_band(req))
        add_band(cmd, req);
    for (size_t i = 0; i < p->count; i++) {
        add(cmd, "CDEF:known_%s=rate_%s,0,ADDNAN", p->rows[i].name, p->rows[i].name);
        add(cmd, "VDEF:sum_%s=known_%s,TOTAL", p->rows[i].name, p->rows[i].name);
        if (req->step_s > 3600)
            add(cmd, "CDEF:hours_%s=rate_%s,3600,*", p->rows[i].name, p->rows[i].name);
    }
    add(cmd, "AREA:unknown#%s", t->unknown);
    if (has_band(req)) {
        add(cmd, "AREA:band_low#00000000");
        add(cmd, "AREA:band_width#%s::STACK", t->veil);
    }
    add_stack(cmd, p);
    add_cuts(cmd, p);
    add_key(cmd, p);
}

/* Options */

static void add_colours(struct chart_command *cmd, const struct chart_theme *t)
{
    const char *const pairs[][2] = {{"BACK", t->back},   {"CANVAS", t->back}, {"SHADEA", t->back},
                                    {"SHADEB", t->back}, {"FRAME", t->back},  {"ARROW", t->back},
                                    {"FONT", t->text},   {"AXIS", t->axis},   {"MGRID", t->grid},
                                    {"GRID", "00000000"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        push(cmd, xstrdup("--color"));
        add(cmd, "%s#%s", pairs[i][0], pairs[i][1]);
    }
}

static void add_fonts(struct chart_command *cmd, const struct chart_fonts *f)
{
    push(cmd, xstrdup("--font"));
    add(cmd, "AXIS:%.4g:%s", f->axis, f->text);
    push(cmd, xstrdup("--font"));
    add(cmd, "LEGEND:%.4g:%s", f->legend, f->figures);
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

static void add_options(struct chart_command *cmd, const struct chart_request *req,
                        const struct chart_axis *axis)
{
    char digits[32];
    bool svg = is_svg(req->output);

    option(cmd, "--imgformat", xstrdup(svg ? "SVG" : "PNG"));
    option(cmd, "--start", xasprintf("%lld", (long long)req->from));
    option(cmd, "--end", xasprintf("%lld", (long long)req->to));
    option(cmd, "--width", xasprintf("%u", req->width));
    option(cmd, "--height", xasprintf("%u", req->height));
    option(cmd, "--zoom", xasprintf("%u", svg ? 1 : req->zoom));
    option(cmd, "--lower-limit", xstrdup("0"));
    option(cmd, "--upper-limit", xasprintf("%.10g", axis->top));
    push(cmd, xstrdup("--rigid"));
    option(cmd, "--x-grid", xstrdup(chart_axis_x_grid(req->to - req->from, req->width)));
    option(cmd, "--y-grid", xasprintf("%.10g:1", axis->grid));
    option(cmd, "--left-axis-formatter", xstrdup("numeric"));
    option(cmd, "--left-axis-format", xstrdup("%.0lf"));
    option(cmd, "--units-exponent", xstrdup("0"));
    int n = snprintf(digits, sizeof digits, "%.0f", axis->top);
    option(cmd, "--units-length", xasprintf("%d", n < 3 ? 4 : n + 1));
    option(cmd, "--border", xstrdup("0"));
    option(cmd, "--grid-dash", xstrdup("1:0"));
    option(cmd, "--legend-position", xstrdup("east"));
    push(cmd, xstrdup("--dynamic-labels"));
    push(cmd, xstrdup("--disable-rrdtool-tag"));
    push(cmd, xstrdup("--pango-markup"));
}

static int check_request(const struct chart_request *req, struct error *err)
{
    if (req->output && !is_svg(req->output) && !is_png(req->output)) {
        error_add(err, NULL, 0, 0, "'%s' must end in .png or .svg", req->output);
        return -EINVAL;
    }
    for (size_t i = 0; i < req->sensor_count; i++) {
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
    unsigned key = (has_band(req) ? 2u : 0u) + axis->unknown + axis->cut;

    return (unsigned)req->layer_count + 3 + key + (key > 0);
}

int chart_build(const struct chart_request *req, const struct chart_axis *axis,
                const struct chart_place *place, struct chart_command *out, struct error *err)
{
    struct picture p = {.req = req, .axis = axis};
    int rc = check_request(req, err);

    *out = (struct chart_command){0};
    if (rc < 0)
        return rc;
    add(out, "rrdtool");
    add(out, "graph");
    add(out, "%s", req->output);
    add_options(out, req, axis);
    add_colours(out, req->theme);
    add_fonts(out, &req->definition->fonts);
    add_title(out, req, axis, place);
    add_notes(out, req, place, legend_rows(req, axis));
    add_elements(out, &p);
    for (size_t i = 0; i < p.count; i++)
        free(p.rows[i].label);
    return 0;
}

int chart_build_export(const struct chart_request *req, struct chart_command *out,
                       struct error *err)
{
    int rc = check_request(req, err);

    *out = (struct chart_command){0};
    if (rc < 0)
        return rc;
    add(out, "rrdtool");
    add(out, "xport");
    option(out, "--start", xasprintf("%lld", (long long)req->from));
    option(out, "--end", xasprintf("%lld", (long long)req->to));
    option(out, "--step", xasprintf("%u", req->step_s));
    add_bars(out, req, &req->series, "total");
    add(out, "XPORT:bars_total");
    return 0;
}

/* Shell */

static bool is_plain(const char *arg)
{
    return *arg &&
           strspn(arg,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") ==
               strlen(arg);
}

/* Within single quotes only the quote itself means something (POSIX 2.2.2). */
static void put_quoted(FILE *f, const char *arg)
{
    if (is_plain(arg)) {
        fputs(arg, f);
        return;
    }
    fputc('\'', f);
    for (; *arg; arg++) {
        if (*arg == '\'')
            fputs("'\\''", f);
        else
            fputc(*arg, f);
    }
    fputc('\'', f);
}

char *chart_shell(const struct chart_request *req, const struct chart_command *cmd)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    fputs("TZ=", f);
    put_quoted(f, req->zone);
    fputs(" LC_ALL=C.UTF-8", f);
    for (size_t i = 0; i < cmd->argc; i++) {
        bool value =
            strncmp(cmd->argv[i], "--", 2) != 0 && strncmp(cmd->argv[i - (i > 0)], "--", 2) == 0;
        fputs(i < 3 || value ? " " : " \\\n    ", f);
        put_quoted(f, cmd->argv[i]);
    }
    fputc('\n', f);
    fclose(f);
    return text;
}

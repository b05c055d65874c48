#include "chart/spread.h"

#include <cairo/cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"

enum {
    PORTS = 65536,
    MARK_EVERY = 10000, /* ports */
    LABELS = 8,         /* of the tallest strokes */
    EDGE = 16,          /* pixels about the picture */
    GAP = 6,
    TCP_HUE = 0,
    UDP_HUE = 4
};

#define DOTS_PER_POINT (100 / 72.0) /* as librrd has it */
#define LEAST          0.5          /* where the axis begins, so that one event is seen */
#define LINE_HEIGHT    1.36         /* of Noto Sans, in sizes of the font */

struct drawing {
    const struct spread *s;
    cairo_t *cr;
    double left, top; /* of the plot */
    double most;      /* where the axis ends */
    double labels[LABELS];
    size_t label_count;
};

static double size_of(double points)
{
    return points * DOTS_PER_POINT;
}

static double line_of(double points)
{
    return size_of(points) * LINE_HEIGHT;
}

/* "RRGGBB" or "RRGGBBAA". */
static void take_colour(cairo_t *cr, const char *hex)
{
    unsigned r = 0, g = 0, b = 0, a = 255;

    sscanf(hex, "%2x%2x%2x%2x", &r, &g, &b, &a);
    cairo_set_source_rgba(cr, r / 255.0, g / 255.0, b / 255.0, a / 255.0);
}

/* Text whose line's top is at y; `align` 0: it begins at x, 1: it ends there. Returns its width. */
static double put_text(const struct drawing *d, double x, double y, double align, double points,
                       bool bold, const char *colour, const char *text)
{
    PangoLayout *layout = pango_cairo_create_layout(d->cr);
    PangoFontDescription *font = pango_font_description_from_string(d->s->definition->fonts.text);
    int width, height;

    pango_font_description_set_absolute_size(font, size_of(points) * PANGO_SCALE);
    if (bold)
        pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_text(layout, text, -1);
    pango_layout_get_pixel_size(layout, &width, &height);
    take_colour(d->cr, colour);
    cairo_move_to(d->cr, x - align * width, y);
    pango_cairo_show_layout(d->cr, layout);
    pango_font_description_free(font);
    g_object_unref(layout);
    return width;
}

static double x_of(const struct drawing *d, double number)
{
    return d->left + d->s->width * number / PORTS;
}

static double y_of(const struct drawing *d, double events)
{
    double height = log10(events / LEAST) / log10(d->most / LEAST);

    return d->top + d->s->height * (1 - height);
}

static void put_axes(const struct drawing *d)
{
    const struct chart_theme *t = d->s->theme;
    double axis = d->s->definition->fonts.axis, bottom = d->top + d->s->height;
    char text[32];

    cairo_set_line_width(d->cr, 1);
    for (double v = 1; v <= d->most; v *= 10) {
        double y = floor(y_of(d, v)) + 0.5;
        take_colour(d->cr, t->grid);
        cairo_move_to(d->cr, d->left, y);
        cairo_line_to(d->cr, d->left + d->s->width, y);
        cairo_stroke(d->cr);
        snprintf(text, sizeof text, "%.0f", v);
        put_text(d, d->left - GAP, y - line_of(axis) / 2, 1, axis, false, t->text, text);
    }
    for (int number = 0; number < PORTS; number += MARK_EVERY) {
        snprintf(text, sizeof text, "%d", number);
        put_text(d, x_of(d, number), bottom + GAP / 2.0, 0.5, axis, false, t->text, text);
    }
    take_colour(d->cr, t->axis);
    cairo_move_to(d->cr, d->left, bottom + 0.5);
    cairo_line_to(d->cr, d->left + d->s->width, bottom + 0.5);
    cairo_stroke(d->cr);
}

/* A pixel's stroke is as tall as its tallest port; the shorter protocol stands before the taller. */
static void put_strokes(const struct drawing *d)
{
    const struct chart_theme *t = d->s->theme;
    size_t columns = d->s->width;
    uint64_t *tallest[2] = {xcalloc(columns, sizeof **tallest), xcalloc(columns, sizeof **tallest)};

    for (size_t i = 0; i < d->s->n; i++) {
        const struct spread_point *p = &d->s->points[i];
        uint64_t *v = &tallest[p->udp][(size_t)p->number * columns / PORTS];
        *v = p->events > *v ? p->events : *v;
    }
    for (int pass = 0; pass < 4; pass++) { /* a path each: an SVG of single strokes is large */
        int kind = pass & 1;
        bool shorter = pass >= 2;
        for (size_t i = 0; i < columns; i++) {
            uint64_t v = tallest[kind][i];
            if (v == 0 || (v < tallest[!kind][i] || (v == tallest[!kind][i] && kind)) != shorter)
                continue;
            double y = y_of(d, (double)v);
            cairo_rectangle(d->cr, d->left + (double)i, y, 1, d->top + d->s->height - y);
        }
        take_colour(d->cr, t->hues[(kind ? UDP_HUE : TCP_HUE) % (int)t->hue_count]);
        cairo_fill(d->cr);
    }
    free(tallest[0]);
    free(tallest[1]);
}

/* The ports with the most events, where there is room. */
static void put_labels(struct drawing *d)
{
    double points = d->s->definition->fonts.note, room = 5 * size_of(points) * 0.6 + GAP;
    char text[16];

    for (size_t i = 0; i < d->s->n && d->label_count < LABELS && i < 3 * LABELS; i++) {
        double x = x_of(d, d->s->points[i].number);
        bool is_free = true;
        for (size_t k = 0; k < d->label_count; k++)
            is_free = is_free && fabs(d->labels[k] - x) >= room;
        if (!is_free)
            continue;
        d->labels[d->label_count++] = x;
        snprintf(text, sizeof text, "%u", d->s->points[i].number);
        put_text(d, x + 2, y_of(d, (double)d->s->points[i].events) - line_of(points), 0, points,
                 false, d->s->theme->text, text);
    }
}

static void put_key(const struct drawing *d, double y)
{
    static const char *const names[] = {"TCP", "UDP"};
    const struct chart_theme *t = d->s->theme;
    double points = d->s->definition->fonts.legend, box = size_of(points) * 0.7, x = d->left;

    for (int k = 0; k < 2; k++) {
        take_colour(d->cr, t->hues[(k ? UDP_HUE : TCP_HUE) % (int)t->hue_count]);
        cairo_rectangle(d->cr, x, y + (line_of(points) - box) / 2, box, box);
        cairo_fill(d->cr);
        x += box + GAP;
        x += put_text(d, x, y, 0, points, false, t->text, names[k]) + 3 * GAP;
    }
}

static double head_height(const struct spread *s)
{
    const struct chart_fonts *f = &s->definition->fonts;

    return EDGE + line_of(f->title) + line_of(f->subtitle) + line_of(f->note) + GAP;
}

static double foot_height(const struct spread *s)
{
    const struct chart_fonts *f = &s->definition->fonts;

    return line_of(f->axis) + 2 * GAP + line_of(f->legend) + GAP +
           (double)s->note_count * line_of(f->note) + EDGE;
}

static void put_all(struct drawing *d)
{
    const struct spread *s = d->s;
    const struct chart_fonts *f = &s->definition->fonts;

    take_colour(d->cr, s->theme->back);
    cairo_paint(d->cr);
    put_text(d, d->left, EDGE, 0, f->title, true, s->theme->text, s->title);
    put_text(d, d->left, EDGE + line_of(f->title), 0, f->subtitle, false, s->theme->soft,
             s->subtitle);
    put_axes(d);
    put_strokes(d);
    put_labels(d);
    double y = d->top + s->height + line_of(f->axis) + 2 * GAP;
    put_key(d, y);
    y += line_of(f->legend) + GAP;
    for (size_t i = 0; i < s->note_count; i++, y += line_of(f->note))
        put_text(d, d->left, y, 0, f->note, false, s->theme->soft, s->notes[i]);
}

static bool is_svg(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".svg") == 0;
}

static int write_fault(const char *output, int rc, struct error *err)
{
    access_fault(output, ACCESS_WRITE, rc, err);
    return rc;
}

int spread_draw(const struct spread *s, const char *output, struct error *err)
{
    struct drawing d = {.s = s, .most = 10};
    char *temporary = xasprintf("%s.%ld.new", output, (long)getpid()), digits[32];
    bool svg = is_svg(output);
    double zoom = svg ? 1 : s->zoom;
    int rc = 0;

    for (size_t i = 0; i < s->n; i++)
        while ((double)s->points[i].events * 1.2 > d.most)
            d.most *= d.most < 1e18 ? 10 : 1e3;
    snprintf(digits, sizeof digits, "%.0f", d.most);
    d.left = floor(EDGE + (double)strlen(digits) * size_of(s->definition->fonts.axis) * 0.62 + GAP);
    d.top = floor(head_height(s));
    double width = ceil(d.left + s->width + EDGE + GAP);
    double height = ceil(d.top + s->height + foot_height(s));
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create(temporary, width, height)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * zoom),
                                         (int)(height * zoom));
    d.cr = cairo_create(surface);
    cairo_scale(d.cr, zoom, zoom);
    put_all(&d);
    cairo_status_t status = cairo_status(d.cr);
    cairo_destroy(d.cr);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png(surface, temporary);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        rc = write_fault(output, errno ? -errno : -EIO, err);
    else if (rename(temporary, output) != 0)
        rc = write_fault(output, -errno, err);
    if (rc < 0)
        unlink(temporary);
    free(temporary);
    return rc;
}

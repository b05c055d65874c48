#include "chart/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/language.h"

enum {
    GRID_PIXELS = 42, /* the least between two lines across */
    LEAST_USUAL = 10, /* events in a bar */
    HOUR = 3600,
    DAY = 86400,
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 1, 2, 2.5 or 5 times a power of ten, and no fraction: counts are whole. */
static double round_grid(double least)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double power = 1;

    while (power * 10 < least)
        power *= 10;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double step = steps[i] * power;
        if (step >= least && floor(step) == step)
            return step;
    }
    return 10 * power;
}

/* The tallest bar that is no flood: twice what nine of ten bars keep within is the border, if
 * the tallest is three times of that. Where the rest is next to nothing, the flood is the
 * picture. */
static double tallest_of_rest(const double *sorted, size_t n)
{
    double usual = sorted[(n - 1) * 9 / 10];

    if (usual < LEAST_USUAL || sorted[n - 1] <= 3 * usual)
        return sorted[n - 1];
    while (sorted[n - 1] > 2 * usual)
        n--;
    return sorted[n - 1];
}

/* Keeps the tallest cuts. */
static void keep_cut(struct chart_axis *out, const struct chart_cut *cut)
{
    size_t least = 0;

    if (out->cut_count < CHART_CUTS_MAX) {
        out->cuts[out->cut_count++] = *cut;
        return;
    }
    for (size_t i = 1; i < CHART_CUTS_MAX; i++)
        if (out->cuts[i].value < out->cuts[least].value)
            least = i;
    if (out->cuts[least].value >= cut->value)
        return;
    memmove(&out->cuts[least], &out->cuts[least + 1],
            (CHART_CUTS_MAX - least - 1) * sizeof *out->cuts);
    out->cuts[CHART_CUTS_MAX - 1] = *cut;
}

static void find_cuts(const double *values, size_t n, int64_t from, unsigned step_s,
                      struct chart_axis *out)
{
    struct chart_cut run = {0};

    for (size_t i = 0; i <= n; i++) {
        if (i < n && values[i] > out->top) {
            if (run.to == 0)
                run.from = from + (int64_t)i * step_s;
            run.to = from + (int64_t)(i + 1) * step_s;
            run.value = fmax(run.value, values[i]);
        } else if (run.to != 0) {
            keep_cut(out, &run);
            run = (struct chart_cut){0};
        }
    }
    out->cut = out->cut_count > 0;
}

void chart_axis_fit(const double *values, size_t n, int64_t from, unsigned step_s,
                    enum chart_scale scale, unsigned height, struct chart_axis *out)
{
    double *known = xcalloc(n + 1, sizeof *known);
    size_t count = 0;

    *out = (struct chart_axis){0};
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            known[count++] = values[i];
    out->known = count > 0;
    out->unknown = count < n;
    qsort(known, count, sizeof *known, by_value);

    double most = count ? known[count - 1] : 0, shown = most;
    if (scale == CHART_CUT && count > 0)
        shown = tallest_of_rest(known, count);
    bool cut = shown < most;
    unsigned lines = height / GRID_PIXELS ? height / GRID_PIXELS : 1;
    double room = shown * (cut ? 1.2 : 1.03);
    out->grid = round_grid(room / lines);
    out->top = ceil(fmax(room, 1) / out->grid) * out->grid;
    find_cuts(values, n, from, step_s, out);
    free(known);
}

/* A rung of the time axis: what is marked, labelled and how, and how many pixels a label needs. */
struct rung {
    int64_t label_s;
    unsigned pixels;
    const char *grid;   /* minor, major and labelled: unit and count; how long a label holds */
    const char *format; /* of a label, for strftime */
};

/* xgettext:no-c-format */
static const struct rung rungs[] = {
    {5 * 60, 42, "MINUTE:1:MINUTE:5:MINUTE:5:0", Nx_("axis", "%H:%M")},
    {10 * 60, 42, "MINUTE:5:MINUTE:10:MINUTE:10:0", Nx_("axis", "%H:%M")},
    {30 * 60, 42, "MINUTE:10:MINUTE:30:MINUTE:30:0", Nx_("axis", "%H:%M")},
    {HOUR, 42, "MINUTE:30:HOUR:1:HOUR:1:0", Nx_("axis", "%H:%M")},
    {3 * HOUR, 70, "HOUR:1:HOUR:3:HOUR:3:0", Nx_("axis", "%a %H:%M")},
    {6 * HOUR, 70, "HOUR:2:HOUR:6:HOUR:6:0", Nx_("axis", "%a %H:%M")},
    {12 * HOUR, 84, "HOUR:6:HOUR:12:HOUR:12:0", Nx_("axis", "%a %-d, %H:%M")},
    {DAY, 70, "HOUR:6:DAY:1:DAY:1:86400", Nx_("axis", "%a %-d %b")},
    {7 * DAY, 70, "DAY:1:WEEK:1:WEEK:1:0", Nx_("axis", "%a %-d %b")},
    {31 * DAY, 60, "WEEK:1:MONTH:1:MONTH:1:2592000", Nx_("axis", "%b %Y")},
    {92 * DAY, 60, "MONTH:1:MONTH:3:MONTH:3:0", Nx_("axis", "%b %Y")},
    {366 * DAY, 0, "MONTH:3:YEAR:1:YEAR:1:31536000", Nx_("axis", "%Y")},
};

char *chart_axis_x_grid(int64_t span_s, unsigned width)
{
    size_t i = 0;

    while (rungs[i].pixels &&
           (double)width * (double)rungs[i].label_s < (double)rungs[i].pixels * (double)span_s)
        i++;
    return xasprintf("%s:%s", rungs[i].grid, _x("axis", rungs[i].format));
}

unsigned chart_axis_step(int64_t span_s, unsigned width)
{
    if (span_s <= 6 * HOUR)
        return 300;
    if (span_s <= (int64_t)width * HOUR)
        return HOUR;
    return span_s <= (int64_t)width * 3 * HOUR ? 3 * HOUR : DAY;
}

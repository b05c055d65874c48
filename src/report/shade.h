/* shade.h - what a chart shades: when nobody watched and why, when something was lost, and the
 * operator's notes; from the facts (store/gap.h), with a line under the chart for each.
 *
 * Time is unknown where none of the chart's sensors knows it. What only some of them missed is told
 * in a line, with the sensor's name, and shaded as a loss: the stack stands too low there. One
 * thread at a time per store.
 *
 *     struct shades *sh;
 *     if (shades_make(store, &query, definition, zone, &sh) == 0)
 *         n = shades_list(sh, &list);
 *     shades_free(sh);
 */
#ifndef SCANTIDE_REPORT_SHADE_H
#define SCANTIDE_REPORT_SHADE_H

#include "base/zone.h"
#include "chart/chart.h"
#include "chart/definition.h"
#include "store/gap.h"

enum { SHADE_NOTES_MAX = 5, SHADES_MAX = 32 /* of each kind */ };

struct shade_query {
    const uint16_t *sensors;
    const char *const *sensor_names;
    size_t sensor_count;
    int64_t from, to; /* whole bins */
    int64_t now;      /* what isn't over can't have been missed */
    unsigned width;   /* of the plot, in pixels: what is less than one is made one */
};

struct shades;

/* 0, or the store's negative code with *out NULL. */
int shades_make(struct store *s, const struct shade_query *q, const struct chart_definition *def,
                const struct zone *zone, struct shades **out);
void shades_free(struct shades *sh);

/* By kind and time, none of a kind touching another of it. */
size_t shades_list(const struct shades *sh, const struct chart_shade **list);

/* A reason in the reader's language; GAP_REASON_COUNT: that nobody watched. */
const char *shade_reason(enum gap_reason reason);

/* Lines for under the chart, at most SHADE_NOTES_MAX; the last says how many more there are. */
size_t shades_notes(const struct shades *sh, const char *const **list);

#endif

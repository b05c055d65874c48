#include "report/shade.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/language.h"
#include "base/when.h"
#include "store/gap.h"

enum { SETTLED_S = 600 /* what is younger may still come */ };

struct line {
    int64_t from;
    char *text;
};

struct shades {
    struct chart_shade *list;
    size_t n, cap;
    struct line *lines;
    size_t line_count, line_cap;
    const char *notes[SHADE_NOTES_MAX];
    char *more;
    size_t note_count;

    const struct shade_query *query; /* while they are made */
    const struct chart_definition *definition;
    const struct zone *zone;
    uint8_t *known; /* by bin: some sensor knows it */
    size_t bins;
};

static void add_shade(struct shades *sh, enum chart_shade_kind kind, int64_t from, int64_t to)
{
    const struct shade_query *q = sh->query;

    from = from < q->from ? q->from : from;
    to = to > q->to ? q->to : to;
    if (from >= to)
        return;
    if (sh->n == sh->cap)
        sh->list = xrealloc(sh->list, sh->cap = sh->cap * 2 + 8, sizeof *sh->list);
    sh->list[sh->n++] = (struct chart_shade){kind, from, to};
}

/* ---- lines ---- */

static void add_line(struct shades *sh, int64_t from, char *text)
{
    for (size_t i = 0; i < sh->line_count; i++)
        if (sh->lines[i].from == from && strcmp(sh->lines[i].text, text) == 0) {
            free(text);
            return;
        }
    if (sh->line_count == sh->line_cap)
        sh->lines = xrealloc(sh->lines, sh->line_cap = sh->line_cap * 2 + 8, sizeof *sh->lines);
    sh->lines[sh->line_count++] = (struct line){from, text};
}

const char *shade_reason(enum gap_reason reason)
{
    switch (reason) {
    case GAP_STOPPED: return _("scantide was stopped");
    case GAP_CRASHED: return _("scantide had crashed");
    case GAP_SILENT: return _("an input was silent");
    case GAP_JOURNAL_GAP: return _("the journal has a gap");
    case GAP_TRUNCATED: return _("a log was cut before it was read");
    case GAP_LOST: return _("lines were lost");
    case GAP_REASON_COUNT: return _("nobody watched");
    case GAP_NOTE: break;
    }
    return _("note");
}

static const char *sensor_name(const struct shades *sh, uint16_t id)
{
    for (size_t i = 0; i < sh->query->sensor_count; i++)
        if (sh->query->sensors[i] == id)
            return sh->query->sensor_names[i];
    return NULL;
}

static void tell_gap(struct shades *sh, const struct gap *g)
{
    char when[WHEN_TEXT_MAX];
    const char *sensor = sh->query->sensor_count > 1 ? sensor_name(sh, g->sensor) : NULL;
    char *lost = g->lost ? xasprintf(" (%" PRIu64 ")", g->lost) : xstrdup("");
    bool told = g->text && *g->text;
    char *text = xasprintf("%s: %s%s%s%s%s%s", when_span(sh->zone, g->from, g->to + 1, when),
                           sensor ? sensor : "", sensor ? _x("list", ", ") : "",
                           told && g->reason == GAP_NOTE ? g->text : shade_reason(g->reason), lost,
                           told && g->reason != GAP_NOTE ? _x("list", ", ") : "",
                           told && g->reason != GAP_NOTE ? g->text : "");

    add_line(sh, g->from, text);
    free(lost);
}

/* ---- what the facts say ---- */

static bool all_known(const struct shades *sh, int64_t from, int64_t to)
{
    for (int64_t t = from - from % BIN_S; t < to; t += BIN_S) {
        int64_t bin = (t - sh->query->from) / BIN_S;
        if (t >= sh->query->from && (size_t)bin < sh->bins && !sh->known[bin])
            return false;
    }
    return true;
}

static bool is_blind(enum gap_reason reason)
{
    return reason == GAP_STOPPED || reason == GAP_CRASHED;
}

static int take_gap(void *ctx, const struct gap *g)
{
    struct shades *sh = ctx;

    if (g->sensor != 0 && !sensor_name(sh, g->sensor))
        return 0;
    if (g->reason == GAP_NOTE)
        add_shade(sh, CHART_SHADE_NOTE, g->from, g->to + 1);
    else if (!is_blind(g->reason) || all_known(sh, g->from, g->to + 1))
        add_shade(sh, CHART_SHADE_LOST, g->from, g->to + 1);
    tell_gap(sh, g);
    return 0;
}

struct explained {
    int64_t from, to;
    bool is;
};

static int explain(void *ctx, const struct gap *g)
{
    struct explained *x = ctx;

    if (is_blind(g->reason) && g->from < x->to && g->to >= x->from)
        x->is = true;
    return x->is;
}

/* A run that no gap tells of has a line of its own. */
static int add_unknown(struct shades *sh, struct store *s, int64_t from, int64_t to)
{
    struct explained x = {from, to, false};

    add_shade(sh, CHART_SHADE_UNKNOWN, from, to);
    int rc = store_read_gaps(s, 0, from, to, explain, &x);
    if (rc < 0)
        return rc;
    if (!x.is) {
        char when[WHEN_TEXT_MAX];
        add_line(sh, from,
                 xasprintf("%s: %s", when_span(sh->zone, from, to, when),
                           sh->definition->words.unknown));
    }
    return 0;
}

static int find_unknown(struct shades *sh, struct store *s)
{
    const struct shade_query *q = sh->query;
    uint8_t *known = xcalloc(sh->bins + 1, 1);
    int rc = 0;

    for (size_t i = 0; i < q->sensor_count && rc == 0; i++) {
        rc = store_known(s, q->sensors[i], q->from, q->to, known);
        for (size_t k = 0; k < sh->bins; k++)
            sh->known[k] |= known[k];
    }
    free(known);
    for (size_t i = 0, run = 0; i <= sh->bins && rc == 0; i++) {
        int64_t at = q->from + (int64_t)i * BIN_S;
        bool unknown = i < sh->bins && !sh->known[i] && at + BIN_S <= q->now - SETTLED_S;
        if (unknown)
            run++;
        else if (run) {
            rc = add_unknown(sh, s, at - (int64_t)run * BIN_S, at);
            run = 0;
        }
    }
    return rc;
}

/* ---- in order ---- */

static int by_kind(const void *a, const void *b)
{
    const struct chart_shade *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* Joins what lies no farther apart than `apart_s`. Returns the most of one kind. */
static size_t join(struct shades *sh, int64_t apart_s)
{
    size_t n = 0, most = 0, same = 0;

    for (size_t i = 0; i < sh->n; i++) {
        struct chart_shade *last = n ? &sh->list[n - 1] : NULL, s = sh->list[i];
        if (last && last->kind == s.kind && s.from <= last->to + apart_s) {
            last->to = s.to > last->to ? s.to : last->to;
            continue;
        }
        same = last && last->kind == s.kind ? same + 1 : 1;
        most = same > most ? same : most;
        sh->list[n++] = s;
    }
    sh->n = n;
    return most;
}

/* Each at least a pixel wide; where there are too many, those that lie nearest become one. */
static void settle_shades(struct shades *sh)
{
    const struct shade_query *q = sh->query;
    int64_t pixel = (q->to - q->from) / (q->width ? q->width : 1) + 1, apart = 0;

    for (size_t i = 0; i < sh->n; i++)
        if (sh->list[i].to - sh->list[i].from < 2 * pixel)
            sh->list[i].to = sh->list[i].from + 2 * pixel;
    if (sh->n)
        qsort(sh->list, sh->n, sizeof *sh->list, by_kind);
    while (join(sh, apart) > SHADES_MAX)
        apart = apart * 2 + pixel;
}

static int by_from(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : strcmp(x->text, y->text);
}

static void settle_lines(struct shades *sh)
{
    bool many = sh->line_count > SHADE_NOTES_MAX;
    size_t told = many ? SHADE_NOTES_MAX - 1 : sh->line_count;

    if (sh->line_count)
        qsort(sh->lines, sh->line_count, sizeof *sh->lines, by_from);
    for (size_t i = 0; i < told; i++)
        sh->notes[sh->note_count++] = sh->lines[i].text;
    if (many) {
        sh->more = xasprintf(_n("and %zu more gap, loss or note",
                                "and %zu more gaps, losses and notes", sh->line_count - told),
                             sh->line_count - told);
        sh->notes[sh->note_count++] = sh->more;
    }
}

int shades_make(struct store *s, const struct shade_query *q, const struct chart_definition *def,
                const struct zone *zone, struct shades **out)
{
    struct shades *sh = xcalloc(1, sizeof *sh);

    sh->query = q;
    sh->definition = def;
    sh->zone = zone;
    sh->bins = (size_t)((q->to - q->from) / BIN_S);
    sh->known = xcalloc(sh->bins + 1, 1);
    int rc = find_unknown(sh, s);
    if (rc == 0)
        rc = store_read_gaps(s, 0, q->from, q->to, take_gap, sh);
    if (rc < 0) {
        shades_free(sh);
        *out = NULL;
        return rc;
    }
    settle_shades(sh);
    settle_lines(sh);
    *out = sh;
    return 0;
}

void shades_free(struct shades *sh)
{
    if (!sh)
        return;
    for (size_t i = 0; i < sh->line_count; i++)
        free(sh->lines[i].text);
    free(sh->lines);
    free(sh->list);
    free(sh->known);
    free(sh->more);
    free(sh);
}

size_t shades_list(const struct shades *sh, const struct chart_shade **list)
{
    *list = sh->list;
    return sh->n;
}

size_t shades_notes(const struct shades *sh, const char *const **list)
{
    *list = sh->notes;
    return sh->note_count;
}

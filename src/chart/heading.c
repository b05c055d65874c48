#include "chart/heading.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "chart/markup.h"

/* What librrd 1.7.2 does with sizes, seen in its pictures: a title of three paragraphs (more
 * aren't counted) takes 6.4 times its font's size and begins after 1.3 times of it; the
 * watermark takes twice its own, a row of the legend 1.8 times, the labels of the time axis
 * 2.5 times. */
#define TITLE_ROOM (6.4 - 1.3)
#define NOTE_ROOM  2.0
#define LEGEND_ROW 1.8
#define AXIS_ROOM  2.5

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
    double figure = req->definition->fonts.note * MARKUP_FIGURE_WIDTH;
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
        snprintf(l.text, sizeof l.text, CHART_CUT_MARK "%.0f", cut->value);
        l.width = (double)markup_columns(l.text) * figure;
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
    struct label labels[CHART_CUTS_MAX] = {0};
    size_t n = cut_labels(req, axis, place, labels);
    double at = (double)place->left;
    char *face = xasprintf(" face=\"%s\"", req->definition->fonts.figures);

    for (size_t i = 0; i < n; i++) {
        markup_put_space(f, labels[i].x - at);
        markup_put_text(f, face, req->definition->fonts.note, req->theme->text, labels[i].text);
        at = labels[i].x + labels[i].width;
    }
    markup_put_line_end(f);
    free(face);
}

/* librrd centres the title in the picture. The last line is as wide as the picture less the
 * plot's left on both sides, and lines of one paragraph begin together. */
void heading_add_title(struct args *cmd, const struct chart_request *req,
                       const struct chart_axis *axis, const struct chart_place *place)
{
    const struct chart_fonts *fonts = &req->definition->fonts;
    double height = (fonts->title + fonts->subtitle) * MARKUP_LINE_HEIGHT + 7;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    markup_put_text(f, " weight=\"bold\"", fonts->title, req->theme->text, req->title);
    markup_put_line_end(f);
    markup_put_text(f, "", fonts->subtitle, req->theme->soft, req->subtitle);
    markup_put_line_end(f);
    if (axis->cut) {
        height += fonts->note * MARKUP_LINE_HEIGHT - 2;
        put_cut_labels(f, req, axis, place);
    }
    markup_put_space(f, (double)(place->width - 2 * place->left));
    fputs("\n \n ", f); /* for the room that they make */
    fclose(f);
    args_push(cmd, xstrdup("--font"));
    args_add(cmd, "TITLE:%.2f:%s", height / TITLE_ROOM, fonts->text);
    args_option(cmd, "--title", text);
}

/* Under the chart. librrd makes no room for a legend that is taller than the plot: an empty
 * line below the notes does. */
void heading_add_notes(struct args *cmd, const struct chart_request *req,
                       const struct chart_place *place, unsigned legend_rows)
{
    const struct chart_fonts *fonts = &req->definition->fonts;
    double notes = (double)req->note_count * fonts->note * MARKUP_LINE_HEIGHT + 16;
    double legend = legend_rows * fonts->legend * LEGEND_ROW + 12;
    double more = legend - req->height - fonts->axis * AXIS_ROOM - notes;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    for (size_t i = 0; i < req->note_count; i++) {
        markup_put_text(f, "", fonts->note, req->theme->soft, req->notes[i]);
        markup_put_line_end(f);
    }
    if (more > 0) {
        fprintf(f, "<span size=\"%.0f\">" MARKUP_NO_WIDTH MARKUP_LINE_SEPARATOR "</span>",
                more / MARKUP_LINE_HEIGHT * 1024);
        notes += more;
    }
    markup_put_space(f, (double)(place->width - 2 * place->left));
    fclose(f);
    args_push(cmd, xstrdup("--font"));
    args_add(cmd, "WATERMARK:%.2f:%s", notes / NOTE_ROOM, fonts->text);
    args_option(cmd, "--watermark", text);
}

/* markup.h - Pango markup for titles, legends and notes: plain text made harmless, and text put
 * where librrd has no option for it.
 *
 * A name in a legend must not end or change an rrdtool element: besides markup's own
 * characters, those that rrdtool reads something into (':' '%' '\\' '=') become character
 * references. Pure. Any thread.
 */
#ifndef SCANTIDE_CHART_MARKUP_H
#define SCANTIDE_CHART_MARKUP_H

#include <stddef.h>
#include <stdio.h>

/* librrd lays text out at 100 dots an inch. Pixels for each point of the font's size: */
#define MARKUP_LINE_HEIGHT    (1.362 * 100 / 72) /* Noto Sans; DejaVu Sans has less */
#define MARKUP_FIGURE_WIDTH   (0.602 * 100 / 72) /* DejaVu Sans Mono */

#define MARKUP_LINE_SEPARATOR "&#8232;" /* begins a line without beginning a paragraph */
#define MARKUP_NO_WIDTH       "&#8203;"

/* The columns of UTF-8 text: one a character, two for one of the East; a byte that is no text counts as one. */
size_t markup_columns(const char *text);

/* Text with blanks before it, so that it has so many columns. The caller frees it. */
char *markup_right(const char *text, size_t columns);

/* Text as markup, with an ellipsis where it has more than `most` columns; bytes that are no
 * text become '?'. The caller frees it. */
char *markup_text(const char *text, size_t most);

/* A stretch of text in its own size (points) and colour ("RRGGBB"); `attributes` begin with a
 * blank, or are "". */
void markup_put_text(FILE *f, const char *attributes, double points, const char *colour,
                     const char *text);

/* An empty stretch within a line, of any width. */
void markup_put_space(FILE *f, double pixels);

/* The end of a line; the next begins under it, at the same left, in the same paragraph. */
void markup_put_line_end(FILE *f);

#endif

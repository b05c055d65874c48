/* document.h - a page before it is written: headings, paragraphs, lists, tables, figures, in order;
 * and its writers, HTML (libxml2's writer, which escapes), Markdown and plain text.
 *
 * Text is UTF-8 and plain: a writer makes it harmless. Strings are copied. Writers take what was
 * added and add nothing. One thread at a time per object.
 *
 *     struct document *d = document_new("en", "Overview of 2026-11-23");
 *     document_heading(d, 2, "Ports");
 *     document_table(d, titles, numeric, 3); document_cell(d, "23/tcp"); ...
 *     rc = document_html(d, out);
 *     document_free(d);
 */
#ifndef SCANTIDE_REPORT_DOCUMENT_H
#define SCANTIDE_REPORT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum block_kind { BLOCK_HEADING, BLOCK_PARAGRAPH, BLOCK_ITEM, BLOCK_TABLE, BLOCK_FIGURE };

enum { TABLE_COLUMNS_MAX = 12 };

struct block {
    enum block_kind kind;
    int level;      /* of a heading: 2 or 3 */
    char *text;     /* also a table's caption, a figure's words for who can't see it */
    size_t columns; /* of a table */
    bool numeric[TABLE_COLUMNS_MAX];
    char **cells; /* the columns' titles, then row by row; of an item: its links' texts and paths */
    size_t cell_count;
    char *path; /* of a figure: an .svg to be embedded, or a .png beside the page */
};

struct document;

struct document *document_new(const char *language, const char *title, const char *generator);
void document_free(struct document *d);

void document_heading(struct document *d, int level, const char *text);
void document_paragraph(struct document *d, const char *text);
void document_item(struct document *d, const char *text); /* items in a row are a list */
/* Of the last item; the first stands before its text. Markdown and text have none. */
void document_link(struct document *d, const char *text, const char *path);
void document_table(struct document *d, const char *caption, const char *const *titles,
                    const bool *numeric, size_t columns);
void document_cell(struct document *d, const char *text); /* of the last table */
void document_figure(struct document *d, const char *text, const char *path);

/* ---- reading ---- */

size_t document_blocks(const struct document *d, const struct block **list);
const char *document_title(const struct document *d);
const char *document_language(const struct document *d);
const char *document_generator(const struct document *d);

/* ---- writing: 0, or a negative errno ---- */

/* One file that needs no other: SVG pictures are embedded, and their files removed. `extra`: what an .svg gets behind its
 * first tag (a style for dark screens), or NULL. */
int document_html(const struct document *d, const char *svg_extra, FILE *out);
int document_markdown(const struct document *d, FILE *out);
int document_text(const struct document *d, FILE *out);

#endif

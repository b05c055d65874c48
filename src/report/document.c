#include "report/document.h"

#include <stdlib.h>

#include "base/check.h"

struct document {
    char *language, *title, *generator;
    struct block *list;
    size_t n, cap;
};

struct document *document_new(const char *language, const char *title, const char *generator)
{
    struct document *d = xcalloc(1, sizeof *d);

    d->language = xstrdup(language);
    d->title = xstrdup(title);
    d->generator = xstrdup(generator);
    return d;
}

void document_free(struct document *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n; i++) {
        struct block *b = &d->list[i];
        for (size_t k = 0; k < b->cell_count; k++)
            free(b->cells[k]);
        free(b->cells);
        free(b->text);
        free(b->path);
    }
    free(d->list);
    free(d->language);
    free(d->title);
    free(d->generator);
    free(d);
}

static struct block *add(struct document *d, enum block_kind kind, const char *text)
{
    if (d->n == d->cap)
        d->list = xrealloc(d->list, d->cap = d->cap * 2 + 32, sizeof *d->list);
    struct block *b = &d->list[d->n++];
    *b = (struct block){.kind = kind, .text = xstrdup(text)};
    return b;
}

void document_heading(struct document *d, int level, const char *text)
{
    add(d, BLOCK_HEADING, text)->level = level;
}

void document_paragraph(struct document *d, const char *text)
{
    add(d, BLOCK_PARAGRAPH, text);
}

void document_item(struct document *d, const char *text)
{
    add(d, BLOCK_ITEM, text);
}

void document_link(struct document *d, const char *text, const char *path)
{
    ASSERT(d->n && d->list[d->n - 1].kind == BLOCK_ITEM);
    struct block *b = &d->list[d->n - 1];
    b->cells = xrealloc(b->cells, b->cell_count + 2, sizeof *b->cells);
    b->cells[b->cell_count++] = xstrdup(text);
    b->cells[b->cell_count++] = xstrdup(path);
}

void document_table(struct document *d, const char *caption, const char *const *titles,
                    const bool *numeric, size_t columns)
{
    struct block *b = add(d, BLOCK_TABLE, caption);

    ASSERT(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    b->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        b->numeric[i] = numeric[i];
        document_cell(d, titles[i]);
    }
}

void document_cell(struct document *d, const char *text)
{
    ASSERT(d->n && d->list[d->n - 1].kind == BLOCK_TABLE);
    struct block *b = &d->list[d->n - 1];
    b->cells = xrealloc(b->cells, b->cell_count + 1, sizeof *b->cells);
    b->cells[b->cell_count++] = xstrdup(text);
}

void document_figure(struct document *d, const char *text, const char *path)
{
    add(d, BLOCK_FIGURE, text)->path = xstrdup(path);
}

size_t document_blocks(const struct document *d, const struct block **list)
{
    *list = d->list;
    return d->n;
}

const char *document_title(const struct document *d)
{
    return d->title;
}

const char *document_language(const struct document *d)
{
    return d->language;
}

const char *document_generator(const struct document *d)
{
    return d->generator;
}

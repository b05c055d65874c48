#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void error_add(struct error *err, const char *file, int line, int column, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    err->items = xrealloc(err->items, err->n + 1, sizeof *err->items);
    err->items[err->n++] = (struct error_item){file ? xstrdup(file) : NULL, line, column, text};
}

/* Faults without a file keep their place in front; the order within one place is the order of
 * finding. */
static bool comes_after(const struct error_item *a, const struct error_item *b)
{
    int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");

    if (by_file != 0)
        return by_file > 0;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void error_print(struct error *err, FILE *out)
{
    for (size_t i = 1; i < err->n; i++) {
        struct error_item item = err->items[i];
        size_t j = i;
        for (; j > 0 && comes_after(&err->items[j - 1], &item); j--)
            err->items[j] = err->items[j - 1];
        err->items[j] = item;
    }
    for (size_t i = 0; i < err->n; i++) {
        const struct error_item *e = &err->items[i];
        if (!e->file)
            fputs("scantide: ", out);
        else if (e->line && e->column)
            fprintf(out, "%s:%d:%d: ", e->file, e->line, e->column);
        else if (e->line)
            fprintf(out, "%s:%d: ", e->file, e->line);
        else
            fprintf(out, "%s: ", e->file);
        fprintf(out, "%s\n", e->text);
    }
}

void error_move(struct error *err, struct error *from)
{
    for (size_t i = 0; i < from->n; i++) {
        err->items = xrealloc(err->items, err->n + 1, sizeof *err->items);
        err->items[err->n++] = from->items[i];
    }
    free(from->items);
    *from = (struct error){0};
}

void error_fini(struct error *err)
{
    for (size_t i = 0; i < err->n; i++) {
        free(err->items[i].file);
        free(err->items[i].text);
    }
    free(err->items);
    *err = (struct error){0};
}

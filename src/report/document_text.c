#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "report/document.h"

/* Plain text and Markdown: what differs is how a block is marked. */

enum { WIDTH = 78 };

static bool is_lead(const char *p)
{
    return ((unsigned char)*p & 0xc0) != 0x80;
}

/* A character of the East: twice as wide, and lines are broken beside it, too. */
static bool is_wide(const char *p)
{
    return (unsigned char)*p >= 0xe3 && (unsigned char)*p < 0xf0;
}

/* Columns on a terminal. */
static size_t columns_of(const char *text)
{
    size_t n = 0;

    for (const char *p = text; *p; p++)
        if (is_lead(p))
            n += is_wide(p) ? 2 : 1;
    return n;
}

static void put_pad(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc(' ', out);
}

static bool begins_with_one_of(const char *p, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(p, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}

/* What no line begins with, and what none ends with. */
static bool is_closing(const char *p)
{
    static const char *const list[] = {"、", "。", "）", "」", "：", "～", "ー", "・",
                                       "っ", "ッ", "ょ", "ョ", "ゃ", "ャ", "ュ", "ィ",
                                       "ァ", "ェ", "ォ", ",",  ".",  ")",  "%"};

    return begins_with_one_of(p, list, sizeof list / sizeof *list);
}

static bool is_opening(const char *p)
{
    static const char *const list[] = {"（", "「", "("};

    return begins_with_one_of(p, list, sizeof list / sizeof *list);
}

/* Bytes that stay together: up to a blank, or up to where a character of the East lets a line end. */
static size_t word_length(const char *text)
{
    const char *p = text;

    while (*p && *p != ' ') {
        const char *next = p + 1;
        while (!is_lead(next))
            next++;
        if ((is_wide(p) || is_wide(next)) && *next && !is_closing(next) && !is_opening(p))
            return (size_t)(next - text);
        p = next;
    }
    return (size_t)(p - text);
}

/* Lines end at blanks and between characters of the East. */
static void put_wrapped(FILE *out, const char *text, const char *first, const char *more)
{
    size_t at = columns_of(first);

    fputs(first, out);
    for (const char *p = text; *p;) {
        bool blank = *p == ' ';
        p += blank;
        size_t n = word_length(p);
        char *word = xstrndup(p, n);
        size_t w = columns_of(word);
        if (p != text && at + blank + w > WIDTH) {
            fprintf(out, "\n%s", more);
            at = columns_of(more);
        } else if (blank) {
            fputc(' ', out);
            at++;
        }
        fputs(word, out);
        at += w;
        free(word);
        p += n;
    }
    fputc('\n', out);
}

static void put_rule(FILE *out, char c, size_t n)
{
    while (n-- > 0)
        fputc(c, out);
    fputc('\n', out);
}

static void put_table(FILE *out, const struct block *b)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    for (size_t i = 0; i < b->cell_count; i++) {
        size_t w = columns_of(b->cells[i]);
        if (w > widths[i % b->columns])
            widths[i % b->columns] = w;
    }
    for (size_t i = 0; i < b->cell_count; i++) {
        size_t column = i % b->columns, w = columns_of(b->cells[i]);
        bool last = column + 1 == b->columns;
        if (b->numeric[column])
            put_pad(out, widths[column] - w);
        fputs(b->cells[i], out);
        if (!b->numeric[column] && !last)
            put_pad(out, widths[column] - w);
        fputs(last ? "\n" : "  ", out);
    }
    fputc('\n', out);
}

static int finish(FILE *out)
{
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int document_text(const struct document *d, FILE *out)
{
    const struct block *list;
    size_t n = document_blocks(d, &list);

    fprintf(out, "%s\n", document_title(d));
    put_rule(out, '=', columns_of(document_title(d)));
    fputc('\n', out);
    for (size_t i = 0; i < n; i++) {
        const struct block *b = &list[i];
        switch (b->kind) {
        case BLOCK_HEADING:
            fprintf(out, "%s\n", b->text);
            put_rule(out, b->level == 2 ? '-' : '.', columns_of(b->text));
            fputc('\n', out);
            break;
        case BLOCK_PARAGRAPH:
            put_wrapped(out, b->text, "", "");
            fputc('\n', out);
            break;
        case BLOCK_ITEM:
            put_wrapped(out, b->text, "* ", "  ");
            if (i + 1 == n || list[i + 1].kind != BLOCK_ITEM)
                fputc('\n', out);
            break;
        case BLOCK_TABLE: put_table(out, b); break;
        case BLOCK_FIGURE: /* mail has none */ break;
        }
    }
    fprintf(out, "%s\n", document_generator(d));
    return finish(out);
}

/* ---- Markdown ---- */

/* What CommonMark, or HTML within it, would read something into. */
static void put_markdown(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\`*_{}[]<>#|&~!", *text))
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out); /* a line's end would end a row, or an item */
    }
}

static void put_markdown_table(FILE *out, const struct block *b)
{
    for (size_t i = 0; i < b->cell_count; i++) {
        fputs(i % b->columns ? " | " : "| ", out);
        put_markdown(out, b->cells[i]);
        if ((i + 1) % b->columns)
            continue;
        fputs(" |\n", out);
        for (size_t k = 0; i + 1 == b->columns && k < b->columns; k++)
            fprintf(out, "|%s%s", b->numeric[k] ? " ---:" : " ---",
                    k + 1 == b->columns ? " |\n" : " ");
    }
    fputc('\n', out);
}

int document_markdown(const struct document *d, FILE *out)
{
    const struct block *list;
    size_t n = document_blocks(d, &list);

    fputs("# ", out);
    put_markdown(out, document_title(d));
    fputs("\n\n", out);
    for (size_t i = 0; i < n; i++) {
        const struct block *b = &list[i];
        bool ends = b->kind != BLOCK_ITEM || i + 1 == n || list[i + 1].kind != BLOCK_ITEM;
        if (b->kind == BLOCK_TABLE) {
            put_markdown_table(out, b);
            continue;
        }
        if (b->kind == BLOCK_HEADING)
            fputs(b->level == 2 ? "## " : "### ", out);
        else if (b->kind == BLOCK_ITEM)
            fputs("- ", out);
        else if (b->kind == BLOCK_FIGURE)
            fputs("![", out);
        put_markdown(out, b->text);
        if (b->kind == BLOCK_FIGURE)
            fprintf(out, "](<%s>)", b->path);
        fputs(ends ? "\n\n" : "\n", out);
    }
    put_markdown(out, document_generator(d));
    fputc('\n', out);
    return finish(out);
}

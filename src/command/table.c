#include "command/table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "command/command.h"

enum {
    ROWS_MEASURED = 1000, /* text: so many rows are kept to find the columns' widths */
    WIDTH_MAX = 60
};

struct cell {
    uint32_t at, n; /* in the table's bytes */
    bool number;
};

struct table {
    enum table_format format;
    char **names;
    int n, at; /* at: the column of the next cell */
    uint64_t rows;
    /* Text only: the rows that wait for the widths. */
    struct buf bytes;
    struct cell *cells;
    size_t cell_count;
    int *widths;
    bool *numbers; /* right-aligned columns */
    bool measured;
};

int table_format_parse(const char *text, enum table_format *format)
{
    static const char *const names[] = {"text", "csv", "json"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (enum table_format)i;
            return 0;
        }
    return -EINVAL;
}

/* ---- how a cell is written ---- */

static void put_json_string(struct str s)
{
    putchar('"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_csv(struct str s)
{
    bool quote = false;

    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        fwrite(s.p, 1, s.n, stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            putchar('"');
        putchar(s.p[i]);
    }
    putchar('"');
}

/* Columns, not bytes: continuation bytes of UTF-8 take no room. */
static int width_of(struct str s)
{
    int n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

static struct str cell_text(const struct table *t, const struct cell *c)
{
    return (struct str){(const char *)t->bytes.p + c->at, c->n};
}

static void print_aligned(const struct table *t, int column, struct str s, bool right)
{
    int room = t->widths[column] - width_of(s);
    bool last = column + 1 == t->n;

    if (column)
        fputs("  ", stdout);
    if (right && room > 0)
        printf("%*s", room, "");
    for (size_t i = 0; i < s.n; i++) /* a stranger chose the bytes */
        putchar((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
    if (!right && !last && room > 0)
        printf("%*s", room, "");
    if (last)
        putchar('\n');
}

static void print_waiting(struct table *t)
{
    for (size_t i = 0; i < t->cell_count; i++) {
        int column = (int)(i % (size_t)t->n);
        print_aligned(t, column, cell_text(t, &t->cells[i]), t->numbers[column]);
    }
    t->cell_count = 0;
    t->bytes.n = 0;
}

static void measure(struct table *t)
{
    t->measured = true;
    for (int i = 0; i < t->n; i++) {
        t->widths[i] = width_of(str_from(t->names[i]));
        t->numbers[i] = t->cell_count > 0;
    }
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t column = i % (size_t)t->n;
        int w = width_of(cell_text(t, &t->cells[i]));
        w = w < WIDTH_MAX ? w : WIDTH_MAX;
        t->widths[column] = w > t->widths[column] ? w : t->widths[column];
        t->numbers[column] &= t->cells[i].number || t->cells[i].n == 0;
    }
    for (int i = 0; i < t->n; i++)
        print_aligned(t, i, str_from(t->names[i]), t->numbers[i]);
}

/* ---- cells ---- */

static void keep_cell(struct table *t, struct str s, bool number)
{
    t->cells = t->cells ? t->cells : xcalloc((size_t)t->n * ROWS_MEASURED, sizeof *t->cells);
    t->cells[t->cell_count++] = (struct cell){(uint32_t)t->bytes.n, (uint32_t)s.n, number};
    buf_put(&t->bytes, s.p, s.n);
}

static void begin_cell(struct table *t)
{
    if (t->format == TABLE_CSV && t->at)
        putchar(',');
    if (t->format == TABLE_JSON || t->format == TABLE_LINES) {
        if (t->at == 0)
            fputs(t->format == TABLE_LINES ? "{" : t->rows ? ",\n{" : "{", stdout);
        else
            putchar(',');
        put_json_string(str_from(t->names[t->at]));
        putchar(':');
    }
    t->at++;
}

static void put_plain(struct table *t, struct str s, bool number)
{
    begin_cell(t);
    if (t->format == TABLE_TEXT)
        keep_cell(t, s, number);
    else
        fwrite(s.p, 1, s.n, stdout);
}

void table_null(struct table *t)
{
    bool json = t->format == TABLE_JSON || t->format == TABLE_LINES;
    put_plain(t, json ? STR("null") : STR(""), false);
}

void table_integer(struct table *t, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, v);
    put_plain(t, str_from(text), true);
}

void table_real(struct table *t, double v)
{
    char text[40];

    if (!isfinite(v)) { /* JSON has no word for it */
        table_null(t);
        return;
    }
    snprintf(text, sizeof text, t->format == TABLE_TEXT ? "%.6g" : "%.15g", v);
    put_plain(t, str_from(text), true);
}

void table_text(struct table *t, struct str s)
{
    begin_cell(t);
    if (t->format == TABLE_TEXT)
        keep_cell(t, s, false);
    else if (t->format == TABLE_CSV)
        put_csv(s);
    else
        put_json_string(s);
}

void table_row(struct table *t)
{
    t->at = 0;
    t->rows++;
    if (t->format == TABLE_CSV)
        putchar('\n');
    else if (t->format == TABLE_LINES)
        fputs("}\n", stdout);
    else if (t->format == TABLE_JSON)
        putchar('}');
    else if (t->cell_count == (size_t)t->n * ROWS_MEASURED) {
        if (!t->measured)
            measure(t);
        print_waiting(t);
    }
}

struct table *table_new(enum table_format format, const char *const *names, int n)
{
    struct table *t = xcalloc(1, sizeof *t);

    t->format = format;
    t->n = n;
    t->names = xcalloc((size_t)n, sizeof *t->names);
    t->widths = xcalloc((size_t)n, sizeof *t->widths);
    t->numbers = xcalloc((size_t)n, sizeof *t->numbers);
    for (int i = 0; i < n; i++) {
        t->names[i] = xstrdup(names[i]);
        if (format == TABLE_CSV) {
            if (i)
                putchar(',');
            put_csv(str_from(names[i]));
        }
    }
    if (format == TABLE_CSV)
        putchar('\n');
    if (format == TABLE_JSON)
        fputs("[\n", stdout);
    return t;
}

int table_finish(struct table *t)
{
    if (t->format == TABLE_TEXT) {
        if (!t->measured)
            measure(t);
        print_waiting(t);
    }
    if (t->format == TABLE_JSON)
        fputs(t->rows ? "\n]\n" : "]\n", stdout);
    for (int i = 0; i < t->n; i++)
        free(t->names[i]);
    free(t->names);
    free(t->widths);
    free(t->numbers);
    free(t->cells);
    buf_fini(&t->bytes);
    free(t);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    fprintf(stderr, "scantide: the result couldn't be written (%s)\n", strerror(errno));
    return EXIT_FAILED;
}

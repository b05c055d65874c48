/* table.h - a table on stdout, row by row: aligned text, CSV (RFC 4180) or JSON (an array with an
 * object a line). One thread.
 *
 *     struct table *t = table_new(TABLE_CSV, names, n);
 *     for (...) { table_text(t, s); table_integer(t, i); table_row(t); }
 *     status = table_finish(t); */
#ifndef SCANTIDE_COMMAND_TABLE_H
#define SCANTIDE_COMMAND_TABLE_H

#include <stdint.h>

#include "base/str.h"

enum table_format {
    TABLE_TEXT,
    TABLE_CSV,
    TABLE_JSON,  /* one array of objects */
    TABLE_LINES, /* an object a line and nothing around them */
};

struct table;

/* The name of a format: text, csv, json. 0, or -EINVAL. */
int table_format_parse(const char *text, enum table_format *format);

struct table *table_new(enum table_format format, const char *const *names, int n);

/* The next cell of the row. */
void table_null(struct table *t);
void table_integer(struct table *t, int64_t v);
void table_real(struct table *t, double v);
void table_text(struct table *t, struct str text);

/* All cells of the row are there. */
void table_row(struct table *t);

/* Ends it and frees it. EXIT_DONE, or EXIT_FAILED with a sentence where stdout took it not. */
int table_finish(struct table *t);

#endif

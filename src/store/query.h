/* query.h - one SQL question to the facts, row by row; nothing can be written.
 *
 * The tables are those of store/virtual.h. All rows are of one state of the facts, whatever is
 * committed meanwhile. One thread at a time per store.
 *
 *     struct query *q;
 *     if (query_open(store, "SELECT port, sum(events) FROM bins GROUP BY port", &q, &err) < 0) ...
 *     while ((rc = query_next(q)) > 0)
 *         for (int i = 0; i < query_columns(q); i++) ... query_value(q, i) ...
 *     query_close(q); */
#ifndef SCANTIDE_STORE_QUERY_H
#define SCANTIDE_STORE_QUERY_H

#include "store/store.h"

struct query;

enum query_type { QUERY_NULL, QUERY_INTEGER, QUERY_REAL, QUERY_TEXT };

struct query_value {
    enum query_type type;
    int64_t integer;
    double real;
    struct str text; /* of any type but NULL; valid until the next row; bytes that are no text come
                        in hexadecimal */
};

/* -EINVAL with a fault for what is no SQL, isn't one statement, or would write; -EIO. */
int query_open(struct store *s, const char *sql, struct query **out, struct error *err);

int query_columns(const struct query *q);
const char *query_column(const struct query *q, int i);

/* 1: a row, 0: the end, -EIO with the sentence in store_error(). */
int query_next(struct query *q);
struct query_value query_value(struct query *q, int i);
void query_close(struct query *q);

#endif

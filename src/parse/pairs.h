/* pairs.h - text of the form "key=value" in any order, read in one pass.
 *
 * A value may stand in double quotes, in which "\" takes the byte behind it as it is; without them
 * it ends at the next separator. Words without an assignment are passed over. A key in quotes is
 * the same key, and blanks may stand on both sides of its assignment (JSON). The first pair of a
 * key counts. Immutable once made: any thread may read with it. */
#ifndef SCANTIDE_PARSE_PAIRS_H
#define SCANTIDE_PARSE_PAIRS_H

#include "base/str.h"

struct pair_table;

/* `separators` (at least one) and `assign` of at least one byte each; the strings are copied. */
struct pair_table *pair_table_new(const struct str *separators, size_t n, struct str assign);
void pair_table_free(struct pair_table *t);

/* Adds a key under a number below 128; false where the key is there already. */
bool pair_table_add(struct pair_table *t, struct str key, unsigned number);

/* Calls `cb` for each pair whose key is in the table, the value without its quotes. */
typedef void pair_cb(void *context, unsigned number, struct str value);
void pair_table_read(const struct pair_table *t, struct str text, pair_cb *cb, void *context);

#endif

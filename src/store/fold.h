/* fold.h - an hour's rows kept within their bounds while it lasts; for the store's own files. */
#ifndef SCANTIDE_STORE_FOLD_H
#define SCANTIDE_STORE_FOLD_H

#include "store/store.h"

/* A row is to be added to the hour's, and it is noted in `unfolded` already. Where they have become
 * too large, smaller rows take the place of those there are, in the open transaction, and what
 * sources are dropped is kept as sketches; *added: the new row is among them. This is done before the
 * row is there, so that the file doesn't grow by what is dropped at once. */
int fold_within_bounds(struct store *s, const struct segment *g, bool *added);

#endif

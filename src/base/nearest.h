/* nearest.h - the word that somebody probably meant, for "did you mean ...?".
 *
 * Pure. Any thread. Not for the hot path: it compares with every word. */
#ifndef SCANTIDE_BASE_NEAREST_H
#define SCANTIDE_BASE_NEAREST_H

#include <stddef.h>

#include "base/str.h"

/* The word with the fewest slips of the finger from `word` (one letter too many, too few, wrong, or
 * two exchanged; case doesn't count), the first of equals. NULL where more than two letters in five
 * would have to change, and for words over 63 bytes. */
const char *nearest_word(struct str word, const char *const *words, size_t n);

#endif

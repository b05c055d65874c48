/* needs.h - text that a line must hold for a pattern to fit.
 *
 * Looking for it costs a few nanoseconds, running a pattern in vain many: its machine code isn't in
 * the processor's cache. Pure; any thread. */
#ifndef SCANTIDE_PARSE_NEEDS_H
#define SCANTIDE_PARSE_NEEDS_H

#include <stddef.h>

enum { NEEDS_MAX = 64 };

/* Writes the longest text that all that `pattern` (PCRE2 in extended syntax, valid) matches holds,
 * and gives its length; 0: none is known. It reads what parser files are written with, and knows of
 * none where there is anything else. */
size_t needs_of(const char *pattern, char out[NEEDS_MAX]);

#endif

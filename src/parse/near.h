/* near.h - how near parsers came to a line that none takes, for the authors of parser files.
 *
 * Slow: each pattern is run over many beginnings of the line. One thread a matcher. */
#ifndef SCANTIDE_PARSE_NEAR_H
#define SCANTIDE_PARSE_NEAR_H

#include "parse/matcher.h"

struct near {
    size_t parser, pattern;
    bool lacks_literal; /* the pattern would fit, were it not for the literal */
    bool fits;          /* it does, but its values make no packet: */
    const char *field;  /* the field at fault; NULL: none, it is a stranger's line */
    struct str value;   /* and what was read for it; empty: nothing */
    struct str
        fitting;     /* the longest part of the message, from where the pattern was tried, that it
                           could still have matched */
    struct str rest; /* of the message behind it */
};

/* Fills `out` with the nearest pattern of each parser whose literal or tag the line has, and of
 * each that lacks it only, the farthest first; at most `max`. Returns how many. */
size_t near_find(struct matcher *m, const struct parser_set *set, const struct envelope *env,
                 struct near *out, size_t max);

/* The same for one parser; false where the line has neither its literal nor its tag, and no pattern
 * would fit if it had. */
bool near_of(struct matcher *m, const struct parser_set *set, size_t parser,
             const struct envelope *env, struct near *out);

enum { NEAR_TEXT_MAX = 384 };

/* Writes it as a sentence whose subject is the pattern, cut to fit; control bytes become '?'. */
void near_text(const struct near *n, const struct parser_file *file, char out[NEAR_TEXT_MAX]);

#endif

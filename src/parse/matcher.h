/* matcher.h - lines matched against a set of parsers: the thread's part of it.
 *
 * Nothing here allocates while it matches. Patterns run under the match limit of their file: a line
 * that reaches it is given up, and counted. One thread a matcher; the set is shared. */
#ifndef SCANTIDE_PARSE_MATCHER_H
#define SCANTIDE_PARSE_MATCHER_H

#include "parse/envelope.h"
#include "parse/event.h"
#include "parse/parser.h"

struct matcher;

struct matcher *matcher_new(const struct parser_set *set);
void matcher_free(struct matcher *m);

/* Fills all of *e but `when`, and gives OUTCOME_EVENT, OUTCOME_IGNORED (fields are filled as well,
 * unless the parser knows the line as no packet: source.family is 0 then) or OUTCOME_UNMATCHED (only
 * e->host is). The host is the envelope's unless the message tells one. Of the envelope, host, tag
 * and message are read. */
enum outcome matcher_match(struct matcher *m, const struct envelope *env, struct event *e);

/* The time that the last matched message tells; of kind STAMP_NONE where it tells none. */
const struct stamp *matcher_stamp(const struct matcher *m);

/* The index of the parser that took the last matched line, and of its pattern (those of what it
 * ignores come behind the others). */
size_t matcher_parser(const struct matcher *m);
size_t matcher_pattern(const struct matcher *m);

#endif

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

/* Only these parsers are tried from now on, by name; names that the set hasn't are passed over. */
void matcher_only(struct matcher *m, const char *const *names, size_t n);
void matcher_free(struct matcher *m);

/* Fills all of *e but `when`, and gives OUTCOME_EVENT, OUTCOME_IGNORED (fields are filled as well,
 * unless the parser knows the line as no packet: source.family is 0 then) or OUTCOME_UNMATCHED
 * (only e->host is). The host is the envelope's unless the message tells one. Of the envelope,
 * host, tag and message are read. */
enum outcome matcher_match(struct matcher *m, const struct envelope *env, struct event *e);

/* Whether one parser by itself takes a line. */
bool matcher_takes(struct matcher *m, size_t parser, const struct envelope *env, struct event *e);

/* Whether a pattern of a parser would take a line, wherever it begins, if only it held a literal.
 * Slow. */
bool matcher_lacks_literal(struct matcher *m, size_t parser, const struct envelope *env,
                           size_t *pattern);

/* Forgets which parser took which source's last line, which only speeds the next one up. */
void matcher_forget(struct matcher *m);

/* Whether a rule of the verdict (or the operator) decided on the last matched line; else it was
 * `otherwise`. */
bool matcher_decided(const struct matcher *m);

/* How often a pattern of a parser, or of any, reached its match limit since the matcher was
 * made. */
uint64_t matcher_limited(const struct matcher *m, size_t parser);
uint64_t matcher_limited_all(const struct matcher *m);

/* The time that the last matched message tells; of kind STAMP_NONE where it tells none. */
const struct stamp *matcher_stamp(const struct matcher *m);

/* The index of the parser that took the last matched line, and of its pattern (those of what it
 * ignores come behind the others). */
size_t matcher_parser(const struct matcher *m);
size_t matcher_pattern(const struct matcher *m);

#endif

/* summary.h - what became of a log's lines, told together: `explain --summary`. */
#ifndef SCANTIDE_COMMAND_SUMMARY_H
#define SCANTIDE_COMMAND_SUMMARY_H

#include <stdio.h>

#include "parse/matcher.h"

struct summary;

struct summary *summary_new(const struct parser_set *set);
void summary_free(struct summary *s);

/* One line; `m` has just matched it, `message` is what it was matched by. */
void summary_add(struct summary *s, const struct matcher *m, enum outcome o, const struct event *e,
                 struct str message, uint64_t line);

/* Whether no line of this shape has been asked about before; false once too many have. */
bool summary_is_new(struct summary *s, struct str message);

void summary_print(const struct summary *s, const struct matcher *m, FILE *out);

#endif

/* reader.h - lines of one log become events: envelope, clock and parsers in one step.
 *
 * A reader follows one log in its order and belongs to one thread. The head of the line before is
 * remembered as text, so time is converted about once a second of the log, not once a line. */
#ifndef SCANTIDE_PARSE_READER_H
#define SCANTIDE_PARSE_READER_H

#include "parse/clock.h"
#include "parse/event.h"
#include "parse/matcher.h"

enum { HEAD_KEPT = 96 };

struct reader {
    struct clock clock;
    struct matcher *matcher;  /* the reader's own */
    char head[HEAD_KEPT];     /* the last line's head: to its stamp's end, or to its tag's */
    size_t stamp_len;         /* 0: none kept */
    size_t head_len;          /* 0: the tag isn't kept */
    size_t host_at, host_len; /* within the head */
    size_t tag_at, tag_len;
    bool process;                 /* of the head's tag */
    bool stamped;                 /* the last line had a time of its own */
    char scratch[LINE_MAX_BYTES]; /* of the last line */
};

/* Begins with a log (or a block of it) whose line before was at `before` (INT64_MIN: none). */
void reader_init(struct reader *r, struct matcher *matcher, const struct clock_rule *rule,
                 int64_t before);

/* One line without its newline (a CR before it and NULs at its head are taken off). Sets e->when
 * and e->host for every line; for events and ignored lines all else too. A line over LINE_MAX_BYTES
 * is lost. */
enum outcome reader_line(struct reader *r, struct str line, struct event *e);

#endif

/* intake.h - blocks of whole lines become counted events: parse, tag and tally in one pass.
 *
 * Shared by import's workers and the daemon. Allocates nothing a line. One thread at a time per
 * reader and tally. */
#ifndef SCANTIDE_PIPELINE_INTAKE_H
#define SCANTIDE_PIPELINE_INTAKE_H

#include "parse/reader.h"
#include "tag/geo.h"
#include "tally/tally.h"

enum { SAMPLES_MAX = 3, SAMPLE_BYTES = 400 };

/* What became of lines. lines = the sum over outcomes, always; packets >= events, since a line may
 * stand for several. */
struct counts {
    uint64_t lines, by[OUTCOMES], packets, future;
    uint64_t suppressed; /* messages that loggers say they let fall; no lines of ours */
    uint64_t limited;    /* times a pattern was given up at its match limit */
};

void counts_add(struct counts *sum, const struct counts *more);

struct intake_samples {
    char text[SAMPLES_MAX][SAMPLE_BYTES + 1]; /* unmatched lines, cut to fit */
    unsigned n;
};

struct intake {
    const struct geo *geo;
    struct str sensor; /* the name that the operator gave; empty: the line's host */
    int64_t now;       /* events stamped after this are reported as from the future */
};

/* Times of the first and last line that has one, of any kind. */
struct intake_span {
    int64_t first, last;
    bool any;
};

void intake_lines(const struct intake *in, struct reader *r, struct str lines, struct tally *t,
                  struct counts *counts, struct intake_span *span, struct intake_samples *samples);

#endif

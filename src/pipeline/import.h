/* import.h - whole logs taken in, on all cores.
 *
 * Workers read blocks of one log in turn and fill tallies of their own; the calling thread commits
 * them in the log's order, a few hundred thousand events at a time. What depends on the lines
 * before (a year, a fold of the zone) is guessed by a worker and confirmed in order; a block whose
 * guess was wrong is parsed again. Memory is bounded: workers wait for the commit. */
#ifndef SCANTIDE_PIPELINE_IMPORT_H
#define SCANTIDE_PIPELINE_IMPORT_H

#include "base/error.h"
#include "parse/parser.h"
#include "pipeline/commit.h"
#include "pipeline/intake.h"
#include "store/store.h"

struct import_options {
    const struct parser_set *parsers;
    struct geo *geo;
    struct commit_tags tags;
    struct store *store;
    const char *sensor;      /* "" or the name for all lines */
    const struct zone *zone; /* of stamps without one */
    int year;                /* of the first line; 0: by the file's time */
    unsigned threads;
    int64_t now;
    /* Called about five times a second and at the end, from the calling thread; may be NULL. total:
     * 0 where unknown. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total, uint64_t lines);
    void *progress_ctx;
};

struct import_report {
    struct counts counts;
    uint64_t bytes;          /* read now */
    uint64_t known;          /* bytes that were taken in before */
    struct intake_span span; /* of what was read now */
    int64_t latest;          /* the latest line */
    struct intake_samples samples;
    bool is_stream;
    uint64_t left; /* bytes of a last line that may not be all there yet: not taken in */
};

/* `path`: a regular file, plain or compressed, or "-" for stdin. The report is set, also on failure
 * (what was committed until then). Returns 0 or a negative code with a fault added: -EINVAL where
 * the operator must say more (--year), -EBADMSG where what is packed is damaged: what could be read
 * is taken in. */
int import_log(const struct import_options *o, const char *path, struct import_report *report,
               struct error *err);

/* The same for one member of an archive, by its number (input/packed.h); 0: the file is one log. */
int import_member(const struct import_options *o, const char *path, unsigned member,
                  struct import_report *report, struct error *err);

#endif

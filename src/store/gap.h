/* gap.h - why nobody watched, or what was lost: the other half of what store_put_watched tells.
 *
 * A gap is a span of seconds, a reason, and where it is known how many lines or messages went with
 * it. Gaps of one reason, sensor, input and text that touch become one; their counts are added up.
 *
 * Some reasons are blind: nobody was there to watch. They are told of no second that was watched,
 * whichever of the two is said first: a log that was read on has no gap. All others stand beside
 * what was watched.
 *
 *     struct gap g = {.sensor = id, .reason = GAP_LOST, .from = a, .to = b, .lost = 12};
 *     store_put_gap(s, &g);
 *     store_read_gaps(s, id, from, to, take_gap, ctx); */
#ifndef SCANTIDE_STORE_GAP_H
#define SCANTIDE_STORE_GAP_H

#include "store/store.h"

/* Name as it is stored and shown; whether it is blind; how many seconds may lie between two that
 * become one. */
#define GAP_REASONS(X)                                                         \
    X(STOPPED, "stopped", true, 1)          /* scantide was ended */           \
    X(CRASHED, "crashed", true, 1)          /* ended without a last commit */  \
    X(SILENT, "silent", false, 1)           /* an input that is never quiet */ \
    X(JOURNAL_GAP, "journal-gap", false, 1) /* vacuumed before it was read */  \
    X(TRUNCATED, "truncated", false, BIN_S) /* a log cut before it was read */ \
    X(LOST, "lost", false, BIN_S)           /* lines that couldn't be taken */ \
    X(NOTE, "note", false, 1)               /* the operator's words, never pruned */

enum gap_reason {
#define X(id, name, blind, apart) GAP_##id,
    GAP_REASONS(X)
#undef X
        GAP_REASON_COUNT
};

const char *gap_reason_name(enum gap_reason reason);

/* -EINVAL: none is called so. */
int gap_reason_parse(struct str name, enum gap_reason *out);

enum { GAP_TEXT_MAX = 201 }; /* of input and text, with the terminator: longer ones are cut */

struct gap {
    uint16_t sensor; /* 0: all of them; a blind gap is then told of each that there is */
    enum gap_reason reason;
    int64_t from, to;  /* both inclusive, seconds */
    uint64_t lost;     /* lines or messages; 0: unknown, or none */
    const char *input; /* the log or listener that it is about; NULL or "": none in particular */
    const char *text;  /* for a person; NULL or "": none. What can't be printed becomes '?' */
};

/* In the open transaction, or in one of its own. */
int store_put_gap(struct store *s, const struct gap *g);

/* Takes gaps of the reason back, in [from, to]: what reaches beyond stays (its count with the
 * earlier part). `input` NULL: whichever; `sensor` as in struct gap. */
int store_cut_gap(struct store *s, uint16_t sensor, enum gap_reason reason, const char *input,
                  int64_t from, int64_t to);

/* Whoever followed the logs (a path, or a pattern) begins again at `now`: since their sensors were
 * watched last scantide was stopped. What is read on takes it back. */
int store_put_stopped(struct store *s, const char *paths, int64_t now);

typedef int (*store_gap_cb)(void *ctx, const struct gap *g);

/* Calls back for each gap that has a second in [from, to), whole, ordered by their beginning: those
 * of the sensor and those of all; with sensor 0 those of every sensor. A non-zero answer ends it
 * and is returned. */
int store_read_gaps(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_gap_cb cb,
                    void *ctx);

/* The same for the spans that were watched, both ends inclusive. */
int store_read_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       int (*cb)(void *ctx, int64_t first, int64_t last), void *ctx);

/* ---- for the store's own files ---- */

/* The seconds are watched now: blind gaps of them go. */
int gap_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to);

/* The seconds' facts are removed: all go but notes. */
int gap_prune(struct store *s, uint16_t sensor, int64_t from, int64_t to);

#endif

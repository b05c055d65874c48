/* commit.h - one commit: the counts of several logs and how far each has been read, in one
 * transaction.
 *
 * After a crash at any instant the facts are those of the lines before the stored positions:
 * nothing lost, nothing twice. Called from a thread that may block. */
#ifndef SCANTIDE_PIPELINE_COMMIT_H
#define SCANTIDE_PIPELINE_COMMIT_H

#include "store/store.h"
#include "tally/tally.h"

/* A log as commits know it, for as long as it is read. */
struct log_state {
    struct position position; /* offset and times as they shall be after the next commit */
    bool is_stream;           /* has no position: stdin */
    bool mark;                /* keep the next offset as one where a copy may end */
    /* Watched from position.first_when (INT64_MAX: no line yet) to here, both inclusive. */
    int64_t watched_to;
    uint16_t sensors[SENSORS_MAX + 1]; /* that it has had events of */
    size_t sensor_count;
};

/* What one commit takes of one log. */
struct commit_part {
    struct log_state *log;
    struct tally *const *tallies;
    size_t n;
};

/* Gives the log the sensors that the store knows for its position. */
int log_state_load(struct store *s, struct log_state *log);

/* Writes all parts or none. On failure a fault is added, and the logs' lists of sensors and
 * position ids may have grown. */
int commit_write(struct store *s, const struct commit_part *parts, size_t n, struct error *err);

#endif

/* commit.h - one commit: the counts of several logs and how far each has been read, in one
 * transaction.
 *
 * After a crash at any instant the facts are those of the lines before the stored positions:
 * nothing lost, nothing twice. Called from a thread that may block. */
#ifndef SCANTIDE_PIPELINE_COMMIT_H
#define SCANTIDE_PIPELINE_COMMIT_H

#include "input/identity.h"
#include "store/store.h"
#include "tag/anonymizer.h"
#include "tag/asn.h"
#include "tally/tally.h"

/* What couldn't be read of a log's files, to be told as a gap. Zero-initialised is nothing. */
struct unread {
    unsigned files;
    uint64_t bytes;   /* of them, at least */
    int64_t from, to; /* both inclusive, when their lines were written */
};

/* A log as commits know it, for as long as it is read. */
struct log_state {
    struct position position; /* offset and times as they shall be after the next commit */
    struct str head;          /* the first HEAD_BYTES of it, or all up to the offset */
    bool is_stream;           /* has no position: syslog, stdin, the journal */
    const char *stream;       /* the name under which its state is kept; NULL: it is not */
    char cursor[CURSOR_MAX];  /* of the journal; else "" */
    bool ended;               /* the stream, with the daemon */
    bool mark;                /* keep the next offset as one where a copy may end */
    /* Watched from position.first_when (INT64_MAX: no line yet) to here, both inclusive. */
    int64_t watched_to;
    int64_t watched_from; /* but not before this: it had fallen silent */
    /* It is silent, which it never is by itself: blind in these seconds, both inclusive; 0: not. */
    int64_t silent_from, silent_to;
    struct unread truncated, damaged;
    uint16_t unread_sensor;            /* whose they were; 0: of several, or not known */
    uint16_t sensors[SENSORS_MAX + 1]; /* that it has had events of */
    size_t sensor_count;
    /* As the store had them when the log was looked up or committed last: another scantide that
     * took in lines of it since has changed one of them. */
    uint64_t from;  /* the offset */
    int64_t newest; /* the newest position of the sensor */
};

void unread_add(struct unread *u, uint64_t bytes, int64_t from, int64_t to);

/* What one commit takes of one log. */
struct commit_part {
    struct log_state *log;
    struct tally *const *tallies;
    size_t n;
    bool stale; /* set where the answer is -ESTALE: it is this log's fault */
};

/* What a commit tells of sources besides their rule, which the facts know themselves. */
struct commit_tags {
    const struct asn *asn;               /* NULL: no AS numbers */
    const struct anonymizer *anonymizer; /* NULL: sources are stored as they are */
};

/* Looks a log up by its content, as identity_find, and gives it the sensors that the store knows
 * for its position. 1 found, 0 a new log, or a negative code. */
int log_state_find(struct store *s, int fd, uint64_t size, const char *sensor,
                   struct log_state *log);

/* The same for a packed log, as identity_find_packed. */
int log_state_find_packed(struct store *s, struct packed *packed, const char *sensor,
                          struct log_state *log, struct identity_run *at);

/* Writes all parts or none. On failure a fault is added, and the logs' lists of sensors and
 * position ids may have grown. -ESTALE, without a fault: another scantide has taken in lines of one
 * of the logs, so they are to be looked up again and read from there. */
int commit_write(struct store *s, const struct commit_tags *tags, struct commit_part *parts,
                 size_t n, struct error *err);

#endif

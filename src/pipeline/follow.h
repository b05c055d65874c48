/* follow.h - a followed log counted, and what of it makes a commit.
 *
 * A log (a path) has one or more files at a time; each is read, counted and committed on its own,
 * with its own position. Between commits a file's lines are in its tally; a swap moves them into a
 * batch. The batch also answers which log a file is, after all that was read before was committed.
 *
 * Knows neither loop nor files' names nor a clock. The loop's thread only.
 *
 *     followed_begin(f, &ask);                    the answer came: the file is new, or is read on
 *     followed_take(f, now, lines, ...);          its lines
 *     follow_swap(log, current, now, true, false, batch); */
#ifndef SCANTIDE_PIPELINE_FOLLOW_H
#define SCANTIDE_PIPELINE_FOLLOW_H

#include "pipeline/batch.h"

struct follow_log;

/* One file of a log. */
struct followed {
    struct follow_log *owner;
    unsigned file; /* its number in the log's tail */
    int fd;
    const char *name;
    bool is_packed; /* set by whoever opened it */
    bool begun;     /* known where it is to be read from */
    bool fresh;     /* a new log, and no line of it yet */
    bool ended;     /* to be forgotten once it is committed */
    bool changed;   /* since the last swap */
    bool in_commit;
    bool asks; /* which log it is: goes into the next swap */
    struct log_state state;
    struct content content; /* at state.position.offset */
    uint64_t begun_at;      /* the offset at which it was read on; 0: new */
    uint64_t swapped;       /* the offset at the last swap */
    struct reader reader;
    struct tally *tally;
    struct counts counts; /* since the last swap */
};

/* Tells of the answers to a log's files' questions. */
typedef void (*followed_told_cb)(void *ctx, struct followed *f, struct batch_ask *ask);

/* A path that is followed. The strings are the owner's. */
struct follow_log {
    const char *path, *sensor; /* "": each line's host */
    const struct zone *zone;
    const struct geo *geo;
    struct matcher *matcher;
    followed_told_cb told;
    void *told_ctx;
    struct followed **files;
    size_t n;

    struct counts counts;    /* taken in since the start */
    struct counts committed; /* of them */
    struct intake_samples samples;
    int silence_s;      /* without lines for longer it is blind; 0: it may be quiet */
    int64_t heard;      /* when lines came last, or following began; INT64_MIN: not yet */
    int64_t last_event; /* when its newest line was stamped; INT64_MIN: none yet */
    bool stale; /* a file's lines were taken in by another scantide: follow_log_reset is due */

    /* How long the log has been watched, over all its files, and the sensors that it has had events
     * of: a new file of it goes on from there, for a log that is rotated isn't unwatched before its
     * next line. */
    int64_t watched_to; /* INT64_MIN: not yet */
    uint16_t sensors[SENSORS_MAX + 1];
    size_t sensor_count;
};

/* `told` gets `ctx`. */
void follow_log_init(struct follow_log *log, struct matcher *matcher, followed_told_cb told,
                     void *ctx);
void follow_log_fini(struct follow_log *log);

/* Forgets all files, and what of them isn't committed, as after a crash: they are to be opened
 * again. None may be in a batch. */
void follow_log_reset(struct follow_log *log);

/* Lines are matched by another one from now on. The matcher is the log's to free, here and above. */
void follow_log_set_matcher(struct follow_log *log, struct matcher *matcher);

/* A file that was opened; `name` outlives it. */
struct followed *followed_new(struct follow_log *log, unsigned file, int fd, const char *name);
struct followed *followed_find(const struct follow_log *log, unsigned file);

/* Tells with its next commit what couldn't be read of files of its log. */
void followed_tell(struct followed *f, const struct unread *truncated,
                   const struct unread *damaged);

/* It is closed. It is gone when it has nothing left to commit. */
void followed_end(struct followed *f);

/* The answer is NEW or KNOWN. */
void followed_begin(struct followed *f, const struct batch_ask *ask);

/* Counts lines; `offset`, `head` and `tail` as struct tail_uv_calls has them. */
void followed_take(struct followed *f, int64_t now, const struct tail_lines *lines, uint64_t offset,
                   struct str head, struct str tail);

/* Whether no line has come for longer than it can be quiet. */
bool follow_log_silent(const struct follow_log *log, int64_t now);

/* Records that wait for the next swap. */
size_t follow_log_records(const struct follow_log *log);
bool follow_log_changed(const struct follow_log *log);

bool follow_log_asks(const struct follow_log *log);

/* Moves what the log's files have, and what they ask, into the batch. `current`: the log's file now
 * if all of it was read, so that it is watched up to `now`; else NULL. `watch`: also where only
 * that has changed. `mark`: a copy of the log may end here. */
void follow_swap(struct follow_log *log, struct followed *current, int64_t now, bool watch,
                 bool mark, struct batch *b);

#endif

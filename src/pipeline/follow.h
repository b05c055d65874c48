/* follow.h - followed logs counted, and what of them makes a commit.
 *
 * A log (a path) has one or more files at a time; each is read, counted and committed on its own,
 * with its own position. Between commits a file's lines are in its tally. A swap takes the tallies
 * away into a self-contained job, which a worker writes while counting goes on into fresh ones;
 * where writing fails the job is written again as it is. The job also answers which log a file is:
 * after the commit, so that all that was read before is known by then.
 *
 * Knows neither loop nor files' names nor a clock. All but follow_commit_write belongs to the
 * loop's thread.
 *
 *     followed_begin(f, &ask, &said);             the answer came: the file is new, or is read on
 *     followed_take(f, now, lines, ...);          its lines
 *     follow_swap(log, now, true, c);             for each log
 *     rc = follow_commit_write(c, store, tags, &err);   in a worker, until it is 0
 *     follow_commit_done(c);                      the files know what was stored */
#ifndef SCANTIDE_PIPELINE_FOLLOW_H
#define SCANTIDE_PIPELINE_FOLLOW_H

#include "input/tail.h"
#include "pipeline/commit.h"
#include "pipeline/intake.h"

/* What identifies a file's content up to an offset: its first bytes, and those before the
 * offset. */
struct content {
    char head[HEAD_BYTES], tail[TAIL_BYTES];
    size_t head_n, tail_n;
};

struct follow_log;

/* One file of a log. */
struct followed {
    struct follow_log *owner;
    unsigned file; /* its number in the log's tail */
    int fd;
    const char *name;
    bool begun;   /* known where it is to be read from */
    bool fresh;   /* a new log, and no line of it yet */
    bool ended;   /* to be forgotten once it is committed */
    bool changed; /* since the last swap */
    bool in_commit;
    bool asks; /* which log it is: goes into the next swap */
    struct log_state state;
    struct content content; /* at state.position.offset */
    uint64_t swapped;       /* the offset at the last swap */
    struct reader reader;
    struct tally *tally;
};

/* A path that is followed. The strings are the owner's. */
struct follow_log {
    const char *path, *sensor; /* "": each line's host */
    const struct zone *zone;
    const struct geo *geo;
    struct matcher *matcher;
    struct followed **files;
    size_t n;

    struct counts counts; /* since the start */
    struct intake_samples samples;

    /* How long the log has been watched, over all its files, and the sensors that it has had events
     * of: a new file of it goes on from there, for a log that is rotated isn't unwatched before its
     * next line. */
    int64_t watched_to; /* INT64_MIN: not yet */
    uint16_t sensors[SENSORS_MAX + 1];
    size_t sensor_count;
};

/* A question and its answer: which log is the file? */
struct follow_ask {
    struct followed *file;
    int fd;
    const char *sensor;
    enum tail_answer answer;
    struct log_state state;
    struct content content;
    uint64_t size;
    int64_t mtime;
};

/* What one file gives to a commit. */
struct follow_part {
    struct followed *file;
    struct log_state state, stored; /* to be stored; as the last try stored it */
    struct content content;
    struct tally *tally;
};

struct follow_commit {
    struct follow_part *parts;
    size_t n;
    bool written; /* the parts are; an answer failed */
    struct follow_ask *asks;
    size_t ask_count;
    struct tally **spare; /* empty tallies for the next swap */
    size_t spare_count;
};

void follow_log_init(struct follow_log *log, const struct parser_set *parsers);
void follow_log_fini(struct follow_log *log);

/* A file that was opened; `name` outlives it. */
struct followed *followed_new(struct follow_log *log, unsigned file, int fd, const char *name);
struct followed *followed_find(const struct follow_log *log, unsigned file);

/* It is closed. It is gone when it has nothing left to commit. */
void followed_end(struct followed *f);

/* The answer is NEW or KNOWN. */
void followed_begin(struct followed *f, const struct follow_ask *ask);

/* Counts lines; `offset`, `head` and `tail` as struct tail_uv_calls has them. */
void followed_take(struct followed *f, int64_t now, const struct tail_lines *lines, uint64_t offset,
                   struct str head, struct str tail);

/* Records that wait for the next swap. */
size_t follow_log_records(const struct follow_log *log);
bool follow_log_changed(const struct follow_log *log);

bool follow_log_asks(const struct follow_log *log);

/* Moves what the log's files have, and what they ask, into the commit. `current`: the log's file
 * now if all of it was read, so that it is watched up to `now`; else NULL. `watch`: also where only
 * that has changed. `mark`: a copy of the log may end here. */
void follow_swap(struct follow_log *log, struct followed *current, int64_t now, bool watch,
                 bool mark, struct follow_commit *c);

bool follow_commit_empty(const struct follow_commit *c);

/* In a worker: writes all parts, then answers the asks. 0, or a negative code with a fault in err:
 * call it again, later; what is missing then is made up for, and nothing is written twice. -ESTALE,
 * without a fault, as commit_write: all logs are to be followed anew. */
int follow_commit_write(struct follow_commit *c, struct store *s, const struct commit_tags *tags,
                        struct error *err);

/* After it was written: the files take over what was stored, and the commit has no parts any more.
 * The asks stay, to be told, until follow_commit_clear. */
void follow_commit_done(struct follow_commit *c);
void follow_commit_clear(struct follow_commit *c);
void follow_commit_fini(struct follow_commit *c);

#endif

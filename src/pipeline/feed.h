/* feed.h - what every kind of input on the daemon's loop has in common.
 *
 * A feed is one kind of input with all its inputs: the followed files, the journal, syslog's
 * listeners. The daemon tells it when to look and when it may read, takes what it has counted into
 * batches, and closes it. A feed knows nothing of other feeds, and only the loop's thread calls it.
 *
 * A new kind is a file of its own: a struct that begins with a struct feed, a table of functions,
 * and a line in the daemon's open_feeds(). */
#ifndef SCANTIDE_PIPELINE_FEED_H
#define SCANTIDE_PIPELINE_FEED_H

#include <uv.h>

#include "config/config.h"
#include "parse/parser.h"
#include "pipeline/batch.h"
#include "tag/geo.h"

struct daemon;
struct feed;
struct stream;

/* What a feed may use of the daemon. */
struct feed_host {
    uv_loop_t *loop;
    struct daemon *daemon;
    const struct parser_set *parsers;
    struct geo *geo;
    struct store *store; /* while the feed is opened only: later it belongs to jobs */
    int64_t now_ms;      /* of the loop's clock; as of the last look */
    int64_t now;         /* UTC, seconds; the same */
    char *buffer;        /* of FEED_BUFFER_BYTES, for one read: nothing is kept in it */

    /* A line for the operator. */
    __attribute__((format(printf, 2, 3))) void (*say)(const struct feed_host *h, const char *fmt,
                                                      ...);
    /* Something may have changed: look now. */
    void (*hint)(struct feed_host *h);
    /* Whether lines may be taken in now. Where not, a commit is in the way: turn() or flow() comes
     * when it is done. */
    bool (*may_read)(const struct feed_host *h);
    /* Nothing will come any more: the daemon is to end. */
    void (*end)(struct feed_host *h);
    /* There is something that turn() could read. */
    void (*wake)(struct feed_host *h);
};

enum { FEED_BUFFER_BYTES = TAIL_READ_BYTES };

struct feed_totals {
    struct counts counts;
    uint64_t truncations, unread; /* files written anew, and the bytes of them that weren't read */
    uint64_t damaged;             /* rotated files that can't be unpacked to their end */
};

/* How one input is doing. Strings live as long as the call that gives it. */
struct input_status {
    const char *kind;          /* "file", "journal", "stdin", "syslog" */
    const char *name, *sensor; /* sensor "": each line's host */
    struct counts counts;      /* since the start */
    bool is_file;              /* has the next four */
    uint64_t offset, size;     /* bytes: committed or waiting, and there */
    uint64_t truncations;      /* of it since the start */
    uint64_t damaged;          /* rotated files that can't be unpacked to their end */
    int64_t last_line;         /* when it was stamped; INT64_MIN: none yet */
    int64_t lag_s;             /* how long ago what is read now was written; 0: all is read */
    const char *fault;         /* needs a person: a sentence; NULL: all is well */
};

typedef void (*input_status_cb)(void *ctx, const struct input_status *s);

/* All but those marked are needed. */
struct feed_ops {
    /* Each second, and after a hint. */
    void (*look)(struct feed *f);
    /* Reads a piece of each input while it may; whether there may be more. Optional. */
    bool (*turn)(struct feed *f);
    /* Reading is allowed again, or not for now: for inputs that come by themselves. Optional. */
    void (*flow)(struct feed *f, bool on);
    /* How far the feed's inputs have been read, in their lines' time, but at most `until`, which
     * is the answer where all was read. Bins up to there are complete. */
    int64_t (*reached)(const struct feed *f, int64_t until);
    bool (*rests)(const struct feed *f); /* all was read that is there */
    /* Records that wait for a commit, and whether there is anything to commit. Optional for feeds
     * that are one stream. */
    size_t (*records)(const struct feed *f);
    bool (*changed)(const struct feed *f);
    bool (*asks)(const struct feed *f); /* and something to ask, which doesn't wait. Optional */
    /* Moves all into the batch. `watch`: also where only the watched time has changed. `last`: the
     * daemon ends after it. */
    void (*swap)(struct feed *f, bool watch, bool last, struct batch *b);
    /* A batch was written, and its owners told. Optional. */
    void (*settle)(struct feed *f);
    /* Once a minute, and at the end: what is to be told. */
    void (*summarize)(struct feed *f);
    void (*totals)(const struct feed *f, struct feed_totals *sum); /* Optional as records */
    void (*status)(const struct feed *f, input_status_cb cb, void *ctx);
    /* Reading ends: takes in what was already received. Optional. */
    void (*stop)(struct feed *f);
    /* After stop: whether all was taken in; wake() tells that it is. Optional: it was at once. */
    bool (*stopped)(const struct feed *f);
    /* Closes its handles, and frees itself when they are closed. No batch has anything of it. */
    void (*close)(struct feed *f);

    /* A changed configuration, in steps. Whether an input is one of this feed's, so that it goes
     * on, or will be. Optional, as all of these: a feed without them ends with its input. */
    bool (*takes)(const struct feed *f, const struct config_input *in);
    /* Opens what is new, and changes nothing yet. A negative code with faults where it can't. Then
     * either of the next two. */
    int (*prepare)(struct feed *f, const struct config_input *inputs, size_t n, struct error *err);
    void (*abandon)(struct feed *f);
    /* The inputs are these from now on, and the host's parsers and country database others: what is
     * unchanged goes on, what is gone ends when it was committed. What it was given before is
     * freed after this. False: it has no input any more, and is stopped, committed and closed. */
    bool (*adopt)(struct feed *f, const struct config_input *inputs, size_t n);
};

enum { FEED_STRANGE_LINES = 200 /* and none of them known to a parser: worth a word */ };

/* What is wrong with an input that has had such lines, or none for too long; NULL: nothing. */
const char *feed_fault(const struct counts *c, bool silent);

/* Says what was lost since it was said last, and keeps that in *said. */
void feed_say_lost(const struct feed_host *host, const char *name, const struct counts *c,
                   struct counts *said);

/* Says once that no parser knows any of its lines, and what they are like. `noun`: "lines";
 * `explain`: what 'scantide explain' takes to tell more; NULL: it can't. */
void feed_say_strange(const struct feed_host *host, const char *name, const char *noun,
                      const char *explain, const struct counts *c,
                      const struct intake_samples *samples, bool *said);

/* The status of a feed that is one stream. `fault` NULL: what its lines and its silence tell. */
void feed_tell_stream(const struct feed *f, const char *kind, const char *sensor, int64_t lag_s,
                      const char *fault, input_status_cb cb, void *ctx);

/* A feed whose stream one reader takes goes on as another input: its sensor, its silence, its
 * parsers, and the host's countries. The reader's matcher is the feed's own. */
void feed_change_input(struct feed *f, struct reader *r, const struct config_input *was,
                       const struct config_input *in);

/* A matcher of the parsers that the input allows. */
struct matcher *feed_matcher(const struct feed_host *host, const struct config_input *in);

struct feed {
    const struct feed_ops *ops;
    struct feed_host *host;
    struct stream *stream; /* of a feed that is one; NULL: it has lines of several kinds */
    bool leaves;           /* the daemon's: it has no input any more */
    bool unused; /* it is closed before it took anything in: its configuration was refused */
};

#endif

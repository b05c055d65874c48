/* stream.h - lines that come once, counted, and what of them makes a commit.
 *
 * Syslog, stdin and the journal have no file whose content says how far it was read: a stream
 * stores no position (the journal's cursor goes with the commit, see cursor). It is watched while
 * it is open, whether lines come or not, for all sensors that it has had events of. Several readers
 * (one a sender, say) may count into one stream. The loop's thread only.
 *
 *     struct stream *s = stream_new("udp://[::]:5514", geo);
 *     stream_take(s, &reader, sensor, now, lines);
 *     stream_swap(s, now, true, watch, batch);
 *     stream_stop(s);                               the next swap is its last
 *     stream_free(s);                               frees itself once no batch has it */
#ifndef SCANTIDE_PIPELINE_STREAM_H
#define SCANTIDE_PIPELINE_STREAM_H

#include "pipeline/batch.h"

struct stream {
    char *name; /* as it is told and stored */
    struct geo *geo;
    struct tally *tally;
    struct log_state state;
    bool changed, in_batch, ended;
    struct counts counts;    /* taken in since the start */
    struct counts committed; /* of them */
    struct counts since;     /* the last swap */
    struct intake_samples samples;
    int silence_s;              /* without lines for longer it is blind; 0: it may be quiet */
    int64_t heard;              /* when lines came last, or it began; INT64_MIN: not yet */
    int64_t last_line;          /* when it was stamped; INT64_MIN: none yet */
    bool live;                  /* see stream_watch_live */
    bool left;                  /* see stream_leave_sensors: once what waits is stored */
    struct stream_state before; /* as stream_note_absence found it */
};

/* `name` tells it from other streams in the facts, too. */
struct stream *stream_new(const char *name, struct geo *geo);
void stream_free(struct stream *s);

/* Countries come from another database from now on. */
void stream_set_geo(struct stream *s, struct geo *geo);

/* Counts lines; `sensor` empty: each line's host. `now`: when they came. */
void stream_take(struct stream *s, struct reader *r, struct str sensor, int64_t now,
                 struct str lines);

/* Counts what couldn't be taken in, as lines that are lost. */
void stream_lose(struct stream *s, uint64_t lines);

/* It is watched from now on, whatever its lines' stamps say: they come as they are written, and
 * none that was sent before could come. A sensor that is heard of first is watched from the last
 * swap on. */
void stream_watch_live(struct stream *s, int64_t now);

/* What comes from now on is of other sensors, and these aren't watched by it any more. No batch may
 * have anything of it. */
void stream_leave_sensors(struct stream *s);

/* Nobody watched since the last line or swap: what comes next begins a new span. */
void stream_blind(struct stream *s);

/* Notes in the store that nobody has taken in what it is about since the end of its last run, or the
 * last commit before a crash; from now on, should it end before its first commit, it has crashed. In
 * a transaction of its own. 0 or a negative code. */
int stream_note_absence(struct stream *s, struct store *store, int64_t now);

/* It never came to take anything in: as if that hadn't been noted. */
int stream_take_back(const struct stream *s, struct store *store);

/* It ends as it should: what the next swaps move is told of with that, even where it is nothing. */
void stream_stop(struct stream *s);

/* Whether no line has come for longer than it can be quiet. */
bool stream_silent(const struct stream *s, int64_t now);

size_t stream_records(const struct stream *s);

/* Moves what there is into the batch. `watched`: it is known that nothing more had come up to
 * `now`; where only that has changed, it is moved if `watch`. */
void stream_swap(struct stream *s, int64_t now, bool watched, bool watch, struct batch *b);

#endif

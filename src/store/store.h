/* store.h - the facts: what happened, exactly once, in `<data>/facts.db` (SQLite, WAL).
 *
 * The store takes encoded segments, read positions and watched spans, all in one transaction, and
 * gives them back decoded and merged. It knows nothing of lines, RRDs or charts. One thread at a
 * time per store object; several processes may share a data folder (SQLite locks; a writer waits up
 * to 30 s for another).
 *
 *     struct store *s;
 *     if (store_open(dir, STORE_WRITE, &s, &err) < 0) ...
 *     store_begin(s); store_put_segment(...); store_put_position(...); store_commit(s, &err);
 *     store_read_bins(s, sensor, from, to, take_bin, ctx);
 *     store_close(s);
 *
 * Functions return 0 or a negative errno-style code; -EIO with the sentence in store_error() where
 * SQLite failed. */
#ifndef SCANTIDE_STORE_STORE_H
#define SCANTIDE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "store/facts.h"

struct store;

enum store_mode {
    STORE_READ,  /* the folder must hold facts; -ENOENT with a sentence otherwise */
    STORE_WRITE, /* folder and database are made when missing */
    STORE_CHANGE /* as STORE_WRITE, but the folder must hold facts */
};

int store_open(const char *data, enum store_mode mode, struct store **out, struct error *err);
void store_close(struct store *s);

/* Another connection to the same facts, to read them in another thread. -EIO: it can't be had. */
int store_open_again(const struct store *s, struct store **out);

/* Moves all that was committed from the write-ahead log into the database and syncs it to the
 * disk. */
int store_sync(struct store *s);

/* One thing of the caller's that goes with what is committed: given back while the store is open,
 * dropped when it is closed, replaced, or a transaction is rolled back. NULL: none. */
void *store_kept(const struct store *s);
void store_keep(struct store *s, void *thing, void (*drop)(void *thing));

/* What SQLite said last, for a sentence to the operator. */
const char *store_error(const struct store *s);

/* ---- sensors ---- */

struct sensor {
    uint16_t id;
    char name[SENSOR_NAME_MAX]; /* [A-Za-z0-9._-], not beginning with a dot: safe as a path part */
};

/* All sensors, by id. The array is the store's, valid until the next call. */
int store_sensors(struct store *s, const struct sensor **list, size_t *n);

/* The id of a name, which is cleaned to the characters above first; a new name is added, inside a
 * transaction; past SENSORS_MAX it is the sensor `other`. An empty name is `local`. */
int store_sensor(struct store *s, struct str name, uint16_t *id);

/* ---- one commit ---- */

int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Adds one delta row: a segment as store/segment.h encodes it. `start`: of the bin or the hour. A
 * segment of bins that lies before the sensor's written mark adds one to its series_state.late, in
 * this transaction. */
int store_put_segment(struct store *s, enum fact_kind kind, uint16_t sensor, int64_t start,
                      uint64_t events, const void *data, size_t len);

/* The same where it is known how many entries the segment has. */
struct segment {
    enum fact_kind kind;
    uint16_t sensor;
    int64_t start;
    uint64_t events;
    size_t entries;
    const void *data;
    size_t len;
};
int store_put(struct store *s, const struct segment *g);

/* Marks [from, to] (both inclusive, seconds) of the sensor as watched; overlapping spans are
 * joined. Where that makes a bin before the written mark known, it adds one to
 * series_state.late. Why nobody watched, or what was lost: store/gap.h. */
int store_put_watched(struct store *s, uint16_t sensor, int64_t from, int64_t to);

/* ---- read positions: how far each log has been taken in ---- */

enum { HEAD_BYTES = 1024, TAIL_BYTES = 256, MARKS_MAX = 40 };

/* A place within a log and the hash of the 256 bytes before it. */
struct position_mark {
    uint64_t offset, tail_hash;
};

/* A log is its sensor and its content: the hash of its first min(1 KiB, offset) bytes and of the
 * 256 bytes (or all) before the offset, uncompressed. Where it lies is only a hint. */
struct position {
    int64_t id;                   /* 0: not stored yet */
    char sensor[SENSOR_NAME_MAX]; /* as given by the operator; "": the lines' hosts */
    uint32_t head_len;
    uint64_t head_hash;
    uint64_t offset; /* bytes taken in */
    uint64_t tail_hash;
    int64_t first_when,
        last_when;    /* UTC of its first (INT64_MAX: none) and last (INT64_MIN: none) line */
    const char *path; /* where it lay */
    int64_t
        written_ns; /* when it was last written, as seen when it was followed by the path; else 0 */
    struct position_mark marks[MARKS_MAX]; /* places to keep, at which a shorter copy is known */
    size_t mark_count;
};

/* Stores the position and its marks in the open transaction (a new one gets its id); `mark`: keeps
 * the offset itself as a mark, too. Reading gives no marks: see store_position_mark. */
int store_put_position(struct store *s, struct position *p, bool mark);

/* Notes that the log has had events of the sensor, and gives all that it has had. */
int store_put_position_sensor(struct store *s, int64_t position, uint16_t sensor);
int store_position_sensors(struct store *s, int64_t position, uint16_t *ids, size_t max, size_t *n);

/* Calls back for every position of the sensor name, the largest offset first; p->path is valid in
 * the callback. A non-zero answer ends it and is returned. */
int store_read_positions(struct store *s, const char *sensor,
                         int (*cb)(void *ctx, const struct position *p), void *ctx);

/* The largest kept offset of a position that is at most `offset`; -ENOENT: none. */
int store_position_mark(struct store *s, int64_t position, uint64_t offset, uint64_t *mark,
                        uint64_t *tail_hash);

/* ---- streams: inputs that have no file ---- */

enum { CURSOR_MAX = 512 }; /* of the journal; sd_journal_get_cursor gives some 150 characters */

struct stream_state {
    int64_t watched_to;      /* seconds; INT64_MIN: not yet */
    bool ended;              /* the daemon ended it then */
    char cursor[CURSOR_MAX]; /* where the journal is read on; "": streams of another kind */
};

/* In the open transaction. */
int store_put_stream(struct store *s, const char *name, const struct stream_state *state);

/* -ENOENT: none is called so. */
int store_find_stream(struct store *s, const char *name, struct stream_state *out);

/* ---- reading; all spans are half-open [from, to), aligned outward by the caller ---- */

/* First and last second (both inclusive) that any fact or watched span of the sensor covers.
 * -ENOENT: none. */
int store_extent(struct store *s, uint16_t sensor, int64_t *from, int64_t *to);

typedef int (*store_bin_cb)(void *ctx, const struct bin_fact *f);
typedef int (*store_source_cb)(void *ctx, const struct source_fact *f);
typedef int (*store_target_cb)(void *ctx, const struct target_fact *f);

/* Calls back for each entry, ordered by bin; entries of one bin may repeat a key (delta rows): sum
 * them. A non-zero return of the callback ends the reading and is returned. */
int store_read_bins(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_bin_cb cb,
                    void *ctx);

/* The same for the hours that touch the span, merged: within an hour each (source, port, class)
 * comes once, and once more for each country where another database came into use, ordered by
 * source, port, class, country. Streamed: memory does not grow with the hour's size. */
int store_read_sources(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_source_cb cb, void *ctx);

/* The hours of the span whose sources aren't all there any more, ordered, entry by entry; of each
 * the total comes first, whatever its numbers (store/repeats.h). Rows of one hour are not added up. */
struct repeats_fact {
    int64_t hour;
    uint32_t key;
    bool by_hour;
    uint64_t n[HOUR_BINS];
};
typedef int (*store_repeats_cb)(void *ctx, const struct repeats_fact *f);
int store_read_repeats(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_repeats_cb cb, void *ctx);

/* The same for (target, port), ordered by target, port, merged sketches included. */
int store_read_targets(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_target_cb cb, void *ctx);

/* What a reader of sums and sketches takes; functions that are NULL are not called. `key` is a
 * port, or with by_country a country. */
struct margin_take {
    void *ctx;
    bool by_country;
    /* Events; a key may come many times: sum them. Not `told`: there will be neither a sketch nor
     * sources of them, since the port wasn't busy in the hour (store/margin.h). */
    int (*sum)(void *ctx, uint16_t rule, uint32_t key, uint64_t events, bool told);
    /* A sketch (struct hll) of all sources of an hour, and of a key's. */
    int (*total)(void *ctx, const uint8_t *sketch, size_t n);
    int (*sketch)(void *ctx, uint32_t key, const uint8_t *sketch, size_t n);
    /* The sources of hours without sketches, whole hours. */
    store_source_cb source;
};

/* Events by port or country, and sketches of sources: of whole hours from their margins where they
 * are folded, else from bins and sources. */
int store_read_margins(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       const struct margin_take *take);

/* Whether all sources of the span are there: an hour of a flood, and one long past, keep the
 * heaviest only, and sketches of the others. */
int store_sources_whole(struct store *s, uint16_t sensor, int64_t from, int64_t to, bool *whole);

/* known[i] = 1 where bin i of the span (from aligned) has an event or a watched second, else 0.
 * `known` has (to - from) / BIN_S bytes. */
int store_known(struct store *s, uint16_t sensor, int64_t from, int64_t to, uint8_t *known);

/* Folds the delta rows of each hour that ended before `before` and got facts since it was folded
 * last into one row (sums unchanged), and makes the hour's margin; a transaction an hour. */
int store_fold(struct store *s, int64_t before);

/* A slice of that: ends when about so many bytes of facts have been read, and says whether there is
 * more. For a writer with whom others wait. */
int store_fold_slice(struct store *s, int64_t before, size_t bytes, bool *more);

/* How many hours of all sensors wait to be folded. */
int store_unfolded(struct store *s, int64_t *hours);

/* What is kept for how long, in days. */
enum {
    KEEP_SOURCES_DAYS = 30, /* sources and targets; sketches by the hour */
    KEEP_DAY_SOURCES = 500, /* of each day past that so many sources, those with the most events */
    KEEP_BINS_DAYS = 396,   /* 5 minutes; from then on hours (13 months) */
    KEEP_HOURS_DAYS = 1827  /* bins, margins, sources of days, what was watched (5 years) */
};

/* Thins what is older than that at `now`, as far as `now` is believed; sums of events stay as they
 * were until they go with their hour. Hours that aren't folded wait. A transaction a day of facts.
 * The slice as store_fold_slice. */
int store_thin(struct store *s, int64_t now);
int store_thin_slice(struct store *s, int64_t now, size_t bytes, bool *more);

/* How far a clock that shows `now` is believed before anything is removed by it: to a week past the
 * fourth-newest day (UTC) on which any sensor has events, none of them later than `now`. So a clock
 * set far ahead removes nothing before it has stood there for days, and what is kept of a log of
 * long ago goes by its own last days. 0: there are fewer such days. */
int store_believe(struct store *s, int64_t now, int64_t *believed);

/* ---- room ---- */

struct store_size {
    uint64_t used, unused; /* bytes of pages; unused ones are there for facts to come */
};

int store_size(struct store *s, struct store_size *out);

/* What want of room leaves alone, in days before the time that is believed. */
enum {
    SHED_SOURCES_DAYS = 3, /* sources, targets, sketches by the hour: of younger days */
    SHED_BINS_DAYS = 14,   /* 5 minutes, of which RRDs are made */
    SHED_ALL_DAYS = 35     /* anything */
};

/* What had to go: all that began before, 0: nothing. */
struct store_shed {
    int64_t sources; /* thinned to each day's heaviest, and targets gone */
    int64_t bins;    /* thinned to hours */
    int64_t all;
};

/* Makes room until no more than used_max bytes are in use: the oldest days first, sources of all
 * days before the first bin is touched, bins of all before the first day goes. A slice as
 * store_thin_slice; adds to *shed. When there is no more, store_size tells whether it came to. */
int store_shed_slice(struct store *s, int64_t now, uint64_t used_max, size_t bytes,
                     struct store_shed *shed, bool *more);

/* How many bytes at most the stages of that could free, had they to do all they may. */
struct store_sheddable {
    uint64_t sources, bins, all;
};

int store_sheddable(struct store *s, int64_t now, struct store_sheddable *out);

/* Writes the database anew without unused pages, for which the disk must have room, and gives theirs
 * back to it. Nobody else can write meanwhile: some seconds a gigabyte. */
int store_compact(struct store *s);

/* Forgets pairs that no chart has drawn since `before`; their files go with the next series_sync. */
int store_shed_pairs(struct store *s, int64_t before, uint64_t *dropped, uint64_t *all);

/* ---- the state of the series: with the facts, so that a commit can make a series stale ---- */

struct series_state {
    /* Bins that start before this were, or are being, written to the RRDs; 0: none yet. */
    int64_t written;
    /* Counts the commits that changed a bin before `written`; the store's own, never set from
     * outside. */
    uint64_t late;
    /* The value of `late` for which the series were last made whole: stale where the two differ. */
    uint64_t rebuilt;
};

int store_series_state(struct store *s, uint16_t sensor, struct series_state *out);

/* Sets `written` and `rebuilt` in its own transaction; `late` is left as it stands in the store. So
 * facts that come late while the series are being rebuilt are never forgotten. */
int store_set_series_state(struct store *s, uint16_t sensor, const struct series_state *state);

/* Which series what came late touches: calls back for each entry of the late segments that were
 * noted after `after` (0: all), and says the last of them. *all: a bin became known, or so much
 * came, that every series of the sensor is touched. */
int store_read_late(struct store *s, uint16_t sensor, int64_t after, store_bin_cb cb, void *ctx,
                    int64_t *last, bool *all);

/* The series were made again for what was noted up to `last`, and for the count `rebuilt`. */
int store_drop_late(struct store *s, uint16_t sensor, int64_t last, uint64_t rebuilt);

/* All series of the sensor have to be made again: for whoever changes or removes facts that are
 * there. In the open transaction, or in one of its own. */
int store_touch_series(struct store *s, uint16_t sensor);

/* Since librrd doesn't sync, a crash of the machine may leave files that were written before it
 * with parts of what they should hold. So before a sensor's files are written it is noted, durably,
 * in which boot of the machine; after they were synced the notes are removed; and notes of another
 * boot say which sensors' series to touch (*n of them). */
int store_note_unsynced(struct store *s, uint16_t sensor, const char *boot);
int store_note_synced(struct store *s);
int store_touch_unsynced(struct store *s, const char *boot, size_t *n);

/* Pairs that a chart has asked for. `used`: when a chart last drew it. */
struct series_pair {
    uint32_t port;
    uint16_t country;
    int64_t used;
};

/* The array is the caller's to free. */
int store_pairs(struct store *s, uint16_t sensor, struct series_pair **list, size_t *n);
int store_put_pair(struct store *s, uint16_t sensor, const struct series_pair *pair);
int store_drop_pair(struct store *s, uint16_t sensor, uint32_t port, uint16_t country);

#endif

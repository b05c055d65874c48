/* identity.h - which log is this, and how far has it been taken in? Judged by content: names and
 * inodes lie.
 *
 * Of an open regular file it reads at most a few kilobytes. What is packed can only be read in
 * order: there the judgement reads it as far as anything like it was taken in. */
#ifndef SCANTIDE_INPUT_IDENTITY_H
#define SCANTIDE_INPUT_IDENTITY_H

#include "input/packed.h"
#include "store/store.h"

/* Sets the head and tail hashes of *p for p->offset bytes of the file. 0 or a negative errno. */
int identity_stamp(int fd, struct position *p);

/* The same from bytes at hand: the first min(HEAD_BYTES, offset) and the last min(TAIL_BYTES,
 * offset) before p->offset. */
void identity_stamp_bytes(struct position *p, struct str head, struct str tail);

/* Sets p->marks to those between `from` and p->offset: at 2 KiB and each double of it, so that at
 * least half of a shorter copy is held against them. 0 or a negative errno. */
int identity_mark(int fd, struct position *p, uint64_t from);

/* What identifies a log that is read in order, at any place that has been reached. Zero-initialised
 * is its beginning. */
struct identity_run {
    uint64_t offset;
    char head[HEAD_BYTES], tail[TAIL_BYTES];
    size_t head_n, tail_n;
};

/* The run as it stands at that offset of a file. 0 or a negative errno. */
int identity_run_at(struct identity_run *run, int fd, uint64_t offset);

/* The next bytes of the log. Adds to the marks (where not NULL; there is room for MARKS_MAX) those
 * that lie in them, as identity_mark has them. */
void identity_run_feed(struct identity_run *run, struct str bytes, struct position_mark *marks,
                       size_t *mark_count);

/* Sets offset, head and tail hash of *p. */
void identity_run_stamp(const struct identity_run *run, struct position *p);

/* Looks the log up among the positions of a sensor name ("": lines' hosts). Gives *p the position
 * with the largest offset whose content agrees, with p->id set; p->path is NULL. For a copy that is
 * shorter than what was taken in, p->offset is the file's own size. Returns 1 found, 0 a new log
 * (*p is zero but for the sensor and its times: none), or a negative code. */
int identity_find(struct store *s, int fd, uint64_t size, const char *sensor, struct position *p);

/* The same for a packed log, of which nothing has been read yet: for a shorter copy, p->offset is
 * where it ended. `at`: the run at p->offset, or at the beginning. Where it is damaged, it is judged
 * by what comes before. */
int identity_find_packed(struct store *s, struct packed *packed, const char *sensor,
                         struct position *p, struct identity_run *at);

/* Whether a log that begins with `head` (its first HEAD_BYTES, or all) may be the position's. */
bool identity_may_be(const struct position *p, struct str head);

#endif

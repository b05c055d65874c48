/* identity.h - which log is this, and how far has it been taken in? Judged by content: names and
 * inodes lie.
 *
 * Works on an open regular file; reads at most a few kilobytes of it. */
#ifndef SCANTIDE_INPUT_IDENTITY_H
#define SCANTIDE_INPUT_IDENTITY_H

#include "store/store.h"

/* Sets the head and tail hashes of *p for p->offset bytes of the file. 0 or a negative errno. */
int identity_stamp(int fd, struct position *p);

/* The same from bytes at hand: the first min(HEAD_BYTES, offset) and the last min(TAIL_BYTES,
 * offset) before p->offset. */
void identity_stamp_bytes(struct position *p, struct str head, struct str tail);

/* Sets p->marks to those between `from` and p->offset: at 2 KiB and each double of it, so that at
 * least half of a shorter copy is held against them. 0 or a negative errno. */
int identity_mark(int fd, struct position *p, uint64_t from);

/* Looks the log up among the positions of a sensor name ("": lines' hosts). Gives *p the position
 * with the largest offset whose content agrees, with p->id set; p->path is NULL. For a copy that is
 * shorter than what was taken in, p->offset is the file's own size. Returns 1 found, 0 a new log
 * (*p is zero but for the sensor and its times: none), or a negative code. */
int identity_find(struct store *s, int fd, uint64_t size, const char *sensor, struct position *p);

/* Whether a log that begins with `head` (its first HEAD_BYTES, or all) may be the position's. */
bool identity_may_be(const struct position *p, struct str head);

#endif

/* packed.h - what is in a compressed log, or in an archive of logs: members, one after the other.
 *
 * Knows gzip, xz, zstd, bzip2, lz4 and compress, tar and zip, and members of those that are
 * compressed themselves; not archives within archives. What comes out is streamed: nothing is
 * unpacked to the disk, and memory doesn't grow with what is in it. The descriptor stays the
 * caller's, and its position is left alone. One thread at a time per object.
 *
 *     if (packed_is(fd)) {
 *         struct packed *p = packed_open(fd);
 *         while ((rc = packed_next(p, &member)) > 0)
 *             while ((got = packed_read(p, buffer, n)) > 0)
 *                 ...
 *         packed_close(p);
 *     }
 */
#ifndef SCANTIDE_INPUT_PACKED_H
#define SCANTIDE_INPUT_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct packed;

struct packed_member {
    unsigned number;  /* from 1, regular files only */
    const char *name; /* valid until the next call; "": the file is one compressed log */
    int64_t mtime;    /* seconds since 1970; 0: it isn't told */
};

/* By its first bytes; an unreadable file is none. */
bool packed_is(int fd);

struct packed *packed_open(int fd);
void packed_close(struct packed *p);

/* The next member: 1, 0 at the end, or -EBADMSG with the sentence in packed_fault(). */
int packed_next(struct packed *p, struct packed_member *out);

/* Goes to the member of that number, which lies ahead; as packed_next. */
int packed_seek(struct packed *p, unsigned number, struct packed_member *out);

/* The next bytes of the member: how many, fewer than n only at its end; 0 there. -EBADMSG: what
 * follows can't be read; everything before it was given. */
ssize_t packed_read(struct packed *p, char *buffer, size_t n);

/* Bytes of the file that have been read so far. */
uint64_t packed_used(const struct packed *p);

/* What is wrong with it. */
const char *packed_fault(const struct packed *p);

#endif

/* tail.h - one log followed by its path: a pure state machine.
 *
 * A log is a list of files, oldest first: the one that the path names, and before it those that it
 * named until they were renamed away, since a writer may still hold them. They are read one after
 * the other; an older one is kept, and read on, until nothing has come for TAIL_DRAIN_MS.
 *
 * Knows no disk, no clock and no event loop. What fstat, stat, open and read say is told to it;
 * what is to be done next is asked of it:
 *
 *     tail_tick(t, now_ms);
 *     tail_saw_path(t, &facts);           each second, or sooner: what the path names now,
 *     tail_saw(t, file, &facts);          then what fstat says of each open file
 *     while ((todo = tail_next(t)).kind != TAIL_REST)
 *         ...do it, and tell: tail_opened, tail_told, tail_took
 *
 * What makes it exact: 1. The offset given with lines is always the end of a line: a line without
 * its newline is read
 *    again once it has grown. Only of a file that is given up is the last line taken as it is.
 * 2. Every read begins with the bytes that were read last. Where they differ the file was written
 *    anew, even if it is longer than before: that is a truncation, and it is read from its beginning.
 * 3. A file is read only after TAIL_ASK was answered, which must be judged by its content and after
 *    all that was taken from other files has been committed. So a file that was read under another
 *    name is read on, and the copy that copytruncate made is read from where the log had been read.
 *    Where another file gave its first lines meanwhile it is asked again: it may be a copy of that.
 * 4. Files that came and went between two looks are found by the names that rotation gives, the
 *    newest first: back to one that is open; or, where none is (at the start, after a truncation),
 *    back to one that is known, and to the one before it. Where none is known, those are left alone
 *    that were last written before the log was read: they are older than its following.
 *    The names are asked for one by one by their place in the order, so a rotation meanwhile only
 *    shows one of them again; while an answer is waited for several may come, and where the place
 *    shows another file then, all are looked through anew.
 *    They are looked through again before the path's own file is begun: it may have been copied and
 *    emptied before it was judged. After that its first bytes tell.
 * 5. A packed file is final: it is read to its end, its last line is taken as it is, and it ends.
 *
 * One thread at a time per object. */
#ifndef SCANTIDE_INPUT_TAIL_H
#define SCANTIDE_INPUT_TAIL_H

#include "store/store.h" /* HEAD_BYTES, TAIL_BYTES */

enum {
    TAIL_TURN_BYTES = 256 * 1024, /* read of a file in one turn; a longer line is cut out */
    TAIL_READ_BYTES = TAIL_TURN_BYTES + TAIL_BYTES, /* what the buffer of a read must hold */
    TAIL_OLDER_MAX = 99,
    TAIL_DRAIN_MS = 5 * 60 * 1000, /* without growth, of a file that was renamed away */
    TAIL_DELETED_MS = 10 * 1000    /* of one that was deleted, since it still takes up room */
};

/* What fstat(2) says. Of a packed file the size is TAIL_SIZE_UNKNOWN, and it isn't told again. */
struct tail_facts {
    uint64_t dev, ino, size, links;
    int64_t mtime_ns;
    bool packed;
};

#define TAIL_SIZE_UNKNOWN ((uint64_t)INT64_MAX)

enum tail_kind {
    TAIL_REST, /* nothing until the next tick, or until an answer is told */
    TAIL_OPEN, /* open the path (older = 0) or the rotated file that is the older-th newest by its
                  name; answer: tail_opened, or tail_no_more where there aren't so many */
    TAIL_ASK, /* which log is the file, and how far was it taken in? Answer, when it is known: tail_told */
    TAIL_READ, /* read at most `bytes` at `offset`; answer: tail_took */
    TAIL_END   /* the file is forgotten: close it */
};

enum tail_end {
    TAIL_DRAINED = 1, /* read to its end, and no longer written */
    TAIL_TRUNCATED,   /* written anew: `unread` bytes of it are known not to have been read */
    TAIL_DAMAGED,     /* packed, and can't be unpacked any further */
    TAIL_UNWANTED     /* looked at only */
};

struct tail_todo {
    enum tail_kind kind;
    unsigned file;     /* ASK, READ, END: as tail_opened gave it */
    unsigned older;    /* OPEN */
    uint64_t offset;   /* READ */
    size_t bytes;      /* READ */
    enum tail_end end; /* END */
    uint64_t unread;   /* END */
};

enum tail_answer {
    TAIL_NEW,   /* no log that was taken in */
    TAIL_KNOWN, /* one that was taken in up to an offset */
    TAIL_LATER /* so far the beginning of one that was taken in further: ask again when it has grown */
};

struct tail_lines {
    struct str lines; /* whole lines in the read's buffer, newlines included */
    unsigned cut;     /* lines left out, since they were longer than a turn */
};

struct tail;

struct tail *tail_new(void);
void tail_free(struct tail *t);

/* `now_ms`: of any clock that doesn't jump. */
void tail_tick(struct tail *t, int64_t now_ms);

/* NULL: the path names nothing. */
void tail_saw_path(struct tail *t, const struct tail_facts *facts);
void tail_saw(struct tail *t, unsigned file, const struct tail_facts *facts);

/* A TAIL_END's file is gone when this returns. */
struct tail_todo tail_next(struct tail *t);

/* NULL: there is no such file, or it can't be read. Returns the file's number, never used twice; 0:
 * it isn't wanted, close it. */
unsigned tail_opened(struct tail *t, const struct tail_facts *facts);
void tail_no_more(struct tail *t);

/* NEW: `offset` is where a hole of NULs ended with which the file began when it was judged (0: there
 * was none), and `head` what came then; where it begins otherwise when it is read, it was written
 * anew meanwhile; `since_ns`: what tail_written gave with the last lines of the log that were kept
 * (INT64_MAX: it was never followed): of files that aren't known, those that were written before
 * are left alone. KNOWN: `head` are the file's first min(HEAD_BYTES, offset) bytes and `tail` the last TAIL_BYTES
 * (or all) before the offset. */
void tail_told(struct tail *t, unsigned file, enum tail_answer answer, uint64_t offset,
               struct str head, struct str tail, int64_t since_ns);

/* What the read gave, from the todo's offset; fewer bytes than asked for: its end. A read that
 * failed gives none at all, with `failed`; it is tried again after the next tick. */
void tail_took(struct tail *t, unsigned file, const char *bytes, size_t n, bool failed,
               struct tail_lines *out);

/* What comes next of a packed file can't be unpacked: the bytes of the next tail_took are the last,
 * and the file ends behind their last whole line. */
void tail_broken(struct tail *t, unsigned file);

/* How far the file's lines have been given, and the bytes that identify it up to there, as they
 * were read: valid until the next call. */
uint64_t tail_offset(const struct tail *t, unsigned file);
struct str tail_head(const struct tail *t, unsigned file);
struct str tail_tail(const struct tail *t, unsigned file);

/* When the file was last written, as the last look saw it, if the path named it then; else 0. */
int64_t tail_written(const struct tail *t, unsigned file);

/* Whether the file was read as far as it is known to reach; one that hasn't been told of isn't. */
bool tail_at_end(const struct tail *t, unsigned file);

/* Whether everything is: all files, and no answer is waited for. */
bool tail_rests(const struct tail *t);

/* The newest file that was told of, which is the log as it is now; 0: none. */
unsigned tail_current(const struct tail *t);

#endif

/* batch.h - what one commit of the daemon takes, as a job of its own.
 *
 * The loop gathers parts in it: a tally each, how far its input has been read, and questions about
 * files. A worker writes the parts in one transaction and then answers the questions, so that all
 * that was read before is known by then; counting goes on meanwhile into fresh tallies. Where
 * writing fails the batch is written again as it is. All but batch_write belongs to the loop's
 * thread.
 *
 *     struct batch_part *part = batch_add(b, tally);      for each input that has something
 *     part->state = ...; part->owner = this; part->done = on_done;
 *     rc = batch_write(b, store, &tags, &err);                   in a worker, until it is 0
 *     batch_done(b);                                      owners know what was stored */
#ifndef SCANTIDE_PIPELINE_BATCH_H
#define SCANTIDE_PIPELINE_BATCH_H

#include "input/tail.h"
#include "pipeline/commit.h"
#include "pipeline/intake.h"

/* What identifies a file's content up to an offset: its first bytes, and those before the
 * offset. */
struct content {
    char head[HEAD_BYTES], tail[TAIL_BYTES];
    size_t head_n, tail_n;
};

struct batch_part {
    struct log_state state;  /* to be stored */
    struct content content;  /* of a file, at state.position.offset */
    struct tally *tally;     /* the batch's */
    struct counts counts;    /* of the lines in it */
    struct log_state stored; /* as the last try stored it */
    bool stale;              /* not stored: another scantide took in lines of the log meanwhile */
    void *owner;
    /* After it was stored, or found stale; the batch goes on to use the tally. */
    void (*done)(void *owner, const struct batch_part *part);
};

/* A question and its answer: which log is the file? */
struct batch_ask {
    int fd;
    bool is_packed;
    const char *sensor; /* as the operator gave it; "": each line's host */
    const char *path;   /* of the log */
    void *owner;
    void (*told)(void *owner, struct batch_ask *ask);

    enum tail_answer answer;
    struct log_state state;
    struct content content;
    uint64_t size;
    int64_t mtime;
    uint64_t hole;        /* of a new one: NULs that it begins with; content.head is what follows */
    struct position last; /* of a new one: the path's own that was taken in last; id 0: none */
    int64_t since_ns;     /* of a new one: as tail_told has it */
};

struct batch {
    struct batch_part *parts;
    size_t n;
    bool written; /* the parts are; an answer failed */
    struct batch_ask *asks;
    size_t ask_count;
    struct tally **spare; /* empty tallies */
    size_t spare_count;
};

/* A part that takes *tally, which is an empty one afterwards. Valid until the next batch_add. */
struct batch_part *batch_add(struct batch *b, struct tally **tally);

void batch_add_ask(struct batch *b, const struct batch_ask *ask);

/* The bytes that identify a log up to the offset. 0, -ENODATA where the file is shorter, or another
 * negative errno. */
int content_read(int fd, uint64_t offset, struct content *c);

bool batch_empty(const struct batch *b);

/* In a worker: writes all parts but stale ones, then answers the asks. 0, or a negative code with a
 * fault in err: call it again, later; what is missing then is made up for, and nothing is written
 * twice. */
int batch_write(struct batch *b, struct store *s, const struct commit_tags *tags,
                struct error *err);

/* After it was written: tells the owners of parts; it has none any more. The asks stay until
 * batch_tell. */
void batch_done(struct batch *b);
void batch_tell(struct batch *b);

/* The owners of parts that were never written are told that they are stale. */
void batch_fini(struct batch *b);

#endif

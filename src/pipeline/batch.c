#include "pipeline/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "input/identity.h"

struct batch_part *batch_add(struct batch *b, struct tally **tally)
{
    b->parts = xrealloc(b->parts, b->n + 1, sizeof *b->parts);
    struct batch_part *part = &b->parts[b->n++];

    *part = (struct batch_part){.tally = *tally};
    *tally = b->spare_count ? b->spare[--b->spare_count] : tally_new();
    return part;
}

void batch_add_ask(struct batch *b, const struct batch_ask *ask)
{
    b->asks = xrealloc(b->asks, b->ask_count + 1, sizeof *b->asks);
    b->asks[b->ask_count++] = *ask;
}

bool batch_empty(const struct batch *b)
{
    return b->n == 0 && b->ask_count == 0;
}

void batch_done(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct batch_part *part = &b->parts[i];
        part->done(part->owner, part);
        tally_reset(part->tally);
        b->spare = xrealloc(b->spare, b->spare_count + 1, sizeof *b->spare);
        b->spare[b->spare_count++] = part->tally;
    }
    b->n = 0;
    b->written = false;
}

void batch_tell(struct batch *b)
{
    for (size_t i = 0; i < b->ask_count; i++)
        b->asks[i].told(b->asks[i].owner, &b->asks[i]);
    b->ask_count = 0;
}

void batch_fini(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->parts[i].stale = true;
        b->parts[i].done(b->parts[i].owner, &b->parts[i]);
        tally_free(b->parts[i].tally);
    }
    for (size_t i = 0; i < b->spare_count; i++)
        tally_free(b->spare[i]);
    free(b->parts);
    free(b->asks);
    free(b->spare);
}

/* ---- writing, in a worker ---- */

/* As identity_stamp, but of what was read, not of what the file holds by now: it may have been
 * truncated since. */
static void stamp(const struct content *c, struct position *p)
{
    identity_stamp_bytes(p, (struct str){c->head, c->head_n}, (struct str){c->tail, c->tail_n});
}

/* Stale parts are found before anything is written, and left out of the next try. */
static int write_parts(struct batch *b, struct store *s, const struct commit_tags *tags,
                       struct error *err)
{
    struct commit_part *parts = xcalloc(b->n + 1, sizeof *parts);
    int rc;

    do {
        size_t n = 0;
        for (size_t i = 0; i < b->n; i++) {
            struct batch_part *part = &b->parts[i];
            if (part->stale)
                continue;
            part->stored = part->state;
            parts[n] = (struct commit_part){.log = &part->stored, .tallies = &part->tally, .n = 1};
            n++;
            if (part->state.is_stream)
                continue;
            if (part->state.position.offset > 0)
                stamp(&part->content, &part->stored.position);
            part->stored.head = (struct str){part->content.head, part->content.head_n};
        }
        rc = commit_write(s, tags, parts, n, err);
        n = 0;
        for (size_t i = 0; i < b->n; i++)
            if (!b->parts[i].stale)
                b->parts[i].stale = parts[n++].stale;
    } while (rc == -ESTALE);
    free(parts);
    return rc;
}

/* ---- answering, in a worker ---- */

struct reach {
    int64_t id;
    uint64_t offset;
};

static int find_reach(void *ctx, const struct position *p)
{
    struct reach *r = ctx;

    if (p->id != r->id)
        return 0;
    r->offset = p->offset;
    return 1;
}

static int read_at(int fd, char *bytes, size_t n, uint64_t offset)
{
    ssize_t got = pread(fd, bytes, n, (off_t)offset);
    return got < 0 ? -errno : (size_t)got == n ? 0 : -ENODATA;
}

int content_read(int fd, uint64_t offset, struct content *c)
{
    c->head_n = offset < HEAD_BYTES ? (size_t)offset : HEAD_BYTES;
    c->tail_n = offset < TAIL_BYTES ? (size_t)offset : TAIL_BYTES;
    int rc = read_at(fd, c->head, c->head_n, 0);
    return rc < 0 ? rc : read_at(fd, c->tail, c->tail_n, offset - c->tail_n);
}

static void answer_new(struct batch_ask *a)
{
    a->answer = TAIL_NEW;
    a->last = (struct position){0};
    a->since_ns = INT64_MAX;
    a->hole = 0;
    a->content = (struct content){0};
    a->state = (struct log_state){.position = {.first_when = INT64_MAX, .last_when = INT64_MIN}};
    snprintf(a->state.position.sensor, sizeof a->state.position.sensor, "%s", a->sensor);
}

/* How far it was taken in by the store: what was found may be a shorter copy. */
static int answer_known(struct batch_ask *a, struct store *s)
{
    struct position *p = &a->state.position;
    struct reach reach = {.id = p->id};
    int rc = store_read_positions(s, p->sensor, find_reach, &reach);

    if (rc >= 0)
        a->answer = reach.offset > p->offset ? TAIL_LATER : TAIL_KNOWN;
    return rc < 0 ? rc : 0;
}

/* What can't be unpacked is new: reading it will tell. */
static int answer_packed(struct batch_ask *a, struct store *s)
{
    struct packed *packed = packed_open(a->fd);
    struct packed_member member;
    struct identity_run at;
    int rc = 0;

    if (packed_next(packed, &member) > 0 && member.name[0] == 0) {
        if (member.mtime > 0)
            a->mtime = member.mtime;
        rc = log_state_find_packed(s, packed, a->sensor, &a->state, &at);
    }
    packed_close(packed);
    if (rc <= 0)
        return rc;
    a->size = a->size > at.offset ? a->size : at.offset;
    memcpy(a->content.head, at.head, at.head_n);
    memcpy(a->content.tail, at.tail, at.tail_n);
    a->content.head_n = at.head_n;
    a->content.tail_n = at.tail_n;
    return answer_known(a, s);
}

/* Where the NULs end with which a file begins; SEEK_DATA spares reading them where it is known. */
static int find_hole(int fd, uint64_t size, uint64_t *hole)
{
    char bytes[64 * 1024];
    off_t data = lseek(fd, 0, SEEK_DATA);
    ssize_t got;

    *hole = data <= 0 ? 0 : (uint64_t)data < size ? (uint64_t)data : size;
    for (; *hole < size; *hole += (uint64_t)got) {
        got = pread(fd, bytes, sizeof bytes, (off_t)*hole);
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        for (ssize_t i = 0; i < got; i++)
            if (bytes[i]) {
                *hole += (uint64_t)i;
                return 0;
            }
    }
    return 0;
}

/* What a new file begins with. */
static int read_first(struct batch_ask *a)
{
    int rc = find_hole(a->fd, a->size, &a->hole);

    if (rc < 0)
        return rc;
    uint64_t left = a->size > a->hole ? a->size - a->hole : 0;
    a->content.head_n = left < HEAD_BYTES ? (size_t)left : HEAD_BYTES;
    return read_at(a->fd, a->content.head, a->content.head_n, a->hole);
}

static int find_last(void *ctx, const struct position *p)
{
    struct batch_ask *a = ctx;

    if (strcmp(p->path, a->path) != 0)
        return 0;
    if (p->written_ns && (a->since_ns == INT64_MAX || p->written_ns > a->since_ns))
        a->since_ns = p->written_ns;
    if (p->last_when != INT64_MIN && (a->last.id == 0 || p->last_when > a->last.last_when ||
                                      (p->last_when == a->last.last_when && p->id > a->last.id))) {
        a->last = *p;
        a->last.path = NULL;
    }
    return 0;
}

static int answer(struct batch_ask *a, struct store *s)
{
    struct position *p = &a->state.position;
    struct stat st;

    answer_new(a);
    if (fstat(a->fd, &st) < 0)
        return -errno;
    a->size = (uint64_t)st.st_size;
    a->mtime = st.st_mtime;
    int rc = a->is_packed ? answer_packed(a, s)
                          : log_state_find(s, a->fd, a->size, a->sensor, &a->state);
    if (rc == 0 && !p->id)
        rc = store_read_positions(s, p->sensor, find_last, a);
    else if (rc > 0 && !a->is_packed)
        rc = answer_known(a, s);
    if (rc < 0 || a->is_packed)
        return rc;
    return p->id ? content_read(a->fd, p->offset, &a->content) : read_first(a);
}

int batch_write(struct batch *b, struct store *s, const struct commit_tags *tags, struct error *err)
{
    int rc = b->n && !b->written ? write_parts(b, s, tags, err) : 0;

    b->written = rc == 0;
    for (size_t i = 0; rc == 0 && i < b->ask_count; i++) {
        rc = answer(&b->asks[i], s);
        if (rc == -ENODATA) { /* truncated under our hands, which the next look will tell */
            answer_new(&b->asks[i]);
            rc = 0;
        }
        if (rc < 0)
            error_add(err, NULL, 0, 0, "what was taken in before can't be told (%s)",
                      store_error(s));
    }
    return rc;
}

#include "input/packed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "input/gunzip.h"

enum { PIECE_BYTES = 256 * 1024, MAGIC_BYTES = 512, FAULT_BYTES = 200 };

/* What libarchive gave of a member and hasn't been taken yet. */
struct given {
    const char *bytes;
    size_t n;
    int64_t at;  /* bytes of the member that were taken */
    int64_t gap; /* NULs before them: a hole */
    bool wrong;  /* the checksum of what was given */
};

struct packed {
    int fd;
    uint64_t used;
    char piece[PIECE_BYTES]; /* of it, for libarchive */

    struct archive *outer;
    struct archive *inner; /* of a member that is compressed itself; NULL: none */
    struct gunzip *outer_gunzip,
        *inner_gunzip; /* what each reads comes through it; NULL: as it is */
    struct given outer_given, inner_given;
    char head[MAGIC_BYTES]; /* of the member, read to see what it is, not yet given out */
    size_t head_at, head_n;
    char *part;    /* of the member, for the inner one */
    bool is_file;  /* the file is one compressed log */
    bool is_ended; /* no member is left */
    unsigned number;
    bool is_broken;          /* nothing can be read of the file any more */
    bool failed;             /* nor of the member */
    char fault[FAULT_BYTES]; /* what libarchive said first; empty: none */
};

/* ---- what a file is ---- */

static const struct {
    size_t at, n;
    const char *magic;
} magics[] = {
    {0, 2, "\x1f\x8b"},         /* gzip */
    {0, 2, "\x1f\x9d"},         /* compress */
    {0, 6, "\xfd\x37zXZ\0"},    /* xz */
    {0, 4, "\x28\xb5\x2f\xfd"}, /* zstd */
    {0, 3, "BZh"},              /* bzip2 */
    {0, 4, "\x04\x22\x4d\x18"}, /* lz4 */
    {0, 4, "PK\3\4"},           /* zip */
    {257, 5, "ustar"},          /* tar */
};

static bool is_magic(const char *head, size_t n)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (n >= magics[i].at + magics[i].n &&
            memcmp(head + magics[i].at, magics[i].magic, magics[i].n) == 0)
            return true;
    return false;
}

bool packed_is(int fd)
{
    char head[MAGIC_BYTES];
    ssize_t n = pread(fd, head, sizeof head, 0);

    return n > 0 && is_magic(head, (size_t)n);
}

/* ---- the file, as libarchive reads it ---- */

static ssize_t read_piece(void *ctx, const char **bytes)
{
    struct packed *p = ctx;
    ssize_t got;

    do
        got = pread(p->fd, p->piece, sizeof p->piece, (off_t)p->used);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    p->used += (uint64_t)got;
    *bytes = p->piece;
    return got;
}

static la_ssize_t read_unzipped(struct archive *a, struct gunzip *g, const void **bytes)
{
    const char *unzipped;
    ssize_t got = gunzip_next(g, &unzipped);

    if (got < 0) {
        archive_set_error(a, EBADMSG, "%s", gunzip_fault(g));
        return ARCHIVE_FATAL;
    }
    *bytes = unzipped;
    return got;
}

static la_ssize_t read_file(struct archive *a, void *ctx, const void **bytes)
{
    struct packed *p = ctx;
    const char *piece;

    if (p->outer_gunzip)
        return read_unzipped(a, p->outer_gunzip, bytes);
    ssize_t got = read_piece(p, &piece);
    if (got < 0) {
        archive_set_error(a, (int)-got, "%s", strerror((int)-got));
        return ARCHIVE_FATAL;
    }
    *bytes = piece;
    return got;
}

static la_int64_t seek_file(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct packed *p = ctx;
    struct stat st;

    if (fstat(p->fd, &st) < 0) {
        archive_set_error(a, errno, "%s", strerror(errno));
        return ARCHIVE_FATAL;
    }
    int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)p->used : st.st_size;
    if (base + offset < 0 || base + offset > st.st_size)
        return ARCHIVE_FATAL;
    p->used = (uint64_t)(base + offset);
    return base + offset;
}

static la_int64_t skip_file(struct archive *a, void *ctx, la_int64_t n)
{
    uint64_t was = ((struct packed *)ctx)->used;
    la_int64_t now = seek_file(a, ctx, n, SEEK_CUR);
    return now < 0 ? 0 : now - (la_int64_t)was;
}

static void support_filters(struct archive *a)
{
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_filter_compress(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
}

/* Keeps what is wrong: later calls would only say that they came too late. */
static void note_fault(struct packed *p, struct archive *a)
{
    const char *text = archive_error_string(a);

    if (!p->fault[0])
        snprintf(p->fault, sizeof p->fault, "%s", text ? text : "it isn't what it begins as");
}

static int fault_of(struct packed *p, struct archive *a)
{
    note_fault(p, a);
    p->is_broken |= a == p->outer;
    return -EBADMSG;
}

/* `archives`: it may be one; else it is a compressed log. */
static void open_outer(struct packed *p, bool archives)
{
    char head[2];
    ssize_t n = pread(p->fd, head, sizeof head, 0);

    archive_read_free(p->outer);
    gunzip_free(p->outer_gunzip);
    p->outer_gunzip = n > 0 && gunzip_is(head, (size_t)n) ? gunzip_new(read_piece, p) : NULL;
    p->used = 0;
    p->outer = archive_read_new();
    ASSERT(p->outer);
    support_filters(p->outer);
    if (archives) {
        archive_read_support_format_tar(p->outer);
        archive_read_support_format_zip(p->outer);
    }
    if (!p->outer_gunzip)
        archive_read_set_seek_callback(p->outer, seek_file);
    if (archive_read_open2(p->outer, p, NULL, read_file, p->outer_gunzip ? NULL : skip_file,
                           NULL) != ARCHIVE_OK)
        fault_of(p, p->outer); /* said by packed_next */
}

struct packed *packed_open(int fd)
{
    struct packed *p = xcalloc(1, sizeof *p);

    p->fd = fd;
    open_outer(p, true);
    return p;
}

void packed_close(struct packed *p)
{
    if (!p)
        return;
    archive_read_free(p->inner);
    archive_read_free(p->outer);
    gunzip_free(p->inner_gunzip);
    gunzip_free(p->outer_gunzip);
    free(p->part);
    free(p);
}

/* ---- members ---- */

/* Has libarchive give more: 1, 0 at the member's end, or -EBADMSG. A warning comes with the last bytes
 * of a zip's member: its checksum or its length is wrong. */
static int give(struct packed *p, struct archive *a, struct given *g)
{
    const void *bytes;
    int64_t offset;
    int rc;

    if (g->wrong)
        return -EBADMSG;
    do
        rc = archive_read_data_block(a, &bytes, &g->n, &offset);
    while (rc == ARCHIVE_RETRY);
    if (rc == ARCHIVE_WARN) {
        g->wrong = true;
        note_fault(p, a);
    }
    if (rc == ARCHIVE_EOF || rc < ARCHIVE_WARN) {
        g->n = 0;
        return rc == ARCHIVE_EOF ? 0 : fault_of(p, a);
    }
    g->bytes = bytes;
    g->gap = offset > g->at ? offset - g->at : 0;
    return 1;
}

static size_t take_given(struct given *g, char *buffer, size_t n)
{
    size_t all = g->gap > 0 ? (size_t)g->gap : g->n;
    size_t part = all < n ? all : n;

    if (g->gap > 0) {
        memset(buffer, 0, part);
        g->gap -= (int64_t)part;
    } else {
        memcpy(buffer, g->bytes, part);
        g->bytes += part;
        g->n -= part;
    }
    g->at += (int64_t)part;
    return part;
}

/* Bytes of `a`, as many as asked for unless it ends or can't be read further. */
static la_ssize_t read_bytes(struct packed *p, struct archive *a, struct given *g, char *buffer,
                             size_t n)
{
    size_t have = 0;
    int rc = 1;

    while (have < n && rc > 0) {
        if (g->n == 0 && g->gap == 0)
            rc = give(p, a, g);
        if (rc > 0)
            have += take_given(g, buffer + have, n - have);
    }
    return have > 0 || rc >= 0 ? (la_ssize_t)have : rc;
}

/* The member as the archive has it. */
static la_ssize_t read_outer(struct packed *p, char *buffer, size_t n)
{
    size_t head = p->head_n - p->head_at < n ? p->head_n - p->head_at : n;

    memcpy(buffer, p->head + p->head_at, head);
    p->head_at += head;
    la_ssize_t got =
        head < n ? read_bytes(p, p->outer, &p->outer_given, buffer + head, n - head) : 0;
    return got < 0 && head == 0 ? got : (la_ssize_t)head + (got > 0 ? got : 0);
}

static ssize_t read_part_piece(void *ctx, const char **bytes)
{
    struct packed *p = ctx;

    *bytes = p->part;
    return read_outer(p, p->part, PIECE_BYTES);
}

static la_ssize_t read_part(struct archive *a, void *ctx, const void **bytes)
{
    struct packed *p = ctx;
    const char *piece;

    if (p->inner_gunzip)
        return read_unzipped(a, p->inner_gunzip, bytes);
    ssize_t got = read_part_piece(p, &piece);
    if (got < 0)
        archive_set_error(a, EBADMSG, "%s", p->fault);
    *bytes = piece;
    return got < 0 ? ARCHIVE_FATAL : got;
}

static int open_inner(struct packed *p, struct archive_entry **entry)
{
    if (!p->part)
        p->part = xmalloc(PIECE_BYTES);
    if (gunzip_is(p->head, p->head_n))
        p->inner_gunzip = gunzip_new(read_part_piece, p);
    p->inner = archive_read_new();
    ASSERT(p->inner);
    support_filters(p->inner);
    if (archive_read_open(p->inner, p, NULL, read_part, NULL) != ARCHIVE_OK)
        return fault_of(p, p->inner);
    int rc = archive_read_next_header(p->inner, entry);
    return rc == ARCHIVE_EOF ? 0 : rc < ARCHIVE_WARN ? fault_of(p, p->inner) : 1;
}

/* The header of the next regular file of the archive: 1, 0 or -EBADMSG. */
static int next_regular(struct packed *p, struct archive_entry **entry)
{
    for (;;) {
        int rc = archive_read_next_header(p->outer, entry);
        if (rc == ARCHIVE_RETRY)
            continue;
        if (rc == ARCHIVE_EOF)
            return 0;
        if (rc < ARCHIVE_WARN)
            return fault_of(p, p->outer);
        p->is_file = archive_format(p->outer) == ARCHIVE_FORMAT_RAW ||
                     archive_format(p->outer) == ARCHIVE_FORMAT_EMPTY;
        if (p->is_file ||
            (archive_entry_filetype(*entry) == AE_IFREG && !archive_entry_hardlink(*entry)))
            return 1;
    }
}

/* Of a file's first: a log that begins with a hole of NULs looks like an empty tar. */
static int first_regular(struct packed *p, struct archive_entry **entry)
{
    int rc = next_regular(p, entry);

    if (rc != 0 || (!p->outer_gunzip && archive_filter_count(p->outer) < 2) ||
        archive_format(p->outer) == ARCHIVE_FORMAT_EMPTY)
        return rc;
    open_outer(p, false);
    return next_regular(p, entry);
}

int packed_next(struct packed *p, struct packed_member *out)
{
    struct archive_entry *entry, *inner;

    archive_read_free(p->inner);
    gunzip_free(p->inner_gunzip);
    p->inner = NULL;
    p->inner_gunzip = NULL;
    p->head_at = p->head_n = 0;
    p->outer_given = p->inner_given = (struct given){0};
    if (p->is_file && p->number > 0)
        p->is_ended = true;
    if (p->is_broken && !p->is_ended)
        return -EBADMSG;
    p->fault[0] = 0;
    p->failed = false;
    int rc = p->is_ended ? 0 : p->number == 0 ? first_regular(p, &entry) : next_regular(p, &entry);
    p->is_ended = rc <= 0;
    if (rc <= 0)
        return rc;
    *out = (struct packed_member){.number = ++p->number,
                                  .name = p->is_file ? "" : archive_entry_pathname(entry),
                                  .mtime = archive_entry_mtime(entry)};
    if (!out->name)
        out->name = "?";
    if (p->outer_gunzip && p->is_file && gunzip_mtime(p->outer_gunzip) > 0)
        out->mtime = gunzip_mtime(p->outer_gunzip);
    if (p->is_file)
        return 1;
    la_ssize_t got = read_bytes(p, p->outer, &p->outer_given, p->head, sizeof p->head);
    p->head_n = got > 0 ? (size_t)got : 0;
    /* A damaged member doesn't end the archive here: reading it will tell. */
    if (is_magic(p->head, p->head_n) && open_inner(p, &inner) > 0) {
        int64_t mtime =
            p->inner_gunzip ? gunzip_mtime(p->inner_gunzip) : archive_entry_mtime(inner);
        if (mtime > 0)
            out->mtime = mtime;
    }
    return 1;
}

int packed_seek(struct packed *p, unsigned number, struct packed_member *out)
{
    int rc;

    ASSERT(number > p->number);
    do
        rc = packed_next(p, out);
    while (rc > 0 && out->number < number);
    return rc;
}

ssize_t packed_read(struct packed *p, char *buffer, size_t n)
{
    la_ssize_t got = p->failed || p->is_broken ? -EBADMSG
                     : p->is_ended             ? 0
                     : p->inner                ? read_bytes(p, p->inner, &p->inner_given, buffer, n)
                                               : read_outer(p, buffer, n);

    p->failed = got < 0;
    return got;
}

uint64_t packed_used(const struct packed *p)
{
    return p->used;
}

const char *packed_fault(const struct packed *p)
{
    return p->fault;
}

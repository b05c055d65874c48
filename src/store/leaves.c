#include "store/leaves.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "store/db.h"

enum {
    PAGE = DB_PAGE_BYTES,
    LEAF = 0x0d, /* of a table with rowids */
    LEAF_HEAD = 8,
    CELL_LEAST = 4,
    LOCAL_MAX =
        PAGE - 35, /* of a row, on its leaf; of a longer one some, and the rest on other pages */
    LOCAL_MIN = (PAGE - 12) * 32 / 255 - 23,
    COLUMNS = 6,
    BLOB_LEAST = 12 /* of serial types: from here on they are blobs and texts */
};

struct file {
    const uint8_t *p;
    size_t pages;
    uint8_t *is_free; /* by page, from 0 */
};

static uint32_t be(const uint8_t *p, int n)
{
    uint32_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* SQLite's own: seven bits a byte, the highest first, eight in the ninth. */
static uint64_t varint(struct bytes *in)
{
    uint64_t v = 0;

    for (int i = 0; i < 9; i++) {
        const uint8_t *b = bytes_take(in, 1);
        if (!b)
            return 0;
        if (i == 8)
            return v << 8 | *b;
        v = v << 7 | (*b & 0x7f);
        if (!(*b & 0x80))
            return v;
    }
    return v;
}

static int64_t integer(struct bytes *in, uint64_t type)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8};

    if (type == 8 || type == 9)
        return type == 9;
    const uint8_t *p = type < sizeof sizes ? bytes_take(in, sizes[type]) : NULL;
    if (!p || type == 0) {
        in->bad = true;
        return 0;
    }
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < sizes[type]; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

/* The row's bytes, one piece after the other, into `out`. */
static bool gather(const struct file *f, struct bytes *cell, uint64_t n, struct buf *out)
{
    uint64_t local = n;

    if (n > LOCAL_MAX) {
        local = LOCAL_MIN + (n - LOCAL_MIN) % (PAGE - 4);
        local = local > LOCAL_MAX ? LOCAL_MIN : local;
    }
    out->n = 0;
    if (n > f->pages * PAGE)
        return false;
    const uint8_t *p = bytes_take(cell, local);
    if (!p)
        return false;
    buf_reserve(out, n);
    buf_put(out, p, local);
    const uint8_t *next = n > local ? bytes_take(cell, 4) : NULL;
    if (n > local && !next)
        return false;
    while (out->n < n) {
        uint32_t page = be(next, 4);
        uint64_t left = n - out->n;
        if (page < 2 || page > f->pages)
            return false;
        next = f->p + (size_t)(page - 1) * PAGE;
        buf_put(out, next + 4, left < PAGE - 4 ? left : PAGE - 4);
    }
    return n == local || be(next, 4) == 0;
}

/* id (as rowid, and so a NULL here), kind, sensor, start, events, data. */
static bool read_row(const struct buf *b, struct leaf_row *row)
{
    struct bytes in = {b->p, b->p + b->n, false};
    uint64_t head = varint(&in), types[COLUMNS];

    if (in.bad || head > b->n)
        return false;
    in.end = b->p + head;
    for (int i = 0; i < COLUMNS; i++)
        types[i] = varint(&in);
    if (in.bad || in.p != in.end || types[0] != 0 || types[5] < BLOB_LEAST || types[5] % 2 != 0)
        return false;
    in.end = b->p + b->n;
    row->kind = integer(&in, types[1]);
    row->sensor = integer(&in, types[2]);
    row->start = integer(&in, types[3]);
    row->events = integer(&in, types[4]);
    row->n = (types[5] - BLOB_LEAST) / 2;
    row->data = bytes_take(&in, row->n);
    return !in.bad && in.p == in.end;
}

static int read_leaf(const struct file *f, const uint8_t *page, struct buf *buf,
                     int (*cb)(void *ctx, const struct leaf_row *row), void *ctx)
{
    uint32_t cells = be(page + 3, 2);

    if (page[0] != LEAF || cells > (PAGE - LEAF_HEAD) / (2 + CELL_LEAST))
        return 0;
    for (uint32_t i = 0; i < cells; i++) {
        struct leaf_row row;
        uint32_t at = be(page + LEAF_HEAD + 2 * i, 2);
        if (at < LEAF_HEAD + 2 * cells || at >= PAGE)
            continue;
        struct bytes cell = {page + at, page + PAGE, false};
        uint64_t n = varint(&cell);
        row.id = (int64_t)varint(&cell);
        if (cell.bad || !gather(f, &cell, n, buf) || !read_row(buf, &row))
            continue;
        int rc = cb(ctx, &row);
        if (rc)
            return rc;
    }
    return 0;
}

/* Pages that were given up, as far as they are listed (1.5): what is on them is no fact. */
static void list_free(struct file *f)
{
    static const char magic[16] = "SQLite format 3";
    uint32_t trunk = memcmp(f->p, magic, sizeof magic) == 0 ? be(f->p + 32, 4) : 0;

    f->is_free = xcalloc(f->pages, 1);
    while (trunk > 1 && trunk <= f->pages && !f->is_free[trunk - 1]) {
        const uint8_t *page = f->p + (size_t)(trunk - 1) * PAGE;
        uint32_t n = be(page + 4, 4);
        f->is_free[trunk - 1] = 1;
        for (uint32_t i = 0; i < n && i < PAGE / 4 - 2; i++) {
            uint32_t leaf = be(page + 8 + 4 * i, 4);
            if (leaf > 1 && leaf <= f->pages)
                f->is_free[leaf - 1] = 1;
        }
        trunk = be(page, 4);
    }
}

int leaves_read(const char *path, int (*cb)(void *ctx, const struct leaf_row *row), void *ctx)
{
    struct buf buf = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    void *map = MAP_FAILED;

    if (rc == 0 && st.st_size >= PAGE)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (rc < 0 || map == MAP_FAILED)
        return rc;
    struct file f = {.p = map, .pages = (size_t)st.st_size / PAGE};
    list_free(&f);
    for (size_t i = 1; i < f.pages && rc == 0; i++) /* the first page is the schema's */
        if (!f.is_free[i])
            rc = read_leaf(&f, f.p + i * PAGE, &buf, cb, ctx);
    free(f.is_free);
    munmap(map, (size_t)st.st_size);
    buf_fini(&buf);
    return rc;
}

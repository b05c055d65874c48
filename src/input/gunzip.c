#include "input/gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"

enum { OUT_BYTES = 256 * 1024, GZIP_ONLY = 16 };

struct gunzip {
    gunzip_read_cb read;
    void *ctx;
    z_stream z;
    gz_header header; /* of the first stream */
    bool within;      /* a stream */
    int ended;        /* 1: nothing is left; a negative code: it can't be read further */
    const char *fault;
    char out[OUT_BYTES];
};

bool gunzip_is(const char *head, size_t n)
{
    return n >= 2 && memcmp(head, "\x1f\x8b", 2) == 0;
}

struct gunzip *gunzip_new(gunzip_read_cb read, void *ctx)
{
    struct gunzip *g = xcalloc(1, sizeof *g);

    g->read = read;
    g->ctx = ctx;
    g->fault = "";
    g->within = true;
    ASSERT(inflateInit2(&g->z, MAX_WBITS + GZIP_ONLY) == Z_OK);
    inflateGetHeader(&g->z, &g->header);
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (!g)
        return;
    inflateEnd(&g->z);
    free(g);
}

static int end(struct gunzip *g, int code, const char *fault)
{
    g->ended = code;
    g->fault = fault;
    return code;
}

/* Whether there are bytes to unpack; where not, it has ended. */
static bool more(struct gunzip *g)
{
    const char *bytes;

    if (g->z.avail_in > 0)
        return true;
    ssize_t n = g->read(g->ctx, &bytes);
    if (n <= 0) {
        end(g,
            n < 0       ? (int)n
            : g->within ? -EBADMSG
                        : 1,
            n < 0       ? strerror((int)-n)
            : g->within ? "truncated gzip input"
                        : "");
        return false;
    }
    g->z.next_in = (Bytef *)(uintptr_t)bytes;
    g->z.avail_in = (uInt)n;
    return true;
}

/* Behind a stream: another one begins with the same byte, or there is none. */
static void begin_next(struct gunzip *g)
{
    if (g->z.next_in[0] != 0x1f) {
        end(g, 1, "");
        return;
    }
    inflateReset(&g->z);
    g->within = true;
}

static void inflate_some(struct gunzip *g)
{
    int rc = inflate(&g->z, Z_NO_FLUSH);

    if (rc == Z_STREAM_END)
        g->within = false;
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        end(g, -EBADMSG, g->z.msg ? g->z.msg : "gzip decompression failed");
}

ssize_t gunzip_next(struct gunzip *g, const char **bytes)
{
    g->z.next_out = (Bytef *)g->out;
    g->z.avail_out = OUT_BYTES;
    while (!g->ended && g->z.avail_out > 0 && more(g)) {
        if (!g->within)
            begin_next(g);
        if (!g->ended)
            inflate_some(g);
    }
    size_t n = OUT_BYTES - g->z.avail_out;
    *bytes = g->out;
    return n > 0 || g->ended > 0 ? (ssize_t)n : g->ended;
}

int64_t gunzip_mtime(const struct gunzip *g)
{
    return (int64_t)g->header.time;
}

const char *gunzip_fault(const struct gunzip *g)
{
    return g->fault;
}

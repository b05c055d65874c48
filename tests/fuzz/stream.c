/* stream.c - one target for what a connection of syslog may carry: the PROXY header, framing, and each line's envelope.
 *
 * The first byte says the framing and how the rest is cut into pieces. However it is cut, the same messages must come out, the
 * same number of them lost, and what is kept for the next piece is bounded. `make fuzz` links it with libFuzzer. */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "input/frame.h"
#include "input/proxy.h"
#include "parse/reader.h"

struct result {
    char *lines;
    size_t n;
    uint64_t lost, empty;
    bool bad;
};

static void gather(struct result *r, const struct frames *out)
{
    memcpy(r->lines + r->n, out->lines.p, out->lines.n);
    r->n += out->lines.n;
    r->lost += out->lost;
    r->empty += out->empty;
    r->bad |= out->bad;
}

static struct result cut(enum framing framing, const uint8_t *bytes, size_t n, size_t piece)
{
    struct framer f = {.framing = framing};
    struct result r = {.lines = xmalloc(n + 1)};
    char *buffer = xmalloc(FRAME_REST_MAX + piece + 1);
    size_t rest = 0;
    struct frames out;

    for (size_t at = 0; at < n && !r.bad; at += piece) {
        size_t more = n - at < piece ? n - at : piece;
        memcpy(buffer + rest, bytes + at, more);
        framer_cut(&f, buffer, rest + more, &out);
        gather(&r, &out);
        rest = rest + more - out.used;
        ASSERT(rest < FRAME_REST_MAX || r.bad);
        memmove(buffer, buffer + out.used, r.bad ? 0 : rest);
    }
    if (!r.bad) {
        framer_end(&f, buffer, rest, true, &out);
        gather(&r, &out);
    }
    free(buffer);
    return r;
}

static void read_heads(const struct result *r)
{
    static char scratch[LINE_MAX_BYTES];
    struct envelope env;

    for (size_t at = 0; at < r->n;) {
        const char *end = memchr(r->lines + at, '\n', r->n - at);
        ASSERT(end);
        struct str line = {r->lines + at, (size_t)(end - (r->lines + at))};
        ASSERT(line.n > 0 && line.n <= FRAME_MAX_BYTES + 1);
        if (line.n > LINE_MAX_BYTES)
            line.n = LINE_MAX_BYTES; /* as a reader cuts it */
        size_t n = line.n;
        envelope_parse(line, scratch, &env);
        bool in_line = env.message.p >= line.p && env.message.p + env.message.n <= line.p + n;
        ASSERT(in_line || (env.message.p >= scratch &&
                           env.message.p + env.message.n <= scratch + sizeof scratch));
        at = (size_t)(end - r->lines) + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ip peer;

    if (n < 1)
        return 0;
    enum framing framing = (enum framing)(data[0] % FRAMINGS);
    size_t piece = 1 + data[0] / FRAMINGS;
    int header = proxy_read((struct str){(const char *)data + 1, n - 1}, &peer);
    ASSERT(header <= (int)n - 1);
    struct result whole = cut(framing, data + 1, n - 1, n),
                  pieces = cut(framing, data + 1, n - 1, piece);
    ASSERT(whole.bad == pieces.bad && whole.lost == pieces.lost && whole.empty == pieces.empty);
    ASSERT(whole.n == pieces.n && memcmp(whole.lines, pieces.lines, whole.n) == 0);
    read_heads(&whole);
    free(whole.lines);
    free(pieces.lines);
    return 0;
}

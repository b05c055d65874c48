#include "series/rows.h"

#include <stdbool.h>
#include <stdlib.h>

#include "store/facts.h"

enum { ROW_MAX = 64 }; /* three numbers of at most 20 digits, two colons, the terminator */

static char *put_number(char *p, uint64_t v)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *begin_row(struct rows *r, int64_t end)
{
    if (r->n == r->cap) {
        r->cap = r->cap * 2 + 256;
        r->at = xrealloc(r->at, r->cap, sizeof *r->at);
        r->args = xrealloc(r->args, r->cap, sizeof *r->args);
    }
    buf_reserve(&r->text, ROW_MAX);
    r->at[r->n++] = r->text.n;
    return put_number((char *)r->text.p + r->text.n, (uint64_t)end);
}

static void end_row(struct rows *r, char *p)
{
    *p++ = 0;
    r->text.n = (size_t)((uint8_t *)p - r->text.p);
}

static void put_count(struct rows *r, int64_t end, uint64_t events, const uint32_t *sources)
{
    char *p = begin_row(r, end);

    *p++ = ':';
    p = put_number(p, events);
    if (sources) {
        *p++ = ':';
        p = put_number(p, *sources);
    }
    end_row(r, p);
}

static void put_unknown(struct rows *r, int64_t end, bool sources)
{
    char *p = begin_row(r, end);

    *p++ = ':';
    *p++ = 'U';
    if (sources) {
        *p++ = ':';
        *p++ = 'U';
    }
    end_row(r, p);
}

static void put_zeros(struct rows *r, int64_t begin, int64_t end, bool sources, uint32_t heartbeat)
{
    static const uint32_t none = 0;

    for (int64_t at = begin; at < end;) {
        at = end - at > heartbeat ? at + heartbeat : end;
        put_count(r, at, 0, sources ? &none : NULL);
    }
}

void rows_make(struct rows *r, int64_t from, size_t bins, const uint8_t *known,
               const uint64_t *events, const uint32_t *sources, uint32_t heartbeat)
{
    r->text.n = 0;
    r->n = 0;
    for (size_t i = 0, j; i < bins; i = j) {
        int64_t begin = from + (int64_t)i * BIN_S;
        j = i + 1;
        if (!known[i]) {
            while (j < bins && !known[j])
                j++;
            put_unknown(r, from + (int64_t)j * BIN_S, sources != NULL);
        } else if (events[i] > 0) {
            put_count(r, begin + BIN_S, events[i], sources ? &sources[i] : NULL);
        } else {
            while (j < bins && known[j] && events[j] == 0)
                j++;
            put_zeros(r, begin, from + (int64_t)j * BIN_S, sources != NULL, heartbeat);
        }
    }
    for (size_t i = 0; i < r->n; i++)
        r->args[i] = (const char *)r->text.p + r->at[i];
}

void rows_fini(struct rows *r)
{
    buf_fini(&r->text);
    free(r->args);
    free(r->at);
    *r = (struct rows){0};
}

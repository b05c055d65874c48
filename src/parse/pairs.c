#include "parse/pairs.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

enum {
    SEPARATORS_MAX = 8,
    STOPS_MAX = SEPARATORS_MAX + 1,
    TEXT_MAX = 8,
    KEYS_MAX = 128,
    SLOTS = 512 /* a power of two */
};

struct word {
    char p[TEXT_MAX];
    size_t n;
};

/* What a byte may begin. */
enum { BYTE_SEPARATOR = 1, BYTE_ASSIGN = 2 };

struct pair_table {
    struct word separators[SEPARATORS_MAX];
    size_t separator_count;
    struct word assign;
    bool blank_separates, one_byte; /* every separator is */
    uint8_t bytes[256];
    char stops[STOPS_MAX]; /* the bytes that separators begin with, then the assignment's */
    size_t separator_stops, stop_count;
    char *keys[KEYS_MAX];
    uint8_t lengths[KEYS_MAX], numbers[KEYS_MAX];
    size_t n;
    uint8_t slots[SLOTS]; /* index of a key plus one; open addressing */
};

static struct word word_of(struct str s)
{
    struct word w = {.n = s.n};

    ASSERT(s.n > 0 && s.n <= TEXT_MAX);
    memcpy(w.p, s.p, s.n);
    return w;
}

struct pair_table *pair_table_new(const struct str *separators, size_t n, struct str assign)
{
    struct pair_table *t = xcalloc(1, sizeof *t);

    ASSERT(n > 0 && n <= SEPARATORS_MAX);
    t->assign = word_of(assign);
    t->bytes[(uint8_t)assign.p[0]] |= BYTE_ASSIGN;
    t->one_byte = true;
    for (size_t i = 0; i < n; i++) {
        t->separators[t->separator_count++] = word_of(separators[i]);
        t->bytes[(uint8_t)separators[i].p[0]] |= BYTE_SEPARATOR;
        t->blank_separates |= str_eq(separators[i], STR(" "));
        t->one_byte &= separators[i].n == 1;
        t->stops[i] = separators[i].p[0];
    }
    t->stops[n] = assign.p[0];
    t->separator_stops = n;
    t->stop_count = n + 1;
    return t;
}

void pair_table_free(struct pair_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->keys[i]);
    free(t);
}

static size_t slot_of(const char *p, size_t n)
{
    uint32_t h = (uint32_t)n * 0x9e3779b1u;

    h = (h ^ (uint8_t)p[0]) * 0x85ebca6bu;
    h = (h ^ (uint8_t)p[n - 1]) * 0xc2b2ae35u;
    h = (h ^ (uint8_t)p[n / 2]) * 0x27d4eb2fu;
    return h >> 23;
}

static int find_key(const struct pair_table *t, struct str key)
{
    for (size_t s = slot_of(key.p, key.n);; s++) {
        unsigned k = t->slots[s & (SLOTS - 1)];
        if (k == 0)
            return -1;
        if (t->lengths[k - 1] == key.n && memcmp(t->keys[k - 1], key.p, key.n) == 0)
            return (int)k - 1;
    }
}

bool pair_table_add(struct pair_table *t, struct str key, unsigned number)
{
    ASSERT(key.n > 0 && key.n <= 64 && t->n < KEYS_MAX && number < KEYS_MAX);
    if (find_key(t, key) >= 0)
        return false;
    t->keys[t->n] = xcalloc(key.n, 1);
    memcpy(t->keys[t->n], key.p, key.n);
    t->lengths[t->n] = (uint8_t)key.n;
    t->numbers[t->n++] = (uint8_t)number;
    size_t s = slot_of(key.p, key.n);
    while (t->slots[s & (SLOTS - 1)])
        s++;
    t->slots[s & (SLOTS - 1)] = (uint8_t)t->n;
    return true;
}

static bool stands(const struct word *w, const char *p, const char *end)
{
    return w->n == 1 ? p < end && *p == w->p[0]
                     : (size_t)(end - p) >= w->n && memcmp(p, w->p, w->n) == 0;
}

/* The length of the separator at p, 0 where there is none. */
static size_t separator_at(const struct pair_table *t, const char *p, const char *end)
{
    if (p < end && t->bytes[(uint8_t)*p] & BYTE_SEPARATOR && t->one_byte)
        return 1;
    if (p < end && t->bytes[(uint8_t)*p] & BYTE_SEPARATOR)
        for (size_t i = 0; i < t->separator_count; i++)
            if (stands(&t->separators[i], p, end))
                return t->separators[i].n;
    return 0;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* The first of `n` bytes at or after p; keys and values are short, so one step finds it nearly
 * always, without a branch a byte. */
static inline const char *next_stop(const char *stops, size_t n, const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hits = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(stops[0]));
        for (size_t i = 1; i < n; i++)
            hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(stops[i])));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);
        if (mask)
            return p + __builtin_ctz(mask);
    }
    while (p < end && !memchr(stops, *p, n))
        p++;
    return p;
}
#else
static inline const char *next_stop(const char *stops, size_t n, const char *p, const char *end)
{
    while (p < end && !memchr(stops, *p, n))
        p++;
    return p;
}
#endif

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* Behind the opening quote at p; to the closing one, or the end. */
static const char *quote_end(const char *p, const char *end)
{
    while ((p = next_stop("\"\\", 2, p, end)) < end && *p == '\\')
        p += p + 1 < end ? 2 : 1;
    return p;
}

/* The value at *p, which is moved behind it; p is NULL where its quote never ends. */
static struct str take_value(const struct pair_table *t, const char **p, const char *end)
{
    const char *from = *p;

    if (from < end && *from == '"') {
        const char *close = quote_end(from + 1, end);
        *p = close < end ? close + 1 : end;
        if (close == end) /* cut short */
            return (struct str){0};
        return (struct str){from + 1, (size_t)(close - from - 1)};
    }
    const char *to = next_stop(t->stops, t->separator_stops, from, end);
    while (to < end && !separator_at(t, to, end))
        to = next_stop(t->stops, t->separator_stops, to + 1, end);
    *p = to;
    while (to > from && to[-1] == ' ') /* where a blank is no separator */
        to--;
    return (struct str){from, (size_t)(to - from)};
}

/* The key at *p, which is moved behind its assignment; empty: a word that is none, and *p is behind
 * that. */
static struct str take_key(const struct pair_table *t, const char **p, const char *end)
{
    const char *from = *p, *to = from;
    struct str none = {from, 0};

    if (*from == '"') {
        to = quote_end(from + 1, end);
        const char *assign = skip_blanks(to < end ? to + 1 : end, end);
        *p = assign;
        if (!stands(&t->assign, assign, end))
            return none;
        *p = skip_blanks(assign + t->assign.n, end);
        return (struct str){from + 1, (size_t)(to - from - 1)};
    }
    for (; (to = next_stop(t->stops, t->stop_count, to, end)) < end; to++) {
        uint8_t kind = t->bytes[(uint8_t)*to];
        if (kind & BYTE_ASSIGN && stands(&t->assign, to, end)) {
            *p = to + t->assign.n;
            return (struct str){from, (size_t)(to - from)};
        }
        if (separator_at(t, to, end))
            break;
    }
    *p = to;
    return none;
}

void pair_table_read(const struct pair_table *t, struct str text, pair_cb *cb, void *context)
{
    const char *p = text.p, *end = text.p + text.n;
    uint64_t seen[KEYS_MAX / 64] = {0};

    while (p < end) {
        size_t n = separator_at(t, p, end);
        if (n > 0 || *p == ' ') {
            p += n ? n : 1;
            continue;
        }
        const char *before = p;
        struct str key = take_key(t, &p, end);
        if (key.n == 0) {
            p += p == before;
            continue;
        }
        if (!t->blank_separates)
            p = skip_blanks(p, end);
        struct str value = take_value(t, &p, end);
        int k = find_key(t, key);
        if (k < 0 || !value.p || seen[k / 64] >> (k % 64) & 1)
            continue;
        seen[k / 64] |= 1ull << (k % 64);
        cb(context, t->numbers[k], value);
    }
}

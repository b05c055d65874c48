#include "parse/pairs.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

enum {
    SEPARATORS_MAX = 8,
    STOPS_MAX = SEPARATORS_MAX + 1,
    TEXT_MAX = 8,
    KEYS_MAX = 128,
    KEY_MAX = 64,
    SLOT_BITS = 9,
    SLOTS = 1 << SLOT_BITS
};

/* A key of the table; mark 0: none. */
struct key {
    uint32_t mark;
    uint16_t text;
    uint8_t number;
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
    size_t n, text_n;
    struct key slots[SLOTS];       /* open addressing */
    char text[KEYS_MAX * KEY_MAX]; /* of the keys, one behind the other: few lines of the cache */
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
    free(t);
}

/* Its length and three of its bytes: hardly ever the same of two keys. */
static inline uint32_t mark_of(struct str key)
{
    return (uint32_t)(uint8_t)key.p[0] << 24 | (uint32_t)(uint8_t)key.p[key.n / 2] << 16 |
           (uint32_t)(uint8_t)key.p[key.n - 1] << 8 | (uint32_t)(key.n <= KEY_MAX ? key.n : 0xff);
}

static inline size_t slot_of(uint32_t mark)
{
    return mark * 0x9e3779b1u >> (32 - SLOT_BITS);
}

static inline const struct key *find_key(const struct pair_table *t, struct str key)
{
    uint32_t mark = mark_of(key);

    for (size_t s = slot_of(mark);; s++) {
        const struct key *k = &t->slots[s & (SLOTS - 1)];
        if (k->mark == 0)
            return NULL;
        if (k->mark == mark && memcmp(t->text + k->text, key.p, key.n) == 0)
            return k;
    }
}

bool pair_table_add(struct pair_table *t, struct str key, unsigned number)
{
    ASSERT(key.n > 0 && key.n <= KEY_MAX && t->n < KEYS_MAX && number < KEYS_MAX);
    if (find_key(t, key))
        return false;
    size_t s = slot_of(mark_of(key));
    while (t->slots[s & (SLOTS - 1)].mark)
        s++;
    t->slots[s & (SLOTS - 1)] = (struct key){mark_of(key), (uint16_t)t->text_n, (uint8_t)number};
    memcpy(t->text + t->text_n, key.p, key.n);
    t->text_n += key.n;
    t->n++;
    return true;
}

static bool stands(const struct word *w, const char *p, const char *end)
{
    return w->n == 1 ? p < end && *p == w->p[0]
                     : (size_t)(end - p) >= w->n && memcmp(p, w->p, w->n) == 0;
}

__attribute__((noinline)) static size_t long_separator_at(const struct pair_table *t, const char *p,
                                                          const char *end)
{
    for (size_t i = 0; i < t->separator_count; i++)
        if (stands(&t->separators[i], p, end))
            return t->separators[i].n;
    return 0;
}

/* The length of the separator at p, 0 where there is none. */
static inline size_t separator_at(const struct pair_table *t, const char *p, const char *end)
{
    if (p == end || !(t->bytes[(uint8_t)*p] & BYTE_SEPARATOR))
        return 0;
    return t->one_byte ? 1 : long_separator_at(t, p, end);
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
        const struct key *k = find_key(t, key);
        if (!k || !value.p || seen[k->number / 64] >> (k->number % 64) & 1)
            continue;
        seen[k->number / 64] |= 1ull << (k->number % 64);
        cb(context, k->number, value);
    }
}

#include "base/literals.h"

#include <stdlib.h>

#include "base/check.h"

enum {
    KEY = 4, /* bytes by which a literal is known; three, if it has no more */
    KEY_LEAST = 3,
    HALVES = 2,   /* of the buckets: a byte has as many bits */
    BUCKETS = 16, /* literals share them: a bit of a mask each */
    SLOTS = 1024, /* of the table of keys, a power of two */
    NONE = 0xffff
};

struct literals {
    const struct str *words;
    size_t n;
    uint16_t *key_at; /* where in its word each one's key stands */
    uint16_t *next;   /* the next word of the same slot */
    uint16_t slots[SLOTS];
    uint16_t shorts;        /* words shorter than the least key, chained by next */
    uint32_t *keys, *masks; /* the key's bytes as a number, and which of them count */
    /* By half byte: the buckets whose keys have it there. */
    uint8_t low[HALVES][KEY][16], high[HALVES][KEY][16];
    uint8_t pairs[1 << 13]; /* bits: the first two bytes of keys */
    bool fast;
};

struct key {
    size_t word;
    const char *p;
};

static size_t slot_of(const char *p)
{
    uint32_t v = (uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2] << 16;
    return v * 0x9e3779b1u >> 22;
}

/* How common a byte is in logs, roughly. */
static unsigned commonness(char ch)
{
    if (ch == ' ' || ch == '=' || ch == '.' || ch == ':')
        return 8;
    if (ch >= '0' && ch <= '9')
        return 8;
    if (ch == 'e' || ch == 't' || ch == 'o' || ch == 's' || ch == 'r' || ch == 'c' || ch == 'd')
        return 5;
    if (ch >= 'a' && ch <= 'z')
        return 3;
    return ch >= 'A' && ch <= 'Z' ? 2 : 1;
}

static size_t rarest_key(struct str w)
{
    size_t best = 0;
    unsigned least = ~0u;

    size_t n = w.n < KEY ? w.n : KEY;

    for (size_t i = 0; i + n <= w.n; i++) {
        unsigned sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += commonness(w.p[i + k]) * commonness(w.p[i + k]);
        if (sum < least) {
            least = sum;
            best = i;
        }
    }
    return best;
}

/* Up to four bytes as a number. */
static inline uint32_t key_of(const char *p, size_t n)
{
    uint32_t v = 0;

    memcpy(&v, p, n);
    return v;
}

static void add_key(struct literals *l, size_t i, const char *key, size_t n, unsigned bucket)
{
    uint16_t pair = (uint16_t)((uint8_t)key[0] | (uint8_t)key[1] << 8);
    uint8_t(*low)[16] = l->low[bucket / 8], (*high)[16] = l->high[bucket / 8],
    bit = (uint8_t)(1 << bucket % 8);

    for (size_t k = 0; k < KEY; k++)
        if (k < n) {
            low[k][(uint8_t)key[k] & 15] |= bit;
            high[k][(uint8_t)key[k] >> 4] |= bit;
        } else { /* any byte */
            for (size_t nibble = 0; nibble < 16; nibble++) {
                low[k][nibble] |= bit;
                high[k][nibble] |= bit;
            }
        }
    l->pairs[pair >> 3] |= (uint8_t)(1 << (pair & 7));
    l->keys[i] = key_of(key, n);
    l->masks[i] = key_of("\xff\xff\xff\xff", n);
}

/* Compares the literals whose key stands at `at`. */
static inline void look(const struct literals *l, struct str text, size_t at,
                        struct literals_found *found)
{
    uint32_t key = key_of(text.p + at, text.n - at < KEY ? text.n - at : KEY);

    for (uint16_t i = l->slots[slot_of(text.p + at)]; i != NONE; i = l->next[i]) {
        if ((key & l->masks[i]) != l->keys[i])
            continue;
        struct str w = l->words[i];
        size_t key_at = l->key_at[i];
        if (key_at > at || w.n > text.n - (at - key_at) || literals_has(found, i) ||
            memcmp(text.p + at - key_at, w.p, w.n) != 0)
            continue;
        found->bits[i / 64] |= 1ull << (i % 64);
        found->at[i] = (uint32_t)(at - key_at);
    }
}

#ifdef __x86_64__
#include <immintrin.h>

static bool can_be_fast(void)
{
    return __builtin_cpu_supports("avx2");
}

#define FAST __attribute__((target("avx2")))
/* Without it the tables lie in memory and are indexed: half as fast. */
#define UNROLLED _Pragma("GCC unroll 4")

FAST static inline __m256i twice(const uint8_t nibbles[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)nibbles));
}

/* Half of the buckets' tables, as the search holds them. */
struct tables {
    __m256i low[KEY], high[KEY];
};

FAST static inline struct tables tables_of(const struct literals *l, size_t half)
{
    struct tables t;

    UNROLLED
    for (size_t k = 0; k < KEY; k++) {
        t.low[k] = twice(l->low[half][k]);
        t.high[k] = twice(l->high[half][k]);
    }
    return t;
}

/* The 32 bytes from each of KEY places on, by half bytes. */
struct places {
    __m256i low[KEY], high[KEY];
};

FAST static inline struct places places_at(const char *p)
{
    __m256i nibble = _mm256_set1_epi8(15);
    struct places at;

    UNROLLED
    for (size_t k = 0; k < KEY; k++) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(p + k));
        at.low[k] = _mm256_and_si256(bytes, nibble);
        at.high[k] = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    }
    return at;
}

/* The buckets that the key at each of 32 places may belong to. */
FAST static inline __m256i buckets(const struct tables *t, const struct places *at)
{
    __m256i may = _mm256_set1_epi8(-1);

    UNROLLED
    for (size_t k = 0; k < KEY; k++)
        may = _mm256_and_si256(may, _mm256_and_si256(_mm256_shuffle_epi8(t->low[k], at->low[k]),
                                                     _mm256_shuffle_epi8(t->high[k], at->high[k])));
    return may;
}

/* Gives how far it came: nowhere in a text shorter than a step. */
FAST static size_t find_fast(const struct literals *l, struct str text,
                             struct literals_found *found)
{
    struct tables first = tables_of(l, 0), second = tables_of(l, 1);
    size_t at = 0;

    if (text.n < 32 + KEY - 1)
        return 0;
    for (size_t last = text.n - (32 + KEY - 1);; at += 32) {
        at = at < last ? at : last; /* the last step goes over some places again */
        struct places here = places_at(text.p + at);
        __m256i may = _mm256_or_si256(buckets(&first, &here), buckets(&second, &here));
        uint32_t hits =
            ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(may, _mm256_setzero_si256()));
        for (; hits; hits &= hits - 1)
            look(l, text, at + (size_t)__builtin_ctz(hits), found);
        if (at == last)
            return at + 32; /* a short key may stand behind */
    }
}
#else
static bool can_be_fast(void)
{
    return false;
}

static size_t find_fast(const struct literals *l, struct str text, struct literals_found *found)
{
    (void)l, (void)text, (void)found;
    return 0;
}
#endif

static int by_text(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return memcmp(x->p, y->p, KEY_LEAST);
}

/* Keys that begin alike share a bucket, so that few other bytes pass for one of its keys. */
static void fill_buckets(struct literals *l)
{
    struct key *keys = xcalloc(l->n + 1, sizeof *keys);
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->words[i].n >= KEY_LEAST)
            keys[n++] = (struct key){i, l->words[i].p + l->key_at[i]};
    qsort(keys, n, sizeof *keys, by_text);
    for (size_t k = 0; k < n; k++) {
        size_t len = l->words[keys[k].word].n;
        add_key(l, keys[k].word, keys[k].p, len < KEY ? len : KEY, (unsigned)(k * BUCKETS / n));
    }
    free(keys);
}

struct literals *literals_new(const struct str *words, size_t n)
{
    struct literals *l = xcalloc(1, sizeof *l);

    ASSERT(n <= LITERALS_MAX);
    l->words = words;
    l->n = n;
    l->key_at = xcalloc(n + 1, sizeof *l->key_at);
    l->next = xcalloc(n + 1, sizeof *l->next);
    l->keys = xcalloc(n + 1, sizeof *l->keys);
    l->masks = xcalloc(n + 1, sizeof *l->masks);
    l->shorts = NONE;
    memset(l->slots, 0xff, sizeof l->slots);
    for (size_t i = 0; i < n; i++) {
        ASSERT(words[i].n > 0);
        uint16_t *head = &l->shorts;
        if (words[i].n >= KEY_LEAST) {
            l->key_at[i] = (uint16_t)rarest_key(words[i]);
            head = &l->slots[slot_of(words[i].p + l->key_at[i])];
        }
        l->next[i] = *head;
        *head = (uint16_t)i;
    }
    fill_buckets(l);
    l->fast = can_be_fast();
    return l;
}

void literals_free(struct literals *l)
{
    if (!l)
        return;
    free(l->key_at);
    free(l->next);
    free(l->keys);
    free(l->masks);
    free(l);
}

static void find_shorts(const struct literals *l, struct str text, struct literals_found *found)
{
    for (uint16_t i = l->shorts; i != NONE; i = l->next[i])
        for (size_t at = 0; at + l->words[i].n <= text.n; at++)
            if (memcmp(text.p + at, l->words[i].p, l->words[i].n) == 0) {
                found->bits[i / 64] |= 1ull << (i % 64);
                found->at[i] = (uint32_t)at;
                break;
            }
}

static void find_slow(const struct literals *l, struct str text, size_t from,
                      struct literals_found *found)
{
    for (size_t at = from; at + KEY_LEAST <= text.n; at++) {
        uint16_t pair = (uint16_t)((uint8_t)text.p[at] | (uint8_t)text.p[at + 1] << 8);
        if (l->pairs[pair >> 3] >> (pair & 7) & 1)
            look(l, text, at, found);
    }
}

void literals_find(const struct literals *l, struct str text, struct literals_found *found)
{
    memset(found->bits, 0, (l->n + 63) / 64 * sizeof *found->bits);
    size_t from = l->fast ? find_fast(l, text, found) : 0;
    find_slow(l, text, from, found);
    find_shorts(l, text, found);
}

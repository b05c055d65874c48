/* series_fake.h - the store as the series stage sees it, in memory. Include it in one file of a
 * test: its functions take the place of the archive's. The state lies in shared memory, so that
 * a killed child leaves what it had set. */
#ifndef SCANTIDE_TESTS_SERIES_FAKE_H
#define SCANTIDE_TESTS_SERIES_FAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "store/rules.h"
#include "store/store.h"

struct fake_span {
    int64_t from, to;
};

enum { FAKE_LATE_MAX = 64 };

/* What came late, as the store notes it; */
struct fake_late {
    int64_t id;
    struct bin_fact fact;
    bool all;
};

struct fake_shared {
    struct series_state state;
    struct fake_late late[FAKE_LATE_MAX];
    size_t late_count;
    int64_t late_id;
    char unsynced[64];
    unsigned notes; /* of unsynced files that were new */
};

struct store {
    struct bin_fact *bins;
    size_t bin_count, bin_room;
    struct source_fact *sources;
    size_t source_count, source_room;
    struct fake_span watched[64];
    size_t watched_count;
    struct series_pair pairs[64];
    size_t pair_count;
    struct fake_shared *shared;
    const struct rules *rules;
    bool sorted;
    int fail_bins;                   /* the n-th reading of bins from now fails; 0: none */
    void (*at_bins)(struct store *); /* called once, after a reading of bins */
};

static struct sensor fake_sensor = {1, "gw"};

static inline struct store *fake_new(void)
{
    struct store *s = xcalloc(1, sizeof *s);

    s->shared =
        mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(s->shared, 0, sizeof *s->shared);
    return s;
}

static inline void fake_free(struct store *s)
{
    munmap(s->shared, sizeof *s->shared);
    free(s->bins);
    free(s->sources);
    free(s);
}

static inline struct source_fact *fake_source(struct store *s, int64_t hour, uint32_t source,
                                              uint32_t port, uint16_t country, uint8_t class)
{
    if (!s->sorted)
        for (size_t i = s->source_count; i-- > 0 && i + 50 > s->source_count;) {
            struct source_fact *f = &s->sources[i];
            if (f->hour == hour && ip_v4(&f->source) == source && f->port == port &&
                f->class == class)
                return f;
        }
    for (size_t i = 0; s->sorted && i < s->source_count; i++) {
        struct source_fact *f = &s->sources[i];
        if (f->hour == hour && ip_v4(&f->source) == source && f->port == port && f->class == class)
            return f;
    }
    if (s->source_count == s->source_room) {
        s->source_room = s->source_room * 2 + 64;
        s->sources = xrealloc(s->sources, s->source_room, sizeof *s->sources);
    }
    struct source_fact *f = &s->sources[s->source_count++];
    *f = (struct source_fact){.hour = hour,
                              .source = ip_from_v4(source),
                              .port = port,
                              .sensor = 1,
                              .country = country,
                              .class = class};
    return f;
}

static inline void fake_late(struct store *s, const struct bin_fact *f, bool all)
{
    struct fake_shared *x = s->shared;

    x->state.late++;
    ASSERT(x->late_count < FAKE_LATE_MAX);
    x->late[x->late_count] = (struct fake_late){.id = ++x->late_id, .all = all};
    if (f)
        x->late[x->late_count].fact = *f;
    x->late_count++;
}

static inline bool fake_is_known(const struct store *s, int64_t bin)
{
    bool known = false;

    for (size_t i = 0; i < s->watched_count; i++)
        known |= s->watched[i].from < bin + BIN_S && s->watched[i].to >= bin;
    for (size_t i = 0; i < s->bin_count; i++)
        known |= s->bins[i].bin == bin;
    return known;
}

/* n events at a time from one source. */
static inline void fake_event_class(struct store *s, int64_t when, uint32_t source, uint32_t port,
                                    uint16_t country, uint8_t class, uint64_t n)
{
    int64_t bin = when - when % BIN_S, hour = when - when % HOUR_S;
    struct source_fact *f = fake_source(s, hour, source, port, country, class);

    uint16_t second = (uint16_t)(when - hour);
    f->first = f->events == 0 || second < f->first ? second : f->first;
    f->last = second > f->last ? second : f->last;
    f->events += n;
    f->spread[(bin - hour) / BIN_S] += (uint32_t)n;
    if (s->bin_count == s->bin_room) {
        s->bin_room = s->bin_room * 2 + 64;
        s->bins = xrealloc(s->bins, s->bin_room, sizeof *s->bins);
    }
    struct bin_fact fact = {
        .bin = bin, .events = n, .port = port, .sensor = 1, .country = country, .class = class};
    if (bin < s->shared->state.written)
        fake_late(s, &fact, !fake_is_known(s, bin));
    s->bins[s->bin_count++] = fact;
    s->sorted = false;
}

static inline void fake_event(struct store *s, int64_t when, uint32_t source, uint32_t port,
                              uint16_t country, uint64_t n)
{
    fake_event_class(s, when, source, port, country, CLASS_SCAN, n);
}

/* Both inclusive. */
static inline void fake_watched(struct store *s, int64_t from, int64_t to)
{
    ASSERT(s->watched_count < 64);
    s->watched[s->watched_count++] = (struct fake_span){from, to};
}

static int fake_by_bin(const void *a, const void *b)
{
    const struct bin_fact *x = a, *y = b;

    return x->bin < y->bin ? -1 : x->bin > y->bin;
}

static int fake_by_source(const void *a, const void *b)
{
    const struct source_fact *x = a, *y = b;

    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    int c = ip_compare(&x->source, &y->source);
    if (c)
        return c;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static inline void fake_sort(struct store *s)
{
    if (s->sorted)
        return;
    qsort(s->bins, s->bin_count, sizeof *s->bins, fake_by_bin);
    qsort(s->sources, s->source_count, sizeof *s->sources, fake_by_source);
    s->sorted = true;
}

/* ---- store.h ---- */

int store_open_again(const struct store *s, struct store **out)
{
    (void)s;
    (void)out;
    return -EIO; /* it is read by one thread only */
}

void store_close(struct store *s)
{
    (void)s;
}

const char *store_error(const struct store *s)
{
    (void)s;
    return "the fake was told to fail";
}

int store_rules(struct store *s, const struct rules **out)
{
    *out = s->rules;
    return 0;
}

int store_sensors(struct store *s, const struct sensor **list, size_t *n)
{
    (void)s;
    *list = &fake_sensor;
    *n = 1;
    return 0;
}

int store_extent(struct store *s, uint16_t sensor, int64_t *from, int64_t *to)
{
    (void)sensor;
    *from = INT64_MAX;
    *to = INT64_MIN;
    for (size_t i = 0; i < s->bin_count; i++) {
        *from = s->bins[i].bin < *from ? s->bins[i].bin : *from;
        *to = s->bins[i].bin > *to ? s->bins[i].bin : *to;
    }
    for (size_t i = 0; i < s->watched_count; i++) {
        *from = s->watched[i].from < *from ? s->watched[i].from : *from;
        *to = s->watched[i].to > *to ? s->watched[i].to : *to;
    }
    return *from == INT64_MAX ? -ENOENT : 0;
}

int store_read_bins(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_bin_cb cb,
                    void *ctx)
{
    (void)sensor;
    if (s->fail_bins && --s->fail_bins == 0)
        return -EIO;
    fake_sort(s);
    size_t lo = 0, hi = s->bin_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->bins[mid].bin < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < s->bin_count && s->bins[lo].bin < to; lo++) {
        int rc = cb(ctx, &s->bins[lo]);
        if (rc)
            return rc;
    }
    if (s->at_bins) {
        void (*at)(struct store *) = s->at_bins;
        s->at_bins = NULL;
        at(s);
    }
    return 0;
}

int store_read_sources(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_source_cb cb, void *ctx)
{
    (void)sensor;
    fake_sort(s);
    size_t lo = 0, hi = s->source_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->sources[mid].hour + HOUR_S <= from)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < s->source_count && s->sources[lo].hour < to; lo++) {
        int rc = cb(ctx, &s->sources[lo]);
        if (rc)
            return rc;
    }
    return 0;
}

int store_read_repeats(struct store *s, uint16_t sensor, int64_t from, int64_t to,
                       store_repeats_cb cb, void *ctx)
{
    (void)s, (void)sensor, (void)from, (void)to, (void)cb, (void)ctx;
    return 0;
}

int store_known(struct store *s, uint16_t sensor, int64_t from, int64_t to, uint8_t *known)
{
    (void)sensor;
    fake_sort(s);
    for (int64_t bin = from; bin < to; bin += BIN_S) {
        uint8_t *k = &known[(bin - from) / BIN_S];
        *k = 0;
        for (size_t i = 0; i < s->watched_count; i++)
            *k |= s->watched[i].from < bin + BIN_S && s->watched[i].to >= bin;
    }
    for (size_t i = 0; i < s->bin_count; i++)
        if (s->bins[i].bin >= from && s->bins[i].bin < to)
            known[(s->bins[i].bin - from) / BIN_S] = 1;
    return 0;
}

int store_series_state(struct store *s, uint16_t sensor, struct series_state *out)
{
    (void)sensor;
    *out = s->shared->state;
    return 0;
}

int store_set_series_state(struct store *s, uint16_t sensor, const struct series_state *state)
{
    (void)sensor;
    s->shared->state.written = state->written;
    s->shared->state.rebuilt = state->rebuilt;
    return 0;
}

int store_read_late(struct store *s, uint16_t sensor, int64_t after, store_bin_cb cb, void *ctx,
                    int64_t *last, bool *all)
{
    (void)sensor;
    *last = after;
    *all = false;
    for (size_t i = 0; i < s->shared->late_count; i++) {
        const struct fake_late *l = &s->shared->late[i];
        if (l->id <= after)
            continue;
        *last = l->id;
        *all |= l->all;
        int rc = l->all ? 0 : cb(ctx, &l->fact);
        if (rc)
            return rc;
    }
    return 0;
}

int store_drop_late(struct store *s, uint16_t sensor, int64_t last, uint64_t rebuilt)
{
    struct fake_shared *x = s->shared;
    size_t kept = 0;

    (void)sensor;
    for (size_t i = 0; i < x->late_count; i++)
        if (x->late[i].id > last)
            x->late[kept++] = x->late[i];
    x->late_count = kept;
    x->state.rebuilt = rebuilt;
    return 0;
}

int store_touch_series(struct store *s, uint16_t sensor)
{
    (void)sensor;
    fake_late(s, NULL, true);
    return 0;
}

int store_note_unsynced(struct store *s, uint16_t sensor, const char *boot)
{
    (void)sensor;
    s->shared->notes += strcmp(s->shared->unsynced, boot) != 0;
    snprintf(s->shared->unsynced, sizeof s->shared->unsynced, "%s", boot);
    return 0;
}

int store_note_synced(struct store *s)
{
    s->shared->unsynced[0] = 0;
    return 0;
}

int store_touch_unsynced(struct store *s, const char *boot, size_t *n)
{
    *n = s->shared->unsynced[0] && strcmp(s->shared->unsynced, boot) != 0;
    if (*n) {
        fake_late(s, NULL, true);
        s->shared->unsynced[0] = 0;
    }
    return 0;
}

int store_pairs(struct store *s, uint16_t sensor, struct series_pair **list, size_t *n)
{
    (void)sensor;
    *n = s->pair_count;
    *list = xcalloc(*n + 1, sizeof **list);
    memcpy(*list, s->pairs, *n * sizeof **list);
    return 0;
}

int store_put_pair(struct store *s, uint16_t sensor, const struct series_pair *pair)
{
    (void)sensor;
    for (size_t i = 0; i < s->pair_count; i++)
        if (s->pairs[i].port == pair->port && s->pairs[i].country == pair->country) {
            s->pairs[i] = *pair;
            return 0;
        }
    ASSERT(s->pair_count < 64);
    s->pairs[s->pair_count++] = *pair;
    return 0;
}

int store_drop_pair(struct store *s, uint16_t sensor, uint32_t port, uint16_t country)
{
    (void)sensor;
    for (size_t i = 0; i < s->pair_count; i++)
        if (s->pairs[i].port == port && s->pairs[i].country == country) {
            s->pairs[i] = s->pairs[--s->pair_count];
            return 0;
        }
    return -ENOENT;
}

#endif

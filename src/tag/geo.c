#include "tag/geo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "tag/mmdb.h"

enum {
    WIDE_BITS = 16,
    FINE_BITS = 24,
    FINE_SIZE = 1 << (FINE_BITS - WIDE_BITS),
    MIXED = 0x10000,  /* in `wide`: a number of a block in `fine` follows */
    BY_TREE = 0xffff, /* in `fine`: finer than a /24, ask the tree */
    SEEN_SLOTS = 1024
};

/* Countries by the first 16 bits; where these don't decide, by the next 8. A flat table of all 24
 * would be 32 MiB, which no cache holds: sources are spread over the whole space. */
struct flat {
    uint32_t wide[1 << WIDE_BITS];
    uint16_t (*fine)[FINE_SIZE];
    uint32_t fine_count, fine_cap;
};

struct geo {
    struct mmdb_file file;
    char *path; /* NULL: no database */
    _Atomic(struct flat *) flat;
    pthread_t thread;
    bool expanding;
    atomic_bool stop;
};

static const char *const paths[][3] = {
    {"country", "iso_code", NULL},
    {"registered_country", "iso_code", NULL},
    {"country_code", NULL, NULL},
};

static uint16_t entry_country(MMDB_entry_s *entry)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        MMDB_entry_data_s data;
        uint16_t key;
        if (MMDB_aget_value(entry, &data, (const char *const *)paths[i]) == MMDB_SUCCESS &&
            data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING &&
            country_parse((struct str){data.utf8_string, data.data_size}, &key) == 0)
            return key;
    }
    return COUNTRY_UNKNOWN;
}

static int look_up(const struct geo *g, const struct ip *ip, uint16_t *country)
{
    int code = MMDB_SUCCESS;

    *country = COUNTRY_UNKNOWN;
    MMDB_lookup_result_s found = mmdb_look_up(&g->file.db, ip, &code);
    if (code == MMDB_SUCCESS && found.found_entry)
        *country = entry_country(&found.entry);
    return code;
}

/* Walks over addresses spread over the whole space: a truncated or damaged file shows here, not at
 * the millionth line. */
static int try_database(const struct geo *g)
{
    for (uint32_t i = 0; i < 4096; i++) {
        struct ip ip = ip_from_v4(i << 20 | (i * 2654435761u >> 12));
        uint16_t country;
        int code = look_up(g, &ip, &country);
        if (code != MMDB_SUCCESS)
            return code;
    }
    return MMDB_SUCCESS;
}

int geo_open(const char *path, struct geo **out, struct error *err)
{
    struct geo *g = geo_none();
    int code = mmdb_open(path, &g->file);

    if (code == MMDB_SUCCESS) {
        g->path = xstrdup(path);
        code = try_database(g);
    }
    if (code != MMDB_SUCCESS) {
        mmdb_fault(path, code, "country database", "country", err);
        geo_close(g);
        return -EINVAL;
    }
    *out = g;
    return 0;
}

struct geo *geo_none(void)
{
    return xcalloc(1, sizeof(struct geo));
}

static void flat_free(struct flat *f)
{
    if (f)
        free(f->fine);
    free(f);
}

void geo_close(struct geo *g)
{
    if (!g)
        return;
    if (g->expanding) {
        atomic_store(&g->stop, true);
        pthread_join(g->thread, NULL);
    }
    flat_free(atomic_load(&g->flat));
    if (g->path)
        MMDB_close(&g->file.db);
    free(g->path);
    free(g);
}

uint16_t geo_country(const struct geo *g, const struct ip *ip)
{
    uint16_t country = COUNTRY_UNKNOWN;

    if (ip->family == 4) {
        const struct flat *flat = atomic_load_explicit(&g->flat, memory_order_acquire);
        uint32_t v = ip_v4(ip), at = flat ? flat->wide[v >> (32 - WIDE_BITS)] : BY_TREE;
        country = (uint16_t)(at < MIXED
                                 ? at
                                 : flat->fine[at - MIXED][v >> (32 - FINE_BITS) & (FINE_SIZE - 1)]);
        if (country != BY_TREE)
            return country;
    }
    if (!ip_is_global(ip))
        return COUNTRY_LOCAL;
    if (!g->path)
        return COUNTRY_UNKNOWN;
    look_up(g, ip, &country);
    return country;
}

void geo_countries(const struct geo *g, const struct ip *list, size_t n, uint16_t *countries)
{
    const struct flat *flat = atomic_load_explicit(&g->flat, memory_order_acquire);

    for (size_t i = 0; flat && i < n; i++) {
        uint32_t v = list[i].family == 4 ? ip_v4(&list[i]) : 0,
                 at = flat->wide[v >> (32 - WIDE_BITS)];
        if (at >= MIXED)
            __builtin_prefetch(&flat->fine[at - MIXED][v >> (32 - FINE_BITS) & (FINE_SIZE - 1)]);
    }
    for (size_t i = 0; i < n; i++)
        countries[i] = geo_country(g, &list[i]);
}

/* ---- the flat table ---- */

struct expansion {
    struct geo *g;
    struct flat *flat;
    struct {
        uint32_t offset;
        uint16_t country;
        bool used;
    } seen[SEEN_SLOTS];
};

/* The block of a /16, made from what its entry said until now. */
static uint16_t *fine_block(struct flat *f, uint32_t wide)
{
    if (f->wide[wide] < MIXED) {
        if (f->fine_count == f->fine_cap)
            f->fine = xrealloc(f->fine, f->fine_cap = f->fine_cap * 2 + 1024, sizeof *f->fine);
        for (int i = 0; i < FINE_SIZE; i++)
            f->fine[f->fine_count][i] = (uint16_t)f->wide[wide];
        f->wide[wide] = MIXED + f->fine_count++;
    }
    return f->fine[f->wide[wide] - MIXED];
}

/* All addresses of a network of `depth` bits, at most FINE_BITS. */
static void fill(struct expansion *x, uint32_t net, unsigned depth, uint16_t country)
{
    if (depth <= WIDE_BITS) {
        uint32_t from = net << (WIDE_BITS - depth);
        for (uint32_t i = 0; i < 1u << (WIDE_BITS - depth); i++)
            x->flat->wide[from + i] = country;
        return;
    }
    uint32_t from = net << (FINE_BITS - depth);
    uint16_t *block = fine_block(x->flat, from / FINE_SIZE);
    for (uint32_t i = 0; i < 1u << (FINE_BITS - depth); i++)
        block[from % FINE_SIZE + i] = country;
}

static uint16_t seen_country(struct expansion *x, MMDB_entry_s *entry)
{
    size_t slot = entry->offset % SEEN_SLOTS;

    if (!x->seen[slot].used || x->seen[slot].offset != entry->offset) {
        x->seen[slot].used = true;
        x->seen[slot].offset = entry->offset;
        x->seen[slot].country = entry_country(entry);
    }
    return x->seen[slot].country;
}

/* One side of a node: `net` has `depth` bits. False when a node can't be read. */
static bool walk(struct expansion *x, uint32_t node, uint32_t net, unsigned depth);

static bool walk_side(struct expansion *x, uint64_t record, uint8_t type, MMDB_entry_s *entry,
                      uint32_t net, unsigned depth)
{
    if (atomic_load_explicit(&x->g->stop, memory_order_relaxed))
        return false;
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE && depth < FINE_BITS)
        return walk(x, (uint32_t)record, net, depth);
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE)
        fill(x, net, depth, BY_TREE);
    else if (type == MMDB_RECORD_TYPE_DATA)
        fill(x, net, depth, seen_country(x, entry));
    else if (type == MMDB_RECORD_TYPE_EMPTY)
        fill(x, net, depth, COUNTRY_UNKNOWN);
    else
        return false;
    return true;
}

static bool walk(struct expansion *x, uint32_t node, uint32_t net, unsigned depth)
{
    MMDB_search_node_s n;

    if (MMDB_read_node(&x->g->file.db, node, &n) != MMDB_SUCCESS)
        return false;
    return walk_side(x, n.left_record, n.left_record_type, &n.left_record_entry, net << 1,
                     depth + 1) &&
           walk_side(x, n.right_record, n.right_record_type, &n.right_record_entry, net << 1 | 1,
                     depth + 1);
}

/* A /24 is local as a whole or not at all: no block of the list is smaller. */
static void mark_local(struct expansion *x)
{
    uint32_t net;
    unsigned bits;

    for (size_t i = 0; ip_local_block(i, &net, &bits); i++)
        fill(x, net >> (32 - bits), bits, COUNTRY_LOCAL);
}

static void *expand_thread(void *arg)
{
    struct geo *g = arg;
    struct expansion x = {.g = g, .flat = xcalloc(1, sizeof *x.flat)};
    bool good = true;

    if (!g->path || g->file.db.ipv4_start_node.node_value >= g->file.db.metadata.node_count) {
        const struct ip any = ip_from_v4(0x01010101); /* one answer for all of IPv4, or none */
        uint16_t country = COUNTRY_UNKNOWN;
        if (g->path)
            look_up(g, &any, &country);
        fill(&x, 0, 0, country);
    } else
        good = walk(&x, g->file.db.ipv4_start_node.node_value, 0, 0);
    if (good) {
        mark_local(&x);
        atomic_store_explicit(&g->flat, x.flat, memory_order_release);
    } else {
        flat_free(x.flat);
    }
    return NULL;
}

void geo_expand(struct geo *g)
{
    if (!g->expanding)
        g->expanding = pthread_create(&g->thread, NULL, expand_thread, g) == 0;
}

bool geo_is_expanded(const struct geo *g)
{
    return atomic_load(&g->flat) != NULL;
}

const char *geo_path(const struct geo *g)
{
    return g->path;
}

const char *geo_type(const struct geo *g)
{
    return g->path ? g->file.db.metadata.database_type : NULL;
}

int64_t geo_built(const struct geo *g)
{
    return g->path ? (int64_t)g->file.db.metadata.build_epoch : 0;
}

bool geo_replaced(const struct geo *g)
{
    return g->path && mmdb_replaced(g->path, &g->file);
}

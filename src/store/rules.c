#include "store/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/fault.h"
#include "base/port.h"
#include "base/sort.h"
#include "store/burst.h"
#include "store/delta.h"

enum { CLASS_BITS = 2, COUNTRY_BITS = 10, RULE_SHIFT = CLASS_BITS + PORT_KEY_BITS + COUNTRY_BITS };

/* ---- the table ---- */

static int parse_networks(struct rule *rule, struct str text)
{
    size_t cap = 0;

    while (text.n) {
        const char *blank = memchr(text.p, ' ', text.n);
        struct str word = {text.p, blank ? (size_t)(blank - text.p) : text.n};
        if (rule->n == cap)
            rule->networks = xrealloc(rule->networks, cap = cap * 2 + 8, sizeof *rule->networks);
        if (network_parse(word, &rule->networks[rule->n++]) < 0)
            return -EBADMSG;
        text = str_skip(text, word.n + (blank != NULL));
    }
    return 0;
}

static struct buf format_networks(const struct rule *rule)
{
    char text[NETWORK_TEXT_MAX];
    struct buf b = {0};

    for (size_t i = 0; i < rule->n; i++) {
        size_t n = network_format(&rule->networks[i], text);
        if (i)
            buf_put(&b, " ", 1);
        buf_put(&b, text, n);
    }
    return b;
}

struct rule_list {
    struct rule *list;
    size_t n;
};

static void list_fini(struct rule_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        rule_fini(&l->list[i]);
    free(l->list);
    *l = (struct rule_list){0};
}

/* All rules that ever were, in their order; those no longer in force have no networks. */
static int read_rules(struct store *s, struct rule_list *l)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT number, kind, name, networks FROM rule ORDER BY place, number");
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        l->list = xrealloc(l->list, l->n + 1, sizeof *l->list);
        struct rule *rule = &l->list[l->n++];
        const char *kind = (const char *)sqlite3_column_text(q, 1),
                   *name = (const char *)sqlite3_column_text(q, 2),
                   *networks = (const char *)sqlite3_column_text(q, 3);
        *rule = (struct rule){.number = (uint16_t)sqlite3_column_int(q, 0),
                              .kind = strcmp(kind, rule_kind_name(RULE_EXCLUDE)) ? RULE_SCANNER
                                                                                 : RULE_EXCLUDE,
                              .name = xstrdup(name)};
        rc = parse_networks(rule, str_from(networks));
        if (rc < 0) {
            snprintf(s->said, sizeof s->said, "rule %u is damaged: restore %s from a backup",
                     rule->number, s->path);
            rc = -EIO;
            break;
        }
    }
    sqlite3_reset(q);
    return rc;
}

/* Grows with each change of the rules. */
static int read_generation(struct store *s, int64_t *out)
{
    sqlite3_stmt *q = db_statement(s, "SELECT ifnull(max(generation), 0) FROM rule");
    int rc = db_step(s, q);

    *out = rc > 0 ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_rules(struct store *s, const struct rules **out)
{
    struct rule_list l = {0};
    int64_t generation;
    int rc = read_generation(s, &generation);

    if (rc == 0 && (!s->rules || generation != s->rules_generation)) {
        rc = read_rules(s, &l);
        if (rc == 0) {
            rules_free(s->rules);
            s->rules = rules_new(l.list, l.n);
            s->rules_generation = generation;
        }
        list_fini(&l);
    }
    *out = s->rules;
    return rc;
}

static const struct rule *find_rule(const struct rule_list *l, enum rule_kind kind,
                                    const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->list[i].kind == kind && strcmp(l->list[i].name, name) == 0)
            return &l->list[i];
    return NULL;
}

static bool same_networks(const struct rule *a, const struct rule *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (network_compare(&a->networks[i], &b->networks[i]) != 0)
            return false;
    return true;
}

/* The list with sorted networks, and with the numbers that the facts know or will. */
static int number_rules(const struct rule_list *old, const struct rule *list, size_t n,
                        struct rule_list *out)
{
    unsigned next = 1;

    for (size_t i = 0; i < old->n; i++)
        if (old->list[i].number >= next)
            next = old->list[i].number + 1U;
    out->list = xcalloc(n + 1, sizeof *out->list);
    for (size_t i = 0; i < n; i++) {
        const struct rule *known = find_rule(old, list[i].kind, list[i].name);
        if (!known && next > UINT16_MAX)
            return -ENOSPC;
        struct rule *rule = &out->list[out->n++];
        *rule = (struct rule){.number = known ? known->number : (uint16_t)next++,
                              .kind = list[i].kind,
                              .name = xstrdup(list[i].name),
                              .networks = xcalloc(list[i].n + 1, sizeof *rule->networks),
                              .n = list[i].n};
        if (rule->n)
            memcpy(rule->networks, list[i].networks, rule->n * sizeof *rule->networks);
        rule_sort(rule);
    }
    return 0;
}

/* Whether the rules in force are others, or in another order. */
static bool differ(const struct rule_list *old, const struct rule_list *new)
{
    size_t i = 0;

    for (size_t k = 0; k < new->n; k++) {
        if (new->list[k].n == 0)
            continue;
        while (i < old->n && old->list[i].n == 0)
            i++;
        if (i == old->n || old->list[i].number != new->list[k].number ||
            !same_networks(&old->list[i], &new->list[k]))
            return true;
        i++;
    }
    while (i < old->n && old->list[i].n == 0)
        i++;
    return i < old->n;
}

static int write_rule(struct store *s, const struct rule *rule, int64_t place, int64_t generation)
{
    struct buf networks = format_networks(rule);
    sqlite3_stmt *q = db_statement(
        s, "INSERT INTO rule (number, place, generation, kind, name, networks)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
           " ON CONFLICT (number) DO UPDATE SET place = ?2, generation = ?3, networks = ?6");

    if (q) {
        sqlite3_bind_text(q, 4, rule_kind_name(rule->kind), -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 5, rule->name, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text64(q, 6, networks.n ? (const char *)networks.p : "", networks.n,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    int rc = db_run(s, q, 3, (int64_t[]){rule->number, place, generation});
    buf_fini(&networks);
    return rc;
}

static int write_rules(struct store *s, const struct rule_list *old, const struct rule_list *new)
{
    int64_t generation;
    int rc = read_generation(s, &generation);

    for (size_t i = 0; i < old->n && rc == 0; i++)
        if (!find_rule(new, old->list[i].kind, old->list[i].name))
            rc = db_exec(s, "UPDATE rule SET networks = '', generation = ? WHERE number = ?",
                         generation + 1, old->list[i].number);
    for (size_t i = 0; i < new->n &&rc == 0; i++)
        rc = write_rule(s, &new->list[i], (int64_t)i, generation + 1);
    return rc;
}

/* ---- how far it reaches ---- */

static int read_reach(struct store *s, struct rules_change *out)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT (SELECT min(start) FROM segment WHERE kind = 2 AND sensor = x.id AND NOT EXISTS"
           "   (SELECT 1 FROM lean WHERE lean.sensor = x.id AND hour = start)),"
           " (SELECT min(start) FROM segment WHERE kind = 1 AND sensor = x.id),"
           " (SELECT count(*) FROM lean WHERE sensor = x.id) FROM sensor x");
    int64_t whole = INT64_MAX, cut = INT64_MIN;
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        if (sqlite3_column_type(q, 1) == SQLITE_NULL)
            continue;
        out->lean += (uint64_t)sqlite3_column_int64(q, 2);
        int64_t source =
            sqlite3_column_type(q, 0) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(q, 0);
        if (sqlite3_column_int64(q, 1) < source)
            cut = source > cut ? source : cut;
        else
            whole = source < whole ? source : whole;
    }
    sqlite3_reset(q);
    out->older = cut != INT64_MIN;
    out->reach = out->older ? cut : whole;
    return rc;
}

/* ---- moving counts ---- */

/* So many events of a bin of the hour from one rule to another. `key` lacks the rule. */
struct move {
    uint64_t key, events;
    uint16_t from, to;
    uint8_t bin;
};

struct entries {
    uint64_t *keys, *events;
    size_t n, cap;
};

struct moving {
    struct store *s;
    const struct rules *old, *new;
    struct move *moves;
    size_t n, cap;
    struct entries bin;
    struct item *items, *spare;
    uint64_t *sums;
    size_t room;
    struct segment_writer writer;
    struct rules_change *change;
};

static int take_source(void *ctx, const struct source_fact *f)
{
    struct moving *m = ctx;
    uint16_t from = rules_of(m->old, f), to = rules_of(m->new, f);

    m->change->anonymous |= f->kept_rule != 0;
    if (from == to)
        return 0;
    uint64_t key = ((uint64_t)f->class << PORT_KEY_BITS | f->port) << COUNTRY_BITS | f->country;
    for (uint8_t i = 0; i < HOUR_BINS; i++) {
        if (f->spread[i] == 0)
            continue;
        if (m->n == m->cap)
            m->moves = xrealloc(m->moves, m->cap = m->cap * 2 + 256, sizeof *m->moves);
        m->moves[m->n++] = (struct move){key, f->spread[i], from, to, i};
    }
    return 0;
}

static int by_bin(const void *a, const void *b)
{
    const struct move *x = a, *y = b;

    return (x->bin > y->bin) - (x->bin < y->bin);
}

static void put_entry(struct entries *e, uint64_t key, uint64_t events)
{
    if (e->n == e->cap) {
        e->cap = e->cap * 2 + 1024;
        e->keys = xrealloc(e->keys, e->cap, sizeof *e->keys);
        e->events = xrealloc(e->events, e->cap, sizeof *e->events);
    }
    e->keys[e->n] = key;
    e->events[e->n++] = events;
}

/* In the order of their keys, equal ones added up. */
static void settle(struct moving *m)
{
    struct entries *e = &m->bin;
    size_t n = 0;

    if (e->n > m->room) {
        m->room = e->cap;
        m->items = xrealloc(m->items, m->room, sizeof *m->items);
        m->spare = xrealloc(m->spare, m->room, sizeof *m->spare);
        m->sums = xrealloc(m->sums, m->room, sizeof *m->sums);
    }
    for (size_t i = 0; i < e->n; i++)
        m->items[i] = (struct item){.key = e->keys[i], .count = (uint32_t)i};
    const struct item *it = sort_items(m->items, m->spare, e->n);
    for (size_t i = 0; i < e->n; i++) {
        if (n == 0 || e->keys[n - 1] != it[i].key) {
            m->sums[n] = 0;
            e->keys[n++] = it[i].key;
        }
        m->sums[n - 1] += e->events[it[i].count];
    }
    if (n)
        memcpy(e->events, m->sums, n * sizeof *e->events);
    e->n = n;
}

static int take_bin(void *ctx, const struct bin_fact *f)
{
    uint64_t key = ((uint64_t)f->class << PORT_KEY_BITS | f->port) << COUNTRY_BITS | f->country;

    put_entry(ctx, (uint64_t)f->rule << RULE_SHIFT | key, f->events);
    return 0;
}

/* The entry of a key among the first n, which are settled; NULL: none. */
static uint64_t *find_entry(struct entries *e, size_t n, uint64_t key)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (e->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && e->keys[low] == key ? &e->events[low] : NULL;
}

/* Of a pair that its bin tells only together with others (store/bound.h). */
static uint64_t take_from_rest(struct moving *m, size_t settled, const struct move *v,
                               uint64_t events)
{
    uint64_t pair = ((uint64_t)1 << (PORT_KEY_BITS + COUNTRY_BITS)) - 1, country = v->key & 0x3ff;
    uint64_t class = (uint64_t)v->from << RULE_SHIFT | (v->key & ~pair),
             port = v->key >> COUNTRY_BITS & (pair >> COUNTRY_BITS);
    uint64_t *of_port = find_entry(&m->bin, settled, class | port << COUNTRY_BITS | COUNTRY_OTHER),
             *of_country =
                 find_entry(&m->bin, settled, class | PORT_OTHER << COUNTRY_BITS | country),
             *minus =
                 find_entry(&m->bin, settled, class | PORT_OTHER << COUNTRY_BITS | COUNTRY_OTHER);

    if (!of_port || !of_country || !minus)
        return 0;
    uint64_t take = *of_port < *of_country ? *of_port : *of_country;
    take = take < events ? take : events;
    *of_port -= take;
    *of_country -= take;
    *minus += take;
    return take;
}

/* Which ports a source of a flood knocked at may not be known; its bins don't tell it either. */
static bool port_is_known(const struct move *v)
{
    return (v->key >> COUNTRY_BITS & ((1 << PORT_KEY_BITS) - 1)) != PORT_OTHER;
}

static void move_entries(struct moving *m, const struct move *moves, size_t n)
{
    size_t settled = m->bin.n;

    for (size_t i = 0; i < n; i++) {
        const struct move *v = &moves[i];
        uint64_t *have = find_entry(&m->bin, settled, (uint64_t)v->from << RULE_SHIFT | v->key);
        uint64_t take = 0;
        if (port_is_known(v)) {
            take = !have ? 0 : *have < v->events ? *have : v->events;
            if (take)
                *have -= take;
            take += take_from_rest(m, settled, v, v->events - take);
        }
        m->change->events += take;
        m->change->stuck += v->events - take;
        if (take == 0)
            continue;
        put_entry(&m->bin, (uint64_t)v->to << RULE_SHIFT | v->key, take);
    }
    settle(m);
}

static int write_bin(struct moving *m, uint16_t sensor, int64_t start)
{
    segment_begin(&m->writer, FACT_BIN);
    for (size_t i = 0; i < m->bin.n; i++) {
        uint64_t key = m->bin.keys[i];
        if (m->bin.events[i])
            segment_put_bin(&m->writer, (uint16_t)(key >> RULE_SHIFT),
                            key >> (PORT_KEY_BITS + COUNTRY_BITS) & ((1 << CLASS_BITS) - 1),
                            key >> COUNTRY_BITS & ((1 << PORT_KEY_BITS) - 1),
                            key & ((1 << COUNTRY_BITS) - 1), m->bin.events[i]);
    }
    struct buf *b = segment_finish(&m->writer);
    return delta_replace(m->s, FACT_BIN, sensor, start, m->writer.events, b);
}

static int move_bin(struct moving *m, uint16_t sensor, int64_t start, const struct move *moves,
                    size_t n)
{
    uint64_t before = m->change->events;

    m->bin.n = 0;
    int rc = store_read_bins(m->s, sensor, start, start + 1, take_bin, &m->bin);
    if (rc < 0)
        return rc;
    settle(m);
    move_entries(m, moves, n);
    return m->change->events == before ? 0 : write_bin(m, sensor, start);
}

/* The series and the margin of an hour whose bins have changed. The margin's sketches can't be
 * subtracted from, so it is made anew, unless some of the hour's sources aren't known any more. */
static int touch_hour(struct store *s, uint16_t sensor, int64_t hour)
{
    int rc = late_note_all(s, sensor, hour);

    if (rc == 0)
        rc = db_exec(s,
                     "DELETE FROM segment WHERE kind = 4 AND sensor = ?1 AND start = ?2 AND NOT"
                     " EXISTS (SELECT 1 FROM lean WHERE sensor = ?1 AND hour = ?2)",
                     sensor, hour);
    if (rc == 0)
        rc =
            db_exec(s, "INSERT OR IGNORE INTO unfolded (sensor, hour) VALUES (?, ?)", sensor, hour);
    return rc;
}

/* Bins long past are summed up by the hour, in the place of its first. */
static int sum_moves_up(struct moving *m, uint16_t sensor, int64_t hour)
{
    sqlite3_stmt *q = db_statement(m->s, "SELECT max(start) FROM segment WHERE kind = 1 AND sensor "
                                         "= ?1 AND start >= ?2 AND start < ?2 + 3600");

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, hour);
    }
    int rc = db_step(m->s, q);
    bool one = rc > 0 && sqlite3_column_int64(q, 0) == hour;
    sqlite3_reset(q);
    for (size_t i = 0; one && i < m->n; i++)
        m->moves[i].bin = 0;
    return rc < 0 ? rc : 0;
}

static int move_hour(struct moving *m, uint16_t sensor, int64_t hour)
{
    uint64_t before = m->change->events;

    m->n = 0;
    int rc = store_read_sources(m->s, sensor, hour, hour + 1, take_source, m);

    if (rc < 0 || m->n == 0 || (rc = sum_moves_up(m, sensor, hour)) < 0)
        return rc;
    qsort(m->moves, m->n, sizeof *m->moves, by_bin);
    for (size_t i = 0, n; i < m->n && rc == 0; i += n) {
        const struct move *first = &m->moves[i];
        for (n = 1; i + n < m->n && first[n].bin == first->bin; n++)
            ;
        rc = move_bin(m, sensor, hour + first->bin * BIN_S, first, n);
    }
    return rc < 0 || m->change->events == before ? rc : touch_hour(m->s, sensor, hour);
}

static int move_counts(struct moving *m)
{
    sqlite3_stmt *q = db_statement(
        m->s, "SELECT DISTINCT sensor, start FROM segment WHERE kind = 2 ORDER BY sensor, start");
    struct db_place *hours;
    size_t n;
    int rc = db_places(m->s, q, &hours, &n);

    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = move_hour(m, hours[i].sensor, hours[i].start);
        FAULT("moved");
    }
    free(hours);
    return rc;
}

static int move_all(struct store *s, const struct rule_list *old, const struct rule_list *new,
                    struct rules_change *change)
{
    struct moving m = {.s = s, .change = change};
    struct rules *was = rules_new(old->list, old->n), *will = rules_new(new->list, new->n);

    m.old = was;
    m.new = will;
    int rc = move_counts(&m);
    if (rc == 0)
        rc = burst_apply_rules(s, will);
    rules_free(was);
    rules_free(will);
    free(m.moves);
    free(m.bin.keys);
    free(m.bin.events);
    free(m.items);
    free(m.spare);
    free(m.sums);
    segment_writer_fini(&m.writer);
    return rc;
}

/* ---- the two calls ---- */

static int compare(struct store *s, const struct rule *list, size_t n, struct rule_list *old,
                   struct rule_list *new, struct rules_change *out)
{
    *out = (struct rules_change){.reach = INT64_MAX};
    int rc = read_rules(s, old);
    if (rc == 0)
        rc = number_rules(old, list, n, new);
    if (rc == 0)
        out->differ = differ(old, new);
    return rc == 0 && out->differ ? read_reach(s, out) : rc;
}

int store_compare_rules(struct store *s, const struct rule *list, size_t n,
                        struct rules_change *out)
{
    struct rule_list old = {0}, new = {0};
    int rc = compare(s, list, n, &old, &new, out);

    list_fini(&old);
    list_fini(&new);
    return rc;
}

int store_set_rules(struct store *s, const struct rule *list, size_t n, struct rules_change *out)
{
    struct rule_list old = {0}, new = {0};
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    rc = compare(s, list, n, &old, &new, out);
    if (rc == 0 && out->differ)
        rc = move_all(s, &old, &new, out);
    if (rc == 0 && out->differ)
        rc = write_rules(s, &old, &new);
    FAULT("ruled");
    rc = db_end(s, own, rc);
    list_fini(&old);
    list_fini(&new);
    return rc;
}
